"""MATLAB files, Octave's too → plain nested Python and back: `load_mat` reads v4 to v7.3, `save_mat` writes v5.

Whatever the bytes are, reading ends: v4 to v7 are read without trust in any size; v7.3, which is HDF5, in a guarded
process, as damaged files crash, loop or fill the HDF5 library.
"""

from __future__ import annotations

import io
import os
import re
import stat
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import scipy.io
from scipy.sparse import csc_array

from ..common import describe_absence, error_line, visible_text, write_bytes
from ..guarded import GuardedError, GuardedProcess, from_bytes
from ._stream import VALUES, DamagedError, MemoryLimit, TooLargeError
from ._values import MatFileError, Opaque, StructArray, opaque_fields, sparse_matrix
from ._version4 import load_mat4, looks_like_mat4
from ._version5 import load_mat5
from ._version73 import DAMAGED, REFUSED, TIME_OUT

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
REMEDY = "copy it again from its source"
IN_MEMORY = 64_000_000  # bytes; larger v7.3 files are read from disk, by a process that has time in proportion
BYTES_PER_SECOND = 16_000_000
FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")  # or a variable's, as MATLAB has them
HEADER, HEADER_LENGTH = b"MATLAB 5.0 MAT-file, written by effconn", 116  # text at the head, which readers skip

_process = GuardedProcess("pipeline.matlab._version73:read")


def load_mat(path: str | Path) -> dict[str, Any]:
    """Every variable of a MATLAB file, by name.

    A struct becomes a dict, a struct array a `StructArray`, a cell array an object array of the same shape, one row of
    characters a str, several rows an array of str, numbers an array of MATLAB's shape (scalars 1 × 1) and class, a
    sparse matrix a `scipy.sparse.csc_array`, anything else an `Opaque` marker, as is what claims more than a file of
    its size may hold. Whatever the bytes are, this ends within seconds, in memory in proportion to the file.

    Raises `MatFileError` where the file is missing, damaged or of another kind.
    """
    path = Path(path)
    start = _first_bytes(path)
    try:
        return _load(path, start)
    except OSError as error:
        raise MatFileError(f"cannot be read ({error.strerror}); check the disk and its permissions") from None


def _load(path: Path, start: bytes) -> dict[str, Any]:
    if start.startswith(b"MATLAB 7.3") or HDF5_SIGNATURE in (start[at : at + 8] for at in (0, 512, 1024, 2048)):
        return _load_hdf5(path)
    if start.startswith(b"# Created by Octave"):
        raise MatFileError("is an Octave text file; save it again in Octave with: save -v7 FILE DCM")
    if start.startswith((b"Octave-1-L", b"Octave-1-B")):
        raise MatFileError("is an Octave binary file; save it again in Octave with: save -v7 FILE DCM")
    if not start.startswith(b"MATLAB") and _is_text(start):
        raise MatFileError("is a text file, not a MATLAB file; give the .mat file itself")
    named = start.startswith(b"MATLAB")
    version5 = start[124:128] in (b"\x00\x01IM", b"\x01\x00MI")
    if not (named or version5 or looks_like_mat4(start)):
        raise MatFileError(f"is not a MATLAB file; {REMEDY}")
    what = "is a damaged or truncated MATLAB file" if named or version5 else "is not a MATLAB file"
    try:
        with path.open("rb") as file:
            about = path.stat()
            # A file of holes, which take no room on disk, does not account for the memory that its length would.
            limit = MemoryLimit(min(about.st_size, 512 * getattr(about, "st_blocks", about.st_size)))
            return (load_mat5 if named or version5 else load_mat4)(file, about.st_size, limit)
    except (DamagedError, zlib.error) as error:
        raise MatFileError(f"{what} ({error_line(error)}); {REMEDY}") from error
    except (TooLargeError, MemoryError) as error:
        raise MatFileError(
            "unpacks to more than a file of its size may hold; save it again with what is needed alone, or in parts"
        ) from error


def _first_bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise MatFileError("is a folder; give the .mat files inside it")
        if not stat.S_ISREG(mode):
            raise MatFileError("is a device or a pipe; give a file")
        with path.open("rb") as file:
            start = file.read(2056)
    except FileNotFoundError:
        raise MatFileError(describe_absence(path)) from None
    except OSError as error:
        raise MatFileError(f"cannot be opened ({error.strerror}); check its permissions") from None
    except MatFileError:
        raise
    except ValueError:  # a NUL in the name
        raise MatFileError("has a name that no file can have; check the path") from None
    if not start:
        raise MatFileError("is empty (0 bytes); copy it again from its source")
    return start


def _is_text(start: bytes) -> bool:
    return b"\0" not in start and all(byte >= 32 or byte in b"\t\r\n\f" for byte in start)


def _load_hdf5(path: Path) -> dict[str, Any]:
    """Every variable of a v7.3 file, in the form that `load_mat` promises; a broken reference becomes an `Opaque`.

    Raises `MatFileError` where the file is damaged, is HDF5 but not MATLAB's, or refers to other files.
    """
    try:
        kind, content = from_bytes(_read_guarded(path, path.stat().st_size))
        if kind == REFUSED:
            raise MatFileError(content)
        if kind == DAMAGED:
            raise DamagedError(content)
        return {name: _restored(value) for name, value in content.items()}
    except MatFileError:
        raise
    except (DamagedError, GuardedError, ValueError, KeyError, TypeError, AttributeError, MemoryError) as error:
        _process.close()  # what went wrong may have left it in disorder
        if isinstance(error, GuardedError) and error.how == "start":
            raise MatFileError(f"is a MATLAB 7.3 file, and {error}; save it again with save -v7") from error
        what = str(error) if isinstance(error, DamagedError | GuardedError) else "its values make no sense"
        what = "HDF5 finds no end in it" if TIME_OUT in what else what
        raise MatFileError(
            f"is a damaged or truncated MATLAB 7.3 file ({what}); copy it again from its source"
        ) from error


def _read_guarded(path: Path, size: int) -> bytes:
    if size <= IN_MEMORY:
        return _process.run(path.read_bytes())
    process = GuardedProcess("pipeline.matlab._version73:read_file", 4 + size / BYTES_PER_SECOND, VALUES + 4 * size)
    try:
        return process.run(os.fsencode(path.resolve()))
    finally:
        process.close()


def _restored(value: Any) -> Any:
    """The forms that travel between processes → those of `load_mat`."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        cells = np.empty(value.size, dtype=object)
        for place, item in enumerate(value.ravel()):
            cells[place] = _restored(item)
        return cells.reshape(value.shape)
    if not isinstance(value, list):
        return value
    kind, *parts = value
    if kind == "struct":
        return {name: _restored(item) for name, item in parts[0].items()}
    if kind == "structs":
        items, shape, fields = parts
        return StructArray(
            [{name: _restored(item) for name, item in struct.items()} for struct in items], tuple(shape), tuple(fields)
        )
    if kind == "opaque":
        return Opaque(parts[0])
    values, rows, starts, shape = parts
    return sparse_matrix(values, rows, starts, (int(shape[0]), int(shape[1])))


def save_mat(path: str | Path, variables: Mapping[str, Any]) -> None:
    """Writes `variables` with the classes and shapes that `load_mat` read; `Opaque` values are left out.

    The file appears whole or not at all, and the same values give the same bytes.
    """
    file = io.BytesIO()
    scipy.io.savemat(
        cast(Any, file),  # SciPy's annotations know paths only
        {name: _scipy_form(value) for name, value in variables.items() if not isinstance(value, Opaque)},
        do_compression=True,
        long_field_names=True,
        appendmat=False,
    )
    file.seek(0)
    file.write(HEADER.ljust(HEADER_LENGTH))  # SciPy's has the time of day in it
    write_bytes(path, file.getbuffer())


def cell_row(texts: list[str] | tuple[str, ...]) -> np.ndarray:
    """A 1 × n cell array of character rows."""
    cells = np.empty((1, len(texts)), dtype=object)
    cells[0, :] = texts
    return cells


def matlab_scalar(value: float) -> np.ndarray:
    """A number in MATLAB's shape."""
    return np.array([[value]], dtype=np.float64)


def unwritable_places(value: Any, place: str) -> list[str]:
    """Where `value` holds something that cannot be written, such as ``DCM.options.f``: markers, and odd names."""
    return [*opaque_fields(value, place), *_odd_names(value, place)]


def _odd_names(value: Any, place: str) -> list[str]:
    if isinstance(value, Mapping):
        odd = [f"{place}.{visible_text(key)}" for key in value if not FIELD_NAME.fullmatch(key)]
        return odd + [found for key, item in value.items() for found in _odd_names(item, f"{place}.{key}")]
    if isinstance(value, StructArray):
        odd = [f"{place}.{visible_text(key)}" for key in value.fields if not FIELD_NAME.fullmatch(key)]
        return odd + [found for i, item in enumerate(value, start=1) for found in _odd_names(item, f"{place}({i})")]
    return []


def _scipy_form(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _scipy_form(item)
            for key, item in value.items()
            if not isinstance(item, Opaque) and FIELD_NAME.fullmatch(key)
        }
    if isinstance(value, StructArray):
        return _struct_array(value)
    if isinstance(value, Opaque):
        return np.zeros((0, 0))  # inside a cell array, where leaving it out would move its neighbours
    if isinstance(value, str):
        return value
    if isinstance(value, csc_array):
        return csc_array(value, dtype=np.complex128 if value.dtype.kind == "c" else np.float64)
    array = np.asarray(value)
    if array.dtype == object:
        cells = np.empty(array.shape, dtype=object)
        for index in np.ndindex(array.shape):
            cells[index] = _scipy_form(array[index])
        return np.atleast_2d(cells)
    if array.dtype.kind == "U":
        return array
    while array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]  # MATLAB has no trailing axes of length 1
    return np.atleast_2d(array)


def _struct_array(structs: StructArray) -> np.ndarray:
    fields = [field for field in structs.fields if FIELD_NAME.fullmatch(field)]
    flat = np.empty(len(structs), dtype=[(field, object) for field in fields])
    for position, item in enumerate(structs):
        for field in fields:
            flat[position][field] = _scipy_form(item.get(field, np.zeros((0, 0))))
    return flat.reshape(structs.shape, order="F")
