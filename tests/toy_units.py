"""Units of work that only write a file, for the tests of what keeps them: children find these functions here."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.execution import Finish, Unit


def toy_units(folder: Path, count: int, recipe: str = "a", pause: float = 0.0) -> list[Unit]:
    """Units that each turn a file of `folder` into another, in capitals."""
    (folder / "in").mkdir(parents=True, exist_ok=True)
    units = []
    for i in range(count):
        source = folder / "in" / f"{i}.txt"
        if not source.exists():
            source.write_text(f"content {i}", encoding="utf-8")
        units.append(Unit("toy", f"unit-{i}", {"recipe": recipe}, (source,), (folder / "out" / f"{i}.txt", pause)))
    return units


def capitals(units: Sequence[Unit], finish: Finish) -> None:
    """Write each unit's file, after a pause; leave a trace of every try."""
    for unit in units:
        path, pause = unit.payload
        path.parent.mkdir(parents=True, exist_ok=True)
        with (path.parent / "tries.log").open("a", encoding="utf-8") as log:
            log.write(f"{unit.name} {os.getpid()}\n")
        time.sleep(pause)
        path.write_text(unit.inputs[0].read_text(encoding="utf-8").upper(), encoding="utf-8")
        finish.done(unit, [path])


def bad_data(units: Sequence[Unit], finish: Finish) -> None:
    """As `capitals`, but the data of unit-1 cannot be used."""
    for unit in units:
        if unit.name == "unit-1":
            with (unit.payload[0].parent.parent / "bad.log").open("a", encoding="utf-8") as log:
                log.write("tried\n")
            raise ValueError("unit-1: its\ndata are bad")
        capitals([unit], finish)


def no_disk(units: Sequence[Unit], finish: Finish) -> None:
    """As `capitals`, but writing unit-1 fails for a reason that may pass: twice, or for ever."""
    for unit in units:
        if unit.name == "unit-1":
            log = unit.payload[0].parent.parent / "disk.log"
            tried = len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0
            with log.open("a", encoding="utf-8") as file:
                file.write("tried\n")
            if unit.payload[1] or tried < 2:
                raise OSError("no space left")
        capitals([unit], finish)


def deadly(units: Sequence[Unit], finish: Finish) -> None:
    """As `capitals`, but unit-1 kills its worker each time."""
    for unit in units:
        if unit.name == "unit-1":
            os.kill(os.getpid(), signal.SIGKILL)
        capitals([unit], finish)


def deadly_once(units: Sequence[Unit], finish: Finish) -> None:
    """As `capitals`, but unit-1 kills its worker at the first try."""
    for unit in units:
        mark = unit.payload[0].parent.parent / "killed"
        if unit.name == "unit-1" and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        capitals([unit], finish)


def forgetful(units: Sequence[Unit], finish: Finish) -> None:
    """Says nothing of its units."""
