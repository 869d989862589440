"""Participants' labels that differ in leading zeros alone: 1 in a table, sub-01 on disk."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence


def match_labels(names: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Name → the known label it stands for, where the two differ in leading zeros and nothing else.

    Names that are known themselves, or whose label is not the only one like them, are not in it.
    """
    alike = defaultdict(list)
    for label in dict.fromkeys(known):
        alike[_key(label)].append(label)
    every = {label for labels in alike.values() for label in labels}
    return {name: alike[_key(name)][0] for name in names if name not in every and len(alike.get(_key(name), ())) == 1}


def ambiguous_labels(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of different names that are the same but for leading zeros."""
    first: dict[str, str] = {}
    found = []
    for name in dict.fromkeys(names):
        other = first.setdefault(_key(name), name)
        if other != name:
            found.append((other, name))
    return tuple(found)


def relabelled(names: Sequence[str], labels: Mapping[str, str]) -> tuple[str, ...]:
    """The names, those that stand for a label replaced by it."""
    return tuple(labels.get(name, name) for name in names)


def _key(label: str) -> str:
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", label)
