"""MATLAB files of version 4, which hold matrices of numbers and text only → plain Python.

Source: MathWorks, "MAT-File Format" (R2023b), "Level 4 MAT-File Format".
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse

from ._stream import LARGEST_EMPTY, DamagedError, FileStream, MemoryLimit
from ._values import text_rows, too_large

HEADER = 20
TYPES = ("f8", "f4", "i4", "i2", "u2", "u1")
TEXT, SPARSE = 1, 2
LONGEST_NAME = 256


def looks_like_mat4(start: bytes) -> bool:
    """Whether a file that begins so may be of version 4: its first variable has a known type and a name."""
    return len(start) >= HEADER and _header(start, _order(start)) is not None


def load_mat4(file: BinaryIO, size: int, limit: MemoryLimit) -> dict[str, Any]:
    """Every variable of a file of `size` bytes, in the form that `load_mat` promises, as far as memory is allowed.

    Raises `DamagedError` where the bytes are no such file.
    """
    stream = FileStream(file)
    variables: dict[str, Any] = {}
    while not stream.ended():
        stream.reach(HEADER)
        header = stream.buffer[stream.at : stream.at + HEADER]
        order = _order(header)
        found = _header(header, order)
        if found is None:
            raise DamagedError("a variable has an impossible header")
        form, kind, rows, columns, imaginary, length = found
        stream.at += HEADER
        stream.reach(length)
        name = stream.buffer[stream.at : stream.at + length].split(b"\0", 1)[0].decode("latin-1")
        stream.at += length
        if rows * columns == 0 and max(rows, columns) > LARGEST_EMPTY:
            raise DamagedError("a variable has an impossible shape")
        dtype = np.dtype(f"{order}{form}")
        count = rows * columns * (2 if imaginary else 1)
        end = stream.place + count * dtype.itemsize
        if end > size:
            raise DamagedError("a variable claims more bytes than there are")
        if not limit.take(8 * count):
            variables[name] = too_large((rows, columns), "array")
        else:
            stream.reach(count * dtype.itemsize)
            numbers = np.frombuffer(stream.buffer, dtype, count, stream.at).astype(np.float64)
            if imaginary:
                numbers = numbers[: count // 2] + 1j * numbers[count // 2 :]
            variables[name] = _value(numbers.reshape((rows, columns), order="F"), kind)
        stream.skip_to(end)
    return variables


def _value(matrix: np.ndarray, kind: int) -> Any:
    if kind == TEXT:
        codes = matrix.real
        if not ((codes >= 0) & (codes < 256)).all():
            raise DamagedError("text holds what is no character")
        return text_rows(np.array([row.astype(np.uint8).tobytes().decode("latin-1") for row in codes]))
    return _sparse(matrix) if kind == SPARSE else matrix


def _sparse(triples: np.ndarray) -> Any:
    """Rows of (row, column, value), the last with the shape; complex values take two columns, the last imaginary."""
    if triples.shape[0] < 1 or triples.shape[1] not in (3, 4) or triples.dtype.kind == "c":
        raise DamagedError("a sparse matrix is no list of rows, columns and values")
    places, values = triples[:, :2], triples[:, 2]
    if not np.isfinite(places).all() or places.min() < 0 or (places != np.round(places)).any():
        raise DamagedError("a sparse matrix has an impossible row or column")
    shape, places = places[-1].astype(np.int64), places[:-1].astype(np.int64)
    if shape[0] >= 2**31 or shape[1] > max(1_000_000, 8 * triples.size):
        raise DamagedError("a sparse matrix has an impossible shape")
    if places.size and (places.min() < 1 or (places > shape).any()):
        raise DamagedError("a sparse matrix has a number outside of its rows and columns")
    values = (values + 1j * triples[:, 3] if triples.shape[1] == 4 else values)[:-1]
    return scipy.sparse.csc_array((values, (places[:, 0] - 1, places[:, 1] - 1)), shape=(int(shape[0]), int(shape[1])))


def _order(header: bytes) -> str:
    return "<" if 0 <= struct.unpack_from("<i", header)[0] < 5000 else ">"


def _header(header: bytes, order: str) -> tuple[str, int, int, int, bool, int] | None:
    """Type, kind, rows, columns, whether complex, and bytes of the name; None where it is no header."""
    code, rows, columns, imaginary, length = struct.unpack_from(f"{order}5i", header)
    machine, reserved, form, kind = code // 1000, code // 100 % 10, code // 10 % 10, code % 10
    known = 0 <= code < 5000 and machine in (0, 1) and reserved == 0 and form < len(TYPES) and kind <= SPARSE
    if not known or rows < 0 or columns < 0 or imaginary not in (0, 1) or not 1 <= length <= LONGEST_NAME:
        return None
    return TYPES[form], kind, rows, columns, bool(imaginary), length
