"""Pictures of estimates against what was planted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..figures import (
    ARM_COLOUR,
    ARM_MARKER,
    BLUE,
    INK,
    MUTED,
    PAPER,
    VERMILION,
    literal_text,
    new_figure,
    style,
    zero_line,
)
from ..results import LEVEL, Z, connections
from ._recovery import ArmChange, RecoveredParameters

_DASHED, _DOTTED = (0, (2, 1)), (0, (2, 2))


def recovered_figure(recovered: RecoveredParameters, names: Sequence[str]) -> Figure:
    """Posterior means against planted values with 90 % intervals, one colour and marker to a parameter, Hz."""
    with style():
        figure = new_figure(4.6)
        axes = figure.subplots()
        columns = [recovered.column(name) for name in names]
        _draw_diagonal(axes, recovered.planted[:, columns], recovered.mean[:, columns], margin=0.1)
        looks = ((VERMILION, "o"), (BLUE, "s"))
        for column, (colour, marker) in zip(columns, looks, strict=True):
            name = recovered.names[column]
            axes.errorbar(
                recovered.planted[:, column],
                recovered.mean[:, column],
                yerr=Z * recovered.sd[:, column],
                fmt=marker,
                color=colour,
                markersize=4.5,
                elinewidth=0.8,
                alpha=0.75,
                markeredgewidth=0,
                label=literal_text(
                    f"{connections([name])[0].words}: r = {recovered.correlation(name):.2f}, "
                    f"{recovered.coverage([name]):.0f} % hold"
                ),
            )
        axes.set(xlabel="Planted, Hz", ylabel="Estimated, Hz (posterior mean, 90 % credible interval)")
        axes.set_title(f"{recovered.coverage(names):.0f} % of 90 % intervals hold the planted value")
        figure.legend(loc="outside lower center", ncols=1)
    return figure


def change_figure(changes: Sequence[ArmChange], title: str, meaning: str) -> Figure:
    """Change of B(faces) on one connection, Hz, for each arm: participants, the group's mean, the planted mean.

    Both means are at average improvement. `meaning` says what a more negative value means.
    """
    with style():
        figure = new_figure(4.0)
        axes = figure.subplots()
        zero_line(axes)
        for place, change in enumerate(changes):
            _draw_arm(axes, place, change)
        axes.set_xticks(range(len(changes)), [f"{change.arm}\nn = {change.mean.size}" for change in changes])
        axes.tick_params(axis="x", length=0, labelcolor=INK)
        axes.set_xlim(-0.5, len(changes) - 0.5)
        axes.set_ylabel("Session 2 − session 1, Hz")
        axes.set_title(literal_text(title))
        axes.set_xlabel(f"↓ more negative = {meaning}", color=MUTED)
        figure.legend(handles=_change_legend(), loc="outside upper left", ncols=3, columnspacing=1.2, handletextpad=0.5)
    return figure


def improvement_figure(changes: Sequence[ArmChange], title: str) -> Figure:
    """Change of B(faces) on one connection, Hz, against improvement, points; the arms' lines as found and planted."""
    with style():
        figure = new_figure(4.0)
        axes = figure.subplots()
        zero_line(axes)
        span = np.concatenate([change.improvement for change in changes])
        ends = np.array([min(span.min(), 0), span.max()])
        for change in changes:
            _draw_improvement(axes, change, ends)
        axes.set_xlabel("Improvement of symptoms, points (more = better)")
        axes.set_ylabel("Session 2 − session 1, Hz")
        axes.set_title(literal_text(title))
        figure.legend(handles=_improvement_legend(changes), loc="outside upper left", ncols=2)
    return figure


def in_group_figure(changes: Sequence[ArmChange], title: str) -> Figure:
    """Every participant's change as found alone and with the group as prior, against what was planted, Hz."""
    with style():
        figure = new_figure(4.6)
        axes = figure.subplots()
        found = np.concatenate([values for change in changes for values in (change.mean, change.in_group)])
        _draw_diagonal(axes, np.concatenate([change.planted for change in changes]), found, margin=0.05)
        for change in changes:
            colour, marker = ARM_COLOUR[change.arm], ARM_MARKER[change.arm]
            axes.plot([change.planted] * 2, [change.mean, change.in_group], color=colour, linewidth=0.8, alpha=0.6)
            axes.plot(change.planted, change.mean, marker, color=colour, markerfacecolor=PAPER, markersize=4.5)
            axes.plot(change.planted, change.in_group, marker, color=colour, markersize=5.5, markeredgewidth=0)
        axes.set(xlabel="Planted change, Hz", ylabel="Estimated change, Hz")
        axes.set_title(literal_text(title))
        figure.legend(handles=_in_group_legend(changes), loc="outside upper left", ncols=2)
    return figure


def _draw_diagonal(axes: Axes, planted: np.ndarray, found: np.ndarray, margin: float) -> None:
    """The line on which what was found is what was planted, and limits around both."""
    ends = np.array([min(planted.min(), found.min()) - margin, max(planted.max(), found.max()) + margin])
    axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.set(xlim=tuple(ends), ylim=tuple(ends))


def _draw_arm(axes: Axes, place: int, change: ArmChange) -> None:
    colour, n = ARM_COLOUR[change.arm], change.mean.size
    found = change.posterior_at(np.array([change.centre]))
    (mean,), ((low, high),) = found.mean.tolist(), found.interval(LEVEL).tolist()
    order = np.argsort(change.planted)  # so that neighbours are alike and intervals do not hide each other
    axes.errorbar(
        place + np.linspace(-0.3, 0.1, n),
        change.mean[order],
        yerr=Z * change.sd[order],
        fmt=ARM_MARKER[change.arm],
        color=colour,
        markersize=5,
        markeredgewidth=0,
        elinewidth=0.8,
        alpha=0.7,
    )
    axes.errorbar(
        place + 0.27,
        mean,
        yerr=[[mean - low], [high - mean]],
        fmt="D",
        color=INK,
        markerfacecolor=colour,
        markersize=8,
        elinewidth=2,
        capsize=4,
        zorder=5,
    )
    axes.plot([place + 0.15, place + 0.42], [change.planted_mean] * 2, color=INK, linewidth=1.6, linestyle=_DASHED)


def _draw_improvement(axes: Axes, change: ArmChange, ends: np.ndarray) -> None:
    colour = ARM_COLOUR[change.arm]
    axes.errorbar(
        change.improvement,
        change.mean,
        yerr=Z * change.sd,
        fmt=ARM_MARKER[change.arm],
        color=colour,
        markersize=5,
        markeredgewidth=0,
        elinewidth=0.7,
        alpha=0.7,
    )
    across = np.linspace(ends[0], ends[1], 31)
    found = change.posterior_at(across)
    low, high = found.interval(LEVEL).T
    axes.fill_between(across, low, high, color=colour, alpha=0.13, linewidth=0)
    axes.plot(across, found.mean, color=colour, linewidth=2)
    axes.plot(ends, change.planted_slope * ends, color=colour, linewidth=1.6, linestyle=_DOTTED)


def _change_legend() -> list[Line2D]:
    return [
        Line2D([], [], color=MUTED, marker="o", markersize=5, linewidth=0.8, label="participant, 90 %"),
        Line2D([], [], color=INK, marker="D", markersize=6, markerfacecolor=MUTED, linewidth=2, label="group, 90 %"),
        Line2D([], [], color=INK, linewidth=1.6, linestyle=_DASHED, label="planted"),
    ]


def _improvement_legend(changes: Sequence[ArmChange]) -> list[Line2D]:
    found, planted = [], []
    for change in changes:
        colour, marker = ARM_COLOUR[change.arm], ARM_MARKER[change.arm]
        found.append(Line2D([], [], color=colour, marker=marker, linewidth=2, label=f"{change.arm}, group"))
        planted.append(Line2D([], [], color=colour, linewidth=1.6, linestyle=_DOTTED, label="planted"))
    return [*found, *planted]


def _in_group_legend(changes: Sequence[ArmChange]) -> list[Line2D]:
    empty = dict[str, Any](color=MUTED, marker="o", linestyle="none", markersize=5)
    arms = dict.fromkeys(change.arm for change in changes)
    return [
        Line2D([], [], markerfacecolor=PAPER, **empty, label="participant alone"),
        Line2D([], [], **empty, label="with the group as prior"),
        *(Line2D([], [], color=ARM_COLOUR[arm], marker=ARM_MARKER[arm], linestyle="none", label=arm) for arm in arms),
    ]
