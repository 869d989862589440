"""One run at a time on a folder, but for runs of different participants."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline._runtime import UsageError
from pipeline.execution import locked

HOLD = "import sys, time; from pathlib import Path; from pipeline.execution import locked\n"


def test_a_second_run_is_refused_in_one_line(tmp_path: Path) -> None:
    with locked(tmp_path / "r"), pytest.raises(UsageError, match="another effconn works on"), locked(tmp_path / "r"):
        pass


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "r"):
            pass


def test_a_killed_run_holds_no_lock(tmp_path: Path) -> None:
    code = f"{HOLD}with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    holding = subprocess.Popen([sys.executable, "-c", code, tmp_path / "r"], stdout=subprocess.PIPE, text=True)
    assert holding.stdout is not None
    assert holding.stdout.readline() == "held\n"
    with pytest.raises(UsageError), locked(tmp_path / "r"):
        pass
    holding.kill()
    holding.wait()
    holding.stdout.close()
    with locked(tmp_path / "r"):
        pass


def test_different_participants_go_beside_each_other_and_the_same_do_not(tmp_path: Path) -> None:
    with locked(tmp_path / "r", ["sub-01"]), locked(tmp_path / "r", ["sub-02"]):
        with pytest.raises(UsageError), locked(tmp_path / "r", ["sub-02"]):
            pass
        with pytest.raises(UsageError), locked(tmp_path / "r"):
            pass
