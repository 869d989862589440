"""The density of one quantity, or of each of several: a normal one, or a mixture of normal ones.

A first-level parameter has a normal density, a group effect a mixture where the spread between
participants is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

BISECTIONS = 60


@dataclass(frozen=True, eq=False)
class NormalMixture:
    """p(x) = Σ_g w_g N(x; m_g, s_g²), for any number of quantities.

    Fields (any leading shape; G components):
        weight: (…, G) sums to 1.
        means: (…, G).
        sds: (…, G); 0 where the quantity is fixed.
    """

    weight: Float[np.ndarray, "*any node"]
    means: Float[np.ndarray, "*any node"]
    sds: Float[np.ndarray, "*any node"]

    def __repr__(self) -> str:
        quantities, components = self.weight.shape[:-1], self.weight.shape[-1]
        return f"NormalMixture({list(quantities)} quantities, {components} components each)"

    @classmethod
    def normal(cls, mean: Float[np.ndarray, "*any"], sd: Float[np.ndarray, "*any"]) -> NormalMixture:
        """Of one component each."""
        means = np.asarray(mean, dtype=np.float64)[..., None]
        return cls(np.ones_like(means), means, np.asarray(sd, dtype=np.float64)[..., None])

    @property
    def mean(self) -> Float[np.ndarray, "*any"]:
        """Expectations."""
        return np.asarray((self.weight * self.means).sum(axis=-1))

    @property
    def sd(self) -> Float[np.ndarray, "*any"]:
        """Standard deviations."""
        off = self.means - self.mean[..., None]
        return np.asarray(np.sqrt((self.weight * (self.sds**2 + off**2)).sum(axis=-1)))

    @property
    def above_zero(self) -> Float[np.ndarray, "*any"]:
        """P(x > 0); of a quantity fixed at 0, ½."""
        return self.above(0.0)

    def above(self, value: float) -> Float[np.ndarray, "*any"]:
        """P(x > value)."""
        return _probability((self.weight * _tail(value - self.means, self.sds)).sum(axis=-1))

    def within(self, size: float) -> Float[np.ndarray, "*any"]:
        """P(|x| < size)."""
        low, high = (_tail(value - self.means, self.sds) for value in (-size, size))
        return _probability((self.weight * (low - high)).sum(axis=-1))

    def density(self, at: Float[np.ndarray, "point"]) -> Float[np.ndarray, "*any point"]:
        """p(x) at some values; infinite nowhere, so that what is fixed has none."""
        varies = self.sds > 0
        sds = np.where(varies, self.sds, 1.0)[..., None]
        z = (at - self.means[..., None]) / sds
        weight = np.where(varies, self.weight, 0.0)[..., None]
        return np.asarray((weight * np.exp(-(z**2) / 2) / sds).sum(-2) / np.sqrt(2 * np.pi))

    def interval(self, level: float = 0.9) -> Float[np.ndarray, "*any 2"]:
        """The central interval that holds `level` of the density: from, to.

        Raises `ValueError` where the level is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(f"an interval holds a share between 0 and 1, not {level}")
        return np.stack([self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)], axis=-1)

    def quantile(self, share: float) -> Float[np.ndarray, "*any"]:
        """The value below which `share` of the density lies, by bisection between those of the components."""
        from scipy.special import ndtri  # here and in `_tail`: SciPy is not loaded by `import dcm`

        each = self.means + ndtri(share) * self.sds
        low, high = each.min(axis=-1), each.max(axis=-1)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            below = (self.weight * _tail(self.means - middle[..., None], self.sds)).sum(axis=-1) < share
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2)

    def scaled(self, factor: float) -> NormalMixture:
        """Of factor · x."""
        return NormalMixture(self.weight, factor * self.means, abs(factor) * self.sds)

    def less(self, other: NormalMixture) -> NormalMixture:
        """Of x − y, for independent x and y: every component of the one with every one of the other."""
        shape = (*self.weight.shape[:-1], -1)
        weight = self.weight[..., :, None] * other.weight[..., None, :]
        means = self.means[..., :, None] - other.means[..., None, :]
        variance = self.sds[..., :, None] ** 2 + other.sds[..., None, :] ** 2
        return NormalMixture(weight.reshape(shape), means.reshape(shape), np.sqrt(variance).reshape(shape))

    def __getitem__(self, place: Any) -> NormalMixture:
        """Some of the quantities."""
        return NormalMixture(self.weight[place], self.means[place], self.sds[place])


def _probability(total: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """A sum over weights, which are 1 together to rounding."""
    return np.asarray(np.clip(total, 0.0, 1.0))


def _tail(distance: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """P(N(0, sd²) > distance); where sd is 0, 1, ½ or 0 by the distance's sign."""
    from scipy.special import ndtr

    sure = np.where(distance < 0, np.inf, np.where(distance > 0, -np.inf, 0.0))
    return np.asarray(ndtr(np.where(sd > 0, -distance / np.where(sd > 0, sd, 1.0), sure)))


@dataclass(frozen=True, eq=False)
class Marginal:
    """The posterior of one parameter or effect by itself.

    Fields:
        name: of the parameter or effect, such as ``A[V5<-V1]``.
        density: of this one quantity; in Hz, or in Hz per unit of the covariate, where the parameter is in Hz.
    """

    name: str
    density: NormalMixture

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return float(self.density.mean)

    @property
    def sd(self) -> float:
        """Posterior standard deviation; 0 where the parameter is fixed."""
        return float(self.density.sd)

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """The central interval that holds `level` of the posterior: from, to."""
        lower, upper = self.density.interval(level).tolist()
        return lower, upper

    def probability(self, above: float = 0.0) -> float:
        """P(θ > above | y)."""
        return float(self.density.above(above))

    def __repr__(self) -> str:
        return f"{self.name}: {self.mean:.3f} ± {self.sd:.3f}, P(> 0) = {self.probability():.3f}"
