"""Numbers as people and programs write them, read in one way everywhere: ASCII digits and a decimal point.

Python reads more: ``float("١")``, ``int("１２")`` and ``int("1_000")`` are numbers to it, and ``\\d`` matches
the digits of every script. A cell that holds those was copied wrongly, or means something else.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
COMMA_NUMBER = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_THOUSANDS = re.compile(
    r"[+-]?[1-9][0-9]{0,2}(?:(?P<mark>[.,'’ \u00a0\u202f])[0-9]{3})(?:(?P=mark)[0-9]{3})*([.,][0-9]+)?"
)

TimeKind = Literal["repetition time", "microtime bin", "echo time", "delay"]

PLAUSIBLE = {  # s, from the fastest line scanning to sparse sampling, with room on both sides
    "repetition time": (0.01, 30.0),
    "microtime bin": (1e-4, 30.0),
    "echo time": (5e-4, 0.3),
    "delay": (0.0, 30.0),
}
UNITS = (("milliseconds", 1e3), ("microseconds", 1e6))  # how many make a second


def read_number(text: str) -> float | None:
    """The finite number that a text is, spaces around it aside; None where it is none."""
    bare = text.strip()
    if not NUMBER.fullmatch(bare):
        return None
    value = float(bare)
    return value if math.isfinite(value) else None


def read_whole_number(text: str) -> int | None:
    """The whole number that a text is, spaces around it aside; None where it is none, or has more than 18 digits."""
    bare = text.strip()
    return int(bare) if _WHOLE.fullmatch(bare) else None


def are_numbers(cells: Iterable[str]) -> bool:
    """Whether there are cells, and each is a finite number."""
    found = [read_number(cell) is not None for cell in cells]
    return bool(found) and all(found)


def number_advice(text: str) -> str:
    """What is wrong with a text that is meant as a number and is none, and what to write; empty for any other text.

    Examples: ``8,5`` (a decimal comma where others have points), ``1,234`` (thousands or decimals?), ``1 234,5``
    (thousands separated), ``１２`` (digits that are not 0 to 9).
    """
    bare = text.strip()
    match = _THOUSANDS.fullmatch(bare)
    if match and (match[2] or bare.count(match["mark"]) > 1 or match["mark"] not in ",."):
        plain = bare.replace(match["mark"], "").replace(",", ".")
        return f"a number with thousands separators; write {plain}"
    if match:
        plain = bare.replace(match["mark"], "")
        decimal = bare.replace(",", ".")
        return f"which may mean {plain} or {decimal}; write {plain}, or {decimal}0"
    if COMMA_NUMBER.fullmatch(bare):
        return f"a number with a decimal comma; write {bare.replace(',', '.')}"
    western = _western(bare)
    if western != bare and NUMBER.fullmatch(western):
        foreign = "with a minus sign that is no hyphen" if re.fullmatch(r"−[0-9.eE+-]+", bare) else ""
        return f"a number {foreign or 'in digits that are not 0 to 9'}; write {western}"
    if re.fullmatch(r"[+-]?[0-9]{1,3}(_[0-9]{3})+", bare):
        return f"a number with underscores; write {bare.replace('_', '')}"
    return ""


def _western(text: str) -> str:
    """Digits of any script, and the minus sign and fullwidth marks that go with them, in ASCII."""
    digits = ((letter, unicodedata.digit(letter, None)) for letter in text)
    folded = "".join(letter if digit is None else str(digit) for letter, digit in digits)
    return unicodedata.normalize("NFKC", folded).replace("−", "-").replace("٫", ".")


def time_problem(seconds: float, kind: TimeKind) -> str | None:
    """Why a number cannot be this time in seconds, and what to write instead; None where it can.

    ``time_problem(2000, "repetition time")`` is "is 2000 s, longer than any repetition time; if these are milliseconds
    write 2".
    """
    least, most = PLAUSIBLE[kind]
    if least <= seconds <= most:
        return None
    if not seconds > 0:
        return f"is {seconds:g} s; give the {kind} in seconds"
    if seconds < least:
        return f"is {seconds:g} s, shorter than any {kind}; give seconds"
    for unit, factor in UNITS:
        if least <= seconds / factor <= most:
            return f"is {seconds:g} s, longer than any {kind}; if these are {unit} write {seconds / factor:g}"
    return f"is {seconds:g} s, longer than any {kind}; give seconds"
