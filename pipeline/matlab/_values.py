"""The plain Python forms of what a MATLAB file holds, and typed access to the fields of its structs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csc_array

from ._stream import DamagedError

DENSE_LIMIT = 10_000_000  # numbers; a sparse matrix beyond this is no series, no inputs and no mask


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


def too_large(shape: tuple[int, ...], what: str) -> Opaque:
    """Stands for an array that claims more than a file of its size may hold, and is not read."""
    return Opaque(f"a {shape_text(shape)} {what}, beyond what a file of this size may hold,")


def text_rows(rows: np.ndarray) -> str | np.ndarray:
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
        return f"a {shape_text(value.shape)} struct array"
    if isinstance(value, Opaque):
        return value.kind
    if isinstance(value, np.ndarray) and value.dtype == object:
        return f"a {shape_text(value.shape)} cell array"
    return f"a {shape_text(np.shape(value))} array"


def sparse_matrix(values: np.ndarray, rows: np.ndarray, starts: np.ndarray, shape: tuple[int, int]) -> Any:
    """A matrix from compressed columns, each index checked against the shape: SciPy trusts them, and crashes.

    Arguments:
        values: the numbers, column by column; those beyond the last column are unused.
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
    return csc_array((values, *places), shape=shape)


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


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as MATLAB's users read it, ``2 × 3``."""
    return " × ".join(map(str, shape))


class FieldProblem(ValueError):
    """What is wrong with one field of a struct; whoever knows the file adds its name."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem

    def as_remark(self, consequence: str) -> str:
        """The problem of a field that no answer depends on, with what follows instead of what to do."""
        return f"{self.field} {self.problem.rsplit('; ', 1)[0]}; {consequence}"


@dataclass(frozen=True)
class Fields:
    """One struct, and the name it goes by in messages ("" for the outermost)."""

    content: Mapping[str, Any]
    prefix: str = ""

    def name(self, key: str) -> str:
        """The field's full name, such as ``Y.X0``."""
        return f"{self.prefix}{key}"

    def problem(self, key: str, text: str) -> FieldProblem:
        """A problem with field `key`, to be raised."""
        return FieldProblem(self.name(key), text)

    def has(self, key: str) -> bool:
        """Whether the field is there and not empty."""
        value = self.content.get(key)
        if value is None or isinstance(value, str):
            return bool(value)
        return bool(value.shape[0] * value.shape[1] if isinstance(value, csc_array) else np.size(value))

    def struct(self, key: str, remedy: str) -> Fields:
        """A field that is itself a struct."""
        value = self._required(key, remedy)
        if not isinstance(value, Mapping):
            raise self.problem(key, f"is {describe(value)}, not a struct; {remedy}")
        return Fields(value, f"{self.name(key)}.")

    def matrix(self, key: str, remedy: str, *, finite: bool = True) -> np.ndarray:
        """A field of real numbers, dense, as float64 of at least two axes."""
        array = real_array(self.name(key), self._required(key, remedy), remedy)
        if finite:
            check_finite(self.name(key), array, remedy)
        return array

    def number(self, key: str, remedy: str, default: float | None = None) -> float:
        """A field that holds one finite number."""
        if default is not None and not self.has(key):
            return default
        array = self.matrix(key, remedy)
        if array.size != 1:
            raise self.problem(key, f"holds {array.size} numbers where one is expected; {remedy}")
        return float(array.flat[0])

    def flag(self, key: str) -> bool:
        """A switch: 0, 1, true, false, or absent."""
        remedy = "set it to 0 or 1"
        if not self.has(key):
            return False
        array = real_array(self.name(key), self.content[key], remedy)
        if array.size != 1:
            raise self.problem(key, f"holds {array.size} numbers where one is expected; {remedy}")
        if array.flat[0] not in (0, 1):
            value = "NaN" if np.isnan(array.flat[0]) else f"{array.flat[0]:g}"
            raise self.problem(key, f"is {value}, which is no switch; {remedy}")
        return bool(array.flat[0])

    def names(self, key: str) -> list[str] | None:
        """A field that holds names, as a cell array or the rows of a character array; None where there are none."""
        if not self.has(key):
            return None
        value = self.content[key]
        texts = [value] if isinstance(value, str) else np.ravel(value, order="F").tolist()
        for position, text in enumerate(texts, start=1):
            if not isinstance(text, str):
                kind = text.kind if isinstance(text, Opaque) else describe(text)
                raise self.problem(key, f"entry {position} is {kind}, not text; give one name in single quotes")
        return [text.strip() for text in texts]

    def _required(self, key: str, remedy: str) -> Any:
        if key not in self.content:
            raise self.problem(key, f"is missing; {remedy}")
        if not self.has(key):
            raise self.problem(key, f"is empty; {remedy}")
        return self.content[key]


def real_array(name: str, value: Any, remedy: str) -> np.ndarray:
    """`value` as a dense float64 array; raises `FieldProblem` where it is anything but real numbers."""
    if isinstance(value, csc_array):
        if int(value.shape[0]) * int(value.shape[1]) > DENSE_LIMIT:
            raise FieldProblem(name, f"is a sparse {value.shape[0]} × {value.shape[1]} matrix, too large; {remedy}")
        value = value.toarray()
    if isinstance(value, Mapping | StructArray | Opaque | str) or np.asarray(value).dtype.kind not in "biufc":
        raise FieldProblem(name, f"is {describe(value)} where numbers are expected; {remedy}")
    array = np.asarray(value)
    if array.dtype.kind == "c":
        if np.any(array.imag != 0):
            raise FieldProblem(name, f"holds complex numbers; {remedy}")
        array = array.real
    array = array.astype(np.float64)
    return array if array.ndim >= 2 else array.reshape(1, -1)


def check_finite(name: str, array: np.ndarray, remedy: str) -> None:
    """Raises `FieldProblem`, counting NaN and Inf, where a value is not finite."""
    nans, infinite = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    counts = [f"{count} {kind}" for count, kind in ((nans, "NaN"), (infinite, "Inf")) if count]
    if counts:
        raise FieldProblem(name, f"holds {' and '.join(counts)} value{'s' if nans + infinite > 1 else ''}; {remedy}")
