"""Measures one cohort size in this process: ``python -m benchmarks._case TASK``, for `benchmarks.speed`."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import dcm
from dcm import _laplace as laplace
from dcm._batch import Batch, make_batches
from dcm._compiled import compiled
from dcm._forward import ForwardModel
from dcm._problem import prepare
from dcm._rows import usable_cores

from . import _floor as floor
from ._models import SCANS, cohort
from ._process import report

WARM_UP, REPEATS = 3, 15
TOGETHER_CPU = 8  # models advanced at once on a CPU, as a cohort does
FILLING_CPU = 8  # as many participants compile on a CPU what any number does
ENOUGH_S = 10.0  # of repeats
LARGEST_PRODUCT = 2048  # edge of the largest dense product timed; more operations are scaled up
SHORT = dcm.Settings(max_iterations=2)  # two, for what is compiled again when the loop feeds on its own result


wait: Callable[[Any], Any] = jax.block_until_ready


def main() -> None:
    """Do what the task in the first argument says."""
    task = json.loads(sys.argv[1])
    subjects = cohort(task["regions"], task["participants"], task.get("scans", SCANS))
    result = {**device(), "compile_s": compile_seconds(subjects)}
    if not task["compile_only"]:
        result |= timings(subjects) | {"peak_mb": peak_mb()}
    report(result)


def device() -> dict[str, Any]:
    """Which device JAX uses here."""
    one = jax.devices()[0]
    name = one.device_kind if one.platform != "cpu" else f"cpu, {usable_cores()} cores"
    return {"device": name, "platform": one.platform, "devices": len(jax.devices())}


@compiled(static_argnums=0)
def advance(model: ForwardModel, problems: laplace.Problem, states: laplace.State) -> laplace.State:
    """One evaluation of everybody's model; whoever has ended stays as they are."""

    def one(problem: laplace.Problem, state: laplace.State) -> laplace.State:
        ended = laplace.ended(state.status)
        return jax.tree.map(partial(jnp.where, ended), state, laplace.step(model, problem, state))

    return jax.vmap(one)(problems, states)


def compile_seconds(subjects: Sequence[dcm.Subject]) -> float:
    """What the first inversion in a process takes longer than the second: tracing, compiling or reading the cache."""
    some = subjects[:FILLING_CPU] if jax.default_backend() == "cpu" else subjects
    first = seconds(lambda: dcm.invert_cohort(some, SHORT))
    return max(first - seconds(lambda: dcm.invert_cohort(some, SHORT)), 0.0)


def timings(subjects: Sequence[dcm.Subject]) -> dict[str, Any]:
    """One iteration, the whole cohort, and the floor."""
    settings = dcm.Settings()
    batch = make_batches([prepare(subject, settings) for subject in subjects], settings)[0]
    together = len(subjects) if jax.default_backend() != "cpu" else min(len(subjects), TOGETHER_CPU)
    per_iteration = iteration_seconds(batch, together) / together
    outcomes: list[Any] = []
    total = seconds(lambda: outcomes.extend(dcm.invert_cohort(subjects, settings)))
    inverted = [one for one in outcomes if isinstance(one, dcm.Posterior)]
    iterations = [one.iterations for one in inverted]
    size = size_of(batch)
    return {
        "scans": size.scans,
        "parameters": size.parameters,
        "intervals": size.intervals,
        "steps": size.steps,
        "ms_per_iteration_per_participant": 1e3 * per_iteration,
        "cohort_ms": 1e3 * total / max(sum(iterations), 1),
        "iterations": statistics.median(iterations),
        "total_iterations": sum(iterations),
        "converged": sum(one.status is dcm.Status.CONVERGED for one in inverted),
        "total_s": total,
        "mflop": floor.iteration(size) / 1e6,
        "floor_ms": 1e3 * product_seconds(floor.iteration(size) * together) / together,
    }


def size_of(batch: Batch) -> floor.Size:
    """Sizes that decide the cost."""
    extent = batch.extent
    return floor.Size(
        regions=batch.model.layout.n,
        parameters=len(batch.model.free),
        scans=extent["scans"],
        confounds=extent["confounds"],
        intervals=extent["intervals"],
        steps=extent["steps"],
    )


def iteration_seconds(batch: Batch, together: int) -> float:
    """Median over the iterations that an inversion begins with."""
    problems, states = start(batch, together)
    taken: list[float] = []
    while len(taken) < WARM_UP + REPEATS and (len(taken) < 2 * WARM_UP or sum(taken) < ENOUGH_S):
        begin = time.perf_counter()
        states = wait(advance(batch.model, problems, states))
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken[WARM_UP:])


def start(batch: Batch, together: int) -> tuple[laplace.Problem, laplace.State]:
    """Problems and first states of the first members, with a leading axis."""
    some = jax.tree.map(lambda leaf: jnp.asarray(leaf[:together]), batch.problems)
    stacked = replace(some, start=some.start[:, 0])
    states = jax.jit(jax.vmap(laplace.init))(stacked)
    # Of definite type, so that the second step runs the code of the first.
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), (stacked, states))


def product_seconds(operations: float) -> float:
    """Time of a square dense product of as many operations, on this device, in 64 bit."""
    edge = min(max(round((operations / 2) ** (1 / 3)), 8), LARGEST_PRODUCT)
    square = jnp.asarray(np.random.default_rng(0).standard_normal((edge, edge)))
    multiply = jax.jit(jnp.matmul)
    taken = [seconds(partial(multiply, square, square)) for _ in range(3 + REPEATS)]
    return statistics.median(taken[3:]) * operations / (2 * edge**3)


def peak_mb() -> float:
    """Most memory held: of the device where it keeps count, else of this process."""
    held = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    if held is not None:
        return float(held) / 2**20
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of `work`, its results awaited."""
    begin = time.perf_counter()
    wait(work())
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
