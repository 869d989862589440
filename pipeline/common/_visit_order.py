"""The order of visits in time, as far as their labels tell it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ._crossed_names import endings_of
from ._natural_order import natural_key
from ._visit_names import COMPOUND, COUNTED, UNITS, split_visit

_RANKS = {
    **dict.fromkeys(("screening", "screen", "intake"), 0),
    **dict.fromkeys(("test", "pre", "before", "baseline", "base", "bl", "initial", "first", "start"), 1),
    **dict.fromkeys(("mid", "during"), 2),
    **dict.fromkeys(("post", "after", "endpoint", "final", "second", "last", "end", "discharge", "retest"), 3),
    **dict.fromkeys(("followup", "fu"), 4),
}
_DAYS = {"hour": 1 / 24, "hr": 1 / 24, "h": 1 / 24, "day": 1.0, "d": 1.0, "week": 7.0, "wk": 7.0, "w": 7.0}
_DAYS |= dict.fromkeys(("month", "mon", "mth", "mo", "m"), 30.4) | dict.fromkeys(("year", "yr", "y"), 365.0)
_SESSION_LABEL = re.compile(r"^(?:ses|session|sess)[-_. ]?(?=.)", re.IGNORECASE)


def order_of_visits(labels: Sequence[str]) -> tuple[str, ...] | None:
    """Labels of visits in the order of time, as far as words and numbers tell it; None where they do not.

    Known are pre, baseline, before … post, after … follow-up; numbers, alone or behind one word (1, 02, T0, week4,
    m06); and lengths of time behind a baseline. The alphabet decides nothing.
    """
    placed: dict[tuple[float, float], str] = {}
    kinds = set()
    for label in labels:
        found = _time_of(label)
        if found is None or found[1] in placed:
            return None
        kinds.add(found[0])
        placed[found[1]] = label
    numbered = kinds - {"word"}
    if len(numbered) > 1 and not numbered <= _DAYS.keys():
        return None  # such as day1 and run2
    if numbered and "word" in kinds and not (numbered <= _DAYS.keys() and _only_baselines(placed)):
        return None
    return tuple(placed[time] for time in sorted(placed))


def before_and_after(labels: Sequence[str]) -> tuple[str, str] | None:
    """The first visit and the one after treatment: the first that is called post or the like, else the last."""
    ordered = order_of_visits(labels)
    if ordered is None or len(ordered) < 2:
        return None
    after = [label for label in ordered[1:] if _RANKS.get(_word_of(label)[0]) == 3]
    return ordered[0], (after or [ordered[-1]])[0]


def turned_order(before: str, after: str) -> str:
    """What to say where labels of visits tell that what is called before comes after; empty where they do not."""
    if order_of_visits((before, after)) != (after, before):
        return ""
    return f"{before} comes after {after} by its label, but is taken for before: a change is {after} less {before}"


def _only_baselines(placed: dict[tuple[float, float], str]) -> bool:
    words = [label for label in placed.values() if not re.search("[0-9]", label)]
    return all(_RANKS.get(_word_of(label)[0]) == 1 for label in words)


def _word_of(label: str) -> tuple[str, str]:
    """The word and the digits of a label without its ses-: (week, 4), (pre, "")."""
    bare = re.sub(r"[-_. ]", "", _SESSION_LABEL.sub("", label)).casefold()
    if found := re.fullmatch(f"({COMPOUND})([0-9]*)", bare):
        return ("pre" if bare.startswith("pre") else "post"), found[2]
    if found := re.fullmatch(f"([0-9]+)({UNITS})", bare):
        return found[2].removesuffix("s") if found[2] != "s" else found[2], found[1]
    found = re.fullmatch(r"([^0-9]*)([0-9]*)", bare)
    return (found[1], found[2]) if found else (bare, "?")


def _time_of(label: str) -> tuple[str, tuple[float, float]] | None:
    """What a label counts by, and when that is."""
    word, digits = _word_of(label)
    if digits == "?":
        return None
    number = float(digits or 0)
    if word in _RANKS:
        return "word", (float(_RANKS[word]) if word != "bl" or not digits else 1.0, number)
    if not digits:
        return None
    if word in _DAYS:
        return word, (1.5, number * _DAYS[word])
    return (word, (1.5, number)) if len(word) <= 1 or word in COUNTED.split("|") else None


def common_visits(groups: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The marks of visits that tell names of one person apart, in the order of time where that is known.

    Empty where some name has no mark, or more than one.
    """
    found = [split_visit(name).visit for group in groups for name in group]
    if any(not visit or " " in visit for visit in found):
        return endings_of(groups)
    unique = {visit.casefold(): visit for visit in reversed(found)}
    ordered = order_of_visits(list(unique.values()))
    return ordered if ordered is not None else tuple(sorted(unique.values(), key=natural_key))
