"""The ascent of F for one participant: variational Laplace (Friston et al. 2007, NeuroImage 34, 220).

`init` makes a `State`, `step` evaluates the model once and proposes the next point, and `has_ended` says when to stop;
the loop belongs to `_scheduler`. What is assumed of the noise, and with it F and its shape at a point, is the noise
model's: `_ar_noise` or `_spm_noise`. Everything is written for one participant and batched by `vmap`. The last step
of an inversion that has a result is no iteration: it evaluates the best θ once more, for the F that compares optima.
"""

from __future__ import annotations

import math
from typing import Literal, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from . import _ar_noise, _spm_noise
from ._flow import Curvature, Gradient, flow_step, mixed_flow_step
from ._forward import ForwardModel
from ._joint_density import Ascent, Evaluation, Point, Problem

LOWEST_AFTER_FAILURE, HIGHEST_LOG_STEP = -4.0, 4.0
RETRIES = 4
JACOBIAN_LIMIT, SPM25_JACOBIAN_LIMIT = math.exp(32.0), 1e32
PATIENCE = 4  # iterations in a row with a predicted gain below tolerance
HISTORY = 512  # longest F history kept

NoiseModel = Literal["ar1", "white", "spm12", "spm25"]  # "white" is "ar1" without correlation

_EVALUATE = {
    "ar1": _ar_noise.evaluate,
    "white": _ar_noise.evaluate,
    "spm12": _spm_noise.evaluate,
    "spm25": _spm_noise.evaluate_spm25,
}

T = TypeVar("T")
A = TypeVar("A", Array, np.ndarray)

# State.status; for the last four, see `Status`.
RUNNING, SETTLING, CONVERGED, MAX_ITERATIONS, NOT_FINITE, BAD_START = range(6)


class State(eqx.Module):
    """What the next iteration needs, and the record of the ones before."""

    point: Point  # changes every step: where to evaluate next
    best: Point  # last accepted
    best_prediction: Float[Array, "scan region"]
    best_covariance: Float[Array, "free free"]
    best_free_energy: Float[Array, ""]
    settled_free_energy: Float[Array, ""]  # F at the best θ as the last step finds it; −inf until then
    noise_precision: Float[Array, "hyper hyper"]  # of λ and r of all regions, found in the last step
    ascent: Ascent  # at `best`
    log_step: Float[Array, ""]
    iteration: Int[Array, ""]
    retries: Int[Array, ""]
    small_gains: Int[Array, ""]  # how many in a row
    status: Int[Array, ""]
    outcome: Int[Array, ""]  # what `status` will be after SETTLING
    history: Float[Array, "history"]  # F of every iteration; NaN where there was none


def init(problem: Problem) -> State:
    """The state before the first iteration."""
    free, region = problem.prior_mean.shape[0], problem.bold.shape[1]
    confound = problem.confound_start.shape[0]  # 0 where their effects are integrated out
    point = Point(
        theta=problem.start,
        beta=problem.confound_start,
        noise=jnp.full(region, problem.noise_mean),
        correlation=jnp.zeros(region),
    )
    return State(
        point=point,
        best=point,
        best_prediction=jnp.zeros_like(problem.bold),
        best_covariance=jnp.zeros((free, free)),
        best_free_energy=jnp.asarray(-jnp.inf, dtype=float),
        settled_free_energy=jnp.asarray(-jnp.inf, dtype=float),
        noise_precision=jnp.eye(2 * region),
        ascent=Ascent(
            gradient=Gradient(jnp.zeros(free), jnp.zeros((region, confound))),
            curvature=Curvature(jnp.eye(free), jnp.zeros((region, confound, free)), jnp.ones((region, confound))),
            log_det=jnp.asarray(0.0, dtype=float),
            dimension=jnp.asarray(1.0, dtype=float),
        ),
        log_step=jnp.asarray(problem.first_log_step, dtype=float),
        iteration=jnp.asarray(0, dtype=int),
        retries=jnp.asarray(0, dtype=int),
        small_gains=jnp.asarray(0, dtype=int),
        status=jnp.asarray(RUNNING, dtype=int),
        outcome=jnp.asarray(RUNNING, dtype=int),
        history=jnp.full(HISTORY, jnp.nan, dtype=float),
    )


def has_ended(status: Int[A, "*slot"]) -> Bool[A, "*slot"]:
    """Whether an inversion needs no more steps."""
    return status > SETTLING


def has_result(status: Int[A, "*slot"]) -> Bool[A, "*slot"]:
    """Whether an inversion ended with a posterior."""
    return (status == CONVERGED) | (status == MAX_ITERATIONS)


def step(model: ForwardModel, noise: NoiseModel, problem: Problem, state: State) -> State:
    """One evaluation of the model: accept or go back, then propose the next point, and say whether this is the end.

    In a state that is SETTLING the point is the best one, and only the settled F and the status change.
    """
    settling = state.status == SETTLING
    here, prediction, finite = _evaluate(model, noise, problem, state, settling)
    rose = (here.free_energy > state.best_free_energy) | (state.iteration < problem.free_iterations)
    accept = finite & rose & ~settling
    best = _select(accept, here.point, state.best)
    ascent = _select(accept, here.ascent, state.ascent)
    log_step = jnp.where(
        accept,
        jnp.minimum(state.log_step + 0.5, HIGHEST_LOG_STEP),
        jnp.minimum(state.log_step - 2.0, LOWEST_AFTER_FAILURE),
    )
    move = _move(noise, problem, ascent, log_step, finite)
    gain = ascent.gradient.dot(move)

    iteration = jnp.where(finite & ~settling, state.iteration + 1, state.iteration)
    retries = jnp.where(finite, 0, state.retries + 1)
    small_gains = jnp.where(finite, jnp.where(gain < problem.tolerance, state.small_gains + 1, 0), state.small_gains)
    outcome = _outcome(problem, state, finite, iteration, retries, small_gains)
    outcome = jnp.where(settling, state.outcome, outcome)
    status = jnp.where(has_result(outcome) & ~settling, SETTLING, outcome)
    proposal = Point(best.theta + move.theta, best.beta + move.beta.T, best.noise, best.correlation)
    return State(
        point=_select(status == SETTLING, best, proposal),
        best=best,
        best_prediction=jnp.where(accept, prediction, state.best_prediction),
        best_covariance=jnp.where(accept, here.covariance, state.best_covariance),
        best_free_energy=jnp.where(accept, here.free_energy, state.best_free_energy),
        settled_free_energy=jnp.where(settling & finite, here.free_energy, state.settled_free_energy),
        noise_precision=jnp.where(settling & finite, here.noise_precision, state.noise_precision),
        ascent=ascent,
        log_step=log_step,
        iteration=iteration,
        retries=retries,
        small_gains=small_gains,
        status=status,
        outcome=outcome,
        history=_record(state, here.free_energy, finite, settling),
    )


def _evaluate(
    model: ForwardModel, noise: NoiseModel, problem: Problem, state: State, settling: Bool[Array, ""]
) -> tuple[Evaluation, Float[Array, "scan region"], Bool[Array, ""]]:
    """F and its shape at the state's point, the prediction there, and whether all of it can be used."""
    prediction, jacobian = model.predict_with_jacobian(
        problem.prior_vector, problem.prior_mean + state.point.theta, problem.timing, problem.echo_time
    )
    prediction, jacobian = problem.gain * prediction, problem.gain * jacobian
    limit = jnp.where(state.retries > 0, JACOBIAN_LIMIT, SPM25_JACOBIAN_LIMIT) if noise == "spm25" else JACOBIAN_LIMIT
    size = jnp.abs(jacobian * problem.free_mask * problem.scan_mask[:, None, None]).sum(axis=-1).max()
    usable = jnp.isfinite(prediction).all() & (size < limit)
    # A step too far is evaluated as if it predicted nothing, so that no NaN travels; its result is not used.
    here = _EVALUATE[noise](problem, state.point, prediction, jacobian, usable, settling)
    return here, prediction, usable & jnp.isfinite(here.free_energy)


def _move(
    noise: NoiseModel, problem: Problem, ascent: Ascent, log_step: Float[Array, ""], finite: Bool[Array, ""]
) -> Gradient:
    """Δ along the flow of F, from its shape at the best point."""
    local = (ascent.gradient, ascent.curvature, _flow_time(ascent, log_step))
    move = flow_step(*local)
    if noise == "spm25":
        order = jnp.argsort(jnp.diag(problem.prior_precision), stable=True)
        move = _select(finite, mixed_flow_step(*local, order, problem.confound_rotation), move)
    return move


def _outcome(
    problem: Problem,
    state: State,
    finite: Bool[Array, ""],
    iteration: Int[Array, ""],
    retries: Int[Array, ""],
    small_gains: Int[Array, ""],
) -> Int[Array, ""]:
    """How the inversion ends with this evaluation; RUNNING where it goes on."""
    return jnp.select(
        [
            ~finite & (state.iteration == 0),
            ~finite & (retries > RETRIES),
            finite & (small_gains >= PATIENCE),
            finite & (iteration >= problem.max_iterations),
        ],
        [BAD_START, NOT_FINITE, CONVERGED, MAX_ITERATIONS],
        RUNNING,
    )


def _record(
    state: State, free_energy: Float[Array, ""], finite: Bool[Array, ""], settling: Bool[Array, ""]
) -> Float[Array, "history"]:
    """The history with one F more; where settling, as it is."""
    place = state.iteration - settling  # of the last iteration
    value = jnp.where(settling, state.history[place], jnp.where(finite, free_energy, jnp.nan))
    return state.history.at[place].set(value)


def _flow_time(ascent: Ascent, log_step: Float[Array, ""]) -> Float[Array, ""]:
    """τ = exp(v − ln|−H| / dim): the log step v is relative to the geometric mean of the curvature."""
    return jnp.exp(log_step - ascent.log_det / ascent.dimension)


def _select(condition: Bool[Array, ""], new: T, old: T) -> T:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)
