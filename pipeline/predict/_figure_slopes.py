"""Picture: the outcome against a measure, a line for each arm: what a product with the arm means."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from scipy import stats

from features import ArmSlopes

from ..figures import MUTED, new_figure, plain, shortened, style, wrapped
from ._arm_look import MARKERS, arm_colours
from ._names import name_lines, plain_ticks
from ._result import Prediction

MOST = 6  # measures drawn
LEVEL = 0.95
ABREAST = 26  # letters of a key that leave room for another beside it
DASHES: tuple[Literal["solid"], tuple[float, tuple[float, float]]] = ("solid", (0, (4, 2)))


def slopes_drawn(found: Prediction) -> tuple[ArmSlopes, ...]:
    """Measures of retained products with the arm, the largest first; where none is, of those with most bootstraps."""
    place = {name: rank for rank, i in enumerate(found.order) for name in _measures(found, int(i))}
    ranked = sorted(found.slopes, key=lambda one: place.get(one.measure, len(found.names)))
    kept = {name for i in found.retained for name in _measures(found, i)}
    chosen = [one for one in ranked if one.measure in kept] or ranked[:2]
    return tuple(chosen[:MOST])


def slopes_figure(found: Prediction) -> Figure | None:
    """Points, least-squares lines and their 95 % bands in each arm; None where there are no slopes."""
    chosen = slopes_drawn(found)
    if not chosen:
        return None
    columns = min(2, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    units = {column.name: column.unit for column in found.predictors.columns}
    with style():
        figure = new_figure(0.4 + 2.75 * rows)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axes, one in zip(grid.flat, chosen, strict=False):
            _panel(axes, one, found.outcome.values)
            unit = f", {units.get(one.measure, '')}".rstrip(", ")
            axes.set_xlabel(name_lines(one.measure + unit, 32 if columns == 2 else 64), fontsize=8.5)
        for axes in grid.flat[len(chosen) :]:
            axes.set_visible(False)
        unit = f", {found.outcome.unit}" if found.outcome.unit else ""
        for axes in grid[:, 0]:
            axes.set_ylabel(wrapped(f"{shortened(found.outcome.name, 40)}{unit}", 30, 2, balanced=True))
        key = _key(chosen[0])
        room = all(len(str(one.get_label())) <= ABREAST for one in key)
        figure.legend(handles=key, loc="outside upper left", ncols=2 if room else 1, columnspacing=1.2)
    return figure


def _measures(found: Prediction, place: int) -> tuple[str, ...]:
    """That a product with the arm is of; none of another term."""
    return found.predictors.terms[place] if place in found.arm_terms else ()


def _panel(axes: Axes, one: ArmSlopes, outcome: np.ndarray) -> None:
    for i, colour in enumerate(arm_colours(one.arms)):
        mine = one.arm > 0 if i == 0 else one.arm < 0
        x, y = one.x[mine], outcome[mine]
        axes.plot(x, y, MARKERS[i], color=colour, markersize=4.5, markeredgewidth=0, alpha=0.7, zorder=3)
        if x.size < 2 or not np.isfinite(one.slope[i]):
            continue
        across = np.linspace(x.min(), x.max(), 60)
        line = one.intercept[i] + one.slope[i] * across
        axes.plot(across, line, color=colour, linewidth=1.8, linestyle=DASHES[i], zorder=2)
        half = _half_band(x, y - one.intercept[i] - one.slope[i] * x, across)
        if half is not None:
            axes.fill_between(across, line - half, line + half, color=colour, alpha=0.15, linewidth=0, zorder=1)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, min_n_ticks=2, steps=[1, 2, 5, 10]))
    plain_ticks(axes.xaxis, axes.yaxis)
    axes.tick_params(labelsize=8.5)
    low, high = outcome.min(), outcome.max()
    axes.set_ylim(low - 0.25 * (high - low), high + 0.25 * (high - low))  # wide bands leave it


def _half_band(x: np.ndarray, residual: np.ndarray, across: np.ndarray) -> np.ndarray | None:
    """t s √(1/n + (x − x̄)² / Σ(x − x̄)²), of the mean outcome at x; None where the line has no error to tell."""
    free, spread = x.size - 2, float(np.sum((x - x.mean()) ** 2))
    if free < 1 or spread == 0:
        return None
    s = np.sqrt(residual @ residual / free)
    return stats.t.ppf((1 + LEVEL) / 2, free) * s * np.sqrt(1 / x.size + (across - x.mean()) ** 2 / spread)


def _key(one: ArmSlopes) -> list[Line2D | Patch]:
    arms = [
        Line2D(
            [],
            [],
            color=colour,
            marker=MARKERS[i],
            markersize=4.5,
            linewidth=1.8,
            linestyle=DASHES[i],
            label=plain(f"{shortened(one.arms[i], 24)}, {one.people[i]} people"),
        )
        for i, colour in enumerate(arm_colours(one.arms))
    ]
    return [*arms, Patch(color=MUTED, alpha=0.3, linewidth=0, label="95 % band of a line")]
