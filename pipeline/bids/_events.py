"""A run's events as their table has them, checked line by line."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..common import NUMBER, did_you_mean, number_advice, sorted_names
from ..study import Modulator, Task, likely_condition_columns, parse_contrast
from ..tables import MISSING, Table, TableError, read_table

LARGEST = 1e9  # s


class ConstantModulatorError(TableError):
    """A modulator that is missing or the same for all events of its condition."""


@dataclass(frozen=True, eq=False)
class Events:
    """The events of a run, in the order of their onsets.

    Fields:
        path: the table.
        onset: (event,) s from the start of the first scan; may be negative; NaN where the table has no number.
        duration: (event,) s; NaN where the table has no number that is 0 or more.
        trial_type: (event,) ``n/a`` where the table has none.
        columns: the other columns, as text; a modulator may be any of them.
        lines: of the table, one for each event.
        remarks: what was inferred of the table, a line each.
    """

    path: Path
    onset: Float[np.ndarray, "event"]
    duration: Float[np.ndarray, "event"]
    trial_type: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    lines: tuple[int, ...]
    remarks: tuple[str, ...] = ()

    @property
    def trial_types(self) -> tuple[str, ...]:
        """All that occur, sorted."""
        return tuple(sorted_names(set(self.trial_type) - {MISSING}))

    @property
    def incomplete(self) -> tuple[str, ...]:
        """Trial types of which an event has no onset or no duration, sorted."""
        lacking = np.isnan(self.onset) | np.isnan(self.duration)
        return tuple(sorted_names({self.trial_type[place] for place in np.flatnonzero(lacking)} - {MISSING}))

    def of_trial_types(self, trial_types: Collection[str]) -> Events:
        """The events of some trial types; raises `TableError` where one of them has no onset or no duration."""
        places = [i for i, kind in enumerate(self.trial_type) if kind in trial_types]
        for column, values in (("onset", self.onset), ("duration", self.duration)):
            for place in places:
                if np.isnan(values[place]):
                    cell = self.columns[column][place] if column in self.columns else MISSING
                    problem = _no_time(column, cell, self.trial_type[place])
                    raise TableError(self.path, problem, self.lines[place])
        return self._at(places)

    def complete_of(self, trial_types: Collection[str]) -> Events:
        """The events of some trial types that have an onset and a duration."""
        complete = ~(np.isnan(self.onset) | np.isnan(self.duration))
        return self._at([i for i, kind in enumerate(self.trial_type) if kind in trial_types and complete[i]])

    def weights(self, column: str) -> Float[np.ndarray, "event"]:
        """A column as numbers, centred over the events that have one; 0, the mean, where it is n/a.

        Raises `TableError` where there is no such column or a cell is text, `ConstantModulatorError` where all numbers
        are the same.
        """
        values = self._cells(column)
        known = values[~np.isnan(values)]
        if known.size == 0 or np.ptp(known) == 0:
            values_found = f"{known[0]:g} for all" if known.size else f"{MISSING} for all"
            problem = f"{column} is {values_found} events of the condition; there is nothing to modulate"
            raise ConstantModulatorError(self.path, problem)
        return np.where(np.isnan(values), 0.0, values - known.mean())

    def numbers(self, column: str) -> Float[np.ndarray, "event"]:
        """A column as numbers, as they are; raises `TableError` where it is absent or a cell is n/a or text."""
        values = self._cells(column)
        if (missing := np.isnan(values)).any():
            line = self.lines[int(np.argmax(missing))]
            raise TableError(self.path, f"{column} is n/a; give a number for every event", line)
        return values

    def _cells(self, column: str) -> Float[np.ndarray, "event"]:
        """A column as numbers, NaN where it is n/a."""
        if column not in self.columns:
            raise TableError(
                self.path, f"has no column {column!r}{did_you_mean(column, list(self.columns), 'columns')}", 1
            )
        table = Table(self.path, (column,), tuple((cell,) for cell in self.columns[column]), self.lines)
        return table.numbers(column)

    def _at(self, places: Sequence[int]) -> Events:
        return Events(
            self.path,
            self.onset[list(places)],
            self.duration[list(places)],
            tuple(self.trial_type[i] for i in places),
            {name: tuple(cells[i] for i in places) for name, cells in self.columns.items()},
            tuple(self.lines[i] for i in places),
            self.remarks,
        )


def _no_time(column: str, cell: str, kind: str) -> str:
    """Why a cell is no onset or no duration of an event, and what to write."""
    if cell == MISSING:
        return f"{column} of {kind} is n/a; write seconds{' from the first scan' if column == 'onset' else ''}"
    if advice := number_advice(cell):
        return f"{column} of {kind} is {cell!r}, {advice}"
    if NUMBER.fullmatch(cell):
        return f"{column} of {kind} is {cell}, {'less than 0' if cell.startswith('-') else 'too large'}; correct it"
    return f"{column} of {kind} is {cell!r}, where a number is needed; write seconds"


def conditions_of(task: Task, events: Events) -> dict[str, tuple[str, ...]]:
    """Condition → trial types that it merges.

    Where the task names none every trial type is one, but for those that lack an onset or a duration and that nothing
    of the task is made from.
    """
    if task.conditions:
        return dict(task.conditions)
    needed = named_in(task)
    return {kind: (kind,) for kind in events.trial_types if kind not in events.incomplete or kind in needed}


def named_in(task: Task) -> set[str]:
    """Conditions and modulators that contrasts, distances and modulators of a task are made from."""
    named = {name for text in task.contrasts.values() for name in parse_contrast(text)}
    named |= {name for distance in task.distances.values() for name in distance.between}
    return named | {modulator.condition for modulator in task.modulators.values()}


def modulator_weights(modulator: Modulator, task: Task, events: Events) -> tuple[Events, Float[np.ndarray, "event"]]:
    """The events of a modulator's condition and their weights, see `Events.weights`."""
    conditions = conditions_of(task, events)
    chosen = events.of_trial_types(conditions.get(modulator.condition, ()))
    return chosen, chosen.weights(modulator.column)


def read_events(path: Path, task: Task | None = None) -> Events:
    """A BIDS table of events.

    What is no onset or no duration is NaN, and an error only where the event is used (`Events.of_trial_types`).

    Arguments:
        task: its settings, which say in which column conditions are, and what they are called.

    Raises `TableError`, with file and line, where it cannot be read, has no event, or lacks a column.
    """
    task = task or Task()
    table = read_table(path)
    for column in ("onset", "duration", task.condition_column):
        if column not in table.columns:
            hint = _other_column(table, task) if column == task.condition_column else ""
            hint = hint or f"{did_you_mean(column, table.columns, 'columns')}; events need it"
            raise TableError(path, f"has no column {column!r}{hint}", 1)
    if not table.rows:
        raise TableError(path, "has a header but no event; give the events, or say rest = true of the task")
    onset, duration = (_times(table, column) for column in ("onset", "duration"))
    duration[duration < 0] = np.nan
    others = {name: _shown(table, name) for name in table.columns if name != task.condition_column}
    kinds = table.column(task.condition_column)
    events = Events(path, onset, duration, kinds, others, table.lines, tuple(table.remarks))
    return events._at([int(i) for i in np.argsort(onset, kind="stable")])


def _times(table: Table, column: str) -> Float[np.ndarray, "event"]:
    """A column's numbers, NaN where a cell is none."""
    table.check_unambiguous(column)
    values = np.array([float(cell) if NUMBER.fullmatch(cell) else np.nan for cell in table.column(column)])
    return np.where(np.abs(values) < LARGEST, values, np.nan)


def _shown(table: Table, name: str) -> tuple[str, ...]:
    """A column that a modulator may be; what cannot be used says so where it is asked for, and nowhere else."""
    if name in table.repeated:
        return (f"one of two columns called {name}",) * len(table.rows)
    cells = table.column(name)
    return (
        tuple(f"{cell} (thousands?)" if "." in cell else cell for cell in cells) if name in table.ambiguous else cells
    )


def _other_column(table: Table, task: Task) -> str:
    """Which column conditions may be in instead, if one stands out, and the setting to write."""
    kinds = {kind for members in task.conditions.values() for kind in members} or named_in(task)
    likely = likely_condition_columns(table, kinds)
    if len(likely) != 1:
        return ""
    return f"; its conditions seem to be in {likely[0]!r}: write condition_column = {json.dumps(likely[0])}"
