"""P values as people read them: two digits, and a bound where shuffling can show no less."""

from __future__ import annotations

import math

LEAST = 1e-4  # below which only that is said


def p_words(value: float) -> str:
    """A p value in two significant digits: ``p = 0.031``; ``p = ?`` where there is none (NaN)."""
    if math.isnan(value):
        return "p = ?"
    return f"p < {LEAST:.4f}" if value < LEAST else f"p = {value:.2g}" if value < 0.995 else "p = 1.0"


def shuffled_p_cell(value: float, shuffles: int) -> str:
    """A p value of shuffling for a table: ``0.031``; ``≤ 0.005`` where no shuffle reaches what was found.

    p = (1 + reached) / (1 + shuffles) is then 1 / (1 + shuffles), the least that so many can show, and only a bound.
    """
    if is_least(value, shuffles):
        return f"≤ {rounded_up(value)}"
    return p_words(value).removeprefix("p ").removeprefix("= ")


def shuffled_p_words(value: float, shuffles: int) -> str:
    """The same in a sentence, and by how many shuffles."""
    if is_least(value, shuffles):
        return f"p {shuffled_p_cell(value, shuffles)}, the least that {shuffles:,} shuffles can show"
    return f"{p_words(value)} by {shuffles:,} shuffles"


def is_least(value: float, shuffles: int) -> bool:
    """Whether a p value is the least that so many shuffles can show."""
    return value <= 1.0000001 / (1 + shuffles)


def rounded_up(value: float) -> str:
    """In two significant digits, as a bound."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return f"{math.ceil(value / step - 1e-6) * step:.2g}"
