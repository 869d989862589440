"""Change of each measure from before to after, out of the study's table of measures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from features import MotionResiduals, PredictorColumn

from ..bids import PARTICIPANT
from ..common import JsonError, UsageError, did_you_mean, read_json
from ..tables import Table, TableError, read_table
from ._participant_scores import ParticipantScores

SESSION = "session"  # column of the table of measures


@dataclass(frozen=True, eq=False)
class MeasureChange:
    """A measure, after − before.

    Fields:
        name, unit: of the measure.
        values: (participant,) NaN where either session is missing.
        motion: the column whose change was taken out; empty where none was.
    """

    name: str
    unit: str
    values: Float[np.ndarray, "participant"]
    motion: str = ""


def measure_changes(
    path: Path, patterns: Sequence[str], participants: ParticipantScores, adjust_motion: bool = True
) -> tuple[MeasureChange, ...]:
    """Changes of the measures of some names.

    Arguments:
        path: table of measures, a row for each participant and session; what its columns are is in the JSON beside it.
        patterns: names, in which * stands for anything.
        participants: whose changes.
        adjust_motion: whether the change of a measure's mean framewise displacement is regressed out of its own.

    Raises `UsageError` where the table can't be read, or a pattern fits no measure.
    """
    about = _sidecar(path)
    try:
        table = read_table(path)
        names = _matching(
            [column for column in table.columns if _sidecar_text(about, column, "Role") == "measure"], patterns, path
        )
        rows = _rows(table, participants)
        return tuple(_change(table, name, about, rows, adjust_motion) for name in names)
    except TableError as error:
        raise UsageError(str(error)) from error


def _sidecar(path: Path) -> Mapping[str, Any]:
    """What the columns are, by name."""
    sidecar = path.with_suffix(".json")
    try:
        content = read_json(sidecar)
    except JsonError as error:
        raise UsageError(f"{sidecar.name}, which tells what {path.name} holds, {error}; make both again") from error
    return content if isinstance(content, dict) else {}


def _sidecar_text(about: Mapping[str, Any], column: str, key: str) -> str:
    entry = about.get(column)
    return str(entry.get(key, "")) if isinstance(entry, dict) else ""


def _matching(measures: Sequence[str], patterns: Sequence[str], path: Path) -> list[str]:
    """Measures that fit a pattern, in the order of the patterns."""
    found: dict[str, None] = {}
    for pattern in patterns:
        form = re.compile(".*".join(map(re.escape, pattern.split("*"))))
        fitting = [name for name in measures if form.fullmatch(name)]
        if not fitting:
            tip = did_you_mean(pattern, measures, "measures")
            raise UsageError(f"[statistics] measures: {pattern!r} is no measure of {path.name}{tip}")
        found |= dict.fromkeys(fitting)
    return list(found)


def _rows(table: Table, participants: ParticipantScores) -> tuple[list[int | None], list[int | None]]:
    """The row of each participant before, and after; None where there is none."""
    places: dict[tuple[str, str], int] = {}
    cells = zip(table.column(PARTICIPANT), table.column(SESSION), strict=True)
    for row, key in enumerate(cells):
        if key in places:
            line = table.lines[places[key]]
            raise TableError(
                table.path, f"{' '.join(key)} has a row in line {line}, too; make it again", table.lines[row]
            )
        places[key] = row
    before, after = ([places.get((name, session)) for name in participants.names] for session in participants.sessions)
    return before, after


def _change(
    table: Table,
    name: str,
    about: Mapping[str, Any],
    rows: tuple[list[int | None], list[int | None]],
    adjust_motion: bool,
) -> MeasureChange:
    unit, motion = _sidecar_text(about, name, "Units"), _sidecar_text(about, name, "Motion")
    own = _difference(table, name, rows)
    if not (adjust_motion and motion):
        return MeasureChange(name, unit, own)
    columns = (PredictorColumn(name, "measure", unit, motion), PredictorColumn(motion, "motion", "mm"))
    residuals = MotionResiduals(columns).fit_transform(np.column_stack([own, _difference(table, motion, rows)]))
    return MeasureChange(name, unit, residuals[:, 0], motion)


def _difference(table: Table, name: str, rows: tuple[list[int | None], list[int | None]]) -> np.ndarray:
    """(participant,) after − before."""
    before, after = (_values(table, name, some) for some in rows)
    return after - before


def _values(table: Table, name: str, rows: list[int | None]) -> np.ndarray:
    available = [i for i, row in enumerate(rows) if row is not None]
    values = np.full(len(rows), np.nan)
    values[available] = table.numbers(name, [row for row in rows if row is not None])
    return values
