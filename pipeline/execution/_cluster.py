"""A Dask cluster: many machines that see the same folders, or a few workers started here on request.

Results are files, so a worker that is lost loses nothing but time: Dask hands its job to another.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from .._provenance import release
from .._runtime import UsageError
from ._job import Job, do
from ._workers import Died, Result, outcome_of, sees_gpu

LOCAL = "local"
PATIENCE = 30  # s until a scheduler or its first worker must have answered


class Cluster(AbstractContextManager["Cluster"]):
    """The workers of a Dask cluster, each with one job at a time.

    Arguments:
        address: of the scheduler, such as ``tcp://host:8786``; ``local`` starts a scheduler and workers here.
        size: workers of a local one.
        folder: one that every worker is to see.

    Raises `UsageError` where nobody answers, nobody works, or a worker is of another release or sees other folders.
    """

    def __init__(self, address: str, size: int, folder: Path) -> None:
        from distributed import Client, LocalCluster, as_completed

        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a worker's death is told by us, in a line
        self._local: Any = None
        if address == LOCAL:
            self._local = LocalCluster(
                n_workers=size, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
            )
        with _one_line(address):
            self._client: Any = Client(self._local or address, timeout=PATIENCE, set_as_default=False)
            self._client.wait_for_workers(1, timeout=PATIENCE)
        try:
            self._check(folder)
        except BaseException:
            self.close()
            raise
        self._jobs: dict[str, Job] = {}
        self._ended: Any = as_completed(loop=self._client.loop)
        self._gpus: list[str] | None = None

    @property
    def size(self) -> int:
        """How many there are now: workers come and go."""
        return max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))

    @property
    def gpus(self) -> int:
        """See `Workers`."""
        return len(self._with_gpu())

    def start(self, job: Job, gpu: bool) -> None:
        """See `Workers`."""
        chosen = self._with_gpu() if gpu else []
        future = self._client.submit(do, job, pure=False, retries=0, workers=chosen or None)
        self._jobs[future.key] = job
        self._ended.add(future)

    def next(self) -> tuple[Job, Result]:
        """See `Workers`."""
        from distributed import KilledWorker

        future = next(self._ended)
        job = self._jobs.pop(future.key)
        try:
            return job, future.result()
        except KilledWorker:
            return job, Died()
        except Exception as error:  # whatever it is, it is this job's alone
            return job, outcome_of(error)

    def close(self) -> None:
        """Leave the cluster; end it where it was started here."""
        self._client.close()
        if self._local is not None:
            self._local.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the cluster."""
        self.close()

    def _check(self, folder: Path) -> None:
        token = folder / f".seen-{uuid.uuid4().hex}"
        folder.mkdir(parents=True, exist_ok=True)
        token.touch()
        try:
            for worker, (version, seen) in self._client.run(_look, str(token)).items():
                if version != release():
                    raise UsageError(f"worker {worker} has effconn {version}, not {release()}; install the same there")
                if not seen:
                    raise UsageError(f"worker {worker} does not see {folder}; put study and results on a shared disk")
        finally:
            token.unlink()

    def _with_gpu(self) -> list[str]:
        """Addresses of the workers that have a GPU, asked once."""
        if self._gpus is None:
            self._gpus = [worker for worker, sees in self._client.run(sees_gpu).items() if sees]
        return self._gpus


@contextmanager
def _one_line(address: str) -> Iterator[None]:
    try:
        yield
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(
            f"--scheduler {address}: no scheduler with workers answers within {PATIENCE} s; start dask scheduler and "
            "dask worker there, or leave the option out"
        ) from error


def _look(token: str) -> tuple[str, bool]:
    return release(), Path(token).exists()
