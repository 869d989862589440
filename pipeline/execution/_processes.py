"""Processes of this machine: each in a pool of its own, so that a process that dies fails its own job only."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

from ..common import CORES_VARIABLE, collect_garbage_rarely, count_cores
from ._workers import Job, JobResult, WorkerDied, hold_ctrl_c, result_of_error, run_job_safely

CHILD_ENVIRONMENT = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),  # a process per core
    "JAX_PLATFORMS": "cpu",  # one process alone takes a GPU's memory; that is this one
}


class ProcessWorkers(AbstractContextManager["ProcessWorkers"]):
    """`size` workers on CPUs. They start with the first job, and end with this process however it ends."""

    gpus = 0

    def __init__(self, size: int) -> None:
        self.size = size
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: dict[Future[JobResult], tuple[ProcessPoolExecutor, Job]] = {}

    def start(self, job: Job, gpu: bool) -> None:
        """See `Workers`."""
        pool = self._idle.pop() if self._idle else _new_pool()
        with _child_environment(self.size), hold_ctrl_c():
            try:
                future = pool.submit(run_job_safely, job)
            except BrokenProcessPool:  # it died while it had no job
                pool.shutdown(wait=False)
                pool = _new_pool()
                future = pool.submit(run_job_safely, job)
        self._busy[future] = (pool, job)

    def next(self) -> tuple[Job, JobResult]:
        """See `Workers`."""
        ended, _ = wait(self._busy, return_when=FIRST_COMPLETED)
        future = next(iter(ended))
        pool, job = self._busy.pop(future)
        try:
            result = future.result()
        except BrokenProcessPool:
            pool.shutdown(wait=False)
            return job, WorkerDied()
        except Exception as error:  # whatever it is, it is this job's alone
            result = result_of_error(error)
        self._idle.append(pool)
        return job, result

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the processes, at once where they are not done."""
        pools = [*self._idle, *(pool for pool, _ in self._busy.values())]
        if self._busy:
            for child in multiprocessing.active_children():
                child.terminate()
        for pool in pools:
            pool.shutdown(wait=True, cancel_futures=True)


def _new_pool() -> ProcessPoolExecutor:
    # A forked child of a process that runs JAX hangs, so children are spawned.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_start_child)


@contextmanager
def _child_environment(size: int) -> Iterator[None]:
    """The environment of one of `size` children that starts within: numerical libraries read it as they are loaded."""
    wanted = {**CHILD_ENVIRONMENT, CORES_VARIABLE: str(max(1, count_cores() // size))}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start_child() -> None:
    """In a child: ignore Ctrl-C, which the parent handles, and end when the parent ends."""
    collect_garbage_rarely()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
