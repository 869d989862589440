"""The demo's group tables: those of the group level, with what was planted beside what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from peb import MEAN

from ._connection_names import connections
from ._demo_group import IMPROVEMENT, GroupResult
from ._group_arms_page import arm_records
from ._group_fit import effect_records
from ._group_sampling import sampling_records
from ._records import Column, Records

FIRST = (
    "road",
    "covariate",
    "connection",
    "difference",
    "planted_difference",
    "low",
    "high",
    "probability_beyond_zero",
    "probability_with_v_without",
)


def group_records(group: GroupResult) -> tuple[Records, ...]:
    """Arm comparison, effects, check by sampling."""
    arms = arm_records(group.inputs, group.arms)
    for i, key in enumerate(("first", "second", "difference")):
        arms = _beside(arms, key, [group.planted(row["covariate"], _region(row))[i] for row in arms.rows])
    arms = replace(arms, columns=tuple(sorted(arms.columns, key=_place)))
    effects = effect_records(group.inputs, group.arms.group)
    effects = _beside(effects, "mean", [_planted_effect(group, row) for row in effects.rows])
    return arms, effects, sampling_records(group.arms)


def _place(column: Column) -> int:
    """What a row is about and the difference come first: the table is wider than a page."""
    return FIRST.index(column.key) if column.key in FIRST else len(FIRST)


def _beside(records: Records, key: str, planted: Sequence[float]) -> Records:
    """A column ``planted_KEY`` after the column of that key."""
    place = next(i for i, column in enumerate(records.columns) if column.key == key)
    found = records.columns[place]
    added = Column(f"planted_{key}", "planted", found.form)
    return replace(
        records,
        columns=(*records.columns[: place + 1], added, *records.columns[place + 1 :]),
        rows=[{**row, added.key: value} for row, value in zip(records.rows, planted, strict=True)],
    )


def _planted_effect(group: GroupResult, row: Mapping[str, Any]) -> float:
    """Of the one group's covariates: the arms' average, or half the difference with the arm coded +1 as plus."""
    covariate = row["covariate"]
    column = next(iter(group.arms.group.design.kinds))
    of = IMPROVEMENT if IMPROVEMENT in covariate else MEAN
    ketamine, midazolam, _ = group.planted(of, _region(row))
    return (midazolam - ketamine) / 2 if column in covariate else (midazolam + ketamine) / 2


def _region(row: Mapping[str, Any]) -> str:
    (connection,) = connections([row["parameter"]])
    return connection.to
