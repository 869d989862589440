"""What is missing of each measure, and changes from one session to the other."""

from __future__ import annotations

from collections.abc import Sequence
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
    """The last session minus the first.

    Fields:
        participants, groups: one for each row.
        measures: one for each column.
        values: (participant, measure) NaN where either session lacks it.
    """

    participants: tuple[str, ...]
    groups: tuple[str, ...]
    measures: tuple[Measure, ...]
    values: Float[np.ndarray, "participant measure"]


def changes_of_measures(table: FeatureTable) -> MeasureChanges:
    """How much each measure of each participant changed."""
    before, after = (of_session(table, session) for session in (table.order[0], table.order[-1]))
    first = [row for row, session in enumerate(table.sessions) if session == table.order[0]]
    return MeasureChanges(
        tuple(table.participants[row] for row in first),
        tuple(table.groups[row] for row in first),
        table.measures,
        after - before,
    )


def of_session(table: FeatureTable, session: str) -> Float[np.ndarray, "participant measure"]:
    """The measures of one session; rows are in the same order in all."""
    rows = [row for row, label in enumerate(table.sessions) if label == session]
    return table.values[rows][:, table.columns_of("measure")]


def missingness(table: FeatureTable) -> Records:
    """One row a measure: how many participants lack it in each session, and in two sessions their change by group."""
    of_sessions = [
        Column(_session_key(place, table.order), f"{session or 'All'} missing", "d")
        for place, session in enumerate(table.order)
    ]
    of_groups = [
        Column(_group_key(place, table), f"Change missing, {group}" if group else "Change missing", "d")
        for place, group in enumerate(table.levels or ("",))
    ]
    changes = len(table.order) > 1
    what = "Change missing" if changes else "Missing"
    columns = (
        Column("measure", "Measure"),
        Column("kind", "Kind"),
        *of_sessions,
        *(of_groups if changes else []),
        Column("share", f"{what}, share", ".0%"),
    )
    rows = _missing_rows(table)
    needs = "Participants without a measure in a session, and without its change: the change needs both. "
    lead = (
        f"{needs if changes else 'Participants without a measure. '}What is missing "
        "is filled in by models of prediction, the more the less they can be trusted."
    )
    marked = frozenset(i for i, row in enumerate(rows) if row["share"] > 0)
    return Records("missingness", "What is missing of each measure", lead, columns, rows, marked)


def _session_key(place: int, order: Sequence[str]) -> str:
    return ("before", "after")[place] if len(order) == 2 else f"session_{place + 1}"


def _group_key(place: int, table: FeatureTable) -> str:
    return ("first_arm", "second_arm")[place] if len(table.levels) == 2 else f"group_{place + 1}"


def _missing_rows(table: FeatureTable) -> list[dict[str, Any]]:
    sessions = [np.isnan(of_session(table, session)) for session in table.order]
    changes = changes_of_measures(table)
    absent = np.isnan(changes.values) if len(table.order) > 1 else sessions[0]
    groups = np.array(changes.groups)
    return [
        {
            "measure": measure.name,
            "kind": KIND_NAMES[measure.kind],
            **{_session_key(i, table.order): int(own[:, place].sum()) for i, own in enumerate(sessions)},
            **{
                _group_key(i, table): int(absent[groups == group, place].sum())
                for i, group in enumerate(table.levels or ("",))
            },
            "share": float(absent[:, place].mean()) if len(groups) else 0.0,
        }
        for place, measure in enumerate(changes.measures)
    ]
