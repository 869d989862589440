"""The tasks of a BIDS dataset, by the names of its files, and what kinds of events each has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..common import NUMBER, sorted_names
from ..tables import MISSING, Table, TableError, read_table
from ._condition_column import TRIAL_TYPE, likely_condition_columns

READ = 40  # event files of each task that are looked into

_TASK = re.compile(r"(?:^|_)task-([A-Za-z0-9]+)")
_RUN = re.compile(r"_run-([A-Za-z0-9]+)")
_ABOVE = ("", "sub-*/", "sub-*/ses-*/")  # folders above func, whose files are inherited


@dataclass(frozen=True)
class FoundTask:
    """A task by its bare name.

    Fields:
        trial_types: in the order in which they come up; none where no events were found.
        runs: labels of a session's runs, where there are several.
        column: that holds the trial types.
        candidates: columns that may hold them, where events have no trial_type and more than one column may.
        incomplete: trial types of which some event has no onset or no duration, so that they cannot be modelled.
    """

    name: str
    trial_types: tuple[str, ...]
    runs: tuple[str, ...] = ()
    column: str = TRIAL_TYPE
    candidates: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()

    @property
    def rest(self) -> bool:
        """Whether it looks like a rest run."""
        return not self.trial_types


def found_tasks(bids: Path, raw: Sequence[Path], names: Sequence[str], notes: list[str]) -> Iterator[FoundTask]:
    """Every task that has an image or confounds, in natural order.

    Arguments:
        bids: root of the dataset.
        raw: files in its func folders.
        names: of these and of the derivatives' files.
        notes: to which a line is added for every table that cannot be read.
    """
    events: dict[str, list[Path]] = {}
    for path in (*raw, *(path for place in _ABOVE for path in sorted(bids.glob(f"{place}*task-*_events.tsv")))):
        if path.name.endswith("_events.tsv") and (found := _TASK.search(path.name)):
            events.setdefault(found[1], []).append(path)
    images = [name for name in names if re.search(r"_bold\.(nii|nii\.gz|json)$|_desc-confounds_", name)]
    for name in sorted_names(_labels(_TASK, images)):
        files = [] if "rest" in name.lower() else events.get(name, [])[:READ]
        runs = sorted_names(_labels(_RUN, (image for image in images if f"_task-{name}_" in image)))
        yield _with_events(FoundTask(name, (), tuple(runs) if len(runs) > 1 else ()), _tables(files, notes))


def _labels(pattern: re.Pattern[str], names: Iterable[str]) -> set[str]:
    return {found[1] for name in names if (found := pattern.search(name))}


def _tables(files: Iterable[Path], notes: list[str]) -> Iterator[Table]:
    for path in files:
        try:
            yield read_table(path)
        except TableError as error:
            notes.append(str(error))


def _with_events(task: FoundTask, tables: Iterable[Table]) -> FoundTask:
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
