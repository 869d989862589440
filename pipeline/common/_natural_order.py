"""The order of names that hold numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable

_DIGITS = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key for `sorted` by which numbers within names count as numbers: sub-2 before sub-10.

    Letters compare by case-folded code point. Names that differ only in case or in leading zeros (``sub-1``,
    ``sub-01``) are ordered by their text, so that the order never depends on the order given.
    """
    parts = _DIGITS.split(name.casefold())
    ordered = tuple(_number(part) if place % 2 else (1, 0, part) for place, part in enumerate(parts) if part)
    return (*ordered, (-1, 0, name))


def sorted_names(names: Iterable[str]) -> list[str]:
    """Names in natural order."""
    return sorted(names, key=natural_key)


def _number(digits: str) -> tuple[int, int, str]:
    """By length and then by text, as `int` refuses thousands of digits."""
    digits = digits.lstrip("0")
    return (0, len(digits), digits)
