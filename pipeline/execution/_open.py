"""Which workers there are, by what was asked for."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ._cluster import Cluster
from ._processes import Processes
from ._workers import InProcess


def open_workers(jobs: int, scheduler: str | None, folder: Path) -> AbstractContextManager[Any]:
    """Workers to be used in a ``with``: of a Dask cluster, processes of this machine, or this process alone.

    Arguments:
        jobs: processes, or workers of a cluster that is started here.
        scheduler: a cluster's address; ``local`` to start one; None for no cluster.
        folder: one that every worker is to see.
    """
    if scheduler is not None:
        return Cluster(scheduler, jobs, folder)
    return Processes(jobs) if jobs > 1 else InProcess()


def in_process() -> InProcess:
    """This process as a worker."""
    return InProcess()
