"""A Gaussian density over named parameters, some of which may be fixed (variance 0)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from dcm import NormalMixture, checked_density
from dcm.tables import DataFrame, data_frame, density_columns, short_repr


@dataclass(frozen=True, eq=False)
class Gaussian:
    """N(mean, covariance); a parameter of variance 0 is fixed at its mean.

    Arguments:
        mean: (param,).
        covariance: (param, param), symmetric, positive definite over the parameters that vary.

    Raises `ValueError` where shapes differ, a value is not finite, or the covariance is none.
    """

    mean: Float[np.ndarray, "param"]
    covariance: Float[np.ndarray, "param param"]

    def __post_init__(self) -> None:
        mean, covariance = checked_density(self.mean, self.covariance, "a Gaussian")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "covariance", covariance)

    @property
    def sd(self) -> Float[np.ndarray, "param"]:
        """Standard deviations."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def free(self) -> np.ndarray:
        """Indices of the parameters that vary."""
        return np.flatnonzero(np.diag(self.covariance) > 0)

    @property
    def probability(self) -> Float[np.ndarray, "param"]:
        """P(θ > 0) of every parameter; of one that is fixed 1, ½ or 0 by the sign of its mean."""
        return NormalMixture.normal(self.mean, self.sd).above_zero

    def interval(self, level: float = 0.9) -> Float[np.ndarray, "param 2"]:
        """The central interval of every parameter that holds `level`: from, to."""
        return NormalMixture.normal(self.mean, self.sd).interval(level)

    def summary(self, names: Sequence[str] | None = None, level: float = 0.9) -> DataFrame:
        """One row a parameter: parameter, mean, sd, lower, upper, probability.

        Arguments:
            names: of the parameters; their numbers from 1 where None.
            level: held by the central interval from `lower` to `upper`. `probability` is P(θ > 0).
        """
        named = range(1, self.mean.size + 1) if names is None else names
        density = NormalMixture.normal(self.mean, self.sd)
        return data_frame({"parameter": list(named), **density_columns(density, level)})

    __repr__ = short_repr

    def marginal(self, places: np.ndarray) -> Gaussian:
        """The density of some of the parameters."""
        return Gaussian(self.mean[places], self.covariance[np.ix_(places, places)])

    def transformed(self, weights: Float[np.ndarray, "new param"]) -> Gaussian:
        """The density of weights · θ."""
        return Gaussian(weights @ self.mean, weights @ self.covariance @ weights.T)


class Gaussians(NamedTuple):
    """One density for each participant, over the same parameters."""

    mean: Float[np.ndarray, "subject param"]
    covariance: Float[np.ndarray, "subject param param"]

    def marginal(self, places: np.ndarray) -> Gaussians:
        """The densities of some of the parameters."""
        return Gaussians(self.mean[:, places], self.covariance[:, places[:, None], places])

    def average(self) -> Gaussian:
        """The average mean and the average covariance."""
        return Gaussian(self.mean.mean(axis=0), self.covariance.mean(axis=0))

    def averages(self, kept: Bool[np.ndarray, "fold subject"]) -> Gaussians:
        """The same of some participants at a time."""
        share = kept / kept.sum(axis=1, keepdims=True)
        size = self.mean.shape[1]
        return Gaussians(share @ self.mean, (share @ self.covariance.reshape(-1, size**2)).reshape(-1, size, size))

    def each(self) -> list[Gaussian]:
        """One `Gaussian` for each, checked together; raises `ValueError` as `Gaussian` does."""
        mean, covariance = np.array(self.mean), (self.covariance + np.swapaxes(self.covariance, 1, 2)) / 2
        try:
            np.linalg.cholesky(covariance)
            sound = np.isfinite(mean).all() and bool(np.isfinite(covariance).all())
        except np.linalg.LinAlgError:  # something is wrong, or fixed
            sound = False
        if not sound:
            return [Gaussian(*moments) for moments in zip(self.mean, self.covariance, strict=True)]
        mean.setflags(write=False)
        covariance.setflags(write=False)
        return [_checked(*moments) for moments in zip(mean, covariance, strict=True)]


def _checked(mean: np.ndarray, covariance: np.ndarray) -> Gaussian:
    """A Gaussian of arrays that are known to be a density's, read-only and symmetric."""
    made = object.__new__(Gaussian)
    object.__setattr__(made, "mean", mean)
    object.__setattr__(made, "covariance", covariance)
    return made


def precision(covariance: Float[np.ndarray, "*batch param param"]) -> Float[np.ndarray, "*batch param param"]:
    """The inverse of a positive-definite matrix, exactly symmetric, by its Cholesky factor."""
    half = np.linalg.solve(
        np.linalg.cholesky(covariance), np.broadcast_to(np.eye(covariance.shape[-1]), covariance.shape)
    )
    return np.swapaxes(half, -1, -2) @ half


def log_det(covariance: Float[np.ndarray, "*batch param param"]) -> Float[np.ndarray, "*batch"]:
    """ln|C| of a positive-definite matrix."""
    diagonal = np.diagonal(np.linalg.cholesky(covariance), axis1=-2, axis2=-1)
    return 2 * np.log(diagonal).sum(axis=-1)
