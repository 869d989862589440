"""A group whose participants are a mixture, before it is fitted: what every participant's data say of all connections,
and of each.

What participant i's data say is the posterior divided by the prior, exp(c + hᵀθ − ½ θᵀLθ). Of connection j alone it is
exp(C_ij + h_ij θ − ½ Λ_ij θ²) with the participant's other connections integrated out at N(m_i, D_i^-1), where the
group has them (see `_mixture_fit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dcm import require_64_bit

from ._design import Design
from ._estimate import Estimate
from ._estimate_stack import EstimateStack, stack_estimates
from ._gaussian import precision
from ._prepare_group import default_prior, match_with_design
from ._reduction import Information, information
from ._settings import PebError, PebSettings

LEAST_INFORMATION = 1e-9  # of prior precision, below which nothing was measured
FARTHEST = 8.0  # prior standard deviations from the prior mean, of an optimum along which data say little


@dataclass(frozen=True, eq=False)
class MixtureGroup:
    """A group ready to be fitted.

    Fields (N participants, q connections, K covariates):
        whole: every parameter of every participant, in the order of the design.
        chosen: those that the group explains.
        data_information: (N, …) what data added, nowhere less than nothing.
        unit: (q,) √PC.
        prior_mean, prior_covariance: (q, K), (q, K, K) of the effects.
    """

    whole: tuple[Estimate, ...]
    chosen: EstimateStack
    data_information: Information
    design: Design
    unit: Float[np.ndarray, "param"]
    prior_mean: Float[np.ndarray, "param covariate"]
    prior_covariance: Float[np.ndarray, "param covariate covariate"]


class PerConnection(NamedTuple):
    """What each participant's data say of each connection: ln p(y_i | θ_ij) = constant + pull θ − ½ precision θ²."""

    precision: Float[np.ndarray, "param subject"]
    pull: Float[np.ndarray, "param subject"]
    constant: Float[np.ndarray, "param subject"]


def prepare_mixture(
    estimates: Sequence[Estimate], design: Design, settings: PebSettings, parameters: Sequence[str] | None = None
) -> MixtureGroup:
    """Checks, and everything that a fit is given."""
    require_64_bit()
    whole = match_with_design(estimates, design)
    chosen = stack_estimates(whole, parameters)
    average = chosen.prior.average()
    q, K = len(chosen.parameters), design.matrix.shape[1]
    variance = np.diag(average.covariance)
    prior = settings.prior or default_prior(average.mean, np.diag(variance), design, np.eye(q), settings)
    if prior.mean.size != q * K or prior.free.size != q * K:
        raise PebError(f"the prior must be over all {q * K} effects and fix none, not over {prior.mean.size}")
    blocks = prior.covariance.reshape(K, q, K, q)
    own = blocks[:, np.arange(q), :, np.arange(q)]
    if np.count_nonzero(own) < np.count_nonzero(blocks):
        raise PebError('effects on different connections must be independent a priori; or give between="gaussian"')
    return MixtureGroup(
        whole, chosen, bounded_information(chosen), design, np.sqrt(variance), prior.mean.reshape(K, q).T, own
    )


def bounded_information(chosen: EstimateStack) -> Information:
    """What data added to each participant's prior; a direction in which a posterior is wider than its prior adds
    nothing.

    Where data say little, the parabola that touches the likelihood at the mode has its optimum far away: a slope of
    0.04 per prior standard deviation with a curvature of 1e-7 promises 8,000 nats at a thousand Hz. So along an
    eigenvector (prior standard deviations the unit) with a curvature below 1 the curvature is raised, to 1 at
    most, until the optimum lies no more than `FARTHEST` from the prior mean.
    """
    data_information = information(chosen.prior, chosen.posterior)
    sd = np.sqrt(np.diagonal(chosen.prior.covariance, axis1=1, axis2=2))
    values, vectors = np.linalg.eigh(data_information.matrix * sd[:, :, None] * sd[:, None, :])
    informative = values > LEAST_INFORMATION
    mean = np.einsum("sia,si->sa", vectors, chosen.prior.mean / sd)
    slope = np.einsum("sia,si->sa", vectors, data_information.vector * sd) - values * mean
    curved = np.where(informative, np.maximum(values, np.minimum(np.abs(slope) / FARTHEST, 1.0)), 0.0)
    if (curved == values).all():
        return data_information
    L = (vectors * curved[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    h = np.einsum("sia,sa->si", vectors, np.where(informative, slope + curved * mean, 0.0))
    part = Information(L / sd[:, :, None] / sd[:, None, :], h / sd, np.zeros(len(h)))
    gain = information_under(part, chosen.prior.mean, precision(chosen.prior.covariance))[2]  # under the prior F is F
    constant = np.where((curved == values).all(axis=1), data_information.constant, -gain)
    return Information(part.matrix, part.vector, constant)


def per_connection(
    data_information: Information,
    means: Float[np.ndarray, "subject param"],
    precisions: Float[np.ndarray, "subject param"],
) -> tuple[PerConnection, Float[np.ndarray, "subject"]]:
    """What each participant's data say of each connection, the others at N(mean, 1 / precision), and ΔF under it."""
    found, S, gain = information_under(data_information, means, diagonals(precisions))
    after = np.diagonal(S, axis1=1, axis2=2)
    Lambda, pull = 1 / after - precisions, found / after - precisions * means
    constant = (-np.log(precisions * after) + means**2 * precisions - found**2 / after) / 2
    informative = Lambda > LEAST_INFORMATION * precisions
    return PerConnection(*(np.where(informative, part, 0.0).T for part in (Lambda, pull, constant))), gain


def information_under(
    data_information: Information, means: np.ndarray, precisions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every participant's mean, covariance and ΔF under the prior N(mean, precision^-1)."""
    q = means.shape[1]
    half, prior_half = np.linalg.cholesky(data_information.matrix + precisions), np.linalg.cholesky(precisions)
    spread = np.linalg.solve(half, np.broadcast_to(np.eye(q), half.shape))
    S = np.swapaxes(spread, 1, 2) @ spread
    pull = np.einsum("sij,sj->si", precisions, means)
    found = np.einsum("sij,sj->si", S, data_information.vector + pull)
    log_dets = np.log(np.diagonal(prior_half, axis1=1, axis2=2)) - np.log(np.diagonal(half, axis1=1, axis2=2))
    gain = (
        data_information.constant
        + log_dets.sum(axis=1)
        + ((found * (data_information.vector + pull)) - means * pull).sum(axis=1) / 2
    )
    return found, S, gain


def diagonals(values: np.ndarray) -> np.ndarray:
    return np.asarray(values[:, :, None] * np.eye(values.shape[1]))
