"""Processes and clusters come to the same files, and survive the death of a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from toy_units import capitals, deadly, deadly_once, toy_units

from pipeline._runtime import UsageError
from pipeline.execution import Ended, open_workers, run_units

TESTS = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
from pipeline.execution import open_workers, run_units
from toy_units import capitals, toy_units

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with open_workers(2, None, folder) as workers:
        units = toy_units(folder, 12, pause=0.3)
        run_units(units, capitals, folder=folder / "records", workers=workers)
    print("finished", flush=True)
"""


@pytest.fixture(autouse=True)
def children_find_the_toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A local Dask cluster of two workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS))
        with open_workers(2, "local", tmp_path_factory.mktemp("seen")) as workers:
            yield workers


def how(ended: list[Ended]) -> list[str]:
    return [one.how for one in ended]


def outputs(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / "out").glob("*.txt"))}


def tries(folder: Path, unit: str) -> int:
    return sum(line.startswith(f"{unit} ") for line in (folder / "out" / "tries.log").read_text().splitlines())


def test_processes_share_the_work(tmp_path: Path) -> None:
    with open_workers(2, None, tmp_path) as workers:
        ended = run_units(toy_units(tmp_path, 6, pause=0.2), capitals, folder=tmp_path / "records", workers=workers)
    assert how(ended) == ["made"] * 6
    workers_seen = {line.split()[1] for line in (tmp_path / "out" / "tries.log").read_text().splitlines()}
    assert len(workers_seen) == 2
    assert str(os.getpid()) not in workers_seen


def test_a_process_that_dies_once_loses_nothing(tmp_path: Path) -> None:
    with open_workers(2, None, tmp_path) as workers:
        ended = run_units(toy_units(tmp_path, 4), deadly_once, folder=tmp_path / "records", workers=workers)
    assert how(ended) == ["made"] * 4
    assert len(outputs(tmp_path)) == 4


def test_a_unit_that_kills_its_process_three_times_has_failed_and_the_others_are_made(tmp_path: Path) -> None:
    with open_workers(2, None, tmp_path) as workers:
        ended = run_units(toy_units(tmp_path, 4), deadly, folder=tmp_path / "records", workers=workers, batch=2)
    assert how(ended) == ["made", "failed", "made", "made"]
    assert "died 3 times" in ended[1].reason
    assert tries(tmp_path, "unit-0") == 1  # it was finished when its batch died


def test_a_run_killed_at_random_moments_ends_with_the_same_files_and_leaves_no_child(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        running = start(tmp_path)
        try:
            running.wait(timeout=float(rng.uniform(0.3, 0.9)))
        except subprocess.TimeoutExpired:
            running.kill()
        running.communicate()
        assert gone(running.pid)
    running = start(tmp_path)
    assert "finished" in running.communicate()[0]
    assert outputs(tmp_path) == {f"{i}.txt": f"CONTENT {i}" for i in sorted(range(12), key=str)}


def test_an_interrupted_run_leaves_no_child(tmp_path: Path) -> None:
    running = start(tmp_path)
    while not (tmp_path / "out" / "tries.log").exists():
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal sends Ctrl-C
    running.communicate(timeout=20)
    assert running.returncode != 0
    assert gone(running.pid)


def test_a_cluster_comes_to_the_same_files(tmp_path: Path, cluster: object) -> None:
    units = toy_units(tmp_path, 6, pause=0.1)
    assert how(run_units(units, capitals, folder=tmp_path / "records", workers=cluster, batch=2)) == ["made"] * 6
    assert len(outputs(tmp_path)) == 6


def test_a_worker_of_a_cluster_that_is_killed_loses_nothing(tmp_path: Path, cluster: object) -> None:
    units = toy_units(tmp_path, 6, pause=0.1)
    assert how(run_units(units, deadly_once, folder=tmp_path / "records", workers=cluster)) == ["made"] * 6


def test_a_unit_that_kills_its_workers_of_a_cluster_has_failed(tmp_path: Path, cluster: object) -> None:
    units = toy_units(tmp_path, 4)
    ended = run_units(units, deadly, folder=tmp_path / "records", workers=cluster, batch=2)
    assert how(ended) == ["made", "failed", "made", "made"]


def test_a_scheduler_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.execution._cluster.PATIENCE", 1)
    with pytest.raises(UsageError, match=r"--scheduler tcp://127.0.0.1:9: no scheduler with workers answers"):
        open_workers(1, "tcp://127.0.0.1:9", tmp_path)


def start(folder: Path) -> subprocess.Popen[str]:
    script = folder / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def gone(group: int, patience: float = 10.0) -> bool:
    """Whether no process of a group is left, after some patience."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
