"""A mark of a visit that somebody asked for, found in a name: ses-1 in ses-01, pre in 07Pre, T1 in P01T1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_BETWEEN = "_-. "
_LAST = re.compile(r"(.*[^_\-. ])[_.]([0-9]{1,9})", re.DOTALL)
_PERSON_FOLLOWS = re.compile(r"(?:sub|subj|subject|participant|patient|pat|p|s|hc|con)[-_]?[0-9]", re.IGNORECASE)


def take_mark(name: str, mark: str) -> str | None:
    """The name without a mark of a visit; None where the mark is not in it, or more than once.

    A part between underscores that is the mark itself goes before all else. Otherwise case and leading zeros make no
    difference, and the mark stands between ``_ - .`` or spaces, or runs into a number or a capital (07pre, pre07,
    annaPre).
    """
    parts = name.split("_")
    if mark in parts:
        return "_".join(part for part in parts if part != mark) if parts.count(mark) == 1 else None
    found = [(start, end) for start, end in _places(name, mark) if _stands_alone(name, start, end, mark)]
    if len(found) != 1:
        return None
    left, right = name[: found[0][0]], name[found[0][1] :]
    if left and right and left[-1] in _BETWEEN and right[0] in _BETWEEN:
        right = right[1:]
    if right[:1] == "[":
        left = left.rstrip(_BETWEEN)
    return (left + right).strip(_BETWEEN)


def take_one_of(name: str, marks: Sequence[str]) -> tuple[str, str] | None:
    """Which of some marks is in a name, and the name without it; None where none or several are.

    Of numbers the last part of a name decides: 02_1 is 02 at 1, and 1_1 is 1 at 1.
    """
    if all(mark.isdecimal() for mark in marks) and (found := _LAST.fullmatch(name)):
        ends = [mark for mark in marks if int(mark) == int(found[2])]
        if len(ends) == 1:
            return ends[0], found[1]
    several = [(mark, left) for mark in marks if (left := take_mark(name, mark)) is not None]
    return several[0] if len(several) == 1 else None


def _places(name: str, mark: str) -> list[tuple[int, int]]:
    return [found.span() for found in _pattern(mark).finditer(name)]


@lru_cache(maxsize=64)
def _pattern(mark: str) -> re.Pattern[str]:
    pieces = re.findall(r"[0-9]+|[^0-9_\-. ]+", mark)
    written = [f"0*{piece.lstrip('0') or '0'}" if piece.isdecimal() else re.escape(piece) for piece in pieces]
    return re.compile("[-_. ]?".join(written) or r"(?!)", re.IGNORECASE)


def _stands_alone(name: str, start: int, end: int, mark: str) -> bool:
    """Whether the mark is a part of the name, and not letters within a word or digits within a number."""
    text, before, after = name[start:end], name[start - 1 : start], name[end : end + 1]
    if mark.isdecimal():
        return before in ("", "_", ".") and after in ("", "_", ".", "[")
    opens = (
        not before
        or before in _BETWEEN
        or (text[0].isalpha() and before.isdecimal())
        or (text[0].isupper() and before.islower())
    )
    closes = not after or after in _BETWEEN + "[~"
    runs_on = (text[-1].isalpha() and after.isdecimal()) or bool(_PERSON_FOLLOWS.match(name[end:]))
    return opens and (closes or (runs_on and (not before or before in _BETWEEN)))
