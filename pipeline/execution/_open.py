"""Which workers there are, by what was asked for."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ..common import UsageError
from ._cluster import LOCAL, Cluster
from ._processes import Processes
from ._workers import InProcess


def open_workers(jobs: int, scheduler: str | None, folder: Path) -> AbstractContextManager[Any]:
    """Workers to be used in a ``with``: of a Dask cluster, processes of this machine, or this process alone.

    Arguments:
        jobs: processes, or workers of a cluster that is started here.
        scheduler: a cluster's address; ``local`` to start one; None for no cluster.
        folder: one that every worker is to see.

    Raises `UsageError` where the address is none, or as `Cluster` does.
    """
    if scheduler is not None and scheduler != LOCAL and not re.fullmatch(r"[a-z]+://.+:[0-9]+", scheduler):
        raise UsageError(f"--scheduler {scheduler} is no address; give one such as tcp://host:8786, or 'local'")
    if scheduler is not None:
        return Cluster(scheduler, jobs, folder)
    return Processes(jobs) if jobs > 1 else InProcess()


def in_process() -> InProcess:
    """This process as a worker."""
    return InProcess()
