"""Serially correlated noise: AR(1) in each region, with its precision and correlation at their optimum at every θ.

    y_i = g_i(θ) + X β_i + e_i,    e_it = ρ_i e_i,t−1 + innovation,    precision of the innovations τ_i = e^{λ_i}
    λ_i ~ N(hE, hC),    ρ_i = tanh r_i,    r_i ~ N(0, s²),    β_i flat and integrated out

With δ = θ − μ, G̃ from `_ar_sums`, q_i = G̃_εε and Π = Π0 + Σ_i τ_i G̃_JJ, over v scans and c confounds,

    L(λ, r) = ½ Σ_i [(v − c)(λ_i − ln 2π) + ln|K_i| − ln|XᵀK_iX| − τ_i q_i] − ½ δᵀΠ0δ + ½ ln|Π0| − ½ ln|Π|
              − ½ Σ_i [(λ_i − hE)² / hC + r_i² / s²]
    F = max L − ½ Σ_i ln(hC s²) − ½ ln|−∂²L|

L is the log of the joint density of y, λ and r where the model is linear in θ, and exact then; F integrates over the
noise by Laplace's method. While θ moves, −∂²L is taken as what is expected of white noise, diag(½(v − c) + 1/hC,
v + 1/s²), so that F rises where L does; the F of an inversion has the whole of it, with what θ gives way when the noise
changes.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from . import _ar_sums as ar
from ._cholesky import inverse, log_det, one_at_a_time
from ._flow import Curvature, Gradient
from ._joint_density import Ascent, Evaluation, Point, Problem

STEPS, GAIN = 64, 1e-7  # at most, and the predicted gain in nats at which they stop
CLIP = 1.0  # the longest step of λ; of r it is half
PRIOR_SD = 0.5  # s, prior standard deviation of r = artanh ρ


class _Noise(NamedTuple):
    """The noise of each region and what follows from it at one θ."""

    log_precision: Float[Array, "region"]  # λ
    correlation: Float[Array, "region"]  # r
    precision: Float[Array, "free free"]  # Π
    covariance: Float[Array, "free free"]  # Π⁻¹
    log_det: Float[Array, ""]  # ln|Π|


class _Slope(NamedTuple):
    """∂L by λ and r at fixed θ, and an upper estimate of the curvature along each."""

    gradient: Float[Array, "both region"]
    curvature: Float[Array, "both region"]


@one_at_a_time  # so that a slot's sums over scans stay in the caches while the noise is moved
def evaluate(
    problem: Problem,
    point: Point,
    prediction: Float[Array, "scan region"],
    jacobian: Float[Array, "scan region free"],
    usable: Bool[Array, ""],
    last: Bool[Array, ""],
) -> Evaluation:
    """F at θ with the noise at its optimum; with the whole Hessian of the noise where it is the `last` evaluation."""
    residual = problem.bold - jnp.where(usable, prediction, 0.0) * problem.scan_mask[:, None]
    sums = ar.lagged_sums(problem, residual, jacobian, usable)
    noise = _optimise(problem, sums, point.noise, point.correlation)
    at = ar.project(problem, sums, jnp.tanh(noise.correlation))
    tau = jnp.exp(noise.log_precision)
    expected = jnp.diag(_expected_curvature(problem, len(tau)).ravel())
    hessian = jax.lax.cond(last & usable, _observed_curvature, lambda *_: expected, problem, sums, noise, at)
    gradient = tau @ at.Je - problem.prior_precision @ point.theta
    none = jnp.zeros((len(tau), 0))
    return Evaluation(
        point=Point(point.theta, point.beta, noise.log_precision, noise.correlation),
        free_energy=_log_joint(problem, point.theta, noise, at) - _occam(problem, hessian),
        covariance=noise.covariance,
        ascent=Ascent(
            gradient=Gradient(gradient, none),
            curvature=Curvature(noise.precision, jnp.zeros((len(tau), 0, len(gradient))), none),
            log_det=noise.log_det,
            dimension=problem.free_mask.sum(),
        ),
        noise_precision=hessian,
    )


def _degrees(problem: Problem) -> Float[Array, ""]:
    """v − c."""
    return problem.scans - problem.confound_mask.sum()


def _optimise(
    problem: Problem, sums: ar.LaggedSums, log_precision: Float[Array, "region"], correlation: Float[Array, "region"]
) -> _Noise:
    """λ and r at the maximum of L for this θ, by scoring: steps by an upper estimate of the curvature."""
    longest = jnp.array([[CLIP], [CLIP / 2]])

    def step(carry: tuple[Array, Array, Array, _Noise]) -> tuple[Array, Array, Array, _Noise]:
        count, _, moved, _ = carry
        noise, slope = _noise_at(problem, sums, moved)
        change = jnp.clip(slope.gradient / slope.curvature, -longest, longest)
        return count + 1, (slope.gradient * change).sum(), moved + change, noise

    def unfinished(carry: tuple[Array, Array, Array, _Noise]) -> Bool[Array, ""]:
        count, gain, *_ = carry
        return (count < STEPS) & (gain >= GAIN)  # a NaN gain ends it, and the evaluation is refused

    nothing = jnp.zeros_like(problem.prior_precision)
    before = _Noise(log_precision, correlation, nothing, nothing, jnp.asarray(0.0))
    start = (jnp.asarray(0), jnp.asarray(jnp.inf), jnp.stack([log_precision, correlation]), before)
    return jax.lax.while_loop(unfinished, step, start)[3]


def _noise_at(problem: Problem, sums: ar.LaggedSums, both: Float[Array, "both region"]) -> tuple[_Noise, _Slope]:
    """What follows from λ and r, and the gradient there."""
    noise, correlation = both
    rho, tau = jnp.tanh(correlation), jnp.exp(noise)
    at = ar.project(problem, sums, rho)
    precision = ar.precision(problem, sums, at, tau)
    covariance, log_det_precision = inverse(precision)
    trace, trace_slope = ar.traces(sums, at, covariance)
    degrees, left = _degrees(problem), 1 - rho**2
    error = tau * (at.ee + trace)
    by_rho = -problem.runs * rho / left - (at.log_det_slope + tau * (at.ee_slope + trace_slope)) / 2
    gradient = [
        (degrees - error) / 2 - problem.noise_precision * (noise - problem.noise_mean),
        problem.serial * (left * by_rho - correlation / PRIOR_SD**2),
    ]
    curvature = [
        error / 2 + problem.noise_precision,
        problem.scans * left * jnp.maximum(1.0, error / degrees) + 1 / PRIOR_SD**2,
    ]
    found = _Noise(noise, correlation, precision, covariance, log_det_precision)
    return found, _Slope(jnp.stack(gradient), jnp.stack(curvature))


def _log_joint(problem: Problem, theta: Float[Array, "free"], noise: _Noise, at: ar.Projected) -> Float[Array, ""]:
    """L."""
    degrees = _degrees(problem)
    rho = jnp.tanh(noise.correlation)
    data = (
        degrees * (noise.log_precision - jnp.log(2 * jnp.pi))
        + problem.runs * jnp.log1p(-(rho**2))
        - at.log_det
        - jnp.exp(noise.log_precision) * at.ee
    ).sum() / 2
    of_theta = (log_det(problem.prior_precision) - noise.log_det - theta @ problem.prior_precision @ theta) / 2
    deviation = noise.log_precision - problem.noise_mean
    of_noise = problem.noise_precision * deviation @ deviation
    of_noise += noise.correlation @ noise.correlation / PRIOR_SD**2
    return data + of_theta - of_noise / 2


def _expected_curvature(problem: Problem, regions: int) -> Float[Array, "both region"]:
    """Of −L along λ and r, on average over white noise."""
    of_noise = _degrees(problem) / 2 + problem.noise_precision
    of_correlation = problem.serial * problem.scans + 1 / PRIOR_SD**2
    return jnp.stack([jnp.full(regions, of_noise), jnp.full(regions, of_correlation)])


def _observed_curvature(
    problem: Problem, sums: ar.LaggedSums, noise: _Noise, at: ar.Projected
) -> Float[Array, "hyper hyper"]:
    """−∂²L over (λ, r) of all regions, with θ at its optimum for each: how the gradient changes, less what θ gives."""
    both = jnp.stack([noise.log_precision, noise.correlation])

    def along(direction: Float[Array, "both region"]) -> Float[Array, "both region"]:
        return jax.jvp(lambda moved: _noise_at(problem, sums, moved)[1].gradient, (both,), (direction,))[1]

    directions = jnp.eye(both.size).reshape(-1, *both.shape)
    at_fixed_theta = -jax.lax.map(along, directions).reshape(both.size, both.size)
    tau, left = jnp.exp(noise.log_precision), 1 - jnp.tanh(noise.correlation) ** 2
    pull = jnp.concatenate([tau[:, None] * at.Je, (problem.serial * tau * left)[:, None] * at.Je_slope])
    hessian = at_fixed_theta - pull @ noise.covariance @ pull.T
    fixed = jnp.repeat(jnp.stack([jnp.asarray(False), problem.serial == 0]), len(tau))
    prior = jnp.diag(jnp.full(both.size, 1 / PRIOR_SD**2))
    hessian = jnp.where(fixed[:, None] | fixed, prior, (hessian + hessian.T) / 2)
    expected = jnp.diag(_expected_curvature(problem, len(tau)).ravel())  # where L is no maximum along the noise
    return jnp.where(jnp.isfinite(log_det(hessian)), hessian, expected)


def _occam(problem: Problem, curvature: Float[Array, "hyper hyper"]) -> Float[Array, ""]:
    """½ ln|curvature of the noise| − ½ ln|its prior precision|; what is kept at its prior cancels."""
    regions = len(curvature) // 2
    of_prior = regions * (jnp.log(problem.noise_precision) - 2 * jnp.log(PRIOR_SD))
    return (log_det(curvature) - of_prior) / 2
