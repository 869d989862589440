"""Variational Laplace for one participant (Friston et al. 2007; spec: "Variational Laplace").

    y = g(θ) + X0 β + e,    e ~ N(0, Σ(λ)),    Σ^-1 = Σ_i Q_i e^{λ_i},    Q_i selects region i

`init` makes a `State`, `step` evaluates the model once and proposes the next point, and `ended` says when to stop; the
loop belongs to `_cohort`. Everything is written for one participant and batched by `vmap`. The last step of an
inversion that has a result is no iteration: it evaluates the best θ once more, for F with β and λ at their optimum.

What keeps it small: P = Σ^-1 only weights whole regions, so one Gram matrix per region serves every value of λ; and
the confounds are rotated so that X0ᵀX0 is diagonal, which makes the block of β diagonal for every λ and leaves matrices
of the size of θ only (a Schur complement, exact).
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._bilinear import Timing
from ._flow import Curvature, Gradient, flow_step
from ._forward import ForwardModel

CONFOUND_PRECISION = 1e-8  # prior precision of β
NOISE_STEPS = 8  # inner Newton steps on λ
NOISE_LOG_STEP = 4.0
NOISE_CLIP = 1.0
NOISE_GAIN = 0.01  # predicted gain in F at which the inner steps stop
SETTLED_STEPS, SETTLED_GAIN = 64, 1e-8  # the same where λ is taken to its optimum
FIRST_LOG_STEP, LOWEST_AFTER_FAILURE, HIGHEST_LOG_STEP = -4.0, -4.0, 4.0
RETRIES = 4
POWER_FLOOR = 1e-10  # below this power a rotated confound is taken as absent in the first guess of β
JACOBIAN_LIMIT = jnp.exp(32.0).item()
PATIENCE = 4  # iterations in a row with a predicted gain below tolerance
HISTORY = 512  # longest F history kept

T = TypeVar("T")
A = TypeVar("A", Array, np.ndarray)

RUNNING, SETTLING, CONVERGED, MAX_ITERATIONS, NOT_FINITE, BAD_START = range(
    6
)  # State.status; for the last four, `Status`


class Problem(eqx.Module):
    """Everything an inversion is told, all of it traced: one participant's data, prior and settings.

    Padding is invisible: padded scans have zero rows in `bold` and `confounds` and are masked, padded confounds are
    zero columns, and parameters that this participant's model switches off have precision 1, no Jacobian and no count.
    """

    bold: Float[Array, "scan region"]  # centred and scaled
    scan_mask: Float[Array, "scan"]
    confounds: Float[Array, "scan confound"]  # rotated: X0 V, with X0ᵀX0 = V diag(power) Vᵀ
    confound_power: Float[Array, "confound"]
    confound_mask: Float[Array, "confound"]
    confound_start: Float[Array, "confound region"]  # β before the first iteration
    timing: Timing
    echo_time: Float[Array, ""]  # s
    prior_vector: Float[Array, "param"]  # prior mean of all parameters
    prior_mean: Float[Array, "free"]
    prior_precision: Float[Array, "free free"]
    free_mask: Float[Array, "free"]
    noise_mean: Float[Array, ""]  # hE
    noise_precision: Float[Array, ""]  # 1 / hC
    settle: Bool[Array, ""]  # whether λ is taken to its optimum in every iteration, which SPM's steps are not
    start: Float[Array, "free"]  # first expansion point, as an offset from the prior mean
    max_iterations: Int[Array, ""]
    tolerance: Float[Array, ""]  # nats


class Point(eqx.Module):
    """A point of the joint space of parameters, as offsets from their prior means, and noise."""

    theta: Float[Array, "free"]
    beta: Float[Array, "confound region"]
    noise: Float[Array, "region"]  # λ


class Gram(eqx.Module):
    """Sums over scans, one for each region, that every λ shares; J = ∂g/∂θ, X the confounds, ε the residual."""

    JJ: Float[Array, "region free free"]
    XJ: Float[Array, "region confound free"]
    Je: Float[Array, "region free"]
    Xe: Float[Array, "region confound"]
    ee: Float[Array, "region"]


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
    jacobian = jacobian * problem.free_mask * problem.scan_mask[:, None, None]
    finite = jnp.isfinite(prediction).all() & (jnp.abs(jacobian).sum(axis=-1).max() < JACOBIAN_LIMIT)
    # A step too far is evaluated as if it predicted nothing, so that no NaN travels; its result is not used.
    prediction = jnp.where(finite, prediction, 0.0)
    jacobian = jnp.where(finite, jacobian, 0.0)

    point, residual = _residual(problem, prediction, state.point, settling)
    gram = _gram(problem, residual, jacobian)
    noise = _noise_steps(problem, gram, point, problem.settle | settling)
    free_energy = _free_energy(problem, gram, point, noise)
    finite = finite & jnp.isfinite(free_energy)

    rose = (free_energy > state.best_free_energy) | (state.iteration < 2)
    accept = finite & rose & ~settling
    best = _where(accept, Point(point.theta, point.beta, noise.moved), state.best)
    ascent = _where(accept, _ascent(problem, gram, point, noise), state.ascent)
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
        best_covariance=jnp.where(accept, noise.covariance, state.best_covariance),
        best_free_energy=jnp.where(accept, free_energy, state.best_free_energy),
        settled_free_energy=jnp.where(settling & finite, free_energy, state.settled_free_energy),
        ascent=ascent,
        log_step=log_step,
        iteration=iteration,
        retries=retries,
        small_gains=small_gains,
        status=status,
        outcome=outcome,
        history=jnp.where(
            settling, state.history, state.history.at[state.iteration].set(jnp.where(finite, free_energy, jnp.nan))
        ),
    )


class _Noise(NamedTuple):
    """The outcome of the inner steps on λ."""

    moved: Float[Array, "region"]  # λ after the last step
    used: Float[Array, "region"]  # λ before it, at which everything else is evaluated
    covariance: Float[Array, "free free"]  # of θ, at `used`
    log_det_precision: Float[Array, ""]  # ln|JᵀPJ + Π0| over θ and β, at `used`


def _residual(
    problem: Problem, prediction: Float[Array, "scan region"], point: Point, settling: Bool[Array, ""]
) -> tuple[Point, Float[Array, "scan region"]]:
    """ε = y − g − X β, masked; where F is to be settled, at the β that makes it least, which the point is given."""
    residual = problem.bold - prediction * problem.scan_mask[:, None] - problem.confounds @ point.beta
    power = problem.confound_power[:, None]
    least_squares = problem.confounds.T @ residual / jnp.maximum(power, POWER_FLOOR)
    move = jnp.where(settling & (power > POWER_FLOOR), least_squares, 0.0)
    return Point(point.theta, point.beta + move, point.noise), residual - problem.confounds @ move


def _gram(problem: Problem, residual: Float[Array, "scan region"], jacobian: Float[Array, "scan region free"]) -> Gram:
    return Gram(
        JJ=jnp.einsum("vip,viq->ipq", jacobian, jacobian),
        XJ=jnp.einsum("vc,vip->icp", problem.confounds, jacobian),
        Je=jnp.einsum("vip,vi->ip", jacobian, residual),
        Xe=jnp.einsum("vc,vi->ic", problem.confounds, residual),
        ee=jnp.einsum("vi,vi->i", residual, residual),
    )


def _confound_prior(problem: Problem) -> Float[Array, "confound"]:
    return jnp.where(problem.confound_mask > 0, CONFOUND_PRECISION, 1.0)


def _noise_steps(problem: Problem, gram: Gram, point: Point, settle: Bool[Array, ""]) -> _Noise:
    """Newton steps on λ at fixed θ and β: up to eight with SPM's curvature, or to the optimum with the whole one.

    SPM leaves ½ τ (εᵀε + tr(Cp JᵀJ)) out of the curvature. Where the noise is far from its prior mean, its steps then
    overshoot and end up going to and fro across the optimum, a clip apart; which side F is evaluated on is chance.
    """
    scans = problem.scan_mask.sum()
    prior = _confound_prior(problem)
    power = problem.confound_power
    cross = gram.XJ.reshape(-1, gram.XJ.shape[-1])
    spm_curvature = scans / 2 + problem.noise_precision  # −d²F/dλ², the same for every region and diagonal
    share = -jnp.expm1(-jnp.exp(NOISE_LOG_STEP))  # of a Newton step: expm(τH) − I with τ = e^4 / |H|
    steps = jnp.where(settle, SETTLED_STEPS, NOISE_STEPS)
    enough = jnp.where(settle, SETTLED_GAIN, NOISE_GAIN)

    def body(carry: tuple[Array, Array, _Noise]) -> tuple[Array, Array, _Noise]:
        count, _, before = carry
        noise = before.moved
        tau = jnp.exp(noise)
        beta_precision = tau[:, None] * power + prior
        shrink = tau[:, None] / beta_precision  # τ W
        weighted = cross * (tau[:, None] * shrink).reshape(-1, 1)
        precision = problem.prior_precision + jnp.tensordot(tau, gram.JJ, 1) - weighted.T @ cross
        factor = jnp.linalg.cholesky(precision)
        half = jax.scipy.linalg.solve_triangular(factor, jnp.eye(factor.shape[0]), lower=True)
        covariance = half.T @ half
        # tr(Cp Jᵀ Q_i J) over θ and β, with the β blocks of Cp written out by the Schur complement.
        spread = ((cross @ covariance) * cross).sum(axis=-1).reshape(shrink.shape)
        taken = (2 * shrink - shrink**2 * power) * spread
        trace = jnp.einsum("pq,ipq->i", covariance, gram.JJ) + (power / beta_precision - taken).sum(axis=-1)
        gradient = (scans - tau * (gram.ee + trace)) / 2 - problem.noise_precision * (noise - problem.noise_mean)
        curvature = jnp.where(settle, tau * (gram.ee + trace) / 2 + problem.noise_precision, spm_curvature)
        change = jnp.clip(share * gradient / curvature, -NOISE_CLIP, NOISE_CLIP)
        log_det = 2 * jnp.log(jnp.diag(factor)).sum() + jnp.log(beta_precision).sum()
        gain = gradient @ change
        return count + 1, gain, _Noise(noise + change, noise, covariance, log_det)

    def unfinished(carry: tuple[Array, Array, _Noise]) -> Bool[Array, ""]:
        count, gain, _ = carry
        # A NaN gain means that λ ran away; more steps will not bring it back.
        return (count < steps) & (gain >= enough)

    free = problem.prior_mean.shape[0]
    before = _Noise(point.noise, point.noise, jnp.zeros((free, free)), jnp.asarray(0.0))
    _, _, noise = jax.lax.while_loop(unfinished, body, (jnp.asarray(0), jnp.asarray(jnp.inf), before))
    return noise


def _free_energy(problem: Problem, gram: Gram, point: Point, noise: _Noise) -> Float[Array, ""]:
    """F = accuracy − complexity of θ and β − complexity of λ."""
    region = gram.ee.shape[0]
    scans = problem.scan_mask.sum()
    prior = _confound_prior(problem)
    deviation = noise.used - problem.noise_mean
    accuracy = (scans * noise.used.sum() - jnp.exp(noise.used) @ gram.ee - region * scans * jnp.log(2 * jnp.pi)) / 2
    factor = jnp.linalg.cholesky(problem.prior_precision)
    log_det_prior = 2 * jnp.log(jnp.diag(factor)).sum() + region * jnp.log(prior).sum()
    penalty = point.theta @ problem.prior_precision @ point.theta + (prior[:, None] * point.beta**2).sum()
    parameters = (log_det_prior - noise.log_det_precision - penalty) / 2
    shrunk = problem.noise_precision / (scans / 2 + problem.noise_precision)
    hyperparameters = (region * jnp.log(shrunk) - problem.noise_precision * deviation @ deviation) / 2
    return accuracy + parameters + hyperparameters


def _ascent(problem: Problem, gram: Gram, point: Point, noise: _Noise) -> Ascent:
    """Gradient and curvature of F over θ and β at the λ before its last step."""
    tau = jnp.exp(noise.used)
    prior = _confound_prior(problem)
    return Ascent(
        gradient=Gradient(
            theta=jnp.einsum("i,ip->p", tau, gram.Je) - problem.prior_precision @ point.theta,
            beta=tau[:, None] * gram.Xe - prior * point.beta.T,
        ),
        curvature=Curvature(
            theta=problem.prior_precision + jnp.einsum("i,ipq->pq", tau, gram.JJ),
            cross=tau[:, None, None] * gram.XJ,
            beta=tau[:, None] * problem.confound_power + prior,
        ),
        log_det=noise.log_det_precision,
    )


def _flow_time(problem: Problem, ascent: Ascent, log_step: Float[Array, ""]) -> Float[Array, ""]:
    """τ = exp(v − ln|−H| / dim): the log step v is relative to the geometric mean of the curvature."""
    region = problem.bold.shape[1]
    dim = problem.free_mask.sum() + region * problem.confound_mask.sum()
    return jnp.exp(log_step - ascent.log_det / dim)


def _where(condition: Bool[Array, ""], new: T, old: T) -> T:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)
