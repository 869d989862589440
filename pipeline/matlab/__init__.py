"""MATLAB files, v4 to v7.3: reading and writing, and fields of structures."""

from ._mat_file import cell_row, load_mat, matlab_scalar, save_mat, unwritable_places
from ._values import (
    FieldProblem,
    Fields,
    MatFileError,
    Opaque,
    StructArray,
    check_finite,
    describe,
    opaque_fields,
    real_array,
    shape_text,
)

__all__ = [
    "FieldProblem",
    "Fields",
    "MatFileError",
    "Opaque",
    "StructArray",
    "cell_row",
    "check_finite",
    "describe",
    "load_mat",
    "matlab_scalar",
    "opaque_fields",
    "real_array",
    "save_mat",
    "shape_text",
    "unwritable_places",
]
