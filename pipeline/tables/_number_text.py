"""Numbers as readers want them: three digits that count, whatever the unit; p values in two, bounds said as bounds."""

from __future__ import annotations

import math

from ._table_form import MISSING

DIGITS = 3
LEAST_P = 1e-4  # below which only that is said
LEAST, MOST = 1e-4, 1e6  # sizes between which a number is written out; others get a power of ten


def number_text(value: float, *, sign: bool = False) -> str:
    """Three digits that count, a true minus, commas between thousands: ``0.150``, ``12.3``, ``150,000``, ``1.50e−7``.

    Only 0 itself is ``0``. Digits in front of the decimal point are all written, up to a million.

    Arguments:
        value: any number; one that is not finite is a dash.
        sign: whether a positive number has a plus.
    """
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{DIGITS - 1}e}".split("e")
    power = int(exponent)
    if LEAST <= abs(float(f"{mantissa}e{exponent}")) < MOST:
        text = f"{value:,.{max(0, DIGITS - 1 - power)}f}"
    else:
        text = f"{mantissa}e{power}"
    return ("+" if sign and value > 0 else "") + text.replace("-", "−")


def number_cell(value: float) -> str:
    """A number in full, as tables that programs read have it; ``n/a`` for one that is not finite."""
    return repr(float(value)) if math.isfinite(value) else MISSING


def effect_text(value: float) -> str:
    """`number_text` with the sign that effects have."""
    return number_text(value, sign=True)


def tick_text(value: float) -> str:
    """A number at an axis: no more digits than it has, ``0.2``, ``1,500``, ``1.5e−7``."""
    if value == 0 or not math.isfinite(value):
        return number_text(value)
    if LEAST <= abs(value) < MOST:
        return f"{value:,.10g}".replace("-", "−")
    mantissa, exponent = f"{value:.9e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}".replace("-", "−")


def numbers_text(values: list[float], spread: float, *, sign: bool = True) -> list[str]:
    """Numbers that are read together: with so many decimals, all alike, that their spread has two digits.

    Where that would take too many decimals or digits, `number_text` of each.

    Arguments:
        values: in one unit.
        spread: a standard error or the like, in that unit.
    """
    if not (math.isfinite(spread) and spread > 0 and spread >= LEAST and max(map(abs, values)) < MOST):
        return [number_text(value, sign=sign) for value in values]
    places = max(0, 1 - math.floor(math.log10(spread)))
    return [_fixed(value, places, sign) for value in values]


def _fixed(value: float, places: int, sign: bool) -> str:
    text = f"{value:{'+' if sign else ''},.{places}f}".replace("-", "−")
    return text if text.strip("+−0.,") else text.lstrip("+−")


def p_words(value: float) -> str:
    """A p value in two significant digits: ``p = 0.031``; ``p = ?`` where there is none (NaN)."""
    if math.isnan(value):
        return "p = ?"
    return f"p < {LEAST_P:.4f}" if value < LEAST_P else f"p = {value:.2g}" if value < 0.995 else "p = 1.0"


def shuffled_p_cell(value: float, shuffles: int) -> str:
    """A p value of shuffling for a table: ``0.031``; ``≤ 0.005`` where no shuffle reaches what was found.

    p = (1 + reached) / (1 + shuffles) is then 1 / (1 + shuffles), the least that so many can show, and only a bound.
    """
    if is_least_p(value, shuffles):
        return f"≤ {_rounded_up(value)}"
    return p_words(value).removeprefix("p ").removeprefix("= ")


def shuffled_p_words(value: float, shuffles: int) -> str:
    """The same in a sentence, and by how many shuffles."""
    if is_least_p(value, shuffles):
        return f"p {shuffled_p_cell(value, shuffles)}, the least that {shuffles:,} shuffles can show"
    return f"{p_words(value)} by {shuffles:,} shuffles"


def is_least_p(value: float, shuffles: int) -> bool:
    """Whether a p value is the least that so many shuffles can show."""
    return value <= 1.0000001 / (1 + shuffles)


def _rounded_up(value: float) -> str:
    """In two significant digits, as a bound."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return f"{math.ceil(value / step - 1e-6) * step:.2g}"
