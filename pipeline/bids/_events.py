"""A run's events as their table has them, checked line by line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from .._table import MISSING, Table, TableError, read_table
from ..common import sorted_names
from ..study import Modulator, Task
from ..study._nearest import meant
from ._tabular import numbers

NEEDED = ("onset", "duration", "trial_type")


@dataclass(frozen=True, eq=False)
class Events:
    """The events of a run, in the order of their onsets.

    Fields:
        path: the table.
        onset: (event,) s from the start of the first scan; may be negative.
        duration: (event,) s; NaN where the table has n/a.
        trial_type: (event,) ``n/a`` where the table has none.
        columns: duration and the other columns, as text; a modulator may be any of them.
        lines: the line of the table each event stands on.
    """

    path: Path
    onset: Float[np.ndarray, "event"]
    duration: Float[np.ndarray, "event"]
    trial_type: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    lines: tuple[int, ...]

    @property
    def trial_types(self) -> tuple[str, ...]:
        """All that occur, sorted."""
        return tuple(sorted_names(set(self.trial_type) - {MISSING}))

    def of(self, trial_types: Collection[str]) -> Events:
        """The events of some trial types; raises `TableError` where one of them has no duration."""
        places = [i for i, kind in enumerate(self.trial_type) if kind in trial_types]
        for place in places:
            if np.isnan(self.duration[place]):
                kind = self.trial_type[place]
                raise TableError(self.path, f"duration of {kind} is n/a; write seconds", self.lines[place])
        return self._at(places)

    def weights(self, column: str) -> Float[np.ndarray, "event"]:
        """A column as numbers, centred over the events that have one; 0, the mean, where it is n/a.

        Raises `TableError` where there is no such column, a cell is text, or all numbers are the same.
        """
        if column not in self.columns:
            raise TableError(self.path, f"has no column {column!r}{meant(column, list(self.columns), 'columns')}", 1)
        table = Table(self.path, (column,), tuple((cell,) for cell in self.columns[column]), self.lines)
        values = numbers(table, column, range(len(self.lines)))
        known = values[~np.isnan(values)]
        if known.size == 0 or np.ptp(known) == 0:
            what = f"{known[0]:g} for all" if known.size else f"{MISSING} for all"
            raise TableError(self.path, f"{column} is {what} events of the condition; there is nothing to modulate")
        return np.where(np.isnan(values), 0.0, values - known.mean())

    def _at(self, places: Sequence[int]) -> Events:
        return Events(
            self.path,
            self.onset[list(places)],
            self.duration[list(places)],
            tuple(self.trial_type[i] for i in places),
            {name: tuple(cells[i] for i in places) for name, cells in self.columns.items()},
            tuple(self.lines[i] for i in places),
        )


def conditions_of(task: Task, events: Events) -> dict[str, tuple[str, ...]]:
    """Condition → trial types that it merges; every trial type is one where the task names none."""
    return dict(task.conditions) or {kind: (kind,) for kind in events.trial_types}


def modulator_weights(modulator: Modulator, task: Task, events: Events) -> tuple[Events, Float[np.ndarray, "event"]]:
    """The events of a modulator's condition and their weights, see `Events.weights`."""
    conditions = conditions_of(task, events)
    chosen = events.of(conditions.get(modulator.condition, ()))
    return chosen, chosen.weights(modulator.column)


def read_events(path: Path) -> Events:
    """A BIDS table of events.

    Raises `TableError`, with file and line, where it cannot be read, has no event, lacks a column, or an onset or a
    duration is no number or a duration is negative.
    """
    table = read_table(path)
    for column in NEEDED:
        if column not in table.columns:
            raise TableError(
                path, f"has no column {column!r}{meant(column, table.columns, 'columns')}; events need it", 1
            )
    if not table.rows:
        raise TableError(path, "has a header but no event; give the events, or say rest = true of the task")
    every = range(len(table.rows))
    onset, duration = numbers(table, "onset", every), numbers(table, "duration", every)
    for row in every:
        if np.isnan(onset[row]):
            raise TableError(path, "onset is n/a; write seconds from the first scan", table.lines[row])
        if duration[row] < 0:
            raise TableError(path, f"duration is {duration[row]:g}, less than 0; correct it", table.lines[row])
    others = {name: table.column(name) for name in table.columns if name not in ("onset", "trial_type")}
    kinds = tuple(kind or MISSING for kind in table.column("trial_type"))
    events = Events(path, onset, duration, kinds, others, table.lines)
    return events._at([int(i) for i in np.argsort(onset, kind="stable")])
