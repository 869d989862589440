"""Where the effects of a group go on a picture: a panel for every covariate and unit, a row for every effect."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike

from peb import MEAN

from ..common import name_parts
from ..results import LOG_SCALE, Connection, Kind, per_covariate
from ..tables import tick_text
from ._style import INK, LINE, figure_of, given_or_new_array, literal_text, new_figure

KINDS: tuple[Kind, ...] = ("connection", "self-inhibition", "input", "other")
SHORT_UNIT = {LOG_SCALE: "log scale (+ = more inhibition)", "": "parameter's own unit"}
LINE_HEIGHT = 0.15  # inches, of a row's label at its font size
LABEL_SIZE = 8.5
LABEL_WIDTH = {1: 34, 2: 25}  # letters, by panels side by side
UNIT_WIDTH = {1: 44, 2: 22}
TITLE_WIDTH = {1: 40, 2: 16}
NAME_WIDTH = 24  # letters of a region's name, so that both ends of a connection can be read


@dataclass(frozen=True, eq=False)
class Panel:
    """One covariate's effects on parameters of one unit.

    Fields:
        axes: row r of `rows` is drawn at y = r, the first at the top.
        covariate: its place among the covariates.
        rows: places of the parameters, in the model's order.
        unit: of the effects, in words, wrapped.
    """

    axes: Axes
    covariate: int
    rows: np.ndarray
    unit: str


def effect_panels(
    parameters: Sequence[Connection],
    covariates: Sequence[str],
    covariate_units: Mapping[str, str] | None = None,
    *,
    titles: Mapping[str, str] | None = None,
    ax: ArrayLike | None = None,
    make_figure: Callable[[float], Figure] = new_figure,
) -> tuple[Figure, list[Panel]]:
    """A figure with its panels, two covariates abreast, parameters of one unit together; within `style()`.

    Arguments:
        parameters: in the model's order.
        covariates: names.
        covariate_units: what a covariate, of this level or the one below, is counted in, such as ``point``.
        titles: what a covariate's effect is called, such as ``ketamine − placebo``; its name where nothing is said.
        ax: axes to use, one for each panel, row by row; those of a new figure where None.
        make_figure: of a height in inches, where `ax` is None.

    Raises `ValueError` where another number of axes is given.
    """
    columns = 1 if len(covariates) == 1 else 2
    labels = [row_label(each, LABEL_WIDTH[columns]) for each in parameters]
    groups = _of_one_unit(parameters)
    blocks = [range(first, min(first + columns, len(covariates))) for first in range(0, len(covariates), columns)]
    heights = [_height([labels[row] for row in group]) for group in groups]
    places = [
        (number * len(groups) + level, column, covariate, level)
        for number, block in enumerate(blocks)
        for level in range(len(groups))
        for column, covariate in enumerate(block)
    ]
    if ax is None:
        overhead = 0.62 * len(groups) + 0.3
        figure = make_figure(0.35 + len(blocks) * (sum(heights) + overhead))
        grid = figure.add_gridspec(len(blocks) * len(groups), columns, height_ratios=heights * len(blocks))
        drawn = [figure.add_subplot(grid[row, column]) for row, column, _, _ in places]
    else:
        drawn = list(given_or_new_array(ax, len(places), 0.0))
        figure = figure_of(drawn[0])
    panels = []
    for axes, (_, column, covariate, level) in zip(drawn, places, strict=True):
        group = groups[level]
        unit = _unit(parameters[group[0]], covariates[covariate], covariate_units or {})
        _rows(axes, [labels[row] for row in group] if column == 0 else [""] * group.size)
        if level == 0:
            title = (titles or {}).get(covariates[covariate], covariates[covariate])
            axes.set_title(wrap_text(title, TITLE_WIDTH[columns], balanced=True))
        panels.append(Panel(axes, covariate, group, wrap_text(unit, UNIT_WIDTH[columns], balanced=True)))
    return figure, panels


def row_label(parameter: Connection, width: int) -> str:
    """A parameter in words, wrapped; long names of regions and inputs lose their middles."""
    parts = {
        part: shorten_name(getattr(parameter, part), NAME_WIDTH) for part in ("to", "source", "modulator", "covariate")
    }
    words = replace(parameter, **parts).words if parameter.field else shorten_name(parameter.name, 3 * width)
    return wrap_text(words, width, 4)


def shorten_name(name: str, length: int) -> str:
    """A name of at most so many letters, an ellipsis for its middle."""
    name = " ".join(name.split())
    kept = length - 1
    return name if len(name) <= length else f"{name[: kept - kept // 2]}…{name[-(kept // 2) :]}"


class _NameWrapper(textwrap.TextWrapper):
    """Wraps names where one of their parts ends, before it breaks a word."""

    def _split(self, text: str) -> list[str]:
        return [part for chunk in super()._split(text) for part in (name_parts(chunk) or [chunk])]


def wrap_text(text: str, width: int, lines: int = 3, *, balanced: bool = False) -> str:
    """Text from data in lines of at most `width` letters, so many of them, and an ellipsis where that is not all.

    `balanced` makes the lines alike in length.
    """
    text = " ".join(text.split())
    pieces = _NameWrapper(width, max_lines=lines, placeholder=" …").wrap(text)
    while balanced and width > max(map(len, text.split()), default=1):
        width -= 1
        tighter = _NameWrapper(width).wrap(text)
        if len(tighter) > len(pieces) or "".join(pieces).endswith("…"):
            break
        pieces = tighter
    return "\n".join(literal_text(piece) for piece in pieces)


def _of_one_unit(parameters: Sequence[Connection]) -> list[np.ndarray]:
    """Places of the parameters of each unit: connections first; of a level above, by the covariate of the one below."""
    keys = [(KINDS.index(parameter.kind), parameter.covariate, parameter.unit) for parameter in parameters]
    order = sorted(dict.fromkeys(keys), key=lambda key: key[0])  # covariates stay as they come
    return [np.flatnonzero([key == unit_key for key in keys]) for unit_key in order]


def _unit(parameter: Connection, covariate: str, covariate_units: Mapping[str, str]) -> str:
    unit = SHORT_UNIT.get(parameter.unit, parameter.unit)
    for name in (parameter.covariate or MEAN, covariate):
        unit = per_covariate(unit, name, covariate_units.get(name, "")).replace(name, shorten_name(name, 20))
    return unit


def _height(labels: Sequence[str]) -> float:
    """Inches for rows whose labels are these: all rows are as high as the highest."""
    lines = max(label.count("\n") + 1 for label in labels)
    return (LINE_HEIGHT * lines + 0.07) * max(len(labels), 2)


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels, fontsize=LABEL_SIZE, linespacing=1.1)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.tick_params(axis="x", labelsize=LABEL_SIZE)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(_rounded(value, axes.get_xlim()))))
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=LINE, linewidth=0.5)


def _rounded(value: float, ends: tuple[float, float]) -> float:
    """A tick's place, 0 where it is 0 but for rounding."""
    return 0.0 if abs(value) < 1e-9 * max(map(abs, ends)) else value
