"""Pictures of inversions: data and prediction, the path of the free energy, explained variance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike

from dcm import Data, Posterior

from ._effect_panels import NAME_WIDTH, shorten_name
from ._style import (
    BLUE,
    GREEN,
    INK,
    LINE,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    AxesArray,
    add_key,
    check_class,
    given_or_new_array,
    given_or_new_axes,
    literal_text,
    new_figure,
    style,
    zero_line,
)

LOW_VARIANCE = 10.0  # percent; SPM's check of a DCM warns below it
SHADES = ((LINE, 0.6), (SKY, 0.4), (ORANGE, 0.4), (GREEN, 0.4))  # colour and opacity, input by input


def plot_fit(
    posterior: Posterior,
    ax: ArrayLike | None = None,
    *,
    data: Data | None = None,
    title: str = "",
    legend: bool = True,
) -> AxesArray:
    """Observed and predicted series of each region, drift and confounds removed from both.

    Arguments:
        posterior: of `dcm.invert`.
        ax: an array of axes, one for each region; those of a new figure where None.
        data: what was inverted: then time is in seconds, and the blocks of the first four inputs are shaded. Scans
            where None.
        title: whose series they are.
        legend: whether to draw the key.

    Returns the axes, (region,).

    Raises `ValueError` where there are not as many axes as regions, or the data have another number of scans.
    """
    check_class(posterior, Posterior)
    if data is not None:
        check_class(data, Data)
    if data is not None and data.bold.shape[1] != posterior.spec.n:
        raise ValueError(f"the data have {data.bold.shape[1]} regions, but the posterior has {posterior.spec.n}")
    if data is not None and data.scans != len(posterior.prediction):
        raise ValueError(f"the data have {data.scans} scans, but the prediction has {len(posterior.prediction)}")
    with style():
        panels = given_or_new_array(ax, posterior.spec.n, 1.4 * posterior.spec.n + 1.0, sharex=True)
        time = np.arange(len(posterior.prediction)) + 1.0 if data is None else _scan_times(data)
        paradigm = None if data is None else data.inputs
        _draw_fit(panels, posterior, time, paradigm, 1.0 if data is None else data.bin_width, title)
        panels[-1].set_xlabel("Scan" if data is None else "Time, s")
        key = _fit_key(() if data is None else posterior.spec.inputs)
        if legend:
            add_key(panels[-1], key, given=ax is not None, columns=min(len(key), 4))
    return panels


def plot_free_energy(posterior: Posterior, ax: Axes | None = None, *, legend: bool = True) -> Axes:
    """The path of the free energy over the iterations, and where every start ended, as nats from the highest.

    Within 1 nat of the highest the scale is linear, below it logarithmic, so that last steps are seen beside first
    ones. The path is of the start that was kept. Starts are compared by the F they ended with, which is not quite the
    path's (mode ``none`` adds the whole curvature over the noise at the end, SPM's modes compare settled free
    energies), so each is shown from the highest of its own kind.

    Arguments:
        posterior: of `dcm.invert`.
        ax: where to draw; a new figure where None.
        legend: whether to draw the key.
    """
    check_class(posterior, Posterior)
    path, ends = np.asarray(posterior.free_energy_history), np.asarray(posterior.start_free_energies)
    reached = ends[np.isfinite(ends)]
    if not reached.size or not np.isfinite(path).any():
        raise ValueError(f"there is no free energy to draw: the inversion {posterior.status.value}")
    path, ends = path - np.nanmax(path), ends - reached.max()
    lowest = np.nanmin([*path, *ends[np.isfinite(ends)], -2.0])
    right = len(path) + 1 + 0.06 * len(path) * (1 + np.arange(len(ends)))
    with style():
        axes = given_or_new_axes(ax, 3.4)
        axes.axhline(0, color=LINE, linewidth=0.8, zorder=1)
        axes.plot(np.arange(len(path)) + 1, path, color=BLUE, marker="o", markersize=3.5, linewidth=1.4)
        kept = np.arange(len(ends)) == posterior.start
        for place, mark, colour in ((~kept, "D", MUTED), (kept, "D", VERMILION)):
            axes.plot(right[place], ends[place], mark, color=colour, markersize=5, clip_on=False, zorder=3)
        axes.set_yscale("symlog", linthresh=1.0, linscale=0.6)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace("-", "−")))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_ylim(1.4 * lowest, 0.4)
        axes.set_xlim(0.5, right[-1] + 0.03 * len(path) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axes.set(xlabel="Iteration", ylabel="F minus the highest F, nats")
        axes.set_title(f"F = {posterior.free_energy:,.2f} nats".replace("-", "−"))
        failed = len(ends) - len(reached)
        if legend:
            settled = posterior.free_energy != posterior.settled_free_energy
            key = _path_key(len(ends), failed, "settled F" if settled else "F")
            add_key(axes, key, given=ax is not None, columns=1 if len(ends) > 1 else 2)
    return axes


def series_figure(data: Data, posterior: Posterior, paradigm: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Observed and predicted series of each region, percent signal change, drift and confounds removed from both.

    `paradigm` is (bin, input) with an input "on" where positive; `names` are the inputs' names, shaded in turn;
    `title` says whose series they are.
    """
    regions = posterior.spec.regions
    with style():
        figure = new_figure(1.4 * len(regions) + 1.0)
        panels = figure.subplots(len(regions), 1, sharex=True, squeeze=False)[:, 0]
        _draw_fit(panels, posterior, _scan_times(data), paradigm, data.bin_width, title, "BOLD, %")
        panels[-1].set_xlabel("Time, s")
        key = _fit_key(names)
        figure.legend(handles=key, loc="outside upper center", ncols=len(key))
    return figure


def _scan_times(data: Data) -> np.ndarray:
    """The middle of every scan, s."""
    return np.asarray((np.arange(data.scans) + 0.5) * data.repetition_time)


def _draw_fit(
    panels: AxesArray,
    posterior: Posterior,
    time: np.ndarray,
    paradigm: np.ndarray | None,
    bin_width: float,
    title: str,
    label: str = "BOLD",
) -> None:
    predicted = posterior.prediction / posterior.data_scale
    observed = predicted + posterior.residual / posterior.data_scale
    for region, axes in enumerate(panels):
        if paradigm is not None:
            _shade(axes, paradigm, bin_width)
        zero_line(axes)
        axes.plot(time, observed[:, region], color=MUTED, linewidth=0.7, marker=".", markersize=2.2)
        axes.plot(time, predicted[:, region], color=VERMILION, linewidth=1.8)
        name = posterior.spec.regions[region]
        axes.set_title(literal_text(f"{name} ({title})" if title else name))
        axes.set_ylabel(label)
        axes.margins(x=0)


def _fit_key(inputs: Sequence[str]) -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=MUTED, marker=".", linewidth=0.7, label="observed"),
        Line2D([], [], color=VERMILION, linewidth=1.8, label="predicted"),
        *(
            Patch(color=shade, alpha=alpha, label=literal_text(name))
            for (shade, alpha), name in zip(SHADES, inputs, strict=False)
        ),
    ]


def _path_key(starts: int, failed: int, end: str) -> list[Line2D]:
    key = [Line2D([], [], color=BLUE, marker="o", markersize=3.5, linewidth=1.4, label="F at each iteration")]
    best = end if starts == 1 else f"{end} of the best of {starts} starts"
    key.append(Line2D([], [], color=VERMILION, marker="D", markersize=5, linestyle="none", label=best))
    if starts > 1:
        others = f"{end} of the other starts" + (f"; {failed} failed" if failed else "")
        key.append(Line2D([], [], color=MUTED, marker="D", markersize=5, linestyle="none", label=others))
    return key


COLUMN_STYLES = (("o", SKY), ("D", BLUE), ("^", PURPLE), ("s", GREEN), ("v", ORANGE), ("P", INK))  # of sessions


def variance_figure(labels: Sequence[str], explained: np.ndarray, columns: Sequence[str]) -> Figure:
    """Explained variance, percent: (row, column), NaN where there is no inversion; SPM's warning level."""
    rows = np.arange(len(labels))
    with style():
        figure = new_figure(max(2.2, 0.9 + 0.17 * len(labels)))
        axes = figure.subplots()
        axes.axvspan(0, LOW_VARIANCE, color=VERMILION, alpha=0.15, linewidth=0)
        axes.axvline(LOW_VARIANCE, color=VERMILION, linewidth=1)
        for column, name in enumerate(columns):
            marker, colour = COLUMN_STYLES[column % len(COLUMN_STYLES)]
            label = literal_text(name) or None
            axes.plot(explained[:, column], rows, marker, color=colour, markersize=4.5, label=label)
        axes.set(xlim=(0, 100), ylim=(len(labels) - 0.4, -0.6), xlabel="Explained variance (mean removed), %")
        axes.set_yticks(rows, [literal_text(shorten_name(label, NAME_WIDTH)) for label in labels], fontsize=8)
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
        if any(columns):
            figure.legend(loc="outside upper right", ncols=min(len(columns), 4))
    return figure


def _shade(axes: Axes, paradigm: np.ndarray, bin_width: float) -> None:
    """Blocks of each input, the later inputs over the earlier."""
    for (shade, alpha), series in zip(SHADES, paradigm.T, strict=False):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], series > 0, [0]])))
        for start, stop in edges.reshape(-1, 2) * bin_width:
            axes.axvspan(start, stop, color=shade, alpha=alpha, linewidth=0, zorder=0)
