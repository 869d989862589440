"""Pictures of prediction: covariates of left-out participants against what they are, and a permuted statistic."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from peb import CrossValidation

from ..tables import p_words, shuffled_p_cell
from ._effect_panels import wrap_text
from ._style import (
    BLUE,
    INK,
    MUTED,
    VERMILION,
    add_key,
    check_class,
    finite_arrays,
    given_or_new_axes,
    new_figure,
    signed_number,
    style,
)


def plot_leave_one_out(
    found: CrossValidation, ax: Axes | None = None, *, centre: float = 0.0, unit: str = "", legend: bool = True
) -> Axes:
    """Each participant's covariate as predicted from the others' PEB, ± 1 sd, against what it is.

    Arguments:
        found: of `peb.leave_one_out` or `peb.k_fold`.
        ax: where to draw; a new figure where None.
        centre: what the design took off the covariate, added to both; see `Design.centres`.
        unit: of the covariate, such as ``points``.
        legend: whether to draw the key.
    """
    check_class(found, CrossValidation)
    with style():
        axes = given_or_new_axes(ax, 4.4)
        _draw_predictions(
            axes, found.actual + centre, found.estimate + centre, np.sqrt(found.variance), found.covariate, unit
        )
        axes.set_title(
            _correlation(found.correlation, found.p_value, None if found.shuffled is None else found.shuffled.size)
        )
        if legend:
            add_key(axes, _prediction_key(found.actual.size), given=ax is not None)
    return axes


def leave_one_out_figure(
    actual: ArrayLike,
    estimate: ArrayLike,
    sd: ArrayLike,
    *,
    covariate: str,
    correlation: float,
    p_value: float,
    shuffles: int | None = None,
    unit: str = "",
) -> Figure:
    """Each participant's covariate as predicted from the others' PEB, against what it is; both in the covariate's unit.

    Arguments:
        actual: (participant,) as observed.
        estimate, sd: (participant,) posterior mean and standard deviation with that participant left out.
        covariate: its name.
        correlation, p_value: of estimate with actual, one-sided.
        shuffles: that p is from; None where it is from none.
        unit: of the covariate, such as ``points``.
    """
    actual, estimate, sd = finite_arrays(actual, estimate, sd)
    with style():
        figure = new_figure(4.4)
        axes = figure.subplots()
        _draw_predictions(axes, actual, estimate, sd, covariate, unit)
        axes.set_title(_correlation(correlation, p_value, shuffles))
        figure.legend(handles=_prediction_key(actual.size), loc="outside lower left", ncols=2, columnspacing=1.2)
    return figure


def permutation_figure(
    null: ArrayLike,
    observed: float,
    *,
    statistic: str,
    p_value: float,
    two_sided: bool = False,
) -> Figure:
    """A statistic under permuted participants, and as observed; permutations that reach it are in colour.

    Arguments:
        null: (permutation,) the statistic with the covariate permuted.
        observed: as it is.
        statistic: what it is, with its unit.
        p_value: of the permutation test.
        two_sided: whether a value as large with the other sign reaches it too.
    """
    (values,) = finite_arrays(null)
    reached = np.abs(values) >= abs(observed) if two_sided else values >= observed
    edges = _edges(values, observed, two_sided)
    with style():
        figure = new_figure(3.4)
        axes = figure.subplots()
        axes.hist(values[~reached], edges, color=MUTED, alpha=0.45, linewidth=0, label="permuted")
        axes.hist(values[reached], edges, color=VERMILION, alpha=0.85, linewidth=0, label="reaches the observed")
        axes.axvline(observed, color=INK, linewidth=1.8, label="observed, " + f"{observed:+.3g}".replace("-", "−"))
        if two_sided:
            axes.axvline(-observed, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set(xlabel=wrap_text(statistic, 60, 2, balanced=True), ylabel="Permutations")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        sides = "two-sided" if two_sided else "one-sided"
        axes.set_title(f"{reached.sum():,} of {values.size:,} reach it: {_p(p_value, values.size)} ({sides})")
        figure.legend(loc="outside lower left", ncols=3, columnspacing=1.2)
    return figure


def _draw_predictions(
    axes: Axes, actual: np.ndarray, estimate: np.ndarray, sd: np.ndarray, covariate: str, unit: str
) -> None:
    inside = np.concatenate([actual, estimate - sd, estimate + sd])
    ends, across = _with_margin(inside), _with_margin(actual)
    axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.errorbar(
        actual, estimate, yerr=sd, fmt="o", color=BLUE, markersize=5, markeredgewidth=0, elinewidth=0.8, alpha=0.75
    )
    tail = f", {unit}" if unit else ""
    axes.set(xlim=(across[0], across[1]), ylim=(ends[0], ends[1]))
    axes.set_xlabel(wrap_text(f"Actual {covariate}{tail}", 60, 2, balanced=True))
    axes.set_ylabel(wrap_text(f"Predicted {covariate}{tail}", 40, 2, balanced=True))


def _correlation(correlation: float, p_value: float, shuffles: int | None) -> str:
    found = f"r = {signed_number(correlation)}" if np.isfinite(correlation) else "r is undefined"
    return f"Out of sample: {found}" + (f", {_p(p_value, shuffles)} (one-sided)" if np.isfinite(p_value) else "")


def _p(value: float, shuffles: int | None) -> str:
    cell = "" if shuffles is None else shuffled_p_cell(value, shuffles)
    return f"p {cell}" if cell.startswith("≤") else p_words(value)


def _prediction_key(count: int) -> list[Line2D]:
    return [
        Line2D([], [], color=BLUE, marker="o", markersize=5, linewidth=0.8, label=f"each of {count}, left out, ± 1 sd"),
        Line2D([], [], color=MUTED, linewidth=1, linestyle=(0, (4, 3)), label="predicted = actual"),
    ]


def _edges(values: np.ndarray, observed: float, two_sided: bool) -> list[float]:
    """Edges of a histogram one of which is the observed value, so that no bar is of both kinds."""
    low, high = min(values.min(), observed), max(values.max(), observed)
    if two_sided:
        low, high = min(low, -abs(observed)), max(high, abs(observed))
    width = (high - low) / min(40, max(10, int(np.sqrt(values.size)))) or 1.0
    if two_sided:  # both ±observed are edges
        width = 2 * abs(observed) / max(1, round(2 * abs(observed) / width)) if observed else width
    below = np.ceil((observed - low) / width)
    above = np.ceil((high - observed) / width) + 1e-9
    return (observed + width * np.arange(-below - 1, above + 2)).tolist()


def _with_margin(values: np.ndarray) -> np.ndarray:
    margin = 0.05 * np.ptp(values) or 0.5
    return np.array([values.min() - margin, values.max() + margin])
