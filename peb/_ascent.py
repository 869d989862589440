"""The climb to the group posterior: regularised Newton steps that follow the flow of F.

    Δ = (expm(τH) − I) H^-1 g,    τ = exp(t − ln|−H| / dim),    t from −4, up by ¼ on success, down by 1 on failure

`spm` follows SPM12 to its numbers: after a rejected step it goes back to the best point but moves on with the rejected
point's gradient and curvature; β and γ are returned after the last step, F and the covariances at the last point
evaluated; and since t ends at 2, a direction in which F is much flatter than in the others is not followed to its end.

Otherwise ln p(y, β, γ) is climbed, with steps that grow to Newton's, until a step gains nothing; every step leaves from
the best point, and all that is returned belongs to it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from dcm import dense_flow_step

from ._hierarchy import Group, GroupEvaluation, evaluate, log_det_of_curvature, log_det_of_prior

FIRST_LOG_STEP, LOWEST_LOG_STEP = -4.0, -4.0
RISE, FALL, HIGHEST_LOG_STEP, GAIN = 0.25, 1.0, 2.0, 1e-4  # SPM12's; a gain below GAIN, nats, ends the climb
EXACT_RISE, EXACT_FALL, EXACT_HIGHEST_LOG_STEP, EXACT_GAIN = 2.0, 4.0, 32.0, 1e-9
LONG_STEP = 8.0  # sum of |Δ| from which β and γ are moved each by its own block of H

RUNNING, CONVERGED, MAX_ITERATIONS, NOT_FINITE = range(4)


class Limits(NamedTuple):
    """How many iterations a climb may take, and before which it does not end."""

    most: Int[Any, ""]
    least: Int[Any, ""]


class Climb(eqx.Module):
    """What the next step needs, and where the climb is."""

    beta: Float[Array, "beta"]  # where to evaluate next
    gamma: Float[Array, "component"]
    best_beta: Float[Array, "beta"]
    best_gamma: Float[Array, "component"]
    best: GroupEvaluation  # at the best point
    last: GroupEvaluation  # at the point evaluated last
    last_beta: Float[Array, "beta"]  # the point evaluated last
    last_gamma: Float[Array, "component"]
    gain: Float[Array, ""]  # of the last accepted step
    log_step: Float[Array, ""]
    iteration: Int[Array, ""]
    status: Int[Array, ""]


def climb(group: Group, limits: Limits, *, spm: bool) -> Climb:
    """From the prior means to where F stops rising."""
    size = group.beta_mean.size + group.gamma_mean.size
    lowest = jnp.asarray(-jnp.inf)
    unevaluated = GroupEvaluation(lowest, lowest, jnp.zeros(size), -jnp.eye(size), jnp.asarray(0.0), jnp.asarray(True))
    first = Climb(
        beta=group.beta_mean,
        gamma=group.gamma_mean,
        best_beta=group.beta_mean,
        best_gamma=group.gamma_mean,
        best=unevaluated,
        last=unevaluated,
        last_beta=group.beta_mean,
        last_gamma=group.gamma_mean,
        gain=jnp.asarray(jnp.inf),
        log_step=jnp.asarray(FIRST_LOG_STEP),
        iteration=jnp.asarray(0),
        status=jnp.asarray(RUNNING),
    )
    log_det = log_det_of_prior(group)
    return jax.lax.while_loop(
        lambda state: state.status == RUNNING, lambda state: _step(group, log_det, state, limits, spm), first
    )


def _step(group: Group, log_det_prior: Float[Array, ""], state: Climb, limits: Limits, spm: bool) -> Climb:
    here = evaluate(group, state.beta, state.gamma, spm=spm, log_det_prior=log_det_prior)
    finite = jnp.isfinite(here.free_energy) & jnp.isfinite(here.gradient).all() & jnp.isfinite(here.curvature).all()
    height, before = (
        (here.free_energy, state.best.free_energy) if spm else (here.log_posterior, state.best.log_posterior)
    )
    rose = finite & (height > before)
    first = state.iteration == 0
    gain = jnp.where(rose, height - before, state.gain if spm else jnp.abs(height - before))
    best, best_beta, best_gamma = jax.tree.map(
        lambda new, old: jnp.where(rose, new, old),
        (here, state.beta, state.gamma),
        (state.best, state.best_beta, state.best_gamma),
    )
    rise, fall, highest, enough = (
        (RISE, FALL, HIGHEST_LOG_STEP, GAIN) if spm else (EXACT_RISE, EXACT_FALL, EXACT_HIGHEST_LOG_STEP, EXACT_GAIN)
    )
    log_step = jnp.where(
        rose,
        jnp.minimum(state.log_step + rise, highest),
        jnp.maximum(state.log_step - fall, LOWEST_LOG_STEP),
    )
    shape = jax.tree.map(lambda new, kept: jnp.where(finite, new, kept), here, best) if spm else best
    move = _move(shape, best.curvature, log_step, best_beta.size, spm)
    iteration = state.iteration + 1
    status = jnp.select(
        [
            first & ~finite,
            (iteration >= limits.least) & ((log_step <= LOWEST_LOG_STEP) | (gain < enough)),
            iteration >= limits.most,
        ],
        [NOT_FINITE, CONVERGED, MAX_ITERATIONS],
        RUNNING,
    )
    return Climb(
        beta=best_beta + move[: best_beta.size],
        gamma=best_gamma + jnp.tanh(move[best_beta.size :]),
        best_beta=best_beta,
        best_gamma=best_gamma,
        best=best,
        last=here,
        last_beta=state.beta,
        last_gamma=state.gamma,
        gain=gain,
        log_step=log_step,
        iteration=iteration,
        status=status,
    )


def _move(
    shape: GroupEvaluation, blocks: Float[Array, "joint joint"], log_step: Float[Array, ""], beta: int, spm: bool
) -> Float[Array, "joint"]:
    """Δ over β and γ; where it is long, without what β and γ say about each other."""
    whole = _flow(shape.gradient, shape.curvature, (shape.log_det, shape.is_concave), log_step, spm)

    def apart() -> Float[Array, "joint"]:
        own = (jnp.arange(whole.size) < beta)[:, None] == (jnp.arange(whole.size) < beta)[None, :]
        curvature = jnp.where(own, blocks, 0.0)
        return _flow(shape.gradient, curvature, log_det_of_curvature(curvature), log_step, spm)

    return jax.lax.cond(jnp.abs(whole).sum() >= LONG_STEP, apart, lambda: whole)


def _flow(
    gradient: Float[Array, "joint"],
    curvature: Float[Array, "joint joint"],
    known: tuple[Float[Array, ""], Bool[Array, ""]],
    log_step: Float[Array, ""],
    spm: bool,
) -> Float[Array, "joint"]:
    """(expm(τH) − I) H^-1 g; but without `spm`, uphill also where H curves upwards.

    `known` is what `log_det_of_curvature` finds of H.
    """
    log_det, is_concave = known
    tau = jnp.exp(log_step - log_det / gradient.size)
    return jax.lax.cond(
        is_concave,
        lambda: dense_flow_step(gradient, -curvature, tau),
        lambda: _flow_by_eigenvalues(gradient, curvature, log_step, spm),
    )


def _flow_by_eigenvalues(
    gradient: Float[Array, "joint"], curvature: Float[Array, "joint joint"], log_step: Float[Array, ""], spm: bool
) -> Float[Array, "joint"]:
    values, vectors = jnp.linalg.eigh(curvature)
    size = jnp.abs(values)
    tau = jnp.exp(log_step - jnp.log(size).mean())
    signed = values if spm else -size
    flat = size < 1e-300
    share = jnp.where(flat, tau, jnp.expm1(tau * signed) / jnp.where(flat, 1.0, signed))
    return vectors @ (share * (vectors.T @ gradient))
