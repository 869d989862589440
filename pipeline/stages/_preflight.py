"""What a study has on disk and what would stop it, found before hours of work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from peb import Design

from ..bids import (
    ImageRun,
    Inventory,
    analysis_design,
    check_groups,
    check_predictions,
    check_statistics,
    collect_inventory,
    group_remarks,
    group_rows,
    unmodelled_visits,
)
from ..common import UsageError, merge_remarks
from ..images import RegionExtent, check_regions, measure_run_scale, region_remarks, run_grids
from ..page import Column, Records
from ..series import collect_series
from ..study import Dcm, Study, describe_inversion
from ._predict import check_formulas

REGION_COLUMNS = (
    Column("name", "Region"),
    Column("source", "Taken for"),
    Column("threshold", "Threshold", ".4g"),
    Column("map_volume", "In its file, mm³", ",.0f"),
    Column("voxels", "Voxels", "d"),
    Column("volume", "mm³", ",.0f"),
    Column("in_brain", "In the brain mask", "d"),
)
SCALE_COLUMNS = (
    Column("run", "Run"),
    Column("mean", "Mean of the brain", ".4g"),
    Column("spread", "Voxels vary by, %", ".2g"),
    Column("displacement", "Mean FD, mm", ".3f"),
    Column("confounds", "Confounds", "d"),
)
AVAILABLE, MISSING = "✓", "missing"


def preflight(study: Study, on_progress: Callable[[int, int], None] | None = None) -> tuple[Inventory, list[str]]:
    """What the study has on disk, and a line for everything that it cannot go on with."""
    collect = collect_inventory if study.series is None else collect_series
    inventory = collect(study, on_progress)
    if study.study.out.exists() and not study.study.out.is_dir():
        line = f"[study] out: {study.study.out} is a file; give a folder for the results"
        inventory = replace(inventory, errors=(*inventory.errors, line))
    if inventory.errors:
        return inventory, list(inventory.errors)
    grids = run_grids(inventory.image_runs)
    errors = [
        *(check_regions(study, grids) if study.series is None else ()),
        *check_groups(study, inventory),
        *check_predictions(study, inventory),
        *check_formulas(study),
        *check_statistics(study, inventory),
    ]
    designs = [] if errors else group_remarks(study, inventory)
    regions = region_remarks(study, grids) if study.series is None else ()
    remarks = (*inventory.remarks, *unmodelled_visits(study, inventory), *regions, *designs)
    return replace(inventory, remarks=remarks), errors


def check_place(study: Study) -> None:
    """Raises `UsageError` where results would go among the data."""
    out, place = study.study.out.resolve(), study.study
    for what, given in (("the BIDS dataset", place.bids), ("fMRIPrep's output", place.derivatives)):
        if given is None:
            continue
        folder = given.resolve()
        within = out.relative_to(folder).parts if out.is_relative_to(folder) else None
        if within is not None and (not within or within[0].startswith("sub-")):
            raise UsageError(
                f"--out {out} is where {what} lies; give a folder of its own, such as {folder.parent / 'results'}"
            )


def checked_inventory(study: Study, on_progress: Callable[[int, int], None] | None = None) -> Inventory:
    """The inventory; raises `UsageError`, naming everything, where the study cannot go on."""
    inventory, errors = preflight(study, on_progress)
    if errors:
        raise UsageError("\n".join(["the study cannot run:", *errors]))
    return inventory


def planned_designs(study: Study, inventory: Inventory) -> dict[str, Design]:
    """The design of every group analysis, where all visits with runs will have a posterior.

    An analysis whose design cannot be made is not among them: `preflight` says why.
    """
    found = {}
    for name, analysis in study.group.items():
        with suppress(ValueError):
            rows = group_rows(study, inventory, analysis)
            if rows.names:
                found[name] = analysis_design(study, analysis, rows)
    return found


def extent_records(extents: Sequence[RegionExtent], run: ImageRun) -> Records:
    """One row a region, on the grid of a run."""
    edges = np.linalg.norm(np.array(run.affine)[:3, :3], axis=0)
    title = f"Regions on images of {' × '.join(f'{edge:.3g}' for edge in edges)} mm, as of {run.label}"
    rows = [vars(extent) for extent in extents]
    marked = frozenset(
        i for i, extent in enumerate(extents) if extent.in_brain is not None and extent.in_brain < extent.voxels / 2
    )
    return Records("regions", title, "Above the threshold a voxel belongs.", REGION_COLUMNS, rows, marked)


def run_records(study: Study, inventory: Inventory) -> Records:
    """Every participant: group, scores, and for each session and task whether there is a usable run, or how many."""
    cells = [(session, task) for session in study.sessions.labels for task in study.tasks]
    available = Counter((run.participant, run.session, run.task) for run in inventory.runs)
    word = study.participants.group_word
    rows: list[dict[str, Any]] = [
        {
            "participant_id": participant.name,
            **({word: participant.group} if participant.group is not None else {}),
            **{f"score_{name}": participant.scores.get(name) for name in study.scores},
            **{run_key(*cell): _run_mark(available[participant.name, *cell]) for cell in cells},
        }
        for participant in inventory.participants
    ]
    columns = (
        Column("participant_id", "Participant"),
        *([Column(word, word.capitalize())] if study.participants.group_names else []),
        *(Column(f"score_{name}", f"{name}, {score.unit}", ".4g") for name, score in study.scores.items()),
        *(Column(run_key(*cell), " ".join(part for part in cell if part)) for cell in cells),
    )
    marked = frozenset(i for i, row in enumerate(rows) if MISSING in row.values())
    lead = "A run is there where all of its files are and their headers agree."
    return Records("participants", "Participants and their runs", lead, columns, rows, marked)


def _run_mark(runs: int) -> str:
    """That a run is there, or how many are, or that none is."""
    return MISSING if not runs else AVAILABLE if runs == 1 else f"{runs} runs"


def run_key(session: str | None, task: str) -> str:
    """A session and a task as one column name."""
    return f"{session}_task-{task}" if session is not None else f"task-{task}"


def scale_records(study: Study, inventory: Inventory) -> tuple[Records, list[str]]:
    """One row a task: in which scale images and motion of its first run are; and what should be checked."""
    first = {run.task: run for run in reversed(inventory.image_runs)}
    units = [measure_run_scale(study, first[task]) for task in study.tasks if task in first]
    rows = [vars(run) | {"remarks": list(run.remarks)} for run in units]
    remarks = list(dict.fromkeys(line for run in units for line in run.remarks))
    return Records("scales", "Scale of the first run of each task", "", SCALE_COLUMNS, rows), remarks


def count_lines(study: Study, inventory: Inventory) -> list[str]:
    """How many participants and runs there are, and how models are inverted, a sentence each."""
    groups = Counter(participant.group for participant in inventory.participants)
    counts = ", ".join(f"{groups[group]} {group}" for group in study.participants.group_names)
    counts = f" ({counts})" if counts else ""
    lines = [f"{len(inventory.participants)} participants{counts}, {len(inventory.left_out)} left out"]
    sessions = study.sessions.labels
    for task in study.tasks:
        runs = [run for run in inventory.runs if run.task == task]
        done = {(run.participant, run.session) for run in runs}
        whole = sum(
            all((participant.name, session) in done for session in sessions) for participant in inventory.participants
        )
        asked = len(sessions) * len(inventory.participants)
        counted = f"{len(done)} runs of {asked}"
        if len(runs) > len(done):
            counted = f"{len(runs)} runs in {len(done)} of {asked} visits"
        every = {1: "", 2: f"; both sessions of {whole}"}.get(
            len(sessions), f"; all {len(sessions)} sessions of {whole}"
        )
        lines.append(f"{task}: {counted}{every}")
        lines += [_use_of_runs(name, dcm) for name, dcm in study.dcms_of(task).items()] if len(runs) > len(done) else []
    return [*lines, *study_mode_lines(study)]


def _use_of_runs(name: str, dcm: Dcm) -> str:
    """What becomes of several runs of a visit."""
    how = "are concatenated in one model" if dcm.runs == "concatenate" else "are inverted each, and averaged"
    return f"[dcm{f'.{name}' if name else ''}]: all runs of a visit {how}"


def study_mode_lines(study: Study) -> list[str]:
    """How models are inverted and groups are fitted, in words."""
    lines = [f"[dcm{f'.{name}' if name else ''}]: {describe_inversion(dcm)}" for name, dcm in study.dcms.items()]
    groups = merge_remarks((name, f"mode {analysis.compat}") for name, analysis in study.group.items())
    return lines + [f"[group] {line}" for line in groups]
