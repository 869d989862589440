"""One run at a time on a folder, but for runs of different participants."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.common import UsageError, WriteError
from pipeline.execution import lock_folder

HOLD = "import sys, time; from pathlib import Path; from pipeline.execution import lock_folder\n"


def test_a_second_run_is_refused_in_one_line(tmp_path: Path) -> None:
    with (
        lock_folder(tmp_path / "r"),
        pytest.raises(UsageError, match="another effconn works on"),
        lock_folder(tmp_path / "r"),
    ):
        pass


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with lock_folder(tmp_path / "r"):
            pass


def test_a_killed_run_holds_no_lock(tmp_path: Path) -> None:
    code = f"{HOLD}with lock_folder(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    holding = subprocess.Popen([sys.executable, "-c", code, tmp_path / "r"], stdout=subprocess.PIPE, text=True)
    assert holding.stdout is not None
    assert holding.stdout.readline() == "held\n"
    with pytest.raises(UsageError), lock_folder(tmp_path / "r"):
        pass
    holding.kill()
    holding.wait()
    holding.stdout.close()
    with lock_folder(tmp_path / "r"):
        pass


def test_different_participants_go_beside_each_other_and_the_same_do_not(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "r", ["sub-01"]), lock_folder(tmp_path / "r", ["sub-02"]):
        with pytest.raises(UsageError), lock_folder(tmp_path / "r", ["sub-02"]):
            pass
        with pytest.raises(UsageError), lock_folder(tmp_path / "r"):
            pass


def test_who_is_refused_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    with (
        lock_folder(tmp_path / "r"),
        pytest.raises(UsageError, match=rf"\(effconn.*, process {os.getpid()} on \S+ since 2\d{{3}}-.*\); wait for it"),
        lock_folder(tmp_path / "r"),
    ):
        pass


@pytest.mark.parametrize("again", [False, True], ids=["removed", "replaced"])
def test_a_folder_that_is_removed_meanwhile_is_noticed(again: bool, tmp_path: Path) -> None:
    with lock_folder(tmp_path / "out" / "r") as held:
        held.check()
        (tmp_path / "out").rename(tmp_path / "elsewhere")
        if again:
            (tmp_path / "out" / "r").mkdir(parents=True)
            (tmp_path / "out" / "r" / "study.lock").touch()
        with pytest.raises(WriteError, match=r"removed or replaced while effconn worked in it; .* run the same"):
            held.check()


def test_leftovers_of_a_killed_run_are_removed_by_the_next(tmp_path: Path) -> None:
    left = tmp_path / f".sub-01.{'0' * 32}.nc"
    left.touch()
    os.utime(left, (1, 1))
    with lock_folder(tmp_path / "r") as held:
        held.remove_unfinished_files(tmp_path)
    assert not left.exists()
