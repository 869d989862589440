"""Pictures of a group's connectivity: one matrix (to, from) for A and one for what every input adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import ArrayLike

from dcm import Posterior, Spec
from peb import MEAN, GroupPosterior

from ..results import Connection, Z, connections, per_covariate
from ..tables import numbers_text
from ._effect_panels import shorten_name, wrap_text
from ._parameter_values import parameter_values
from ._style import (
    BLUE,
    GREEN,
    INK,
    LINE,
    MUTED,
    PAPER,
    PURPLE,
    VERMILION,
    add_key,
    check_class,
    given_or_new_axes,
    new_figure,
    style,
)

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


def plot_connectivity(
    result: Posterior | GroupPosterior,
    ax: Axes | None = None,
    *,
    matrix: str | None = None,
    covariate: str = MEAN,
    covariate_unit: str = "",
    spec: Spec | None = None,
    scale: ArrayLike | None = None,
    legend: bool = True,
) -> Axes:
    """Connectivity as a matrix: the row is the region that is driven (to), the column the region that drives (from).

    Cells say the posterior mean in Hz; bold and deeper in colour where the 90 % interval excludes zero, hatched where
    the model has no such connection. The diagonal is a log scale on the self-inhibition of ½ Hz, in hues of its own.

    Arguments:
        result: one participant's posterior, or a group's.
        ax: where to draw; a new figure where None.
        matrix: ``A`` for average connectivity, ``B[faces]`` for what the input faces adds; the first that there
            is where None.
        covariate: of a group, whose effects.
        covariate_unit: what it is counted in, such as ``point``.
        spec: a group's model, for the order of its regions and for names with brackets or commas in them.
        scale: (2,) sizes at which colours are deepest, between regions and on the diagonal, for pictures that are to
            be compared; this picture's own where None.
        legend: whether to draw the key.

    Raises `ValueError` where the result has no such matrix, or the scale is not two sizes.
    """
    check_class(result, Posterior, GroupPosterior)
    values = parameter_values(result, covariate, spec)
    found = _matrices(
        values.parameters, values.mean, values.sd > 0, values.excludes_zero, values.regions, values.inputs
    )
    drawn = found[chosen_matrix(list(found), matrix)]
    largest = _largest([drawn]) if scale is None else np.asarray(scale, dtype=np.float64)
    if largest.shape != (2,) or not (largest > 0).all():
        raise ValueError(f"scale is two sizes above 0, between regions and on the diagonal, not {scale!r}")
    n = len(values.regions)
    with style():
        axes = given_or_new_axes(ax, 4.9 if n <= ABREAST else 6.0)
        _draw(axes, drawn, values.regions, largest, abreast=1)
        unit = per_covariate("Hz", covariate, covariate_unit)
        what = drawn.title if covariate == MEAN else f"{drawn.title}, effect of {covariate}"
        axes.set_title(wrap_text(f"{what}, {unit}", 44, 3, balanced=True))
        if legend:
            add_key(axes, _key([drawn], judged=False), given=ax is not None, below=4)
    return axes


def chosen_matrix(available: Sequence[str], wanted: str | None) -> str:
    """Which of a result's matrices, ``A`` or ``B[input]``, is drawn; the first where none is asked for.

    Raises `ValueError` where it is not there.
    """
    if not available:
        raise ValueError("none of the parameters belongs to A or B, so there is no matrix to draw")
    if wanted is not None and wanted not in available:
        raise ValueError(f"there is no matrix {wanted!r}; there is {', '.join(available)}")
    return available[0] if wanted is None else wanted


def matrix_figure(
    names: Sequence[str],
    mean: ArrayLike,
    sd: ArrayLike,
    spec: Spec,
    *,
    covariate: str = MEAN,
    covariate_unit: str = "",
    title: str = "",
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
        title: what the effect is called, such as ``ketamine − placebo``; by the covariate's name where empty.
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
    found = _matrices(connections(names, spec), mean, sd > 0, sure, spec.regions, spec.inputs)
    chosen_matrix(list(found), None)
    matrices = list(found.values())
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
        title = title or ("Group mean" if covariate == MEAN else f"Effect of {covariate}")
        unit = per_covariate("Hz", covariate, covariate_unit)
        unit += "; diagonal on a log scale" if any(np.isfinite(np.diag(each.mean)).any() for each in matrices) else ""
        figure.suptitle(
            wrap_text(f"{title}, {unit}", 58, balanced=True), x=0.02, ha="left", fontsize=10.5, fontweight="bold"
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
        _matrices(parameters, mean, mean == mean, mean == mean, spec.regions, spec.inputs).values()
        for mean in np.asarray(means, dtype=np.float64)
    ]
    return _largest([matrix for matrices in every for matrix in matrices])


def _matrices(
    parameters: Sequence[Connection],
    mean: np.ndarray,
    on: np.ndarray,
    sure: np.ndarray,
    regions: Sequence[str],
    inputs: Sequence[str],
) -> dict[str, _Matrix]:
    """``A`` and ``B[input]`` of every input, as far as they are among the parameters."""
    found: dict[str, _Matrix] = {}
    n = len(regions)
    for field, modulator in [("A", ""), *(("B", name) for name in inputs)]:
        own = [i for i, each in enumerate(parameters) if (each.field, each.modulator) == (field, modulator)]
        if not own:
            continue
        title = "A: average" if field == "A" else f"B: added by {shorten_name(modulator, 20)}"
        values = np.full((n, n), np.nan)
        in_model, excludes_zero = np.zeros((2, n, n), dtype=bool)
        for i in own:
            place = regions.index(parameters[i].to), regions.index(parameters[i].source)
            values[place], in_model[place], excludes_zero[place] = mean[i], on[i], sure[i]
        found[f"B[{modulator}]" if modulator else "A"] = _Matrix(title, values, in_model, excludes_zero)
    return found


def _draw(axes: Axes, matrix: _Matrix, regions: Sequence[str], largest: np.ndarray, abreast: int = 2) -> None:
    n = len(regions)
    for to, source in np.ndindex(n, n):
        _cell(axes, matrix, to, source, largest, abreast)
    labels = [wrap_text(shorten_name(name, 18), 10 if n <= ABREAST else 18, 2) for name in regions]
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
    axes.set_title(wrap_text(matrix.title, 20 if n <= ABREAST else 40))
    for side in axes.spines.values():
        side.set_visible(False)


def _cell(axes: Axes, matrix: _Matrix, to: int, source: int, largest: np.ndarray, abreast: int) -> None:
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
    size = max(5.5, min(9.5, (52 / abreast if n <= ABREAST else 60) / n))
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
    stack = np.array([np.where(np.isnan(each.mean), 0.0, np.abs(each.mean)) for each in matrices])
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
    if any(np.diag(each.on).any() for each in matrices):
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
