"""Nested plain values as bytes and back, to be sent between processes without pickling.

A line of JSON that holds the structure, then the buffers of numeric arrays one after another.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

_DEEPEST = 200  # levels of nesting
_KINDS = "biufc"


def to_bytes(value: Any) -> bytes:
    """None, booleans, numbers, text, lists, tuples (come back as lists), dicts with text as keys, and NumPy arrays.

    Arrays are numeric, of text, or of objects that are such values. Raises `TypeError` for anything else, `ValueError`
    where the nesting is too deep.
    """
    buffers: list[bytes] = []
    structure = json.dumps(_packed(value, buffers, 0)).encode()
    return b"".join([len(structure).to_bytes(8, "little"), structure, *buffers])


def from_bytes(content: bytes) -> Any:
    """The inverse of `to_bytes`; arrays may be written to. Raises `ValueError` where the bytes are no such values."""
    size = int.from_bytes(content[:8], "little")
    try:
        structure = json.loads(content[8 : 8 + size])
        return _Unpacked(memoryview(content)[8 + size :]).value(structure)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError) as error:
        raise ValueError("no values in the form of to_bytes") from error


def _packed(value: Any, buffers: list[bytes], depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("is nested too deeply")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, list | tuple):
        return [_packed(item, buffers, depth + 1) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a key is no text")
        return {"dict": [[key, _packed(item, buffers, depth + 1)] for key, item in value.items()]}
    if isinstance(value, np.ndarray):
        return _packed_array(value, buffers, depth)
    raise TypeError(f"{type(value).__name__} is no plain value")


def _packed_array(array: np.ndarray, buffers: list[bytes], depth: int) -> Any:
    shape = list(array.shape)
    if array.dtype.kind in _KINDS:
        buffers.append(array.tobytes())
        return {"array": [array.dtype.str, shape]}
    if array.dtype.kind == "U":
        return {"text": [array.dtype.str, shape, array.ravel().tolist()]}
    if array.dtype.kind == "O":
        return {"objects": [shape, [_packed(item, buffers, depth + 1) for item in array.ravel()]]}
    raise TypeError(f"an array of {array.dtype} is no plain value")


class _Unpacked:
    """Values whose arrays are taken from the buffers in the order in which they were put there."""

    def __init__(self, buffers: memoryview) -> None:
        self._buffers, self._at = buffers, 0

    def value(self, packed: Any) -> Any:
        if isinstance(packed, list):
            return [self.value(item) for item in packed]
        if not isinstance(packed, dict):
            return packed
        ((kind, content),) = packed.items()
        if kind == "dict":
            return {str(key): self.value(item) for key, item in content}
        if kind == "array":
            return self._numeric(*content)
        if kind == "text":
            form, shape, texts = content
            return np.array(texts, dtype=_dtype(form, "U")).reshape(shape)
        if kind == "objects":
            shape, items = content
            array = np.empty(len(items), dtype=object)
            for place, item in enumerate(items):
                array[place] = self.value(item)
            return array.reshape(shape)
        raise ValueError(f"{kind} is no kind of value")

    def _numeric(self, form: str, shape: list[int]) -> np.ndarray:
        dtype = _dtype(form, _KINDS)
        size = math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or self._at + size > len(self._buffers):
            raise ValueError("an array goes beyond the end")
        start, self._at = self._at, self._at + size
        return np.frombuffer(self._buffers[start : self._at], dtype=dtype).reshape(shape).copy()


def _dtype(form: str, kinds: str) -> np.dtype[Any]:
    dtype = np.dtype(form)
    if dtype.kind not in kinds:
        raise ValueError(f"{form} is none of the types expected")
    return dtype
