"""Picture: what the model retains, how large, and how often when the people change."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from features import Stability

from ..figures import BLUE, INK, LINE, MUTED, PAPER, VERMILION, new_figure, style, wrapped
from ..verdicts import RETAINED
from ._names import name_lines, plain_ticks, unit_of
from ._result import Prediction

MOST = 20  # predictors drawn
NEAREST = 8  # of those not retained, drawn where none is
LETTERS = 28  # of a line of a name


def predictors_drawn(found: Prediction) -> tuple[int, ...]:
    """Places of the retained ones, the largest; where there are none, of those that bootstraps retain most often."""
    if found.retained:
        return found.retained[:MOST]
    return () if found.shaken is None else tuple(int(place) for place in found.order[:NEAREST])


def predictors_figure(found: Prediction) -> Figure | None:
    """Coefficients with bootstrap intervals, and the shares that retain each; None where there is nothing to draw."""
    places = predictors_drawn(found)
    if not places:
        return None
    labels = [name_lines(found.names[place], LETTERS) for place in places]
    with style():
        if found.stability is None:
            figure = new_figure(0.75 + _height(labels))
            axes = [figure.subplots()]
        else:
            figure = new_figure(1.15 + _height(labels))
            axes = list(figure.subplots(1, 2, sharey=True, width_ratios=(1.6, 1)))
            _shares(axes[1], found, found.stability, places)
            figure.legend(handles=_key(found), loc="outside lower left", ncols=2, columnspacing=1.2)
        _coefficients(axes[0], found, places)
        axes[0].set_yticks(range(len(places)), labels, fontsize=8, linespacing=1.1)
        axes[0].set_ylim(len(places) - 0.4, -0.6)
    return figure


def _coefficients(axes: Axes, found: Prediction, places: tuple[int, ...]) -> None:
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
    for row, place in enumerate(places):
        value = float(found.published.coefficients[place])
        colour = MUTED if value == 0 else VERMILION if value > 0 else BLUE
        beyond = True
        if found.shaken is not None:
            low, high = found.shaken.low[place], found.shaken.high[place]
            beyond = bool(low > 0 or high < 0)
            axes.plot([low, high], [row, row], color=colour, linewidth=2.0 if beyond else 1.2)
        face = colour if beyond else PAPER
        axes.plot(value, row, "o", color=colour, markerfacecolor=face, markersize=5.5, markeredgewidth=1.2, zorder=3)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, min_n_ticks=2, steps=[1, 2, 5, 10]))
    plain_ticks(axes.xaxis)
    axes.set_xlabel(wrapped(f"{unit_of(found.outcome)} per SD", 26, 2, balanced=True))
    axes.margins(x=0.08)
    _rows(axes)


def _shares(axes: Axes, found: Prediction, stability: Stability, places: tuple[int, ...]) -> None:
    for row, place in enumerate(places):
        share = stability.bootstraps[place]
        colour, alpha = (BLUE, 0.75) if found.stable(place) else (MUTED, 0.45)
        if stability.samples:
            axes.barh(row, share, height=0.5, color=colour, alpha=alpha, linewidth=0, zorder=2)
        axes.plot(stability.folds[place], row, "D", color=INK, markersize=4, zorder=3, clip_on=False)
    axes.axvline(RETAINED, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    axes.set(xlim=(0, 1.0), xlabel="Retained in")
    axes.set_xticks(np.array([0, 0.5, 1]), ["0", "50 %", "100 %"])
    _rows(axes)


def _rows(axes: Axes) -> None:
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.tick_params(axis="x", labelsize=8.5)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=LINE, linewidth=0.5)


def _height(labels: list[str]) -> float:
    lines = max(label.count("\n") + 1 for label in labels)
    return (0.145 * lines + 0.08) * max(len(labels), 2)


def _key(found: Prediction) -> list[Line2D | Patch]:
    """Only of what there is."""
    folds = Line2D([], [], color=INK, marker="D", markersize=4, linestyle="none", label="folds")
    if found.shaken is None:
        return [folds]
    places = predictors_drawn(found)
    beyond = [bool(found.shaken.low[i] > 0 or found.shaken.high[i] < 0) for i in places]
    stable = [found.stable(i) for i in places]
    key: list[Line2D | Patch] = []
    if any(beyond):
        key.append(_interval("90 % of bootstraps beyond zero", INK))
    if not all(beyond):
        key.append(_interval("90 % of bootstraps reach zero", PAPER))
    if any(stable):
        key.append(Patch(color=BLUE, alpha=0.75, linewidth=0, label="bootstraps, stable"))
    if not all(stable):
        key.append(Patch(color=MUTED, alpha=0.45, linewidth=0, label="bootstraps, not stable"))
    known = found.stability is not None and bool(np.isfinite(found.stability.folds).any())
    return [*key, folds] if known else key


def _interval(label: str, face: str) -> Line2D:
    return Line2D([], [], color=INK, marker="o", markersize=5.5, markerfacecolor=face, linewidth=1.4, label=label)
