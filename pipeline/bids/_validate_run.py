"""One run, from its files' headers: usable, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..study import Study
from ..tables import TableError
from ._check_events import check_events
from ._confounds import check_confounds, read_confounds
from ._events import read_events
from ._inventory import Absence, Run
from ._locate_files import DatasetFolders, RunFiles, locate_files
from ._readable_files import DataError, Header, check_filled, read_header
from ._timing import RunTiming, TimingNeeds, read_timing


@dataclass(frozen=True)
class RunValidation:
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


def validate_run(
    study: Study, derivatives: DatasetFolders, bids: DatasetFolders, participant: str, session: str, task: str
) -> RunValidation:
    """Find a run and hold its files against each other, headers only; whatever is wrong with it stays with it."""
    try:
        return _validate_run(study, derivatives, bids, participant, session, task)
    except Exception as error:  # of an unforeseen kind: one run must not end the study
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return RunValidation(None, Absence(participant, session, task, f"its files cannot be understood ({words})"))


def _validate_run(
    study: Study, derivatives: DatasetFolders, bids: DatasetFolders, participant: str, session: str, task: str
) -> RunValidation:
    try:
        files = locate_files(study, derivatives, bids, participant, session, task)
    except DataError as error:
        return RunValidation(None, Absence(participant, session, task, str(error)))
    problems: list[str] = []
    remarks = list(files.remarks)
    bold = _read_image_header(files, problems)
    timing = _read_run_timing(files, study, task, bold, problems)
    events = _read_run_events(files, study, task, bold, timing, problems, remarks)
    run = None
    if bold is not None and timing is not None:
        remarks += timing.remarks
        run = _make_run(participant, session, task, files, bold, timing, events.undriven)
        _check_run_confounds(run, study, problems, remarks)
    if problems:
        return RunValidation(
            None, Absence(participant, session, task, "; ".join(problems)), tuple(remarks), events.counts
        )
    return RunValidation(run, None, tuple(remarks), events.counts)


def _make_run(
    participant: str,
    session: str,
    task: str,
    files: RunFiles,
    bold: Header,
    timing: RunTiming,
    undriven: tuple[str, ...],
) -> Run:
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
        timing.source,
        undriven,
    )


def _read_image_header(files: RunFiles, problems: list[str]) -> Header | None:
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


def _read_run_timing(
    files: RunFiles, study: Study, task: str, bold: Header | None, problems: list[str]
) -> RunTiming | None:
    dcm, settings = study.dcm, study.tasks[task]
    wanted = TimingNeeds(
        task,
        settings.repetition_time,
        echo_time=dcm is not None and dcm.task == task and dcm.echo_time == "scanner",
        reference=not settings.rest,
    )
    try:
        return read_timing(files.derived, files.raw, None if bold is None else bold.repetition_time, wanted)
    except DataError as error:
        if bold is not None:  # without an image there is a reason already
            problems.append(str(error))
        return None


@dataclass(frozen=True)
class _EventSummary:
    """Of a run: trial type → how many events and their median duration, and inputs of the DCM that have none."""

    counts: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    undriven: tuple[str, ...] = ()


def _read_run_events(
    files: RunFiles,
    study: Study,
    task: str,
    bold: Header | None,
    timing: RunTiming | None,
    problems: list[str],
    remarks: list[str],
) -> _EventSummary:
    if files.events is None:
        return _EventSummary()
    try:
        events = read_events(files.events, study.tasks[task])
    except TableError as error:
        problems.append(str(error))
        return _EventSummary()
    undriven: tuple[str, ...] = ()
    if bold is not None and timing is not None:
        checked = check_events(events, study, task, bold.shape[3], timing.repetition_time)
        problems += checked.problems
        remarks += checked.remarks
        undriven = checked.undriven
    chosen = {kind: events.complete_of([kind]).duration for kind in events.trial_types}
    counts = {
        kind: (durations.size, float(np.median(durations)) if durations.size else 0.0)
        for kind, durations in chosen.items()
    }
    return _EventSummary(counts, undriven)


def _check_run_confounds(run: Run, study: Study, problems: list[str], remarks: list[str]) -> None:
    try:
        unsure, known = check_confounds(run.confounds, study.confounds, run.scans)
        remarks += known
        if unsure:
            remarks += [remark for remark in read_confounds(run, study).remarks if remark not in known]
    except DataError as error:
        problems.append(str(error))
