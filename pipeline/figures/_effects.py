"""Pictures of a group's effects: their intervals, how probable each is, and which participants they are from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from dcm import Posterior, Spec
from peb import LOW_INFLUENCE, MEAN, GroupPosterior

from ..results import LEVEL, Z, connections
from ..verdicts import EVIDENCE_LINES, probability_cutoff
from ._effect_panels import Panel, effect_panels, shorten_name, wrap_text
from ._parameter_values import parameter_values
from ._style import (
    BLUE,
    INK,
    MUTED,
    PAPER,
    SKY,
    VERMILION,
    AxesArray,
    add_key,
    check_class,
    finite_arrays,
    literal_text,
    new_figure,
    pyplot_figure,
    style,
)

Definition = Literal["free energy, with v without", "posterior beyond zero"]
STRENGTH = ((MUTED, 0.45), (SKY, 0.85), (BLUE, 1.0))  # colour and opacity: weaker, strong, very strong
NEURONAL = ("A", "B", "C", "D")
NAMED = 4  # participants at most, in one row of the influences


def plot_effects(
    group: GroupPosterior,
    ax: ArrayLike | None = None,
    *,
    covariates: Sequence[str] | None = None,
    covariate_units: Mapping[str, str] | None = None,
    spec: Spec | None = None,
    legend: bool = True,
) -> AxesArray:
    """Covariates' effects on every parameter with their 90 % intervals, filled where the interval excludes zero.

    Parameters of one unit share a panel: connections in Hz, self-inhibition on its log scale, and so on; two
    covariates are side by side.

    Arguments:
        group: of `peb.fit`.
        ax: an array of axes, one for each panel, row by row; those of a new figure where None.
        covariates: whose effects; all of the design where None.
        covariate_units: what a covariate is counted in, such as ``{"improvement": "point"}``.
        spec: the model, for names with brackets or commas in them.
        legend: whether to draw the key.

    Returns the axes, (panel,).

    Raises `ValueError` where another number of axes is given, and `DesignError` where the group lacks a covariate.
    """
    check_class(group, GroupPosterior)
    if isinstance(covariates, str):
        covariates = (covariates,)
    chosen = group.design.covariates if covariates is None else tuple(covariates)
    if not chosen:
        raise ValueError(f"no covariate is asked for; the design has {', '.join(group.design.covariates)}")
    columns = [group.design.column(covariate) for covariate in chosen]
    mean, sd, interval = group.mean[:, columns], group.sd[:, columns], group.interval(LEVEL)[:, columns]
    with style():
        _, panels = effect_panels(
            connections(group.parameters, spec), chosen, covariate_units, ax=ax, make_figure=pyplot_figure
        )
        _draw_effects(panels, mean, interval, (interval[..., 0] > 0) | (interval[..., 1] < 0))
        key = _interval_key(bool((sd == 0).any()), judged=False)
        if legend:
            add_key(panels[-1].axes, key, given=ax is not None)
    return _axes_of(panels)


def plot_posterior(
    result: Posterior | GroupPosterior,
    ax: ArrayLike | None = None,
    *,
    covariate: str = MEAN,
    fields: Sequence[str] = NEURONAL,
    spec: Spec | None = None,
    legend: bool = True,
) -> AxesArray:
    """The posterior of every parameter over its prior: what was learnt is where the narrow bar leaves the wide one.

    Bars are central 90 % intervals; filled where the posterior's excludes zero. Parameters of one unit share a panel.

    Arguments:
        result: one participant's posterior, or a group's.
        ax: an array of axes, one for each panel; those of a new figure where None.
        covariate: of a group, whose effects.
        fields: of the parameters that are drawn, such as ``("A", "B")`` or ``("transit", "decay", "epsilon")``.
        spec: a group's model, for names with brackets or commas in them.
        legend: whether to draw the key.

    Returns the axes, (panel,).

    Raises `ValueError` where another number of axes is given, or no parameter is of these fields.
    """
    check_class(result, Posterior, GroupPosterior)
    values = parameter_values(result, covariate, spec)
    drawn = [i for i, parameter in enumerate(values.parameters) if parameter.field in fields]
    if not drawn:
        raise ValueError(f"none of the parameters is of {', '.join(fields)}")
    prior = values.prior_mean[drawn, None] + Z * values.prior_sd[drawn, None] * np.array([-1.0, 1.0])
    with style():
        _, panels = effect_panels([values.parameters[i] for i in drawn], [covariate], ax=ax, make_figure=pyplot_figure)
        for panel in panels:
            panel.axes.use_sticky_edges = False
            for row, (low, high) in enumerate(prior[panel.rows]):
                panel.axes.barh(
                    row, high - low, left=low, height=0.62, facecolor=MUTED, alpha=0.22, linewidth=0, zorder=1
                )
        mean, ends, sure = values.mean[drawn], values.interval[drawn], values.excludes_zero[drawn]
        _draw_effects(panels, mean[:, None], ends[:, None], sure[:, None])
        if isinstance(result, Posterior):
            panels[0].axes.set_title("")
        prior_key = Patch(facecolor=MUTED, alpha=0.22, label="prior, 90 % interval")
        key = _interval_key(bool((values.sd[drawn] == 0).any()), judged=False)
        if legend:
            add_key(panels[-1].axes, [prior_key, *key], given=ax is not None)
    return _axes_of(panels)


def effects_figure(
    names: Sequence[str],
    covariates: Sequence[str],
    mean: ArrayLike,
    sd: ArrayLike,
    *,
    spec: Spec | None = None,
    covariate_units: Mapping[str, str] | None = None,
    titles: Mapping[str, str] | None = None,
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
        titles: what a covariate's effect is called; its name where nothing is said.
        interval: (w, K, 2), from and to; None for that of N(mean, sd²).
        called: (w, K) whether the verdict on it is yes; None to fill where the interval excludes zero.
    """
    mean, sd = _effects(mean, sd, names=names, covariates=covariates)
    ends = np.stack([mean - Z * sd, mean + Z * sd], axis=-1) if interval is None else np.asarray(interval)
    sure = (ends[..., 0] > 0) | (ends[..., 1] < 0) if called is None else np.asarray(called, dtype=bool)
    with style():
        figure, panels = effect_panels(connections(names, spec), covariates, covariate_units, titles=titles)
        _draw_effects(panels, mean, ends, sure)
        figure.legend(
            handles=_interval_key(bool((sd == 0).any()), judged=called is not None),
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
    titles: Mapping[str, str] | None = None,
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
        titles: what a covariate's effect is called; its name where nothing is said.
    """
    (values,) = _effects(probability, names=names, covariates=covariates)
    if ((values < -1e-9) | (values > 1 + 1e-9)).any():
        raise ValueError("a probability is not between 0 and 1")
    beyond = definition == "posterior beyond zero"
    with style():
        figure, panels = effect_panels(connections(names, spec), covariates, titles=titles)
        lines = (probability_cutoff(len(names)),) if beyond else EVIDENCE_LINES
        for panel in panels:
            _bars(panel, values[panel.rows, panel.covariate], lines, beyond)
        figure.supxlabel(
            "P(effect > 0): posterior beyond zero" if beyond else "Pp: free energy, models with v without the effect",
            fontsize=9.5,
        )
        figure.legend(handles=_strength_key(lines, beyond), loc="outside upper left", ncols=3, columnspacing=1.2)
    return figure


def influence_figure(
    participants: Sequence[str],
    parameters: Sequence[str],
    influence: Float[np.ndarray, "subject param"],
    *,
    spec: Spec | None = None,
) -> Figure:
    """How much each participant counts for each connection; those below a half are named.

    Arguments:
        participants: N names.
        parameters: q names.
        influence: (N, q), 1 for a regular participant, near 0 for one whom the group does not heed.
        spec: the model, for names with odd letters.
    """
    words = [connection.words for connection in connections(parameters, spec)]
    with style():
        figure = new_figure(1.1 + 0.42 * len(words))
        axes = figure.subplots()
        axes.axvline(LOW_INFLUENCE, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        for row, own in enumerate(np.asarray(influence).T):
            low = np.flatnonzero(own < LOW_INFLUENCE)
            axes.plot(own, np.full(own.size, row), "|", color=BLUE, markersize=11, alpha=0.6)
            axes.plot(own[low], np.full(low.size, row), "o", color=VERMILION, markersize=5, zorder=3)
            named = sorted(low.tolist(), key=lambda i: own[i])
            if named:
                text = ", ".join(literal_text(shorten_name(participants[i], 18)) for i in named[:NAMED])
                more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
                axes.text(float(own[named].max()) + 0.03, row - 0.16, text + more, fontsize=7.5, color=INK, va="bottom")
        axes.set(xlim=(-0.03, 1.06), ylim=(len(words) - 0.5, -0.7), xlabel="Influence")
        axes.set_yticks(range(len(words)), [wrap_text(each, 34, 2) for each in words], fontsize=8)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
    return figure


def two_digits(value: float) -> str:
    """Never rounded up to 1, nor down to 0."""
    if 0.99 < value < 1:
        return ">0.99"
    return "<0.01" if 0 < value < 0.01 else f"{value:.2f}"


def _axes_of(panels: Sequence[Panel]) -> AxesArray:
    found = np.empty(len(panels), dtype=object)
    found[:] = [panel.axes for panel in panels]
    return found


def _draw_effects(panels: Sequence[Panel], mean: np.ndarray, ends: np.ndarray, sure: np.ndarray) -> None:
    """Of (parameter, covariate) each, and (parameter, covariate, 2)."""
    for panel in panels:
        own = panel.rows, panel.covariate
        _intervals(panel, mean[own], ends[own], sure[own])
        panel.axes.set_xlabel(panel.unit)


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


def _interval_key(off: bool, *, judged: bool) -> list[Line2D]:
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
    labels = ["weaker", *(f"≥ {each:g}" for each in lines)]
    if beyond:
        labels = ["not sure", f"sure: ≥ {lines[0]:.4g} or ≤ {1 - lines[0]:.3g}"]
    colours = STRENGTH[:1] + STRENGTH[-1:] if beyond else STRENGTH
    return [
        Line2D([], [], color=colour, alpha=alpha, linewidth=6, label=label)
        for label, (colour, alpha) in zip(labels, colours, strict=True)
    ]


def _effects(*arrays: ArrayLike, names: Sequence[str], covariates: Sequence[str]) -> list[np.ndarray]:
    shape = (len(names), len(covariates))
    values = finite_arrays(*arrays)
    for value in values:
        if value.shape != shape:
            raise ValueError(
                f"effects are {value.shape}, but {shape[0]} parameters and {shape[1]} covariates are named"
            )
    return values
