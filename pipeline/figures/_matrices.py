"""Pictures of a group's connectivity: one matrix (to, from) for A and one for what every input adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import ArrayLike

from dcm import Spec
from peb import MEAN

from ..results import Connection, Z, connections, per_covariate
from ..tables import numbers_text
from ._panels import shortened, wrapped
from ._style import BLUE, GREEN, INK, LINE, MUTED, PAPER, PURPLE, VERMILION, new_figure, style

# Opacity over the paper is the diverging scale, so that zero is the page's own colour in either theme; capped so that
# numbers in ink stay legible.
OPAQUE = 0.72
PALE = 0.4  # of the opacity, where the interval includes zero
BETWEEN = (VERMILION, BLUE)  # above and below zero
SELF = (PURPLE, GREEN)  # other hues on the diagonal: more self-inhibition is not more excitation
ABREAST = 4  # up to so many regions, two matrices are side by side


@dataclass(frozen=True, eq=False)
class _Matrix:
    """Values of one field; NaN where a connection is not among the parameters.

    Fields:
        on: whether it is in the model.
        sure: whether the interval excludes zero.
    """

    title: str
    mean: np.ndarray
    on: np.ndarray
    sure: np.ndarray


def matrix_figure(
    names: Sequence[str],
    mean: ArrayLike,
    sd: ArrayLike,
    spec: Spec,
    *,
    covariate: str = MEAN,
    covariate_unit: str = "",
    scale: ArrayLike | None = None,
    interval: ArrayLike | None = None,
    called: ArrayLike | None = None,
) -> Figure:
    """One covariate's effects as matrices (to, from): A, and B of every input, as far as they are among the parameters.

    Cells say the posterior mean; bold and deeper in colour where the effect is called there, hatched where the
    model has no such connection or the search switched it off. Between regions in Hz; the diagonal is a log scale on
    the self-inhibition of ½ Hz and has hues of its own.

    Arguments:
        names: w parameter names as `spec` spells them.
        mean, sd: (w,) posterior mean and standard deviation of the effects.
        spec: the model.
        covariate: whose effects they are.
        covariate_unit: what it is counted in, such as ``point``.
        scale: of `matrix_scale`, for figures that are to be compared; this figure's own where None.
        interval: (w, 2), from and to; None for that of N(mean, sd²).
        called: (w,) whether the verdict on it is yes; None for whether the interval excludes zero.

    Raises `ValueError` where no parameter belongs to A or B.
    """
    mean, sd = np.asarray(mean, dtype=np.float64), np.asarray(sd, dtype=np.float64)
    if mean.shape != (len(names),) or sd.shape != mean.shape or not np.isfinite([mean, sd]).all():
        raise ValueError(f"{len(names)} parameters need as many finite means and sds, not {mean.shape} and {sd.shape}")
    ends = None if interval is None else np.asarray(interval, dtype=np.float64)
    sure = np.abs(mean) > Z * sd if ends is None else (ends[:, 0] > 0) | (ends[:, 1] < 0)
    sure = sure if called is None else np.asarray(called, dtype=bool)
    matrices = _matrices(connections(names, spec), mean, sd > 0, sure, spec)
    if not matrices:
        raise ValueError("none of the parameters belongs to A or B, so there is no matrix to draw")
    largest = _largest(matrices) if scale is None else np.asarray(scale, dtype=np.float64)
    columns = 2 if spec.n <= ABREAST and len(matrices) > 1 else 1
    rows = -(-len(matrices) // columns)
    letters = max(len(name) for name in spec.regions)
    side = min(5.0 / columns - 0.35 - 0.075 * min(letters, 10 if spec.n <= ABREAST else 18), 0.95 * spec.n)  # inches
    with style():
        figure = new_figure(1.2 + rows * (side + (0.8 if letters < 12 else 1.15)))
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, matrix in zip(panels, matrices, strict=False):
            _draw(axes, matrix, spec.regions, largest)
        for axes in panels[len(matrices) :]:
            axes.set_axis_off()
        title = "Group mean" if covariate == MEAN else f"Effect of {covariate}"
        unit = per_covariate("Hz", covariate, covariate_unit)
        unit += "; diagonal on a log scale" if any(np.isfinite(np.diag(one.mean)).any() for one in matrices) else ""
        figure.suptitle(
            wrapped(f"{title}, {unit}", 58, balanced=True), x=0.02, ha="left", fontsize=10.5, fontweight="bold"
        )
        figure.legend(handles=_key(matrices, called is not None), loc="outside lower left", ncols=2, columnspacing=1.2)
    return figure


def matrix_scale(names: Sequence[str], means: ArrayLike, spec: Spec) -> np.ndarray:
    """Sizes at which colours are deepest, between regions and on the diagonal: the largest of all that is compared.

    Arguments:
        names: w parameter names as `spec` spells them.
        means: (figure, w) posterior means, those of each figure in a row.
        spec: the model.
    """
    parameters = connections(names, spec)
    every = [
        _matrices(parameters, mean, mean == mean, mean == mean, spec) for mean in np.asarray(means, dtype=np.float64)
    ]
    return _largest([matrix for matrices in every for matrix in matrices])


def _matrices(
    parameters: Sequence[Connection], mean: np.ndarray, on: np.ndarray, sure: np.ndarray, spec: Spec
) -> list[_Matrix]:
    found: dict[tuple[str, str], _Matrix] = {}
    fields = [("A", "")] + [("B", name) for name in spec.inputs]
    for field, modulator in fields:
        here = [i for i, one in enumerate(parameters) if (one.field, one.modulator) == (field, modulator)]
        if not here:
            continue
        title = "A: average" if field == "A" else f"B: added by {shortened(modulator, 20)}"
        values = np.full((spec.n, spec.n), np.nan)
        there, told = np.zeros((2, spec.n, spec.n), dtype=bool)
        for i in here:
            place = spec.regions.index(parameters[i].to), spec.regions.index(parameters[i].source)
            values[place], there[place], told[place] = mean[i], on[i], sure[i]
        found[field, modulator] = _Matrix(title, values, there, told)
    return list(found.values())


def _draw(axes: Axes, matrix: _Matrix, regions: Sequence[str], largest: np.ndarray) -> None:
    n = len(regions)
    for to, source in np.ndindex(n, n):
        _cell(axes, matrix, to, source, largest)
    labels = [wrapped(shortened(name, 18), 10 if n <= ABREAST else 18, 2) for name in regions]
    size = 9 if n <= 8 else 7.5
    axes.tick_params(length=0, labelcolor=INK, labeltop=True, labelbottom=False)
    axes.set_xticks(range(n), labels, fontsize=size)
    axes.set_yticks(range(n), labels, fontsize=size)
    if max(len(line) for label in labels for line in label.split("\n")) > (26 if n <= ABREAST else 50) // n:
        for label in axes.get_xticklabels():
            label.set(rotation=40, ha="left", rotation_mode="anchor")
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("from", color=MUTED)
    axes.set_ylabel("to", color=MUTED)
    axes.set_title(wrapped(matrix.title, 20 if n <= ABREAST else 40))
    for side in axes.spines.values():
        side.set_visible(False)


def _cell(axes: Axes, matrix: _Matrix, to: int, source: int, largest: np.ndarray) -> None:
    value, n = float(matrix.mean[to, source]), len(matrix.mean)
    corner = (source - 0.48, to - 0.48)
    if not matrix.on[to, source]:
        axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=PAPER, edgecolor=LINE, hatch="////", linewidth=0.6))
        return
    diagonal = int(to == source)
    sure = matrix.sure[to, source]
    colour = (SELF if diagonal else BETWEEN)[int(value < 0)]
    opacity = OPAQUE * min(abs(value) / largest[diagonal], 1.0) * (1.0 if sure else PALE)
    axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=colour, alpha=opacity, linewidth=0))
    axes.add_patch(Rectangle(corner, 0.96, 0.96, fill=False, edgecolor=LINE, linewidth=0.6))
    size = max(5.5, min(9.5, (26 if n <= ABREAST else 60) / n))
    axes.text(
        source,
        to,
        _number(value, largest[diagonal]),
        ha="center",
        va="center",
        fontsize=size,
        color=INK if sure else MUTED,
        fontweight="bold" if sure else "normal",
    )


def _largest(matrices: Sequence[_Matrix]) -> np.ndarray:
    """The largest size between regions and on the diagonal, over all matrices."""
    stack = np.array([np.where(np.isnan(one.mean), 0.0, np.abs(one.mean)) for one in matrices])
    diagonal = np.eye(stack.shape[1], dtype=bool)
    sizes = np.array([stack[:, ~diagonal].max(initial=0.0), stack[:, diagonal].max(initial=0.0)])
    return np.where(sizes > 0, sizes, 1.0)


def _number(value: float, largest: float) -> str:
    """Two digits that count, by the largest of its kind."""
    return numbers_text([value], largest)[0]


def _key(matrices: Sequence[_Matrix], judged: bool) -> list[Patch]:
    """Hues between regions, those of the diagonal where it is there, and what the other cells are."""
    key = [
        Patch(facecolor=BETWEEN[0], alpha=OPAQUE, label="+ more excitation"),
        Patch(facecolor=BETWEEN[1], alpha=OPAQUE, label="− more inhibition"),
        Patch(facecolor=PAPER, edgecolor=LINE, hatch="////", label="not in the model, or off"),
    ]
    if any(np.diag(one.on).any() for one in matrices):
        key.append(Patch(facecolor=SELF[0], alpha=OPAQUE, label="diagonal: + more self-inhibition"))
        key.append(Patch(facecolor=SELF[1], alpha=OPAQUE, label="diagonal: − less self-inhibition"))
    key.append(
        Patch(
            facecolor=MUTED,
            alpha=0.2,
            label=f"pale, thin: {'verdict not yes' if judged else '90 % interval includes 0'}",
        )
    )
    return key
