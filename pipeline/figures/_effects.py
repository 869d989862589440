"""Pictures of a group: effects with intervals, how probable each is, prediction of participants left out, the null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from dcm import Spec

from ..results import Z, connections
from ..tables import p_words, shuffled_p_cell
from ..verdicts import EVIDENCE_LINES, sure_above
from ._panels import Panel, effect_panels, wrapped
from ._style import BLUE, INK, MUTED, PAPER, SKY, VERMILION, new_figure, signed, style

Definition = Literal["free energy, with v without", "posterior beyond zero"]
STRENGTH = ((MUTED, 0.45), (SKY, 0.85), (BLUE, 1.0))  # colour and opacity: weaker, strong, very strong


def effects_figure(
    names: Sequence[str],
    covariates: Sequence[str],
    mean: ArrayLike,
    sd: ArrayLike,
    *,
    spec: Spec | None = None,
    covariate_units: Mapping[str, str] | None = None,
    interval: ArrayLike | None = None,
    called: ArrayLike | None = None,
) -> Figure:
    """Every covariate's effect on every parameter with its 90 % interval, filled where it is called there.

    Arguments:
        names: w parameter names, in the model's order.
        covariates: K names, the mean first.
        mean, sd: (w, K), posterior mean and standard deviation; an effect of sd 0 is shown as switched off.
        spec: the model, for names with odd letters.
        covariate_units: what a covariate is counted in, such as ``{"improvement": "point"}``.
        interval: (w, K, 2), from and to; None for that of N(mean, sd²).
        called: (w, K) whether the verdict on it is yes; None to fill where the interval excludes zero.
    """
    mean, sd = _effects(mean, sd, names=names, covariates=covariates)
    ends = np.stack([mean - Z * sd, mean + Z * sd], axis=-1) if interval is None else np.asarray(interval)
    sure = (ends[..., 0] > 0) | (ends[..., 1] < 0) if called is None else np.asarray(called, dtype=bool)
    with style():
        figure, panels = effect_panels(connections(names, spec), covariates, covariate_units)
        for panel in panels:
            own = panel.rows, panel.covariate
            _intervals(panel, mean[own], ends[own], sure[own])
            panel.axes.set_xlabel(panel.unit)
        figure.legend(
            handles=_interval_key(bool((sd == 0).any()), called is not None),
            loc="outside upper left",
            ncols=2,
            columnspacing=1.2,
        )
    return figure


def probability_figure(
    names: Sequence[str],
    covariates: Sequence[str],
    probability: ArrayLike,
    *,
    definition: Definition,
    spec: Spec | None = None,
) -> Figure:
    """The probability of every effect, with lines where it is called there.

    Arguments:
        names: w parameter names, in the model's order.
        covariates: K names.
        probability: (w, K), Pp.
        definition: what the probability is of. "posterior beyond zero" is P(effect > 0), so that an effect below zero
            is sure near 0: its lines are on both sides, where 2 min(P, 1 − P) w is 0.05. Lines of "free energy, with v
            without" are at 0.95 and 0.99, as SPM has them.
        spec: the model, for names with odd letters.
    """
    (values,) = _effects(probability, names=names, covariates=covariates)
    if ((values < -1e-9) | (values > 1 + 1e-9)).any():
        raise ValueError("a probability is not between 0 and 1")
    beyond = definition == "posterior beyond zero"
    with style():
        figure, panels = effect_panels(connections(names, spec), covariates)
        lines = (sure_above(len(names)),) if beyond else EVIDENCE_LINES
        for panel in panels:
            _bars(panel, values[panel.rows, panel.covariate], lines, beyond)
        figure.supxlabel(
            "P(effect > 0): posterior beyond zero" if beyond else "Pp: free energy, models with v without the effect",
            fontsize=9.5,
        )
        figure.legend(handles=_strength_key(lines, beyond), loc="outside upper left", ncols=3, columnspacing=1.2)
    return figure


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
    actual, estimate, sd = _finite(actual, estimate, sd)
    with style():
        figure = new_figure(4.4)
        axes = figure.subplots()
        inside = np.concatenate([actual, estimate - sd, estimate + sd])
        ends, across = _with_margin(inside), _with_margin(actual)
        axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        axes.errorbar(
            actual,
            estimate,
            yerr=sd,
            fmt="o",
            color=BLUE,
            markersize=5,
            markeredgewidth=0,
            elinewidth=0.8,
            alpha=0.75,
        )
        tail = f", {unit}" if unit else ""
        axes.set(xlim=(across[0], across[1]), ylim=(ends[0], ends[1]))
        axes.set_xlabel(wrapped(f"Actual {covariate}{tail}", 60, 2, balanced=True))
        axes.set_ylabel(wrapped(f"Predicted {covariate}{tail}", 40, 2, balanced=True))
        found = f"r = {signed(correlation)}" if np.isfinite(correlation) else "r is undefined"
        axes.set_title(
            f"Out of sample: {found}" + (f", {_p(p_value, shuffles)} (one-sided)" if np.isfinite(p_value) else "")
        )
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
    (values,) = _finite(null)
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
        axes.set(xlabel=wrapped(statistic, 60, 2, balanced=True), ylabel="Permutations")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        sides = "two-sided" if two_sided else "one-sided"
        axes.set_title(f"{reached.sum():,} of {values.size:,} reach it: {_p(p_value, values.size)} ({sides})")
        figure.legend(loc="outside lower left", ncols=3, columnspacing=1.2)
    return figure


def _p(value: float, shuffles: int | None) -> str:
    cell = "" if shuffles is None else shuffled_p_cell(value, shuffles)
    return f"p {cell}" if cell.startswith("≤") else p_words(value)


def two_digits(value: float) -> str:
    """Never rounded up to 1, nor down to 0."""
    if 0.99 < value < 1:
        return ">0.99"
    return "<0.01" if 0 < value < 0.01 else f"{value:.2f}"


def _intervals(panel: Panel, mean: np.ndarray, ends: np.ndarray, called: np.ndarray) -> None:
    axes = panel.axes
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
    for row, (centre, (low, high), sure) in enumerate(zip(mean, ends, called, strict=True)):
        if low == high:
            axes.plot(centre, row, marker="x", color=MUTED, markersize=4.5, linestyle="none")
            continue
        colour = MUTED if not sure else VERMILION if centre > 0 else BLUE
        axes.plot([low, high], [row, row], color=colour, linewidth=2.0 if sure else 1.2)
        face = colour if sure else PAPER
        axes.plot(centre, row, "o", color=colour, markerfacecolor=face, markersize=5.5, markeredgewidth=1.2, zorder=3)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, min_n_ticks=2, steps=[1, 2, 5, 10]))
    axes.margins(x=0.06)


def _bars(panel: Panel, values: np.ndarray, lines: Sequence[float], beyond: bool) -> None:
    axes = panel.axes
    distance = np.maximum(values, 1 - values) if beyond else values
    for row, (value, strength) in enumerate(zip(values, distance, strict=True)):
        level = int(np.searchsorted(lines, strength, side="right"))
        start = 0.5 if beyond else 0.0
        colour, alpha = STRENGTH[-1] if level == len(lines) else STRENGTH[level]
        axes.barh(row, value - start, left=start, height=0.62, color=colour, alpha=alpha, linewidth=0, zorder=2)
        axes.text(1.03, row, two_digits(value), va="center", fontsize=8, color=INK if level else MUTED)
    for value in lines:
        for at in (value, 1 - value) if beyond else (value,):
            axes.axvline(
                at, color=INK, linewidth=0.8, linestyle=(0, (3, 2)) if value == lines[0] else "solid", zorder=1
            )
    axes.set(xlim=(0, 1.0), xticks=(0, 0.5, 1.0))
    axes.spines["bottom"].set_bounds(0, 1)


def _interval_key(off: bool, judged: bool) -> list[Line2D]:
    def line(label: str, colour: str, face: str, width: float) -> Line2D:
        return Line2D(
            [], [], color=colour, marker="o", markersize=5.5, markerfacecolor=face, linewidth=width, label=label
        )

    key = [
        line("verdict yes, above zero" if judged else "90 % interval above zero", VERMILION, VERMILION, 2.0),
        line("verdict yes, below zero" if judged else "90 % interval below zero", BLUE, BLUE, 2.0),
        line("verdict not yes" if judged else "90 % interval includes zero", MUTED, PAPER, 1.2),
    ]
    return [*key, Line2D([], [], color=MUTED, marker="x", linestyle="none", label="switched off")] if off else key


def _strength_key(lines: Sequence[float], beyond: bool) -> list[Line2D]:
    labels = ["weaker", *(f"≥ {one:g}" for one in lines)]
    if beyond:
        labels = ["not sure", f"sure: ≥ {lines[0]:.4g} or ≤ {1 - lines[0]:.2g}"]
    colours = STRENGTH[:1] + STRENGTH[-1:] if beyond else STRENGTH
    return [
        Line2D([], [], color=colour, alpha=alpha, linewidth=6, label=label)
        for label, (colour, alpha) in zip(labels, colours, strict=True)
    ]


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


def _effects(*arrays: ArrayLike, names: Sequence[str], covariates: Sequence[str]) -> list[np.ndarray]:
    shape = (len(names), len(covariates))
    values = _finite(*arrays)
    for value in values:
        if value.shape != shape:
            raise ValueError(
                f"effects are {value.shape}, but {shape[0]} parameters and {shape[1]} covariates are named"
            )
    return values


def _finite(*arrays: ArrayLike) -> list[np.ndarray]:
    values = [np.asarray(array, dtype=np.float64) for array in arrays]
    if not all(np.isfinite(value).all() for value in values):
        raise ValueError("a number to be drawn is NaN or infinite")
    return values
