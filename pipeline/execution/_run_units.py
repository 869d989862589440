"""The loop over units: what stands is kept, the rest is handed out in jobs, and what fails is tried again or told."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ._job import Job
from ._record import forget, kept_outputs, read_failure, write_failure
from ._unit import Ended, Unit, Work
from ._workers import Died, Halted, Raised, Workers

TRIES = 3  # of a unit whose worker died or raised an error that is not the data's

OnEnded = Callable[[Ended], None]
OnProgress = Callable[[int, int], None]


def up_to_date(units: Sequence[Unit], folder: Path) -> list[Unit]:
    """The units that stand as they are; nothing is made."""
    return [unit for unit in units if kept_outputs(folder, unit) is not None]


def failures(units: Sequence[Unit], folder: Path) -> list[tuple[Unit, str]]:
    """The units that had no result when they were last tried, and why."""
    told = ((unit, read_failure(folder, unit)) for unit in units)
    return [(unit, reason) for unit, reason in told if reason is not None]


def run_units(
    units: Sequence[Unit],
    work: Work,
    *,
    folder: Path,
    workers: Workers,
    batch: int = 1,
    again: bool = False,
    gpu: bool = False,
    on_ended: OnEnded | None = None,
    on_progress: OnProgress | None = None,
) -> list[Ended]:
    """Make every unit that does not stand yet; what became of each, in the order given.

    A unit whose worker died, or raised an error that is not the data's, is tried up to three times, alone and by
    another worker; then it has failed, and the others go on.

    Arguments:
        units: of one stage, with names that differ.
        work: their function.
        folder: of the records.
        workers: who works.
        batch: units that a worker without a GPU takes at once, at most; one with a GPU takes its share of all.
        again: whether to make anew what stands.
        gpu: whether the work is for those workers alone that have a GPU, if there are any.
        on_ended: told of every unit as it ends.
        on_progress: told how many of all have ended.

    Raises `WriteError` where no unit could be written, such as on a full disk.
    """
    loop = _Loop(folder, len(units), on_ended, on_progress)
    todo = []
    for unit in units:
        if again:  # from here on, so that what a killed worker has made anew is kept, and nothing else
            forget(folder, unit)
        outputs = kept_outputs(folder, unit)
        if outputs is None:
            todo.append(unit)
        else:
            loop.end(Ended(unit, "kept", outputs=outputs))
    gpus = workers.gpus if gpu and todo else 0
    most, hands = (len(todo), gpus) if gpus else (batch, workers.size)
    size = max(1, min(most, -(-len(todo) // hands)))  # nobody idle while another has a long batch
    queue = deque(Job(units, work, folder) for units in _batches(todo, size))
    loop.work_off(queue, workers, gpu=gpus > 0)
    return [loop.ended[unit.name] for unit in units]


def _batches(units: Sequence[Unit], size: int) -> Iterator[tuple[Unit, ...]]:
    """Units that belong together at once, the others `size` at a time."""
    alone = [unit for unit in units if not unit.together]
    for word in dict.fromkeys(unit.together for unit in units if unit.together):
        yield tuple(unit for unit in units if unit.together == word)
    for i in range(0, len(alone), size):
        yield tuple(alone[i : i + size])


class _Loop:
    """Hands out jobs, and keeps count of ends and tries."""

    def __init__(self, folder: Path, total: int, on_ended: OnEnded | None, on_progress: OnProgress | None) -> None:
        self.ended: dict[str, Ended] = {}
        self._folder = folder
        self._total, self._on_ended, self._on_progress = total, on_ended, on_progress
        self._tries: Counter[str] = Counter()

    def end(self, one: Ended) -> None:
        """A unit has ended."""
        self.ended[one.unit.name] = one
        if one.how == "failed":
            write_failure(self._folder, one.unit, one.reason)
        if self._on_ended is not None:
            self._on_ended(one)
        if self._on_progress is not None:
            self._on_progress(len(self.ended), self._total)

    def work_off(self, queue: deque[Job], workers: Workers, gpu: bool) -> None:
        """Until nothing is queued or in hand."""
        in_hand = 0
        while queue or in_hand:
            while queue and in_hand < ((workers.gpus if gpu else 0) or workers.size):
                workers.start(queue.popleft(), gpu)
                in_hand += 1
            job, result = workers.next()
            in_hand -= 1
            if isinstance(result, Halted):
                raise result.error
            if isinstance(result, Died | Raised):
                queue.extend(self._after(job, result))
                continue
            for one in result:
                self.end(one)

    def _after(self, job: Job, result: Died | Raised) -> list[Job]:
        """What is to be tried again: every unit alone, so that only the culprit is blamed."""
        if len(job.units) > 1:  # what it has finished is recorded, and not made again
            return [replace(job, units=(replace(unit, together=""),)) for unit in job.units]
        (unit,) = job.units
        self._tries[unit.name] += result.times
        if self._tries[unit.name] < TRIES:
            return [job]
        self.end(Ended(unit, "failed", _words(result, self._tries[unit.name])))
        return []


def _words(result: Died | Raised, times: int) -> str:
    if isinstance(result, Raised):
        return f"failed {times} times, last by {result.reason}"
    return f"its worker died {times} times, which lack of memory may do; give it more, or use fewer --jobs"
