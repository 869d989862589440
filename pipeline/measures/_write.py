"""The table on disk: TSV, and beside it JSON that says what each column is, as BIDS has both."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

from ..common import write_json, write_text
from ..tables import number_cell, tab_separated
from ._measure import Measure
from ._provenance import REMARKS, WHOLE_SAMPLE
from ._table import PARTICIPANT, SESSION, FeatureColumn, FeatureTable


def write_features(table: FeatureTable, path: Path) -> list[Path]:
    """Writes a table and its sidecar, each whole or not at all; both paths, the table's first.

    Numbers are in full, so that they are read back to the last bit; what is missing is n/a. The same table gives the
    same bytes.
    """
    write_text(path, _tsv(table))
    sidecar = path.with_suffix(".json")
    write_json(sidecar, sidecar_of(table))
    return [path, sidecar]


def _tsv(table: FeatureTable) -> str:
    head = [PARTICIPANT, SESSION, table.arm, *(one.name for one in table.columns)]
    visits = zip(table.participants, table.sessions, table.arms, strict=True)
    rows = ([*visit, *map(number_cell, row)] for visit, row in zip(visits, table.values, strict=True))
    return tab_separated([head, *rows])


def sidecar_of(table: FeatureTable) -> dict[str, Any]:
    """What each column is, then how the table came about."""
    there = {one.name for one in table.columns}
    return {
        PARTICIPANT: {"LongName": "Participant", "Description": "As in the participants' table"},
        SESSION: {
            "LongName": "Session",
            "Description": "Before or after treatment",
            "Levels": {table.order[0]: "before", table.order[1]: "after"},
        },
        table.arm: {
            "LongName": "Arm",
            "Description": "Treatment",
            "Role": "arm",
            "Levels": {table.levels[0]: "coded +1", table.levels[1]: "coded -1"},
        },
        **{one.name: _column(one, there) for one in table.columns},
        WHOLE_SAMPLE: [],
        **table.provenance,
        REMARKS: list(table.remarks),
    }


def _column(one: FeatureColumn, there: Container[str]) -> dict[str, Any]:
    """Of one column; a measure's motion is named only where it is among the columns that are there."""
    head = {"LongName": one.name, "Description": one.description, "Units": one.unit, "Role": one.role}
    return head if one.measure is None else {**head, **_source(one.measure, there)}


def _source(one: Measure, there: Container[str]) -> dict[str, Any]:
    parts = {"Kind": one.kind, "Task": one.task, "Of": one.of, "Region": one.target, "From": one.source}
    motion = {"Motion": one.motion} if one.motion in there else {}
    return {**motion, "Source": {key: value for key, value in parts.items() if value}}
