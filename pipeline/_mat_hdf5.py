"""MATLAB v7.3 files, which are HDF5: arrays reversed, cells and struct arrays as object references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.sparse

from ._mat_values import MatFileError, Opaque, StructArray, characters, one_line

DEEPEST = 60  # levels of nesting, against references that run in circles
BROKEN = Opaque("a broken reference (the file is damaged)")


def load_hdf5(path: Path) -> dict[str, Any]:
    """Every variable of a v7.3 file, in the form that `load_mat` promises; a broken reference becomes an `Opaque`.

    Raises `MatFileError` where the file is damaged, or is HDF5 but not MATLAB's.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:  # a lock cannot be had on a read-only disk
            names = [name for name in file if not name.startswith("#")]
            if names and not any("MATLAB_class" in file[name].attrs for name in names):
                raise MatFileError("is an HDF5 file, but not one that MATLAB wrote; save it again with save -v7")
            return {name: _value(file, file[name], 0) for name in names}
    except MatFileError:
        raise
    except Exception as error:  # h5py raises OSError, KeyError, RuntimeError or ValueError on damaged files
        raise MatFileError(
            f"is a damaged or truncated MATLAB 7.3 file ({one_line(error)}); copy it again from its source"
        ) from error


def _value(file: h5py.File, item: Any, depth: int) -> Any:
    if depth > DEEPEST:
        return Opaque("nested too deeply to be read")
    kind = _class_of(item)
    if isinstance(item, h5py.Group):
        return _sparse(item) if "MATLAB_sparse" in item.attrs else _struct(file, item, depth)
    if "MATLAB_object_decode" in item.attrs:
        return Opaque(f"an object of class {kind}")
    if kind == "function_handle":
        return Opaque("a function handle")
    if item.attrs.get("MATLAB_empty", 0):
        return _empty(item, kind)
    if kind == "cell" or item.dtype == h5py.ref_dtype:
        references = np.asarray(item[()]).T
        cells = np.empty(references.shape, dtype=object)
        for index in np.ndindex(references.shape):
            cells[index] = _follow(file, references[index], depth)
        return cells
    return _numbers(np.asarray(item[()]).T, kind)


def _numbers(array: np.ndarray, kind: str) -> Any:
    if kind == "char":
        rows = array.reshape(array.shape[0], -1) if array.ndim else array.reshape(1, 1)
        return characters(np.array([row.astype("<u2").tobytes().decode("utf-16-le", "replace") for row in rows]))
    if kind == "logical":
        return array.astype(bool)
    return _complex(array)


def _complex(array: np.ndarray) -> np.ndarray:
    """MATLAB stores complex numbers as pairs."""
    return array["real"] + 1j * array["imag"] if array.dtype.names == ("real", "imag") else array


def _struct(file: h5py.File, group: h5py.Group, depth: int) -> Any:
    """A struct is a group of values; a struct array is a group of reference arrays without a class of their own."""
    kind = _class_of(group)
    if kind not in ("struct", ""):
        return Opaque(f"an object of class {kind}")
    members = {name: group[name] for name in group}
    if members and all(_is_references(member) for member in members.values()):
        columns = {name: np.asarray(member[()]).T for name, member in members.items()}
        shape = next(iter(columns.values())).shape
        items = [
            {name: _follow(file, column[index], depth) for name, column in columns.items() if column.shape == shape}
            for index in (index[::-1] for index in np.ndindex(shape[::-1]))
        ]
        return StructArray(items, shape, tuple(columns))
    return {name: _value(file, member, depth + 1) for name, member in members.items()}


def _is_references(member: Any) -> bool:
    return isinstance(member, h5py.Dataset) and member.dtype == h5py.ref_dtype and not _class_of(member)


def _follow(file: h5py.File, reference: Any, depth: int) -> Any:
    try:
        target = file[reference]
    except (ValueError, KeyError, RuntimeError, OSError):
        return BROKEN
    return _value(file, target, depth + 1)


def _empty(item: h5py.Dataset, kind: str) -> Any:
    """An empty array is stored as its shape."""
    shape = tuple(int(size) for size in np.ravel(item[()]))
    if kind == "char":
        return ""
    if kind == "struct":
        fields = tuple("".join(_text(letter) for letter in name) for name in item.attrs.get("MATLAB_fields", ()))
        return StructArray([], shape, fields)
    if kind == "cell":
        return np.empty(shape, dtype=object)
    return np.zeros(shape, dtype=bool if kind == "logical" else float)


def _sparse(group: h5py.Group) -> Any:
    rows = int(group.attrs["MATLAB_sparse"])
    starts = np.asarray(group["jc"][()], dtype=np.int64)
    # MATLAB leaves data and ir out where nothing is stored.
    values: np.ndarray = np.asarray(group["data"][()]) if "data" in group else np.zeros(0)
    indices = np.asarray(group["ir"][()], dtype=np.int64) if "ir" in group else np.zeros(0, dtype=np.int64)
    values = _complex(values)
    if _class_of(group) == "logical":
        values = values.astype(bool)
    return scipy.sparse.csc_array((values, indices, starts), shape=(rows, starts.size - 1))


def _class_of(item: Any) -> str:
    return _text(item.attrs.get("MATLAB_class", b""))


def _text(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
