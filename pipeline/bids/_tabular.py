"""Cells of people's tables: numbers that may be missing, and participants' names with and without their prefix."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from .._table import MISSING, NUMBER, Table, TableError

PARTICIPANT, SESSION = "participant_id", "session_id"
_LABEL = re.compile(r"sub-[A-Za-z0-9+]+")


def prefixed(name: str, prefix: str = "sub-") -> str:
    """A label as BIDS folders have it."""
    return name if name.startswith(prefix) else prefix + name


def people_in(table: Table) -> tuple[tuple[str, ...], dict[int, str]]:
    """Whom each row is about, with the prefix, empty where it is no BIDS label; and for such a row what is wrong."""
    names, problems = [], {}
    for row, cell in enumerate(table.column(PARTICIPANT)):
        name = prefixed(cell)
        if cell == MISSING:
            problems[row] = f"{PARTICIPANT} is empty; give every row a name"
        elif not _LABEL.fullmatch(name):
            problems[row] = f"{PARTICIPANT} is {cell!r}, which is no BIDS label; write sub- and letters or digits"
        names.append("" if row in problems else name)
    return tuple(names), problems


def numbers(table: Table, column: str, rows: Sequence[int]) -> np.ndarray:
    """(row,) numbers of some rows, NaN where a cell is n/a; raises `TableError`, with the line, where one is text."""
    table.check_sure(column)
    column_cells = table.column(column)
    cells = [column_cells[row] for row in rows]
    there = [cell for cell in cells if cell != MISSING]
    if not all(map(NUMBER.fullmatch, there)):
        wrong = [row for row, cell in zip(rows, cells, strict=True) if cell != MISSING]
        table.values(column, wrong)  # tells which cell is amiss, where others hold numbers
        raise TableError(
            table.path, f"{column} is {there[0]!r}, where a number is needed; correct it", table.lines[wrong[0]]
        )
    found = np.array([np.nan if cell == MISSING else float(cell) for cell in cells], dtype=np.float64)
    beyond = np.flatnonzero(np.isinf(found))
    if beyond.size:
        raise TableError(
            table.path, f"{column} is beyond what a double holds; correct it", table.lines[rows[int(beyond[0])]]
        )
    return found
