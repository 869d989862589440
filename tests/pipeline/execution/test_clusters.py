"""A Dask cluster comes to the same files, and survives the death of a worker; what cannot work is one clear line."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster
from toy_units import bad_data, capitals, deadly, deadly_once, first_has_gpu, store, toy_outputs, toy_units

from pipeline.common import UsageError, release
from pipeline.execution import UnitOutcome, open_workers, run_units
from pipeline.execution._cluster import run_job_in_worker
from pipeline.execution._workers import Job

Tries = Callable[[], Counter[str]]


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """A client that did not connect is closed when it is collected: now, not while the next starts, which stalls it."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two workers that were started on request."""
    with open_workers(2, "local", tmp_path_factory.mktemp("seen")) as workers:
        yield workers


@pytest.fixture
def elsewhere() -> Iterator[LocalCluster]:
    """A cluster of somebody else's, with Dask's own settings."""
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0", silence_logs=50) as cluster:
        yield cluster


def how(ended: list[UnitOutcome]) -> list[str]:
    return [outcome.status for outcome in ended]


def begun(folder: Path) -> list[tuple[str, int]]:
    """Unit and process of every try."""
    lines = (folder / "out" / "tries.log").read_text(encoding="utf-8").splitlines()
    return [(line.split()[0], int(line.split()[1])) for line in lines]


def test_a_cluster_comes_to_the_same_files(tmp_path: Path, here: Any) -> None:
    units = toy_units(tmp_path, 6, pause=0.1)
    ended = run_units(units, capitals, folder=tmp_path / "records", workers=here, batch=2)
    assert [(outcome.unit.name, outcome.status) for outcome in ended] == [(f"unit-{i}", "made") for i in range(6)]
    assert toy_outputs(tmp_path) == {f"{i}.txt": f"CONTENT {i}" for i in range(6)}
    assert len({pid for _, pid in begun(tmp_path)}) == 2
    assert how(run_units(units, capitals, folder=tmp_path / "records", workers=here)) == ["kept"] * 6


def test_workers_of_a_cluster_write_results(tmp_path: Path, here: Any) -> None:
    units = toy_units(tmp_path, 1)
    assert how(run_units(units, store, folder=tmp_path / "records", workers=here)) == ["made"]
    assert how(run_units(units, store, folder=tmp_path / "records", workers=here)) == ["kept"]


def test_bad_data_fail_at_once_in_one_line(tmp_path: Path, here: Any, tries: Tries) -> None:
    ended = run_units(toy_units(tmp_path, 3), bad_data, folder=tmp_path / "records", workers=here)
    assert how(ended) == ["made", "failed", "made"]
    assert ended[1].reason == "unit-1: its data are bad"
    assert tries()["unit-1"] == 1


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path, here: Any) -> None:
    def kill(_: UnitOutcome) -> None:
        if not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(begun(tmp_path)[-1][1], signal.SIGKILL)

    units = toy_units(tmp_path, 8, pause=0.2)
    ended = run_units(units, capitals, folder=tmp_path / "records", workers=here, on_outcome=kill)
    assert how(ended) == ["made"] * 8
    assert toy_outputs(tmp_path) == {f"{i}.txt": f"CONTENT {i}" for i in range(8)}
    assert len(begun(tmp_path)) <= 9  # what the other had in hand, and what was finished, was not begun again


def test_only_the_unit_that_kills_its_workers_three_times_has_failed(tmp_path: Path, here: Any, tries: Tries) -> None:
    ended = run_units(toy_units(tmp_path, 4), deadly, folder=tmp_path / "records", workers=here, batch=2)
    assert how(ended) == ["made", "failed", "made", "made"]
    assert ended[1].reason.startswith("its worker died 3 times")
    assert tries()["unit-1"] == 4  # with its batch, then thrice alone


def test_what_dask_tries_again_by_itself_counts(tmp_path: Path, elsewhere: LocalCluster, tries: Tries) -> None:
    units = toy_units(tmp_path, 2)
    with open_workers(1, elsewhere.scheduler_address, tmp_path) as workers:
        ended = run_units(units, deadly, folder=tmp_path / "records", workers=workers)
    assert how(ended) == ["made", "failed"]
    assert ended[1].reason.startswith("its worker died 4 times")
    assert tries()["unit-1"] == 4


def test_a_worker_with_a_gpu_takes_all_even_when_it_dies(
    tmp_path: Path, here: Any, monkeypatch: pytest.MonkeyPatch, tries: Tries
) -> None:
    monkeypatch.setattr("pipeline.execution._cluster.has_gpu", first_has_gpu)
    units = toy_units(tmp_path, 6)
    ended = run_units(units, deadly_once, folder=tmp_path / "records", workers=here, gpu=True)
    assert how(ended) == ["made"] * 6
    assert tries() == {unit.name: 1 + (unit.name == "unit-1") for unit in units}


def test_one_job_at_a_time_in_a_worker_with_several_threads(tmp_path: Path) -> None:
    jobs = [Job((unit,), capitals, tmp_path / "records") for unit in toy_units(tmp_path, 3, pause=0.05)]
    began: list[int] = []
    threads = [
        threading.Thread(target=lambda job=job: began.append(len(run_job_in_worker(job, release())))) for job in jobs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ends = sorted((tmp_path / f"out/{i}.txt").stat().st_mtime_ns for i in range(3))
    assert min(later - earlier for earlier, later in pairwise(ends)) > 0.04e9


def test_a_late_worker_of_another_release_does_nothing(tmp_path: Path) -> None:
    (unit,) = toy_units(tmp_path, 1)
    with pytest.raises(RuntimeError, match="install the same there"):
        run_job_in_worker(Job((unit,), capitals, tmp_path / "records"), "99.0")
    assert not toy_outputs(tmp_path)


@pytest.mark.usefixtures("nothing_is_left")
def test_a_scheduler_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.execution._cluster.CONNECT_TIMEOUT", 1)
    with pytest.raises(UsageError, match=r"--scheduler tcp://127.0.0.1:9: no scheduler with workers answers"):
        open_workers(1, "tcp://127.0.0.1:9", tmp_path)


@pytest.mark.usefixtures("nothing_is_left")
def test_an_address_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.execution._cluster.CONNECT_TIMEOUT", 1)
    with pytest.raises(UsageError, match="--scheduler nowhere"):
        open_workers(1, "nowhere", tmp_path)


def test_a_cluster_that_cannot_do_the_work_is_refused_or_given_up(
    tmp_path: Path, elsewhere: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = elsewhere.scheduler_address
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)  # where the workers are not, so that they look for the folder in another place
        with pytest.raises(UsageError, match="does not see here; put study and results on a shared disk"):
            open_workers(1, address, Path("here"))
        assert not list(Path("here").iterdir())
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.execution._cluster.release", lambda: "99.0")
        with pytest.raises(UsageError, match=r"worker tcp://\S+ has effconn \S+, not 99.0; install the same there"):
            open_workers(1, address, tmp_path)
    monkeypatch.setattr("pipeline.execution._cluster.POLL_INTERVAL", 0.1)
    monkeypatch.setattr("pipeline.execution._cluster.NO_WORKER_TIMEOUT", 0.5)
    units = toy_units(tmp_path, 4, pause=0.05)
    with (
        pytest.raises(UsageError, match=r"no worker has been there for 0\.5 s; start workers and run again"),
        open_workers(1, address, tmp_path) as workers,
    ):
        run_units(
            units, capitals, folder=tmp_path / "records", workers=workers, on_outcome=lambda _: elsewhere.scale(0)
        )


def test_a_scheduler_that_goes_away_is_named(
    tmp_path: Path, elsewhere: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.execution._cluster.CONNECT_TIMEOUT", 1)
    units = toy_units(tmp_path, 6, pause=0.05)
    with (
        pytest.raises(UsageError, match="the scheduler is gone; start it and run again: what is finished is kept"),
        open_workers(1, elsewhere.scheduler_address, tmp_path) as workers,
    ):
        run_units(units, capitals, folder=tmp_path / "records", workers=workers, on_outcome=lambda _: elsewhere.close())


EXAMPLE = Path(__file__).parents[3] / "examples" / "files" / "slurm_cluster.py"


def test_the_example_prints_the_job_it_would_submit() -> None:
    pytest.importorskip("dask_jobqueue", reason="the slurm extra is not installed")
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {"#SBATCH -p normal", "#SBATCH --cpus-per-task=1", "#SBATCH --mem=4G", "#SBATCH -t 04:00:00"} <= set(lines)
    assert any("dask_worker tcp://" in line and "--nthreads 1" in line for line in lines)
