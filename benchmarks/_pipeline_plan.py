"""Seconds until a large study is known not to have changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pipeline.bids import Inventory
from pipeline.execution import Finish, Unit, in_process, run_units
from pipeline.stages import checked_inventory
from pipeline.stages._extract import extract_units, series_of
from pipeline.stages._invert import invert_units
from pipeline.stages._layout import Layout
from pipeline.study import Study, read_study
from pipeline.synthetic import StudyDesign, write_study

Value = TypeVar("Value")

FEW = StudyDesign(
    ketamine=3,
    midazolam=3,
    faces_scans=40,
    stroop_scans=40,
    rest_scans=40,
    missing=(),
    restless=(),
    unsteady=(),
    dropout=None,
)


def time_plan(folder: Path, participants: int) -> list[dict[str, Any]]:
    """Steps of a run that finds everything done, on a study whose files are real and whose results are stand-ins."""
    study = read_study(enlarge(write_study(folder, design=FEW, seed=0).parent, participants))
    _make(study, checked_inventory(study))
    rows: list[dict[str, Any]] = []
    inventory = _timed(rows, "look at files", lambda: checked_inventory(study))
    units = _timed(rows, "units", lambda: _units(study, inventory))
    for stage in units:
        _timed(rows, f"records, {stage[0].stage}", partial(_kept, stage, study))
    rows[0]["count"], rows[1]["count"] = len(inventory.runs), sum(map(len, units))
    rows.append({"step": "all", "count": participants, "seconds": sum(row["seconds"] for row in rows)})
    return rows


def enlarge(folder: Path, participants: int) -> Path:
    """The study with so many participants: the files of the first six under more names, as links; its configuration."""
    table = folder / "bids" / "participants.tsv"
    scores = folder / "bids" / "phenotype" / "caps5.tsv"
    lines, scored = ([line.split("\t") for line in _lines(path)] for path in (table, scores))
    people = [line[0] for line in lines[1:]]
    for number in range(len(people) + 1, participants + 1):
        model, name = people[(number - 1) % len(people)], f"sub-{number:03d}"
        for root in (folder / "bids", folder / "bids" / "derivatives" / "fmriprep"):
            _link(root, model, name)
        lines += [[name, *line[1:]] for line in lines if line[0] == model]
        scored += [[name, *line[1:]] for line in scored if line[0] == model]
    for path, rows in ((table, lines), (scores, scored)):
        path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return folder / "study.toml"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _link(root: Path, model: str, name: str) -> None:
    for path in (root / model).rglob("*"):
        if path.is_file():
            target = root / name / path.relative_to(root / model).as_posix().replace(model, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)


def _units(study: Study, inventory: Inventory) -> list[list[Unit]]:
    out = Layout(study.study.out)
    extracting = extract_units(study, inventory, out.out)
    faces = {unit.name.split("_task-")[0]: series_of(unit) for unit in extracting if unit.name.endswith("faces")}
    return [extracting, invert_units(study, faces, out)]


def _make(study: Study, inventory: Inventory) -> None:
    """Stand-ins for the results, with records as real ones have them."""
    for units in _units(study, inventory):
        records = Layout(study.study.out).records
        run_units(units, _stand_in, folder=records, workers=in_process(), batch=len(units))


def _stand_in(units: Sequence[Unit], finish: Finish) -> None:
    for unit in units:
        path = series_of(unit) if unit.stage == "extract" else unit.payload.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit.name, encoding="utf-8")
        finish.done(unit, [path])


def _kept(units: list[Unit], study: Study) -> list[Unit]:
    ended = run_units(units, _stand_in, folder=Layout(study.study.out).records, workers=in_process())
    if any(one.how != "kept" for one in ended):
        raise RuntimeError("a unit was made again although nothing has changed")
    return units


def _timed(rows: list[dict[str, Any]], step: str, work: Callable[[], Value]) -> Value:
    start = time.perf_counter()
    found = work()
    rows.append({"step": step, "seconds": time.perf_counter() - start})
    if isinstance(found, list):
        rows[-1]["count"] = len(found)
    return found
