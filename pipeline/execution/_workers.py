"""Workers and the jobs they are handed: this process, other processes of this machine, or a cluster."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from pathlib import Path
from types import TracebackType
from typing import Protocol

from ..common import WriteError
from ._unit import Unit, UnitOutcome, WorkFunction
from ._unit_records import FileStamp, find_kept_outputs, stamp_file, write_record


@dataclass(frozen=True)
class Job:
    """Units of one stage that one worker runs together.

    Fields:
        units: in the order in which they are run.
        work: the function that makes them.
        folder: of their records.
    """

    units: tuple[Unit, ...]
    work: WorkFunction
    folder: Path


@dataclass(eq=False)
class _JobRecorder:
    """Writes a record for every unit as it ends: what a killed job has finished is not lost."""

    folder: Path
    inputs: dict[str, list[FileStamp]]
    outcomes: dict[str, UnitOutcome] = field(default_factory=dict)

    def done(self, unit: Unit, outputs: Sequence[Path]) -> None:
        """See `UnitRecorder`."""
        changed = [
            path
            for path, before in zip(unit.inputs, self.inputs[unit.name], strict=True)
            if before.refresh(path) is None
        ]
        if changed:
            self.failed(unit, f"{changed[0]} changed while it was worked on; run again once nobody writes to it")
            return
        write_record(self.folder, unit, self.inputs[unit.name], outputs)
        self.outcomes[unit.name] = UnitOutcome(unit, "made", outputs=tuple(outputs))

    def failed(self, unit: Unit, reason: str) -> None:
        """See `UnitRecorder`."""
        self.outcomes[unit.name] = UnitOutcome(unit, "failed", " ".join(reason.split()))


def run_job(job: Job) -> list[UnitOutcome]:
    """Run a job's units in their order; those that an earlier try has finished are kept.

    Raises whatever the work raises besides `ValueError`, which says that the data are at fault, and errors of reading
    an input that is gone.
    """
    recorder = _JobRecorder(job.folder, {})
    todo = [unit for unit in job.units if not _recorded_before(unit, recorder)]
    if todo:
        try:
            for unit in todo:
                recorder.inputs[unit.name] = [stamp_file(path) for path in unit.inputs]
            job.work(todo, recorder)
        except (ValueError, OSError) as error:
            unfinished = [unit for unit in todo if unit.name not in recorder.outcomes]
            missing = next((path for unit in unfinished for path in unit.inputs if not path.exists()), None)
            if isinstance(error, WriteError) or (isinstance(error, OSError) and missing is None):
                raise
            if len(unfinished) > 1:  # not known whose data are at fault
                raise RuntimeError(str(error)) from error
            removed = f"{missing} was removed while it was needed; put it back and run again"
            for unit in unfinished:
                recorder.failed(unit, str(error) if missing is None else removed)
    unreported = [unit.name for unit in job.units if unit.name not in recorder.outcomes]
    assert not unreported, f"the work function of {job.units[0].stage} did not report {unreported}"
    return [recorder.outcomes[unit.name] for unit in job.units]


def _recorded_before(unit: Unit, recorder: _JobRecorder) -> bool:
    outputs = find_kept_outputs(recorder.folder, unit)
    if outputs is not None:
        recorder.outcomes[unit.name] = UnitOutcome(unit, "made", outputs=outputs)
    return outputs is not None


@dataclass(frozen=True)
class WorkerDied:
    """A worker died while it ran a job: killed, or out of memory; `times` of them, one after another."""

    times: int = 1


@dataclass(frozen=True)
class JobRaised:
    """A job raised an error that may not come up again, such as a disk that did not answer."""

    reason: str
    times: int = 1


@dataclass(frozen=True)
class RunHalted:
    """A job met an error that every other would meet too, such as a full disk."""

    error: WriteError


JobResult = list[UnitOutcome] | WorkerDied | JobRaised | RunHalted


class Workers(Protocol):
    """Some workers, each with one job at a time."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def gpus(self) -> int:
        """How many of them have a GPU; not asked before it matters, since it takes time."""

    def start(self, job: Job, gpu: bool) -> None:
        """Hand out a job, with `gpu` to a worker that has a GPU; only while fewer than `size` jobs are running."""

    def next(self) -> tuple[Job, JobResult]:
        """Wait for a job to end."""


def result_of_error(error: BaseException) -> JobRaised | RunHalted:
    """An error as a job's result: `RunHalted` where every other job would meet it."""
    if isinstance(error, WriteError):
        return RunHalted(error) if error.for_all else JobRaised(str(error))
    return JobRaised(" ".join(f"{type(error).__name__}: {error}".split()))


def run_job_safely(job: Job) -> JobResult:
    """A job's result; errors as text, since not every error can be sent from another process."""
    try:
        return run_job(job)
    except (Exception, SystemExit) as error:  # whatever it is, it is this job's alone
        return result_of_error(error)


def has_gpu() -> bool:
    """Whether JAX computes on a GPU in this process."""
    import jax

    return any(device.platform != "cpu" for device in jax.devices())


class CurrentProcess(AbstractContextManager["CurrentProcess"]):
    """One worker: this process."""

    size = 1

    @property
    def gpus(self) -> int:
        """See `Workers`."""
        return int(has_gpu())

    def __init__(self) -> None:
        self._job: Job | None = None

    def start(self, job: Job, gpu: bool) -> None:
        """See `Workers`."""
        self._job = job

    def next(self) -> tuple[Job, JobResult]:
        """See `Workers`."""
        job, self._job = self._job, None
        assert job is not None, "no job was started"
        return job, run_job_safely(job)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left behind."""


@contextmanager
def hold_ctrl_c() -> Iterator[None]:
    """Ctrl-C waits until afterwards; threads and processes that start within never receive it, nor do theirs."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # which ends with its own setting where it is only started within
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
