"""A Dask cluster: many machines that see the same folders, or a few workers started here on request.

Results are files, so a worker that is lost loses nothing but time: its job goes to another.
"""

from __future__ import annotations

import queue
import time
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from ..common import UsageError, release
from ._dask import connected, look, one_at_a_time, quiet, started_here
from ._job import Job
from ._workers import Died, Result, outcome_of, sees_gpu

LOCAL = "local"
PATIENCE = 30  # s until a scheduler or its first worker must have answered
LOST = 600  # s without any worker after which none is hoped for
GLANCE = 5  # s between looks at whether there are workers yet


class Cluster(AbstractContextManager["Cluster"]):
    """The workers of a Dask cluster, each with one job at a time.

    Arguments:
        address: of the scheduler, such as ``tcp://host:8786``; ``local`` starts a scheduler and workers here.
        size: workers of a local one.
        folder: one that every worker is to see.

    Raises `UsageError` where nobody answers, nobody works, or a worker is of another release or sees other folders;
    later on, where the scheduler or all workers are gone.
    """

    def __init__(self, address: str, size: int, folder: Path) -> None:
        quiet()
        self._address, self._folder = address, folder
        with ExitStack() as stack:
            here = stack.enter_context(started_here(size)) if address == LOCAL else None
            self._client: Any = stack.enter_context(connected(here or address, address, PATIENCE))
            look(self._client, folder)
            self._open = stack.pop_all()
        self._jobs: dict[str, Job] = {}
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._sees_gpu: dict[str, bool] = {}
        self._last_seen = time.monotonic()

    @property
    def size(self) -> int:
        """How many there are now: workers come and go."""
        return max(1, len(self._workers()))

    @property
    def gpus(self) -> int:
        """See `Workers`."""
        return len(self._with_gpu())

    def start(self, job: Job, gpu: bool) -> None:
        """See `Workers`."""
        chosen = self._with_gpu() if gpu else []
        try:  # other workers only where those are gone: a restarted one has another address
            future = self._client.submit(
                one_at_a_time, job, release(), pure=False, workers=chosen or None, allow_other_workers=bool(chosen)
            )
        except Exception as error:  # Dask has a kind for every layer that can lose a scheduler
            raise self._gone() from error
        self._jobs[future.key] = job
        future.add_done_callback(self._ended.put)

    def next(self) -> tuple[Job, Result]:
        """See `Workers`."""
        from distributed import KilledWorker

        future = self._first()
        job = self._jobs.pop(future.key)
        try:
            return job, future.result(timeout=LOST)
        except KilledWorker as error:  # so many workers did Dask itself give it to
            return job, Died(error.allowed_failures + 1)
        except CancelledError as error:
            raise self._gone() from error
        except Exception as error:  # whatever it is, it is this job's alone
            return job, outcome_of(error)

    def close(self) -> None:
        """Leave the cluster; end it where it was started here."""
        self._open.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the cluster."""
        self.close()

    def _first(self) -> Any:
        """The first job that has ended; looks after the workers meanwhile."""
        while True:
            try:
                return self._ended.get(timeout=GLANCE)
            except queue.Empty:
                if not self._workers() and time.monotonic() - self._last_seen > LOST:
                    raise UsageError(
                        f"--scheduler {self._address}: no worker has been there for {LOST} s; start workers and run "
                        "again: what is finished is kept"
                    ) from None

    def _workers(self) -> list[str]:
        """Addresses of the workers that there are."""
        try:
            found = list(self._client.nthreads())
        except Exception as error:  # Dask has a kind for every layer that can lose a scheduler
            raise self._gone() from error
        if found:
            self._last_seen = time.monotonic()
        return found

    def _gone(self) -> UsageError:
        return UsageError(
            f"--scheduler {self._address}: the scheduler is gone; start it and run again: what is finished is kept"
        )

    def _with_gpu(self) -> list[str]:
        """Addresses of the workers that have a GPU; each is asked once."""
        workers = self._workers()
        new = [one for one in workers if one not in self._sees_gpu]
        if new:
            answers = self._client.run(sees_gpu, workers=new, on_error="return")
            self._sees_gpu |= {worker: answer is True for worker, answer in answers.items()}
        return [one for one in workers if self._sees_gpu.get(one)]
