"""Tables of text, BIDS-like TSV or CSV: header and rows, every problem with its line."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..common import COMMA_NUMBER, NUMBER, describe_absence, message_line, number_advice, read_bytes
from ._table_form import MISSING, MISSING_TEXTS, FormError, decode_table, describe_form, normalise_cells, split_rows

__all__ = ["COMMA_NUMBER", "INFINITE", "MISSING", "NUMBER", "Table", "TableError", "read_table"]

_LIKE_MISSING = {"na", "null", "n.a.", "#n/a", "none", ".", "-"}
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
USUAL = {".tsv": "\t", ".txt": "\t", ".csv": ",", ".1d": "\t"}  # what a suffix says; the content goes before it


class TableError(ValueError):
    """What is wrong with a table: file, line, column, problem and remedy in one line."""

    def __init__(self, path: Path, problem: str, line: int | None = None) -> None:
        super().__init__(
            message_line(" ".join(f"{path.name}{'' if line is None else f', line {line}'}: {problem}".split()))
        )
        self.path = path
        self.line = line


@dataclass(frozen=True)
class Table:
    """A table as a file has it.

    Fields:
        path: the file.
        columns: their names, all different; those without a name are left out.
        rows: the cells of each row, without spaces around them; `MISSING` where nothing is there, and points for
            decimal commas.
        lines: the line each row ends on, from 1.
        form: what about the file is not as its suffix says: encoding, separator, decimal commas.
        ambiguous: columns whose numbers may have points between thousands.
        repeated: names that several columns with other cells have.
        unnamed: numbers, from 1, of the columns that hold something and have no name.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    form: tuple[str, ...] = ()
    ambiguous: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()
    unnamed: tuple[int, ...] = ()

    @property
    def remarks(self) -> Iterator[str]:
        """What was inferred of the file, and what is not read, a line each."""
        if self.form:
            yield f"{self.path.name}: {', '.join(self.form)}"
        for name in sorted(self.repeated):
            yield f"{self.path.name} has two columns called {name}; neither can be used"
        if self.unnamed:
            places = ", ".join(map(str, self.unnamed))
            plural = "columns" if len(self.unnamed) > 1 else "column"
            yield f"{self.path.name}: {plural} {places} without a name; not read"

    def column(self, name: str) -> tuple[str, ...]:
        """The cells of one column; raises `TableError` where there is none, or more than one, of that name."""
        if name not in self.columns:
            raise TableError(self.path, f"has no column {name!r}; it has {', '.join(self.columns)}", 1)
        if name in self.repeated:
            raise TableError(self.path, f"has two columns called {name}; rename one", 1)
        place = self.columns.index(name)
        return tuple(row[place] for row in self.rows)

    def check_unambiguous(self, column: str) -> None:
        """Raises `TableError` where the numbers of a column may have points between thousands."""
        if column in self.ambiguous:
            cell = next(cell for cell in self.column(column) if "." in cell)
            plain = cell.replace(".", "")
            raise TableError(
                self.path,
                f"{column} is {cell!r} in a table with decimal commas, which may mean {plain} or {cell}; write "
                f"{plain}, or {cell.replace('.', ',')}0",
                self.lines[self.column(column).index(cell)],
            )

    def names(self, column: str) -> tuple[str, ...]:
        """The cells of a column that says what each row is about: none empty, all different."""
        cells = self.column(column)
        first: dict[str, int] = {}
        for cell, line in zip(cells, self.lines, strict=True):
            if cell == MISSING:
                raise TableError(self.path, f"{column} is empty; give every row a name", line)
            if cell in first:
                raise TableError(self.path, f"{column} is {cell}, as in line {first[cell]}; give each one row", line)
            first[cell] = line
        return cells

    def values(self, column: str, rows: Sequence[int]) -> np.ndarray:
        """The cells of some rows as numbers, or as texts where none is a number.

        Raises `TableError` where one is missing, or numbers and texts are mixed.
        """
        self.check_unambiguous(column)
        cells, lines = [self.column(column)[row] for row in rows], [self.lines[row] for row in rows]
        numeric = [NUMBER.fullmatch(cell) is not None for cell in cells]
        for cell, line, is_number in zip(cells, lines, numeric, strict=True):
            if not is_number and (problem := _problem(cell, any(numeric))):
                raise TableError(self.path, f"{column} {problem}", line)
        if not all(numeric):
            return np.array(cells, dtype=str)
        return self.numbers(column, rows)

    def numbers(self, column: str, rows: Sequence[int] | None = None) -> Float[np.ndarray, "row"]:
        """The cells of some rows, of all where None, as numbers; NaN where nothing is there.

        Raises `TableError`, with the line, where a cell is something else.
        """
        self.check_unambiguous(column)
        own = self.column(column)
        places = range(len(own)) if rows is None else rows
        among_numbers = any(NUMBER.fullmatch(own[row]) for row in places)
        found = np.full(len(places), np.nan)
        for place, row in enumerate(places):
            if own[row] == MISSING:
                continue
            if not NUMBER.fullmatch(own[row]):
                needed = _problem(own[row], among_numbers) or f"is {own[row]!r}, where a number is needed; correct it"
                raise TableError(self.path, f"{column} {needed}", self.lines[row])
            found[place] = float(own[row])
            if np.isinf(found[place]):
                raise TableError(self.path, f"{column} is beyond what a double holds; correct it", self.lines[row])
        return found


def _problem(cell: str, among_numbers: bool) -> str:
    """Why a cell is neither a number nor, where none of its column is one, a text; empty where it may be a text."""
    if cell == MISSING:
        return f"is {MISSING}; fill it in, or leave this row or this column out"
    if advice := number_advice(cell):
        return f"is {cell!r}, {advice}"
    if INFINITE.fullmatch(cell):
        return f"is {cell!r}, which is infinite; correct it, or write {MISSING}"
    if among_numbers and cell.lower() in _LIKE_MISSING:
        return f"is {cell!r}; write {MISSING}, or nothing, for a missing value"
    if among_numbers:
        return f"is {cell!r}, where other rows hold numbers; correct it, or write {MISSING}"
    return ""


def read_table(path: str | Path, *, header: bool | None = True) -> Table:
    """A table in text, by its form, whatever its suffix.

    Cells are separated by tabs, semicolons or commas; the text is UTF-8, or UTF-16 with its mark. Decimal commas,
    R's and spreadsheets' ways to write that nothing is there, Windows newlines, quoted cells, blank lines, and empty
    cells at the end of rows are read; `Table.remarks` says what was inferred.

    Arguments:
        header: whether the first row names the columns. None: unless all of its cells are numbers, and then cells may
            be separated by spaces too. Columns without names are called 1, 2, 3 ….

    Raises `TableError` where the file cannot be read, or a row has another number of cells than the header.
    """
    path = Path(path)
    usual = USUAL.get(path.suffix.lower())
    if usual is None:
        raise TableError(path, "is neither .tsv nor .csv; export it as a tab-separated table, .tsv")
    try:
        text, encoding = decode_table(_content(path))
        separator, rows, lines = split_rows(text, usual, spaces=header is None)
    except FormError as error:
        raise TableError(path, str(error), error.line) from error
    if not rows:
        raise TableError(path, "is empty; write a header and its rows")
    if header is None and _are_numbers(rows[0]):
        rows, lines = [tuple(str(place + 1) for place in range(len(rows[0]))), *rows], [lines[0], *lines]
    names, width = rows[0], len(rows[0])
    _check_widths(path, rows, lines)
    cells = normalise_cells([[row[place] for row in rows[1:]] for place in range(width)], separator)
    kept = {name: place for place, name in reversed([*enumerate(names)]) if name}  # the first of a name
    order = sorted(kept.values())
    repeated = {name for place, name in enumerate(names) if name and cells.columns[place] != cells.columns[kept[name]]}
    return Table(
        path,
        tuple(names[place] for place in order),
        tuple(zip(*(cells.columns[place] for place in order), strict=True)) if order else ((),) * (len(rows) - 1),
        tuple(lines[1:]),
        tuple(describe_form(separator, usual, encoding, cells.commas)),
        frozenset(names[place] for place in cells.ambiguous if names[place]),
        frozenset(repeated),
        tuple(
            place + 1
            for place, name in enumerate(names)
            if not name and any(cell != MISSING for cell in cells.columns[place])
        ),
    )


def _are_numbers(cells: Sequence[str]) -> bool:
    """Whether a first row is of numbers and not of names; columns that pandas has counted, 0, 1, 2 …, are named so."""
    there = [cell for cell in cells if cell not in MISSING_TEXTS]
    counted = len(there) > 1 and any(there == [str(first + i) for i in range(len(there))] for first in (0, 1))
    return bool(there) and not counted and all(COMMA_NUMBER.fullmatch(cell) or NUMBER.fullmatch(cell) for cell in there)


def _check_widths(path: Path, rows: Sequence[tuple[str, ...]], lines: Sequence[int]) -> None:
    """Raises `TableError` where a row has another number of cells than the header, but for empty ones at its end."""
    width = len(rows[0])
    if len(rows) > 2 and all(len(row) == width + 1 and row[-1] for row in rows[1:]):
        raise TableError(
            path, "has a cell more in every row than in the header; are they R's row names? write row.names = FALSE", 1
        )
    for cells, line in zip(rows, lines, strict=True):
        if len(cells) < width or any(cells[width:]):
            raise TableError(path, f"has {len(cells)} cells, the header {width}; give every column a cell", line)


def _content(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except FileNotFoundError:
        raise TableError(path, describe_absence(Path(path))) from None
    except IsADirectoryError:
        raise TableError(path, "is a folder; give the table inside it") from None
    except OSError as error:
        advice = "give a file" if error.errno == errno.EINVAL else "check its permissions"
        raise TableError(path, f"cannot be opened ({error.strerror}); {advice}") from None
