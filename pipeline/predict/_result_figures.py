"""Figures of what was found: observed and predicted outcomes, coefficients, and slopes in each arm."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from scipy import stats

from features import ArmSlopes, Outcome, Stability

from ..common import name_parts
from ..figures import (
    ARM_COLOUR,
    BLUE,
    INK,
    LINE,
    MUTED,
    PAPER,
    VERMILION,
    add_key,
    given_or_new_axes,
    literal_text,
    new_figure,
    shorten_name,
    style,
    wrap_text,
)
from ..verdicts import RETAINED_SHARE
from ._answers import number
from ._result import ElasticNetResult

_SEAMS = re.compile(r"(?<=[\s-])")  # a line may end after these, and where parts of a name end


def name_lines(name: str, width: int, lines: int = 4) -> str:
    """A name in at most so many lines of `width` letters, as a picture may show it."""
    name = " ".join(name.split())
    pieces = _wrap(name, width)
    length = min(len(name), width * lines)
    while len(pieces) > lines:
        pieces = _wrap(shorten_name(name, length), width)
        length -= 1
    return "\n".join(literal_text(piece) for piece in pieces)


def unit_of(outcome: Outcome) -> str:
    """What an effect on the outcome is counted in: its unit, or its name where that is short."""
    return outcome.unit or shorten_name(outcome.name, 24)


def plain_ticks(*axes: Axis) -> None:
    """Numbers in full at each tick; no power of ten at the end of the axis, where it is overlooked."""
    for axis in axes:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))


def _wrap(text: str, width: int) -> list[str]:
    """Lines filled from the left; a part that is longer than a line is cut."""
    found = [""]
    for part in (part for word in _SEAMS.split(text) for part in name_parts(word)):
        cuts = [*range(0, len(part), width), len(part)]
        for start, end in pairwise(cuts):
            if len((found[-1] + part[start:end]).rstrip()) > width:
                found.append("")
            found[-1] += part[start:end]
    return [line.strip() for line in found]


MARKERS = ("o", "s")


@dataclass(frozen=True, eq=False)
class GroupStyle:
    """Some participants, alike: their places, name, colour, marker."""

    participants: np.ndarray
    label: str
    colour: str
    marker: str


def group_styles(result: ElasticNetResult) -> tuple[GroupStyle, ...]:
    """Of both arms; of everybody where there are none."""
    if result.arms is None or result.arm is None:
        return (GroupStyle(np.ones(result.participants, dtype=bool), "each participant", BLUE, MARKERS[0]),)
    return tuple(
        GroupStyle(result.arm * sign > 0, literal_text(shorten_name(name, 24)), colour, marker)
        for sign, name, colour, marker in zip((1, -1), result.arms, arm_colours(result.arms), MARKERS, strict=True)
    )


def arm_colours(arms: tuple[str, str]) -> tuple[str, str]:
    """Known arms keep their colour over all pictures; the other takes the one that is left."""
    known = [ARM_COLOUR.get(name.strip().lower()) for name in arms]
    first = known[0] or (BLUE if known[1] == VERMILION else VERMILION)
    second = known[1] or (BLUE if first == VERMILION else VERMILION)
    return (first, second) if first != second else (VERMILION, BLUE)


DASHES = (0, (4, 3))
DOTS = (0, (1, 1.5))


def predicted_figure(result: ElasticNetResult) -> Figure:
    """Everybody's outcome against what the model that saw it, and one that never did, made of it."""
    panels = _predicted_panels(result)
    limits = _axis_limits(np.concatenate([result.outcome.values, *(guess for _, guess in panels)]))
    with style():
        figure = new_figure(3.55)
        grid = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (title, guess) in zip(grid, panels, strict=True):
            _draw_predicted(axes, result, title, guess, limits)
        _label_predicted(grid[0], result)
        figure.legend(
            handles=_predicted_legend(group_styles(result)), loc="outside lower left", ncols=2, columnspacing=1.2
        )
    return figure


def plot_predictions(
    result: ElasticNetResult,
    ax: Axes | None = None,
    *,
    predicted: Literal["left_out", "in_sample"] = "left_out",
    legend: bool = True,
) -> Axes:
    """Each participant's outcome as predicted against as observed.

    Arguments:
        result: of `elastic_net`.
        ax: where to draw; a new figure where None.
        predicted: by a model that never saw the participant, or by the model of all participants.
        legend: whether to draw the key.

    Raises `ValueError` where participants were not left out.
    """
    panels = dict(zip(("in_sample", "left_out"), _predicted_panels(result), strict=False))
    if predicted not in panels:
        raise ValueError("nobody was left out of this model (in_sample_only); give predicted='in_sample'")
    title, guess = panels[predicted]
    with style():
        axes = given_or_new_axes(ax, 4.4)
        _draw_predicted(axes, result, title, guess, _axis_limits(np.concatenate([result.outcome.values, guess])))
        _label_predicted(axes, result)
        if legend:
            add_key(axes, _predicted_legend(group_styles(result)), given=ax is not None)
    return axes


def _predicted_panels(result: ElasticNetResult) -> list[tuple[str, np.ndarray]]:
    """Title and predictions: in the sample, and left out where there are such."""
    panels = [(f"In-sample: r² {number(result.in_sample.r_squared)}", result.in_sample.fitted)]
    if result.nested is not None:
        panels.append((f"Left out: Q² {number(result.nested.q_squared)}", result.nested.predictions))
    return panels


def _draw_predicted(
    axes: Axes, result: ElasticNetResult, title: str, guess: np.ndarray, limits: tuple[float, float]
) -> None:
    y = result.outcome.values
    axes.plot(limits, limits, color=MUTED, linewidth=1, linestyle=DASHES, zorder=1)
    axes.axhline(y.mean(), color=MUTED, linewidth=0.9, linestyle=DOTS, zorder=1)
    _draw_points(axes, group_styles(result), y, guess)
    axes.set_title(title)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set_xlabel(wrap_text(f"Observed {_outcome_label(result.outcome)}", 24, 2, balanced=True))


def _label_predicted(axes: Axes, result: ElasticNetResult) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        plain_ticks(axis)
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.set_ylabel(wrap_text(f"Predicted {_outcome_label(result.outcome)}", 34, 2, balanced=True))


def _outcome_label(outcome: Outcome) -> str:
    return f"{shorten_name(outcome.name, 30)}{f', {outcome.unit}' if outcome.unit else ''}"


def _draw_points(axes: Axes, groups: tuple[GroupStyle, ...], y: np.ndarray, guess: np.ndarray) -> None:
    size = 5.0 if y.size <= 100 else 3.5
    for group in groups:
        axes.plot(
            y[group.participants],
            guess[group.participants],
            group.marker,
            color=group.colour,
            markersize=size,
            markeredgewidth=0,
            alpha=0.75,
            zorder=3,
        )


def _axis_limits(values: np.ndarray) -> tuple[float, float]:
    margin = 0.06 * float(np.ptp(values)) or 0.5
    return float(values.min()) - margin, float(values.max()) + margin


def _predicted_legend(groups: tuple[GroupStyle, ...]) -> list[Line2D]:
    key = [
        Line2D([], [], color=group.colour, marker=group.marker, markersize=5, linestyle="none", label=group.label)
        for group in groups
    ]
    key.append(Line2D([], [], color=MUTED, linewidth=1, linestyle=DASHES, label="predicted = observed"))
    key.append(Line2D([], [], color=MUTED, linewidth=0.9, linestyle=DOTS, label="mean"))
    return key


MOST_PREDICTORS = 20  # predictors drawn
MOST_OF_NONE_RETAINED = 8  # of those not retained, drawn where none is
LABEL_WIDTH = 28  # of a line of a name


def predictors_drawn(result: ElasticNetResult) -> tuple[int, ...]:
    """Places of the retained ones, the largest; where there are none, of those that bootstraps retain most often."""
    if result.retained:
        return result.retained[:MOST_PREDICTORS]
    return () if result.bootstrapped is None else tuple(int(place) for place in result.order[:MOST_OF_NONE_RETAINED])


def predictors_figure(result: ElasticNetResult) -> Figure | None:
    """Coefficients with bootstrap intervals, and the shares that retain each; None where there is nothing to draw."""
    places = predictors_drawn(result)
    if not places:
        return None
    labels = [name_lines(result.labels[place], LABEL_WIDTH) for place in places]
    with style():
        if result.stability is None:
            figure = new_figure(0.75 + _rows_height(labels))
            axes = [figure.subplots()]
        else:
            figure = new_figure(1.15 + _rows_height(labels))
            axes = list(figure.subplots(1, 2, sharey=True, width_ratios=(1.6, 1)))
            _draw_shares(axes[1], result, result.stability, places)
            figure.legend(handles=_predictor_legend(result), loc="outside lower left", ncols=2, columnspacing=1.2)
        _draw_coefficients(axes[0], result, places, labels)
    return figure


def plot_coefficients(result: ElasticNetResult, ax: Axes | None = None, *, legend: bool = True) -> Axes:
    """The largest retained predictors' coefficients per standard deviation, in units of the outcome.

    With the 5th to the 95th percentile of the bootstraps, filled where that excludes zero. Where the model retains
    none, those that bootstraps retain most often.

    Arguments:
        result: of `elastic_net`.
        ax: where to draw; a new figure where None.
        legend: whether to draw the key, where there are bootstraps.
    """
    places = predictors_drawn(result) or tuple(int(place) for place in result.order[:MOST_OF_NONE_RETAINED])
    labels = [name_lines(result.labels[place], LABEL_WIDTH) for place in places]
    with style():
        axes = given_or_new_axes(ax, 1.15 + _rows_height(labels))
        _draw_coefficients(axes, result, places, labels)
        if legend and result.bootstrapped is not None:
            add_key(axes, _interval_legend(result.bootstrapped, places), given=ax is not None)
    return axes


def _draw_coefficients(axes: Axes, result: ElasticNetResult, places: tuple[int, ...], labels: list[str]) -> None:
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
    for row, place in enumerate(places):
        value = float(result.in_sample.coefficients[place])
        colour = MUTED if value == 0 else VERMILION if value > 0 else BLUE
        beyond = True
        if result.bootstrapped is not None:
            low, high = result.bootstrapped.low[place], result.bootstrapped.high[place]
            beyond = bool(low > 0 or high < 0)
            axes.plot([low, high], [row, row], color=colour, linewidth=2.0 if beyond else 1.2)
        face = colour if beyond else PAPER
        axes.plot(value, row, "o", color=colour, markerfacecolor=face, markersize=5.5, markeredgewidth=1.2, zorder=3)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, min_n_ticks=2, steps=[1, 2, 5, 10]))
    plain_ticks(axes.xaxis)
    axes.set_xlabel(wrap_text(f"{unit_of(result.outcome)} per SD", 26, 2, balanced=True))
    axes.margins(x=0.08)
    _style_rows(axes)
    axes.set_yticks(range(len(places)), labels, fontsize=8, linespacing=1.1)
    axes.set_ylim(len(places) - 0.4, -0.6)


def _draw_shares(axes: Axes, result: ElasticNetResult, stability: Stability, places: tuple[int, ...]) -> None:
    for row, place in enumerate(places):
        share = stability.bootstraps[place]
        colour, alpha = (BLUE, 0.75) if result.stable(place) else (MUTED, 0.45)
        if stability.samples:
            axes.barh(row, share, height=0.5, color=colour, alpha=alpha, linewidth=0, zorder=2)
        axes.plot(stability.folds[place], row, "D", color=INK, markersize=4, zorder=3, clip_on=False)
    axes.axvline(RETAINED_SHARE, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    axes.set(xlim=(0, 1.0), xlabel="Retained in")
    axes.set_xticks(np.array([0, 0.5, 1]), ["0", "50 %", "100 %"])
    _style_rows(axes)


def _style_rows(axes: Axes) -> None:
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.tick_params(axis="x", labelsize=8.5)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=LINE, linewidth=0.5)


def _rows_height(labels: list[str]) -> float:
    lines = max(label.count("\n") + 1 for label in labels)
    return (0.145 * lines + 0.08) * max(len(labels), 2)


def _predictor_legend(result: ElasticNetResult) -> list[Line2D | Patch]:
    """Only of what there is."""
    folds = Line2D([], [], color=INK, marker="D", markersize=4, linestyle="none", label="folds")
    if result.bootstrapped is None:
        return [folds]
    places = predictors_drawn(result)
    stable = [result.stable(i) for i in places]
    key: list[Line2D | Patch] = [*_interval_legend(result.bootstrapped, places)]
    if any(stable):
        key.append(Patch(color=BLUE, alpha=0.75, linewidth=0, label="bootstraps, stable"))
    if not all(stable):
        key.append(Patch(color=MUTED, alpha=0.45, linewidth=0, label="bootstraps, not stable"))
    known = result.stability is not None and bool(np.isfinite(result.stability.folds).any())
    return [*key, folds] if known else key


def _interval_legend(bootstraps: Stability, places: tuple[int, ...]) -> list[Line2D]:
    beyond = [bool(bootstraps.low[i] > 0 or bootstraps.high[i] < 0) for i in places]
    key = [_interval_mark("90 % of bootstraps beyond zero", INK)] if any(beyond) else []
    return key if all(beyond) else [*key, _interval_mark("90 % of bootstraps reach zero", PAPER)]


def _interval_mark(label: str, face: str) -> Line2D:
    return Line2D([], [], color=INK, marker="o", markersize=5.5, markerfacecolor=face, linewidth=1.4, label=label)


MOST_SLOPES = 6  # measures drawn
LEVEL = 0.95
LEGEND_WIDTH = 26  # letters of a key that leave room for another beside it
ARM_DASHES: tuple[Literal["solid"], tuple[float, tuple[float, float]]] = ("solid", (0, (4, 2)))


def slopes_drawn(result: ElasticNetResult) -> tuple[ArmSlopes, ...]:
    """Measures of retained products with the arm, the largest first; where none is, of those with most bootstraps."""
    place = {name: rank for rank, i in enumerate(result.order) for name in _measures(result, int(i))}
    ranked = sorted(result.slopes, key=lambda slopes: place.get(slopes.measure, len(result.names)))
    kept = {name for i in result.retained for name in _measures(result, i)}
    chosen = [slopes for slopes in ranked if slopes.measure in kept] or ranked[:2]
    return tuple(chosen[:MOST_SLOPES])


def slopes_figure(result: ElasticNetResult) -> Figure | None:
    """Points, least-squares lines and their 95 % bands in each arm; None where there are no slopes."""
    chosen = slopes_drawn(result)
    if not chosen:
        return None
    columns = min(2, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    units = {column.name: column.unit for column in result.predictors.columns}
    with style():
        figure = new_figure(0.4 + 2.75 * rows)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axes, slopes in zip(grid.flat, chosen, strict=False):
            _draw_slopes(axes, slopes, result.outcome.values)
            unit = f", {units.get(slopes.measure, '')}".rstrip(", ")
            axes.set_xlabel(name_lines(slopes.measure + unit, 32 if columns == 2 else 64), fontsize=8.5)
        for axes in grid.flat[len(chosen) :]:
            axes.set_visible(False)
        unit = f", {result.outcome.unit}" if result.outcome.unit else ""
        for axes in grid[:, 0]:
            axes.set_ylabel(wrap_text(f"{shorten_name(result.outcome.name, 40)}{unit}", 30, 2, balanced=True))
        key = _slopes_legend(chosen[0])
        room = all(len(str(handle.get_label())) <= LEGEND_WIDTH for handle in key)
        figure.legend(handles=key, loc="outside upper left", ncols=2 if room else 1, columnspacing=1.2)
    return figure


def _measures(result: ElasticNetResult, place: int) -> tuple[str, ...]:
    """That a product with the arm is of; none of another term."""
    return result.predictors.terms[place] if place in result.arm_terms else ()


def _draw_slopes(axes: Axes, slopes: ArmSlopes, outcome: np.ndarray) -> None:
    for i, colour in enumerate(arm_colours(slopes.arms)):
        mine = slopes.arm > 0 if i == 0 else slopes.arm < 0
        x, y = slopes.x[mine], outcome[mine]
        axes.plot(x, y, MARKERS[i], color=colour, markersize=4.5, markeredgewidth=0, alpha=0.7, zorder=3)
        if x.size < 2 or not np.isfinite(slopes.slope[i]):
            continue
        across = np.linspace(x.min(), x.max(), 60)
        line = slopes.intercept[i] + slopes.slope[i] * across
        axes.plot(across, line, color=colour, linewidth=1.8, linestyle=ARM_DASHES[i], zorder=2)
        half = _half_band(x, y - slopes.intercept[i] - slopes.slope[i] * x, across)
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


def _slopes_legend(slopes: ArmSlopes) -> list[Line2D | Patch]:
    arms = [
        Line2D(
            [],
            [],
            color=colour,
            marker=MARKERS[i],
            markersize=4.5,
            linewidth=1.8,
            linestyle=ARM_DASHES[i],
            label=literal_text(f"{shorten_name(slopes.arms[i], 24)}, {slopes.participants[i]} participants"),
        )
        for i, colour in enumerate(arm_colours(slopes.arms))
    ]
    return [*arms, Patch(color=MUTED, alpha=0.3, linewidth=0, label="95 % band of a line")]
