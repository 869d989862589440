"""Tables in and out: encodings, delimiters, numbers, missing values, and how numbers are printed."""

from ._missing_codes import missing_codes
from ._number_text import effect_text, number_cell, number_text, numbers_text, tick_text
from ._p_text import is_least, p_words, rounded_up, shuffled_p_cell, shuffled_p_words
from ._spreadsheet_cell import cell_text, spreadsheet_cell, tab_separated
from ._table import INFINITE, Table, TableError, read_table
from ._table_form import MISSING

__all__ = [
    "INFINITE",
    "MISSING",
    "Table",
    "TableError",
    "cell_text",
    "effect_text",
    "is_least",
    "missing_codes",
    "number_cell",
    "number_text",
    "numbers_text",
    "p_words",
    "read_table",
    "rounded_up",
    "shuffled_p_cell",
    "shuffled_p_words",
    "spreadsheet_cell",
    "tab_separated",
    "tick_text",
]
