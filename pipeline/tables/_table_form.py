"""The form of a table of text, by its content: encoding, separator, decimal commas, what is missing.

And of its cells: numbers that stand for a missing value, and texts that a spreadsheet would compute.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..common import COMMA_NUMBER, NUMBER

MISSING = "n/a"  # as BIDS writes it, and as every missing cell reads once a table is read
_UNREAD = {re.compile(r"\s*\|\s*"): "bars", re.compile(r"\s+"): "spaces"}
SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas"}  # the first that fits is taken
_NAMES_OF_SEPARATORS = {**SEPARATORS, " ": "spaces"}
# R, pandas, spreadsheets. "None", "null" and "na" may be an arm, a model or a type of trial: they are missing among
# numbers alone, and "none" and "-" not even there, as they may mean zero.
MISSING_TEXTS = frozenset(("", "n/a", "N/A", "NA", "NaN", "nan", "#N/A", "<NA>"))
_AMONG_NUMBERS = frozenset(("na", "null", "n.a.", "#n/a", "#null!", "."))
_LIKE_THOUSANDS = {mark: re.compile(rf"[+-]?[1-9][0-9]{{0,2}}[{mark}][0-9]{{3}}") for mark in ",."}
_WHOLE = re.compile(r'^"([^"]*)"$')
MISSING_CODES = (
    frozenset({*(-float("9" * n) for n in range(1, 7)), *(float("9" * n) for n in range(2, 7))})
    | {-1.0 * float(digit * n) for digit in "78" for n in (2, 3, 4)}
    | {float(digit * n) for digit in "78" for n in (3, 4)}
)
FEWEST_OTHERS = 3  # other values, before one can be unlike them
# Also the full-width forms, which East Asian versions of spreadsheets take for the others.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_INFINITE = re.compile(r"[+-]?inf")
_HINT = re.compile(r"sep=([\t;,|])\r?\n")  # which spreadsheets write in front


class FormError(ValueError):
    """Why bytes are no table of text: the problem and its line, from 1, where there is one."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.line = line


def decode_table(content: bytes) -> tuple[str, str]:
    """A file's text and its encoding: UTF-8, or UTF-16 as spreadsheets save "Unicode text".

    Raises `FormError` for a spreadsheet's own format and every other encoding.
    """
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise FormError("is a spreadsheet, whatever its suffix says; export it as a tab-separated table, .tsv")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            text = content.decode("utf-16")
        except UnicodeDecodeError:
            raise FormError("begins as UTF-16 and does not go on so; save it as UTF-8 text") from None
        if "\0" not in text:
            return text.removeprefix("\ufeff"), "UTF-16"
    if b"\0" in content:
        raise FormError("is not in UTF-8 (it looks like UTF-16 without its mark, or binary); save it as UTF-8 text")
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FormError("is not in UTF-8; save it as UTF-8 text", line) from None


def split_rows(text: str, usual: str, spaces: bool = False) -> tuple[str, list[tuple[str, ...]], list[int]]:
    """The separator, the rows without spaces around their cells and without blank ones, and the line each ends on.

    The separator is the first of tabs, semicolons and commas by which every row has as many cells as the first and no
    cell has a quotation mark within; where there is none, `usual` if it is in the header, or the one most frequent
    there. Spaces, where these are allowed, separate numbers in rows that have none of them.

    Raises `FormError` where quotation marks leave a cell open, or rows are numbers separated by spaces or bars.
    """
    if hint := _HINT.match(text):
        return (hint[1], *_rows(text[hint.end() :], hint[1], 1))
    header, _, body = text.lstrip("\r\n ").partition("\n")
    present = [mark for mark in SEPARATORS if mark in header]
    for mark in present:
        try:
            rows, lines = _rows(text, mark)
        except FormError:
            continue
        if _even(rows) and not (len(present) > 1 and _torn(rows)):
            return mark, rows, lines
    likely = max(present, key=header.count, default=usual)
    mark = usual if usual in present or likely not in body else likely
    rows, lines = _rows(text, mark)
    for other, called in _UNREAD.items():
        if spaces and called == "spaces" and not present and _even(parts := [_words(row) for row in rows]):
            return " ", parts, lines
        if not present and _even(parts := [tuple(other.split(row[0])) for row in rows]) and _numbered(parts):
            raise FormError(f"seems to be separated by {called}; save it with tabs between cells", lines[0])
    return mark, rows, lines


def _rows(text: str, separator: str, before: int = 0) -> tuple[list[tuple[str, ...]], list[int]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    try:
        for row in reader:
            cells = tuple(cell_text(cell.strip()) for cell in row)
            if any(cells):
                rows.append(cells)
                lines.append(reader.line_num + before)
    except csv.Error as error:
        closed = all(cell.count('"') % 2 == 0 for cell in re.split(r"[\t\n]", text))
        if separator == "\t" and closed and _even(plain := _unquoted(text)):
            return plain, [place for place, line in enumerate(text.splitlines(), before + 1) if line.strip()]
        line = reader.line_num + before
        raise FormError(f"cannot be parsed ({error}); check its quotation marks", line) from error
    return rows, lines


def _words(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(row[0].split())


def _unquoted(text: str) -> list[tuple[str, ...]]:
    """Rows between tabs in which quotation marks are text, as in BIDS, but for those around a whole cell."""
    split = [[cell.strip() for cell in line.split("\t")] for line in text.splitlines() if line.strip()]
    return [tuple(cell_text(_WHOLE.sub(r"\1", cell)) for cell in row) for row in split]


def _even(rows: Sequence[tuple[str, ...]]) -> bool:
    """Whether every row has as many cells as the first, two at least, but for empty ones at its end."""
    width = len(rows[0]) if rows else 0
    return width > 1 and all(len(row) >= width and not any(row[width:]) for row in rows)


def _numbered(rows: Sequence[tuple[str, ...]]) -> bool:
    """Whether there are rows below the first, each of which has as many cells as that and a number in one."""
    return len(rows) > 1 and all(
        len(row) == len(rows[0]) and any(map(NUMBER.fullmatch, map(str.strip, row))) for row in rows[1:]
    )


def _torn(rows: Sequence[tuple[str, ...]]) -> bool:
    """Whether a separator tears quoted text apart."""
    return any('"' in cell for row in rows for cell in row)


@dataclass(frozen=True)
class NormalCells:
    """The cells of a table in one form.

    Fields:
        columns: the cells of each column.
        commas: whether decimal commas were read in any of them.
        ambiguous: places of the columns whose points may separate thousands.
    """

    columns: tuple[tuple[str, ...], ...]
    commas: bool
    ambiguous: frozenset[int]


def normalise_cells(columns: Sequence[Sequence[str]], separator: str) -> NormalCells:
    """Every column with `MISSING` for what is missing and points for decimal commas.

    Decimal commas are read where commas do not separate cells, in columns of numbers that have no decimal point. A
    cell such as ``1,234`` may mean thousands: it is read as a decimal where a number of the table can only be a decimal
    with a comma, and none one with a point; else it stays as it is, and is no number. A column with ``1.234`` in a
    table with decimal commas is ambiguous.
    """
    found = [tuple(MISSING if cell in MISSING_TEXTS else cell for cell in cells) for cells in columns]
    commas = [separator != "," and _with_commas(cells) for cells in found]
    sure = [has and any(_sure(cell, ",") for cell in cells) for has, cells in zip(commas, found, strict=True)]
    pointed = any(sure) and any(_sure(cell, ".") for cells in found for cell in cells)
    ambiguous = set()
    for place, cells in enumerate(found):
        if commas[place] and (sure[place] or (any(sure) and not pointed)):
            found[place] = tuple(cell.replace(",", ".") if COMMA_NUMBER.fullmatch(cell) else cell for cell in cells)
        elif any(sure) and _like_thousands(cells):
            ambiguous.add(place)
        if any(cell.lower() in _AMONG_NUMBERS for cell in found[place]) and _numeric(found[place]):
            found[place] = tuple(MISSING if cell.lower() in _AMONG_NUMBERS else cell for cell in found[place])
    return NormalCells(tuple(found), any(sure), frozenset(ambiguous))


def _sure(cell: str, mark: str) -> bool:
    """Whether a cell is a number whose mark can only be that of decimals."""
    shape = COMMA_NUMBER if mark == "," else NUMBER
    return mark in cell and shape.fullmatch(cell) is not None and not _LIKE_THOUSANDS[mark].fullmatch(cell)


def _like_thousands(cells: Sequence[str]) -> bool:
    """Whether a column's points may all separate thousands."""
    like = any(map(_LIKE_THOUSANDS["."].fullmatch, cells))
    return like and not any(_sure(cell, ".") for cell in cells)


def _with_commas(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers, at least half of what is there, with decimal commas and none with a point."""
    present = [cell for cell in cells if cell != MISSING]
    with_comma = [cell for cell in present if "," in cell]
    if not with_comma or not all(map(COMMA_NUMBER.fullmatch, with_comma)):
        return False
    plain = [cell for cell in present if NUMBER.fullmatch(cell)]
    return not any("." in cell for cell in plain) and 2 * (len(plain) + len(with_comma)) >= len(present)


def _numeric(cells: Sequence[str]) -> bool:
    present = [cell for cell in cells if cell != MISSING and cell.lower() not in _AMONG_NUMBERS]
    return bool(present) and all(map(NUMBER.fullmatch, present))


def describe_form(separator: str, usual: str, encoding: str, commas: bool) -> Iterator[str]:
    """What about a table's form is not as its suffix says, in words."""
    if encoding != "UTF-8":
        yield encoding
    if separator != usual:
        yield _NAMES_OF_SEPARATORS.get(separator, f"separated by {separator!r}")
    if commas:
        yield "decimal commas"


def missing_codes(values: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    """Which values of a column are such a number and unlike all others, smallest first; NaN is left aside.

    A negative one where no other is negative; one that lies further beyond the others than half of what they span.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x)]
    coded = np.isin(x, list(MISSING_CODES))
    others = x[~coded]
    if not coded.any() or others.size < FEWEST_OTHERS:
        return ()
    low, high = float(others.min()), float(others.max())
    reach = 0.5 * (high - low)
    found = (
        code for code in np.unique(x[coded]).tolist() if not low - reach <= code <= high + reach or code < 0 <= low
    )
    return tuple(found)


def spreadsheet_cell(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would read it as a formula.

    Numbers stay as they are. A text that already has such an apostrophe gets another, so that `cell_text` gives every
    text back. Source: OWASP, CSV Injection.
    """
    return f"'{text}" if _is_formula(text) else text


def cell_text(cell: str) -> str:
    """What `spreadsheet_cell` was given."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def _is_formula(text: str) -> bool:
    bare = text.lstrip("'")
    return _FORMULA.match(text) is not None and not any(
        form.fullmatch(bare) for form in (NUMBER, COMMA_NUMBER, _INFINITE)
    )


def tab_separated(rows: Iterable[Sequence[str]]) -> str:
    """Rows of text as a tab-separated table, every cell of it safe in a spreadsheet.

    What UTF-8 has no bytes for, as in names of files that are not in UTF-8, is written as its escape.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerows([spreadsheet_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace").decode("utf-8")
