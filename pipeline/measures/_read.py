"""The table back from disk, as far as the report needs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from features import FeatureError

from ..common import JsonError, error_line, read_json
from ..tables import Table, TableError, read_table
from ._measure import Measure
from ._provenance import REMARKS, WHOLE_SAMPLE
from ._table import PARTICIPANT, SESSION, FeatureColumn, FeatureTable

_ROLES = ("measure", "motion", "outcome", "covariate")


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
        return _table(read_table(path), described)
    except (TableError, LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise FeatureError(f"{path}: is no table of measures ({error_line(error, 300)}); make it again") from None


def _table(table: Table, described: Mapping[str, Any]) -> FeatureTable:
    arm = next((name for name, one in described.items() if isinstance(one, dict) and one.get("Role") == "arm"), "arm")
    columns = [_column(name, described[name]) for name in table.columns if name not in (PARTICIPANT, SESSION, arm)]
    every = range(len(table.rows))
    values = [table.numbers(one.name, every) for one in columns]
    first, second = described[arm]["Levels"]
    before, after = described[SESSION]["Levels"]
    own = {*table.columns, WHOLE_SAMPLE, REMARKS}
    return FeatureTable(
        table.column(PARTICIPANT),
        table.column(SESSION),
        table.column(arm),
        arm,
        (first, second),
        (before, after),
        tuple(columns),
        np.array(values, dtype=np.float64).reshape(len(columns), len(table.rows)).T,
        tuple(described[REMARKS]),
        {key: value for key, value in described.items() if key not in own},
    )


def _column(name: str, said: Mapping[str, Any]) -> FeatureColumn:
    if said["Role"] not in _ROLES:
        raise ValueError(f"{name} has the role {said['Role']!r}")
    if not all(isinstance(said[key], str) for key in ("Units", "Description")):
        raise ValueError(f"unit and description of {name} are to be texts")
    return FeatureColumn(name, said["Role"], said["Units"], said["Description"], _measure(name, said))


def _measure(name: str, said: Mapping[str, Any]) -> Measure | None:
    if said["Role"] != "measure":
        return None
    of = said["Source"]
    if not all(isinstance(one, str) for one in of.values()):
        raise ValueError(f"Source of {name} is no object of texts")
    return Measure(
        name,
        of["Kind"],
        of["Task"],
        said["Units"],
        said["Description"],
        of["Region"],
        of.get("From", ""),
        of.get("Of", ""),
    )
