"""`effconn check`: what a study has on disk and what is missing, before anything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..bids import Absence, Inventory, Run
from ..common import merge_remarks, print_line, print_message
from ..images import RegionExtent, region_extents, run_units
from ..page import Column, Records
from ..study import Study, describe_inversion

SHOWN = 40  # participants in a table; of more, only those who lack something are shown
MOST = 60  # lines of what is missing, before the rest is only counted
GRIDS = 3  # of images, on which regions are shown
REGIONS = (
    Column("name", "Region"),
    Column("source", "Taken for"),
    Column("threshold", "Threshold", ".4g"),
    Column("map_volume", "In its file, mm³", ",.0f"),
    Column("voxels", "Voxels", "d"),
    Column("volume", "mm³", ",.0f"),
    Column("in_brain", "In the brain mask", "d"),
)
SCALES = (
    Column("run", "Run"),
    Column("mean", "Mean of the brain", ".4g"),
    Column("spread", "Voxels vary by, %", ".2g"),
    Column("displacement", "Mean FD, mm", ".3f"),
    Column("confounds", "Confounds", "d"),
)
THERE, ABSENT = "✓", "missing"


def show_inventory(study: Study, inventory: Inventory) -> None:
    """Print who has what, what is missing and why, and what the study cannot go on with."""
    table = participant_records(inventory, study)
    if table.rows:
        _shown(table).print()
        print_line()
    for line in _totals(study, inventory):
        print_line(line)
    show_missing(inventory)
    _lines("remark", list(inventory.remarks))
    for error in inventory.errors:
        print_message(f"error: {error}")


def show_missing(inventory: Inventory) -> None:
    """Say which runs a study goes on without, and why."""
    _lines("missing", merge_remarks([(_label(one), one.problem) for one in inventory.absences]))


def show_regions(study: Study, inventory: Inventory) -> list[dict[str, Any]]:
    """Print what each region was taken for and how large it is on the images; returns the rows, for JSON.

    On the first run of every grid there is; regions that cannot be drawn are errors of their own.
    """
    found: list[dict[str, Any]] = []
    for run in list({(one.shape, one.affine): one for one in reversed(inventory.runs)}.values())[::-1][:GRIDS]:
        table = extent_records(region_extents(study, run), run)
        table.print()
        for row in (table.rows[i] for i in sorted(table.marked)):
            share = f"{row['in_brain']} of its {row['voxels']} voxels"
            print_message(
                f"remark: region {row['name']}: {share} lie in the brain mask of {run.label}; check its place, in mm"
            )
        found += [{"run": run.label, **row} for row in table.plain()]
    if found:
        print_line()
    return found


def show_scales(study: Study, inventory: Inventory) -> list[dict[str, Any]]:
    """Print in which scale the images and the motion of the first run of each task are; returns the rows, for JSON."""
    first = {run.task: run for run in reversed(inventory.runs)}
    found = [run_units(study, first[task]) for task in study.tasks if task in first]
    if found:
        title = "Scale of the first run of each task"
        Records("scales", title, "", SCALES, [vars(one) for one in found]).print()
        print_line()
    _lines("remark", list(dict.fromkeys(line for one in found for line in one.remarks)))
    return [vars(one) | {"remarks": list(one.remarks)} for one in found]


def extent_records(extents: Sequence[RegionExtent], run: Run) -> Records:
    """One row a region, on the grid of a run."""
    edges = np.linalg.norm(np.array(run.affine)[:3, :3], axis=0)
    title = f"Regions on images of {' × '.join(f'{edge:.3g}' for edge in edges)} mm, as of {run.label}"
    rows = [vars(one) for one in extents]
    marked = frozenset(i for i, one in enumerate(extents) if one.in_brain is not None and one.in_brain < one.voxels / 2)
    return Records("regions", title, "Above the threshold a voxel belongs.", REGIONS, rows, marked)


def participant_records(inventory: Inventory, study: Study) -> Records:
    """Everybody in the study: arm, scores, and for each session and task whether there is a usable run."""
    cells = [(session, task) for session in (study.sessions.before, study.sessions.after) for task in study.tasks]
    there = {(run.participant, run.session, run.task) for run in inventory.runs}
    rows: list[dict[str, Any]] = [
        {
            "participant_id": who.name,
            "arm": who.arm,
            **{f"score_{name}": who.scores.get(name) for name in study.scores},
            **{_key(*cell): THERE if (who.name, *cell) in there else ABSENT for cell in cells},
        }
        for who in inventory.participants
    ]
    columns = (
        Column("participant_id", "Participant"),
        Column("arm", "Arm"),
        *(Column(f"score_{name}", f"{name}, {score.unit}", ".4g") for name, score in study.scores.items()),
        *(Column(_key(*cell), " ".join(cell)) for cell in cells),
    )
    marked = frozenset(i for i, row in enumerate(rows) if ABSENT in row.values())
    lead = "A run is there where all of its files are and their headers agree."
    return Records("participants", "Participants and their runs", lead, columns, rows, marked)


def _key(session: str, task: str) -> str:
    return f"{session}_task-{task}"


def _label(one: Absence) -> str:
    return f"{one.participant}_{_key(one.session, one.task)}"


def _shown(table: Records) -> Records:
    """Everybody of a small study; of a big one, those who lack something."""
    if len(table.rows) <= SHOWN:
        return table
    rows = [table.rows[i] for i in sorted(table.marked)]
    title = f"Participants who lack a run, {len(rows)} of {len(table.rows)}"
    if len(rows) > SHOWN:
        title += f"; the first {SHOWN}"
    return Records(table.name, title, table.lead, table.columns, rows[:SHOWN])


def _totals(study: Study, inventory: Inventory) -> list[str]:
    arms = Counter(who.arm for who in inventory.participants)
    counts = ", ".join(f"{arms[arm]} {arm}" for arm in study.participants.arms)
    lines = [f"{len(inventory.participants)} participants ({counts}), {len(inventory.left_out)} left out"]
    for task in study.tasks:
        done = {(run.participant, run.session) for run in inventory.runs if run.task == task}
        both = sum(
            all((who.name, session) in done for session in (study.sessions.before, study.sessions.after))
            for who in inventory.participants
        )
        lines.append(f"{task}: {len(done)} runs of {2 * len(inventory.participants)}; both sessions of {both}")
    return [*lines, *mode_lines(study)]


def mode_lines(study: Study) -> list[str]:
    """How models are inverted and groups are fitted, in words."""
    lines = [f"[dcm]: {describe_inversion(study.dcm)}"] if study.dcm is not None else []
    groups = merge_remarks((name, f"mode {one.compat}") for name, one in study.group.items())
    return lines + [f"[group] {line}" for line in groups]


def _lines(kind: str, lines: list[str]) -> None:
    for line in lines[:MOST]:
        print_message(f"{kind}: {line}")
    if len(lines) > MOST:
        print_message(f"{kind}: and {len(lines) - MOST} more")
