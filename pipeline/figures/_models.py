"""Pictures of a model comparison: models, families, and the way a search took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from dcm import Spec
from peb import Comparison, FamilyComparison

from ..results import connections
from ..verdicts import EVIDENCE_LINES
from ._effect_panels import LABEL_SIZE, LINE_HEIGHT, row_label, shorten_name, wrap_text
from ._effects import STRENGTH, two_digits
from ._style import BLUE, INK, LINE, MUTED, VERMILION, check_class, given_or_new_axes, new_figure, signed_number, style

Compared = Literal["model", "family"]
CELL = 0.02  # probability from which a cell of a heat map says its number
OPAQUE = 0.85


def plot_models(
    comparison: Comparison | FamilyComparison, ax: Axes | None = None, *, covariate: str | None = None
) -> Axes:
    """Posterior probability of models or of families, the best marked: bars, or a map where two covariates have models.

    Arguments:
        comparison: of `peb.compare`, or of `peb.families`.
        ax: where to draw; a new figure where None.
        covariate: whose models, whatever the models of the others; where None the combinations of both, if models are
            chosen for two covariates, and the only covariate's, if there is one.

    Raises `ValueError` where models were not compared for the covariate, there are more than two and none is asked
    for, or two covariates have families of other names.
    """
    check_class(comparison, Comparison, FamilyComparison)
    compared: Compared = "family" if isinstance(comparison, FamilyComparison) else "model"
    covariates = comparison.covariates if covariate is None else (covariate,)
    if len(covariates) > 2:
        raise ValueError(f"models were compared for {', '.join(covariates)}; say of which covariate")
    if isinstance(comparison, FamilyComparison):
        names, values = comparison.names[0], comparison.family_probability
        if covariate is not None:
            found = comparison.of_families(covariate)
            names, values = tuple(found), np.array(list(found.values()))
        elif len(set(comparison.names)) > 1:
            raise ValueError("the two covariates have families of other names; say of which covariate")
    else:
        names = comparison.models
        values = comparison.probability if covariate is None else comparison.model_probability(covariate)
    with style():
        axes = given_or_new_axes(ax, _bars_height(names) if values.ndim == 1 else 5.0)
        if values.ndim == 1:
            _bars(axes, values, names, compared, covariates[0])
        else:
            axes.set_title(_heat(axes, values, names, compared, covariates))
    return axes


def posterior_figure(
    probability: ArrayLike,
    names: Sequence[str],
    *,
    compared: Compared = "model",
    covariates: Sequence[str] = ("mean",),
) -> Figure:
    """Posterior probability of models or families, the best one marked.

    Arguments:
        probability: (model,) bars; or (model, model), the first covariate's model by the second's, a heat map.
        names: of the models or families, in order.
        compared: which of the two they are.
        covariates: whose models they are, one or two names.

    Raises `ValueError` where shapes differ, or the probabilities are not between 0 and 1 with a sum of 1.
    """
    values = np.asarray(probability, dtype=np.float64)
    shape = (len(names),) * len(covariates)
    if values.shape != shape or values.ndim not in (1, 2):
        raise ValueError(f"probabilities are {values.shape}, but {len(names)} names and {len(covariates)} covariates")
    if not ((values >= 0) & (values <= 1)).all() or abs(values.sum() - 1) > 1e-6:
        raise ValueError("probabilities of models are not between 0 and 1 with a sum of 1")
    with style():
        figure = new_figure(_bars_height(names) if values.ndim == 1 else 5.0)
        axes = figure.subplots()
        if values.ndim == 1:
            _bars(axes, values, names, compared, covariates[0])
        else:
            best = _heat(axes, values, names, compared, covariates)
            figure.suptitle(best, x=0.02, ha="left", fontsize=10, fontweight="bold")
    return figure


def search_figure(
    names: Sequence[str],
    dropped: Sequence[Sequence[str]],
    gains: ArrayLike,
    probability: ArrayLike,
    *,
    spec: Spec | None = None,
) -> Figure:
    """The free energy of a greedy search round by round, and what became of every parameter.

    Arguments:
        names: w parameters or effects, in the model's order.
        dropped: round by round, the names that were switched off.
        gains: (round,) what each round added to the free energy, nats.
        probability: (w,) Pp, "free energy, with v without", after the last round.
        spec: the model, for names with odd letters.

    Raises `ValueError` where a dropped name is not among the parameters or is dropped twice, or counts differ.
    """
    gains, probability = np.asarray(gains, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    when = _rounds(names, dropped)
    if gains.shape != (len(dropped),) or probability.shape != (len(names),):
        raise ValueError(
            f"{len(dropped)} rounds and {len(names)} parameters, but gains {gains.shape} and Pp {probability.shape}"
        )
    if not np.isfinite(gains).all() or not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("a gain is not finite, or a probability not between 0 and 1")
    labels = [row_label(each, 27) for each in connections(names, spec)]
    height = (LINE_HEIGHT * max(label.count("\n") + 1 for label in labels) + 0.07) * max(len(labels), 2)
    with style():
        figure = new_figure(2.0 + height + 0.75)
        path, fate = figure.subplots(2, 1, height_ratios=(1.5, height))
        _path(path, dropped, gains)
        _fate(fate, labels, when, probability)
    return figure


def _model_labels(names: Sequence[str]) -> list[str]:
    return [wrap_text(shorten_name(name, 60), 34, 2) for name in names]


def _bars_height(names: Sequence[str]) -> float:
    lines = max(label.count("\n") + 1 for label in _model_labels(names))
    return 0.95 + (LINE_HEIGHT * lines + 0.07) * max(len(names), 2)


def _bars(axes: Axes, values: np.ndarray, names: Sequence[str], compared: Compared, covariate: str) -> None:
    best, rows = int(values.argmax()), np.arange(values.size)
    labels = _model_labels(names)
    colours = [BLUE if row == best else MUTED for row in rows]
    for row, value in enumerate(values):
        axes.barh(row, value, height=0.62, color=colours[row], alpha=1.0 if row == best else 0.45, linewidth=0)
        mark = f"{value:.2f}" + (" (best)" if row == best else "")
        axes.annotate(
            mark,
            (value, row),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=LABEL_SIZE,
            fontweight="bold" if row == best else "normal",
            color=INK if row == best else MUTED,
        )
    axes.set_yticks(rows, labels, fontsize=LABEL_SIZE)
    axes.set(xlim=(0, 1.22), ylim=(values.size - 0.4, -0.6), xticks=(0, 0.5, 1.0))
    axes.spines["bottom"].set_bounds(0, 1)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_xlabel(f"Posterior probability of the {compared}", loc="left")
    axes.set_title(wrap_text(covariate, 40, 2))


def _heat(axes: Axes, values: np.ndarray, names: Sequence[str], compared: Compared, covariates: Sequence[str]) -> str:
    """Draws the map; returns which pair is the best, in words."""
    n, largest = len(names), float(values.max())
    first, second = (int(i) for i in np.unravel_index(values.argmax(), values.shape))
    for row, column in np.argwhere(values > 1e-3):
        alpha = OPAQUE * float(values[row, column]) / largest
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=BLUE, alpha=alpha, linewidth=0))
        if n <= 10 and values[row, column] >= CELL:
            axes.text(column, row, f"{values[row, column]:.2f}", ha="center", va="center", fontsize=8.5)
    axes.add_patch(Rectangle((second - 0.5, first - 0.5), 1, 1, fill=False, edgecolor=VERMILION, linewidth=2, zorder=4))
    for edge in np.arange(n + 1) - 0.5:
        axes.axhline(edge, color=LINE, linewidth=0.5, zorder=0.5)
        axes.axvline(edge, color=LINE, linewidth=0.5, zorder=0.5)
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
    for side in axes.spines.values():
        side.set_visible(False)
    _ticks(axes, names)
    axes.set_ylabel(wrap_text(f"{compared} for {covariates[0]}", 40, 2, balanced=True))
    axes.set_xlabel(wrap_text(f"{compared} for {covariates[1]}", 40, 2, balanced=True))
    pair = [
        f"{shorten_name(names[i], 36)} for {shorten_name(covariates[k], 20)}" for k, i in enumerate((first, second))
    ]
    lines = [wrap_text(f"Best: {pair[0]},", 58, 2), wrap_text(f"{pair[1]}: P = {largest:.2f}", 58, 2)]
    return "\n".join(lines)


def _ticks(axes: Axes, names: Sequence[str]) -> None:
    """Every name where they are few; numbers' worth of them where they are many."""
    n = len(names)
    shown = range(n) if n <= 16 else range(0, n, -(-n // 14))
    labels = [wrap_text(shorten_name(names[i], 20), 20, 1) for i in shown]
    size = 8.5 if n <= 16 else 8
    axes.set_xticks(shown, labels, fontsize=size)
    axes.set_yticks(shown, labels, fontsize=size)
    axes.tick_params(length=0, labelcolor=INK)
    if max(map(len, labels)) > 40 // len(labels):
        for label in axes.get_xticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")


def _rounds(names: Sequence[str], dropped: Sequence[Sequence[str]]) -> dict[str, int]:
    """The round, from 1, in which each was dropped."""
    when: dict[str, int] = {}
    for number, batch in enumerate(dropped, start=1):
        for name in batch:
            if name not in names or name in when:
                what = "dropped twice" if name in when else "not among the parameters"
                raise ValueError(f"round {number} of the search drops {name}, which is {what}")
            when[name] = number
    return {name: when.get(name, 0) for name in names}


def _path(axes: Axes, dropped: Sequence[Sequence[str]], gains: np.ndarray) -> None:
    reached = np.concatenate([[0.0], np.cumsum(gains)])
    axes.plot(range(reached.size), reached, color=BLUE, marker="o", markersize=5.5, linewidth=1.6)
    for number, batch in enumerate(dropped, start=1):
        axes.annotate(
            f"−{len(batch)}" if batch else "0",
            (number, reached[number]),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=LABEL_SIZE,
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9))
    axes.margins(x=0.08, y=0.25)
    axes.set_xlim(-0.3, max(1, len(dropped)) + 0.3)
    axes.set(xlabel="Round (numbers: parameters dropped)", ylabel="ΔF, nats")
    axes.set_title(f"{signed_number(float(reached[-1]), 1)} nats over the full model")


def _fate(axes: Axes, labels: Sequence[str], when: dict[str, int], probability: np.ndarray) -> None:
    for row, (number, value) in enumerate(zip(when.values(), probability, strict=True)):
        if number:
            axes.text(0.015, row, f"dropped in round {number}", va="center", fontsize=8, color=MUTED)
            continue
        level = int(np.searchsorted(EVIDENCE_LINES, value, side="right"))
        colour, alpha = STRENGTH[level]
        axes.barh(row, value, height=0.62, color=colour, alpha=alpha, linewidth=0, zorder=2)
        axes.text(1.03, row, two_digits(value), va="center", fontsize=8, color=INK if level else MUTED)
    for value, dashes in zip(EVIDENCE_LINES, ((0, (3, 2)), "solid"), strict=True):
        axes.axvline(value, color=INK, linewidth=0.8, linestyle=dashes, zorder=1)
    axes.set_yticks(range(len(labels)), labels, fontsize=LABEL_SIZE, linespacing=1.1)
    axes.set(xlim=(0, 1.12), ylim=(len(labels) - 0.4, -0.6), xticks=(0, 0.5, 1))
    axes.spines["bottom"].set_bounds(0, 1)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    lines = ", ".join(f"{value:g}" for value in EVIDENCE_LINES)
    axes.set_xlabel(f"Pp of what was kept\n(free energy, with v without; lines: {lines})", fontsize=LABEL_SIZE)
