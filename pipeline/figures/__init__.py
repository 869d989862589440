"""Pictures: Matplotlib figures from results."""

from ._arms import OTHER_COLOURS, Density, arm_figure
from ._effects import effects_figure, leave_one_out_figure, permutation_figure, probability_figure
from ._influence import influence_figure
from ._inversions import LOW_VARIANCE, series_figure, variance_figure
from ._matrices import matrix_figure, matrix_scale
from ._models import posterior_figure, search_figure
from ._panels import effect_panels, shortened, wrapped
from ._style import (
    ARM_COLOUR,
    ARM_MARKER,
    BLUE,
    GREEN,
    INK,
    LINE,
    MUTED,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    VERMILION,
    WIDTH,
    beside,
    new_figure,
    plain,
    save_figure,
    signed,
    style,
    svg,
    themed_svg,
    zero_line,
)
from ._svg import checked_svg

__all__ = [
    "ARM_COLOUR",
    "ARM_MARKER",
    "BLUE",
    "GREEN",
    "INK",
    "LINE",
    "LOW_VARIANCE",
    "MUTED",
    "ORANGE",
    "OTHER_COLOURS",
    "PAPER",
    "PURPLE",
    "SKY",
    "VERMILION",
    "WIDTH",
    "Density",
    "arm_figure",
    "beside",
    "checked_svg",
    "effect_panels",
    "effects_figure",
    "influence_figure",
    "leave_one_out_figure",
    "matrix_figure",
    "matrix_scale",
    "new_figure",
    "permutation_figure",
    "plain",
    "posterior_figure",
    "probability_figure",
    "save_figure",
    "search_figure",
    "series_figure",
    "shortened",
    "signed",
    "style",
    "svg",
    "themed_svg",
    "variance_figure",
    "wrapped",
    "zero_line",
]
