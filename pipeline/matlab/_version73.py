"""The guarded process' side of reading a MATLAB v7.3 file: arrays reversed, cells and struct arrays as references.

Nothing outside the file's own bytes is ever opened: external links, external storage and virtual datasets are refused
by name, soft links are not followed, and no array is read that claims more than the file may hold.
"""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..common import error_line
from ..guarded import to_bytes
from ._stream import ITEM, LARGEST_EMPTY, MemoryLimit

DEEPEST = 60  # levels of nesting, against references that run in circles
ITEMS, BYTES_PER_ITEM = 5_000, 64  # values in all, and one more for so many bytes: cells may share their content
WAYS_OUT = "which reads from another file; save it again in MATLAB, whole"
READ, REFUSED, DAMAGED = "read", "refused", "damaged"
BROKEN = ["opaque", "a broken reference (the file is damaged)"]
TOO_MUCH = ["opaque", "beyond what a file of this size may hold"]
DAMAGE = (OSError, KeyError, RuntimeError, TypeError, ValueError, AttributeError, OverflowError)  # as h5py reports it
NUMERIC = "biufc"
SECONDS, BYTES_PER_SECOND = 1.0, 2_000_000  # of processor time: an ordinary file takes 20 ms
TIME_OUT = "SIGPROF"


class _RefusedError(Exception):
    """Why the file is not read, in words that fit behind its name."""


def read(content: bytes) -> bytes:
    """A file's bytes → READ and its variables, REFUSED and why, or DAMAGED and how; as `to_bytes` writes them.

    Structs are ``["struct", fields]``, struct arrays ``["structs", items, shape, fields]``, sparse matrices
    ``["sparse", values, rows, starts, shape]``, what cannot be read ``["opaque", kind]``.
    """
    return _read(lambda: h5py.File.in_memory(content), len(content))


def read_file(path: bytes) -> bytes:
    """As `read`, for a file that is too large to be held in memory as a whole; given by its path."""
    about = Path(os.fsdecode(path)).stat()
    # A lock cannot be had on a read-only disk; a file of holes does not account for the memory of its length.
    size = min(about.st_size, 512 * getattr(about, "st_blocks", about.st_size))
    return _read(lambda: h5py.File(os.fsdecode(path), "r", locking=False), size)


def _read(opened: Callable[[], h5py.File], size: int) -> bytes:
    _limit_time(SECONDS + size / BYTES_PER_SECOND)
    try:
        with opened() as file:
            return to_bytes([READ, _Hdf5Reader(file, size).variables()])
    except _RefusedError as error:
        return to_bytes([REFUSED, str(error)])
    except MemoryError:
        raise
    except Exception as error:  # h5py raises a dozen kinds
        return to_bytes([DAMAGED, error_line(error)])
    finally:
        _limit_time(0)


def _limit_time(seconds: float) -> None:
    """Processor time after which this process is ended, by `TIME_OUT`; 0 for no limit.

    HDF5 runs in circles on some damaged files, where no code of Python's would be reached.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


class _Hdf5Reader:
    """Reads the items of one file, within the memory that a file of `size` bytes has."""

    def __init__(self, file: h5py.File, size: int) -> None:
        self._file, self._limit, self._items = file, MemoryLimit(size), ITEMS + size // BYTES_PER_ITEM
        self._within: list[int] = []  # addresses of the items that the one in hand lies in

    def variables(self) -> dict[str, Any]:
        names = [name for name in self._file if not name.startswith("#")]
        members = self._members(self._file, "", names)
        if names and not any("MATLAB_class" in member.attrs for member in members.values()):
            raise _RefusedError(
                "is an HDF5 file, but not one that MATLAB wrote; save it again with save -v7, or, where it is a result "
                "of effconn (.nc), use open_result"
            )
        return {name: self._value(member, name, 0) for name, member in members.items()}

    def _members(self, group: h5py.Group, place: str, names: list[str] | None = None) -> dict[str, Any]:
        """What hard links lead to. MATLAB writes no others, and others may lead out of the file."""
        found = {}
        for name in list(group) if names is None else names:
            where = f"{place}.{name}" if place else name
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise _RefusedError(f"has {where} as an external link, {WAYS_OUT}")
            if not isinstance(link, h5py.HardLink):
                raise _RefusedError(f"has {where} as a soft link, which MATLAB does not write; save it again in MATLAB")
            found[name] = group[name]
        return found

    def _value(self, item: Any, place: str, depth: int) -> Any:
        """What an item holds; where it is damaged, a marker, so that whoever needs it can name it."""
        self._items -= 1
        if self._items < 0 or not self._limit.take(0):
            return TOO_MUCH
        try:
            address = h5py.h5o.get_info(item.id).addr
            if depth > DEEPEST or address in self._within:
                return ["opaque", "nested too deeply to be read"]
            self._within.append(address)
            try:
                return self._read(item, place, depth)
            finally:
                self._within.pop()
        except DAMAGE as error:
            return ["opaque", f"damaged ({error_line(error)})"]

    def _read(self, item: Any, place: str, depth: int) -> Any:
        if not isinstance(item, h5py.Group | h5py.Dataset):
            return ["opaque", "no value of MATLAB's"]
        kind = _class_of(item)
        if isinstance(item, h5py.Group):
            return self._sparse(item, place) if "MATLAB_sparse" in item.attrs else self._struct(item, place, depth)
        if "MATLAB_object_decode" in item.attrs:
            return ["opaque", f"an object of class {kind}"]
        if kind == "function_handle":
            return ["opaque", "a function handle"]
        if item.attrs.get("MATLAB_empty", 0):
            return self._empty(item, place, kind)
        if kind == "cell" or _holds_references(item):
            array = self._array(item, place, "cell array")
            if isinstance(array, list):
                return array
            if not _holds_references(item):
                raise ValueError(f"{place} holds no references to its cells")
            return self._cells(array, place, depth)
        array = self._array(item, place, "array")
        return array if isinstance(array, list) else _numbers(array, kind)

    def _array(self, item: h5py.Dataset, place: str, what: str) -> Any:
        """The dataset in MATLAB's order of axes, or ``["opaque", …]`` where it claims too much."""
        if item.is_virtual:
            raise _RefusedError(f"has {place} as a virtual dataset, {WAYS_OUT}")
        if item.external:
            raise _RefusedError(f"has {place} in external storage, {WAYS_OUT}")
        shape = item.shape
        if shape is None:
            raise ValueError(f"{place} has no shape")
        count = math.prod(shape)
        each = max(item.dtype.itemsize, 1) + (ITEM if _holds_references(item) else 0)
        chunk = math.prod(item.chunks or ()) * item.dtype.itemsize
        absurd = count == 0 and math.prod(size or 1 for size in shape) > LARGEST_EMPTY
        if absurd or chunk > self._limit.left or not self._limit.take(count * each):
            return [
                "opaque",
                f"a {' × '.join(map(str, shape[::-1]))} {what}, beyond what a file of this size may hold,",
            ]
        return np.asarray(item[()]).T

    def _cells(self, references: np.ndarray, place: str, depth: int) -> np.ndarray:
        cells = np.empty(references.shape, dtype=object)
        for count, index in enumerate(np.ndindex(references.shape), start=1):
            cells[index] = self._follow(references[index], f"{place}{{{count}}}", depth)
        return cells

    def _follow(self, reference: Any, place: str, depth: int) -> Any:
        self._items -= 1
        if self._items < 0:
            return TOO_MUCH
        try:
            target = self._file[reference]
        except (ValueError, KeyError, RuntimeError, OSError):
            return BROKEN
        return self._value(target, place, depth + 1)

    def _struct(self, group: h5py.Group, place: str, depth: int) -> Any:
        """A struct is a group of values; a struct array is a group of reference arrays without a class of their own."""
        kind = _class_of(group)
        if kind not in ("struct", ""):
            return ["opaque", f"an object of class {kind}"]
        members = self._members(group, place, _in_matlabs_order(group))
        if members and all(_is_references(member) for member in members.values()):
            columns = {name: self._array(member, f"{place}.{name}", "struct array") for name, member in members.items()}
            refused = next((column for column in columns.values() if isinstance(column, list)), None)
            if refused is not None:
                return refused
            shape = next(iter(columns.values())).shape
            items = [
                {
                    name: self._follow(column[index], f"{place}({count}).{name}", depth)
                    for name, column in columns.items()
                    if column.shape == shape
                }
                for count, index in enumerate((index[::-1] for index in np.ndindex(shape[::-1])), start=1)
            ]
            return ["structs", items, list(shape), list(columns)]
        return ["struct", {name: self._value(member, f"{place}.{name}", depth + 1) for name, member in members.items()}]

    def _empty(self, item: h5py.Dataset, place: str, kind: str) -> Any:
        """An empty array is stored as its shape."""
        stored = self._array(item, place, "array")
        if isinstance(stored, list):
            return stored
        shape = tuple(int(size) for size in np.ravel(stored))
        if not 2 <= len(shape) <= 32 or min(shape) != 0 or math.prod(size or 1 for size in shape) > LARGEST_EMPTY:
            return ["opaque", f"an empty array that claims to be {' × '.join(map(str, shape[:4]))}"]
        if kind == "char":
            return ""
        if kind == "struct":
            return ["structs", [], list(shape), _field_names(item)]
        if kind == "cell":
            return np.empty(shape, dtype=object)
        return np.zeros(shape, dtype=bool if kind == "logical" else float)

    def _sparse(self, group: h5py.Group, place: str) -> Any:
        members = self._members(group, place)
        parts = {
            name: self._array(members[name], f"{place}.{name}", "array")
            for name in ("data", "ir", "jc")
            if name in members
        }
        if "jc" not in parts:
            raise ValueError(f"{place} is a sparse matrix without columns")
        refused = next((part for part in parts.values() if isinstance(part, list)), None)
        if refused is not None:
            return refused
        # MATLAB leaves data and ir out where nothing is stored.
        values = _complex(parts.get("data", np.zeros(0))).ravel()
        rows, starts = (np.asarray(parts.get(name, np.zeros(0))).ravel().astype(np.int64) for name in ("ir", "jc"))
        values = values.astype(bool) if _class_of(group) == "logical" else values
        if values.dtype.kind not in NUMERIC:
            raise ValueError(f"{place} is a sparse matrix of no numbers")
        return ["sparse", values, rows, starts, [int(group.attrs["MATLAB_sparse"]), starts.size - 1]]


def _field_names(item: Any) -> list[str]:
    """A struct's fields as MATLAB lists them, in its order; none where the file has no such list."""
    return ["".join(_text(letter) for letter in name) for name in item.attrs.get("MATLAB_fields", ())]


def _in_matlabs_order(group: h5py.Group) -> list[str] | None:
    """A struct's fields in MATLAB's order, where HDF5 has them by the alphabet; None where the order is not known."""
    fields = _field_names(group)
    return fields if sorted(fields) == sorted(group) else None


def _numbers(array: np.ndarray, kind: str) -> Any:
    if kind == "char":
        rows = array.reshape(array.shape[0], -1) if array.ndim else array.reshape(1, 1)
        texts = [row.astype("<u2").tobytes().decode("utf-16-le", "replace") for row in rows]
        return "" if not array.size else texts[0] if len(texts) == 1 else np.array(texts)
    array = array.astype(bool) if kind == "logical" else _complex(array)
    if array.dtype.kind not in NUMERIC:
        return ["opaque", "an array of no kind that MATLAB has"]
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float64)
    return array if array.ndim > 1 else array.reshape(1, -1)


def _complex(array: np.ndarray) -> np.ndarray:
    """MATLAB stores complex numbers as pairs."""
    return array["real"] + 1j * array["imag"] if array.dtype.names == ("real", "imag") else array


def _is_references(member: Any) -> bool:
    return isinstance(member, h5py.Dataset) and _holds_references(member) and not _class_of(member)


def _holds_references(item: h5py.Dataset) -> bool:
    return h5py.check_ref_dtype(item.dtype) is h5py.Reference


def _class_of(item: Any) -> str:
    return _text(item.attrs.get("MATLAB_class", b""))


def _text(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
