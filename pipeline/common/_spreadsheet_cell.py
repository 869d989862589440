"""Cells of a table that a spreadsheet shows as text and does not compute."""

from __future__ import annotations

import re

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf", re.ASCII)


def spreadsheet_cell(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would read it as a formula.

    Numbers stay as they are. Source: OWASP, CSV Injection.
    """
    if text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
