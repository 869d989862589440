"""Picture: how each coefficient grows as the penalty falls, at the mixing that was chosen."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..figures import BLUE, GREEN, MUTED, ORANGE, PURPLE, SKY, VERMILION, new_figure, style, wrapped, zero_line
from ._names import name_lines, plain_ticks, unit_of
from ._penalty_axis import choices_key, count_along_top, mark_choices, penalty_axis
from ._result import Prediction

NAMED = 8  # predictors with a colour of their own
COLOURS = (VERMILION, BLUE, GREEN, PURPLE, ORANGE, SKY)
LETTERS = 58  # of a line of the key
LINE, MARGIN = 0.155, 0.075  # inches, of a line of the key and between names


def path_figure(found: Prediction) -> Figure:
    """Coefficients against the penalty; those of the least error in colour, the largest named."""
    curve = found.published.curve
    named = found.retained[:NAMED]
    keys = [_key(found, place, rank) for rank, place in enumerate(named)]
    with style():
        figure = new_figure(3.35 + sum(MARGIN + LINE * (1 + str(key.get_label()).count("\n")) for key in keys))
        axes = figure.subplots()
        zero_line(axes)
        for place in range(len(found.names)):
            look: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "alpha": 0.45}
            if place in found.retained:
                look = {"color": MUTED, "linewidth": 1.2, "alpha": 0.95}
            if place in named:
                look = _look(named.index(place)) | {"zorder": 3}
            axes.plot(curve.penalties, curve.coefficients[:, place], **look)
        penalty_axis(axes, curve.penalties, found.outcome.unit)
        count_along_top(axes, curve)
        mark_choices(axes, curve)
        plain_ticks(axes.yaxis)
        axes.set_ylabel(wrapped(f"{unit_of(found.outcome)} per SD of a predictor", 40, 2))
        figure.legend(handles=[*_quiet(found), *choices_key(curve)], loc="outside upper left", ncols=2)
        if keys:
            figure.legend(handles=keys, loc="outside lower left", fontsize=8.5, labelspacing=MARGIN * 72 / 8.5)
    return figure


def _look(rank: int) -> dict[str, Any]:
    return {
        "color": COLOURS[rank % len(COLOURS)],
        "linewidth": 1.8,
        "linestyle": "solid" if rank < len(COLOURS) else (0, (2, 1)),
    }


def _key(found: Prediction, place: int, rank: int) -> Line2D:
    value = found.published.coefficients[place]
    label = name_lines(found.names[place], LETTERS, 2) + f": {value:+.3g}".replace("-", "−")
    return Line2D([], [], label=label, **_look(rank))


def _quiet(found: Prediction) -> list[Line2D]:
    """What lines without a colour are."""
    more, others = max(0, len(found.retained) - NAMED), len(found.names) - len(found.retained)
    key = [Line2D([], [], color=MUTED, linewidth=1.2, alpha=0.95, label=f"{more} more retained")] if more else []
    if others:
        key.append(Line2D([], [], color=MUTED, linewidth=0.8, alpha=0.45, label=f"{others} not retained"))
    return key
