"""Correlations with their intervals, one under the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory

from features import Correlation

from ..figures import BLUE, INK, LINE, MUTED, PAPER, VERMILION, new_figure, signed, style, wrapped
from ._words import percent

ROW, HEAD = 0.34, 0.27  # inches
WIDTH = 26  # letters of a row's label
TITLE_WIDTH = 56  # and of a group's title
APART = 0.17  # of a row, by which Pearson stands above and Spearman below


@dataclass(frozen=True)
class ForestRow:
    """One pair of columns.

    Fields:
        label: beside it.
        pearson, spearman: both correlations.
        blind: |r| below which so few people show nothing in more than two of ten studies; None for not drawn.
    """

    label: str
    pearson: Correlation
    spearman: Correlation
    blind: float | None = None


def forest_figure(groups: Sequence[tuple[str, Sequence[ForestRow]]], level: float) -> Figure:
    """Each group's rows under its title; filled where the interval excludes zero.

    Arguments:
        groups: title and rows.
        level: of the intervals, for the key.
    """
    heads = [wrapped(title, TITLE_WIDTH, 2) for title, _ in groups]
    high = sum(HEAD * (1 + head.count("\n")) + ROW * len(rows) for head, (_, rows) in zip(heads, groups, strict=True))
    with style():
        figure = new_figure(1.15 + high)
        axes = figure.subplots()
        at, ticks, labels = 0.0, [], []
        for head, (_, rows) in zip(heads, groups, strict=True):
            tall = HEAD * (1 + head.count("\n")) / ROW
            _head(axes, head, at + tall / 2 - 0.5)
            at += tall
            for row in rows:
                _row(axes, row, at)
                ticks.append(at)
                labels.append(wrapped(row.label, WIDTH, 2))
                at += 1
        _finish(axes, ticks, labels, at)
        figure.legend(
            handles=_key(level, [row for _, rows in groups for row in rows]),
            loc="outside lower left",
            ncols=2,
            columnspacing=1.2,
        )
    return figure


def _head(axes: Axes, text: str, at: float) -> None:
    """A group's title over the whole width, left of the axes too; the layout is made for the rows alone."""
    across = blended_transform_factory(axes.figure.transFigure, axes.transData)
    box = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}
    drawn = axes.text(
        0.01, at, text, fontsize=8.5, fontweight="bold", va="center", linespacing=1.1, bbox=box, transform=across
    )
    drawn.set_in_layout(False)


def _row(axes: Axes, row: ForestRow, at: float) -> None:
    if row.blind is not None:
        axes.barh(at, 2 * row.blind, left=-row.blind, height=0.9, color=LINE, alpha=0.6, linewidth=0, zorder=0)
    for one, marker, shift in ((row.pearson, "o", -APART), (row.spearman, "D", APART)):
        sure = one.low > 0 or one.high < 0
        colour = MUTED if not sure else VERMILION if one.r > 0 else BLUE
        axes.plot([one.low, one.high], [at + shift] * 2, color=colour, linewidth=1.8 if sure else 1.2, zorder=2)
        axes.plot(
            one.r,
            at + shift,
            marker,
            color=colour,
            markerfacecolor=colour if sure else PAPER,
            markersize=5 if marker == "o" else 4,
            zorder=3,
        )
    axes.text(1.04, at, signed(row.pearson.r), va="center", fontsize=8.5, color=INK)


def _finish(axes: Axes, ticks: Sequence[float], labels: Sequence[str], end: float) -> None:
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
    axes.spines["left"].set_visible(False)
    axes.set(xlim=(-1, 1), ylim=(end - 0.4, -0.6), xlabel="Correlation (numbers: Pearson's r)")
    axes.set_yticks(ticks, labels, fontsize=8.5, linespacing=1.1)
    axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "0.5", "1"])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_axisbelow(True)


def _key(level: float, rows: Sequence[ForestRow]) -> list[Line2D | Patch]:
    """What is drawn, and nothing else."""

    def mark(label: str, colour: str, marker: str = "o", face: str = "") -> Line2D:
        width = 1.2 if face else 1.8
        return Line2D(
            [],
            [],
            color=colour,
            marker=marker,
            markerfacecolor=face or colour,
            markersize=5,
            linewidth=width,
            label=label,
        )

    every = [one for row in rows for one in (row.pearson, row.spearman)]
    key: list[Line2D | Patch] = [
        mark(f"Pearson, {percent(level)} interval", MUTED, face=PAPER),
        mark("Spearman (of ranks)", MUTED, "D", PAPER),
    ]
    if any(one.low > 0 for one in every):
        key.append(mark("interval above zero", VERMILION))
    if any(one.high < 0 for one in every):
        key.append(mark("interval below zero", BLUE))
    if any(row.blind is not None for row in rows):
        key.append(Patch(facecolor=LINE, alpha=0.6, label="unseen in over 2 of 10 studies"))
    return key
