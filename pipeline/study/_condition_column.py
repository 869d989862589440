"""In which column of a table of events the conditions may be, where none is called trial_type."""

from __future__ import annotations

from collections.abc import Collection

from ..common import NUMBER
from ..tables import MISSING, Table

TRIAL_TYPE = "trial_type"
_LIKE_TRIAL_TYPE = ("condition", "conditions", "type", "trialtype", "event_type", "stim_type", "stimulus", "event")
_FEW = 20  # kinds of text up to which a column may hold conditions


def likely_condition_columns(table: Table, known: Collection[str] = ()) -> list[str]:
    """Columns that hold a known condition; where none does, those called like one; else those of a few texts."""
    names = [name for name in table.columns if name not in ("onset", "duration", *table.repeated)]
    cells = {name: set(table.column(name)) - {MISSING} for name in names}
    holding = [name for name in names if cells[name] & set(known)]
    named = [name for name in names if name.lower() in _LIKE_TRIAL_TYPE]
    texts = [name for name in names if _is_text(cells[name])]
    return holding or named or texts


def _is_text(kinds: Collection[str]) -> bool:
    return 1 < len(kinds) <= _FEW and not any(map(NUMBER.fullmatch, kinds))
