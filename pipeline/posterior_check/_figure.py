"""The picture of a checked posterior: 90 % intervals of the Gaussian and of the draws."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dcm import Spec
from peb import MEAN

from ..figures import BLUE, MUTED, VERMILION, effect_panels, style, wrap_text
from ..results import connections
from ._comparison import BELIEVABLE_COVERAGE, ParameterCheck, PosteriorCheck

APART = 0.16  # rows between the Gaussian and the draws


def check_figure(check: PosteriorCheck, spec: Spec) -> Figure:
    """Mean and 90 % interval of every connection: of the Gaussian, red where it cannot be trusted, and of the draws."""
    rows = check.connections
    with style():
        figure, panels = effect_panels(connections([row.name for row in rows], spec), [MEAN])
        known = "draws not to be trusted" if check.trouble else "means and 90 % intervals"
        panels[0].axes.set_title(wrap_text(f"{check.name}: {known}", 40))
        for panel in panels:
            for place, row in enumerate(panel.rows):
                parameter = rows[row]
                colour = VERMILION if _is_off(parameter, check) else MUTED
                _interval(panel.axes, place - APART, (parameter.low, parameter.mean, parameter.high), colour)
                _interval(
                    panel.axes,
                    place + APART,
                    (parameter.sampled_low, parameter.sampled_mean, parameter.sampled_high),
                    BLUE,
                )
            panel.axes.axvline(0, color=MUTED, linewidth=0.8, zorder=1)
            panel.axes.set_xlabel(panel.unit)
        names = (("Gaussian", MUTED), ("Gaussian, off", VERMILION), ("sampled", BLUE))
        shown = [name for name in names if name[1] != VERMILION or any(_is_off(row, check) for row in rows)]
        key = [Line2D([], [], color=colour, marker="o", markersize=4, label=name) for name, colour in shown]
        figure.legend(handles=key, loc="outside upper left", ncols=3, columnspacing=1.2)
    return figure


def _is_off(parameter: ParameterCheck, check: PosteriorCheck) -> bool:
    return parameter.held < BELIEVABLE_COVERAGE and not check.trouble


def _interval(axes: Axes, place: float, values: tuple[float, float, float], colour: str) -> None:
    low, mean, high = values
    axes.plot([low, high], [place, place], color=colour, linewidth=1.8)
    axes.plot([mean], [place], "o", color=colour, markersize=4)
