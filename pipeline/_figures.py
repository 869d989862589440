"""Pictures of inversions: the fit, how it was reached, and what was recovered of planted connectivity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator

from dcm import Data, Posterior

from ._figure_style import (
    BLUE,
    GREEN,
    LINE,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    new_figure,
    plain,
    style,
    zero_line,
)
from ._recovery import Recovery, Z

LOW_VARIANCE = 10.0  # percent; SPM's check of a DCM warns below it
SHADES = ((LINE, 0.6), (SKY, 0.4), (ORANGE, 0.4), (GREEN, 0.4))  # colour and opacity, input by input
FLOOR = 0.01  # nats; gains below it are not worth telling apart
_COLOURS = (GREEN, PURPLE, BLUE, VERMILION, ORANGE, SKY)
_MARKERS = ("o", "D", "^", "s", "v", "P")


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


def recovery_figure(recovery: Recovery, names: Sequence[str]) -> Figure:
    """Posterior means against planted values with 90 % intervals, one colour and marker to a parameter, Hz."""
    with style():
        figure = new_figure(4.6)
        axes = figure.subplots()
        columns = [recovery.column(name) for name in names]
        low = min(recovery.planted[:, columns].min(), recovery.mean[:, columns].min()) - 0.1
        high = max(recovery.planted[:, columns].max(), recovery.mean[:, columns].max()) + 0.1
        axes.plot([low, high], [low, high], color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for name, colour, marker in zip(names, _COLOURS, _MARKERS, strict=False):
            column = recovery.column(name)
            label = f"{readable(name)}: r = {recovery.correlation(name):.2f}, {recovery.coverage([name]):.0f} % hold"
            axes.errorbar(
                recovery.planted[:, column],
                recovery.mean[:, column],
                yerr=Z * recovery.sd[:, column],
                fmt=marker,
                color=colour,
                markersize=4.5,
                elinewidth=0.8,
                alpha=0.75,
                markeredgewidth=0,
                label=plain(label),
            )
        axes.set(xlim=(low, high), xlabel="Planted, Hz", ylabel="Recovered, Hz (posterior mean, 90 % interval)")
        axes.set_title(f"{recovery.coverage(names):.0f} % of 90 % intervals hold the planted value")
        figure.legend(loc="outside lower center", ncols=1)
    return figure


def convergence_figure(posteriors: Sequence[Posterior]) -> Figure:
    """Free energy still to be gained at each iteration, nats, one line to an inversion."""
    with style():
        figure = new_figure(4.3)
        axes = figure.subplots()
        for posterior in posteriors:
            reached = np.maximum.accumulate(posterior.free_energy_history)
            gap = np.maximum(posterior.free_energy - reached, FLOOR)
            axes.plot(np.arange(1, gap.size + 1), gap, color=BLUE, alpha=0.35, linewidth=1)
            axes.plot(gap.size, gap[-1], marker="o", color=BLUE, alpha=0.6, markersize=3.5, markeredgewidth=0)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}" if value > FLOOR else f"≤ {FLOOR:g}")
        axes.yaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.axhline(0.1, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.annotate(
            "SPM's tolerance, 0.1 nat", (1, 0.1), (0, 4), textcoords="offset points", color=MUTED, fontsize=8.5
        )
        axes.set(xlabel="Iteration", ylabel="F still to gain, nats")
        count = np.array([posterior.iterations for posterior in posteriors])
        axes.set_title(
            f"{count.size} inversions, {count.min()}–{count.max()} iterations (median {np.median(count):.0f})"
        )
    return figure


def variance_figure(labels: Sequence[str], explained: np.ndarray, columns: Sequence[str]) -> Figure:
    """Variance explained by the model, percent: (row, column), NaN where there is no inversion; SPM's warning level."""
    rows = np.arange(len(labels))
    with style():
        figure = new_figure(max(2.2, 0.9 + 0.17 * len(labels)))
        axes = figure.subplots()
        axes.axvspan(0, LOW_VARIANCE, color=VERMILION, alpha=0.15, linewidth=0)
        axes.axvline(LOW_VARIANCE, color=VERMILION, linewidth=1)
        for column, (name, marker) in enumerate(zip(columns, ("o", "D"), strict=False)):
            colour = (SKY, BLUE)[column % 2]
            axes.plot(explained[:, column], rows, marker, color=colour, markersize=4.5, label=plain(name))
        axes.set(xlim=(0, 100), ylim=(len(labels) - 0.4, -0.6), xlabel="Variance explained, %")
        axes.set_yticks(rows, [plain(_short(label)) for label in labels], fontsize=8)
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


def _short(label: str, length: int = 24) -> str:
    return label if len(label) <= length else label[: length - 1] + "…"
