"""Processes come to the same files, survive each other's death, and end with the run however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from toy_units import awkward, capitals, deadly, deadly_once, leaving, settings_of_child, toy_outputs, toy_units

from pipeline.execution import UnitOutcome, open_workers, run_units

Gone = Callable[[int], bool]
Tries = Callable[[], Counter[str]]

KILLS = 6
UNITS = 30
SCRIPT = """
import sys
from pathlib import Path
from pipeline.execution import open_workers, run_units
from toy_units import capitals, toy_units

if __name__ == "__main__":
    folder, scheduler = Path(sys.argv[1]), sys.argv[2] or None
    with open_workers(2, scheduler, folder) as workers:
        run_units(toy_units(folder, int(sys.argv[3]), pause=0.1), capitals, folder=folder / "records", workers=workers)
    print("finished", flush=True)
"""


def how(ended: list[UnitOutcome]) -> list[str]:
    return [outcome.status for outcome in ended]


def pids(folder: Path) -> list[int]:
    """The processes that began units, in order."""
    return [int(line.split()[1]) for line in (folder / "out" / "tries.log").read_text().splitlines()]


def test_processes_share_the_work(tmp_path: Path) -> None:
    with open_workers(2, None, tmp_path) as workers:
        ended = run_units(toy_units(tmp_path, 6, pause=0.2), capitals, folder=tmp_path / "records", workers=workers)
    assert how(ended) == ["made"] * 6
    assert [outcome.unit.name for outcome in ended] == [f"unit-{i}" for i in range(6)]
    assert len(set(pids(tmp_path))) == 2
    assert os.getpid() not in pids(tmp_path)


def test_a_child_has_its_share_of_the_cores_and_no_gpu_and_the_parent_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFFCONN_CORES", "7")
    before = dict(os.environ)
    with open_workers(2, None, tmp_path) as workers:
        run_units(toy_units(tmp_path, 1), settings_of_child, folder=tmp_path / "records", workers=workers)
    assert toy_outputs(tmp_path) == {"0.txt": "1 1 1 cpu 3"}
    assert dict(os.environ) == before


def test_a_process_that_dies_once_loses_nothing(tmp_path: Path, tries: Tries) -> None:
    with open_workers(2, None, tmp_path) as workers:
        ended = run_units(toy_units(tmp_path, 4), deadly_once, folder=tmp_path / "records", workers=workers)
    assert how(ended) == ["made"] * 4
    assert tries() == {"unit-0": 1, "unit-1": 2, "unit-2": 1, "unit-3": 1}


def test_a_process_killed_from_outside_loses_nothing(tmp_path: Path) -> None:
    def kill(_: UnitOutcome) -> None:
        if not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(pids(tmp_path)[-1], signal.SIGKILL)

    units = toy_units(tmp_path, 6, pause=0.2)
    with open_workers(2, None, tmp_path) as workers:
        ended = run_units(units, capitals, folder=tmp_path / "records", workers=workers, on_outcome=kill)
    assert how(ended) == ["made"] * 6
    assert len(set(pids(tmp_path))) == 3
    assert toy_outputs(tmp_path) == {f"{i}.txt": f"CONTENT {i}" for i in range(6)}


def test_a_process_that_dies_idle_is_replaced(tmp_path: Path) -> None:
    units = toy_units(tmp_path, 3)
    with open_workers(2, None, tmp_path) as workers:
        run_units(units[:1], capitals, folder=tmp_path / "records", workers=workers)
        (child,) = multiprocessing.active_children()
        child.kill()
        child.join()
        time.sleep(0.2)  # until its pool has noticed
        assert how(run_units(units, capitals, folder=tmp_path / "records", workers=workers)) == ["kept", "made", "made"]


def test_only_the_unit_that_kills_its_process_three_times_has_failed(tmp_path: Path, tries: Tries) -> None:
    with open_workers(2, None, tmp_path) as workers:
        ended = run_units(toy_units(tmp_path, 6), deadly, folder=tmp_path / "records", workers=workers, batch=3)
    assert how(ended) == ["made", "failed", "made", "made", "made", "made"]
    assert ended[1].reason.startswith("its worker died 3 times")
    assert tries() == {"unit-1": 4} | {f"unit-{i}": 1 for i in (0, 2, 3, 4, 5)}  # with its batch, then thrice alone


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("work", "words"), [(awkward, "AwkwardError: unit-1: no luck"), (leaving, "SystemExit: 3")])
def test_an_error_is_told_in_its_own_words_and_is_no_death(
    tmp_path: Path, jobs: int, work: Callable[..., None], words: str
) -> None:
    with open_workers(jobs, None, tmp_path) as workers:
        ended = run_units(toy_units(tmp_path, 3), work, folder=tmp_path / "records", workers=workers)
    assert how(ended) == ["made", "failed", "made"]
    assert ended[1].reason == f"failed 3 times, last by {words}"


def test_a_death_while_all_is_made_anew_leaves_nothing_old(tmp_path: Path, tries: Tries) -> None:
    units = toy_units(tmp_path, 4)
    with open_workers(2, None, tmp_path) as workers:
        run_units(units, capitals, folder=tmp_path / "records", workers=workers)
        (tmp_path / "out/tries.log").unlink()
        run_units(units, deadly_once, folder=tmp_path / "records", workers=workers, batch=4, force=True)
    assert set(tries()) == {unit.name for unit in units}
    assert tries()["unit-1"] == 2


def test_a_run_killed_at_random_moments_ends_with_the_same_files_and_leaves_no_child(
    tmp_path: Path, gone: Gone, tries: Tries
) -> None:
    rng = np.random.default_rng(0)
    recorded: dict[str, int] = {}
    for _ in range(KILLS):
        running = start(tmp_path)
        try:
            running.wait(timeout=float(rng.uniform(0.3, 0.75)))
        except subprocess.TimeoutExpired:
            running.kill()
        running.communicate()
        assert gone(running.pid)
        now = records(tmp_path)
        assert recorded.items() <= now.items()  # what was finished is not made again
        recorded = now
    running = start(tmp_path)
    assert "finished" in running.communicate()[0]
    assert recorded.items() <= records(tmp_path).items()
    assert toy_outputs(tmp_path) == {f"{i}.txt": f"CONTENT {i}" for i in range(UNITS)}
    assert sum(tries().values()) <= UNITS + 2 * KILLS  # only what was in hand was begun again


def test_an_interrupted_run_leaves_no_child_and_only_the_parent_speaks(tmp_path: Path, gone: Gone) -> None:
    check_interrupted(tmp_path, "", gone)


def test_so_does_one_that_started_a_cluster(tmp_path: Path, gone: Gone) -> None:
    check_interrupted(tmp_path, "local", gone)


def check_interrupted(folder: Path, scheduler: str, gone: Gone) -> None:
    running = start(folder, scheduler)
    while not (folder / "out" / "tries.log").exists():
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal sends Ctrl-C
    _, said = running.communicate(timeout=30)
    assert running.returncode != 0
    assert gone(running.pid)
    assert said.count("Traceback") == 1
    assert said.strip().endswith("KeyboardInterrupt")


def records(folder: Path) -> dict[str, int]:
    """Record → when it was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "records").rglob("unit-*.json")}


def start(folder: Path, scheduler: str = "") -> subprocess.Popen[str]:
    script = folder / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, str(script), str(folder), scheduler, str(UNITS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
