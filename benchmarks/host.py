"""Time outside the compiled step: ``python -m benchmarks.host [--models 10000] [--json FILE]``.

A cohort of simulated participants, four regions each, goes through `dcm.invert_cohort` as on a GPU, in one long row of
slots, with the compiled step replaced by one that replays recorded inversions: after how many evaluations each ends.
What is left is the host's part: padding, uploading, seating, fetching, and making posteriors. Also: how many
compilations there were, and how often something was sent to the device or fetched, in calls for the whole cohort.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import equinox as eqx
import jax
import numpy as np

import dcm
from dcm import _cohort, _scheduler
from dcm._batch import Batch
from dcm._joint_density import Problem
from dcm._laplace import CONVERGED, RUNNING, State
from dcm._scheduler import ExecutionPlan, Slots

from ._models import SCANS, cohort
from ._options import whole_number
from ._table import table, write_json

DISTINCT = 8  # participants inverted for the record
SEATS, ROUNDS, PATIENCE = 4096, 4, 256  # as on a GPU
COMPILED = "/jax/core/compile/backend_compile_duration"
COLUMNS = ("models", "host_s", "processor_s", "ms_per_model", "replaying_s", "calls", "compilations", "sent", "fetched")


class RecordedCohort:
    """Stands in for `dcm._scheduler.advance`: the same inversions again, without their arithmetic."""

    def __init__(self, posteriors: Sequence[dcm.Posterior]) -> None:
        self.evaluations = np.array([posterior.iterations + 1 for posterior in posteriors])  # and one that settles
        self.done = np.zeros(0, dtype=int)
        self.seconds, self.calls = 0.0, 0

    def advance(
        self, _: object, __: str, ___: Problem, slots: Slots, states: State, rounds: np.ndarray, ____: np.ndarray
    ) -> State:
        """The states after so many evaluations; whoever has had all of theirs has converged."""
        begin = time.perf_counter()
        if self.done.size != len(slots.member):
            self.done = np.zeros(len(slots.member), dtype=int)
        needed = self.evaluations[np.asarray(slots.member) % self.evaluations.size]
        self.done = np.where(slots.is_new, 0, self.done) + rounds
        over = (self.done >= needed) | np.asarray(slots.is_free)
        status = jax.device_put(np.where(over, CONVERGED, RUNNING).astype(states.status.dtype))
        iteration = jax.device_put(np.minimum(self.done, needed - 1).astype(states.iteration.dtype))
        self.seconds += time.perf_counter() - begin
        self.calls += 1
        return eqx.tree_at(lambda one: (one.status, one.iteration), states, (status, iteration))


def measure(models: int, scans: int = SCANS, regions: int = 4) -> dict[str, Any]:
    """One row of the table."""
    subjects = participants(models, scans, regions)
    recorded = RecordedCohort(posteriors(dcm.invert_cohort(subjects[:DISTINCT], dcm.Settings("spm12"))))

    def choose(_: Batch, tasks: int, __: int | None = None) -> ExecutionPlan:
        slots = min(SEATS, 1 << (tasks - 1).bit_length())
        return ExecutionPlan((jax.devices()[0],), slots, ROUNDS, min(PATIENCE, max(1, slots // 16)), shrinks=True)

    compilations = compilation_seconds()
    with (
        mock.patch.object(_scheduler, "advance", recorded.advance),
        mock.patch.object(_cohort, "plan_execution", choose),
        _counted("device_put") as sent,
        _counted("device_get") as fetched,
    ):
        before = len(compilations)
        begin, processor = time.perf_counter(), time.process_time()
        results = dcm.invert_cohort(subjects, dcm.Settings("spm12"))
        taken, processor = time.perf_counter() - begin, time.process_time() - processor
    posteriors(results)
    host = taken - recorded.seconds
    return {
        "models": models,
        "host_s": host,
        "processor_s": processor,
        "ms_per_model": 1e3 * host / models,
        "replaying_s": recorded.seconds,
        "calls": recorded.calls,
        "compilations": len(compilations) - before,
        "sent": len(sent) - 2 * recorded.calls,
        "fetched": len(fetched),
    }


def posteriors(results: Sequence[dcm.Posterior | dcm.Failure]) -> list[dcm.Posterior]:
    """All of them; an error where an inversion failed."""
    found = [result for result in results if isinstance(result, dcm.Posterior)]
    if len(found) < len(results):
        raise RuntimeError(f"{len(results) - len(found)} of {len(results)} inversions failed")
    return found


def participants(models: int, scans: int, regions: int) -> list[dcm.Subject]:
    """As many participants, each with noise of its own on one of a few simulated runs."""
    some = cohort(regions, min(DISTINCT, models), scans)
    rng = np.random.default_rng(0)
    made = []
    for i in range(models):
        one = some[i % len(some)]
        data = replace(one.data, bold=one.data.bold + 0.01 * rng.standard_normal(one.data.bold.shape))
        made.append(replace(one, name=f"sub-{i + 1:05d}", data=data))
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.host", description=__doc__)
    parser.add_argument("--models", type=whole_number(1), nargs="+", default=[1000, 10000])
    parser.add_argument("--scans", type=whole_number(20), default=SCANS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call] # JAX leaves it untyped
    rows = [measure(models, options.scans) for models in options.models]
    print(table(rows, COLUMNS))
    if options.json is not None:
        write_json(options.json, {"host": rows})
    return 0


def compilation_seconds() -> list[float]:
    """Seconds of every compilation from now on, in a list that grows."""
    heard: list[float] = []

    def hear(event: str, duration_secs: float, **_: str | int) -> None:
        if event == COMPILED:
            heard.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(hear)
    return heard


@contextmanager
def _counted(name: str) -> Iterator[list[None]]:
    """Every call of one of JAX's functions."""
    calls: list[None] = []
    function: Callable[..., Any] = getattr(jax, name)

    def count(*arguments: Any, **options: Any) -> Any:
        calls.append(None)
        return function(*arguments, **options)

    with mock.patch.object(jax, name, count):
        yield calls


if __name__ == "__main__":
    raise SystemExit(main())
