"""MATLAB files → plain nested Python: v4 to v7 through scipy, v7.3 through h5py; Octave's too."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
import scipy.sparse
from scipy.io.matlab import MatlabFunction, MatlabObject, MatlabOpaque

from ._mat_hdf5 import load_hdf5
from ._mat_values import MatFileError, Opaque, StructArray, characters, one_line

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def load_mat(path: str | Path) -> dict[str, Any]:
    """Every variable of a MATLAB file, by name.

    A struct becomes a dict, a struct array a `StructArray`, a cell array an object array of the same shape, one row of
    characters a str, several rows an array of str, numbers an array of MATLAB's shape (scalars 1 × 1) and class, a
    sparse matrix a `scipy.sparse.csc_array`, anything else an `Opaque` marker.

    Raises `MatFileError` where the file is missing, damaged or of another kind.
    """
    path = Path(path)
    start = _first_bytes(path)
    if h5py.is_hdf5(path) or start.startswith((b"MATLAB 7.3", HDF5_SIGNATURE)):
        return load_hdf5(path)
    if start.startswith(b"# Created by Octave"):
        raise MatFileError("is an Octave text file; save it again in Octave with: save -v7 FILE DCM")
    if start.startswith((b"Octave-1-L", b"Octave-1-B")):
        raise MatFileError("is an Octave binary file; save it again in Octave with: save -v7 FILE DCM")
    if not start.startswith(b"MATLAB") and _is_text(start):
        raise MatFileError("is a text file, not a MATLAB file; give the .mat file itself")
    try:
        return {name: plain(value) for name, value in _load_scipy(path).items() if not name.startswith("__")}
    except Exception as error:  # scipy raises a dozen kinds on damaged files, MemoryError among them
        what = "is a damaged or truncated MATLAB file" if start.startswith(b"MATLAB") else "is not a MATLAB file"
        remedy = "copy it again from its source"
        if b"Octave" in start[:124] and "reshape" in str(error):
            remedy = "if it holds a sparse logical matrix, which Octave writes in a way of its own, save that as full()"
        raise MatFileError(f"{what} ({one_line(error)}); {remedy}") from error


def plain(value: Any) -> Any:
    """What scipy read → plain Python, see `load_mat`."""
    if isinstance(value, MatlabFunction):
        return Opaque("a function handle")
    if isinstance(value, MatlabOpaque):
        return Opaque("a MATLAB object (strings in double quotes are such; use single quotes)")
    if isinstance(value, MatlabObject):
        return Opaque(f"an object of class {value.classname}")
    if isinstance(value, scipy.sparse.sparray | scipy.sparse.spmatrix):
        return scipy.sparse.csc_array(value)
    array = np.asarray(value)
    if array.dtype.names is not None:
        return _structs(array)
    if array.dtype == object:
        if array.size == 1 and array.flat[0] is None:  # scipy's form of a struct without fields
            return {}
        cells = np.empty(array.shape, dtype=object)
        for index in np.ndindex(array.shape):
            cells[index] = plain(array[index])
        return cells
    if array.dtype.kind == "U":
        return characters(array)
    return array


def _structs(array: np.ndarray) -> dict[str, Any] | StructArray:
    fields = tuple(array.dtype.names or ())
    items = [{field: plain(item[field]) for field in fields} for item in array.ravel(order="F")]
    return items[0] if len(items) == 1 else StructArray(items, array.shape, fields)


def _load_scipy(path: Path) -> dict[str, Any]:
    options: dict[str, Any] = {"chars_as_strings": True, "struct_as_record": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # mat_dtype keeps MATLAB's classes (a double stored as small integers stays double) but drops imaginary parts.
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            return scipy.io.loadmat(path, mat_dtype=True, **options)
        except np.exceptions.ComplexWarning:
            return scipy.io.loadmat(path, mat_dtype=False, **options)


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise MatFileError("is a folder; give the .mat files inside it")
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except FileNotFoundError:
        raise MatFileError("does not exist; check the path") from None
    except OSError as error:
        raise MatFileError(f"cannot be opened ({error.strerror}); check its permissions") from None
    if not start:
        raise MatFileError("is empty (0 bytes); copy it again from its source")
    return start


def _is_text(start: bytes) -> bool:
    return b"\0" not in start and all(byte >= 32 or byte in b"\t\r\n\f" for byte in start)
