"""Variational Laplace for one participant (Friston et al. 2007, NeuroImage 34, 220).

    y = g(θ) + X0 β + e,    e ~ N(0, Σ(λ)),    Σ^-1 = Σ_i Q_i e^{λ_i},    Q_i selects region i

`init` makes a `State`, `step` evaluates the model once and proposes the next point, and `ended` says when to stop; the
loop belongs to `_rows`. Everything is written for one participant and batched by `vmap`. The last step of an
inversion that has a result is no iteration: it evaluates the best θ once more, for F with β and λ at their optimum.

What keeps it small: P = Σ^-1 only weights whole regions, so one Gram matrix per region serves every value of λ
(`_gram`); and the confounds are rotated so that X0ᵀX0 is diagonal, which makes the block of β diagonal for every λ and
leaves matrices of the size of θ only (a Schur complement).
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._cholesky import log_det, one_at_a_time
from ._flow import Curvature, Gradient, flow_step
from ._forward import ForwardModel
from ._gram import Gram, gram
from ._joint_density import POWER_FLOOR, Point, Problem
from ._noise import Noise, noise_steps

FIRST_LOG_STEP, LOWEST_AFTER_FAILURE, HIGHEST_LOG_STEP = -4.0, -4.0, 4.0
RETRIES = 4
JACOBIAN_LIMIT = jnp.exp(32.0).item()
PATIENCE = 4  # iterations in a row with a predicted gain below tolerance
HISTORY = 512  # longest F history kept

T = TypeVar("T")
A = TypeVar("A", Array, np.ndarray)

# State.status; for the last four, see `Status`.
RUNNING, SETTLING, CONVERGED, MAX_ITERATIONS, NOT_FINITE, BAD_START = range(6)


class Ascent(eqx.Module):
    """The local shape of F at the last accepted point."""

    gradient: Gradient
    curvature: Curvature
    log_det: Float[Array, ""]  # of the curvature


class State(eqx.Module):
    """What the next iteration needs, and the record of the ones before."""

    point: Point  # changes every step: where to evaluate next
    best: Point  # last accepted
    best_prediction: Float[Array, "scan region"]
    best_covariance: Float[Array, "free free"]
    best_free_energy: Float[Array, ""]
    settled_free_energy: Float[Array, ""]  # F at the best θ with β and λ at their optimum; −inf until the last step
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
    confound = problem.confounds.shape[1]
    point = Point(
        theta=problem.start,
        beta=problem.confound_start,
        noise=jnp.full(region, problem.noise_mean),
    )
    return State(
        point=point,
        best=point,
        best_prediction=jnp.zeros_like(problem.bold),
        best_covariance=jnp.zeros((free, free)),
        best_free_energy=jnp.asarray(-jnp.inf, dtype=float),
        settled_free_energy=jnp.asarray(-jnp.inf, dtype=float),
        ascent=Ascent(
            gradient=Gradient(jnp.zeros(free), jnp.zeros((region, confound))),
            curvature=Curvature(jnp.eye(free), jnp.zeros((region, confound, free)), jnp.ones((region, confound))),
            log_det=jnp.asarray(0.0, dtype=float),
        ),
        log_step=jnp.asarray(FIRST_LOG_STEP, dtype=float),
        iteration=jnp.asarray(0, dtype=int),
        retries=jnp.asarray(0, dtype=int),
        small_gains=jnp.asarray(0, dtype=int),
        status=jnp.asarray(RUNNING, dtype=int),
        outcome=jnp.asarray(RUNNING, dtype=int),
        history=jnp.full(HISTORY, jnp.nan, dtype=float),
    )


def ended(status: Int[A, "*seat"]) -> Bool[A, "*seat"]:
    """Whether an inversion needs no more steps."""
    return status > SETTLING


def step(model: ForwardModel, problem: Problem, state: State) -> State:
    """One evaluation of the model: accept or go back, then propose the next point.

    In a state that is SETTLING the point is the best one, and only the settled F and the status change.
    """
    settling = state.status == SETTLING
    prediction, jacobian = model.predict_with_jacobian(
        problem.prior_vector, problem.prior_mean + state.point.theta, problem.timing, problem.echo_time
    )
    size = jnp.abs(jacobian * problem.free_mask * problem.scan_mask[:, None, None]).sum(axis=-1).max()
    usable = jnp.isfinite(prediction).all() & (size < JACOBIAN_LIMIT)
    # A step too far is evaluated as if it predicted nothing, so that no NaN travels; its result is not used.
    here = _evaluate(problem, state.point, prediction, jacobian, usable, settling)
    finite = usable & jnp.isfinite(here.free_energy)

    rose = (here.free_energy > state.best_free_energy) | (state.iteration < 2)
    accept = finite & rose & ~settling
    best = _where(accept, here.point, state.best)
    ascent = _where(accept, here.ascent, state.ascent)
    log_step = jnp.where(
        accept,
        jnp.minimum(state.log_step + 0.5, HIGHEST_LOG_STEP),
        jnp.minimum(state.log_step - 2.0, LOWEST_AFTER_FAILURE),
    )
    move = flow_step(ascent.gradient, ascent.curvature, _flow_time(problem, ascent, log_step))
    gain = ascent.gradient.dot(move)

    iteration = jnp.where(finite & ~settling, state.iteration + 1, state.iteration)
    retries = jnp.where(finite, 0, state.retries + 1)
    small_gains = jnp.where(finite, jnp.where(gain < problem.tolerance, state.small_gains + 1, 0), state.small_gains)
    outcome = jnp.select(
        [
            ~finite & (state.iteration == 0),
            ~finite & (retries > RETRIES),
            finite & (small_gains >= PATIENCE),
            finite & (iteration >= problem.max_iterations),
        ],
        [BAD_START, NOT_FINITE, CONVERGED, MAX_ITERATIONS],
        RUNNING,
    )
    outcome = jnp.where(settling, state.outcome, outcome)
    has_result = (outcome == CONVERGED) | (outcome == MAX_ITERATIONS)
    status = jnp.where(has_result & ~settling, SETTLING, outcome)
    proposal = Point(best.theta + move.theta, best.beta + move.beta.T, best.noise)
    return State(
        point=_where(status == SETTLING, best, proposal),
        best=best,
        best_prediction=jnp.where(accept, prediction, state.best_prediction),
        best_covariance=jnp.where(accept, here.covariance, state.best_covariance),
        best_free_energy=jnp.where(accept, here.free_energy, state.best_free_energy),
        settled_free_energy=jnp.where(settling & finite, here.free_energy, state.settled_free_energy),
        ascent=ascent,
        log_step=log_step,
        iteration=iteration,
        retries=retries,
        small_gains=small_gains,
        status=status,
        outcome=outcome,
        history=_record(state, here.free_energy, finite, settling),
    )


class _Evaluation(NamedTuple):
    """F and its shape at a point where the model was evaluated."""

    point: Point
    used: Float[Array, "region"]  # λ at which F was evaluated, the point's being a step further
    free_energy: Float[Array, ""]
    covariance: Float[Array, "free free"]  # of θ
    ascent: Ascent


@one_at_a_time  # so that a seat's sums over scans stay in the caches while λ is moved
def _evaluate(
    problem: Problem,
    point: Point,
    prediction: Float[Array, "scan region"],
    jacobian: Float[Array, "scan region free"],
    usable: Bool[Array, ""],
    settling: Bool[Array, ""],
) -> _Evaluation:
    point, residual = _residual(problem, jnp.where(usable, prediction, 0.0), point, settling)
    sums = gram(problem, residual, jacobian, usable, point.noise)
    noise = noise_steps(problem, sums, point.noise, problem.settle | settling)
    return _Evaluation(
        point=Point(point.theta, point.beta, noise.moved),
        used=noise.used,
        free_energy=_free_energy(problem, sums, point, noise),
        covariance=noise.covariance,
        ascent=_ascent(problem, sums, point, noise),
    )


def _residual(
    problem: Problem, prediction: Float[Array, "scan region"], point: Point, settling: Bool[Array, ""]
) -> tuple[Point, Float[Array, "scan region"]]:
    """ε = y − g − X β, masked; where F is to be settled, at the β that makes it least, which the point is given."""
    residual = problem.bold - prediction * problem.scan_mask[:, None] - problem.confounds @ point.beta
    power = problem.confound_power[:, None]
    least_squares = problem.confounds.T @ residual / jnp.maximum(power, POWER_FLOOR)
    move = jnp.where(settling & (power > POWER_FLOOR), least_squares, 0.0)
    return Point(point.theta, point.beta + move, point.noise), residual - problem.confounds @ move


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
    )


def _record(
    state: State, free_energy: Float[Array, ""], finite: Bool[Array, ""], settling: Bool[Array, ""]
) -> Float[Array, "history"]:
    """The history with one F more; where settling, as it is."""
    place = state.iteration - settling  # of the last iteration
    value = jnp.where(settling, state.history[place], jnp.where(finite, free_energy, jnp.nan))
    return state.history.at[place].set(value)


def _flow_time(problem: Problem, ascent: Ascent, log_step: Float[Array, ""]) -> Float[Array, ""]:
    """τ = exp(v − ln|−H| / dim): the log step v is relative to the geometric mean of the curvature."""
    region = problem.bold.shape[1]
    dim = problem.free_mask.sum() + region * problem.confound_mask.sum()
    return jnp.exp(log_step - ascent.log_det / dim)


def _where(condition: Bool[Array, ""], new: T, old: T) -> T:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)
