"""The joint log density of one participant's data and unknowns, and its gradient: nothing in it is approximated.

    y_i = s g_i(θ) + X β_i + e_i,    e_i,t = ρ_i e_i,t−1 + ε_t,    ε_t ~ N(0, e^{−λ_i}),    for every region i

The noise of a region has precision e^λ K(ρ), |K| = 1 − ρ² for each run, where K = WᵀW with W the whitening

    (W e)_1 = √(1 − ρ²) e_1,    (W e)_t = e_t − ρ e_t−1    within each run.

β has a flat prior and is integrated out exactly, which leaves the residual u = We − WX b of the whitened least-squares
fit b, and the determinant of M = XᵀKX. With v scans, c confounds, q = uᵀu and ρ = tanh r,

    ln p(y, θ, λ, r) = ½ Σ_i [(v − c) λ_i + ln(1 − ρ_i²) − ln|M_i| − e^{λ_i} q_i − (v − c) ln 2π]
                       + ln N(θ; μ, Π⁻¹) + Σ_i ln N(λ_i; hE, hC) + Σ_i ln N(r_i; 0, ¼).

The gradient along θ is that along the prediction, s e^λ Wᵀu, through the forward model's exact Jacobian, so that the
integrator is never differentiated.

The likelihood of one participant's parameters with the noise integrated out by quadrature.

At given θ the regions are independent, and each has two unknowns that its residual depends on smoothly: λ and ρ =
tanh r. With q(ρ) and M(ρ) as in `_log_density`,

    p(y | θ) = Π_i ∫ N(r; 0, ¼) √((1 − ρ²) / |M(ρ)|) ∫ N(λ; hE, hC) (e^λ / 2π)^{(v − c)/2} e^{−e^λ q(ρ)/2} dλ dr.

The integral over λ is Gauss–Hermite's about its maximum, that over r a sum at equal distances, both right to more
digits than are needed: they are of densities that are nearly Gaussian.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from ._ar_noise import PRIOR_SD
from ._cholesky import inverse, log_det
from ._forward import ForwardModel
from ._joint_density import Problem

LOG_2PI = math.log(2 * math.pi)


class Unknowns(NamedTuple):
    """A point of the joint density."""

    theta: Float[Array, "free"]  # offsets from the prior mean
    noise: Float[Array, "region"]  # λ
    correlation: Float[Array, "region"]  # r = artanh ρ; of no region where the noise is white


def degrees_of_freedom(problem: Problem) -> Float[Array, ""]:
    """v − c: what the confounds leave of a region's scans."""
    return problem.scans - problem.confound_mask.sum()


def residual_of(problem: Problem, prediction: Float[Array, "scan region"]) -> Float[Array, "scan region"]:
    """y − s g, with confounds still in it."""
    return problem.bold - problem.gain * prediction * problem.scan_mask[:, None]


def log_prior(problem: Problem, theta: Float[Array, "free"]) -> Float[Array, ""]:
    """ln N(θ; μ, Π⁻¹) over the parameters that are no padding."""
    precision, free = problem.prior_precision, problem.free_mask.sum()
    return (log_det(precision) - theta @ precision @ theta - free * LOG_2PI) / 2


class WhitenedFit(NamedTuple):
    """What is left of one region's residual once it is whitened and the confounds are taken out."""

    left: Float[Array, "scan"]  # u
    effects: Float[Array, "confound"]  # b
    squares: Float[Array, ""]  # q = uᵀu
    covariance: Float[Array, "confound confound"]  # M⁻¹
    log_det: Float[Array, ""]  # ln|M|


def whiten(problem: Problem, series: Float[Array, "scan *any"], rho: Float[Array, ""]) -> Array:
    """W applied to series in columns; padded scans are left out."""
    before = jnp.concatenate([jnp.zeros_like(series[:1]), series[:-1]])
    first, mask = problem.begins, problem.scan_mask
    column = (len(series),) + (1,) * (series.ndim - 1)
    moved = jnp.where(first.reshape(column), jnp.sqrt(1 - rho**2) * series, series - rho * before)
    return moved * mask.reshape(column)


def whitened_fit(problem: Problem, residual: Float[Array, "scan"], rho: Float[Array, ""]) -> WhitenedFit:
    """Generalised least squares of one region's residual on the confounds, at a given ρ."""
    series = whiten(problem, residual, rho)
    confounds = whiten(problem, problem.confounds, rho)
    covariance, determinant = inverse(confounds.T @ confounds + jnp.diag(1 - problem.confound_mask))
    effects = covariance @ (confounds.T @ series)
    left = series - confounds @ effects
    return WhitenedFit(left, effects, left @ left, covariance, determinant)


def log_density_and_gradient(
    model: ForwardModel, problem: Problem, point: Unknowns
) -> tuple[Float[Array, ""], Unknowns]:
    """ln p(y, θ, λ, r) and its gradient; NaN where the model has broken down."""
    theta = point.theta
    prediction, jacobian = model.predict_with_jacobian(
        problem.prior_vector, problem.prior_mean + theta * problem.free_mask, problem.timing, problem.echo_time
    )
    of_series, along = _series_terms(problem, prediction, point)
    along_theta = jnp.einsum("vi,vip->p", along.prediction, jacobian) * problem.free_mask
    gradient = Unknowns(along_theta - problem.prior_precision @ theta, along.noise, along.correlation)
    return of_series + log_prior(problem, theta), gradient


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def log_density(model: ForwardModel, problem: Problem, point: Unknowns) -> Float[Array, ""]:
    """ln p(y, θ, λ, r), which reverse mode differentiates along the point only; NaN where the model has broken down."""
    theta = point.theta
    parameters = model.parameters(problem.prior_vector, problem.prior_mean + theta * problem.free_mask)
    prediction = model.predict(parameters, problem.timing, problem.echo_time)
    return _series_terms(problem, prediction, point)[0] + log_prior(problem, theta)


def _forward(model: ForwardModel, problem: Problem, point: Unknowns) -> tuple[Array, Unknowns]:
    return log_density_and_gradient(model, problem, point)


def _backward(model: ForwardModel, gradient: Unknowns, along: Array) -> tuple[None, Unknowns]:
    return None, jax.tree.map(lambda leaf: along * leaf, gradient)


log_density.defvjp(_forward, _backward)


class _Along(NamedTuple):
    """Derivatives of the terms that depend on the series, and of the priors of λ and r."""

    prediction: Float[Array, "scan region"]
    noise: Float[Array, "region"]
    correlation: Float[Array, "region"]


def _series_terms(
    problem: Problem, prediction: Float[Array, "scan region"], point: Unknowns
) -> tuple[Float[Array, ""], _Along]:
    """Everything but the prior of θ."""
    degrees = degrees_of_freedom(problem)
    white = point.correlation.size == 0
    r = jnp.zeros_like(point.noise) if white else point.correlation
    rho, tau = jnp.tanh(r), jnp.exp(point.noise)
    residual = residual_of(problem, prediction)
    fit = jax.vmap(partial(whitened_fit, problem), in_axes=(1, 0))(residual, rho)

    deviation = point.noise - problem.noise_mean
    terms = degrees * (point.noise - LOG_2PI) + problem.runs * jnp.log1p(-(rho**2)) - fit.log_det - tau * fit.squares
    terms = terms + jnp.log(problem.noise_precision) - LOG_2PI - problem.noise_precision * deviation**2
    along_noise = (degrees - tau * fit.squares) / 2 - problem.noise_precision * deviation
    along_prediction = problem.gain * tau * jax.vmap(partial(_unwhiten, problem), (0, 0), 1)(fit.left, rho)
    if white:
        return terms.sum() / 2, _Along(along_prediction, along_noise, point.correlation)
    terms = terms - LOG_2PI - 2 * jnp.log(PRIOR_SD) - (r / PRIOR_SD) ** 2
    by_squares, by_log_det = jax.vmap(partial(_along_rho, problem), (1, 0, 0, 0))(
        residual, fit.effects, fit.covariance, rho
    )
    along_rho = -problem.runs * rho / (1 - rho**2) - (by_log_det + tau * by_squares) / 2
    along_correlation = (1 - rho**2) * along_rho - r / PRIOR_SD**2
    return terms.sum() / 2, _Along(along_prediction, along_noise, along_correlation)


def _unwhiten(problem: Problem, left: Float[Array, "scan"], rho: Float[Array, ""]) -> Float[Array, "scan"]:
    """Wᵀu: of padded scans, nothing."""
    first = problem.begins
    after = jnp.concatenate([_following(problem, left)[1:], jnp.zeros(1)])
    return problem.scan_mask * (jnp.where(first, jnp.sqrt(1 - rho**2) * left, left) - rho * after)


def _following(problem: Problem, series: Float[Array, "scan *any"]) -> Float[Array, "scan *any"]:
    """Series without the scans that follow no other of their run: the first of every run but the first."""
    if problem.run_starts is None:
        return series
    return series.at[problem.run_starts[1:]].set(0.0)


def _along_rho(
    problem: Problem,
    residual: Float[Array, "scan"],
    effects: Float[Array, "confound"],
    covariance: Float[Array, "confound confound"],
    rho: Float[Array, ""],
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """dq/dρ = ẽᵀK'ẽ at ẽ = e − X b, at which q is least along b; and d ln|M|/dρ = tr(M⁻¹ XᵀK'X).

    K' = −(S + Sᵀ) + 2ρ D, with S the shift by one scan and D the identity without both ends.
    """

    followed = jnp.concatenate([_following(problem, problem.scan_mask)[1:], jnp.zeros(1)])  # by another of the run
    inner = followed - problem.begins  # −1 for a run of one scan, which is both of its ends

    def form(series: Float[Array, "scan column"]) -> Float[Array, "column column"]:
        lagged = _following(problem, series)[1:].T @ series[:-1]
        return 2 * rho * (series * inner[:, None]).T @ series - lagged - lagged.T

    rest = residual - problem.confounds @ effects
    return form(rest[:, None])[0, 0], (covariance * form(problem.confounds)).sum()


HERMITE = 7  # nodes over λ
REACH, SPACING = 7.2, 0.8  # of the nodes over r, in posterior SDs: right to 1e-5 nats or so
NEWTON = 7  # steps to λ's maximum


def correlation_nodes(problem: Problem, rho: Float[Array, "region"]) -> Float[Array, "node region"]:
    """Nodes over r, wide of where ρ has been found."""
    sd = (degrees_of_freedom(problem) * (1 - rho**2) + 1 / PRIOR_SD**2) ** -0.5
    steps = np.arange(-REACH, REACH + SPACING / 2, SPACING)
    return jnp.arctanh(rho) + steps[:, None] * sd


def log_likelihood(
    problem: Problem, prediction: Float[Array, "scan region"], nodes: Float[Array, "node region"]
) -> Float[Array, ""]:
    """ln p(y | θ).

    Arguments:
        nodes: over r, at equal distances; a single one where ρ is known: at r = 0 the noise is white.
    """
    degrees = degrees_of_freedom(problem)
    residual = residual_of(problem, prediction)

    def at_node(r: Float[Array, "region"]) -> Float[Array, "region"]:
        rho = jnp.tanh(r)
        fit = jax.vmap(partial(whitened_fit, problem), in_axes=(1, 0))(residual, rho)
        over_noise = jax.vmap(partial(_over_noise, problem))(fit.squares)
        return over_noise + (problem.runs * jnp.log1p(-(rho**2)) - fit.log_det - degrees * LOG_2PI) / 2

    heights = jax.vmap(at_node)(nodes)
    if len(nodes) == 1:
        return heights.sum()
    sd = PRIOR_SD
    heights = heights - (LOG_2PI + 2 * jnp.log(sd) + (nodes / sd) ** 2) / 2
    return (logsumexp(heights, axis=0) + jnp.log(nodes[1] - nodes[0])).sum()


def _over_noise(problem: Problem, squares: Float[Array, ""]) -> Float[Array, ""]:
    """ln ∫ N(λ; hE, hC) exp(½ ν λ − ½ e^λ q) dλ, with ν = v − c.

    The maximum solves ½ ν − ½ q e^λ = (λ − hE) / hC: with w = ½ hC q e^λ, w + ln w = ln(½ hC q) + hE + ½ hC ν. Newton's
    steps on that rise to w from below.
    """
    mean, precision, degrees = problem.noise_mean, problem.noise_precision, degrees_of_freedom(problem)
    sum_ = jnp.log(squares / 2 / precision) + mean + degrees / 2 / precision
    w = jnp.where(sum_ > 1, sum_ - jnp.log(jnp.maximum(sum_, 1.0)), jax.nn.sigmoid(sum_))
    for _ in range(NEWTON):
        w = w * (1 + sum_ - jnp.log(w)) / (1 + w)
    centre = mean + degrees / 2 / precision - w
    sd = (precision * (1 + w)) ** -0.5
    at, weights = np.polynomial.hermite_e.hermegauss(HERMITE)
    noise = centre + sd * at
    heights = (degrees * noise - jnp.exp(noise) * squares - precision * (noise - mean) ** 2) / 2
    heights = heights + np.log(weights) + at**2 / 2
    return logsumexp(heights) + jnp.log(sd) + (jnp.log(precision) - LOG_2PI) / 2
