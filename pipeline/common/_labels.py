"""Labels of one participant that are written differently: 1 in a table, sub-01 on disk."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence


def prefixed(name: str, prefix: str = "sub-") -> str:
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


def relabelled(names: Sequence[str], labels: Mapping[str, str]) -> tuple[str, ...]:
    """The names, those that stand for a label replaced by it."""
    return tuple(labels.get(name, name) for name in names)


def without_leading_zeros(label: str) -> str:
    """The label with every number in it as one writes it: ``sub-01`` is ``sub-1``, ``a007b0`` is ``a7b0``."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", label)
