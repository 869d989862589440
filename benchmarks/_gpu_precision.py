"""An experiment: the Jacobian in 32 bit, everything else in 64; what it saves and what it does to the results.

The prediction, and with it the residual and F, stays in 64 bit, so that only the direction of a step and the posterior
covariance feel the rounding.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import dcm
from dcm import _laplace as laplace
from dcm._forward import ForwardModel
from dcm._runtime import accepted_options

from . import host
from ._case import one_batch, wait
from ._models import cohort
from ._stages import RecordedPrediction, typical_row

DISTINCT = 8  # participants inverted both ways; more models repeat them
REPEATS = 5
MOST_ITERATIONS = 140


def precision(regions: int, number: int, scans: int) -> Iterator[dict[str, Any]]:
    """Times of the parts in either precision, of so many models at once; errors of the Jacobian, F and the means."""
    some = min(DISTINCT, number)
    subjects = cohort(regions, some, scans)
    batch = one_batch(subjects, dcm.Settings("spm12"))
    member = np.arange(number) % some
    row = typical_row(batch, number)[0]
    problems = jax.device_put(
        jax.tree.map(lambda leaf: leaf[member], batch.problems), row.device
    )  # as the row's states
    problems = eqx.tree_at(lambda one: one.start, problems, problems.start[:, 0])
    # Before the parts are compiled, which forgets what is compiled already.
    exact = host.posteriors(dcm.invert_cohort(subjects, dcm.Settings("spm12")))
    narrow = single_precision(problems)
    evaluate = MixedEvaluation(batch.model, narrow)
    theta = row.states.point.theta
    prediction, both = evaluate.prediction(problems, theta), evaluate.both(problems, theta)
    jacobian = evaluate.narrow_jacobian(narrow, theta)
    recorded = RecordedPrediction(prediction, both[1])
    timed = {
        "prediction_64_ms": milliseconds(evaluate.prediction, problems, theta),
        "with_jacobian_64_ms": milliseconds(evaluate.both, problems, theta),
        "with_jacobian_32_ms": milliseconds(evaluate.narrow_jacobian, narrow, theta),
        "rest_64_ms": milliseconds(evaluate.rest, problems, row.states, recorded),
    }
    wide = timed["with_jacobian_64_ms"] + timed["rest_64_ms"]
    mixed = timed["prediction_64_ms"] + timed["with_jacobian_32_ms"] + timed["rest_64_ms"]
    largest = jnp.abs(both[1]).max(axis=(1, 2, 3))
    error = (jnp.abs(jacobian - both[1]).max(axis=(1, 2, 3)) / largest).max()
    yield {
        "regions": regions,
        "models": number,
        **timed,
        "ratio": wide / mixed,
        "jacobian_error": float(error),
        **_compare(evaluate, problems, narrow, exact),
    }


class MixedEvaluation:
    """The parts of a step, for as many at once as there are problems in `narrow`."""

    def __init__(self, model: ForwardModel, narrow: Any) -> None:
        def both(problem: Any, theta: jax.Array) -> tuple[jax.Array, jax.Array]:
            free = problem.prior_mean + theta
            return model.predict_with_jacobian(problem.prior_vector, free, problem.timing, problem.echo_time)

        def prediction(problem: Any, theta: jax.Array) -> jax.Array:
            parameters = model.parameters(problem.prior_vector, problem.prior_mean + theta)
            return model.predict(parameters, problem.timing, problem.echo_time)

        def rest(problem: Any, state: laplace.State, recorded: RecordedPrediction) -> laplace.State:
            moved = laplace.step(cast(ForwardModel, recorded), "spm12", problem, state)
            over = laplace.has_ended(state.status)
            return jax.tree.map(lambda old, new: jnp.where(over, old, new), state, moved)

        _forget()
        with jax.enable_x64(False):
            self._narrow = _many(both).lower(narrow, narrow.start).compile()
        _forget()
        self.both, self.prediction, self.rest = (_many(function) for function in (both, prediction, rest))

    def narrow_jacobian(self, narrow: Any, theta: jax.Array) -> jax.Array:
        """The Jacobian in 32 bit, given in 64; `narrow` are the problems in 32 bit."""
        single = theta.astype(np.float32)
        with jax.enable_x64(False):
            _, jacobian = self._narrow(narrow, single)
        if jacobian.dtype != np.float32:
            raise RuntimeError(f"a Jacobian of {jacobian.dtype} where 32 bit were asked for")
        return jax.device_put(jacobian.astype(np.float64), theta.device)


def single_precision(tree: Any) -> Any:
    """Every array in 32 bit, integers too."""
    narrow = {"f": np.float32, "i": np.int32, "b": np.bool_}

    def cast_leaf(leaf: jax.Array) -> jax.Array:
        with jax.enable_x64(False):
            return jnp.asarray(np.asarray(leaf).astype(narrow[leaf.dtype.kind]))

    return jax.tree.map(cast_leaf, tree)


def milliseconds(work: Callable[..., Any], *arguments: Any) -> float:
    """Median wall-clock time of a call, its results awaited."""
    taken = []
    for _ in range(1 + REPEATS):
        begin = time.perf_counter()
        wait(work(*arguments))
        taken.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(taken[1:])


def _forget() -> None:
    """What is traced in one precision leaves constants behind that do not fit in the other."""
    jax.clear_caches()  # type: ignore[no-untyped-call] # JAX leaves it untyped


def _many(function: Callable[..., Any]) -> Any:
    return jax.jit(jax.vmap(function), compiler_options=accepted_options())


def _compare(evaluate: MixedEvaluation, problems: Any, narrow: Any, exact: list[dcm.Posterior]) -> dict[str, float]:
    """Whole inversions with 32-bit Jacobians, of which the first are those that were also done in 64 bit."""
    states = jax.jit(jax.vmap(laplace.init))(problems)
    for _ in range(MOST_ITERATIONS):
        if laplace.has_ended(np.asarray(states.status)).all():
            break
        theta = states.point.theta
        recorded = RecordedPrediction(evaluate.prediction(problems, theta), evaluate.narrow_jacobian(narrow, theta))
        states = evaluate.rest(problems, states, recorded)
    count = len(exact)
    means = np.asarray(problems.prior_mean + states.best.theta)[:count]
    free_energy = np.asarray(states.best_free_energy)[:count] - [posterior.free_energy for posterior in exact]
    return {
        "difference_of_F": float(np.abs(free_energy).max()),
        "difference_of_means": float(
            max(
                np.abs(mean - posterior.mean[posterior.free]).max()
                for mean, posterior in zip(means, exact, strict=True)
            )
        ),
        "iterations": float(np.mean(states.iteration[:count])),
        "iterations_64": float(np.mean([posterior.iterations for posterior in exact])),
    }
