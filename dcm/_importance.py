"""A Gaussian posterior made better by importance sampling: draws from it, weighted by how probable they are.

    E[h(θ) | y] = Σ w_s h(θ_s),    w_s ∝ p(y | θ_s) p(θ_s) / q(θ_s),    θ_s ~ q

The noise is integrated out at every draw (`_noise_evidence`), so that the weights vary with θ only. The first draws are
from the Gaussian, somewhat widened; every further round's are from a Gaussian with the moments of all draws before,
whose weights are raised to a power as far below 1 as leaves enough of them to count. In the end all draws are weighted
against the mixture of all that they were drawn from (Cornuet et al. 2012), and the largest weights are smoothed
(`_pareto`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from ._compiled import compiled
from ._forward import ForwardModel
from ._joint_density import Problem
from ._log_density import log_prior
from ._noise_evidence import log_likelihood
from ._pareto import smooth_weights

BLOCK, CHUNK = 512, 8  # draws in one call of compiled code, and how many of them are predicted side by side
WIDER = (1.0, 1.0, 0.3, 1.4)  # of each round: SDs are widened by this over √parameters, the last to reach the tails
COUNTING = 0.25  # share of the draws that count, to which weights are tempered between rounds
PER_PARAMETER = 2.0  # effective draws of a parameter, at which a covariance of draws is worth as much as the one before


@compiled(static_argnums=0)
def log_posterior(
    model: ForwardModel,
    problem: Problem,
    theta: Float[Array, "draw free"],
    nodes: Float[Array, "node region"],
) -> Float[Array, "draw"]:
    """ln p(y, θ) of many θ, as offsets from the prior mean; NaN where the model breaks down."""

    def of_draw(theta: Float[Array, "free"]) -> Float[Array, ""]:
        parameters = model.parameters(problem.prior_vector, problem.prior_mean + theta * problem.free_mask)
        prediction = model.predict(parameters, problem.timing, problem.echo_time)
        return log_likelihood(problem, prediction, nodes) + log_prior(problem, theta)

    return jax.lax.map(of_draw, theta, batch_size=CHUNK)


class Moments(NamedTuple):
    """Of a density over the free parameters."""

    mean: Float[np.ndarray, "free"]
    covariance: Float[np.ndarray, "free free"]


@dataclass(frozen=True, eq=False)
class WeightedDraws:
    """What importance sampling found.

    Fields:
        moments: posterior mean and covariance.
        log_evidence: ln p(y), nats, as the draws have it.
        effective_sample: as many independent draws say as much about a mean.
        pareto_k: shape of the weights' tail; above 0.7 the moments are not to be relied on.
        draws: how many there were.
    """

    moments: Moments
    log_evidence: float
    effective_sample: float
    pareto_k: float
    draws: int


def importance_moments(
    log_density: Callable[[Float[np.ndarray, "draw free"]], Float[np.ndarray, "draw"]], gaussian: Moments, seed: int
) -> WeightedDraws:
    """Moments of a density from weighted draws, beginning with the Gaussian that approximates it.

    Arguments:
        log_density: of many points at once, `BLOCK` of them; unnormalised, and not finite where there is none.
        gaussian: where the draws begin.
        seed: of the draws.
    """
    root = np.linalg.cholesky(gaussian.covariance)
    rng, size = np.random.default_rng(seed), gaussian.mean.size
    proposal = Moments(np.zeros(size), np.eye(size))  # in coordinates in which the Gaussian is a standard normal
    drawn: list[tuple[int, Moments]] = []
    z, heights = np.zeros((0, size)), np.zeros(0)
    for wider in WIDER:
        wide = Moments(proposal.mean, (1 + wider / np.sqrt(size)) ** 2 * proposal.covariance)
        new = wide.mean + rng.standard_normal((BLOCK, size)) @ np.linalg.cholesky(wide.covariance).T
        heights = np.concatenate([heights, log_density(gaussian.mean + new @ root.T)])
        z = np.concatenate([z, new])
        drawn.append((len(new), wide))
        ratios = np.where(np.isfinite(heights), heights - _log_mixture(z, drawn), -np.inf)
        if not np.isfinite(ratios).any():
            return WeightedDraws(gaussian, -np.inf, 0.0, np.inf, len(z))
        proposal = _moments(z, _tempered(ratios), proposal.covariance)
    smoothed = smooth_weights(ratios + np.log(np.diag(root)).sum())
    moments = _moments(z, smoothed.weights, proposal.covariance)
    return WeightedDraws(
        moments=Moments(gaussian.mean + root @ moments.mean, root @ moments.covariance @ root.T),
        log_evidence=float(np.logaddexp.reduce(ratios) - np.log(len(ratios)) + np.log(np.diag(root)).sum()),
        effective_sample=smoothed.effective_sample,
        pareto_k=smoothed.k,
        draws=len(z),
    )


def _log_mixture(z: Float[np.ndarray, "draw free"], drawn: list[tuple[int, Moments]]) -> Float[np.ndarray, "draw"]:
    """ln of the density that all draws together are from."""
    total = sum(count for count, _ in drawn)
    parts = []
    for count, one in drawn:
        factor = np.linalg.cholesky(one.covariance)
        squares = (np.linalg.solve(factor, (z - one.mean).T) ** 2).sum(axis=0)
        constant = np.log(2 * np.pi) * one.mean.size / 2 + np.log(np.diag(factor)).sum()
        parts.append(np.log(count / total) - constant - squares / 2)
    return np.logaddexp.reduce(parts, axis=0)


def _tempered(ratios: Float[np.ndarray, "draw"]) -> Float[np.ndarray, "draw"]:
    """Weights to the highest power up to 1 at which enough of them count."""
    low, high = 0.0, 1.0
    power = high
    for _ in range(30):
        weights = np.exp(power * (ratios - ratios.max()))
        weights /= weights.sum()
        if 1 / (weights**2).sum() >= COUNTING * ratios.size:
            low = power
        else:
            high = power
        if low == 1.0:
            break
        power = (low + high) / 2
    return weights


def _moments(
    z: Float[np.ndarray, "draw free"], weights: Float[np.ndarray, "draw"], before: Float[np.ndarray, "free free"]
) -> Moments:
    """Mean and covariance of weighted draws, the latter drawn toward the one before by how few draws count."""
    mean = weights @ z
    away = z - mean
    effective = 1 / (weights**2).sum()
    share = effective / (effective + PER_PARAMETER * mean.size)
    return Moments(mean, share * (weights[:, None] * away).T @ away + (1 - share) * before)
