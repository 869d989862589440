"""`effconn check`, `effconn run` and `effconn bids`: what they print, and their exit codes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ..bids import Inventory
from ..common import UsageError, bids_label, format_duration, print_line, print_message, progress, release, write_json
from ..stages import STAGES, RunOptions, Stage, StudyRun, preflight, run_study
from ..study import Study, read_study
from ._check import show_inventory, show_missing, show_regions, show_scales

MOST_JOBS = 4  # by default: each may hold a whole run in memory
LEVELS: dict[str, tuple[Stage, ...]] = {"participant": ("extract", "invert"), "group": STAGES[2:]}


def default_jobs() -> int:
    """As many processes as there are cores, within reason."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(len(affinity(0)) if affinity else os.cpu_count() or 1, MOST_JOBS)


def show_run(
    file: Path,
    folder: Path | None,
    only: Stage | None,
    jobs: int | None,
    scheduler: str | None,
    again: bool,
    json_file: Path | None,
) -> int:
    """Run a study and say what came of it; 0 where all of it has a result, else 1."""
    study = read_study(file)
    if folder is not None:
        study = _elsewhere(study, out=folder.resolve())
    stages = STAGES if only is None else (only,)
    return _run(study, RunOptions(stages, jobs or default_jobs(), scheduler, again), json_file)


def show_check(file: Path, json_file: Path | None) -> int:
    """Say what a study has and lacks; 0 where it can run, else 1."""
    study = read_study(file)
    with progress("looking at runs") as bar:
        inventory, errors = preflight(study, bar)
    show_inventory(study, inventory)
    regions = [] if inventory.errors else show_regions(study, inventory)
    scales = [] if inventory.errors else show_scales(study, inventory)
    for line in (line for line in errors if line not in inventory.errors):
        print_message(f"error: {line}")
    if not errors:
        print_message(f"ready: effconn run {file}")
    if json_file is not None:
        write_json(
            json_file,
            {"effconn": release(), "errors": errors, **_missing(inventory), "regions": regions, "scales": scales},
        )
    return 1 if errors else 0


def show_bids(
    bids: Path,
    folder: Path,
    level: Literal["participant", "group"],
    file: Path,
    derivatives: Path | None,
    labels: Sequence[str],
    jobs: int | None,
    scheduler: str | None,
) -> int:
    """The same by the arguments of a BIDS App."""
    if level == "group" and labels:
        raise UsageError("--participant-label says whom the participant level is about; the group has everybody")
    study = read_study(file)
    study = _elsewhere(study, bids=bids.resolve(), out=folder.resolve(), derivatives=derivatives)
    people = tuple(map(bids_label, labels))
    return _run(study, RunOptions(LEVELS[level], jobs or default_jobs(), scheduler, participants=people), None)


def _elsewhere(study: Study, **places: Path | None) -> Study:
    """The study with other folders."""
    given = {key: value for key, value in places.items() if value is not None}
    return study.model_copy(update={"study": study.study.model_copy(update=given)})


def _run(study: Study, options: RunOptions, json_file: Path | None) -> int:
    found = run_study(study, options, print_message, progress)
    _summary(found)
    if json_file is not None:
        write_json(json_file, _json(found))
    return 1 if found.failed else 0


def _summary(found: StudyRun) -> None:
    show_missing(found.inventory)
    for stage, seconds in found.seconds.items():
        counts = Counter(one.status for one in found.outcomes if one.unit.stage == stage)
        words = ", ".join(f"{counts[how]} {how}" for how in ("made", "kept", "failed") if counts[how])
        print_message(f"{stage}: {words or 'nothing to do'} ({format_duration(seconds)})")
    if found.page is not None:
        print_line(f"report: {found.page.resolve()}")


def _json(found: StudyRun) -> dict[str, Any]:
    return {
        "effconn": release(),
        "report": None if found.page is None else str(found.page),
        "seconds": found.seconds,
        "units": [
            {"stage": one.unit.stage, "name": one.unit.name, "how": one.status, "reason": one.reason}
            for one in found.outcomes
        ],
        **_missing(found.inventory),
    }


def _missing(inventory: Inventory) -> dict[str, Any]:
    """What a study goes on without, for JSON."""
    return {
        "runs": [run.label for run in inventory.runs],
        "missing": missing_runs(inventory),
        "remarks": list(inventory.remarks),
    }


def missing_runs(inventory: Inventory) -> list[dict[str, Any]]:
    """Runs that a study goes on without, for JSON."""
    keys = ("participant", "session", "task", "problem")
    return [{key: getattr(one, key) for key in keys} for one in inventory.absences]
