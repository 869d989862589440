"""How many models advance at once, and what 32 bit costs: ``python -m benchmarks._throughput TASK``."""

from __future__ import annotations

import json
import statistics
import sys
import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import dcm
from dcm._batch import make_batches
from dcm._forward import ForwardModel
from dcm._laplace import Problem, State
from dcm._problem import prepare

from ._case import advance, device, start, wait
from ._models import SCANS, cohort
from ._process import report

DISTINCT = 8  # different participants; more models repeat them
ITERATIONS = 12  # taken before anything is measured, so that the point is a typical one
TOGETHER_CPU = 8  # at once on a CPU, where more only fall out of the cache
MEMORY_SHARE = 0.6  # of what a GPU has free
REPEATS = 5

Inputs = tuple[Problem, State]


def main() -> None:
    """Do what the task in the first argument says."""
    task = json.loads(sys.argv[1])
    distinct = min(DISTINCT, max(task["models"]))
    subjects = cohort(task["regions"], distinct, task.get("scans", SCANS))
    batch = make_batches([prepare(subject, dcm.Settings()) for subject in subjects], dcm.Settings())[0]
    problems, states = start(batch, distinct)
    for _ in range(ITERATIONS):
        states = advance(batch.model, problems, states)
    exact = (problems, states)
    rows = []
    for bits in (64, 32):
        with jax.enable_x64(bits == 64):
            inputs = exact if bits == 64 else single_precision(exact)
            error = errors(batch.model, exact, inputs)
            rows += [throughput(batch.model, inputs, n, task["limit_s"]) | error for n in task["models"]]
    report({**device(), "throughput": rows})


def single_precision(tree: Inputs) -> Inputs:
    """Every array in 32 bit, integers too."""

    narrow = {"f": np.float32, "i": np.int32, "b": np.bool_}

    def cast(leaf: jax.Array) -> jax.Array:
        return jnp.asarray(np.asarray(leaf).astype(narrow[leaf.dtype.kind]))

    single: Inputs = jax.tree.map(cast, tree)
    return single


def throughput(model: ForwardModel, inputs: Inputs, models: int, limit_s: float) -> dict[str, Any]:
    """Time of one step of `models` models, in parts that fit; parts beyond the time limit are counted, not run."""
    together = min(models, _together(model, inputs))
    part = wait(_repeat(inputs, together))
    parts = -(-models // together)
    _check_precision(wait(advance(model, *part)))
    taken: list[float] = []
    begun = time.perf_counter()
    while len(taken) < REPEATS * parts and (len(taken) < REPEATS or time.perf_counter() - begun < limit_s):
        begin = time.perf_counter()
        wait(advance(model, *part))
        taken.append(time.perf_counter() - begin)
    each = statistics.median(taken) / together
    return {
        "models": models,
        "precision": _bits(),
        "at_once": together,
        "measured": min(models, len(taken) * together),
        "ms_per_step": 1e3 * each * models,
        "models_per_second": 1 / each,
    }


def errors(model: ForwardModel, exact: Inputs, inputs: Inputs) -> dict[str, float]:
    """Largest errors over the participants against 64 bit, at the same point.

    Of prediction and Jacobian relative to their largest entry; of the free energy in nats.
    """
    with jax.enable_x64(True):
        reference = _evaluate(model, *exact)
    prediction, jacobian, free_energy = (
        np.abs(a - b) for a, b in zip(_evaluate(model, *inputs), reference, strict=True)
    )
    relative_prediction = float((prediction.max(axis=(1, 2)) / np.abs(reference[0]).max(axis=(1, 2))).max())
    relative_jacobian = float((jacobian.max(axis=(1, 2, 3)) / np.abs(reference[1]).max(axis=(1, 2, 3))).max())
    return {
        "prediction_error": relative_prediction,
        "jacobian_error": relative_jacobian,
        "max_relative_error": max(relative_prediction, relative_jacobian),
        "free_energy_error": float(free_energy.max()),
    }


def _evaluate(model: ForwardModel, problems: Problem, states: State) -> list[np.ndarray]:
    """Prediction, Jacobian and free energy at the points the states are about to evaluate."""
    prediction, jacobian = _linearise(model, problems, states)
    moved = advance(model, problems, states)
    _check_precision((prediction, jacobian, moved))
    history, iteration = np.asarray(moved.history), np.asarray(states.iteration)
    free_energy = history[np.arange(len(iteration)), iteration]
    return [np.asarray(array, dtype=np.float64) for array in (prediction, jacobian, free_energy)]


@partial(jax.jit, static_argnums=0)
def _linearise(model: ForwardModel, problems: Problem, states: State) -> tuple[jax.Array, jax.Array]:
    def one(problem: Problem, state: State) -> tuple[jax.Array, jax.Array]:
        free = problem.prior_mean + state.point.theta
        return model.predict_with_jacobian(problem.prior_vector, free, problem.timing, problem.echo_time)

    return jax.vmap(one)(problems, states)


def _together(model: ForwardModel, inputs: Inputs) -> int:
    """How many models fit, from what the compiler says that a few need."""
    memory = jax.devices()[0].memory_stats() or {}
    if "bytes_limit" not in memory:
        return TOGETHER_CPU
    analysis: Any = advance.jitted.lower(model, *inputs).compile().memory_analysis()
    needed = analysis.temp_size_in_bytes + analysis.argument_size_in_bytes + analysis.output_size_in_bytes
    free = memory["bytes_limit"] - memory["bytes_in_use"]
    return max(1, int(MEMORY_SHARE * free / needed * _count(inputs)))


def _repeat(inputs: Inputs, models: int) -> Inputs:
    index = np.arange(models, dtype=np.int32) % _count(inputs)
    repeated: Inputs = jax.tree.map(lambda leaf: leaf[index], inputs)
    return repeated


def _count(inputs: Inputs) -> int:
    return len(inputs[1].status)


def _bits() -> int:
    return 8 * jnp.asarray(0.0).dtype.itemsize


def _check_precision(tree: object) -> None:
    """Nothing may have slipped into the other precision."""
    allowed = {f"float{_bits()}", f"int{_bits()}", "bool"}
    found = {str(leaf.dtype) for leaf in jax.tree.leaves(tree)}
    if not found <= allowed:
        raise RuntimeError(f"found arrays of {', '.join(sorted(found - allowed))} where only {allowed} were expected")


if __name__ == "__main__":
    main()
