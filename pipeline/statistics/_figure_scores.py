"""A score before and after, a line for each person, an arm beside the other."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from features import ArmChange, CellMean

from ..figures import ARM_COLOUR, INK, MUTED, OTHER_COLOURS, PAPER, new_figure, plain, shortened, style, wrapped
from ._outcomes import OutcomeResult
from ._people import StudyPeople
from ._words import percent, with_interval

ASIDE = 0.14  # of a session's width, by which means stand beside people's values


def scores_figure(result: OutcomeResult, people: StudyPeople) -> Figure:
    """Everybody's score at both sessions, and each arm's means by the mixed model with their intervals."""
    scores, model = result.scores, result.model
    with style():
        figure = new_figure(3.9)
        panels = figure.subplots(1, 2, sharey=True)
        for place, axes in enumerate(panels):
            mine = people.arm == (1 - 2 * place)
            name = people.arms[place]
            colour = ARM_COLOUR.get(name.strip().lower(), OTHER_COLOURS[place])
            _lines(axes, scores.before[mine], scores.after[mine], colour)
            _means(axes, model.cells[2 * place : 2 * place + 2], colour, ("o", "s")[place])
            _finish(axes, model.change.arms[place], int(mine.sum()), people.sessions)
        lone = bool(_lone(scores.before, scores.after).any())
        panels[0].set_ylabel(wrapped(f"{scores.name}, {scores.unit}", 40, 2, balanced=True))
        figure.legend(handles=_key(model.level, lone), loc="outside lower left", ncols=3, columnspacing=1.2)
    return figure


def _lone(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.isfinite(before) != np.isfinite(after)


def _lines(axes: Axes, before: np.ndarray, after: np.ndarray, colour: str) -> None:
    """A line for each person; a hollow point where one session is missing."""
    axes.plot([0, 1], [before, after], color=colour, linewidth=0.9, alpha=0.4, zorder=2)
    lone = _lone(before, after)
    for place, values in enumerate((before, after)):
        both = values[~lone]
        axes.plot(np.full(both.size, place), both, ".", color=colour, markersize=4, alpha=0.5, zorder=2)
        axes.plot(np.full(lone.sum(), place), values[lone], "o", color=colour, markersize=4, markerfacecolor=PAPER)


def _means(axes: Axes, cells: tuple[CellMean, ...], colour: str, marker: str) -> None:
    across = np.array([-ASIDE, 1 + ASIDE])
    mean, low, high = (np.array([getattr(one, key) for one in cells]) for key in ("estimate", "low", "high"))
    axes.plot(across, mean, color=INK, linewidth=2, zorder=3)
    axes.errorbar(across, mean, yerr=(mean - low, high - mean), fmt="none", ecolor=INK, elinewidth=2, zorder=3)
    axes.plot(across, mean, marker, color=INK, markerfacecolor=colour, markersize=7, linestyle="none", zorder=4)


def _finish(axes: Axes, change: ArmChange, people: int, sessions: tuple[str, str]) -> None:
    found = change.mean
    axes.set_title(
        f"{plain(shortened(change.arm, 20))}, n = {people}\n"
        f"change {with_interval(found.estimate, found.low, found.high)}",
        fontsize=8.5,
    )
    labels = [plain(shortened(one, 14)) for one in sessions]
    axes.set_xticks([0, 1], [f"before\n{labels[0]}", f"after\n{labels[1]}"])
    axes.set_xlim(-0.35, 1.35)
    axes.tick_params(axis="x", length=0)


def _key(level: float, lone: bool) -> list[Line2D]:
    key = [
        Line2D([], [], color=MUTED, linewidth=0.9, marker=".", markersize=4, label="each person"),
        Line2D([], [], color=INK, linewidth=2, marker="o", markersize=6, label=f"mean, {percent(level)} interval"),
    ]
    if lone:
        key.append(
            Line2D(
                [],
                [],
                color=MUTED,
                marker="o",
                markerfacecolor=PAPER,
                markersize=4,
                linestyle="none",
                label="one session",
            )
        )
    return key
