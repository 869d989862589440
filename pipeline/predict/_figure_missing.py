"""Picture: whose values are missing, measure by measure."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..figures import INK, LINE, MUTED, VERMILION, beside, new_figure, plain, shortened, style
from ._names import name_lines
from ._performance import MUCH_MISSING
from ._result import Prediction

MOST = 30  # columns drawn
NAMED = 25  # people with their names below
LETTERS = 30


def missing_drawn(found: Prediction) -> tuple[int, ...]:
    """Places of the columns with values missing, the emptiest first."""
    order = np.argsort(-found.missing, kind="stable")
    return tuple(int(place) for place in order if found.missing[place] > 0)[:MOST]


def missing_figure(found: Prediction) -> Figure | None:
    """People across, columns down, a block where a value is missing; None where none is."""
    places = missing_drawn(found)
    if not places:
        return None
    labels = [name_lines(found.predictors.columns[place].name, LETTERS) for place in places]
    holes = np.isnan(found.predictors.values[:, places]).T
    lines = max(label.count("\n") + 1 for label in labels)
    with style():
        figure = new_figure(0.75 + (0.145 * lines + 0.07) * len(places) + (0.6 if found.people <= NAMED else 0))
        axes = figure.subplots()
        for row, place in enumerate(places):
            much = found.missing[place] > MUCH_MISSING
            axes.barh(row, found.people, left=-0.5, height=0.7, color=LINE, alpha=0.5, linewidth=0)
            axes.broken_barh(_runs(holes[row]), (row - 0.35, 0.7), color=VERMILION if much else MUTED, linewidth=0)
            beside(axes, row, f"{found.missing[place]:.0%}", weight="bold" if much else "normal")
        axes.set_yticks(range(len(places)), labels, fontsize=8, linespacing=1.1)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set(xlim=(-0.5, found.people - 0.5), ylim=(len(places) - 0.4, -0.6))
        axes.spines["left"].set_visible(False)
        _people(axes, found.predictors.people)
    return figure


def _runs(holes: np.ndarray) -> list[tuple[float, float]]:
    """(start, width) of neighbours that are missing, so that a picture of hundreds holds few blocks."""
    steps = np.diff(np.concatenate([[0], holes.astype(int), [0]]))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return [(start - 0.5, end - start) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _people(axes: Axes, people: tuple[str, ...]) -> None:
    if len(people) <= NAMED:
        names = [plain(shortened(name, 14)) for name in people]
        axes.set_xticks(range(len(people)), names, rotation=90, fontsize=7.5)
        axes.tick_params(axis="x", length=0, labelcolor=INK)
        return
    axes.set_xticks(np.linspace(0, len(people) - 1, 5).round().astype(int))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value + 1:.0f}")
    axes.set_xlabel("People, in the order of the table")
