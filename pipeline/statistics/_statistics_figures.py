"""Figures: scores before and after in each arm, and correlations with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory

from features import ArmMeanChange, CellMean, Correlation

from ..figures import (
    ARM_COLOUR,
    BLUE,
    INK,
    LINE,
    MUTED,
    OTHER_COLOURS,
    PAPER,
    VERMILION,
    literal_text,
    new_figure,
    shorten_name,
    signed_number,
    style,
    wrap_text,
)
from ._interval_text import percent, with_interval
from ._outcomes import OutcomeResult
from ._participant_scores import ParticipantScores

ASIDE = 0.14  # of a session's width, by which means stand beside participants's values


def scores_figure(result: OutcomeResult, participants: ParticipantScores) -> Figure:
    """Everybody's score at both sessions, and each arm's means by the mixed model with their intervals."""
    scores, model = result.scores, result.model
    with style():
        figure = new_figure(3.9)
        panels = figure.subplots(1, 2, sharey=True)
        for place, axes in enumerate(panels):
            mine = participants.arm == (1 - 2 * place)
            name = participants.arms[place]
            colour = ARM_COLOUR.get(name.strip().lower(), OTHER_COLOURS[place])
            _lines(axes, scores.before[mine], scores.after[mine], colour)
            _means(axes, model.cells[2 * place : 2 * place + 2], colour, ("o", "s")[place])
            _label_scores(axes, model.change.arms[place], int(mine.sum()), participants.sessions)
        lone = bool(_one_session(scores.before, scores.after).any())
        panels[0].set_ylabel(wrap_text(f"{scores.name}, {scores.unit}", 40, 2, balanced=True))
        figure.legend(handles=_scores_legend(model.level, lone), loc="outside lower left", ncols=3, columnspacing=1.2)
    return figure


def _one_session(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.isfinite(before) != np.isfinite(after)


def _lines(axes: Axes, before: np.ndarray, after: np.ndarray, colour: str) -> None:
    """A line for each participant; a hollow point where one session is missing."""
    axes.plot([0, 1], [before, after], color=colour, linewidth=0.9, alpha=0.4, zorder=2)
    lone = _one_session(before, after)
    for place, values in enumerate((before, after)):
        both = values[~lone]
        axes.plot(np.full(both.size, place), both, ".", color=colour, markersize=4, alpha=0.5, zorder=2)
        axes.plot(np.full(lone.sum(), place), values[lone], "o", color=colour, markersize=4, markerfacecolor=PAPER)


def _means(axes: Axes, cells: tuple[CellMean, ...], colour: str, marker: str) -> None:
    across = np.array([-ASIDE, 1 + ASIDE])
    mean, low, high = (np.array([getattr(cell, key) for cell in cells]) for key in ("estimate", "low", "high"))
    axes.plot(across, mean, color=INK, linewidth=2, zorder=3)
    axes.errorbar(across, mean, yerr=(mean - low, high - mean), fmt="none", ecolor=INK, elinewidth=2, zorder=3)
    axes.plot(across, mean, marker, color=INK, markerfacecolor=colour, markersize=7, linestyle="none", zorder=4)


def _label_scores(axes: Axes, change: ArmMeanChange, participants: int, sessions: tuple[str, str]) -> None:
    found = change.mean
    axes.set_title(
        f"{literal_text(shorten_name(change.arm, 20))}, n = {participants}\n"
        f"change {with_interval(found.estimate, found.low, found.high)}",
        fontsize=8.5,
    )
    labels = [literal_text(shorten_name(session, 14)) for session in sessions]
    axes.set_xticks([0, 1], [f"before\n{labels[0]}", f"after\n{labels[1]}"])
    axes.set_xlim(-0.35, 1.35)
    axes.tick_params(axis="x", length=0)


def _scores_legend(level: float, lone: bool) -> list[Line2D]:
    key = [
        Line2D([], [], color=MUTED, linewidth=0.9, marker=".", markersize=4, label="each participant"),
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
        blind: |r| below which so few participants show nothing in more than two of ten studies; None for not drawn.
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
    heads = [wrap_text(title, TITLE_WIDTH, 2) for title, _ in groups]
    high = sum(HEAD * (1 + head.count("\n")) + ROW * len(rows) for head, (_, rows) in zip(heads, groups, strict=True))
    with style():
        figure = new_figure(1.15 + high)
        axes = figure.subplots()
        at, ticks, labels = 0.0, [], []
        for head, (_, rows) in zip(heads, groups, strict=True):
            tall = HEAD * (1 + head.count("\n")) / ROW
            _group_title(axes, head, at + tall / 2 - 0.5)
            at += tall
            for row in rows:
                _forest_row(axes, row, at)
                ticks.append(at)
                labels.append(wrap_text(row.label, WIDTH, 2))
                at += 1
        _label_forest(axes, ticks, labels, at)
        figure.legend(
            handles=_forest_legend(level, [row for _, rows in groups for row in rows]),
            loc="outside lower left",
            ncols=2,
            columnspacing=1.2,
        )
    return figure


def _group_title(axes: Axes, text: str, at: float) -> None:
    """A group's title over the whole width, left of the axes too; the layout is made for the rows alone."""
    across = blended_transform_factory(axes.figure.transFigure, axes.transData)
    box = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}
    drawn = axes.text(
        0.01, at, text, fontsize=8.5, fontweight="bold", va="center", linespacing=1.1, bbox=box, transform=across
    )
    drawn.set_in_layout(False)


def _forest_row(axes: Axes, row: ForestRow, at: float) -> None:
    if row.blind is not None:
        axes.barh(at, 2 * row.blind, left=-row.blind, height=0.9, color=LINE, alpha=0.6, linewidth=0, zorder=0)
    for correlation, marker, shift in ((row.pearson, "o", -APART), (row.spearman, "D", APART)):
        sure = correlation.low > 0 or correlation.high < 0
        colour = MUTED if not sure else VERMILION if correlation.r > 0 else BLUE
        axes.plot(
            [correlation.low, correlation.high],
            [at + shift] * 2,
            color=colour,
            linewidth=1.8 if sure else 1.2,
            zorder=2,
        )
        axes.plot(
            correlation.r,
            at + shift,
            marker,
            color=colour,
            markerfacecolor=colour if sure else PAPER,
            markersize=5 if marker == "o" else 4,
            zorder=3,
        )
    axes.text(1.04, at, signed_number(row.pearson.r), va="center", fontsize=8.5, color=INK)


def _label_forest(axes: Axes, ticks: Sequence[float], labels: Sequence[str], end: float) -> None:
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
    axes.spines["left"].set_visible(False)
    axes.set(xlim=(-1, 1), ylim=(end - 0.4, -0.6), xlabel="Correlation (numbers: Pearson's r)")
    axes.set_yticks(ticks, labels, fontsize=8.5, linespacing=1.1)
    axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "0.5", "1"])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_axisbelow(True)


def _forest_legend(level: float, rows: Sequence[ForestRow]) -> list[Line2D | Patch]:
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

    every = [correlation for row in rows for correlation in (row.pearson, row.spearman)]
    key: list[Line2D | Patch] = [
        mark(f"Pearson, {percent(level)} interval", MUTED, face=PAPER),
        mark("Spearman (of ranks)", MUTED, "D", PAPER),
    ]
    if any(correlation.low > 0 for correlation in every):
        key.append(mark("interval above zero", VERMILION))
    if any(correlation.high < 0 for correlation in every):
        key.append(mark("interval below zero", BLUE))
    if any(row.blind is not None for row in rows):
        key.append(Patch(facecolor=LINE, alpha=0.6, label="unseen in over 2 of 10 studies"))
    return key
