"""Figures of how the model was chosen (error and coefficients along the penalty), and of missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from features import TuningCurve

from ..figures import (
    BLUE,
    GREEN,
    INK,
    LINE,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    label_right,
    literal_text,
    new_figure,
    shorten_name,
    style,
    wrap_text,
    zero_line,
)
from ._result import MUCH_MISSING, ElasticNetResult
from ._result_figures import name_lines, plain_ticks, unit_of

DASHES = (0, (4, 3))
COUNTS = 7  # numbers of retained predictors along the top
STEPS = {1.5: (1, 2, 5), 3.0: (1, 3), np.inf: (1,)}  # ticks in a decade, by decades


def penalty_axis(axes: Axes, penalties: np.ndarray, unit: str) -> None:
    """Makes x that of the penalties; fewer predictors to the right."""
    low, high = float(penalties.min()), float(penalties.max())
    if not 0 < low < high:
        low, high = low / 2 if low > 0 else 0.5, 2 * high if high > 0 else 2.0
    axes.set_xscale("log")
    axes.set_xlim(low * (low / high) ** 0.02, high * (high / low) ** 0.02)
    axes.xaxis.set_major_locator(FixedLocator(_ticks(low, high)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(f"Penalty λ{f', {unit}' if unit else ''} (log scale; fewer predictors to the right)")


def mark_choices(axes: Axes, curve: TuningCurve) -> None:
    """A line at the least error, and a dashed one at the largest penalty within one standard error of it."""
    axes.axvline(curve.penalties[curve.minimum], color=INK, linewidth=1.1, zorder=1.5)
    if curve.one_se != curve.minimum:
        axes.axvline(curve.penalties[curve.one_se], color=INK, linewidth=1.1, linestyle=DASHES, zorder=1.5)


def choices_legend(curve: TuningCurve) -> list[Line2D]:
    """What the lines of `mark_choices` are."""
    least, sparse = curve.penalties[curve.minimum], curve.penalties[curve.one_se]
    if curve.one_se == curve.minimum:
        return [Line2D([], [], color=INK, linewidth=1.1, label=f"least error and 1-SE choice, λ {least:.3g}")]
    return [
        Line2D([], [], color=INK, linewidth=1.1, label=f"least error, λ {least:.3g}"),
        Line2D([], [], color=INK, linewidth=1.1, linestyle=DASHES, label=f"1-SE choice, λ {sparse:.3g}"),
    ]


def count_along_top(axes: Axes, curve: TuningCurve) -> None:
    """How many predictors are retained at some of the penalties."""
    places = np.unique(np.linspace(0, curve.penalties.size - 1, COUNTS).round().astype(int))
    for place in places:
        count = str(int(np.count_nonzero(curve.coefficients[place])))
        axes.annotate(
            count,
            (curve.penalties[place], 1),
            (0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=MUTED,
            annotation_clip=False,
        )
    axes.set_title("Predictors retained", fontsize=8.5, fontweight="normal", color=MUTED, pad=15)


def _ticks(low: float, high: float) -> list[float]:
    decades = np.log10(high / low)
    steps = next(chosen for most, chosen in STEPS.items() if decades <= most)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    return [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]


DOTS = (0, (1, 1.5))


def curve_figure(result: ElasticNetResult) -> Figure:
    """Squared error ± one standard error at the chosen α; other α thin; the error of the others' mean as a line."""
    model, curve = result.in_sample, result.in_sample.curve
    mean = float(np.mean((result.outcome.values - result.mean_of_others) ** 2))
    others = [other for place, other in enumerate(model.curves) if place != model.best]
    with style():
        figure = new_figure(3.6)
        axes = figure.subplots()
        for other in others:
            axes.plot(other.penalties, other.mse, color=MUTED, linewidth=0.7, alpha=0.6, zorder=1.2)
        band = (curve.mse - curve.se, curve.mse + curve.se)
        axes.fill_between(curve.penalties, *band, color=BLUE, alpha=0.18, linewidth=0)
        axes.plot(curve.penalties, curve.mse, color=BLUE, linewidth=1.8, zorder=3)
        axes.axhline(mean, color=VERMILION, linewidth=1.1, linestyle=DOTS, zorder=2)
        for place in {curve.minimum, curve.one_se}:
            axes.plot(curve.penalties[place], curve.mse[place], "o", color=BLUE, markersize=5, zorder=4)
        penalty_axis(axes, np.concatenate([curve.penalties for curve in model.curves]), result.outcome.unit)
        _set_height(axes, curve, mean)
        count_along_top(axes, curve)
        mark_choices(axes, curve)
        plain_ticks(axes.yaxis)
        unit = f", {result.outcome.unit}²" if result.outcome.unit else ""
        axes.set_ylabel(wrap_text(f"Mean squared error, left out{unit}", 28, 2))
        figure.legend(handles=_curve_legend(result, others), loc="outside lower left", ncols=2, columnspacing=1.2)
    return figure


def _set_height(axes: Axes, curve: TuningCurve, mean: float) -> None:
    """Room for both choices and the mean; an error that explodes where the penalty is small leaves the picture."""
    low, high = (curve.mse - curve.se).min(), (curve.mse + curve.se).max()
    wanted = max(mean, *((curve.mse + curve.se)[[0, curve.minimum, curve.one_se]]))
    top = min(high, 2 * wanted)
    axes.set_ylim(min(low, mean) - 0.05 * (top - low), top + 0.05 * (top - low) or 1.0)


def _curve_legend(result: ElasticNetResult, others: list[TuningCurve]) -> list[Line2D]:
    curve = result.in_sample.curve
    key = [Line2D([], [], color=BLUE, linewidth=1.8, label=f"α = {curve.alpha:g}, ± 1 SE")]
    if others:
        alphas = [other.alpha for other in others]
        label = f"other α, {min(alphas):g} to {max(alphas):g}" if len(alphas) > 1 else f"α = {alphas[0]:g}"
        key.append(Line2D([], [], color=MUTED, linewidth=0.9, label=label))
    key.append(Line2D([], [], color=VERMILION, linewidth=1.1, linestyle=DOTS, label="mean of the others as the guess"))
    return [*key, *choices_legend(curve)]


MOST_COLOURED = 8  # predictors with a colour of their own
COLOURS = (VERMILION, BLUE, GREEN, PURPLE, ORANGE, SKY)
LEGEND_WIDTH = 58  # of a line of the key
LEGEND_LINE, LEGEND_MARGIN = 0.155, 0.075  # inches, of a line of the key and between names


def path_figure(result: ElasticNetResult) -> Figure:
    """Coefficients against the penalty; those of the least error in colour, the largest named."""
    curve = result.in_sample.curve
    named = result.retained[:MOST_COLOURED]
    keys = [_path_line(result, place, rank) for rank, place in enumerate(named)]
    with style():
        figure = new_figure(
            3.35 + sum(LEGEND_MARGIN + LEGEND_LINE * (1 + str(key.get_label()).count("\n")) for key in keys)
        )
        axes = figure.subplots()
        zero_line(axes)
        for place in range(len(result.names)):
            look: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "alpha": 0.45}
            if place in result.retained:
                look = {"color": MUTED, "linewidth": 1.2, "alpha": 0.95}
            if place in named:
                look = _line_style(named.index(place)) | {"zorder": 3}
            axes.plot(curve.penalties, curve.coefficients[:, place], **look)
        penalty_axis(axes, curve.penalties, result.outcome.unit)
        count_along_top(axes, curve)
        mark_choices(axes, curve)
        plain_ticks(axes.yaxis)
        axes.set_ylabel(wrap_text(f"{unit_of(result.outcome)} per SD of a predictor", 40, 2))
        figure.legend(handles=[*_grey_legend(result), *choices_legend(curve)], loc="outside upper left", ncols=2)
        if keys:
            figure.legend(handles=keys, loc="outside lower left", fontsize=8.5, labelspacing=LEGEND_MARGIN * 72 / 8.5)
    return figure


def _line_style(rank: int) -> dict[str, Any]:
    return {
        "color": COLOURS[rank % len(COLOURS)],
        "linewidth": 1.8,
        "linestyle": "solid" if rank < len(COLOURS) else (0, (2, 1)),
    }


def _path_line(result: ElasticNetResult, place: int, rank: int) -> Line2D:
    value = result.in_sample.coefficients[place]
    label = name_lines(result.labels[place], LEGEND_WIDTH, 2) + f": {value:+.3g}".replace("-", "−")
    return Line2D([], [], label=label, **_line_style(rank))


def _grey_legend(result: ElasticNetResult) -> list[Line2D]:
    """What lines without a colour are."""
    more, others = max(0, len(result.retained) - MOST_COLOURED), len(result.names) - len(result.retained)
    key = [Line2D([], [], color=MUTED, linewidth=1.2, alpha=0.95, label=f"{more} more retained")] if more else []
    if others:
        key.append(Line2D([], [], color=MUTED, linewidth=0.8, alpha=0.45, label=f"{others} not retained"))
    return key


MOST_COLUMNS = 30  # columns drawn
MOST_NAMED = 25  # participants with their names below
LABEL_WIDTH = 30


def missing_drawn(result: ElasticNetResult) -> tuple[int, ...]:
    """Places of the columns with values missing, the emptiest first."""
    order = np.argsort(-result.missing, kind="stable")
    return tuple(int(place) for place in order if result.missing[place] > 0)[:MOST_COLUMNS]


def missing_predictors_figure(result: ElasticNetResult) -> Figure | None:
    """Participants across, columns down, a block where a value is missing; None where none is."""
    places = missing_drawn(result)
    if not places:
        return None
    labels = [name_lines(result.predictors.columns[place].name, LABEL_WIDTH) for place in places]
    holes = np.isnan(result.predictors.values[:, places]).T
    lines = max(label.count("\n") + 1 for label in labels)
    with style():
        figure = new_figure(
            0.75 + (0.145 * lines + 0.07) * len(places) + (0.6 if result.participants <= MOST_NAMED else 0)
        )
        axes = figure.subplots()
        for row, place in enumerate(places):
            much = result.missing[place] > MUCH_MISSING
            axes.barh(row, result.participants, left=-0.5, height=0.7, color=LINE, alpha=0.5, linewidth=0)
            axes.broken_barh(
                _runs_of_missing(holes[row]), (row - 0.35, 0.7), color=VERMILION if much else MUTED, linewidth=0
            )
            label_right(axes, row, f"{result.missing[place]:.0%}", weight="bold" if much else "normal")
        axes.set_yticks(range(len(places)), labels, fontsize=8, linespacing=1.1)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set(xlim=(-0.5, result.participants - 0.5), ylim=(len(places) - 0.4, -0.6))
        axes.spines["left"].set_visible(False)
        _participant_axis(axes, result.predictors.participants)
    return figure


def _runs_of_missing(holes: np.ndarray) -> list[tuple[float, float]]:
    """(start, width) of neighbours that are missing, so that a picture of hundreds holds few blocks."""
    steps = np.diff(np.concatenate([[0], holes.astype(int), [0]]))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return [(start - 0.5, end - start) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _participant_axis(axes: Axes, participants: tuple[str, ...]) -> None:
    if len(participants) <= MOST_NAMED:
        names = [literal_text(shorten_name(name, 14)) for name in participants]
        axes.set_xticks(range(len(participants)), names, rotation=90, fontsize=7.5)
        axes.tick_params(axis="x", length=0, labelcolor=INK)
        return
    axes.set_xticks(np.linspace(0, len(participants) - 1, 5).round().astype(int))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value + 1:.0f}")
    axes.set_xlabel("Participants, in the order of the table")
