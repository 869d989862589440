"""What can still be cross-checked of a file that has mistakes in its shape, so that all mistakes are told at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._lines import Keys
from ._part import NAME
from ._problem import Problem
from ._shape import shaped
from ._study import Study

# Stands in for an item that is not in order: its name is still known to the others.
_ITEMS: dict[str, dict[str, Any]] = {
    "tasks": {},
    "regions": {"mask": "stand-in.nii.gz"},
    "scores": {"column": "stand-in"},
    "group": {"analysis": "fit"},
}
_PARTS: dict[str, dict[str, Any]] = {
    "study": {"name": "stand-in", "bids": ".", "derivatives": "."},
    "participants": {"arms": ["stand-in", "another"]},
    "tasks": {"standin": {}},
    "regions": {"stand-in": _ITEMS["regions"]},
}


def salvaged(content: Mapping[str, Any], problems: Iterable[Problem]) -> tuple[Study | None, tuple[Keys, ...]]:
    """A study with stand-ins for everything that is not in order, and what they stand in for."""
    kept = dict(content)
    broken = tuple(dict.fromkeys(_broken(path, content) for one in problems for path in one.about))
    for path in sorted(broken, key=len, reverse=True):
        part = str(path[0])
        if len(path) > 1:
            rest = {name: item for name, item in kept[part].items() if name != path[1]}
            kept[part] = {**rest, path[1]: _ITEMS[part]} if NAME.fullmatch(str(path[1])) else rest
        elif part in _PARTS:
            kept[part] = _PARTS[part]
        else:
            kept.pop(part, None)
    return shaped(kept)[0], broken


def trusted(problems: Iterable[Problem], broken: Sequence[Keys]) -> list[Problem]:
    """The problems that are none of a stand-in's making."""
    return [
        one for one in problems if not any(_touch(path, other) for path in broken for other in (one.path, *one.about))
    ]


def _broken(path: Keys, content: Mapping[str, Any]) -> Keys:
    """The smallest part around a mistake that a stand-in can take the place of."""
    part = path[0]
    an_item = part in _ITEMS and isinstance(content.get(str(part)), Mapping) and len(path) > 1
    return path[:2] if an_item and isinstance(path[1], str) else path[:1]


def _touch(path: Keys, other: Keys) -> bool:
    """Whether one is the other, or lies in it."""
    shorter = min(len(path), len(other))
    return path[:shorter] == other[:shorter]
