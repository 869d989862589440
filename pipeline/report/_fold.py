"""Long tables, which open when asked for."""

from __future__ import annotations

from dataclasses import replace

from ..page import Records, Section


def fold(records: Records) -> Section:
    """A table under its own title."""
    return Section(records.title, "", tables=(replace(records.table(), title=""),))
