"""What of Dask a cluster is made of: a client, workers started here, and what runs in a worker."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..common import CORES_VARIABLE, UsageError, release
from ._job import Job
from ._signals import ctrl_c_held
from ._workers import Result, attempt

PATIENCE = 5  # s for a worker that is being started to be there

_ONE = threading.Lock()


def quiet() -> None:
    """A worker's death is told by us, in a line."""
    import distributed  # noqa: F401 - sets levels of its own when it is loaded

    for name in ("distributed", "distributed.client", "distributed.scheduler", "distributed.nanny", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def started_here(size: int) -> Iterator[Any]:
    """A scheduler and workers on this machine's CPUs: processes with a thread each."""
    import dask
    from distributed import LocalCluster

    # Who tries again is `run_units`.
    with ctrl_c_held(), dask.config.set({"distributed.scheduler.allowed-failures": 0}):
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
            cluster.wait_for_workers(size, timeout=PATIENCE)
        with suppress(Exception):
            cluster.close()
        for child in multiprocessing.active_children():
            if child.name.startswith("Dask Worker"):
                child.kill()


@contextmanager
def connected(to: Any, address: str, patience: float) -> Iterator[Any]:
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


def look(client: Any, folder: Path) -> None:
    """Raises `UsageError`, naming the worker, where one is of another release or does not see the folder."""
    token = folder / f".seen-{uuid.uuid4().hex}"
    folder.mkdir(parents=True, exist_ok=True)
    token.touch()
    try:
        for worker, found in client.run(_look, str(token), on_error="return").items():
            if isinstance(found, Exception):
                raise UsageError(f"worker {worker} cannot use effconn ({found}); install effconn {release()} there")
            version, seen = found
            if version != release():
                raise UsageError(f"worker {worker} has effconn {version}, not {release()}; install the same there")
            if not seen:
                raise UsageError(f"worker {worker} does not see {folder}; put study and results on a shared disk")
    finally:
        token.unlink()


def _look(token: str) -> tuple[str, bool]:
    return release(), Path(token).exists()


def one_at_a_time(job: Job, version: str) -> Result:
    """Work a job off in a worker, which may have come late and may have several threads."""
    from distributed import get_worker

    if version != release():
        raise RuntimeError(f"a worker has effconn {release()}, not {version}; install the same there")
    with _ONE:  # jobs that use JAX side by side in one process may wait for each other for ever
        with suppress(ValueError):  # outside of a worker
            os.environ.setdefault(CORES_VARIABLE, str(get_worker().state.nthreads))
        return attempt(job)
