"""Tasks that a dataset seems to have: their runs, and the conditions of their events."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..common import NUMBER, comparable_label, sorted_names
from ..tables import MISSING, Table, TableError, read_table
from ._guesses import TRIAL_TYPE, likely_condition_columns
from ._survey_files import DatasetFiles

EVENT_FILES_READ = 40  # event files of each task that are looked into
_REST = re.compile(r"(?<!inte)(?<!fo)(?<!ar)rest(?!aurant|ric|or)|^rs([0-9_]|fmri|$)|eyes?(open|closed)", re.IGNORECASE)
_EVENTLESS = re.compile(f"{_REST.pattern}|movie|naturalistic|^e[oc][0-9]*$", re.IGNORECASE)


@dataclass(frozen=True)
class SurveyedTask:
    """A task by its bare name.

    Fields:
        trial_types: in the order in which they come up; none where no events were found.
        runs: labels of runs.
        column: that holds the trial types.
        candidates: columns that may hold them, where events have no trial_type and more than one column may.
        incomplete: trial types of which some event has no onset or no duration, so that they cannot be modelled.
        counts: numbers of runs in a session that occur, the most frequent first.
        acquisitions: labels of acq-, where a session has several of them.
    """

    name: str
    trial_types: tuple[str, ...]
    runs: tuple[str, ...] = ()
    column: str = TRIAL_TYPE
    candidates: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    counts: tuple[int, ...] = (1,)
    acquisitions: tuple[str, ...] = ()

    @property
    def rest(self) -> bool:
        """Whether its name says that participants rest, or watch, so that it has no events."""
        return not self.trial_types and not self.candidates and _EVENTLESS.search(self.name) is not None


def survey_tasks(raw: DatasetFiles, made: DatasetFiles, notes: list[str]) -> Iterator[SurveyedTask]:
    """Every task that has an image, its sidecar, confounds or series, in natural order.

    Arguments:
        raw, made: the dataset, and its derivatives, whose runs count where they have the task.
        notes: to which a line is added for every table that cannot be read.
    """
    events: dict[str, list[Path]] = defaultdict(list)
    for place in (raw, made):
        for file in (*(found.file for found in place.functional), *place.inherited):
            if file.kind == ("events", "tsv") and (name := file.label("task")):
                events[name].append(file.path)
    runs = _runs(raw) | _runs(made)
    for name in sorted_names(runs):
        files = [] if _REST.search(name) else events[name][:EVENT_FILES_READ]
        counts = Counter(len(labels) for labels in runs[name].values())
        labels = {run for labels in runs[name].values() for _, run in labels if run}
        task = SurveyedTask(
            name,
            (),
            tuple(sorted_names(labels)),
            counts=tuple(sorted(counts, key=lambda count: (-counts[count], count))),
            acquisitions=_acquisitions(made if any(found.task == name for found in made.functional) else raw, name),
        )
        unread: list[str] = []
        yield _with_events(task, read_tables(files, unread))
        more = f" (and {len(unread) - 1} more of {name})" if len(unread) > 1 else ""
        notes += [f"{line}{more}" for line in unread[:1]]


def _runs(files: DatasetFiles) -> dict[str, dict[tuple[str, str | None], set[tuple[str, str]]]]:
    """Task → participant and session → direction of phase encoding and label, without leading zeros, of every run."""
    runs: dict[str, dict[tuple[str, str | None], set[tuple[str, str]]]] = defaultdict(lambda: defaultdict(set))
    for found in files.functional:
        if found.task is not None and (found.file.kind[0] == "bold" or found.is_confounds or found.is_series):
            label = found.file.label("dir") or "", comparable_label(found.file.label("run") or "")
            runs[found.task][found.participant, found.session].add(label)
    return dict(runs)


def _acquisitions(files: DatasetFiles, task: str) -> tuple[str, ...]:
    """Labels of acq- of a task's images, where a session has several."""
    labels: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    for found in files.functional:
        if found.task == task and found.file.kind[0] == "bold" and (label := found.file.label("acq")):
            labels[found.participant, found.session].add(label)
    several = [own for own in labels.values() if len(own) > 1]
    return tuple(sorted_names({label for own in several for label in own}))


def read_tables(files: Iterable[Path], notes: list[str]) -> Iterator[Table]:
    """The tables that can be read; a line in `notes` for each of the others."""
    for path in files:
        try:
            yield read_table(path)
        except TableError as error:
            notes.append(str(error))


def _with_events(task: SurveyedTask, tables: Iterable[Table]) -> SurveyedTask:
    """With the trial types of its events; where no table has that column, of the one column that may hold them."""
    read = [table for table in tables if table.rows]
    column = TRIAL_TYPE
    if not any(TRIAL_TYPE in table.columns for table in read):
        candidates = dict.fromkeys(name for table in read for name in likely_condition_columns(table))
        if len(candidates) != 1:
            return replace(task, candidates=tuple(candidates))
        (column,) = candidates
    holding = [table for table in read if column in table.columns and column not in table.repeated]
    kinds = dict.fromkeys(cell for table in holding for cell in table.column(column) if cell != MISSING)
    incomplete = {kind for table in holding for kind in _incomplete(table, column)}
    return replace(
        task, trial_types=tuple(kinds), column=column, incomplete=tuple(kind for kind in kinds if kind in incomplete)
    )


def _incomplete(table: Table, column: str) -> Iterator[str]:
    """Trial types of events without an onset, or without a duration of 0 or more."""
    if not {"onset", "duration"} <= set(table.columns) - set(table.repeated):
        return
    for kind, *times in zip(*(table.column(name) for name in (column, "onset", "duration")), strict=True):
        if not all(map(NUMBER.fullmatch, times)) or times[1].startswith("-"):
            yield kind
