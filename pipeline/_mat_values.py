"""The plain Python forms of what a MATLAB file holds, shared by the readers of its two containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


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
        return f"a {_by(value.shape)} struct array"
    if isinstance(value, Opaque):
        return value.kind
    if isinstance(value, np.ndarray) and value.dtype == object:
        return f"a {_by(value.shape)} cell array"
    return f"a {_by(np.shape(value))} array"


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
