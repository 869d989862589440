"""Children find the toy units, and tests read what they left."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def children_find_the_toys() -> Iterator[None]:
    """The folder of `toy_units` is on the path of every process that is started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS))
        yield


@pytest.fixture
def tries(tmp_path: Path) -> Callable[[], Counter[str]]:
    """How often each toy unit was begun."""

    def tries() -> Counter[str]:
        log = tmp_path / "out" / "tries.log"
        return Counter(line.split()[0] for line in log.read_text(encoding="utf-8").splitlines())

    return tries


@pytest.fixture(scope="session")
def gone() -> Callable[[int], bool]:
    """Whether no process of a group is left, after some patience."""

    def gone(group: int, patience: float = 15.0) -> bool:
        end = time.monotonic() + patience
        while left := any(running(process, group) for process in psutil.process_iter()):
            if time.monotonic() > end:
                break
            time.sleep(0.02)
        return not left

    return gone


def running(process: psutil.Process, group: int) -> bool:
    """Whether a process is of a group and does anything: who has ended is listed until init has noticed."""
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False
