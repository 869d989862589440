"""MATLAB v7.3 files, which are HDF5, read in a guarded process: damaged ones crash, loop or fill the HDF5 library."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..guarded import GuardedError, GuardedProcess, from_bytes
from ._stream import VALUES, DamagedError
from ._values import MatFileError, Opaque, StructArray, sparse_matrix
from ._version73_child import DAMAGED, REFUSED, TIME_OUT

IN_MEMORY = 64_000_000  # bytes; larger files are read from disk, by a process that has time in proportion
BYTES_PER_SECOND = 16_000_000
_process = GuardedProcess("pipeline.matlab._version73_child:read")


def load_hdf5(path: Path) -> dict[str, Any]:
    """Every variable of a v7.3 file, in the form that `load_mat` promises; a broken reference becomes an `Opaque`.

    Raises `MatFileError` where the file is damaged, is HDF5 but not MATLAB's, or refers to other files.
    """
    try:
        kind, content = from_bytes(_answer(path, path.stat().st_size))
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


def _answer(path: Path, size: int) -> bytes:
    if size <= IN_MEMORY:
        return _process.run(path.read_bytes())
    process = GuardedProcess(
        "pipeline.matlab._version73_child:read_file", 4 + size / BYTES_PER_SECOND, VALUES + 4 * size
    )
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
            [{name: _restored(item) for name, item in one.items()} for one in items], tuple(shape), tuple(fields)
        )
    if kind == "opaque":
        return Opaque(parts[0])
    values, rows, starts, shape = parts
    return sparse_matrix(values, rows, starts, (int(shape[0]), int(shape[1])))
