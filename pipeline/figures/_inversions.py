"""Pictures of inversions: the fit, how it was reached, and what was recovered of planted connectivity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from dcm import Data, Posterior

from ._panels import NAME_WIDTH, shortened
from ._style import BLUE, GREEN, LINE, MUTED, ORANGE, SKY, VERMILION, new_figure, plain, style, zero_line

LOW_VARIANCE = 10.0  # percent; SPM's check of a DCM warns below it
SHADES = ((LINE, 0.6), (SKY, 0.4), (ORANGE, 0.4), (GREEN, 0.4))  # colour and opacity, input by input


def series_figure(data: Data, posterior: Posterior, paradigm: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Observed and predicted series of each region, percent signal change, drift and confounds removed from both.

    `paradigm` is (bin, input) with an input "on" where positive; `names` are the inputs' names, shaded in turn;
    `title` says whose series they are.
    """
    regions = posterior.spec.regions
    time = (np.arange(data.scans) + 0.5) * data.repetition_time
    predicted = posterior.prediction / posterior.data_scale
    observed = predicted + posterior.residual / posterior.data_scale
    with style():
        figure = new_figure(1.4 * len(regions) + 1.0)
        panels = figure.subplots(len(regions), 1, sharex=True, squeeze=False)[:, 0]
        for region, axes in enumerate(panels):
            _shade(axes, paradigm, data.bin_width)
            zero_line(axes)
            axes.plot(time, observed[:, region], color=MUTED, linewidth=0.7, marker=".", markersize=2.2)
            axes.plot(time, predicted[:, region], color=VERMILION, linewidth=1.8)
            axes.set_title(plain(f"{regions[region]} ({title})"))
            axes.set_ylabel("BOLD, %")
            axes.margins(x=0)
        panels[-1].set_xlabel("Time, s")
        lines = [Line2D([], [], color=MUTED, marker=".", linewidth=0.7, label="observed")]
        lines.append(Line2D([], [], color=VERMILION, linewidth=1.8, label="predicted"))
        blocks = [
            Patch(color=shade, alpha=alpha, label=plain(name))
            for (shade, alpha), name in zip(SHADES, names, strict=False)
        ]
        figure.legend(handles=[*lines, *blocks], loc="outside upper center", ncols=len(lines) + len(blocks))
    return figure


def variance_figure(labels: Sequence[str], explained: np.ndarray, columns: Sequence[str]) -> Figure:
    """Explained variance, percent: (row, column), NaN where there is no inversion; SPM's warning level."""
    rows = np.arange(len(labels))
    with style():
        figure = new_figure(max(2.2, 0.9 + 0.17 * len(labels)))
        axes = figure.subplots()
        axes.axvspan(0, LOW_VARIANCE, color=VERMILION, alpha=0.15, linewidth=0)
        axes.axvline(LOW_VARIANCE, color=VERMILION, linewidth=1)
        for column, (name, marker) in enumerate(zip(columns, ("o", "D"), strict=False)):
            colour = (SKY, BLUE)[column % 2]
            axes.plot(explained[:, column], rows, marker, color=colour, markersize=4.5, label=plain(name))
        axes.set(xlim=(0, 100), ylim=(len(labels) - 0.4, -0.6), xlabel="Explained variance (mean removed), %")
        axes.set_yticks(rows, [plain(shortened(label, NAME_WIDTH)) for label in labels], fontsize=8)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        axes.text(
            LOW_VARIANCE / 2,
            0.5,
            "SPM warns",
            transform=axes.get_xaxis_transform(),
            rotation=90,
            ha="center",
            va="center",
            color=VERMILION,
            fontsize=8.5,
        )
        figure.legend(loc="outside upper right", ncols=len(columns))
    return figure


def readable(name: str) -> str:
    """``B[x<-y, faces]`` as ``B(faces) x ← y``, ``A[x<-y]`` as ``A x ← y``."""
    field, _, inside = name.partition("[")
    pair, comma, modulator = inside.removesuffix("]").rpartition(", ")
    arrow = (pair if comma else modulator).replace("<-", " ← ")
    return f"{field}({modulator}) {arrow}" if comma else f"{field} {arrow}".strip()


def _shade(axes: Axes, paradigm: np.ndarray, bin_width: float) -> None:
    """Blocks of each input, the later inputs over the earlier."""
    for (shade, alpha), series in zip(SHADES, paradigm.T, strict=False):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], series > 0, [0]])))
        for start, stop in edges.reshape(-1, 2) * bin_width:
            axes.axvspan(start, stop, color=shade, alpha=alpha, linewidth=0, zorder=0)
