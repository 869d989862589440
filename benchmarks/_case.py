"""Measures one cohort size in this process: ``python -m benchmarks._case TASK``, for `benchmarks.speed`."""

from __future__ import annotations

import json
import math
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jax
from threadpoolctl import threadpool_limits

import dcm
from dcm._batch import Batch, make_batches
from dcm._scheduler import ExecutionPlan, Worker, plan_execution, usable_cores
from dcm._subject import prepare

from . import _floor as floor
from ._models import SCANS, cohort
from ._process import report

WARM_UP, REPEATS = 1, 15  # calls of the compiled step
ENOUGH_S = 15.0  # of calls
BUDGET_S = 60.0  # of whole inversions; more iterations than fit are cut off
FILLING_CPU = 1  # as many participants compile on a CPU what any number does
ENDLESS = dcm.Settings("spm12", tolerance=1e-300, max_iterations=512)  # nobody ends while iterations are timed
SHORT = dcm.Settings("spm12", max_iterations=2)
DEFAULT, SHORT_DEFAULT = dcm.Settings(), dcm.Settings(max_iterations=2)


wait: Callable[[Any], Any] = jax.block_until_ready


def main() -> None:
    """Do what the task in the first argument says."""
    report(run(json.loads(sys.argv[1])))


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Compilation, and unless only that is wanted, iterations, whole inversions, memory and the floor."""
    subjects = cohort(task["regions"], task["participants"], task.get("scans", SCANS))
    if task.get("default"):
        return {**device(), **default_inversion(subjects, task["compile_only"]), "peak_mb": peak_mb()}
    result = {**device(), "compile_s": compile_seconds(subjects, SHORT)}
    if not task["compile_only"]:
        result |= timings(subjects, task.get("budget_s", BUDGET_S)) | {"peak_mb": peak_mb()}
    return result


def device() -> dict[str, Any]:
    """Which device JAX uses here."""
    one = jax.devices()[0]
    name = one.device_kind if one.platform != "cpu" else f"cpu, {usable_cores()} cores"
    return {"device": name, "platform": one.platform, "devices": len(jax.devices())}


def default_inversion(subjects: Sequence[dcm.Subject], compile_only: bool) -> dict[str, Any]:
    """By the default mode: the full equations begun at the bilinear optimum, AR(1) noise, three starts."""
    result: dict[str, Any] = {"compile_s": compile_seconds(subjects, SHORT_DEFAULT)}
    if compile_only:
        return result
    outcomes: list[Any] = []
    total = seconds(lambda: outcomes.extend(dcm.invert_cohort(subjects, DEFAULT)))
    inverted = [outcome for outcome in outcomes if isinstance(outcome, dcm.Posterior)]
    return result | {
        "scans": subjects[0].data.scans,
        "total_s": total,
        "iterations": statistics.median(posterior.iterations for posterior in inverted),
        "converged": sum(posterior.status is dcm.Status.CONVERGED for posterior in inverted),
    }


def compile_seconds(subjects: Sequence[dcm.Subject], short: dcm.Settings) -> float:
    """What the first inversion in a process takes longer than the second: tracing, compiling or reading the cache."""
    some = subjects[:FILLING_CPU] if jax.default_backend() == "cpu" and short is SHORT else subjects
    first = seconds(lambda: dcm.invert_cohort(some, short))
    return max(first - seconds(lambda: dcm.invert_cohort(some, short)), 0.0)


def timings(subjects: Sequence[dcm.Subject], budget_s: float) -> dict[str, Any]:
    """One iteration on all cores, the whole cohort, and the floor."""
    batch = one_batch(subjects, ENDLESS)
    machine = plan_execution(batch, len(subjects))
    per_iteration = iteration_seconds(batch, machine)
    most = max(2, min(128, int(budget_s / (per_iteration * len(subjects)))))
    outcomes: list[Any] = []
    total = seconds(lambda: outcomes.extend(dcm.invert_cohort(subjects, dcm.Settings("spm12", max_iterations=most))))
    inverted = [outcome for outcome in outcomes if isinstance(outcome, dcm.Posterior)]
    iterations = [posterior.iterations for posterior in inverted]
    size = size_of(batch)
    speed = floor.operations_per_ms() * (usable_cores() if jax.default_backend() == "cpu" else 1)
    return {
        "scans": size.scans,
        "parameters": size.parameters,
        "intervals": size.intervals,
        "steps": size.steps,
        "seats": machine.slots,
        "ms_per_iteration_per_participant": 1e3 * per_iteration,
        "cohort_ms": 1e3 * total / max(sum(iterations), 1),
        "iterations": statistics.median(iterations) if iterations else math.nan,
        "total_iterations": sum(iterations),
        "converged": sum(posterior.status is dcm.Status.CONVERGED for posterior in inverted),
        "total_s": total,
        "mflop": floor.iteration(size) / 1e6,
        "floor_ms": floor.iteration(size) / speed,
    }


def one_batch(subjects: Sequence[dcm.Subject], settings: dcm.Settings) -> Batch:
    """All subjects, which are of one size."""
    [batch] = make_batches([prepare(subject, settings) for subject in subjects], settings)
    return batch


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


def iteration_seconds(batch: Batch, machine: ExecutionPlan) -> float:
    """Time of one iteration of one participant where every slot of every row is taken; the median over calls.

    The rows are those of `dcm.invert_cohort`, all advancing at once as there. Members sit in several slots where there
    are fewer of them than slots.
    """
    devices = list(dict.fromkeys(machine.devices))
    all_problems = {chip: jax.device_put(batch.problems, chip) for chip in devices}
    rows = [Worker(batch.model, batch.noise, all_problems[chip], chip, machine) for chip in machine.devices]
    for k, row in enumerate(rows):
        for place in range(machine.slots):
            row.assign(place, ((k * machine.slots + place) % len(batch.members), 0))
    for chip in devices:  # compiled once, not by several threads
        next(row for row in rows if row.device == chip).advance(rounds=0)
    evaluations = len(rows) * machine.slots * machine.rounds
    taken: list[float] = []
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(len(rows)) as pool:
        while len(taken) < WARM_UP + REPEATS and (len(taken) < 3 * WARM_UP or sum(taken) < ENOUGH_S):
            taken.append(seconds(lambda: list(pool.map(Worker.advance, rows))))
    return statistics.median(taken[WARM_UP:]) / evaluations


def one_row(batch: Batch, slots: int, finished_at_once: int = 1) -> ExecutionPlan:
    """One row on the first device, as on a GPU."""
    machine = plan_execution(batch, slots)
    return replace(machine, devices=machine.devices[:1], slots=slots, finished_at_once=finished_at_once, shrinks=True)


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
