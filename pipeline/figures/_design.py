"""The picture of a design: a row for each participant, a column for each covariate."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from peb import Design

from ._effect_panels import shorten_name
from ._style import (
    BLUE,
    INK,
    LINE,
    MUTED,
    PAPER,
    VERMILION,
    check_class,
    given_or_new_axes,
    literal_text,
    new_figure,
    style,
)

MOST_NAMED = 40  # participants whose names fit beside the rows
ROW, TOP = 0.15, 1.5  # inches of a row where it is named, and of what is above all rows
_LETTERS = 26  # of a column's name
_SCALE = LinearSegmentedColormap.from_list("design", [BLUE, PAPER, VERMILION])


def plot_design(design: Design, ax: Axes | None = None) -> Axes:
    """A design matrix: rows are participants, in its order, columns its covariates, each in units of its largest value.

    The colour goes from the most negative (blue) to the most positive (red) entry of a column; paper is 0. What the
    effect of a column is, is in `Design.describe`.

    Arguments:
        design: as `peb.Design.from_formula`, `from_frame` or `make_design` makes it.
        ax: where to draw; a new figure where None.

    Raises `TypeError` where it is no design.
    """
    check_class(design, Design)
    with style():
        axes = given_or_new_axes(ax, design_height(design))
        _draw(axes, design)
    return axes


def design_height(design: Design) -> float:
    """Inches that a picture of a design needs."""
    rows = len(design.participants)
    return TOP + (ROW * rows if rows <= MOST_NAMED else ROW * MOST_NAMED)


def design_figure(design: Design) -> Figure:
    """The same for a page."""
    with style():
        figure = new_figure(design_height(design))
        _draw(figure.subplots(), design)
    return figure


def _draw(axes: Axes, design: Design) -> None:
    shown = design.matrix / np.abs(design.matrix).max(axis=0)
    rows, columns = shown.shape
    axes.imshow(shown, cmap=_SCALE, vmin=-1.15, vmax=1.15, aspect="auto", interpolation="nearest")
    axes.set_xticks(range(columns), [literal_text(shorten_name(name, _LETTERS)) for name in design.covariates])
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    for label in axes.get_xticklabels():
        label.set(rotation=35, ha="left", rotation_mode="anchor", color=INK)
    if rows <= MOST_NAMED:
        axes.set_yticks(range(rows), [literal_text(shorten_name(name, 18)) for name in design.participants])
        axes.tick_params(axis="y", labelsize=7, length=0)
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{rows} participants", color=MUTED)
    for edge in np.arange(columns + 1) - 0.5:
        axes.axvline(edge, color=LINE, linewidth=0.8)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("vermilion: positive, blue: negative; paper: 0", color=MUTED, fontsize=8)
