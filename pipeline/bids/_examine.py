"""One run, from its files' heads: usable, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .._table import TableError
from ..study import Study
from ._check_confounds import check_confounds
from ._check_events import check_events
from ._confounds import read_confounds
from ._events import read_events
from ._find import Files, find_files
from ._headers import Header, check_filled, read_header
from ._inventory import Absence, Run
from ._timing import Timing, read_timing
from ._tree import Tree
from ._words import DataError


@dataclass(frozen=True)
class Examined:
    """What there is of a task in one session of one participant.

    Fields:
        run: None where it cannot be used.
        absence: None where it can.
        remarks: that are good to know.
        events: trial type → how many events, and their median duration, s; as far as they can be read.
    """

    run: Run | None
    absence: Absence | None
    remarks: tuple[str, ...] = ()
    events: Mapping[str, tuple[int, float]] = field(default_factory=dict)


def examine(study: Study, derivatives: Tree, bids: Tree, participant: str, session: str, task: str) -> Examined:
    """Find a run and hold its files against each other, headers only; whatever is wrong with it stays with it."""
    try:
        return _examine(study, derivatives, bids, participant, session, task)
    except Exception as error:  # of a kind that nobody thought of: one run must not end the study
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return Examined(None, Absence(participant, session, task, f"its files cannot be understood ({words})"))


def _examine(study: Study, derivatives: Tree, bids: Tree, participant: str, session: str, task: str) -> Examined:
    try:
        files = find_files(study, derivatives, bids, participant, session, task)
    except DataError as error:
        return Examined(None, Absence(participant, session, task, str(error)))
    problems: list[str] = []
    remarks = list(files.remarks)
    bold = _image(files, problems)
    timing = _timing(files, study, task, bold, problems)
    events: dict[str, tuple[int, float]] = {}
    if files.events is not None:
        events = _events(files, study, task, bold, timing, problems, remarks)
    run = None
    if bold is not None and timing is not None:
        remarks += timing.remarks
        run = _run(participant, session, task, files, bold, timing)
        _confounds(run, study, problems, remarks)
    if problems:
        return Examined(None, Absence(participant, session, task, "; ".join(problems)), tuple(remarks), events)
    return Examined(run, None, tuple(remarks), events)


def _run(participant: str, session: str, task: str, files: Files, bold: Header, timing: Timing) -> Run:
    return Run(
        participant,
        session,
        task,
        files.run,
        files.bold,
        files.brain_mask,
        files.confounds,
        files.events,
        timing.sidecars,
        timing.repetition_time,
        timing.echo_time,
        timing.reference,
        bold.shape[3],
        (bold.shape[0], bold.shape[1], bold.shape[2]),
        tuple(tuple(row) for row in bold.affine.tolist()),
    )


def _image(files: Files, problems: list[str]) -> Header | None:
    """The image's header; None where it cannot be used."""
    try:
        bold = read_header(files.bold)
        if len(bold.shape) != 4 or bold.shape[3] < 2:
            shape = " × ".join(map(str, bold.shape))
            raise DataError(f"{files.bold.name} is {shape}, not three axes and a series of scans")
    except DataError as error:
        problems.append(str(error))
        bold = None
    try:
        mask = read_header(files.brain_mask)
        if len([size for size in mask.shape[3:] if size > 1]):
            raise DataError(f"{files.brain_mask.name} has {len(mask.shape)} axes; a mask has three")
        if bold is not None and not mask.same_grid(bold):
            raise DataError(f"{files.brain_mask.name} is on another grid than {files.bold.name}; run fMRIPrep again")
        check_filled(files.brain_mask, mask)
    except DataError as error:
        problems.append(str(error))
    return bold


def _timing(files: Files, study: Study, task: str, bold: Header | None, problems: list[str]) -> Timing | None:
    try:
        timing = read_timing(files.derived, files.raw, None if bold is None else bold.repetition_time)
        needed = study.dcm is not None and study.dcm.task == task and study.dcm.echo_time == "scanner"
        if needed and timing.echo_time is None:
            raise DataError("no sidecar tells EchoTime, which [dcm] echo_time = 'scanner' needs; add it")
    except DataError as error:
        if bold is not None:  # without an image there is a reason already
            problems.append(str(error))
        return None
    return timing


def _events(
    files: Files,
    study: Study,
    task: str,
    bold: Header | None,
    timing: Timing | None,
    problems: list[str],
    remarks: list[str],
) -> dict[str, tuple[int, float]]:
    assert files.events is not None
    try:
        events = read_events(files.events)
    except TableError as error:
        problems.append(str(error))
        return {}
    if bold is not None and timing is not None:
        wrong, known = check_events(events, study, task, bold.shape[3], timing.repetition_time)
        problems += wrong
        remarks += known
    chosen = {kind: events.of([kind]).duration for kind in events.trial_types}
    return {kind: (durations.size, float(np.median(durations))) for kind, durations in chosen.items()}


def _confounds(run: Run, study: Study, problems: list[str], remarks: list[str]) -> None:
    try:
        unsure, known = check_confounds(run.confounds, study.confounds, run.scans)
        remarks += known
        if unsure:
            read_confounds(run, study)
    except DataError as error:
        problems.append(str(error))
