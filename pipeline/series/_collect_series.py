"""A study of region series → what it has on disk, and everything that is missing, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..bids import (
    Absence,
    DataError,
    DatasetFolders,
    Inventory,
    RunValidation,
    SeriesRun,
    assemble_inventory,
    check_events,
    count_events,
    events_by_pattern,
    read_events,
    read_participants,
    read_visits,
)
from ..common import (
    PATTERN_FIELDS,
    MatchedFile,
    PatternError,
    bids_label,
    comparable_label,
    first_names,
    list_names,
    match_labels,
    matching_files,
    natural_key,
    sorted_names,
    time_problem,
)
from ..study import Series, Study
from ..tables import TableError
from ._read_series import read_runs
from ._region_series import RegionSeries, SeriesError
from ._scaled_series import scaled_series

Cell = tuple[str, str | None, str]  # participant, session, task
FILE, SETTING, TASK_SETTING = "the series' file", "[series]", "the study's file"
MOST_MISSING = 0.5  # share of scans without a value from which a run is hardly worth it


@dataclass(frozen=True)
class FoundRun:
    """One run in a file.

    Fields:
        file: which, and what its name says.
        position: which of the file's runs, from 0.
        participant, session, task, run: whose it is.
        kind: of the file.
    """

    file: MatchedFile
    position: int
    participant: str
    session: str | None
    task: str
    run: str | None
    kind: str

    @property
    def cell(self) -> Cell:
        """Participant, session and task."""
        return self.participant, self.session, self.task


def collect_series(study: Study, on_progress: Callable[[int, int], None] | None = None) -> Inventory:
    """What a study of region series has on disk; every file is read.

    What is wrong with one run makes an `Absence`, and the study goes on without; what is wrong with the study makes an
    error. Nothing is raised.

    Arguments:
        on_progress: called with the number of files that have been read, and of all.
    """
    assert study.series is not None
    if study.study.bids is not None and not study.study.bids.is_dir():
        return Inventory(
            (), (), (), (f"[study] bids: {study.study.bids} is no folder; correct the path, or remove it",)
        )
    try:
        files = _files(study.series)
    except PatternError as error:
        return Inventory((), (), (), (f"[series] files: {error}",))
    if not files:
        return Inventory((), (), (), (f"[series] files: no file matches {first_names(study.series.patterns)}",))
    runs: list[tuple[FoundRun, RunValidation]] = []
    errors: list[str] = []
    remarks: list[str] = []
    nameless: dict[str, list[str]] = {}  # why → files
    for position, file in enumerate(files, start=1):
        try:
            runs += _read_file(study, file)
        except SeriesError as error:
            errors.append(f"[series] files: {error}") if file.participant is None else runs.append(
                _unread(study, file, error)
            )
        except _NoLabelError as error:
            nameless.setdefault(str(error), []).append(file.path.name)
        if on_progress is not None:
            on_progress(position, len(files))
    errors += [f"[series] {reason.format(_first_of(names))}" for reason, names in nameless.items()]
    remarks += _other_tasks(study, runs)
    runs = [(found, validation) for found, validation in runs if found.task in study.tasks]
    runs, lines = _without_concatenations(runs)
    remarks += lines
    whose = [] if errors else [*_sessions(study, _taking_part(study, runs))]
    there = [found for found, _ in runs]
    runs = [(found, validation) for found, validation in runs if _is_chosen(study, found)]
    errors += [*whose, *([] if errors else _twice(_taking_part(study, runs)))]
    if errors:
        return Inventory((), (), (), tuple(dict.fromkeys(errors)))
    table = read_participants(study, sorted_names({found.participant for found, _ in runs}))
    if not table.participants:
        return Inventory((), (), (), tuple(table.errors), tuple(table.remarks), tuple(table.left_out))
    cells = [
        (participant.name, session, task)
        for participant in table.participants
        for session in study.sessions.labels
        for task in study.tasks
    ]
    listed = {participant.name for participant in table.participants} | {name for name, _ in table.left_out}
    if not table.errors and (unlisted := sorted_names({found.participant for found, _ in runs} - listed)):
        remarks.append(f"{list_names(unlisted)}: have series, but are not in the participants' table; not used")
    inventory = assemble_inventory(study, table, cells, _of_cells(study, cells, runs, there), remarks)
    return replace(inventory, **read_visits(study, inventory))


class _NoLabelError(ValueError):
    """A file that does not say whose it is: the setting and what to write, with {} for the names of such files."""


def _first_of(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    return names[0] if len(names) == 1 else f"each of {len(names)} files, such as {names[0]},"


def _files(settings: Series) -> list[MatchedFile]:
    found = {file.path: file for pattern in settings.patterns for file in matching_files(pattern)}
    return list(found.values())


def _read_file(study: Study, file: MatchedFile) -> list[tuple[FoundRun, RunValidation]]:
    """Every run of a file. Raises `SeriesError`, or `_NoLabelError`."""
    if file.participant is None:
        raise _NoLabelError("files: {} does not say whose it is; write {{participant}} in the pattern")
    held = read_runs(file.path)
    found = []
    for position, series in enumerate(held):
        whose = _whose(study, file, series, position, len(held))
        if whose.task in study.tasks:
            found.append((whose, _validated(study, whose, series)))
        else:
            found.append((whose, RunValidation(None, None)))
    return found


def _whose(study: Study, file: MatchedFile, series: RegionSeries, position: int, several: int) -> FoundRun:
    assert study.series is not None
    labels = dict(file.labels)
    held = study.series.sessions_in_file
    if several > 1 or (held is not None and "session" not in labels and "ses" in series.entities):
        if held is None:
            raise _NoLabelError(
                f"sessions_in_file: {{}} holds {several} sessions; say whether they are "
                '"sessions" of the study or "runs" of one'
            )
        labels["session" if held == "sessions" else "run"] = series.entities["ses"]
    task = labels.get("task")
    if task is None and len(study.tasks) > 1:
        raise _NoLabelError("files: {} does not say its task; write {{task}} in the pattern")
    session = MatchedFile(file.path, labels).session
    known = [label for label in study.sessions.labels if label is not None]
    session = None if session is None else match_labels([session], known).get(session, session)
    return FoundRun(
        file,
        position,
        str(file.participant),
        session,
        next(iter(study.tasks)) if task is None else task,
        labels.get("run"),
        series.kind,
    )


def _unread(study: Study, file: MatchedFile, error: SeriesError) -> tuple[FoundRun, RunValidation]:
    """A file that cannot be read, as an absence of the run that its name tells."""
    task = file.labels.get("task", next(iter(study.tasks)))
    found = FoundRun(file, 0, str(file.participant), file.session, task, file.labels.get("run"), "")
    return found, RunValidation(None, Absence(*found.cell, str(error)))


def _validated(study: Study, found: FoundRun, series: RegionSeries) -> RunValidation:
    """One run compared with what the study needs of it."""
    assert study.series is not None
    problems: list[str] = []
    remarks = list(series.remarks)
    try:
        scaled = scaled_series(series, study.series.region_columns, study.series.unit)
        remarks += [*scaled.remarks, *_unit_remarks(study.series, series)]
    except SeriesError as error:
        problems.append(str(error))
    if len(series.missing) > MOST_MISSING * series.scans:
        remarks.append(f"{len(series.missing)} of {series.scans} scans have no value of their own")
    time, source = _repetition_time(study, found, series, problems, remarks)
    if series.low_pass_frequency is not None and study.dcms_of(found.task):
        remarks.append(
            f"its series were low-pass filtered at {series.low_pass_frequency:g} Hz: their noise has fewer degrees of "
            "freedom than scans, and intervals of the DCM are too narrow"
        )
    events, counts, undriven = _events(study, found, series.scans, time, problems, remarks)
    if problems or time is None:
        which = f"run-{found.run}: " if found.run is not None else ""
        absence = Absence(*found.cell, f"{which}{'; '.join(problems)}")
        return RunValidation(None, absence, tuple(remarks), counts)
    run = SeriesRun(
        participant=found.participant,
        session=found.session,
        task=found.task,
        run=found.run,
        series=found.file.path,
        position=found.position,
        kind=series.kind,
        events=events,
        sidecars=tuple(path for path in series.files if path != found.file.path),
        repetition_time=time,
        echo_time=None,
        reference=0.5,
        scans=series.scans,
        timed_by=source,
        undriven=undriven,
    )
    return RunValidation(run, None, tuple(remarks), counts)


def _unit_remarks(settings: Series, series: RegionSeries) -> Iterator[str]:
    """That a file says another unit than the study, or that its numbers look like raw ones."""
    if series.unit is not None and series.unit != settings.unit:
        yield f"the file says that its unit is {series.unit}, and [series] unit is {settings.unit}; [series] counts"
    elif settings.unit == "percent" and series.likely_unit == "raw":
        yield "its series lie far from zero, as raw ones do, and [series] unit is percent; check it"


def _repetition_time(
    study: Study, found: FoundRun, series: RegionSeries, problems: list[str], remarks: list[str]
) -> tuple[float | None, str]:
    """Seconds from scan to scan, and what says so: the task's setting, the file, or else [series]."""
    assert study.series is not None
    setting, by_series = study.tasks[found.task].repetition_time, study.series.repetition_time
    by_task = None if setting == "sidecar" else setting
    time, source = next(
        (
            (value, what)
            for value, what in ((by_task, TASK_SETTING), (series.repetition_time, FILE), (by_series, SETTING))
            if value is not None
        ),
        (None, ""),
    )
    if time is None:
        problems.append("no file says its repetition time; add repetition_time to [series]")
    elif problem := time_problem(time, "repetition time"):
        problems.append(f"its repetition time {problem}")
    elif source == FILE and by_series is not None and abs(by_series - time) > 1e-3:
        remarks.append(f"repetition time: {time:g} s by the file, which goes before {by_series:g} s of [series]")
    return time, source


def _events(
    study: Study, found: FoundRun, scans: int, time: float | None, problems: list[str], remarks: list[str]
) -> tuple[Path | None, dict[str, tuple[int, float]], tuple[str, ...]]:
    """The file of events; trial type → how many and how long; inputs of the DCM without an event."""
    if study.tasks[found.task].rest:
        return None, {}, ()
    try:
        path = _events_file(study, found)
        events = read_events(path, study.tasks[found.task])
    except (DataError, TableError) as error:
        problems.append(str(error))
        return None, {}, ()
    if time is None:
        return path, count_events(events), ()
    check = check_events(events, study, found.task, scans, time, of_several=found.run is not None)
    problems += check.problems
    remarks += check.remarks
    return path, count_events(events), check.undriven


def _events_file(study: Study, found: FoundRun) -> Path:
    """Raises `DataError` where there is not one."""
    assert study.series is not None
    labels = {
        "participant": found.participant.removeprefix("sub-"),
        "task": found.task,
        **({} if found.session is None else {"session": found.session.removeprefix("ses-")}),
        **({} if found.run is None else {"run": found.run}),
        **found.file.labels,
    }
    pattern = study.tasks[found.task].events or study.series.events
    if pattern is not None:
        return events_by_pattern(pattern, labels)
    if study.study.bids is None:
        raise DataError("has no events; add events to [series] or the task, or say rest = true of the task")
    entities = {entity: labels[name] for name, entity in PATTERN_FIELDS.items() if name in labels}
    inherited = DatasetFolders(study.study.bids).inherited(
        found.participant, found.session, entities, ("events", "tsv")
    )
    file = next(inherited, None)
    if file is None:
        raise DataError(f"{'_'.join(f'{key}-{label}' for key, label in entities.items())}_events.tsv is missing")
    return file.path


def _other_tasks(study: Study, runs: Sequence[tuple[FoundRun, RunValidation]]) -> Iterator[str]:
    others = sorted_names({found.task for found, _ in runs} - {*study.tasks})
    if others:
        yield f"[series]: files of {list_names(others)}, which are no tasks of the study, are not used"


def _without_concatenations(
    runs: list[tuple[FoundRun, RunValidation]],
) -> tuple[list[tuple[FoundRun, RunValidation]], list[str]]:
    """Runs without XCP-D's files of all runs of a task one after the other, which have no run- in their names."""
    numbered = {found.cell for found, _ in runs if found.run is not None}
    whole = [found for found, _ in runs if found.run is None and found.kind == "XCP-D" and found.cell in numbered]
    lines = []
    if whole:
        names = first_names([found.file.path.name for found in whole])
        lines = [f"{names}: all runs of their task one after the other; the runs themselves are used"]
    return [pair for pair in runs if pair[0] not in whole], lines


def _taking_part(study: Study, runs: Sequence[tuple[FoundRun, RunValidation]]) -> list[tuple[FoundRun, RunValidation]]:
    """Runs of those whom the study does not exclude."""
    excluded = {bids_label(name) for name in study.participants.exclude}
    labels = match_labels(excluded, {found.participant for found, _ in runs})
    excluded = {labels.get(name, name) for name in excluded}
    return [(found, validation) for found, validation in runs if found.participant not in excluded]


def _is_chosen(study: Study, found: FoundRun) -> bool:
    chosen = study.tasks[found.task].chosen_runs
    return not chosen or (
        found.run is not None and comparable_label(found.run) in {comparable_label(label) for label in chosen}
    )


def _sessions(study: Study, runs: Sequence[tuple[FoundRun, RunValidation]]) -> Iterator[str]:
    """Sessions that the study has and the files have not, or the other way round."""
    there = sorted_names({found.session for found, _ in runs if found.session is not None})
    labels = study.sessions.labels
    if labels == (None,):
        if there:
            order = ", ".join(f'"{name}"' for name in there)
            many = ", the first first" if len(there) > 1 else ""
            yield f"[sessions]: the files are of sessions ({list_names(there)}); add order = [{order}]{many}"
        return
    if without := [found.file.path.name for found, _ in runs if found.session is None]:
        names = first_names(without)
        yield f"[series] files: {names} say no session; write {{session}} in the pattern, or [participants] exclude"
        return
    for label in labels:
        if label not in there:
            yield f"[sessions]: no file is of {label!r}; there are {list_names(there)}"


def _twice(runs: Sequence[tuple[FoundRun, RunValidation]]) -> Iterator[str]:
    """Two files of one run."""
    first: dict[tuple[object, ...], FoundRun] = {}
    for found, _ in runs:
        run = None if found.run is None else comparable_label(found.run)
        other = first.setdefault((*found.cell, run), found)
        if other is not found:
            names = f"{other.file.path.name} and {found.file.path.name}"
            yield f"[series] files: {names} are of one run; make the pattern match one of them (its atlas, its space)"
            return


def _of_cells(
    study: Study, cells: Sequence[Cell], runs: Sequence[tuple[FoundRun, RunValidation]], there: Sequence[FoundRun]
) -> list[list[RunValidation]]:
    """What there is of the runs of each cell; an absence where there is none, and of each that was asked for.

    Arguments:
        runs: that the study asks for.
        there: all of them.
    """
    own: dict[Cell, list[RunValidation]] = {}
    for found, validation in sorted(runs, key=lambda pair: natural_key(pair[0].run or "")):
        own.setdefault(found.cell, []).append(validation)
    labels: dict[Cell, list[str | None]] = {}
    for found in there:
        labels.setdefault(found.cell, []).append(found.run)
    for cell in cells:
        known = labels.get(cell, [])
        absent = ["no file of series is of this run"] if not known else []
        for run in study.tasks[cell[2]].chosen_runs if known else ():
            if not any(label and comparable_label(label) == comparable_label(run) for label in known):
                names = list_names(f"run-{label}" if label else "one without run-" for label in known)
                absent.append(f"there is no run-{run}; there is {names}: see run of the task")
        own.setdefault(cell, []).extend(RunValidation(None, Absence(*cell, problem)) for problem in absent)
    return [own[cell] for cell in cells]
