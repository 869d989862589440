"""`effconn check`: what a study has on disk and what is missing, before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..common import print_line, print_message, progress, release, write_json
from ._guard import guarded
from ._options import Debug, Json, StudyFile

if TYPE_CHECKING:
    from ..bids import Inventory
    from ..page import Records
    from ..study import Study

HELP = "Say what a study has and what is missing, per participant and session, before anything runs."
EXAMPLE = "effconn check study.toml"
MOST_PARTICIPANTS = 40  # in a table; of more, only those who lack something are shown
MOST_LINES = 60  # of what is missing, before the rest is only counted
MOST_GRIDS = 3  # of images, on which regions are shown


@guarded
def command(study: StudyFile, json: Json = None, debug: Debug = False) -> int:
    """Print what a study has and lacks; 0 where it can run, else 1."""
    from ..stages import preflight
    from ..study import read_study

    settings = read_study(study)
    with progress("looking at runs") as bar:
        inventory, errors = preflight(settings, bar)
    print_inventory(settings, inventory)
    regions = [] if inventory.errors else print_regions(settings, inventory)
    scales = [] if inventory.errors else print_scales(settings, inventory)
    print_designs(settings, inventory)
    for line in (line for line in errors if line not in inventory.errors):
        print_message(f"error: {line}")
    if not errors:
        print_message(f"ready: effconn run {study}")
    if json is not None:
        facts = {"effconn": release(), "errors": errors, **inventory_json(inventory), **plan_json(settings, inventory)}
        write_json(json, {**facts, "regions": regions, "scales": scales})
    return 1 if errors else 0


def print_inventory(study: Study, inventory: Inventory) -> None:
    """Print which runs there are, what is missing and why, and what the study cannot go on with."""
    from ..stages import count_lines, run_records

    table = run_records(study, inventory)
    if table.rows:
        _shortened(table).print()
        print_line()
    for line in count_lines(study, inventory):
        print_line(line)
    print_missing(inventory)
    _print_lines("remark", inventory.remarks)
    for error in inventory.errors:
        print_message(f"error: {error}")


def print_missing(inventory: Inventory) -> None:
    """Print which runs a study goes on without, and why, a line for each cause."""
    from ..bids import share_absences

    _print_lines("missing", [shared.line for shared in share_absences(inventory.absences)])


def print_regions(study: Study, inventory: Inventory) -> list[dict[str, Any]]:
    """Print what each region was taken for and how large it is on the images; returns the rows, for JSON.

    On the first run of every grid there is; regions that cannot be drawn are errors of their own.
    """
    from ..images import region_extents
    from ..stages import extent_records

    rows: list[dict[str, Any]] = []
    first = {(run.shape, run.affine): run for run in reversed(inventory.image_runs)}
    for run in list(first.values())[::-1][:MOST_GRIDS]:
        table = extent_records(region_extents(study, run), run)
        table.print()
        for row in (table.rows[i] for i in sorted(table.marked)):
            share = f"{row['in_brain']} of its {row['voxels']} voxels"
            place = f"lie in the brain mask of {run.label}; check its place, in mm"
            print_message(f"remark: region {row['name']}: {share} {place}")
        rows += [{"run": run.label, **row} for row in table.plain()]
    if rows:
        print_line()
    return rows


def print_scales(study: Study, inventory: Inventory) -> list[dict[str, Any]]:
    """Print in which scale the images and the motion of the first run of each task are; returns the rows, for JSON."""
    from ..stages import scale_records

    table, remarks = scale_records(study, inventory)
    if table.rows:
        table.print()
        print_line()
    _print_lines("remark", remarks)
    return [dict(row) for row in table.rows]


def print_designs(study: Study, inventory: Inventory) -> None:
    """Print what each column of each design is, and what is asked of it, in words."""
    from peb import DesignError, parse_contrast

    from ..stages import planned_designs
    from ..study import describe_selection, select_visits

    for name, design in planned_designs(study, inventory).items():
        of = describe_selection(select_visits(study, study.group[name]))
        print_line(f"[group.{name}] {of}, {len(design.participants)} rows; its columns:")
        for column, said in design.explanations.items():
            print_line(f"  {column}: {said}")
        for asked, text in study.group[name].contrasts.items():
            with suppress(DesignError):  # said among the errors
                print_line(f"  contrast {asked}: {parse_contrast(text, design, asked).explanation}")


def inventory_json(inventory: Inventory) -> dict[str, Any]:
    """The runs of a study and those that it goes on without, for JSON."""
    return {
        "runs": [run.label for run in inventory.runs],
        "missing": missing_runs(inventory),
        "remarks": list(inventory.remarks),
    }


def plan_json(study: Study, inventory: Inventory) -> dict[str, Any]:
    """What would be analysed, for JSON: the designs, the visits, and the runs that each model takes of each visit."""
    from ..bids import modelled_runs
    from ..stages import planned_designs

    models = {name or "main": modelled_runs(study, inventory, name) for name in study.dcms} if inventory.runs else {}
    return {
        "participants": [
            {"participant_id": participant.name, "group": participant.group} for participant in inventory.participants
        ],
        "visits": [visit.label for visit in inventory.visits],
        "visit_values": {visit.label: dict(visit.values) for visit in inventory.visits if visit.values},
        "models": {
            name: {visit: [run.label for run in runs] for visit, runs in visits.items()}
            for name, visits in models.items()
        },
        "designs": {
            name: {
                "columns": list(design.covariates),
                "rows": list(design.participants),
                "matrix": design.matrix.tolist(),
                "explanations": design.explanations,
            }
            for name, design in planned_designs(study, inventory).items()
        },
    }


def missing_runs(inventory: Inventory) -> list[dict[str, Any]]:
    """Runs that a study goes on without, for JSON."""
    keys = ("participant", "session", "task", "problem")
    return [{key: getattr(run, key) for key in keys} for run in inventory.absences]


def _shortened(table: Records) -> Records:
    """Every participant of a small study; of a big one, those who lack something."""
    from ..page import Records

    if len(table.rows) <= MOST_PARTICIPANTS:
        return table
    rows = [table.rows[i] for i in sorted(table.marked)]
    title = f"Participants who lack a run, {len(rows)} of {len(table.rows)}"
    if len(rows) > MOST_PARTICIPANTS:
        title += f"; the first {MOST_PARTICIPANTS}"
    return Records(table.name, title, table.lead, table.columns, rows[:MOST_PARTICIPANTS])


def _print_lines(kind: str, lines: Sequence[str]) -> None:
    for line in lines[:MOST_LINES]:
        print_message(f"{kind}: {line}")
    if len(lines) > MOST_LINES:
        print_message(f"{kind}: and {len(lines) - MOST_LINES} more")
