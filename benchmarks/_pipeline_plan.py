"""Seconds until a large study is known not to have changed."""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pipeline.bids import Inventory
from pipeline.common import natural_key
from pipeline.execution import CurrentProcess, Unit, UnitOutcome, UnitRecorder, run_units
from pipeline.page._stored_report import REPORT_FILE
from pipeline.stages import checked_inventory
from pipeline.stages._extract import extraction_units, unit_series_path
from pipeline.stages._group import comparison_units, group_units
from pipeline.stages._invert import inversion_units
from pipeline.stages._reduce import reduction_units
from pipeline.stages._report import ReportJob, StageOutputs, report_unit
from pipeline.stages._result_paths import ResultPaths
from pipeline.study import MAIN, Study, read_study
from pipeline.synthetic import StudyDesign, write_study

from ._process import measure, report

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


def time_plan(folder: Path, participants: int, repeats: int) -> tuple[list[dict[str, Any]], float]:
    """Steps of a run that finds everything done, on a study whose files are real and whose results are stand-ins.

    Medians over processes of their own; the largest peak of their memory, MB.
    """
    file = enlarge(write_study(folder, design=FEW, seed=0).parent, participants)
    for stage in _stages(read_study(file)):
        _run(stage, read_study(file))
    timed = [_measured(file) for _ in range(repeats)]
    rows = [
        {**row, "seconds": statistics.median(run["rows"][i]["seconds"] for run in timed)}
        for i, row in enumerate(timed[0]["rows"])
    ]
    rows.append({"step": "all", "seconds": sum(row["seconds"] for row in rows)})
    return rows, max(run["peak_mb"] for run in timed)


def _measured(file: Path) -> Any:
    return measure(__name__, {"file": str(file), "began": time.time()}, file.parent / "cache", 600)


def enlarge(folder: Path, participants: int) -> Path:
    """The study with so many participants: the files of the first six under more names, as links; its configuration."""
    table = folder / "bids" / "participants.tsv"
    scores = sorted((folder / "bids" / "phenotype").glob("*.tsv"), key=lambda one: natural_key(one.name))
    tables = {path: [line.split("\t") for line in _lines(path)] for path in (table, *scores)}
    people = [line[0] for line in tables[table][1:]]
    for number in range(len(people) + 1, participants + 1):
        model, name = people[(number - 1) % len(people)], f"sub-{number:03d}"
        for root in (folder / "bids", folder / "bids" / "derivatives" / "fmriprep"):
            _link(root, model, name)
        for rows in tables.values():
            rows += [[name, *line[1:]] for line in rows if line[0] == model]
    for path, rows in tables.items():
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


def _stages(study: Study, inventory: Inventory | None = None) -> Iterator[list[Unit]]:
    """The units of each stage as `effconn run` has them, in its order; those of a stage rest on the one before."""
    inventory = inventory or checked_inventory(study)
    out = ResultPaths(study.study.out)
    extracting = extraction_units(study, inventory, out.out)
    yield extracting
    series = {unit.name: unit_series_path(unit) for unit in extracting}
    faces = {name.split("_task-")[0]: (path,) for name, path in series.items() if name.endswith("faces")}
    inverting = inversion_units(study, "", faces, out, batch=16)
    yield inverting
    main = {unit.payload.visit: unit.payload.path for unit in inverting if unit.payload.model == MAIN}
    reducing = reduction_units(study, "", faces, main, out)
    yield reducing
    models: dict[str, dict[str, Path]] = {}
    for unit in inverting:
        models.setdefault(unit.payload.model, {})[unit.payload.visit] = unit.payload.path
    posteriors = {"": models}
    reduced = {"": {unit.payload.visit: unit.payload.path for unit in reducing}}
    comparing = comparison_units(study, posteriors, reduced, {}, out)
    group = [*comparing, *group_units(study, inventory, {"": models[MAIN]}, out)]
    yield group
    names = tuple(unit.name for unit in group)
    yield [report_unit(ReportJob(study, inventory, series, posteriors, reduced, StageOutputs(names), (), out))]


def _run(units: list[Unit], study: Study) -> list[UnitOutcome]:
    return run_units(
        units, _stand_in, folder=ResultPaths(study.study.out).records, workers=CurrentProcess(), batch=len(units)
    )


def _stand_in(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    for unit in units:
        path = _output(unit)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit.name, encoding="utf-8")
        recorder.done(unit, [path])


def _output(unit: Unit) -> Path:
    match unit.stage:
        case "extract":
            return unit_series_path(unit)
        case "invert":
            return Path(unit.payload.path)
        case "group":
            return Path(unit.payload.folder / REPORT_FILE)
        case _:
            return Path(unit.payload.paths.report)


def _time(file: Path, rows: list[dict[str, Any]]) -> None:
    """The steps of one run, in a process of its own."""
    study = _timed(rows, "configuration", lambda: read_study(file))
    inventory = _timed(rows, "files and regions", lambda: checked_inventory(study))
    rows[-1]["count"] = len(inventory.runs)
    stages = _stages(study, inventory)
    for name in ("extract", "invert", "group", "report"):
        units = _timed(rows, f"units, {name}", partial(next, stages))
        ended = _timed(rows, f"records, {name}", partial(_run, units, study))
        if any(outcome.status != "kept" for outcome in ended):
            raise RuntimeError("a unit was made again although nothing has changed")


def _timed(rows: list[dict[str, Any]], step: str, work: Callable[[], Value]) -> Value:
    start = time.perf_counter()
    found = work()
    rows.append({"step": step, "seconds": time.perf_counter() - start})
    if isinstance(found, list):
        rows[-1]["count"] = len(found)
    return found


if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    steps: list[dict[str, Any]] = [{"step": "start", "seconds": time.time() - task["began"]}]
    _time(Path(task["file"]), steps)
    report({"rows": steps, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})
