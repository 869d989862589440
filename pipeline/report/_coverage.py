"""How much of each region every run has: signal drops out above the sinuses and ear canals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..common import join_words, labels_by_remark
from ..figures import BLUE, INK, LINE, MUTED, VERMILION, literal_text, new_figure, shorten_name, style
from ..images import Extraction
from ..page import Column, PageTable, Picture, Records, Section
from ._study_result import StudyResult

NEAR_THRESHOLD = 0.1  # above the threshold, within which a cell is marked too
RUN_COLUMNS = (
    Column("region", "Region"),
    Column("voxels", "Voxels used", "d"),
    Column("size", "of", "d"),
    Column("coverage", "Coverage", ".2f"),
    Column("explained", "Eigenvariate's share of variance", ".2f"),
    Column("low", "Series from, %", ".2f"),
    Column("high", "to, %", ".2f"),
    Column("x", "x, mm", ".1f", where="file"),
    Column("y", "y, mm", ".1f", where="file"),
    Column("z", "z, mm", ".1f", where="file"),
)
REGION_COLUMNS = (
    Column("region", "Region"),
    Column("source", "Source"),
    Column("threshold", "Least allowed", ".2f"),
    Column("lowest", "Lowest coverage", ".2f"),
    Column("median", "Median coverage", ".2f"),
    Column("voxels", "Voxels used, median", ".0f"),
    Column("size", "of", ".0f"),
    Column("explained", "Eigenvariate's share, median", ".2f"),
    Column("reach", "Range of series, %", ".2f"),
    Column("highest", "widest, %", ".2f"),
    Column("lowest_run", "Lowest in"),
)
REMARK_COLUMNS = (Column("runs", "Runs"), Column("remark", "Remark"))


def coverage_section(result: StudyResult) -> Section | None:
    """Coverage region by region and run by run; None without extractions."""
    if not result.extractions:
        return None
    first = f", first {result.words.group} first" if result.words.groups else ""
    caption = (
        f"One column a run{first}. Deep colour: the whole region lies inside the run's brain mask; pale: "
        "part of it. A cross marks coverage of at most 0.1 above the least that is allowed; runs below it are left "
        "out and listed as missing. A pale row means that results rest on part of the region."
    )
    return Section(
        "Coverage of the regions",
        "The share of each region inside the run's brain mask, and how much of its voxels' variance the extracted "
        "series (first eigenvariate) holds. The source of each region states the unit of its map and the value above "
        "which a voxel belongs to the region. Series are in percent of the run's mean over brain and scans; a range "
        "of 1 to 10 % is usual.",
        (Picture("coverage", "Coverage", caption, _figure(result)),),
        (region_records(result).table(), *run_remarks(result)),
        folded=(coverage_records(result).collapsible(),),
        anchor="coverage",
    )


def _region_names(result: StudyResult) -> tuple[str, ...]:
    extracted = {name for run in result.extractions for name in run.regions}
    return tuple(name for name in result.study.region_names if name in extracted)


def region_records(result: StudyResult) -> Records:
    """One row a region, over all runs."""
    rows: list[dict[str, Any]] = []
    for name in _region_names(result):
        runs = [run for run in result.ordered_runs() if name in run.regions]
        values = {
            key: np.array([float(getattr(run, key)[run.regions.index(name)]) for run in runs])
            for key in ("coverage", "voxels", "sizes", "explained")
        }
        reach = np.array([float(np.ptp(run.series[:, run.regions.index(name)])) for run in runs])
        rows.append(
            {
                "region": name,
                "source": join_words(dict.fromkeys(run.sources[run.regions.index(name)] for run in runs)),
                "threshold": result.study.regions[name].least_coverage,
                "lowest": float(values["coverage"].min()),
                "median": float(np.median(values["coverage"])),
                "voxels": float(np.median(values["voxels"])),
                "size": float(np.median(values["sizes"])),
                "explained": float(np.median(values["explained"])),
                "reach": float(np.median(reach)),
                "highest": float(reach.max()),
                "lowest_run": runs[int(values["coverage"].argmin())].label,
            }
        )
    lead = "Over all runs that were used."
    return Records("regions", "Regions", lead, REGION_COLUMNS, rows)


def coverage_records(result: StudyResult) -> Records:
    """One row a run and region."""
    group_of = result.group_of
    rows: list[dict[str, Any]] = [
        {
            "label": run.label,
            result.words.group: group_of[run.participant],
            "region": name,
            "voxels": int(run.voxels[i]),
            "size": int(run.sizes[i]),
            "coverage": float(run.coverage[i]),
            "explained": float(run.explained[i]),
            "low": float(run.ranges[i, 0]),
            "high": float(run.ranges[i, 1]),
            **dict(zip("xyz", map(float, run.centres[i]), strict=True)),
        }
        for run in result.ordered_runs()
        for i, name in enumerate(run.regions)
    ]
    lead = "Coverage: share of the region inside the run's brain mask."
    columns = (Column("label", "Run"), *result.words.group_column_of_file, *RUN_COLUMNS)
    return Records("coverage", "Coverage of every run", lead, columns, rows)


def run_remarks(result: StudyResult) -> tuple[PageTable, ...]:
    """What the first level remarked on, the same words about many runs once."""
    remarks = labels_by_remark((run.label, note) for run in result.ordered_runs() for note in run.notes)
    if not remarks:
        return ()
    rows = [{"runs": labels, "remark": note} for note, labels in remarks.items()]
    return (Records("run_remarks", "Remarks on the runs", "", REMARK_COLUMNS, rows).table(),)


def _figure(result: StudyResult) -> Figure:
    names = _region_names(result)
    tasks = [task for task in result.study.tasks if result.ordered_runs(task)]
    with style():
        figure = new_figure(0.7 + (0.55 + 0.24 * len(names)) * len(tasks))
        panels = figure.subplots(len(tasks), 1, squeeze=False)[:, 0]
        for axes, task in zip(panels, tasks, strict=True):
            _panel(axes, result, task, names)
        figure.legend(handles=_legend(), loc="outside lower left", ncols=3, columnspacing=1.2, handletextpad=0.5)
    return figure


def _panel(axes: Axes, result: StudyResult, task: str, names: Sequence[str]) -> None:
    runs = result.ordered_runs(task)
    values = np.array([[_coverage_of(run, name) for run in runs] for name in names])
    image = np.empty((*values.shape, 4))
    image[..., :3] = to_rgb(BLUE)
    image[..., 3] = 0.9 * np.nan_to_num(values)
    axes.imshow(image, aspect="auto", interpolation="none")
    least = np.array([[result.study.regions[name].least_coverage] for name in names])
    rows, columns = np.nonzero(values < least + NEAR_THRESHOLD)
    axes.plot(columns, rows, "x", color=VERMILION, markersize=4.5, linestyle="none")
    _mark_groups(axes, result, runs)
    axes.set_yticks(range(len(names)), [literal_text(shorten_name(name, 18)) for name in names], fontsize=8.5)
    axes.set_xticks([])
    axes.tick_params(length=0, labelcolor=INK)
    axes.set_title(literal_text(shorten_name(task, 40)))
    for row in range(1, len(names)):
        axes.axhline(row - 0.5, color=LINE, linewidth=0.6)


def _mark_groups(axes: Axes, result: StudyResult, runs: Sequence[Extraction]) -> None:
    """Names of the groups under their columns, and lines between them."""
    groups = [result.group_of[run.participant] for run in runs]
    for group in result.groups:
        places = [i for i, own in enumerate(groups) if own == group]
        if places and group:
            axes.annotate(
                literal_text(shorten_name(group, 22)),
                (float(np.mean(places)), 0),
                (0, -3),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=8.5,
                color=MUTED,
            )
        border = places[0] if places else 0
        if border:
            axes.axvline(border - 0.5, color=INK, linewidth=1)


def _coverage_of(run: Extraction, name: str) -> float:
    return float(run.coverage[run.regions.index(name)]) if name in run.regions else float("nan")


def _legend() -> list[Patch | Line2D]:
    return [
        Patch(facecolor=BLUE, alpha=0.9, label="whole region"),
        Patch(facecolor=BLUE, alpha=0.35, label="about a third"),
        Line2D([], [], color=VERMILION, marker="x", linestyle="none", label="near the least allowed"),
    ]
