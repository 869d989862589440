"""The axis of penalties that path and error share: λ on a logarithmic scale, both choices, how many are retained."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from features import LooCurve

from ..figures import INK, MUTED

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


def mark_choices(axes: Axes, curve: LooCurve) -> None:
    """A line at the least error, and a dashed one at the largest penalty within one standard error of it."""
    axes.axvline(curve.penalties[curve.minimum], color=INK, linewidth=1.1, zorder=1.5)
    if curve.one_se != curve.minimum:
        axes.axvline(curve.penalties[curve.one_se], color=INK, linewidth=1.1, linestyle=DASHES, zorder=1.5)


def choices_key(curve: LooCurve) -> list[Line2D]:
    """What the lines of `mark_choices` are."""
    least, sparse = curve.penalties[curve.minimum], curve.penalties[curve.one_se]
    if curve.one_se == curve.minimum:
        return [Line2D([], [], color=INK, linewidth=1.1, label=f"least error and 1-SE choice, λ {least:.3g}")]
    return [
        Line2D([], [], color=INK, linewidth=1.1, label=f"least error, λ {least:.3g}"),
        Line2D([], [], color=INK, linewidth=1.1, linestyle=DASHES, label=f"1-SE choice, λ {sparse:.3g}"),
    ]


def count_along_top(axes: Axes, curve: LooCurve) -> None:
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
