"""Imaging measures of a crossover, by what differed between a participant's visits: the drug, whichever came first."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from ..common import sorted_names
from ..measures import FeatureTable
from ..page import EFFECT, Column, Records, slug
from ..study import is_control
from ._measures import FIRST_COLUMNS
from ._methods_data import MOST_LEVELS, crossover_columns, levels_of_visits
from ._study_result import StudyResult


def level_records(result: StudyResult) -> dict[str, Records]:
    """Each column of visits that participants had in more than one order → its table."""
    table = result.features
    if table is None or not table.measures:
        return {}
    return {column: _records(result, table, column) for column in crossover_columns(result)}


def _records(result: StudyResult, table: FeatureTable, column: str) -> Records:
    """One row a measure: its mean at each level over participants, and of two levels the difference within them."""
    own = levels_of_visits(result, column)
    levels = sorted_names({level for visits in own.values() for level in visits.values()})[:MOST_LEVELS]
    levels = sorted(levels, key=is_control)  # others minus placebo
    values = {level: _of_level(table, own, level) for level in levels}
    rows: list[dict[str, Any]] = []
    for place, measure in enumerate(table.measures):
        each = np.stack([values[level][:, place] for level in levels])
        whole = each[:, np.isfinite(each).all(axis=0)]
        means = whole.mean(axis=1) if whole.size else np.full(len(levels), np.nan)
        rows.append(
            {
                "measure": measure.name,
                "unit": measure.unit,
                "description": measure.description,
                "people": whole.shape[1],
                **{f"level_{place}": float(mean) for place, mean in enumerate(means)},
                "difference": float(means[0] - means[1]) if len(levels) == 2 else None,
            }
        )
    columns = (
        *FIRST_COLUMNS,
        Column("people", "Participants with every level", "d"),
        *(Column(f"level_{place}", f"Mean, {level}", EFFECT) for place, level in enumerate(levels)),
        *([Column("difference", f"{levels[0]} minus {levels[1]}", EFFECT)] if len(levels) == 2 else []),
    )
    lead = "Means over participants who have the measure at every level, whichever session that was in."
    return Records(f"measures-by-{slug(column)}", f"Every measure by {column}", lead, columns, rows)


def _of_level(
    table: FeatureTable, own: dict[str, dict[str, str]], level: str
) -> Float[np.ndarray, "participant measure"]:
    """Of each participant the mean of the measures over the visits at a level; NaN without such a visit."""
    places = table.columns_of("measure")
    found = np.full((len(own), len(places)), np.nan)
    for row, (name, visits) in enumerate(own.items()):
        rows = [
            place
            for place, (participant, session) in enumerate(zip(table.participants, table.sessions, strict=True))
            if participant == name and visits.get(session) == level
        ]
        if rows:
            found[row] = table.values[rows][:, places].mean(axis=0)
    return found
