"""Pictures of a two-arm trial: change by arm, change against improvement, what the group adds, and the circuit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch

from ._figure_style import (
    ARM_COLOUR,
    ARM_MARKER,
    BLUE,
    INK,
    MUTED,
    PAPER,
    VERMILION,
    new_figure,
    plain,
    signed,
    style,
    zero_line,
)
from ._recovery import Change, Z


def change_figure(changes: Sequence[Change], title: str, meaning: str) -> Figure:
    """Change of B(faces) on one connection, Hz, for each arm: participants, the group's mean, the planted mean.

    Both means are at average improvement. `meaning` says what a more negative value means.
    """
    with style():
        figure = new_figure(4.0)
        axes = figure.subplots()
        zero_line(axes)
        for place, change in enumerate(changes):
            _arm(axes, place, change)
        axes.set_xticks(range(len(changes)), [f"{change.arm}\nn = {change.mean.size}" for change in changes])
        axes.tick_params(axis="x", length=0, labelcolor=INK)
        axes.set_xlim(-0.5, len(changes) - 0.5)
        axes.set_ylabel("Session 2 − session 1, Hz")
        axes.set_title(plain(title))
        axes.set_xlabel(f"↓ more negative = {meaning}", color=MUTED)
        figure.legend(handles=_change_key(), loc="outside upper left", ncols=3, columnspacing=1.2, handletextpad=0.5)
    return figure


def improvement_figure(changes: Sequence[Change], title: str) -> Figure:
    """Change of B(faces) on one connection, Hz, against improvement, points; the arms' lines as found and planted."""
    with style():
        figure = new_figure(4.0)
        axes = figure.subplots()
        zero_line(axes)
        span = np.concatenate([change.improvement for change in changes])
        ends = np.array([min(span.min(), 0), span.max()])
        across = np.linspace(ends[0], ends[1], 61)
        for change in changes:
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
            line, sd = change.line(across)
            axes.fill_between(across, line - Z * sd, line + Z * sd, color=colour, alpha=0.13, linewidth=0)
            axes.plot(across, line, color=colour, linewidth=2)
            axes.plot(ends, change.planted_slope * ends, color=colour, linewidth=1.6, linestyle=(0, (2, 2)))
        axes.set_xlabel("Improvement of symptoms, points (more = better)")
        axes.set_ylabel("Session 2 − session 1, Hz")
        axes.set_title(plain(title))
        figure.legend(handles=_improvement_key(changes), loc="outside upper left", ncols=2)
    return figure


def in_group_figure(changes: Sequence[Change], title: str) -> Figure:
    """Every participant's change as found alone and with the group as prior, against what was planted, Hz."""
    with style():
        figure = new_figure(4.6)
        axes = figure.subplots()
        inside = np.concatenate([values for one in changes for values in (one.planted, one.mean, one.in_group)])
        ends = np.array([inside.min() - 0.05, inside.max() + 0.05])
        axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for change in changes:
            colour, marker = ARM_COLOUR[change.arm], ARM_MARKER[change.arm]
            axes.plot([change.planted] * 2, [change.mean, change.in_group], color=colour, linewidth=0.8, alpha=0.6)
            axes.plot(change.planted, change.mean, marker, color=colour, markerfacecolor=PAPER, markersize=4.5)
            axes.plot(change.planted, change.in_group, marker, color=colour, markersize=5.5, markeredgewidth=0)
        axes.set(xlim=tuple(ends), ylim=tuple(ends), xlabel="Planted change, Hz", ylabel="Found change, Hz")
        axes.set_title(plain(title))
        figure.legend(handles=_in_group_key(changes), loc="outside upper left", ncols=2)
    return figure


def circuit_figure(
    regions: tuple[str, str],
    endogenous: np.ndarray,
    modulation: np.ndarray,
    driving: Mapping[str, np.ndarray],
    modulator: str,
) -> Figure:
    """Two regions and the connections between them, (to, from) in Hz: A, and what `modulator` adds (B).

    `driving` maps an input's name to its weight on each region. Arrows are as wide as |B|, and coloured and ended by
    its sign.
    """
    with style():
        figure = new_figure(3.4, layout=None)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 10), ylim=(0, 6.6), aspect="equal")
        axes.set_axis_off()
        places = [(2.0, 3.5), (8.0, 3.5)]
        for source, to, height in ((1, 0, 5.95), (0, 1, 1.75)):
            _connection(axes, places[source], places[to], float(modulation[to, source]))
            label = f"B({modulator}) {signed(modulation[to, source])} Hz"
            axes.text(5, height, plain(label), ha="center", va="center", fontsize=11, fontweight="bold")
            label = f"A {signed(endogenous[to, source])} Hz"
            axes.text(5, height - 0.5, label, ha="center", va="center", color=MUTED)
        for region, (x, y) in enumerate(places):
            axes.add_patch(Circle((x, y), 1.15, facecolor=PAPER, edgecolor=INK, linewidth=1.8, zorder=3))
            axes.text(x, y, plain(regions[region]), ha="center", va="center", fontsize=10.5, zorder=4)
            for name, weights in driving.items():
                _drive(axes, x, f"{name}: C {signed(weights[region])} Hz")
        axes.legend(handles=_circuit_key(), loc="lower center", ncols=2, bbox_to_anchor=(0.5, -0.02))
    return figure


def _arm(axes: Axes, place: int, change: Change) -> None:
    colour, n = ARM_COLOUR[change.arm], change.mean.size
    order = np.argsort(change.planted)  # so that neighbours are alike and intervals do not hide each other
    across = place + np.linspace(-0.3, 0.1, n)
    axes.errorbar(
        across,
        change.mean[order],
        yerr=Z * change.sd[order],
        fmt=ARM_MARKER[change.arm],
        color=colour,
        markersize=5,
        markeredgewidth=0,
        elinewidth=0.8,
        alpha=0.7,
    )
    average = change.average
    axes.errorbar(
        place + 0.27,
        average.value,
        yerr=[[average.value - average.low], [average.high - average.value]],
        fmt="D",
        color=INK,
        markerfacecolor=colour,
        markersize=8,
        elinewidth=2,
        capsize=4,
        zorder=5,
    )
    axes.plot([place + 0.15, place + 0.42], [change.planted_mean] * 2, color=INK, linewidth=1.6, linestyle=(0, (2, 1)))


def _change_key() -> list[Line2D]:
    return [
        Line2D([], [], color=MUTED, marker="o", markersize=5, linewidth=0.8, label="participant, 90 %"),
        Line2D([], [], color=INK, marker="D", markersize=6, markerfacecolor=MUTED, linewidth=2, label="group, 90 %"),
        Line2D([], [], color=INK, linewidth=1.6, linestyle=(0, (2, 1)), label="planted"),
    ]


def _improvement_key(changes: Sequence[Change]) -> list[Line2D]:
    found, planted = [], []
    for change in changes:
        colour, marker = ARM_COLOUR[change.arm], ARM_MARKER[change.arm]
        found.append(Line2D([], [], color=colour, marker=marker, linewidth=2, label=f"{change.arm}, group"))
        planted.append(Line2D([], [], color=colour, linewidth=1.6, linestyle=(0, (2, 2)), label="planted"))
    return [*found, *planted]


def _in_group_key(changes: Sequence[Change]) -> list[Line2D]:
    arms = {change.arm: ARM_COLOUR[change.arm] for change in changes}
    empty = dict[str, Any](color=MUTED, marker="o", linestyle="none", markersize=5)
    return [
        Line2D([], [], markerfacecolor=PAPER, **empty, label="participant alone"),
        Line2D([], [], **empty, label="in the group"),
        *(Line2D([], [], color=arms[arm], marker=ARM_MARKER[arm], linestyle="none", label=arm) for arm in arms),
    ]


def _connection(axes: Axes, start: tuple[float, float], end: tuple[float, float], strength: float) -> None:
    """A bent arrow: a head where faces excite more, a bar where they inhibit."""
    positive = strength >= 0
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            connectionstyle="arc3,rad=0.42",
            arrowstyle="-|>,head_length=6,head_width=3.5" if positive else "|-|,widthA=0,widthB=7",
            mutation_scale=1.6,
            shrinkA=42,
            shrinkB=46,
            linewidth=1.2 + 6 * min(abs(strength), 1.0),
            color=VERMILION if positive else BLUE,
            zorder=2,
        )
    )


def _drive(axes: Axes, x: float, label: str) -> None:
    axes.annotate(
        plain(label),
        (x, 2.3),
        (x, 1.2),
        ha="center",
        va="center",
        color=MUTED,
        fontsize=9.5,
        arrowprops={"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.2},
    )


def _circuit_key() -> list[Line2D]:
    return [
        Line2D([], [], color=VERMILION, linewidth=4, marker=">", label="faces strengthen (+)"),
        Line2D([], [], color=BLUE, linewidth=4, marker="|", markersize=10, label="faces weaken (−)"),
    ]
