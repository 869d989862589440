"""MATLAB files of version 5 to 7 → plain nested Python; every size is checked against the bytes that are there.

Source: MathWorks, "MAT-File Format" (R2023b), "Level 5 MAT-File Format".
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from ._stream import ITEM, LARGEST_EMPTY, DamagedError, FileStream, MemoryLimit, Stream, UnpackedStream
from ._values import Opaque, StructArray, sparse_matrix, text_rows, too_large

HEADER = 128
DEEPEST = 60  # levels of nesting
MOST_AXES = 32
INT32, UINT32, MATRIX, COMPRESSED = 5, 6, 14, 15
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CHARACTERS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
CELL, STRUCT, OBJECT, CHAR, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 16, 17
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX, LOGICAL = 0x08, 0x02


def load_mat5(file: BinaryIO, size: int, limit: MemoryLimit) -> dict[str, Any]:
    """Every variable of a file of `size` bytes, in the form that `load_mat` promises, as far as memory is allowed.

    Raises `DamagedError`, `TooLargeError` or `zlib.error` where the bytes are no such file.
    """
    stream = FileStream(file)
    stream.reach(HEADER)
    order = "<" if stream.buffer[126:128] == b"IM" else ">"
    stream.at = HEADER
    reader = _Version5Reader(order, limit)
    variables: dict[str, Any] = {}
    while not stream.ended():
        kind, count, small = reader.tag(stream)
        end = stream.place + count
        if small or kind not in (MATRIX, COMPRESSED) or end > size:
            raise DamagedError("a variable is announced that is not there")
        if kind == MATRIX:
            name, value = reader.variable(stream, end)
            stream.skip_to(end)
        else:
            unpacked = UnpackedStream(stream, count, limit)
            kind, count, small = reader.tag(unpacked)
            if small or kind != MATRIX:
                raise DamagedError("a packed part holds no variable")
            name, value = reader.variable(unpacked, unpacked.place + count)
            unpacked.finish()
        if name:  # without a name: what MATLAB keeps for objects and function handles
            variables[name] = value
    return variables


class _Version5Reader:
    """Reads elements of a stream; `end` is where the element ends that they belong to."""

    def __init__(self, order: str, limit: MemoryLimit) -> None:
        self._order = order
        self._limit = limit
        self._pair: Callable[..., tuple[Any, ...]] = struct.Struct(f"{order}II").unpack_from
        self._types = {kind: np.dtype(f"{order}{form}") for kind, form in STORED.items()}
        self._utf = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"} if order == "<" else {
            "utf-16": "utf-16-be", "utf-32": "utf-32-be"
        }  # fmt: skip

    def tag(self, stream: Stream) -> tuple[int, int, bool]:
        """Kind and bytes of the next element, which begins at `stream.at`, and whether it lies in its own tag."""
        if stream.at + 8 > len(stream.buffer):
            stream.reach(8)
        first, count = self._pair(stream.buffer, stream.at)
        if first >> 16:
            stream.at += 4
            return first & 0xFFFF, first >> 16, True
        stream.at += 8
        return first, count, False

    def variable(self, stream: Stream, end: int) -> tuple[str, Any]:
        if stream.place == end:
            return "", None
        return self._matrix(stream, end, 0)

    def _data(self, stream: Stream, end: int) -> tuple[int, bytes, int, int]:
        """Kind of the next element of data, the bytes it is in, where it begins there, and how many it has."""
        at = stream.at
        if at + 8 > len(stream.buffer):
            stream.reach(8)
            at = stream.at
        kind, count = self._pair(stream.buffer, at)
        if kind >> 16:
            if kind >> 16 > 4:
                raise DamagedError(f"a small element claims {kind >> 16} bytes")
            stream.at = at + 8
            return kind & 0xFFFF, stream.buffer, at + 4, kind >> 16
        at += 8
        stream.at = at
        place = stream.start + at
        if place + count > end:
            raise DamagedError("an element claims more bytes than there are")
        if at + count > len(stream.buffer):
            stream.reach(count)
            at = stream.at
        stream.at = at + count
        if count % 8 and place + count < end:
            padded = min(count + 8 - count % 8, end - place)
            if at + padded > len(stream.buffer):
                stream.at = at
                stream.reach(padded)
                at = stream.at
            stream.at = at + padded
        return kind, stream.buffer, at, count

    def _numbers(self, stream: Stream, end: int, count: int) -> np.ndarray:
        """The next element of data as `count` numbers of the type they are stored in; a view."""
        kind, buffer, at, size = self._data(stream, end)
        dtype = self._types.get(kind)
        if dtype is None or size != count * dtype.itemsize:
            raise DamagedError(f"an array of {count} numbers has other bytes than that")
        return np.frombuffer(buffer, dtype, count, at)

    def _integers(self, stream: Stream, end: int) -> np.ndarray:
        kind, buffer, at, size = self._data(stream, end)
        if kind not in (INT32, UINT32) or size % 4:
            raise DamagedError("whole numbers are missing")
        return np.frombuffer(buffer, self._types[kind], size // 4, at).astype(np.int64)

    def _text(self, stream: Stream, end: int) -> str:
        _, buffer, at, size = self._data(stream, end)
        return buffer[at : at + size].decode("utf-8", "replace")

    def _matrix(self, stream: Stream, end: int, depth: int) -> tuple[str, Any]:
        """Name and value of a matrix of any class, whose tag is read; leaves the stream at its end."""
        kind, buffer, at, size = self._data(stream, end)
        if kind != UINT32 or size != 8:
            raise DamagedError("an array has no class")
        flags, _ = self._pair(buffer, at)
        mclass, bits = flags & 0xFF, flags >> 8 & 0xFF
        if mclass == OPAQUE:
            name = self._text(stream, end)
            stream.skip_to(end)
            return name, Opaque("a MATLAB object (strings in double quotes are such; use single quotes)")
        kind, buffer, at, size = self._data(stream, end)
        if kind not in (INT32, UINT32) or size % 4 or size > 4 * MOST_AXES:
            raise DamagedError("an array has an impossible shape")
        shape = struct.unpack_from(f"{self._order}{size // 4}i", buffer, at)
        if len(shape) < 2 or min(shape) < 0 or math.prod(shape) > 2**52:
            raise DamagedError("an array has an impossible shape")
        if 0 in shape and math.prod(size or 1 for size in shape) > LARGEST_EMPTY:
            raise DamagedError("an array has an impossible shape")
        name = self._text(stream, end)
        if depth > DEEPEST:
            value: Any = Opaque("nested too deeply to be read")
        elif mclass in CLASSES:
            value = self._array(stream, end, shape, CLASSES[mclass], bits)
        elif mclass == CHAR:
            value = self._characters(stream, end, shape)
        elif mclass == CELL:
            value = self._cells(stream, end, shape, depth)
        elif mclass == STRUCT:
            value = self._structs(stream, end, shape, depth)
        elif mclass == SPARSE:
            value = self._sparse(stream, end, shape, bits)
        elif mclass == OBJECT:
            value = Opaque(f"an object of class {self._text(stream, end)}")
        elif mclass == FUNCTION:
            value = Opaque("a function handle")
        else:
            raise DamagedError(f"an array is of a class {mclass} that MATLAB does not have")
        stream.skip_to(end)
        return name, value

    def _array(self, stream: Stream, end: int, shape: tuple[int, ...], form: str, bits: int) -> Any:
        count = math.prod(shape)
        dtype = np.dtype(bool) if bits & LOGICAL else np.dtype(form)
        if bits & COMPLEX:
            dtype = np.dtype(np.complex64 if form == "f4" else np.complex128)
        if count > end - stream.place:
            raise DamagedError(f"an array of {count} numbers has other bytes than that")
        if not self._limit.take(count * dtype.itemsize):
            return too_large(shape, "array")
        stored = self._numbers(stream, end, count)
        if bits & COMPLEX:
            array = np.empty(count, dtype)
            array.real = stored
            array.imag = self._numbers(stream, end, count)
        elif stored.dtype.kind == "f" and dtype.kind in "iu":
            with np.errstate(invalid="ignore"):
                array = stored.astype(dtype)
        else:
            array = stored.astype(dtype)
        return array.reshape(shape, order="F")

    def _characters(self, stream: Stream, end: int, shape: tuple[int, ...]) -> Any:
        count = math.prod(shape)
        if count > end - stream.place:
            raise DamagedError(f"{count} characters are announced that are not there")
        rows = count // shape[-1] if count else 0
        if not self._limit.take(16 * count + ITEM * rows):  # text, and an array of letters on the way
            return too_large(shape, "array of characters")
        kind, buffer, at, size = self._data(stream, end)
        codec = CHARACTERS.get(kind)
        if codec is None:
            raise DamagedError("characters are in no known code")
        text = buffer[at : at + size].decode(self._utf.get(codec, codec), "replace")
        if count == 0:
            return ""
        if shape[0] == 1 == count // shape[-1]:
            return text.rstrip("\0")  # as many as there are: MATLAB counts 16-bit units
        if len(text) < count:
            raise DamagedError(f"{count} characters are announced that are not there")
        letters = np.frombuffer(text[:count].encode("utf-32-le", "surrogatepass"), "<U1").reshape(shape, order="F")
        return text_rows(np.ascontiguousarray(letters).view(f"<U{shape[-1]}")[..., 0])

    def _sparse(self, stream: Stream, end: int, shape: tuple[int, ...], bits: int) -> Any:
        if len(shape) != 2 or shape[1] >= 2**31 or shape[0] >= 2**31:
            raise DamagedError("a sparse matrix has an impossible shape")
        if not self._limit.take(3 * (end - stream.place)):
            return too_large(shape, "sparse matrix")
        rows, starts = self._integers(stream, end), self._integers(stream, end)
        kind, buffer, at, size = self._data(stream, end)
        dtype = self._types.get(kind)
        if dtype is None:
            raise DamagedError("a sparse matrix has no numbers")
        if bits & LOGICAL and size < dtype.itemsize * int(starts[-1] if starts.size else 0):
            dtype = np.dtype("u1")  # MATLAB and Octave write a byte for each, whatever type the tag says
        values = np.frombuffer(buffer, dtype, size // dtype.itemsize, at)
        values = values.astype(bool if bits & LOGICAL else np.float64)
        if bits & COMPLEX:
            imaginary = self._numbers(stream, end, values.size)
            values = values + 1j * imaginary
        return sparse_matrix(values, rows, starts, (shape[0], shape[1]))

    def _cells(self, stream: Stream, end: int, shape: tuple[int, ...], depth: int) -> Any:
        count = math.prod(shape)
        if 8 * count > end - stream.place:
            raise DamagedError(f"{count} cells are announced that are not there")
        if not self._limit.take(ITEM * count):
            return too_large(shape, "cell array")
        cells = np.empty(count, dtype=object)
        for i in range(count):
            cells[i] = self._item(stream, end, depth)
        return cells.reshape(shape, order="F")

    def _structs(self, stream: Stream, end: int, shape: tuple[int, ...], depth: int) -> Any:
        fields = self._field_names(stream, end)
        count = math.prod(shape)
        if 8 * count * len(fields) > end - stream.place:
            raise DamagedError(f"{count} structs are announced that are not there")
        if not self._limit.take(ITEM * count * (1 + len(fields))):
            return too_large(shape, "struct array")
        items = [{field: self._item(stream, end, depth) for field in fields} for _ in range(count)]
        return items[0] if count == 1 else StructArray(items, shape, tuple(dict.fromkeys(fields)))

    def _field_names(self, stream: Stream, end: int) -> list[str]:
        lengths = self._integers(stream, end).tolist()
        text = self._text(stream, end)
        if not text:
            return []
        length = lengths[0] if len(lengths) == 1 else 0
        if length < 1 or len(text) % length:
            raise DamagedError("a struct's fields have no names")
        return [text[i : i + length].split("\0", 1)[0] for i in range(0, len(text), length)]

    def _item(self, stream: Stream, end: int, depth: int) -> Any:
        """The next cell or field."""
        kind, count, small = self.tag(stream)
        place = stream.start + stream.at
        if small or kind != MATRIX or place + count > end:
            raise DamagedError("an element claims more than there is, or is no array")
        if count == 0:
            return np.zeros((0, 0))
        return self._matrix(stream, place + count, depth + 1)[1]
