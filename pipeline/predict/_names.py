"""Long names of measures in little room: broken where their parts meet, and without their middles where they must."""

from __future__ import annotations

import re
from itertools import pairwise

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter

from features import Outcome

from ..common import name_parts
from ..figures import plain, shortened

_SEAMS = re.compile(r"(?<=[\s-])")  # a line may end after these, and where parts of a name end


def name_lines(name: str, width: int, lines: int = 4) -> str:
    """A name in at most so many lines of `width` letters, as a picture may show it."""
    name = " ".join(name.split())
    pieces = _wrap(name, width)
    length = min(len(name), width * lines)
    while len(pieces) > lines:
        pieces = _wrap(shortened(name, length), width)
        length -= 1
    return "\n".join(plain(piece) for piece in pieces)


def unit_of(outcome: Outcome) -> str:
    """What an effect on the outcome is counted in: its unit, or its name where that is short."""
    return outcome.unit or shortened(outcome.name, 24)


def plain_ticks(*axes: Axis) -> None:
    """Numbers in full at each tick; no power of ten at the end of the axis, where it is overlooked."""
    for axis in axes:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))


def _wrap(text: str, width: int) -> list[str]:
    """Lines filled from the left; a part that is longer than a line is cut."""
    found = [""]
    for part in (part for word in _SEAMS.split(text) for part in name_parts(word)):
        cuts = [*range(0, len(part), width), len(part)]
        for start, end in pairwise(cuts):
            if len((found[-1] + part[start:end]).rstrip()) > width:
                found.append("")
            found[-1] += part[start:end]
    return [line.strip() for line in found]
