"""The parts of `benchmarks.gpu`, each in a process of its own: ``python -m benchmarks._gpu_parts TASK``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest import mock

import jax
import numpy as np

import dcm
from dcm import _cohort, _scheduler
from dcm._batch import Batch
from dcm._scheduler import ExecutionPlan, plan_execution

from . import host
from ._case import ENDLESS, device, iteration_seconds, one_batch, one_row, peak_mb, wait
from ._gpu_precision import precision
from ._models import cohort
from ._process import report

SHARE_OF_TIME = 0.8  # of a part's limit within which inversions must be expected to end for them to be begun
TYPICAL_ITERATIONS = 40  # of an inversion, before any has been seen
MOST_F, MOST_MEAN = 1e-5, 1e-5  # nats, and the parameters' units: what a GPU's results may differ by


def main() -> None:
    """Do what the task in the first argument says; a row is reported as soon as there is one."""
    task = json.loads(sys.argv[1])
    for row in PARTS[task.pop("part")](**task):
        report(row)


def where() -> Iterator[dict[str, Any]]:
    """Which device there is."""
    yield device()


def agreement(regions: int, participants: int, scans: int) -> Iterator[dict[str, Any]]:
    """One cohort on the device in one row of slots, and on the CPU as always: F, means and iterations."""
    subjects = cohort(regions, participants, scans)
    with _machine(_device_row):
        here = host.posteriors(dcm.invert_cohort(subjects, dcm.Settings("spm12")))
    cpu = jax.devices("cpu")[0]
    on_cpu = nullcontext() if jax.default_backend() == "cpu" else jax.default_device(cpu)  # which compiles anew
    with on_cpu, _machine(lambda batch, tasks: ExecutionPlan((cpu,), 1, _scheduler.ROUNDS_CPU)):
        there = host.posteriors(dcm.invert_cohort(subjects, dcm.Settings("spm12")))
    pairs = list(zip(here, there, strict=True))
    free_energy = max(abs(a.free_energy - b.free_energy) for a, b in pairs)
    mean = max(float(np.abs(a.mean - b.mean).max()) for a, b in pairs)
    same = sum(a.iterations == b.iterations for a, b in pairs)
    yield {
        "regions": regions,
        "participants": participants,
        "difference_of_F": free_energy,
        "difference_of_means": mean,
        "same_iterations": same,
        "agrees": free_energy <= MOST_F and mean <= MOST_MEAN and same == participants,
    }


def models(regions: int, numbers: list[int], scans: int, limit_s: float) -> Iterator[dict[str, Any]]:
    """How long so many models take: an iteration with all slots taken, then whole inversions where time permits."""
    began, iterations = time.perf_counter(), float(TYPICAL_ITERATIONS)
    compilations = host.compilation_seconds()
    for number in numbers:
        before = len(compilations)
        subjects = host.participants(number, scans, regions)
        batch = one_batch(subjects, ENDLESS)
        machine = _device_row(batch, number)
        per_iteration = iteration_seconds(batch, machine)
        row: dict[str, Any] = {
            "regions": regions,
            "models": number,
            "seats": machine.slots * len(machine.devices),
            "parts": -(-number // (machine.slots * len(machine.devices))),
            "ms_per_iteration_per_model": 1e3 * per_iteration,
        }
        left = SHARE_OF_TIME * limit_s - (time.perf_counter() - began)
        if per_iteration * max(number, machine.slots) * iterations < left:
            timed, evaluations = _inversions(subjects)
            row |= timed
            iterations = evaluations / number
        row["compilations"] = len(compilations) - before
        row["compile_s"] = sum(compilations[before:])
        yield row | {"peak_mb": peak_mb()}


def host_time(number: int, scans: int, regions: int) -> Iterator[dict[str, Any]]:
    """Everything outside the compiled step."""
    yield host.measure(number, scans, regions)


def _inversions(subjects: list[dcm.Subject]) -> tuple[dict[str, Any], int]:
    """Whole inversions by `dcm.invert_cohort`, compiled; how long the device and the host took; evaluations in all."""
    with _machine(_device_row):
        host.posteriors(dcm.invert_cohort(subjects, dcm.Settings("spm12", max_iterations=1)))  # compiles the rest
        advance, on_device = _scheduler.advance, [0.0]

        def timed(*arguments: Any) -> Any:
            begin = time.perf_counter()
            states = wait(advance(*arguments))
            on_device[0] += time.perf_counter() - begin
            return states

        with mock.patch.object(_scheduler, "advance", timed):
            begin = time.perf_counter()
            inverted = host.posteriors(dcm.invert_cohort(subjects, dcm.Settings("spm12")))
            total = time.perf_counter() - begin
    evaluations = sum(posterior.iterations + 1 for posterior in inverted)
    return {
        "total_s": total,
        "device_s": on_device[0],
        "host_s": total - on_device[0],
        "models_per_second": len(inverted) / total,
        "iterations": evaluations / len(inverted) - 1,
    }, evaluations


def _device_row(batch: Batch, tasks: int) -> ExecutionPlan:
    """The machine of `dcm.invert_cohort` on a GPU; on a CPU one row that is like a GPU's."""
    if jax.default_backend() != "cpu":
        return plan_execution(batch, tasks)
    slots = 1 << (tasks - 1).bit_length()
    return one_row(batch, slots, finished_at_once=max(1, slots // 16))


@contextmanager
def _machine(choose: Callable[[Batch, int], ExecutionPlan]) -> Iterator[None]:
    """Inversions on a machine of the benchmark's choice."""
    with mock.patch.object(_cohort, "plan_execution", lambda batch, tasks, _=None: choose(batch, tasks)):
        yield


PARTS: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "where": where,
    "agreement": agreement,
    "models": models,
    "host": host_time,
    "precision": precision,
}


if __name__ == "__main__":
    main()
