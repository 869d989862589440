"""Plain nested Python, as `load_mat` gives it, → a MATLAB v5 file (compressed)."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import scipy.io
from scipy.sparse import csc_array

from ..common import visible_text, write_bytes
from ._values import Opaque, StructArray, opaque_fields

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")  # of a field or variable, as MATLAB has them
HEADER, HEADER_LENGTH = b"MATLAB 5.0 MAT-file, written by effconn", 116  # text at the head, which readers skip


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


def number(value: float) -> np.ndarray:
    """A number in MATLAB's shape."""
    return np.array([[value]], dtype=np.float64)


def opaque_places(value: Any, place: str) -> list[str]:
    """Where `value` holds something that cannot be written, such as ``DCM.options.f``: markers, and odd names."""
    return [*opaque_fields(value, place), *_odd_names(value, place)]


def _odd_names(value: Any, place: str) -> list[str]:
    if isinstance(value, Mapping):
        odd = [f"{place}.{visible_text(key)}" for key in value if not _NAME.fullmatch(key)]
        return odd + [found for key, item in value.items() for found in _odd_names(item, f"{place}.{key}")]
    if isinstance(value, StructArray):
        odd = [f"{place}.{visible_text(key)}" for key in value.fields if not _NAME.fullmatch(key)]
        return odd + [found for i, item in enumerate(value, start=1) for found in _odd_names(item, f"{place}({i})")]
    return []


def _scipy_form(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _scipy_form(item)
            for key, item in value.items()
            if not isinstance(item, Opaque) and _NAME.fullmatch(key)
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
    fields = [field for field in structs.fields if _NAME.fullmatch(field)]
    flat = np.empty(len(structs), dtype=[(field, object) for field in fields])
    for position, item in enumerate(structs):
        for field in fields:
            flat[position][field] = _scipy_form(item.get(field, np.zeros((0, 0))))
    return flat.reshape(structs.shape, order="F")
