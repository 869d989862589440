"""Names of participants and labels of visits: natural order, leading zeros, labels within file names, order in time."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

# Words of visits, as parts of regular expressions.
COMPOUND = "(?:pre|post)(?:drug|treatment|treat|tx|op|scan|training|test|dose|intervention|therapy|stim|tms|infusion)"
NUMBERED_WORDS = (  # a number may stand behind with a separator: run_1; but pre_1 is participant 1 before
    "session|sess|ses|run|visit|vis|day|week|wk|month|mon|mth|mo|year|yr|hour|hr|timepoint|time|tp|wave|scan|exam|"
    "phase|round|rep|repeat|block|acq|measurement"
)
COUNTED = f"pre|post|baseline|bl|followup|fu|test|{NUMBERED_WORDS}"
UNITS = "hours|hour|hr|h|days|day|d|weeks|week|wks|wk|w|months|month|mos|mo|m|years|year|yrs|yr|y"

_DIGITS = re.compile(r"([0-9]+)")
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
_SEPARATORS = "_-. "
_LAST_NUMBER = re.compile(r"(.*[^_\-. ])[_.]([0-9]{1,9})", re.DOTALL)
_PARTICIPANT_FOLLOWS = re.compile(r"(?:sub|subj|subject|participant|patient|pat|p|s|hc|con)[-_]?[0-9]", re.IGNORECASE)


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key for `sorted` by which numbers within names count as numbers: sub-2 before sub-10.

    Letters compare by case-folded code point. Names that differ only in case or in leading zeros (``sub-1``,
    ``sub-01``) are ordered by their text, so that the order never depends on the order given.
    """
    parts = _DIGITS.split(name.casefold())
    ordered = tuple(_digits_key(part) if position % 2 else (1, 0, part) for position, part in enumerate(parts) if part)
    return (*ordered, (-1, 0, name))


def sorted_names(names: Iterable[str]) -> list[str]:
    """Names in natural order."""
    return sorted(names, key=natural_key)


def _digits_key(digits: str) -> tuple[int, int, str]:
    """By length and then by text, as `int` refuses thousands of digits."""
    digits = digits.lstrip("0")
    return (0, len(digits), digits)


def bids_label(name: str, prefix: str = "sub-") -> str:
    """A label as BIDS folders have it."""
    return name if name.startswith(prefix) else prefix + name


def match_labels(names: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Name → the known label it stands for, where the two differ in leading zeros and nothing else.

    Names that are known themselves, or whose label is not the only one like them, are not in it.
    """
    alike = defaultdict(list)
    for label in dict.fromkeys(known):
        alike[without_leading_zeros(label)].append(label)
    every = {label for labels in alike.values() for label in labels}
    found = {name: alike.get(without_leading_zeros(name), []) for name in names if name not in every}
    return {name: labels[0] for name, labels in found.items() if len(labels) == 1}


def ambiguous_labels(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of different names that are the same but for leading zeros."""
    first: dict[str, str] = {}
    found = []
    for name in dict.fromkeys(names):
        other = first.setdefault(without_leading_zeros(name), name)
        if other != name:
            found.append((other, name))
    return tuple(found)


def replace_labels(names: Sequence[str], labels: Mapping[str, str]) -> tuple[str, ...]:
    """The names, those that stand for a label replaced by it."""
    return tuple(labels.get(name, name) for name in names)


def without_leading_zeros(label: str) -> str:
    """The label with every number in it as one writes it: ``sub-01`` is ``sub-1``, ``a007b0`` is ``a7b0``."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", label)


def remove_visit_label(name: str, label: str) -> str | None:
    """The name without a label of a visit; None where the label is not in it, or more than once.

    A part between underscores that is the label itself goes before all else. Otherwise case and leading zeros make no
    difference, and the label stands between ``_ - .`` or spaces, or runs into a number or a capital (07pre, pre07,
    annaPre).
    """
    parts = name.split("_")
    if label in parts:
        return "_".join(part for part in parts if part != label) if parts.count(label) == 1 else None
    found = [(start, end) for start, end in _label_positions(name, label) if _is_separate(name, start, end, label)]
    if len(found) != 1:
        return None
    left, right = name[: found[0][0]], name[found[0][1] :]
    if left and right and left[-1] in _SEPARATORS and right[0] in _SEPARATORS:
        right = right[1:]
    if right[:1] == "[":
        left = left.rstrip(_SEPARATORS)
    return (left + right).strip(_SEPARATORS)


def find_visit_label(name: str, labels: Sequence[str]) -> tuple[str, str] | None:
    """Which of some labels is in a name, and the name without it; None where none or several are.

    Of numbers the last part of a name decides: 02_1 is 02 at 1, and 1_1 is 1 at 1.
    """
    if all(label.isdecimal() for label in labels) and (found := _LAST_NUMBER.fullmatch(name)):
        ends = [label for label in labels if int(label) == int(found[2])]
        if len(ends) == 1:
            return ends[0], found[1]
    several = [(label, left) for label in labels if (left := remove_visit_label(name, label)) is not None]
    return several[0] if len(several) == 1 else None


def _label_positions(name: str, label: str) -> list[tuple[int, int]]:
    return [found.span() for found in _label_pattern(label).finditer(name)]


@lru_cache(maxsize=64)
def _label_pattern(label: str) -> re.Pattern[str]:
    pieces = re.findall(r"[0-9]+|[^0-9_\-. ]+", label)
    written = [f"0*{piece.lstrip('0') or '0'}" if piece.isdecimal() else re.escape(piece) for piece in pieces]
    return re.compile("[-_. ]?".join(written) or r"(?!)", re.IGNORECASE)


def _is_separate(name: str, start: int, end: int, label: str) -> bool:
    """Whether the label is a part of the name, and not letters within a word or digits within a number."""
    text, before, after = name[start:end], name[start - 1 : start], name[end : end + 1]
    if label.isdecimal():
        return before in ("", "_", ".") and after in ("", "_", ".", "[")
    opens = (
        not before
        or before in _SEPARATORS
        or (text[0].isalpha() and before.isdecimal())
        or (text[0].isupper() and before.islower())
    )
    closes = not after or after in _SEPARATORS + "[~"
    runs_on = (text[-1].isalpha() and after.isdecimal()) or bool(_PARTICIPANT_FOLLOWS.match(name[end:]))
    return opens and (closes or (runs_on and (not before or before in _SEPARATORS)))


def order_visits(labels: Sequence[str]) -> tuple[str, ...] | None:
    """Labels of visits in the order of time, as far as words and numbers tell it; None where they do not.

    Known are pre, baseline, before … post, after … follow-up; numbers, alone or behind one word (1, 02, T0, week4,
    m06); and lengths of time behind a baseline. The alphabet decides nothing.
    """
    placed: dict[tuple[float, float], str] = {}
    kinds = set()
    for label in labels:
        found = _visit_time(label)
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


def find_before_and_after(labels: Sequence[str]) -> tuple[str, str] | None:
    """The first visit and the one after treatment: the first that is called post or the like, else the last."""
    ordered = order_visits(labels)
    if ordered is None or len(ordered) < 2:
        return None
    after = [label for label in ordered[1:] if _RANKS.get(_split_word_and_digits(label)[0]) == 3]
    return ordered[0], (after or [ordered[-1]])[0]


def describe_reversed_order(before: str, after: str) -> str:
    """What to say where labels of visits tell that what is called before comes after; empty where they do not."""
    if order_visits((before, after)) != (after, before):
        return ""
    return f"{before} comes after {after} by its label, but is taken for before: a change is {after} minus {before}"


def _only_baselines(placed: dict[tuple[float, float], str]) -> bool:
    words = [label for label in placed.values() if not re.search("[0-9]", label)]
    return all(_RANKS.get(_split_word_and_digits(label)[0]) == 1 for label in words)


def _split_word_and_digits(label: str) -> tuple[str, str]:
    """The word and the digits of a label without its ses-: (week, 4), (pre, "")."""
    bare = re.sub(r"[-_. ]", "", _SESSION_LABEL.sub("", label)).casefold()
    if found := re.fullmatch(f"({COMPOUND})([0-9]*)", bare):
        return ("pre" if bare.startswith("pre") else "post"), found[2]
    if found := re.fullmatch(f"([0-9]+)({UNITS})", bare):
        return found[2].removesuffix("s") if found[2] != "s" else found[2], found[1]
    found = re.fullmatch(r"([^0-9]*)([0-9]*)", bare)
    return (found[1], found[2]) if found else (bare, "?")


def _visit_time(label: str) -> tuple[str, tuple[float, float]] | None:
    """What a label counts by, and when that is."""
    word, digits = _split_word_and_digits(label)
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
