"""The noise's log-precisions λ: Newton steps on F at fixed θ and β."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ._cholesky import inverse
from ._gram import Gram
from ._joint_density import Problem

STEPS = 8
LOG_STEP = 4.0
CLIP = 1.0
GAIN = 0.01  # predicted gain in F at which the steps stop
SETTLED_STEPS, SETTLED_GAIN = 64, 1e-8  # the same where λ is taken to its optimum


class Noise(NamedTuple):
    """The outcome of the steps on λ."""

    moved: Float[Array, "region"]  # λ after the last step
    used: Float[Array, "region"]  # λ before it, at which everything else is evaluated
    precision: Float[Array, "free free"]  # Λ at `used`; of large models the lower triangle only
    covariance: Float[Array, "free free"]  # of θ: its inverse
    log_det: Float[Array, ""]  # ln|JᵀPJ + Π| over θ and β, at `used`


def noise_steps(problem: Problem, gram: Gram, start: Float[Array, "region"], settle: Bool[Array, ""]) -> Noise:
    """Newton steps on λ: up to eight with SPM's curvature, or to the optimum with the whole one.

        ∂F/∂λ_i = ½ (scans − τ_i (εᵀε + tr(C J⊥ᵀJ⊥) + Σ_c power_c / (τ_i power_c + κ))) − (λ_i − hE) / hC,    C = Λ(τ)⁻¹

    SPM leaves ½ τ (εᵀε + tr(Cp JᵀJ)) out of the curvature. Where the noise is far from its prior mean, its steps then
    overshoot and end up going to and fro across the optimum, a clip apart; which side F is evaluated on is chance.
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
        curvature = jnp.where(settle, error / 2 + problem.noise_precision, spm_curvature)
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
