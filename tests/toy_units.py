"""Units of work that only write a file, for the tests of what keeps them: children find these functions here."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.execution import Unit, UnitRecorder


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


def toy_outputs(folder: Path) -> dict[str, str]:
    """What toy units have written, by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / "out").glob("*.txt"))}


def capitals(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Write each unit's file, after a pause; leave a trace of every try."""
    for unit in units:
        begin(unit)
        make(unit, recorder)


def begin(unit: Unit) -> None:
    """Leave a trace of a try."""
    path, _ = unit.payload
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / "tries.log").open("a", encoding="utf-8") as log:
        log.write(f"{unit.name} {os.getpid()}\n")


def make(unit: Unit, recorder: UnitRecorder) -> None:
    """Write a unit's file, in two steps with a pause between."""
    path, pause = unit.payload
    text = unit.inputs[0].read_text(encoding="utf-8").upper()
    with path.open("w", encoding="utf-8") as file:
        file.write(text[:3])
        file.flush()
        time.sleep(pause)
        file.write(text[3:])
    recorder.done(unit, [path])


def bad_data(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """As `capitals`, but the data of unit-1 cannot be used."""
    for unit in units:
        begin(unit)
        if unit.name == "unit-1":
            raise ValueError("unit-1: its\ndata are bad")
        make(unit, recorder)


def no_disk(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """As `capitals`, but writing unit-1 fails for a reason that may pass: twice, or for ever where it has a pause."""
    for unit in units:
        begin(unit)
        log = (unit.payload[0].parent / "tries.log").read_text(encoding="utf-8")
        if unit.name == "unit-1" and (unit.payload[1] or log.count("unit-1 ") < 3):
            raise OSError("no space left")
        make(unit, recorder)


def deadly(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """As `capitals`, but unit-1 kills its worker each time."""
    for unit in units:
        begin(unit)
        if unit.name == "unit-1":
            os.kill(os.getpid(), signal.SIGKILL)
        make(unit, recorder)


def deadly_once(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """As `capitals`, but unit-1 kills its worker at the first try."""
    for unit in units:
        begin(unit)
        mark = unit.payload[0].parent.parent / "killed"
        if unit.name == "unit-1" and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        make(unit, recorder)


class AwkwardError(RuntimeError):
    """One that cannot be made again from its message, as another process would have to."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")


def awkward(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """As `capitals`, but unit-1 raises an error that does not survive the way from another process."""
    for unit in units:
        begin(unit)
        if unit.name == "unit-1":
            raise AwkwardError("unit-1", "no luck")
        make(unit, recorder)


def leaving(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """As `capitals`, but a library ends the process at unit-1, in its own way."""
    for unit in units:
        begin(unit)
        if unit.name == "unit-1":
            sys.exit(3)
        make(unit, recorder)


def forgetful(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Says nothing of its units."""


def meddling(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """As `capitals`, but the input changes meanwhile."""
    for unit in units:
        begin(unit)
        unit.inputs[0].write_text("something else", encoding="utf-8")
        make(unit, recorder)


def settings_of_child(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Write what a child's environment says of threads, devices and cores."""
    for unit in units:
        path, _ = unit.payload
        path.parent.mkdir(parents=True, exist_ok=True)
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "JAX_PLATFORMS", "EFFCONN_CORES")
        path.write_text(" ".join(os.environ.get(name, "-") for name in names), encoding="utf-8")
        recorder.done(unit, [path])


def store(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Write each unit's file as a result, NetCDF."""
    import xarray as xr

    from pipeline.results import write_dataset  # only here: it takes a child seconds to load

    for unit in units:
        path, _ = unit.payload
        write_dataset(path, xr.Dataset({"a": ("x", [1.0, 2.0])}))
        recorder.done(unit, [path])


def first_has_gpu(dask_worker: Any) -> bool:
    """As if the first worker of a cluster had a GPU."""
    return bool(dask_worker.name == 0)
