"""Cells of a table of people: numbers, some missing; or texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from ..common import NUMBER, number_advice
from ..tables import INFINITE, MISSING, Table, TableError

Kind = Literal["numbers", "texts", "mixed", "empty"]
LARGEST = 1e100  # beyond it squares, which everything here is made of, leave the range of a double


def is_missing(cell: str) -> bool:
    """Whether nothing is there."""
    return cell == MISSING


def kind_of(table: Table, column: str, rows: Sequence[int]) -> Kind:
    """What a column holds in some rows; ``mixed`` is numbers and something else, or what was meant as numbers."""
    cells = table.column(column)
    known = [cells[row] for row in rows if cells[row] != MISSING]
    if not known:
        return "empty"
    numeric = sum(NUMBER.fullmatch(cell) is not None for cell in known)
    if numeric == len(known):
        return "numbers"
    meant = any(number_advice(cell) or INFINITE.fullmatch(cell) for cell in known)
    return "mixed" if numeric or meant else "texts"


def numbers(table: Table, column: str, rows: Sequence[int]) -> Float[np.ndarray, "row"]:
    """(row,) values of some rows, NaN where nothing is there.

    Raises `TableError`, with the line, for a cell that is no number, or one too large to compute with.
    """
    found = table.numbers(column, rows)
    for place in np.flatnonzero(np.abs(found) > LARGEST):
        row = rows[int(place)]
        problem = f"{column} is {table.column(column)[row]}, too large to compute with; correct it, or its unit"
        raise TableError(table.path, problem, table.lines[row])
    return found
