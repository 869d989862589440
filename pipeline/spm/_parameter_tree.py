"""SPM's parameter structs → vectors, whatever is in them, with a name and a field for every entry.

The order is that of SPM's vectors: fields as they stand in the struct, cells and struct arrays column-major, arrays
column-major, nested ones where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.sparse import csc_array

from ..matlab import FieldProblem, Opaque, StructArray, check_finite, real_array

DEEPEST = 12
LARGEST = 3_000  # parameters; the covariance of many more fills the memory
REMEDY = "estimate the DCM again, or leave it out"

# What connections are called: of equations in Hz, of exponents that scale them, and of what is not known.
Scale = Literal["hertz", "log", "unknown"]


@dataclass(frozen=True)
class TreeParameter:
    """One entry of a parameter struct.

    Fields:
        name: with regions and inputs where they are known: ``A[V5<-V1]``, ``A{1}[V5<-V1]``, else as SPM has it.
        field: of the struct, such as ``A``.
        spm_name: as in SPM's Pnames: ``A(2,1)``, ``A{1}(2,1)``, ``transit(2)``, ``decay``.
    """

    name: str
    field: str
    spm_name: str


def tree_vector(tree: Mapping[str, Any], name: str) -> np.ndarray:
    """(param,) the struct's numbers in SPM's order; raises `FieldProblem` where one is not finite or not real."""
    parts = [array.ravel(order="F") for _, _, array in _leaves(tree, name)]
    vector = np.concatenate([np.zeros(0), *parts])
    if vector.size > LARGEST:
        raise FieldProblem(name, f"holds {vector.size} parameters; the group level takes {LARGEST} at most")
    return vector


def tree_parameters(
    tree: Mapping[str, Any], name: str, regions: Sequence[str], inputs: Sequence[str], scale: Scale
) -> tuple[TreeParameter, ...]:
    """What every entry of `tree_vector` is.

    Arguments:
        regions, inputs: their names; none where the file has none.
        scale: of the connections. In Hz they are called ``A[V5<-V1]``; as exponents ``log A[V5<-V1]``; where that is
            not known, arrays of region × region alone get names of regions, ``A{1}[V5<-V1]``, behind the field's.
    """
    found: list[TreeParameter] = []
    for field, place, array in _leaves(tree, name):
        shape = _shape(array)
        label = place.removeprefix(f"{name}.")
        for index in _indices(array.shape):
            spm_name = _spm_name(label, shape, index)
            found.append(
                TreeParameter(_name(label, index, array.shape, spm_name, regions, inputs, scale), field, spm_name)
            )
    return tuple(found)


def _leaves(value: Any, place: str, field: str = "", depth: int = 0) -> Iterator[tuple[str, str, np.ndarray]]:
    """(field of the outermost struct, place, array) of every array of numbers, in order; texts count for nothing."""
    if depth > DEEPEST:
        raise FieldProblem(place, f"is nested too deeply; {REMEDY}")
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{place}.{key}", field or key, depth + 1)
    elif isinstance(value, StructArray):
        for k, item in enumerate(value, start=1):
            yield from _leaves(item, f"{place}({k})", field, depth + 1)
    elif isinstance(value, np.ndarray) and value.dtype == object:
        for k, item in enumerate(value.ravel(order="F"), start=1):
            yield from _leaves(item, f"{place}{{{k}}}", field, depth + 1)
    elif isinstance(value, csc_array) or (isinstance(value, np.ndarray) and value.dtype.kind in "biufc"):
        array = real_array(place, value, REMEDY)
        check_finite(place, array, REMEDY)
        yield field, place, array
    elif isinstance(value, Opaque):
        raise FieldProblem(place, f"is {value.kind} where numbers are expected; {REMEDY}")


def _shape(array: np.ndarray) -> tuple[int, ...]:
    """The axes that an index needs: none of a number, one of a row or column."""
    long = [size for size in array.shape if size > 1]
    if not long:
        return ()
    return (long[0],) if array.ndim == 2 and len(long) == 1 else array.shape


def _indices(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every index, the first fastest."""
    return (index[::-1] for index in np.ndindex(*shape[::-1]))


def _spm_name(label: str, shape: tuple[int, ...], index: tuple[int, ...]) -> str:
    if not shape:
        return label
    kept = [max(index)] if len(shape) == 1 else index  # of a row or column, one is 0
    return f"{label}({','.join(str(i + 1) for i in kept)})"


def _name(
    label: str,
    index: tuple[int, ...],
    shape: tuple[int, ...],
    spm_name: str,
    regions: Sequence[str],
    inputs: Sequence[str],
    scale: Scale,
) -> str:
    """The name with regions and inputs; SPM's where they are not known."""
    n, m = len(regions), len(inputs)
    if not n:
        return spm_name
    padded, size = index + (0,) * (3 - len(index)), shape + (1,) * (3 - len(shape))
    to = regions[padded[0]] if size[0] == n else ""
    if scale == "unknown":
        square = size == (n, n, 1) and (n > 1 or label.split("{")[0] in ("A", "B"))
        return f"{label}[{to}<-{regions[padded[1]]}]" if square else spm_name
    front = "log " if scale == "log" else ""
    if label == "A" and size == (n, n, 1):
        return f"{front}A[{to}<-{regions[padded[1]]}]"
    if label == "B" and size == (n, n, m):
        return f"{front}B[{to}<-{regions[padded[1]]}, {inputs[padded[2]]}]"
    if label == "C" and size == (n, m, 1):
        return f"C[{to}<-{inputs[padded[1]]}]"
    if label == "D" and size == (n, n, n):
        return f"{front}D[{to}<-{regions[padded[1]]}, {regions[padded[2]]}]"
    if label == "transit" and size == (n, 1, 1):
        return f"transit[{to}]"
    return spm_name
