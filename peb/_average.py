"""Bayesian model averages, exactly: the first two moments of a mixture of Gaussians.

    μ = Σ_m p_m μ_m,    C = Σ_m p_m (C_m + μ_m μ_mᵀ) − μ μᵀ

over the models within a window of the best, their probabilities p_m made to sum to 1. (SPM12 draws 1,000 samples.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import logsumexp

from ._gaussian import Gaussian
from ._group import GroupPosterior
from ._reduction import BYTES_AT_ONCE, reduce, switched

WINDOW = 8.0  # nats below the best model from which a model is left out, as in SPM12
SEEN_SQUARE = 1e-6  # of the mean squared prior variance, above which SPM12 reduces over an effect


def average(
    densities: Sequence[Gaussian], free_energy: Float[np.ndarray, "model"], *, window: float = WINDOW
) -> Gaussian:
    """The Gaussian with the mean and covariance of the mixture of models' densities.

    Arguments:
        densities: of each model over the same parameters; one that a model lacks has variance 0 in it.
        free_energy: (model,) nats; where models differ in their prior probability, ln of it added.
        window: models this many nats below the best are left out.

    The variance of a parameter that every model fixes at one value is exactly 0.

    Raises `ValueError` where numbers differ, there is no model, a free energy is not finite or the window negative.

    Source: Penny et al. 2010; Friston & Penny 2011.
    """
    free_energy = np.asarray(free_energy, dtype=np.float64)
    if free_energy.shape != (len(densities),):
        raise ValueError(f"{len(densities)} densities need as many free energies, not {free_energy.shape}")
    kept, weight = within_window(free_energy, window)
    sizes = {densities[i].mean.size for i in kept}
    if len(sizes) > 1:
        raise ValueError(f"an average is over models of the same parameters, not of {sorted(sizes)} of them")
    means = np.stack([densities[i].mean for i in kept])
    return _mixture([(weight, means, np.stack([densities[i].covariance for i in kept]))])


def reducible_effects(group: GroupPosterior) -> Bool[np.ndarray, "effect"]:
    """The effects over which reductions are averaged: in SPM12's convention those of no very small prior variance.

    SPM12 reduces in the subspace of the prior covariance whose squared singular values exceed 1e-6 of their mean. What
    is outside stays in every model, integrated out, and comes back as 0 with variance 0. An effect's prior variance is
    per squared unit of its covariate, so a covariate in small units (age in days) leaves it. Outside SPM's
    modes every effect is seen.
    """
    variance = np.diag(group.prior.covariance)
    if group.compat == "none":
        return np.ones(variance.size, dtype=bool)
    return np.asarray(variance**2 > SEEN_SQUARE * (variance**2).mean())


def average_of_switches(
    group: GroupPosterior,
    on: Bool[np.ndarray, "model effect"],
    free_energy: Float[np.ndarray, "model"],
    window: float,
) -> Gaussian:
    """The `average` of a group's reductions to on/off patterns, never more than a batch of them in memory.

    Effects that are not among the `reducible_effects` are 0, with variance 0, as SPM12 reports them.
    """
    prior, posterior = group.prior, group.posterior
    kept, weight = within_window(free_energy, window)
    rows = max(1, BYTES_AT_ONCE // (8 * prior.mean.size**2))

    def parts() -> Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for start in range(0, kept.size, rows):
            some = slice(start, start + rows)
            if group.mixture is not None or group.has_correlated_effects:
                each = [group.switched(pattern) for pattern in on[kept[some]]]
                yield (
                    weight[some],
                    np.stack([density.mean for density in each]),
                    np.stack([density.covariance for density in each]),
                )
                continue
            found = reduce(prior, posterior, *switched(prior, on[kept[some]]))
            yield weight[some], found.mean, found.covariance

    found, reducible = _mixture(parts()), reducible_effects(group)
    return Gaussian(
        np.where(reducible, found.mean, 0.0), np.where(reducible[:, None] & reducible, found.covariance, 0.0)
    )


def probabilities(free_energy: Float[np.ndarray, "*model"]) -> Float[np.ndarray, "*model"]:
    """exp(F) made to sum to 1 over everything."""
    return np.asarray(np.exp(free_energy - logsumexp(free_energy)))


def within_window(
    free_energy: Float[np.ndarray, "model"], window: float
) -> tuple[np.ndarray, Float[np.ndarray, "kept"]]:
    """The models less than `window` nats below the best, best first, and their probabilities among themselves."""
    if free_energy.size == 0:
        raise ValueError("there is no model to average")
    if not np.isfinite(free_energy).all():
        raise ValueError(
            f"the free energy of model {int(np.flatnonzero(~np.isfinite(free_energy))[0]) + 1} is not finite"
        )
    if not window >= 0:
        raise ValueError(f"the window must be 0 nats or more, not {window}")
    order = np.argsort(-free_energy, kind="stable")
    kept = order[free_energy[order] >= free_energy.max() - window]
    return kept, probabilities(free_energy[kept])


def _mixture(parts: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Gaussian:
    """Moments of a mixture given in parts of (weights, means, covariances), the heaviest model first.

    Moments are taken about the first model's mean, so that a parameter at one value in every model has variance 0 and
    no large numbers cancel.
    """
    about: np.ndarray | None = None
    for weight, means, covariances in parts:
        if about is None:
            about = means[0]
            shift, moment = np.zeros_like(about), np.zeros_like(covariances[0])
        away = means - about
        shift = shift + weight @ away
        moment = moment + np.tensordot(weight, covariances, 1) + (weight[:, None] * away).T @ away
    assert about is not None  # within_window keeps at least the best
    return Gaussian(about + shift, moment - np.outer(shift, shift))
