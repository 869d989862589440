"""Who works: this process, processes of this machine, or a cluster. Each takes jobs and tells how they ended."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from ..common import WriteError
from ._job import Job, do
from ._unit import Ended


@dataclass(frozen=True)
class Died:
    """A worker died while it had a job in hand: killed, or out of memory; `times` of them, one after another."""

    times: int = 1


@dataclass(frozen=True)
class Raised:
    """A job raised an error that another try may not meet, such as a disk that did not answer."""

    reason: str
    times: int = 1


@dataclass(frozen=True)
class Halted:
    """A job met what every other would meet too, such as a full disk."""

    error: WriteError


Result = list[Ended] | Died | Raised | Halted


class Workers(Protocol):
    """Some workers, each with one job at a time."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def gpus(self) -> int:
        """How many of them have a GPU; not asked before it matters, since it takes time."""

    def start(self, job: Job, gpu: bool) -> None:
        """Hand out a job, to a worker with a GPU where asked for. Only where fewer than `size` are in hand."""

    def next(self) -> tuple[Job, Result]:
        """Wait for a job to end."""


def outcome_of(error: BaseException) -> Raised | Halted:
    """An error in one line, or what there is no going on from."""
    if isinstance(error, WriteError):
        return Halted(error) if error.for_all else Raised(str(error))
    return Raised(" ".join(f"{type(error).__name__}: {error}".split()))


def attempt(job: Job) -> Result:
    """What a job comes to; errors as words, since not every error survives the way from another process."""
    try:
        return do(job)
    except (Exception, SystemExit) as error:  # whatever it is, it is this job's alone
        return outcome_of(error)


def sees_gpu() -> bool:
    """Whether JAX computes on a GPU in this process."""
    import jax

    return any(one.platform != "cpu" for one in jax.devices())


class InProcess(AbstractContextManager["InProcess"]):
    """One worker: this process."""

    size = 1

    @property
    def gpus(self) -> int:
        """See `Workers`."""
        return int(sees_gpu())

    def __init__(self) -> None:
        self._job: Job | None = None

    def start(self, job: Job, gpu: bool) -> None:
        """See `Workers`."""
        self._job = job

    def next(self) -> tuple[Job, Result]:
        """See `Workers`."""
        job, self._job = self._job, None
        assert job is not None, "no job was started"
        return job, attempt(job)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left behind."""
