"""What is missing of each measure, and changes from one session to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from ..page import Column, Records
from ..study import MeasureKind
from ._feature_table import FeatureTable
from ._measure_kinds import Measure

KIND_NAMES: dict[MeasureKind, str] = {  # as the report shows them
    "response": "response",
    "gppi": "gPPI",
    "distance": "distance",
    "rest": "rest",
    "dcm": "DCM",
}


@dataclass(frozen=True, eq=False)
class MeasureChanges:
    """After minus before.

    Fields:
        participants, arms: one for each row.
        measures: one for each column.
        values: (participant, measure) NaN where either session lacks it.
    """

    participants: tuple[str, ...]
    arms: tuple[str, ...]
    measures: tuple[Measure, ...]
    values: Float[np.ndarray, "participant measure"]


def changes_of_measures(table: FeatureTable) -> MeasureChanges:
    """How much each measure of each participant changed."""
    before, after = (_of_session(table, session) for session in table.order)
    first = [row for row, session in enumerate(table.sessions) if session == table.order[0]]
    return MeasureChanges(
        tuple(table.participants[row] for row in first),
        tuple(table.arms[row] for row in first),
        table.measures,
        after - before,
    )


def _of_session(table: FeatureTable, session: str) -> Float[np.ndarray, "participant measure"]:
    """Rows are in the same order in both sessions."""
    rows = [row for row, label in enumerate(table.sessions) if label == session]
    return table.values[rows][:, table.columns_of("measure")]


def missingness(table: FeatureTable) -> Records:
    """One row a measure: how many participants lack it in each session, in each arm, and their change."""
    arms, order = table.levels, table.order
    columns = (
        Column("measure", "Measure"),
        Column("kind", "Kind"),
        Column("before", f"{order[0]} missing", "d"),
        Column("after", f"{order[1]} missing", "d"),
        Column("first_arm", f"Change missing, {arms[0]}", "d"),
        Column("second_arm", f"Change missing, {arms[1]}", "d"),
        Column("share", "Change missing, share", ".0%"),
    )
    rows = _missing_rows(table)
    lead = (
        "Participants without a measure in a session, and without its change: the change needs both. What is missing "
        "is filled in by models of prediction, the more the less they can be trusted."
    )
    marked = frozenset(i for i, row in enumerate(rows) if row["share"] > 0)
    return Records("missingness", "What is missing of each measure", lead, columns, rows, marked)


def _missing_rows(table: FeatureTable) -> list[dict[str, Any]]:
    changes = changes_of_measures(table)
    arms = np.array(changes.arms)
    absent = np.isnan(changes.values)
    sessions = [np.isnan(_of_session(table, session)) for session in table.order]
    return [
        {
            "measure": measure.name,
            "kind": KIND_NAMES[measure.kind],
            "before": int(sessions[0][:, place].sum()),
            "after": int(sessions[1][:, place].sum()),
            "first_arm": int(absent[arms == table.levels[0], place].sum()),
            "second_arm": int(absent[arms == table.levels[1], place].sum()),
            "share": float(absent[:, place].mean()) if len(arms) else 0.0,
        }
        for place, measure in enumerate(changes.measures)
    ]
