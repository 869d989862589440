"""Prior densities over the parameters: our own, and those of SPM12 and SPM25 (Zeidman et al. 2019, table 3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float

from ._spec import Spec
from .tables import short_repr

Preset = Literal["none", "spm12", "spm25"]

CONNECTION_MEAN = 1 / 128  # Hz; a weak positive endogenous connection
CONNECTION_VARIANCE = 1 / 64
WIDE_CONNECTION_VARIANCE = 1 / 16  # of A off the diagonal: connections of ±0.5 Hz are not unheard of
WIDE_NOISE_VARIANCE = 1.0  # of λ: the noise's standard deviation is known to a factor of e^½ = 1.6
NOISE_VARIANCE = 1 / 128
HAEMODYNAMIC_VARIANCE = 1 / 256

ROUNDING, TINY = 1e-7, 1e-300  # asymmetry of a covariance, relative to its variances and not, that is rounding


@dataclass(frozen=True, eq=False)
class Prior:
    """A Gaussian prior over every parameter, θ ~ N(mean, covariance), and over the noise, λ ~ N(hE, hC) per region.

    Arguments:
        mean: (param,) in the order of `Layout`.
        covariance: (param, param), symmetric; a parameter with variance 0 is switched off and stays at its mean.
        noise_mean: prior mean hE of every region's log-precision λ.
        noise_variance: prior variance hC of λ; SPM has 1/128.

    Raises `ValueError` where shapes differ, values are not finite, or the covariance of the free parameters is not
    positive definite.
    """

    mean: Float[np.ndarray, "param"]
    covariance: Float[np.ndarray, "param param"]
    noise_mean: float = 6.0
    noise_variance: float = WIDE_NOISE_VARIANCE

    def __post_init__(self) -> None:
        mean, covariance = checked_density(self.mean, self.covariance, "the prior")
        if not (np.isfinite(self.noise_mean) and np.isfinite(self.noise_variance) and self.noise_variance > 0):
            raise ValueError("noise_mean must be finite, and noise_variance finite and positive")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "covariance", covariance)

    __repr__ = short_repr

    @cached_property
    def free(self) -> np.ndarray:
        """Indices of the parameters with prior variance, in order; read-only."""
        index = np.flatnonzero(np.diag(self.covariance) > 0)
        index.setflags(write=False)
        return index


def prior(
    spec: Spec, preset: Preset = "none", *, noise_mean: float = 6.0, noise_variance: float | None = None
) -> Prior:
    """The standard prior for `spec`.

    SPM12: A off the diagonal N(1/128, 1/64) where a = 1, its diagonal N(0, 1/64) always; B, C, D N(0, 1) where their
    mask is 1; transit, decay and epsilon N(0, 1/256); λ N(6, 1/128). SPM25: the diagonal of A is free, with mean 1/128
    too, only where the diagonal of a is 1. Our own, 'none': as SPM12, but A off the diagonal N(1/128, 1/16) and λ
    N(6, 1). SPM's widths shrink modulations towards 0, and hold the noise at 5 % of the series' range whatever it is.

    Arguments:
        noise_mean, noise_variance: of λ; the preset's variance where None.
    """
    n, layout = spec.n, spec.layout
    diagonal = np.eye(n, dtype=bool)
    match preset:
        case "none" | "spm12":
            free_a = spec.a | diagonal
            mean_a = CONNECTION_MEAN * (spec.a & ~diagonal)
        case "spm25":
            free_a = spec.a
            mean_a = CONNECTION_MEAN * spec.a
        case _:
            raise ValueError(f"priors must be 'none', 'spm12' or 'spm25', not {preset!r}")
    between = WIDE_CONNECTION_VARIANCE if preset == "none" else CONNECTION_VARIANCE
    if noise_variance is None:
        noise_variance = WIDE_NOISE_VARIANCE if preset == "none" else NOISE_VARIANCE
    mean = np.zeros(layout.size)
    variance = np.zeros(layout.size)
    mean[layout.field_slice("A")] = mean_a.ravel(order="F")
    variance[layout.field_slice("A")] = (np.where(diagonal, CONNECTION_VARIANCE, between) * free_a).ravel(order="F")
    for field, mask in (("B", spec.b), ("C", spec.c), ("D", spec.d)):
        variance[layout.field_slice(field)] = mask.ravel(order="F")[: layout.sizes[field]]
    for field in ("transit", "decay", "epsilon"):
        variance[layout.field_slice(field)] = HAEMODYNAMIC_VARIANCE
    return Prior(mean, np.diag(variance), noise_mean, noise_variance)


def checked_density(
    mean: Float[np.ndarray, "param"], covariance: Float[np.ndarray, "param param"], what: str
) -> tuple[Float[np.ndarray, "param"], Float[np.ndarray, "param param"]]:
    """Read-only copies of the mean and the covariance of a Gaussian, the latter exactly symmetric.

    Raises `ValueError`, about `what`, where shapes differ, a value is not finite, or the covariance is not symmetric,
    not positive definite over the parameters that vary, or not 0 for those that do not.
    """
    mean = np.array(mean, dtype=np.float64)
    covariance = np.array(covariance, dtype=np.float64)
    if mean.ndim != 1 or covariance.shape != (mean.size, mean.size):
        raise ValueError(
            f"{what} needs a mean (param,) and a covariance (param, param), not {mean.shape} and {covariance.shape}"
        )
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise ValueError(f"{what} must have a finite mean and covariance, but holds NaN or Inf")
    variance = np.diag(covariance)
    scale = np.sqrt(np.abs(variance))
    if (np.abs(covariance - covariance.T) > ROUNDING * np.outer(scale, scale) + TINY).any():
        raise ValueError(f"{what} must have a symmetric covariance")
    covariance = covariance / 2 + covariance.T / 2
    if (variance < 0).any() or covariance[variance <= 0].any():
        raise ValueError(f"{what} has a negative variance, or covariances where the variance is 0")
    free = np.flatnonzero(variance > 0)
    try:
        np.linalg.cholesky(covariance[np.ix_(free, free)])
    except np.linalg.LinAlgError:
        raise ValueError(
            f"the covariance of {what} is not positive definite over the parameters that vary; "
            "parameters that are tied to each other must be replaced by one"
        ) from None
    mean.setflags(write=False)
    covariance.setflags(write=False)
    return mean, covariance
