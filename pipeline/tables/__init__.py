"""Tables in and out: encodings, delimiters, numbers, missing values, and how numbers are printed."""

from ._formula_frame import formula_frame
from ._number_text import (
    effect_text,
    is_least_p,
    number_cell,
    number_text,
    numbers_text,
    p_words,
    shuffled_p_cell,
    shuffled_p_words,
    tick_text,
)
from ._sidecar_units import sidecar_units
from ._table import INFINITE, Table, TableError, read_table
from ._table_form import MISSING, missing_codes, tab_separated

__all__ = [
    "INFINITE",
    "MISSING",
    "Table",
    "TableError",
    "effect_text",
    "formula_frame",
    "is_least_p",
    "missing_codes",
    "number_cell",
    "number_text",
    "numbers_text",
    "p_words",
    "read_table",
    "shuffled_p_cell",
    "shuffled_p_words",
    "sidecar_units",
    "tab_separated",
    "tick_text",
]
