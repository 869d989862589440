"""A Gaussian posterior made better by importance sampling: draws from it, weighted by how probable they are.

    E[h(θ) | y] = Σ w_s h(θ_s),    w_s ∝ p(y | θ_s) p(θ_s) / q(θ_s),    θ_s ~ q

The noise is integrated out at every draw (`_log_density`), so that the weights vary with θ only. The first draws are
from the Gaussian, somewhat widened; every further round's are from a Gaussian with the moments of all draws before,
whose weights are raised to a power as far below 1 as leaves enough of them to count. In the end all draws are weighted
against the mixture of all that they were drawn from (Cornuet et al. 2012), and the largest weights are smoothed
(`_importance`).

Importance weights whose largest are smoothed, and what their tail says about them (Vehtari et al. 2024).

The largest weights are replaced by the expected order statistics of a generalised Pareto distribution fitted to them,

    F(x) = 1 − (1 + k x / σ)^(−1/k),

whose shape k tells how heavy the tail is: weights have a finite variance below ½, and averages converge at a useful
rate below 0.7. k is the mean under an empirical prior that needs no search (Zhang & Stephens 2009), drawn toward ½ as
by ten observations.

Posteriors refined by importance sampling, on as many cores as there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._batch import Batch
from ._forward import ForwardModel
from ._joint_density import Problem
from ._log_density import correlation_nodes, log_likelihood, log_prior
from ._posterior import Posterior, Refinement
from ._runtime import compiled, one_blas_thread
from ._scheduler import usable_cores

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
    for count, moments in drawn:
        factor = np.linalg.cholesky(moments.covariance)
        squares = (np.linalg.solve(factor, (z - moments.mean).T) ** 2).sum(axis=0)
        constant = np.log(2 * np.pi) * moments.mean.size / 2 + np.log(np.diag(factor)).sum()
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


SHORTEST_TAIL = 5  # weights from which a tail can be fitted
GRID = 30  # candidates of the fit, and more by the square root of the tail's length
PRIOR_K, PRIOR_COUNT = 0.5, 10


class SmoothedWeights(NamedTuple):
    """Weights that sum to 1, and the shape k of their tail: infinite where there is no tail to fit."""

    weights: Float[np.ndarray, "draw"]
    k: float

    @property
    def effective_sample(self) -> float:
        """1 / Σ w²: as many independent draws say as much about a mean."""
        return float(1 / (self.weights**2).sum())


def smooth_weights(log_weights: Float[np.ndarray, "draw"]) -> SmoothedWeights:
    """Pareto-smoothed weights from log importance ratios, of which some may be −inf but not all.

    Source: Vehtari, Simpson, Gelman, Yao & Gabry 2024, J Mach Learn Res 25(72), algorithm 1.
    """
    ratios = np.exp(log_weights - log_weights.max())
    order = np.argsort(ratios, kind="stable")
    count = int(np.ceil(min(ratios.size / 5, 3 * np.sqrt(ratios.size))))
    tail, cut = order[-count:], ratios[order[-count - 1]] if count < ratios.size else 0.0
    cut = max(cut, np.finfo(float).tiny)
    tail = tail[ratios[tail] > cut]
    k = np.inf
    if tail.size >= SHORTEST_TAIL:
        k, scale = fit_pareto(ratios[tail] - cut)
        probability = (np.arange(tail.size) + 0.5) / tail.size
        steps = -np.log1p(-probability) if k == 0 else np.expm1(-k * np.log1p(-probability)) / k
        ratios[tail] = np.minimum(cut + scale * steps, 1.0)
    return SmoothedWeights(ratios / ratios.sum(), float(k))


def fit_pareto(excess: Float[np.ndarray, "tail"]) -> tuple[float, float]:
    """k and σ of a generalised Pareto distribution of positive values, in ascending order.

    Source: Zhang & Stephens 2009, Technometrics 51, 316, with the sign of k turned round.
    """
    n = excess.size
    candidates = GRID + int(np.sqrt(n))
    quartile = excess[int(n / 4 + 0.5) - 1]
    theta = 1 / excess[-1] + (1 - np.sqrt(candidates / (np.arange(candidates) + 0.5))) / (3 * quartile)
    shapes = np.log1p(-theta[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-theta / shapes) - shapes - 1)
    weight = np.exp(profile - profile.max())
    best = float(theta @ weight / weight.sum())
    k = float(np.log1p(-best * excess).mean())
    sigma = -k / best
    return (k * n + PRIOR_K * PRIOR_COUNT) / (n + PRIOR_COUNT), sigma


LEAST_EFFECTIVE = 30.0  # effective draws, below which the Gaussian is kept


def refine_each(
    batch: Batch, found: Iterable[tuple[int, Posterior]], cores: int | None, count: Callable[[int], None]
) -> Iterator[tuple[int, Posterior]]:
    """Members of a batch and their posteriors → the same refined, as they are done.

    Draws depend on the seed alone, and nobody's result on who else is refined or on the number of cores.
    """
    waiting = list(found)
    if not waiting:
        return
    member, posterior = waiting.pop()
    first = refine(batch, member, posterior)  # compiled here, so that no two threads compile the same
    count(1)
    yield member, first
    with one_blas_thread(), ThreadPoolExecutor(cores or usable_cores(), thread_name_prefix="refine") as pool:
        running = {pool.submit(refine, batch, *task): task[0] for task in waiting}
        for future in as_completed(running):
            count(1)
            yield running[future], future.result()


def refine(batch: Batch, member: int, posterior: Posterior) -> Posterior:
    """A posterior with mean and covariance of weighted draws, or as it was where too few of them count."""
    problem = jax.tree.map(lambda leaf: jnp.asarray(leaf[member]), batch.problems)
    columns, free = batch.free_columns(member), posterior.free
    serial = batch.settings.noise == "ar1"
    rho = jnp.asarray(posterior.autocorrelation)
    nodes = correlation_nodes(problem, rho) if serial else jnp.zeros((1, rho.size))

    def log_density(theta: Float[np.ndarray, "draw own"]) -> Float[np.ndarray, "draw"]:
        offsets = np.zeros((len(theta), len(batch.model.free)))
        offsets[:, columns] = theta - posterior.prior.mean[free]
        return np.asarray(log_posterior(batch.model, problem, jnp.asarray(offsets), nodes))

    gaussian = Moments(posterior.mean[free], posterior.covariance)
    found = importance_moments(log_density, gaussian, batch.settings.seed)
    refinement = Refinement(
        gaussian_mean=posterior.mean,
        gaussian_covariance=posterior.covariance,
        draws=found.draws,
        effective_sample=found.effective_sample,
        pareto_k=found.pareto_k,
        log_evidence=found.log_evidence,
        used=found.effective_sample >= LEAST_EFFECTIVE,
    )
    if not refinement.used:
        return replace(posterior, refinement=refinement)
    mean = posterior.mean.copy()
    mean[free] = found.moments.mean
    covariance = (found.moments.covariance + found.moments.covariance.T) / 2
    return replace(posterior, mean=mean, covariance=covariance, refinement=refinement)
