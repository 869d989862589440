"""Processes of this machine: each in a pool of its own, so that a death is blamed on the job that was in hand."""

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

from ..common import CORES_VARIABLE, count_cores
from ._job import Job
from ._signals import ctrl_c_held
from ._workers import Died, Result, attempt, outcome_of

OF_CHILDREN = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),  # a process per core
    "JAX_PLATFORMS": "cpu",  # one process alone takes a GPU's memory; that is this one
}


class Processes(AbstractContextManager["Processes"]):
    """`size` workers on CPUs. They start with the first job, and end with this process however it ends."""

    gpus = 0

    def __init__(self, size: int) -> None:
        self.size = size
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: dict[Future[Result], tuple[ProcessPoolExecutor, Job]] = {}

    def start(self, job: Job, gpu: bool) -> None:
        """See `Workers`."""
        slot = self._idle.pop() if self._idle else _slot()
        with _environment(self.size), ctrl_c_held():
            try:
                future = slot.submit(attempt, job)
            except BrokenProcessPool:  # it died idle, which is no job's fault
                slot.shutdown(wait=False)
                slot = _slot()
                future = slot.submit(attempt, job)
        self._busy[future] = (slot, job)

    def next(self) -> tuple[Job, Result]:
        """See `Workers`."""
        ended, _ = wait(self._busy, return_when=FIRST_COMPLETED)
        future = next(iter(ended))
        slot, job = self._busy.pop(future)
        try:
            result = future.result()
        except BrokenProcessPool:
            slot.shutdown(wait=False)
            return job, Died()
        except Exception as error:  # whatever it is, it is this job's alone
            result = outcome_of(error)
        self._idle.append(slot)
        return job, result

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the processes, at once where they are not done."""
        slots = [*self._idle, *(slot for slot, _ in self._busy.values())]
        if self._busy:
            for child in multiprocessing.active_children():
                child.terminate()
        for slot in slots:
            slot.shutdown(wait=True, cancel_futures=True)


def _slot() -> ProcessPoolExecutor:
    # A forked child of a process that runs JAX hangs, so children are spawned.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)


@contextmanager
def _environment(size: int) -> Iterator[None]:
    """The environment of one of `size` children that starts within: numerical libraries read it as they are loaded."""
    own = {**OF_CHILDREN, CORES_VARIABLE: str(max(1, count_cores() // size))}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin() -> None:
    """In a child: leave Ctrl-C to the parent, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
