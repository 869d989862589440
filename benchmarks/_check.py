"""One thing that must hold, and the number that shows it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """A measured value and where it must lie.

    Arguments:
        name: what was measured, with its unit.
        value: the number.
        most, least: bounds, None where there is none; without either it is for information and always passes.
        note: what a reader needs to judge it.
    """

    name: str
    value: float
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the value is a number within its bounds."""
        above = self.least is None or self.value >= self.least
        below = self.most is None or self.value <= self.most
        return math.isfinite(self.value) and above and below

    @property
    def bound(self) -> str:
        """The bounds in words."""
        if self.least is None:
            return "-" if self.most is None else f"≤ {self.most:g}"
        return f"≥ {self.least:g}" if self.most is None else f"{self.least:g} – {self.most:g}"

    def row(self) -> dict[str, Any]:
        """For a table or JSON."""
        kind = "information" if self.most is None and self.least is None else "pass" if self.passed else "FAIL"
        return {"check": self.name, "value": self.value, "bound": self.bound, "outcome": kind, "note": self.note}
