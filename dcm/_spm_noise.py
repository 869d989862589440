"""Independent noise as SPM inverts it: Newton steps on its log-precisions λ that need not reach their optimum.

    y = g(θ) + X0 β + e,    e ~ N(0, Σ(λ)),    Σ^-1 = Σ_i Q_i e^{λ_i},    Q_i selects region i

P = Σ^-1 only weights whole regions, so one Gram matrix per region serves every value of λ (`_gram`); and the confounds
are rotated so that X0ᵀX0 is diagonal, which makes the block of β diagonal for every λ and leaves matrices of the size
of θ only (a Schur complement).

Source: Friston et al. 2007, NeuroImage 34, 220.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ._cholesky import inverse, log_det, one_at_a_time
from ._flow import Curvature, Gradient
from ._gram import Gram, gram
from ._joint_density import POWER_FLOOR, Ascent, Evaluation, Point, Problem

STEPS = 8
LOG_STEP = 4.0
CLIP = 1.0
GAIN = 0.01  # predicted gain in F at which the steps stop
SETTLED_STEPS, SETTLED_GAIN = 64, 1e-8  # the same where λ is taken to its optimum, once the ascent has ended


class Noise(NamedTuple):
    """The outcome of the steps on λ."""

    moved: Float[Array, "region"]  # λ after the last step
    used: Float[Array, "region"]  # λ before it, at which everything else is evaluated
    precision: Float[Array, "free free"]  # Λ at `used`; of large models the lower triangle only
    covariance: Float[Array, "free free"]  # of θ: its inverse
    log_det: Float[Array, ""]  # ln|JᵀPJ + Π| over θ and β, at `used`


def noise_steps(
    problem: Problem,
    gram: Gram,
    start: Float[Array, "region"],
    settle: Bool[Array, ""],
    whole_curvature: bool = False,
) -> Noise:
    """Newton steps on λ: up to eight, by SPM12's curvature or the whole one; or by the latter to the optimum.

        ∂F/∂λ_i = ½ (scans − τ_i (εᵀε + tr(C J⊥ᵀJ⊥) + Σ_c power_c / (τ_i power_c + κ))) − (λ_i − hE) / hC,    C = Λ(τ)⁻¹

    SPM12 leaves ½ τ (εᵀε + tr(Cp JᵀJ)) out of the curvature, SPM25 does not. Where the noise is far from its prior
    mean, SPM12's steps overshoot and end up going to and fro across the optimum, a clip apart; which side F is
    evaluated on is chance.
    """
    scans, power = problem.scans, problem.confound_power
    spm_curvature = scans / 2 + problem.noise_precision  # −d²F/dλ², the same for every region and diagonal
    share = -jnp.expm1(-jnp.exp(LOG_STEP))  # of a Newton step: expm(τH) − I with τ = e^4 / |H|
    steps = jnp.where(settle, SETTLED_STEPS, STEPS)
    enough = jnp.where(settle, SETTLED_GAIN, GAIN)

    def step(carry: tuple[Array, Array, Noise]) -> tuple[Array, Array, Noise]:
        count, _, before = carry
        noise = before.moved
        tau = jnp.exp(noise)
        precision = gram.precision(tau)
        covariance, log_det = inverse(precision)
        of_beta = tau[:, None] * power + problem.confound_prior
        error = tau * (gram.ee + gram.JJ.traces(covariance) + (power / of_beta).sum(axis=-1))
        gradient = (scans - error) / 2 - problem.noise_precision * (noise - problem.noise_mean)
        curvature = jnp.where(settle | whole_curvature, error / 2 + problem.noise_precision, spm_curvature)
        change = jnp.clip(share * gradient / curvature, -CLIP, CLIP)
        now = Noise(noise + change, noise, precision, covariance, log_det + jnp.log(of_beta).sum())
        return count + 1, gradient @ change, now

    def unfinished(carry: tuple[Array, Array, Noise]) -> Bool[Array, ""]:
        count, gain, _ = carry
        # A NaN gain means that λ ran away; more steps will not bring it back.
        return (count < steps) & (gain >= enough)

    nothing = jnp.zeros_like(problem.prior_precision)
    before = Noise(start, start, nothing, nothing, jnp.asarray(0.0))
    return jax.lax.while_loop(unfinished, step, (jnp.asarray(0), jnp.asarray(jnp.inf), before))[2]


def _evaluate(
    whole_curvature: bool,
    problem: Problem,
    point: Point,
    prediction: Float[Array, "scan region"],
    jacobian: Float[Array, "scan region free"],
    usable: Bool[Array, ""],
    last: Bool[Array, ""],
) -> Evaluation:
    """F as SPM has it; in the `last` evaluation with λ and β at their optimum."""
    point, residual = _residual(problem, jnp.where(usable, prediction, 0.0), point, last)
    sums = gram(problem, residual, jacobian, usable, point.noise)
    noise = noise_steps(problem, sums, point.noise, last, whole_curvature)
    return Evaluation(
        point=Point(point.theta, point.beta, noise.moved, point.correlation),
        free_energy=_free_energy(problem, sums, point, noise),
        covariance=noise.covariance,
        ascent=_ascent(problem, sums, point, noise),
        noise_precision=jnp.eye(2 * noise.used.size),  # SPM's is known beforehand
    )


# One slot at a time, so that its sums over scans stay in the caches while λ is moved.
evaluate = one_at_a_time(partial(_evaluate, False))
evaluate_spm25 = one_at_a_time(partial(_evaluate, True))


def _residual(
    problem: Problem, prediction: Float[Array, "scan region"], point: Point, last: Bool[Array, ""]
) -> tuple[Point, Float[Array, "scan region"]]:
    """ε = y − g − X β, masked; in the last evaluation at the β that makes it least, which the point is given."""
    residual = problem.bold - prediction * problem.scan_mask[:, None] - problem.confounds @ point.beta
    power = problem.confound_power[:, None]
    least_squares = problem.confounds.T @ residual / jnp.maximum(power, POWER_FLOOR)
    move = jnp.where(last & (power > POWER_FLOOR), least_squares, 0.0)
    return Point(point.theta, point.beta + move, point.noise, point.correlation), residual - problem.confounds @ move


def _free_energy(problem: Problem, sums: Gram, point: Point, noise: Noise) -> Float[Array, ""]:
    """F = accuracy − complexity of θ and β − complexity of λ."""
    region, scans, prior = noise.used.size, problem.scans, problem.confound_prior
    deviation = noise.used - problem.noise_mean
    accuracy = (scans * noise.used.sum() - jnp.exp(noise.used) @ sums.ee - region * scans * jnp.log(2 * jnp.pi)) / 2
    log_det_prior = log_det(problem.prior_precision) + region * jnp.log(prior).sum()
    penalty = point.theta @ problem.prior_precision @ point.theta + (prior[:, None] * point.beta**2).sum()
    parameters = (log_det_prior - noise.log_det - penalty) / 2
    shrunk = problem.noise_precision / (scans / 2 + problem.noise_precision)
    hyperparameters = (region * jnp.log(shrunk) - problem.noise_precision * deviation @ deviation) / 2
    return accuracy + parameters + hyperparameters


def _ascent(problem: Problem, sums: Gram, point: Point, noise: Noise) -> Ascent:
    """Gradient and curvature of F over θ and β at the λ before its last step."""
    tau, prior = jnp.exp(noise.used), problem.confound_prior
    return Ascent(
        gradient=Gradient(
            theta=tau @ sums.Je - problem.prior_precision @ point.theta,
            beta=tau[:, None] * sums.Xe - prior * point.beta.T,
        ),
        curvature=Curvature(
            precision=noise.precision,
            cross=tau[:, None, None] * sums.XJ,
            beta=tau[:, None] * problem.confound_power + prior,
        ),
        log_det=noise.log_det,
        dimension=problem.free_mask.sum() + noise.used.size * problem.confound_mask.sum(),
    )
