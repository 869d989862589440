"""CONN's files of regions: ``ROI_Subject001_Condition000.mat`` (denoised) and ``ROI_Subject001_Session001.mat`` (raw).

``data`` is a cell for each region (scan × dimension: one column, or several of tissues), ``names`` are theirs.
``data_sessions`` numbers each scan's session in denoised files, which hold all sessions one after the other;
``conditionweights`` holds each scan's weight in the file's condition, 0 where it does not take place.

Sources: CONN's manual, and its author in NITRC's forum on which file holds what (messages 17151, 41183).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from jaxtyping import Float

from ..common import first_names, name_entities
from ..matlab import FieldProblem, MatFileError, StructArray, describe, load_mat, real_array
from ._region_series import RegionSeries, SeriesError

_REMEDY = "give CONN's ROI_Subject*_Condition000.mat (results/preprocessing) or ROI_Subject*_Session*.mat (data)"


def read_conn_series(path: Path) -> tuple[RegionSeries, ...]:
    """The sessions in one of CONN's files, in order.

    A session in which the file's condition does not take place is left out; one in which it takes place for a while is
    read whole, since a model needs every scan.

    Raises `SeriesError`.
    """
    try:
        content = load_mat(path)
        names, columns = _regions(path, content)
        sessions = _session_of_scan(content, len(columns))
        weights = _weights(content, len(columns))
    except MatFileError as error:
        raise SeriesError(path, str(error)) from None
    except FieldProblem as error:
        raise SeriesError(path, str(error)) from None
    named = name_entities(path)
    raw = "ses" in named
    found = []
    for number in np.unique(sessions).tolist():
        place = sessions == number
        weight = None if weights is None else weights[place]
        if weight is not None and not (weight > 0).any():
            continue
        entities = named | ({"ses": str(number)} if np.size(content.get("data_sessions", ())) else {})
        series = RegionSeries(
            path,
            "CONN",
            columns[place],
            names,
            entities,
            unit="raw" if raw else None,
            remarks=tuple(_part_remark(content, weight)),
            files=(path,),
        )
        found.append(series)
    if not found:
        raise SeriesError(path, "its condition takes place in no session; give the file of Condition000, the whole run")
    return tuple(found)


def _regions(path: Path, content: Mapping[str, Any]) -> tuple[tuple[str, ...], Float[np.ndarray, "scan region"]]:
    data, labels = content.get("data"), content.get("names")
    if not _is_cell(data) or not _is_cell(labels):
        what = f"data is {describe(data)}" if "data" in content else "it has no data"
        raise SeriesError(path, f"is no file of regions of CONN's ({what}); {_REMEDY}")
    cells, texts = list(np.ravel(data, order="F")), list(np.ravel(labels, order="F"))
    if len(cells) != len(texts):
        raise SeriesError(path, f"has {len(cells)} series and {len(texts)} names; make it again")
    names, columns = [], []
    for position, (cell, text) in enumerate(zip(cells, texts, strict=True), start=1):
        name = str(text).strip() if isinstance(text, str) else f"region {position}"
        block = np.atleast_2d(real_array(f"data{{{position}}}", cell, "make the file again in CONN"))
        block = block.T if block.shape[0] == 1 and block.shape[1] > 1 else block
        names += [name] if block.shape[1] == 1 else [f"{name} ({i + 1})" for i in range(block.shape[1])]
        columns.append(np.asarray(block, dtype=np.float64))
    lengths = sorted({len(block) for block in columns})
    if len(lengths) > 1:
        raise SeriesError(path, f"its regions have {first_names(list(map(str, lengths)))} scans; make it again in CONN")
    values = np.column_stack(columns)
    return tuple(names), np.where(np.isnan(values).all(axis=0), np.nan, values)


def _is_cell(value: object) -> TypeGuard[np.ndarray]:
    return isinstance(value, np.ndarray) and value.dtype == object and not isinstance(value, StructArray)


def _session_of_scan(content: Mapping[str, Any], scans: int) -> np.ndarray:
    """The number of each scan's session; 1 where the file does not tell."""
    found = content.get("data_sessions")
    if found is None or not np.size(found):
        return np.ones(scans, dtype=np.int64)
    numbers = real_array("data_sessions", found, "make the file again in CONN").ravel()
    if numbers.size != scans or (numbers != np.round(numbers)).any():
        raise FieldProblem(
            "data_sessions", f"has {numbers.size} entries for {scans} scans; make the file again in CONN"
        )
    return numbers.astype(np.int64)


def _weights(content: Mapping[str, Any], scans: int) -> Float[np.ndarray, "scan"] | None:
    """Each scan's weight in the condition of the file; None where it has none, as the whole run has not."""
    found = content.get("conditionweights")
    while _is_cell(found) and np.size(found):
        found = np.ravel(found, order="F")[0]
    if found is None or _is_cell(found) or isinstance(found, str) or np.size(found) != scans:
        return None
    return np.asarray(real_array("conditionweights", found, "make the file again in CONN"), dtype=np.float64).ravel()


def _part_remark(content: Mapping[str, Any], weights: Float[np.ndarray, "scan"] | None) -> list[str]:
    if weights is None or (weights > 0).all():
        return []
    name = content.get("conditionname")
    label = f"condition {name}" if isinstance(name, str) else "its condition"
    return [
        f"{label} has weight in {int((weights > 0).sum())} of {weights.size} scans; all are read, as a model needs them"
    ]
