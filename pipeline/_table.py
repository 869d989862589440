"""Tables of text, BIDS-like TSV or CSV: header and rows, every problem with its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .common import cell_text, message_line

MISSING = "n/a"  # as BIDS writes it
DELIMITERS = {".tsv": "\t", ".txt": "\t", ".csv": ","}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+")
_OTHER_MISSING = {"", "nan", "na", "null", "n.a.", "#n/a"}  # "none" may be an arm, or a model


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
    """A table as it stands in a file.

    Fields:
        path: the file.
        columns: their names, all different.
        rows: the cells of each row, without spaces around them.
        lines: the line each row ends on, from 1.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def column(self, name: str) -> tuple[str, ...]:
        """The cells of one column; raises `TableError` where there is none of that name."""
        if name not in self.columns:
            raise TableError(self.path, f"has no column {name!r}; it has {', '.join(self.columns)}", 1)
        place = self.columns.index(name)
        return tuple(row[place] for row in self.rows)

    def names(self, column: str) -> tuple[str, ...]:
        """The cells of a column that says what each row is about: none empty, all different."""
        cells = self.column(column)
        first: dict[str, int] = {}
        for cell, line in zip(cells, self.lines, strict=True):
            if cell in ("", MISSING):
                raise TableError(self.path, f"{column} is empty; give every row a name", line)
            if cell in first:
                raise TableError(self.path, f"{column} is {cell}, as in line {first[cell]}; give each one row", line)
            first[cell] = line
        return cells

    def values(self, column: str, rows: Sequence[int]) -> np.ndarray:
        """The cells of some rows as numbers, or as texts where none is a number.

        Raises `TableError` where one is missing, or numbers and texts are mixed.
        """
        cells, lines = [self.column(column)[row] for row in rows], [self.lines[row] for row in rows]
        numeric = [NUMBER.fullmatch(cell) is not None for cell in cells]
        for cell, line, is_number in zip(cells, lines, numeric, strict=True):
            if not is_number and (problem := _problem(cell, any(numeric))):
                raise TableError(self.path, f"{column} {problem}", line)
        if not all(numeric):
            return np.array(cells, dtype=str)
        numbers = np.array(cells, dtype=np.float64)
        if not np.isfinite(numbers).all():
            line = lines[int(np.flatnonzero(~np.isfinite(numbers))[0])]
            raise TableError(self.path, f"{column} is beyond what a double holds; correct it", line)
        return numbers


def _problem(cell: str, among_numbers: bool) -> str:
    if cell == MISSING:
        return f"is {MISSING}; fill it in, or leave this row or this column out"
    if cell.lower() in _OTHER_MISSING:
        what = f"is {cell!r}" if cell else "is empty"
        return f"{what}; write {MISSING} for a missing value, and leave the row or the column out"
    if COMMA_NUMBER.fullmatch(cell):
        return f"is {cell!r}, a number with a decimal comma; write {cell.replace(',', '.')}"
    if among_numbers or cell.lower() in ("inf", "-inf", "+inf"):
        return f"is {cell!r}, where other rows hold numbers; correct it, or write {MISSING}"
    return ""


def read_table(path: str | Path) -> Table:
    """A tab-separated (.tsv, .txt) or comma-separated (.csv) table in UTF-8, with a header.

    A byte-order mark, Windows newlines, quoted cells and blank lines are allowed.

    Raises `TableError` where the file cannot be read, a row has another number of cells than the header, or columns
    have no name or the same.
    """
    path = Path(path)
    delimiter = DELIMITERS.get(path.suffix.lower())
    if delimiter is None:
        raise TableError(path, "is neither .tsv nor .csv; export it as a tab-separated table, .tsv")
    reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(tuple(cell_text(cell.strip()) for cell in row))
                lines.append(reader.line_num)
    except csv.Error as error:
        raise TableError(path, f"cannot be parsed ({error}); check its quotation marks", reader.line_num) from error
    if not rows:
        raise TableError(path, "is empty; write a header and one row for each participant or model")
    _check_header(path, rows[0], delimiter, lines[0])
    for cells, line in zip(rows, lines, strict=True):
        if len(cells) != len(rows[0]):
            raise TableError(path, f"has {len(cells)} cells, the header {len(rows[0])}; give every column a cell", line)
    return Table(path, rows[0], tuple(rows[1:]), tuple(lines[1:]))


def _check_header(path: Path, header: tuple[str, ...], delimiter: str, line: int) -> None:
    others = [mark for mark in ("\t", ";", ",") if mark != delimiter and mark in header[0]]
    if len(header) == 1 and others:
        found = {"\t": "tabs", ";": "semicolons", ",": "commas"}
        raise TableError(
            path,
            f"is separated by {found[others[0]]}; export it with {found[delimiter]} instead, or correct its suffix",
            line,
        )
    for place, name in enumerate(header):
        if not name:
            raise TableError(path, f"column {place + 1} has no name; name it", line)
        if name in header[:place]:
            raise TableError(path, f"has two columns called {name}; rename one", line)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise TableError(path, "does not exist; check the path") from None
    except IsADirectoryError:
        raise TableError(path, "is a folder; give the table inside it") from None
    except OSError as error:
        raise TableError(path, f"cannot be opened ({error.strerror}); check its permissions") from None
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise TableError(path, "is a spreadsheet, whatever its suffix says; export it as a tab-separated table, .tsv")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise TableError(path, "is not in UTF-8 (it looks like UTF-16 or binary); save it as UTF-8 text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TableError(path, "is not in UTF-8; save it as UTF-8 text", line) from None
