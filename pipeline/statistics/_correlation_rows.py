"""A correlation as a row of a table: its columns and its numbers, whatever it is a correlation of."""

from __future__ import annotations

from typing import Any

from features import Correlation

from ..page import PROBABILITY, Column

KIND = Column("kind", "Kind")
NUMBERS = (
    Column("people", "n", "d"),
    Column("r", "r", "+.2f"),
    Column("low", "from", "+.2f"),
    Column("high", "to", "+.2f"),
    Column("p_value", "p", PROBABILITY),
    Column("holm", "p, Holm", PROBABILITY),
)
MADE = (
    Column("interval", "Interval", where="file"),
    Column("degenerate", "Samples without variation", "d", where="file"),
)
KEYS = (*(column.key for column in (*NUMBERS, *MADE)), "within_arms")


def correlation_row(one: Correlation) -> dict[str, Any]:
    """Values of all these columns, and r within arms."""
    return {"kind": one.kind.capitalize(), **{key: getattr(one, key) for key in KEYS}}
