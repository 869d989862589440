"""MATLAB files, v4 to v7.3: reading and writing, and fields of structures."""

from ._fields import FieldProblem, Fields, check_finite, real
from ._load import load_mat
from ._values import MatFileError, Opaque, StructArray, by, describe, opaque_fields
from ._write import cell_row, number, opaque_places, save_mat

__all__ = [
    "FieldProblem",
    "Fields",
    "MatFileError",
    "Opaque",
    "StructArray",
    "by",
    "cell_row",
    "check_finite",
    "describe",
    "load_mat",
    "number",
    "opaque_fields",
    "opaque_places",
    "real",
    "save_mat",
]
