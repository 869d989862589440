"""Pictures that compare sessions and groups: points with their mean and interval, and matrices of region pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from scipy import stats

from ..figures import (
    ARM_COLOUR,
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
    literal_text,
    new_figure,
    shorten_name,
    style,
)
from ..results import LEVEL
from ..tables import numbers_text
from ._study_result import StudyResult

OTHER_COLOURS = (PURPLE, GREEN, ORANGE, SKY, VERMILION, BLUE)  # of groups that the house has no colour for
MARKERS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True)
class GroupMark:
    """A group's name, colour and marker; the name is empty where the study has no groups."""

    group: str
    colour: str
    marker: str

    @property
    def label(self) -> str:
        """The name, fit for a legend."""
        return literal_text(shorten_name(self.group or "each participant", 22))


def group_marks(result: StudyResult) -> tuple[GroupMark, ...]:
    """Of all groups, the first first; one style where the study has none."""
    if result.groups == ("",):
        return (GroupMark("", BLUE, MARKERS[0]),)
    return tuple(
        GroupMark(
            group,
            ARM_COLOUR.get(group.strip().lower(), OTHER_COLOURS[place % len(OTHER_COLOURS)]),
            MARKERS[place % len(MARKERS)],
        )
        for place, group in enumerate(result.groups)
    )


@dataclass(frozen=True)
class MeanInterval:
    """A mean with its 90 % interval (Student's t); the interval is NaN with fewer than two values."""

    value: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> MeanInterval:
        """Of numbers that are there."""
        count = len(values)
        if not count:
            return cls(np.nan, np.nan, np.nan, 0)
        value = float(np.mean(values))
        if count < 2:
            return cls(value, np.nan, np.nan, count)
        half = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * np.std(values, ddof=1) / np.sqrt(count))
        return cls(value, value - half, value + half, count)


def draw_points(axes: Axes, place: float, values: Sequence[float], group_mark: GroupMark) -> None:
    """A column of points, and their mean with its interval to the right of it."""
    if not len(values):
        return
    spread = np.linspace(-0.13, 0.13, len(values)) if len(values) > 1 else np.zeros(1)
    order = np.argsort(values, kind="stable")
    across = np.empty(len(values))
    across[order] = np.roll(spread, len(values) // 2)  # neighbours in value side by side, none on top of another
    axes.plot(
        place + across - 0.08,
        values,
        group_mark.marker,
        color=group_mark.colour,
        markersize=4,
        markeredgewidth=0,
        alpha=0.65,
    )
    mean = MeanInterval.of(values)
    half = [[mean.value - mean.low], [mean.high - mean.value]] if mean.count > 1 else None
    axes.errorbar(
        place + 0.2,
        mean.value,
        yerr=half,
        fmt="D",
        color=INK,
        markerfacecolor=group_mark.colour,
        markersize=6,
        elinewidth=1.8,
    )


Cells = Callable[[str, str], Sequence[float]]  # (session, group) → values


def draw_cells(axes: Axes, result: StudyResult, values: Cells, gap: float, margin: float, letters: int) -> None:
    """A column of points for each group within each session, sessions named below.

    Arguments:
        gap: between sessions, beside the unit that groups are apart.
        margin: at either end.
        letters: that a session's name has room for.
    """
    styles, step = group_marks(result), len(result.groups) + gap
    for place, session in enumerate(result.sessions):
        for number, group_mark in enumerate(styles):
            draw_points(axes, step * place + number, values(session, group_mark.group), group_mark)
    middle, last = (len(styles) - 1) / 2, step * (len(result.sessions) - 1) + len(styles) - 1
    axes.set_xlim(-margin, last + margin)
    axes.set_xticks(
        [step * place + middle for place in range(len(result.sessions))],
        [literal_text(shorten_name(session, letters)) for session in result.sessions],
    )
    axes.tick_params(axis="x", length=0, labelcolor=INK)


def group_legend(result: StudyResult) -> list[Line2D]:
    """A legend of the groups, and of the mean."""
    groups = [
        Line2D(
            [],
            [],
            color=group_mark.colour,
            marker=group_mark.marker,
            linestyle="none",
            markersize=5,
            label=group_mark.label,
        )
        for group_mark in group_marks(result)
    ]
    return [*groups, Line2D([], [], color=INK, marker="D", linewidth=1.8, markersize=5, label="mean, 90 %")]


OPAQUE, PALE = 0.72, 0.4  # as matrices of the DCM have them: the deepest colour, and what is left of it if not sure
MOST_ABREAST = 3  # matrices side by side
NUMBERED = 8  # regions up to which a cell has room for its number


@dataclass(frozen=True, eq=False)
class PairMatrix:
    """Means over participants of a measure of every two regions.

    Fields:
        title: such as a group; may be empty.
        mean: (target, source) NaN where no participant has it.
        sure: (target, source) whether the mean's 90 % interval excludes zero.
    """

    title: str
    mean: Float[np.ndarray, "region region"]
    sure: np.ndarray


def pair_matrix(title: str, values: Float[np.ndarray, "participant region region"]) -> PairMatrix:
    """The mean over participants, each cell over those with a value."""
    n = values.shape[-1]
    mean, sure = np.full((n, n), np.nan), np.zeros((n, n), dtype=bool)
    for to, source in np.ndindex(n, n):
        cell = values[:, to, source]
        found = MeanInterval.of(cell[np.isfinite(cell)].tolist())
        mean[to, source], sure[to, source] = found.value, bool(found.low > 0 or found.high < 0)
    return PairMatrix(title, mean, sure)


def pair_figure(rows: Sequence[tuple[str, Sequence[PairMatrix]]], regions: Sequence[str], directed: bool) -> Figure:
    """One row of matrices for each title, of one scale each; more than three go on in the next line.

    Arguments:
        rows: title and matrices; as many in each row.
        directed: whether a cell is from the column's region to the row's.
    """
    n, abreast = len(regions), min(len(rows[0][1]), MOST_ABREAST)
    side = min(1.9, 0.5 + 0.3 * n)
    lines = [
        (title, matrices[start : start + abreast], pair_scale(matrices))
        for title, matrices in rows
        for start in range(0, len(matrices), abreast)
    ]
    with style():
        figure = new_figure(0.55 + len(lines) * (side + 0.28) + 0.06 * min(13, max(len(region) for region in regions)))
        panels = figure.subplots(len(lines), abreast, squeeze=False)
        for number, (title, matrices, largest) in enumerate(lines):
            line = panels[number]
            for axes in line[len(matrices) :]:
                axes.set_axis_off()
            for column, (axes, matrix) in enumerate(zip(line, matrices, strict=False)):
                _draw_matrix(axes, matrix, regions, largest)
                scale = f" (±{largest:.2g})" if n > NUMBERED else ""
                heading = ", ".join(shorten_name(part, 14) for part in (title, matrix.title) if part)
                axes.set_title(literal_text(f"{heading}{scale}"), fontsize=9.5)
                axes.set_yticks(
                    range(n),
                    [literal_text(shorten_name(region, 13)) for region in regions] if column == 0 else [""] * n,
                )
            _name_columns(line[: len(matrices)], regions, number == len(lines) - 1)
            if directed:
                line[0].set_ylabel("to", color=MUTED)
        if directed:
            for axes in panels[-1]:
                axes.set_xlabel("from", color=MUTED)
        figure.legend(handles=_matrix_legend(), loc="outside lower left", ncols=3, columnspacing=1.2, handletextpad=0.5)
    return figure


def _draw_matrix(axes: Axes, matrix: PairMatrix, regions: Sequence[str], largest: float) -> None:
    n = len(regions)
    for to, source in np.ndindex(n, n):
        if to != source:
            _draw_cell(axes, to, source, float(matrix.mean[to, source]), bool(matrix.sure[to, source]), largest, n)
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
    axes.tick_params(length=0, labelcolor=INK, labelsize=8 if n <= NUMBERED else 7)
    axes.spines[:].set_visible(False)


def _draw_cell(axes: Axes, to: int, source: int, value: float, sure: bool, largest: float, n: int) -> None:
    corner = (source - 0.48, to - 0.48)
    if np.isnan(value):
        axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=PAPER, edgecolor=LINE, hatch="////", linewidth=0.5))
        return
    opacity = OPAQUE * min(abs(value) / largest, 1.0) * (1.0 if sure else PALE)
    colour = VERMILION if value > 0 else BLUE
    axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=colour, alpha=opacity, linewidth=0))
    axes.add_patch(Rectangle(corner, 0.96, 0.96, fill=False, edgecolor=LINE, linewidth=0.5))
    if n > NUMBERED:
        return
    axes.text(
        source,
        to,
        numbers_text([value], largest)[0],
        ha="center",
        va="center",
        fontsize=min(8.5, 35 / n),
        color=INK if sure else MUTED,
        fontweight="bold" if sure else "normal",
    )


def _name_columns(line: Sequence[Axes], regions: Sequence[str], named: bool) -> None:
    """Names of the columns, under the last row alone."""
    for axes in line:
        if named:
            labels = [literal_text(shorten_name(region, 13)) for region in regions]
            axes.set_xticks(range(len(regions)), labels, rotation=40, ha="right", rotation_mode="anchor")
        else:
            axes.set_xticks([])


def pair_scale(matrices: Sequence[PairMatrix]) -> float:
    """The size at which colours are deepest: the largest of matrices that are compared."""
    sizes = np.abs(np.array([matrix.mean for matrix in matrices]))
    largest = float(sizes.max(initial=0.0, where=np.isfinite(sizes)))
    return largest if largest > 0 else 1.0


def _matrix_legend() -> list[Patch]:
    return [
        Patch(facecolor=VERMILION, alpha=OPAQUE, label="above zero"),
        Patch(facecolor=BLUE, alpha=OPAQUE, label="below zero"),
        Patch(facecolor=MUTED, alpha=0.2, label="pale, thin: 90 % interval includes 0"),
    ]
