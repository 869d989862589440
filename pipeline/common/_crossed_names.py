"""Files of one person that no word marks: several people have the same few endings (01_1, 01_2; P01_ket, P01_mid).

An ending is the last part of a name, or letters behind a number (7a, 7b). Sites and arms stand in front (HC_01,
PAT_01; site1_03), and have more endings than there are of them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from ._natural_order import sorted_names
from ._visit_marks import take_mark

PEOPLE, ENDINGS = 3, 4  # so many people at least, and endings at most
_ENDINGS = (
    re.compile(r"(.*[^_\-.\s])[_\-.\s]+([^_\-.\s]+)", re.DOTALL),
    re.compile(r"(.*[0-9])([A-Za-z]{1,12}[0-9]?)"),
)
_KINDS = frozenset(
    ("hc", "con", "ctrl", "control", "controls", "pat", "patient", "patients", "case", "cases")
)  # of people
_AGAIN = re.compile(r"(?:[_\-.\s]+[A-Za-z0-9]{1,12}|[A-Za-z]{1,12})")


def crossed_names(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of two or more names that differ in an ending which others have too, or which one of them lacks."""
    for pattern in _ENDINGS:
        if groups := _crossed(names, pattern):
            return groups
    return _again(names)


def _crossed(names: Sequence[str], pattern: re.Pattern[str]) -> tuple[tuple[str, ...], ...]:
    own: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        if found := pattern.fullmatch(name):
            own[found[1].casefold()][found[2].casefold()] = name
    count = Counter(ending for endings in own.values() for ending in endings)
    several = [tuple(endings.values()) for endings in own.values() if len(endings) > 1]
    if not 2 <= len(count) < min(ENDINGS + 1, len(own)) or _KINDS & count.keys():
        return ()
    if len(several) < PEOPLE or 2 * len(several) < len(own):
        return ()
    return tuple(several)


def _again(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """P01 beside P01_2 or P01b: somebody who was there again."""
    groups: dict[str, list[str]] = defaultdict(list)
    there = {name.casefold(): name for name in names}
    for name in names:
        for found in re.finditer(r"(?<=[0-9])[^0-9]", name):
            first = there.get(name[: found.start()].casefold())
            if first is not None and first != name and _AGAIN.fullmatch(name[found.start() :]):
                groups[first].append(name)
    return tuple((first, *others) for first, others in groups.items())


def endings_of(groups: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The endings by which names in each group differ, in natural order; empty where they have none, or others."""
    for pattern in _ENDINGS:
        found = [[pattern.fullmatch(name) for name in group] for group in groups]
        endings = {one[2] for group in found for one in group if one}
        whole = all(one is not None and take_mark(one[0], one[2]) for group in found for one in group)
        if whole and len(endings) > 1:
            return tuple(sorted_names(endings))
    return ()
