"""Cells of a table of people: numbers, some missing; or texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from .._table import MISSING, NUMBER, Table, TableError
from ..common import number_advice

Kind = Literal["numbers", "texts", "mixed", "empty"]
LARGEST = 1e100  # beyond it squares, which everything here is made of, leave the range of a double
_LIKE_MISSING = {"na", "null", "n.a.", "#n/a", "none", ".", "-"}
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)


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
    meant = any(number_advice(cell) or _INFINITE.fullmatch(cell) for cell in known)
    return "mixed" if numeric or meant else "texts"


def numbers(table: Table, column: str, rows: Sequence[int]) -> Float[np.ndarray, "row"]:
    """(row,) values of some rows, NaN where nothing is there.

    Raises `TableError`, with the line, for a cell that is no number, or none that can be reckoned with.
    """
    table.check_sure(column)
    cells = table.column(column)
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        cell = cells[row]
        if cell == MISSING:
            continue
        if not NUMBER.fullmatch(cell):
            raise TableError(table.path, f"{column} {_problem(cell)}", table.lines[row])
        found[place] = float(cell)
        if abs(found[place]) > LARGEST:
            raise TableError(
                table.path, f"{column} is {cell}, too large to reckon with; correct it, or its unit", table.lines[row]
            )
    return found


def _problem(cell: str) -> str:
    if cell.lower() in _LIKE_MISSING:
        return f"is {cell!r}; write {MISSING}, or nothing, for a missing value"
    if advice := number_advice(cell):
        return f"is {cell!r}, {advice}"
    if _INFINITE.fullmatch(cell):
        return f"is {cell!r}, which is infinite; correct it, or write {MISSING}"
    return f"is {cell!r}, where a number is needed; correct it, write {MISSING}, or leave the column out"
