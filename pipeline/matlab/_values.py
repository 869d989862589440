"""The plain Python forms of what a MATLAB file holds, shared by the readers of its two containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from ._stream import DamagedError


class MatFileError(ValueError):
    """A file that cannot be read as a MATLAB file; the message says what it is instead and what to do."""


@dataclass(frozen=True)
class Opaque:
    """Stands for something that has no plain Python form (a function handle, an object) and is never executed."""

    kind: str


class StructArray(list[dict[str, Any]]):
    """A MATLAB struct array as a list of dicts, column-major, with the array's `shape` and its `fields`."""

    def __init__(self, items: Iterable[dict[str, Any]], shape: tuple[int, ...], fields: tuple[str, ...]) -> None:
        super().__init__(items)
        self.shape = shape
        self.fields = fields


def beyond(shape: tuple[int, ...], what: str) -> Opaque:
    """Stands for an array that claims more than a file of its size may hold, and is not read."""
    return Opaque(f"a {by(shape)} {what}, beyond what a file of this size may hold,")


def characters(rows: np.ndarray) -> str | np.ndarray:
    """Rows of characters → str for one row or none, otherwise an array of str."""
    if rows.size == 0:
        return ""
    return str(rows.flat[0]) if rows.size == 1 else rows


def describe(value: Any) -> str:
    """What kind of value this is, in MATLAB's words, for messages."""
    if isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype.kind == "U"):
        return "text"
    if isinstance(value, Mapping):
        return "a struct"
    if isinstance(value, StructArray):
        return f"a {by(value.shape)} struct array"
    if isinstance(value, Opaque):
        return value.kind
    if isinstance(value, np.ndarray) and value.dtype == object:
        return f"a {by(value.shape)} cell array"
    return f"a {by(np.shape(value))} array"


def sparse_matrix(values: np.ndarray, rows: np.ndarray, starts: np.ndarray, shape: tuple[int, int]) -> Any:
    """A matrix from compressed columns, each index checked against the shape: SciPy trusts them, and crashes.

    Arguments:
        values: the numbers, column by column; those beyond the last column are unused room.
        rows: their rows, from 0.
        starts: where each column begins among them, and the last one ends.
        shape: rows and columns.

    Raises `DamagedError` where they are no such matrix.
    """
    if not 0 <= shape[0] < 2**52 or starts.size != shape[1] + 1 or starts[0] != 0 or (np.diff(starts) < 0).any():
        raise DamagedError("the columns of a sparse matrix are out of order")
    count = int(starts[-1])
    if count > min(values.size, rows.size):
        raise DamagedError("a sparse matrix has fewer numbers than it says")
    values, rows = values[:count], rows[:count]
    if count and (rows.min() < 0 or rows.max() >= shape[0]):
        raise DamagedError("a sparse matrix has a number outside of its rows")
    kind = np.int32 if max(*shape, count) < 2**31 else np.int64
    places: tuple[Any, Any] = rows.astype(kind), starts.astype(kind)
    return scipy.sparse.csc_array((values, *places), shape=shape)


def opaque_fields(value: Any, place: str) -> dict[str, str]:
    """Where `value` holds markers, such as ``DCM.options.f``, and what they stand for."""
    found: dict[str, str] = {}
    _find_opaque(value, place, found)
    return found


def _find_opaque(value: Any, place: str, found: dict[str, str]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not (isinstance(item, np.ndarray) and item.dtype != object):
                _find_opaque(item, f"{place}.{key}", found)
    elif isinstance(value, StructArray):
        for i, struct in enumerate(value, start=1):
            _find_opaque(struct, f"{place}({i})", found)
    elif isinstance(value, np.ndarray) and value.dtype == object:
        for i, item in enumerate(value.ravel(order="F"), start=1):
            _find_opaque(item, f"{place}{{{i}}}", found)
    elif isinstance(value, Opaque):
        found[place] = value.kind


def by(shape: tuple[int, ...]) -> str:
    """A shape as MATLAB's users read it, ``2 × 3``."""
    return " × ".join(map(str, shape))
