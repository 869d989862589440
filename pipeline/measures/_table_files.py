"""The table on disk: TSV, and beside it JSON that says what each column is, as BIDS has both."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from features import FeatureError

from ..common import JsonError, error_line, read_json, write_json, write_text
from ..tables import Table, TableError, number_cell, read_table, tab_separated
from ._feature_table import PARTICIPANT, REMARKS, SESSION, WHOLE_SAMPLE, FeatureColumn, FeatureTable
from ._measure_kinds import Measure

_ROLES = ("measure", "motion", "outcome", "covariate")


def write_features(table: FeatureTable, path: Path) -> list[Path]:
    """Writes a table and its sidecar, each whole or not at all; both paths, the table's first.

    Numbers are in full, so that they are read back to the last bit; what is missing is n/a. The same table gives the
    same bytes.
    """
    write_text(path, _tsv(table))
    sidecar = path.with_suffix(".json")
    write_json(sidecar, _table_sidecar(table))
    return [path, sidecar]


def _tsv(table: FeatureTable) -> str:
    texts = {PARTICIPANT: table.participants}
    texts |= {SESSION: table.sessions} if table.order != ("",) else {}
    texts |= {table.group: table.groups} if table.group else {}
    rows = (
        [*visit, *map(number_cell, row)]
        for visit, row in zip(zip(*texts.values(), strict=True), table.values, strict=True)
    )
    return tab_separated([[*texts, *(column.name for column in table.columns)], *rows])


def _table_sidecar(table: FeatureTable) -> dict[str, Any]:
    """What each column is, then how the table came about."""
    names = {column.name for column in table.columns}
    return {
        PARTICIPANT: {"LongName": "Participant", "Description": "As in the participants' table"},
        SESSION: {
            "LongName": "Session",
            **({"Description": "Before or after treatment"} if table.is_trial and len(table.order) == 2 else {}),
            "Levels": _session_levels(table.order),
        },
        **({table.group: _described_groups(table)} if table.group else {}),
        **{column.name: _described(column, names) for column in table.columns},
        WHOLE_SAMPLE: [],
        **table.provenance,
        REMARKS: list(table.remarks),
    }


def _session_levels(order: Sequence[str]) -> dict[str, str]:
    if len(order) == 2:
        return {order[0]: "before", order[1]: "after"}
    return {session: f"number {place}" for place, session in enumerate(order, start=1)}


def _described_groups(table: FeatureTable) -> dict[str, Any]:
    codes = ("coded +1", "coded -1") if len(table.levels) == 2 else ("",) * len(table.levels)
    names = {"LongName": "Arm", "Description": "Treatment"} if table.is_trial else {"LongName": "Group"}
    return {**names, "Role": "arm", "Levels": dict(zip(table.levels, codes, strict=True))}


def _described(column: FeatureColumn, names: Container[str]) -> dict[str, Any]:
    """Of one column; a measure's motion is named only where it is among the columns that are there."""
    head = {"LongName": column.name, "Description": column.description, "Units": column.unit, "Role": column.role}
    return head if column.measure is None else {**head, **_described_source(column.measure, names)}


def _described_source(measure: Measure, names: Container[str]) -> dict[str, Any]:
    parts = {
        "Kind": measure.kind,
        "Task": measure.task,
        "Of": measure.of,
        "Region": measure.target,
        "From": measure.source,
    }
    motion = {"Motion": measure.motion} if measure.motion in names else {}
    return {**motion, "Source": {key: value for key, value in parts.items() if value}}


def read_features(path: Path) -> FeatureTable:
    """The table of `write_features` and its sidecar, equal to the one written.

    Raises `FeatureError`, in one line with the file, where either is absent, damaged, or not of effconn's making.
    """
    sidecar = path.with_suffix(".json")
    try:
        described = read_json(sidecar)
    except JsonError as error:
        raise FeatureError(f"{sidecar}: {error}; make the table of measures again") from None
    try:
        return _read_table(read_table(path), described)
    except (TableError, LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise FeatureError(f"{path}: is no table of measures ({error_line(error, 300)}); make it again") from None


def _read_table(table: Table, described: Mapping[str, Any]) -> FeatureTable:
    group = next(
        (name for name, entry in described.items() if isinstance(entry, dict) and entry.get("Role") == "arm"), ""
    )
    heads = (PARTICIPANT, SESSION, group)
    columns = [_read_column(name, described[name]) for name in table.columns if name not in heads]
    every = range(len(table.rows))
    values = [table.numbers(column.name, every) for column in columns]
    own = {*table.columns, WHOLE_SAMPLE, REMARKS}
    return FeatureTable(
        table.column(PARTICIPANT),
        table.column(SESSION) if SESSION in table.columns else ("",) * len(table.rows),
        table.column(group) if group else ("",) * len(table.rows),
        group,
        bool(group) and described[group]["LongName"] == "Arm",
        tuple(described[group]["Levels"]) if group else (),
        tuple(described[SESSION]["Levels"]),
        tuple(columns),
        np.array(values, dtype=np.float64).reshape(len(columns), len(table.rows)).T,
        tuple(described[REMARKS]),
        {key: value for key, value in described.items() if key not in own},
    )


def _read_column(name: str, description: Mapping[str, Any]) -> FeatureColumn:
    if description["Role"] not in _ROLES:
        raise ValueError(f"{name} has the role {description['Role']!r}")
    if not all(isinstance(description[key], str) for key in ("Units", "Description")):
        raise ValueError(f"unit and description of {name} are to be texts")
    return FeatureColumn(
        name, description["Role"], description["Units"], description["Description"], _read_measure(name, description)
    )


def _read_measure(name: str, description: Mapping[str, Any]) -> Measure | None:
    if description["Role"] != "measure":
        return None
    of = description["Source"]
    if not all(isinstance(text, str) for text in of.values()):
        raise ValueError(f"Source of {name} is no object of texts")
    return Measure(
        name,
        of["Kind"],
        of["Task"],
        description["Units"],
        description["Description"],
        of["Region"],
        of.get("From", ""),
        of.get("Of", ""),
    )
