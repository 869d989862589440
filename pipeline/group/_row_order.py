"""What goes with what where a file has no names and order decides: said, and stored beside the results."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..common import natural_key, visible_text
from ..page import Column, Records
from ..tables import MISSING

SHOWN = 12  # pairs in a line, before the middle is left out
ENDS = (6, 2)  # pairs at both ends that are said where there are more


@dataclass(frozen=True)
class RowOrder:
    """What the rows of a file stand for, by nothing but their order.

    Fields:
        source: the file without names, such as ``X.mat``.
        place: what is counted in it, such as ``row``.
        things: what each of them is for, in order, such as participants.
        files: where each of these is from; none where they are from no files.
        name: of the table that it is written to.
    """

    source: str
    place: str
    things: tuple[str, ...]
    files: tuple[str, ...] = ()
    name: str = "order"

    def line(self) -> str:
        """``X.mat goes by order: row 1 is for sub-1, row 2 for sub-2, … row 12 for sub-12``."""
        pairs = [f"{self.place} {i} for {visible_text(thing)}" for i, thing in enumerate(self.things, start=1)]
        if len(pairs) > SHOWN:
            pairs = [*pairs[: ENDS[0]], f"… {pairs[-ENDS[1]]}", *pairs[1 - ENDS[1] :]]
        return f"{self.source} goes by order: {', '.join(pairs)}"

    def records(self) -> Records:
        """Every pair, as a table."""
        columns = (Column("row", self.place.capitalize()), Column("name", "Is for"), Column("file", "From"))
        rows: list[Mapping[str, Any]] = [
            {"row": i, "name": thing, "file": self.files[i - 1] if self.files else MISSING}
            for i, thing in enumerate(self.things, start=1)
        ]
        lead = f"{self.source} has no names in it, so its order decides."
        return Records(self.name, f"What the order of {self.source} decides", lead, columns, rows, brief=False)


COLLATIONS: tuple[
    Callable[[str], str], ...
] = (  # of shells: by code point, also where folders are joined to names; and by letters and digits alone
    lambda name: name,
    lambda name: re.sub(r"[^0-9A-Za-z]", " ", name),
    lambda name: re.sub(r"[^0-9A-Za-z]", "", name).casefold(),
)


def as_text_sorts(names: Sequence[str]) -> bool:
    """Whether names are in the order of text, as a shell's ``*`` has them, and that is not the order of numbers."""
    given = list(names)
    return given != sorted(names, key=natural_key) and any(given == sorted(names, key=key) for key in COLLATIONS)
