"""A Dask cluster: many machines that see the same folders, or a few workers started here on request.

Results are files, so a worker that is lost loses nothing but time: its job goes to another.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import queue
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from ..common import CORES_VARIABLE, UsageError, release
from ._workers import Job, JobResult, WorkerDied, has_gpu, hold_ctrl_c, result_of_error, run_job_safely

LOCAL_CLUSTER = "local"
CONNECT_TIMEOUT = 30  # s until a scheduler or its first worker must have answered
NO_WORKER_TIMEOUT = 600  # s without any worker after which the run is given up
POLL_INTERVAL = 5  # s between checks whether workers are left
START_TIMEOUT = 5  # s that a worker may take to start

_JOB_LOCK = threading.Lock()


class DaskWorkers(AbstractContextManager["DaskWorkers"]):
    """The workers of a Dask cluster, each with one job at a time.

    Arguments:
        address: of the scheduler, such as ``tcp://host:8786``; ``local`` starts a scheduler and workers here.
        size: number of workers of a local cluster.
        folder: a folder that every worker must see.

    Raises `UsageError` where no scheduler or no worker answers, or a worker has another release or sees other
    folders; later on, where the scheduler or all workers are gone.
    """

    def __init__(self, address: str, size: int, folder: Path) -> None:
        silence_loggers()
        self._address, self._folder = address, folder
        with ExitStack() as stack:
            local = stack.enter_context(start_local_cluster(size)) if address == LOCAL_CLUSTER else None
            self._client: Any = stack.enter_context(connect(local or address, address, CONNECT_TIMEOUT))
            check_workers(self._client, folder)
            self._resources = stack.pop_all()
        self._jobs: dict[str, Job] = {}
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._gpu_by_worker: dict[str, bool] = {}
        self._last_seen = time.monotonic()

    @property
    def size(self) -> int:
        """How many workers there are now: they come and go."""
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
                run_job_in_worker, job, release(), pure=False, workers=chosen or None, allow_other_workers=bool(chosen)
            )
        except Exception as error:  # Dask has a kind for every layer that can lose a scheduler
            raise self._scheduler_lost() from error
        self._jobs[future.key] = job
        future.add_done_callback(self._ended.put)

    def next(self) -> tuple[Job, JobResult]:
        """See `Workers`."""
        from distributed import KilledWorker

        future = self._first()
        job = self._jobs.pop(future.key)
        try:
            return job, future.result(timeout=NO_WORKER_TIMEOUT)
        except KilledWorker as error:  # so many workers did Dask itself give it to
            return job, WorkerDied(error.allowed_failures + 1)
        except CancelledError as error:
            raise self._scheduler_lost() from error
        except Exception as error:  # whatever it is, it is this job's alone
            return job, result_of_error(error)

    def close(self) -> None:
        """Leave the cluster; end it where it was started here."""
        self._resources.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the cluster."""
        self.close()

    def _first(self) -> Any:
        """The first job that has ended; checks meanwhile that workers are left."""
        while True:
            try:
                return self._ended.get(timeout=POLL_INTERVAL)
            except queue.Empty:
                if not self._workers() and time.monotonic() - self._last_seen > NO_WORKER_TIMEOUT:
                    raise UsageError(
                        f"--scheduler {self._address}: no worker has been there for {NO_WORKER_TIMEOUT} s; start "
                        "workers and run again: what is finished is kept"
                    ) from None

    def _workers(self) -> list[str]:
        """Addresses of the workers that there are."""
        try:
            found = list(self._client.nthreads())
        except Exception as error:  # Dask has a kind for every layer that can lose a scheduler
            raise self._scheduler_lost() from error
        if found:
            self._last_seen = time.monotonic()
        return found

    def _scheduler_lost(self) -> UsageError:
        return UsageError(
            f"--scheduler {self._address}: the scheduler is gone; start it and run again: what is finished is kept"
        )

    def _with_gpu(self) -> list[str]:
        """Addresses of the workers that have a GPU; each is asked once."""
        workers = self._workers()
        new = [worker for worker in workers if worker not in self._gpu_by_worker]
        if new:
            answers = self._client.run(has_gpu, workers=new, on_error="return")
            self._gpu_by_worker |= {worker: answer is True for worker, answer in answers.items()}
        return [worker for worker in workers if self._gpu_by_worker.get(worker)]


def silence_loggers() -> None:
    """Dask's own messages are switched off: a worker's death is reported by `run_units`, in a line."""
    import distributed  # noqa: F401 - sets levels of its own when it is loaded

    for name in ("distributed", "distributed.client", "distributed.scheduler", "distributed.nanny", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def start_local_cluster(size: int) -> Iterator[Any]:
    """A scheduler and workers on this machine's CPUs: processes with a thread each."""
    import dask
    from distributed import LocalCluster

    # It is `run_units` that tries again.
    with hold_ctrl_c(), dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        cluster = LocalCluster(
            n_workers=size,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",  # None means 8787, which another run has
            silence_logs=logging.CRITICAL,
            env={"JAX_PLATFORMS": "cpu"},  # one process alone takes a GPU's memory
        )
    try:
        yield cluster
    finally:
        with suppress(Exception):  # a worker that is just being started again cannot be closed
            cluster.wait_for_workers(size, timeout=START_TIMEOUT)
        with suppress(Exception):
            cluster.close()
        for child in multiprocessing.active_children():
            if child.name.startswith("Dask Worker"):
                child.kill()


@contextmanager
def connect(to: Any, address: str, patience: float) -> Iterator[Any]:
    """A client of a scheduler that has a worker; `UsageError` where there is none within `patience` seconds."""
    from distributed import Client

    client: Any = None
    try:
        client = Client(to, timeout=patience, set_as_default=False)
        client.wait_for_workers(1, timeout=patience)
    except (OSError, TimeoutError, ValueError) as error:
        if client is not None:
            client.close()
        raise UsageError(
            f"--scheduler {address}: no scheduler with workers answers within {patience} s; start dask scheduler and "
            "dask worker there, or leave the option out"
        ) from error
    try:
        yield client
    finally:
        client.close()


def check_workers(client: Any, folder: Path) -> None:
    """Raises `UsageError`, naming the worker, where one is of another release or does not see the folder."""
    token = folder / f".seen-{uuid.uuid4().hex}"
    folder.mkdir(parents=True, exist_ok=True)
    token.touch()
    try:
        for worker, found in client.run(_release_and_access, str(token), on_error="return").items():
            if isinstance(found, Exception):
                raise UsageError(f"worker {worker} cannot use effconn ({found}); install effconn {release()} there")
            version, seen = found
            if version != release():
                raise UsageError(f"worker {worker} has effconn {version}, not {release()}; install the same there")
            if not seen:
                raise UsageError(f"worker {worker} does not see {folder}; put study and results on a shared disk")
    finally:
        token.unlink()


def _release_and_access(token: str) -> tuple[str, bool]:
    return release(), Path(token).exists()


def run_job_in_worker(job: Job, version: str) -> JobResult:
    """Run a job in a worker, which may have joined late and may have several threads."""
    from distributed import get_worker

    if version != release():
        raise RuntimeError(f"a worker has effconn {release()}, not {version}; install the same there")
    with _JOB_LOCK:  # jobs that use JAX side by side in one process may block each other
        with suppress(ValueError):  # outside of a worker
            os.environ.setdefault(CORES_VARIABLE, str(get_worker().state.nthreads))
        return run_job_safely(job)
