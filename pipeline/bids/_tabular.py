"""Whom the rows of people's tables are about, with and without the prefix of BIDS."""

from __future__ import annotations

import re

from ..common import bids_label
from ..tables import MISSING, Table

PARTICIPANT, SESSION = "participant_id", "session_id"
_LABEL = re.compile(r"sub-[A-Za-z0-9+]+")


def people_in(table: Table) -> tuple[tuple[str, ...], dict[int, str]]:
    """Whom each row is about, with the prefix, empty where it is no BIDS label; and for such a row what is wrong."""
    names, problems = [], {}
    for row, cell in enumerate(table.column(PARTICIPANT)):
        name = bids_label(cell)
        if cell == MISSING:
            problems[row] = f"{PARTICIPANT} is empty; give every row a name"
        elif not _LABEL.fullmatch(name):
            problems[row] = f"{PARTICIPANT} is {cell!r}, which is no BIDS label; write sub- and letters or digits"
        names.append("" if row in problems else name)
    return tuple(names), problems
