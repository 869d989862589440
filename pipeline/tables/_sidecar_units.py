"""Units of a table's columns, as BIDS has them in the JSON file beside it: ``{"age": {"Units": "years"}}``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..common import JsonError, read_json

_PLURALS = ("years", "months", "weeks", "days", "hours", "minutes", "seconds", "points", "doses", "sessions", "units")
LONGEST = 24  # letters of a unit; a longer text describes more than one


def sidecar_units(table: Path) -> dict[str, str]:
    """Column → its unit in the singular, of the JSON file beside a table; what cannot be understood has none."""
    path = table.with_suffix(".json")
    try:
        described: Any = read_json(path) if path.is_file() else {}
    except JsonError:
        return {}
    if not isinstance(described, Mapping):
        return {}
    units = {
        str(column): own.get("Units", own.get("Unit")) for column, own in described.items() if isinstance(own, Mapping)
    }
    return {
        column: _singular(unit)
        for column, unit in units.items()
        if isinstance(unit, str) and unit.isprintable() and 0 < len(unit.strip()) <= LONGEST
    }


def _singular(unit: str) -> str:
    plain = unit.strip()
    return plain[:-1] if plain.lower() in _PLURALS else plain
