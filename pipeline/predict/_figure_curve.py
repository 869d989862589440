"""Picture: the error of people left out against the penalty, and where it is least."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from features import LooCurve

from ..figures import BLUE, MUTED, VERMILION, new_figure, style, wrapped
from ._names import plain_ticks
from ._penalty_axis import choices_key, count_along_top, mark_choices, penalty_axis
from ._result import Prediction

DOTS = (0, (1, 1.5))


def curve_figure(found: Prediction) -> Figure:
    """Squared error ± one standard error at the chosen α; other α thin; the error of the others' mean as a line."""
    model, curve = found.published, found.published.curve
    mean = float(np.mean((found.outcome.values - found.of_others) ** 2))
    others = [one for place, one in enumerate(model.curves) if place != model.best]
    with style():
        figure = new_figure(3.6)
        axes = figure.subplots()
        for one in others:
            axes.plot(one.penalties, one.mse, color=MUTED, linewidth=0.7, alpha=0.6, zorder=1.2)
        band = (curve.mse - curve.se, curve.mse + curve.se)
        axes.fill_between(curve.penalties, *band, color=BLUE, alpha=0.18, linewidth=0)
        axes.plot(curve.penalties, curve.mse, color=BLUE, linewidth=1.8, zorder=3)
        axes.axhline(mean, color=VERMILION, linewidth=1.1, linestyle=DOTS, zorder=2)
        for place in {curve.minimum, curve.one_se}:
            axes.plot(curve.penalties[place], curve.mse[place], "o", color=BLUE, markersize=5, zorder=4)
        penalty_axis(axes, np.concatenate([one.penalties for one in model.curves]), found.outcome.unit)
        _height(axes, curve, mean)
        count_along_top(axes, curve)
        mark_choices(axes, curve)
        plain_ticks(axes.yaxis)
        unit = f", {found.outcome.unit}²" if found.outcome.unit else ""
        axes.set_ylabel(wrapped(f"Mean squared error, left out{unit}", 28, 2))
        figure.legend(handles=_key(found, others), loc="outside lower left", ncols=2, columnspacing=1.2)
    return figure


def _height(axes: Axes, curve: LooCurve, mean: float) -> None:
    """Room for both choices and the mean; an error that explodes where the penalty is small leaves the picture."""
    low, high = (curve.mse - curve.se).min(), (curve.mse + curve.se).max()
    wanted = max(mean, *((curve.mse + curve.se)[[0, curve.minimum, curve.one_se]]))
    top = min(high, 2 * wanted)
    axes.set_ylim(min(low, mean) - 0.05 * (top - low), top + 0.05 * (top - low) or 1.0)


def _key(found: Prediction, others: list[LooCurve]) -> list[Line2D]:
    curve = found.published.curve
    key = [Line2D([], [], color=BLUE, linewidth=1.8, label=f"α = {curve.alpha:g}, ± 1 SE")]
    if others:
        alphas = [one.alpha for one in others]
        label = f"other α, {min(alphas):g} to {max(alphas):g}" if len(alphas) > 1 else f"α = {alphas[0]:g}"
        key.append(Line2D([], [], color=MUTED, linewidth=0.9, label=label))
    key.append(Line2D([], [], color=VERMILION, linewidth=1.1, linestyle=DOTS, label="mean of the others as the guess"))
    return [*key, *choices_key(curve)]
