"""Tables of text whose cells a spreadsheet shows as text and does not compute."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from ..common import COMMA_NUMBER, NUMBER

# Also the full-width forms, which East Asian versions of spreadsheets take for the others.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_INFINITE = re.compile(r"[+-]?inf")


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
