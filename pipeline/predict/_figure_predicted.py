"""Picture: observed and predicted, in the sample and in people left out, beside each other on the same axes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..figures import MUTED, new_figure, shortened, style, wrapped
from ._answers import number
from ._arm_look import Look, looks
from ._names import plain_ticks
from ._result import Prediction

DASHES = (0, (4, 3))
DOTS = (0, (1, 1.5))


def predicted_figure(found: Prediction) -> Figure:
    """Everybody's outcome against what the model that saw it, and one that never did, made of it."""
    panels = [(f"In-sample: r² {number(found.published.r_squared)}", found.published.fitted)]
    if found.nested is not None:
        panels.append((f"Left out: Q² {number(found.nested.q_squared)}", found.nested.predictions))
    y = found.outcome.values
    low, high = _ends(np.concatenate([y, *(guess for _, guess in panels)]))
    groups = looks(found)
    name = shortened(found.outcome.name, 30)
    unit = f", {found.outcome.unit}" if found.outcome.unit else ""
    with style():
        figure = new_figure(3.55)
        grid = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (title, guess) in zip(grid, panels, strict=True):
            axes.plot([low, high], [low, high], color=MUTED, linewidth=1, linestyle=DASHES, zorder=1)
            axes.axhline(y.mean(), color=MUTED, linewidth=0.9, linestyle=DOTS, zorder=1)
            _points(axes, groups, y, guess)
            axes.set_title(title)
            axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
            axes.set_xlabel(wrapped(f"Observed {name}{unit}", 24, 2, balanced=True))
        first = grid[0]
        for axis in (first.xaxis, first.yaxis):
            plain_ticks(axis)
            axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        first.set_ylabel(wrapped(f"Predicted {name}{unit}", 34, 2, balanced=True))
        figure.legend(handles=_key(groups), loc="outside lower left", ncols=2, columnspacing=1.2)
    return figure


def _points(axes: Axes, groups: tuple[Look, ...], y: np.ndarray, guess: np.ndarray) -> None:
    size = 5.0 if y.size <= 100 else 3.5
    for group in groups:
        axes.plot(
            y[group.people],
            guess[group.people],
            group.marker,
            color=group.colour,
            markersize=size,
            markeredgewidth=0,
            alpha=0.75,
            zorder=3,
        )


def _ends(values: np.ndarray) -> tuple[float, float]:
    margin = 0.06 * float(np.ptp(values)) or 0.5
    return float(values.min()) - margin, float(values.max()) + margin


def _key(groups: tuple[Look, ...]) -> list[Line2D]:
    key = [
        Line2D([], [], color=one.colour, marker=one.marker, markersize=5, linestyle="none", label=one.label)
        for one in groups
    ]
    key.append(Line2D([], [], color=MUTED, linewidth=1, linestyle=DASHES, label="predicted = observed"))
    key.append(Line2D([], [], color=MUTED, linewidth=0.9, linestyle=DOTS, label="mean"))
    return key
