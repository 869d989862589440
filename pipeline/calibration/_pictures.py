"""Pictures of a calibration: coverage with error bars, recovered against planted, power by number of participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..figures import BLUE, GREEN, INK, LINE, MUTED, PURPLE, VERMILION, literal_text, new_figure, style
from ..page import Picture, Section
from ..results import Z
from ..study import MAIN
from ._datasets import CalibrationRun
from ._power import Power

FIELD_STYLES: dict[str, tuple[str, str, str]] = {  # name, colour, marker
    "B": ("changes of connections (B)", VERMILION, "o"),
    "A": ("connections (A)", BLUE, "s"),
    "C": ("inputs (C)", GREEN, "^"),
}
MOST_POINTS = 600


def calibration_sections(
    run: CalibrationRun, cells: Sequence[Mapping[str, Any]], power: Sequence[Power]
) -> tuple[Section, ...]:
    """Everything that there is to see."""
    sections = [
        Section(
            "Coverage of the intervals",
            "Data simulated from this design with known parameters, inverted as the study's are.",
            (_coverage_picture(cells), *_recovery_pictures(run)),
        )
    ]
    if power:
        caption = (
            "Share of simulated groups in which the connection that has an effect is called, with the right sign "
            "(lines; bars are one Monte-Carlo standard error), and in which something is called where there is nothing "
            "(grey). The dashed line is the study's own number."
        )
        picture = Picture("power", "Power by number of participants", caption, _power_figure(run, power))
        lead = f"{run.design.question.text} Participants differ by {run.design.question.spread:g} Hz (SD)."
        sections.append(Section("Power by number of participants", lead, (picture,)))
    return tuple(sections)


def _coverage_picture(cells: Sequence[Mapping[str, Any]]) -> Picture:
    caption = (
        "Share of 90 % intervals that hold the true value; bars are two Monte-Carlo standard errors. Where a mark lies "
        "well below the line, intervals of this design are too narrow."
    )
    groups = list(dict.fromkeys((cell["origin"], cell["snr"]) for cell in cells))
    with style():
        figure = new_figure(1.3 + 0.42 * len(groups) + 0.7)
        axes = figure.subplots()
        axes.axvspan(85, 95, color=LINE, alpha=0.5, linewidth=0)
        axes.axvline(90, color=MUTED, linewidth=0.8)
        for place, (field, (label, colour, marker)) in enumerate(FIELD_STYLES.items()):
            mine = [cell for cell in cells if cell["field"] == field]
            rows = [groups.index((cell["origin"], cell["snr"])) + 0.22 * (place - 1) for cell in mine]
            values = [cell["coverage"] for cell in mine]
            errors = [2 * cell["coverage_se"] for cell in mine]
            axes.errorbar(values, rows, xerr=errors, fmt=marker, color=colour, label=label, markersize=5, capsize=2)
        axes.set_yticks(range(len(groups)), [f"{_origin_label(origin)}, SNR {snr:g}" for origin, snr in groups])
        axes.invert_yaxis()
        lowest = min((cell["coverage"] - 2 * cell["coverage_se"] for cell in cells), default=50.0)
        axes.set_xlim(min(50.0, lowest - 3), 101)
        axes.set_xlabel("intervals that hold the truth, %")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1)
    return Picture("coverage", "Coverage of 90 % intervals", caption, figure)


def _origin_label(origin: str) -> str:
    return "truths from the prior" if origin == "prior" else "truths around estimates"


def _recovery_pictures(run: CalibrationRun) -> list[Picture]:
    layout = run.design.spec.layout
    points = [
        (dataset.truth[entry], mean, sd)
        for dataset in run.datasets
        if dataset.cell.model == MAIN
        for entry, mean, sd in zip(
            *(getattr(dataset.inverted[MAIN], key) for key in ("free", "mean", "sd")), strict=True
        )
        if layout.field_of(entry) == "B"
    ]
    if not points:
        return []
    shown = points if len(points) <= MOST_POINTS else points[:: -(-len(points) // MOST_POINTS)]
    truth, mean, sd = np.array(shown).T
    caption = (
        "Changes of connections, true and estimated, with 90 % credible intervals; on the line both are equal. "
        "Estimates lie nearer to 0 than the truth where the data carry little information, because the prior shrinks "
        "them."
    )
    with style():
        figure = new_figure(3.6)
        axes = figure.subplots()
        ends = np.array([min(truth.min(), -1.0), max(truth.max(), 1.0)])
        axes.plot(ends, ends, color=MUTED, linewidth=0.8)
        axes.errorbar(
            truth,
            mean,
            yerr=Z * sd,
            fmt="o",
            color=VERMILION,
            ecolor=LINE,
            markersize=2.5,
            elinewidth=0.6,
            alpha=0.8,
        )
        axes.set_ylim(1.3 * ends[0], 1.3 * ends[1])
        axes.set_xlabel("true, Hz")
        axes.set_ylabel("estimated, Hz")
    return [Picture("recovery", "Estimated against true changes", caption, figure)]


def _power_figure(run: CalibrationRun, power: Sequence[Power]) -> Figure:
    effects = list(dict.fromkeys(point.effect for point in power))
    with style():
        figure = new_figure(3.6)
        axes = figure.subplots()
        for effect, colour, marker in zip(effects, (BLUE, VERMILION, PURPLE), "so^", strict=False):
            mine = [point for point in power if point.effect == effect]
            axes.errorbar(
                [point.n for point in mine],
                [point.power for point in mine],
                yerr=[point.power_se for point in mine],
                color=colour,
                marker=marker,
                markersize=5,
                capsize=2,
                label=literal_text(f"a true {effect:g} Hz is found"),
            )
        mine = [point for point in power if point.effect == effects[0]]
        falses = ([point.n for point in mine], [point.false for point in mine])
        axes.errorbar(
            *falses, yerr=[point.false_se for point in mine], color=MUTED, marker="x", capsize=2, label="false alarm"
        )
        axes.axvline(run.design.question.participants, color=INK, linestyle="--", linewidth=0.8)
        axes.set_ylim(-2, 103)
        axes.set_xlabel("participants")
        axes.set_ylabel("groups, %")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
    return figure
