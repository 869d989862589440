"""Running units: results that are up to date are kept, the rest is handed out in jobs, failed jobs are tried again."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..common import UsageError
from ._cluster import LOCAL_CLUSTER, DaskWorkers
from ._processes import ProcessWorkers
from ._unit import Unit, UnitOutcome, WorkFunction
from ._unit_records import delete_record, find_kept_outputs, read_failure, write_failure
from ._workers import CurrentProcess, Job, JobRaised, RunHalted, WorkerDied, Workers

MOST_TRIES = 3  # of a unit whose worker died or raised an error that is not the data's

OnOutcome = Callable[[UnitOutcome], None]
OnProgress = Callable[[int, int], None]


def open_workers(jobs: int, scheduler: str | None, folder: Path) -> AbstractContextManager[Any]:
    """Workers to be used in a ``with``: of a Dask cluster, processes of this machine, or this process alone.

    Arguments:
        jobs: processes, or workers of a cluster that is started here.
        scheduler: a cluster's address; ``local`` to start one; None for no cluster.
        folder: one that every worker is to see.

    Raises `UsageError` where the address is none, or as `DaskWorkers` does.
    """
    if scheduler is not None and scheduler != LOCAL_CLUSTER and not re.fullmatch(r"[a-z]+://.+:[0-9]+", scheduler):
        raise UsageError(f"--scheduler {scheduler} is no address; give one such as tcp://host:8786, or 'local'")
    if scheduler is not None:
        return DaskWorkers(scheduler, jobs, folder)
    return ProcessWorkers(jobs) if jobs > 1 else CurrentProcess()


def find_up_to_date(units: Sequence[Unit], folder: Path) -> list[Unit]:
    """The units whose results are up to date; nothing is made."""
    return [unit for unit in units if find_kept_outputs(folder, unit) is not None]


def find_failures(units: Sequence[Unit], folder: Path) -> list[tuple[Unit, str]]:
    """The units that had no result when they were last tried, and why."""
    reasons = ((unit, read_failure(folder, unit)) for unit in units)
    return [(unit, reason) for unit, reason in reasons if reason is not None]


def run_units(
    units: Sequence[Unit],
    work: WorkFunction,
    *,
    folder: Path,
    workers: Workers,
    batch: int = 1,
    force: bool = False,
    gpu: bool = False,
    on_outcome: OnOutcome | None = None,
    on_progress: OnProgress | None = None,
) -> list[UnitOutcome]:
    """Make every unit that is not up to date; the outcome of each, in the order given.

    A unit whose worker died, or raised an error that is not the data's, is tried up to three times, alone and by
    another worker; then it has failed, and the others go on.

    Arguments:
        units: of one stage, with names that differ.
        work: the function that makes them.
        folder: of the records.
        workers: see `open_workers`.
        batch: most units of a job for a worker without a GPU; one with a GPU takes its share of all.
        force: whether to make anew what is up to date.
        gpu: whether only workers with a GPU do the work, if there are any.
        on_outcome: called with the outcome of every unit as it ends.
        on_progress: called with how many of all units have ended.

    Raises `WriteError` where no unit could be written, such as on a full disk.
    """
    run = _UnitRun(folder, len(units), on_outcome, on_progress)
    todo = []
    for unit in units:
        if force:  # from here on, so that what a killed worker has made anew is kept, and nothing else
            delete_record(folder, unit)
        outputs = find_kept_outputs(folder, unit)
        if outputs is None:
            todo.append(unit)
        else:
            run.record(UnitOutcome(unit, "kept", outputs=outputs))
    gpus = workers.gpus if gpu and todo else 0
    most, hands = (len(todo), gpus) if gpus else (batch, workers.size)
    size = max(1, min(most, -(-len(todo) // hands)))  # nobody idle while another has a long batch
    queue = deque(Job(units, work, folder) for units in _batches(todo, size))
    run.run_jobs(queue, workers, gpu=gpus > 0)
    return [run.outcomes[unit.name] for unit in units]


def _batches(units: Sequence[Unit], size: int) -> Iterator[tuple[Unit, ...]]:
    """Units of one batch together, the others `size` at a time."""
    single = [unit for unit in units if not unit.batch]
    for name in dict.fromkeys(unit.batch for unit in units if unit.batch):
        yield tuple(unit for unit in units if unit.batch == name)
    for i in range(0, len(single), size):
        yield tuple(single[i : i + size])


class _UnitRun:
    """Hands out jobs, and counts outcomes and tries."""

    def __init__(self, folder: Path, total: int, on_outcome: OnOutcome | None, on_progress: OnProgress | None) -> None:
        self.outcomes: dict[str, UnitOutcome] = {}
        self._folder = folder
        self._total, self._on_outcome, self._on_progress = total, on_outcome, on_progress
        self._tries: Counter[str] = Counter()

    def record(self, outcome: UnitOutcome) -> None:
        """Keep a unit's outcome, and report it."""
        self.outcomes[outcome.unit.name] = outcome
        if outcome.status == "failed":
            write_failure(self._folder, outcome.unit, outcome.reason)
        if self._on_outcome is not None:
            self._on_outcome(outcome)
        if self._on_progress is not None:
            self._on_progress(len(self.outcomes), self._total)

    def run_jobs(self, queue: deque[Job], workers: Workers, gpu: bool) -> None:
        """Hand out jobs until none is queued or running."""
        running = 0
        while queue or running:
            while queue and running < ((workers.gpus if gpu else 0) or workers.size):
                workers.start(queue.popleft(), gpu)
                running += 1
            job, result = workers.next()
            running -= 1
            if isinstance(result, RunHalted):
                raise result.error
            if isinstance(result, WorkerDied | JobRaised):
                queue.extend(self._retries(job, result))
                continue
            for outcome in result:
                self.record(outcome)

    def _retries(self, job: Job, result: WorkerDied | JobRaised) -> list[Job]:
        """Jobs to be tried again: every unit alone, so that only the one at fault fails."""
        if len(job.units) > 1:  # what it has finished is recorded, and not made again
            return [replace(job, units=(replace(unit, batch=""),)) for unit in job.units]
        (unit,) = job.units
        self._tries[unit.name] += result.times
        if self._tries[unit.name] < MOST_TRIES:
            return [job]
        self.record(UnitOutcome(unit, "failed", _failure_reason(result, self._tries[unit.name])))
        return []


def _failure_reason(result: WorkerDied | JobRaised, times: int) -> str:
    if isinstance(result, JobRaised):
        return f"failed {times} times, last by {result.reason}"
    return f"its worker died {times} times, which lack of memory may do; give it more, or use fewer --jobs"
