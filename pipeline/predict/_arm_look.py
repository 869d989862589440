"""Colour and marker of each arm: the house's where it knows the name, and never the same for both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..figures import ARM_COLOUR, BLUE, VERMILION, plain, shortened
from ._result import Prediction

MARKERS = ("o", "s")


@dataclass(frozen=True, eq=False)
class Look:
    """Some people, alike: their places, name, colour, marker."""

    people: np.ndarray
    label: str
    colour: str
    marker: str


def looks(found: Prediction) -> tuple[Look, ...]:
    """Of both arms; of everybody where there are none."""
    if found.arms is None or found.arm is None:
        return (Look(np.ones(found.people, dtype=bool), "each person", BLUE, MARKERS[0]),)
    return tuple(
        Look(found.arm * sign > 0, plain(shortened(name, 24)), colour, marker)
        for sign, name, colour, marker in zip((1, -1), found.arms, arm_colours(found.arms), MARKERS, strict=True)
    )


def arm_colours(arms: tuple[str, str]) -> tuple[str, str]:
    """Known arms keep their colour over all pictures; the other takes the one that is left."""
    known = [ARM_COLOUR.get(name.strip().lower()) for name in arms]
    first = known[0] or (BLUE if known[1] == VERMILION else VERMILION)
    second = known[1] or (BLUE if first == VERMILION else VERMILION)
    return (first, second) if first != second else (VERMILION, BLUE)
