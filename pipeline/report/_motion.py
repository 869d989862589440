"""How much participants moved, by arm and session."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from ..figures import INK, literal_text, new_figure, shorten_name, signed_number, style
from ..images import Extraction
from ..measures import mean_displacement
from ..page import Column, Picture, Records, Section
from ..results import LEVEL
from ._arm_plots import MeanInterval, arm_legend, arm_styles, draw_points
from ._study_result import StudyResult

MOTION_COLUMNS = (
    Column("label", "Run"),
    Column("arm", "Arm"),
    Column("session", "Session", where="file"),
    Column("task", "Task", where="file"),
    Column("mean", "Mean FD, mm", ".3f"),
    Column("largest", "Largest, mm", ".2f"),
    Column("censored", "Scans censored", "d"),
    Column("scans", "of", "d"),
)


def motion_section(result: StudyResult) -> Section | None:
    """Mean framewise displacement of every run; None without extractions."""
    if not result.extractions:
        return None
    return Section(
        "Motion",
        "Framewise displacement (FD) is how far the head moved from one scan to the next. Motion biases estimates of "
        "connectivity; where the arms move differently after treatment, an effect of treatment may be one of motion.",
        (Picture("motion", "Mean framewise displacement", _caption(result), _figure(result)),),
        folded=(motion_records(result).collapsible(),),
        anchor="motion",
    )


def motion_records(result: StudyResult) -> Records:
    """Mean and largest displacement, and censored scans, run by run."""
    arm_of = result.arm_of
    rows: list[dict[str, Any]] = [
        {
            "label": run.label,
            "arm": arm_of[run.participant],
            "session": run.session,
            "task": run.task,
            "mean": mean_displacement(run),
            "largest": _largest_displacement(run),
            "censored": int(run.censored.size),
            "scans": int(run.series.shape[0]),
        }
        for run in result.ordered_runs()
    ]
    lead = "FD as fMRIPrep computes it (Power et al. 2012)."
    return Records("motion", "Motion of every run", lead, MOTION_COLUMNS, rows)


def _largest_displacement(run: Extraction) -> float:
    found = run.framewise_displacement[np.isfinite(run.framewise_displacement)]
    return float(found.max()) if found.size else float("nan")


def mean_displacements(result: StudyResult, task: str, session: str, arm: str) -> list[float]:
    """Mean displacement of the runs of one task, session and arm, where known."""
    arm_of = result.arm_of
    found = [
        mean_displacement(run)
        for run in result.ordered_runs(task)
        if run.session == session and arm_of[run.participant] == arm
    ]
    return [value for value in found if np.isfinite(value)]


def motion_difference(result: StudyResult, task: str, session: str) -> MeanInterval | None:
    """Mean displacement of the first arm less the second, with Welch's 90 % interval; None with too few runs."""
    first, second = (mean_displacements(result, task, session, arm) for arm in result.study.participants.arms)
    if min(len(first), len(second)) < 2 or not np.ptp(first) + np.ptp(second):
        return None
    found = stats.ttest_ind(first, second, equal_var=False).confidence_interval(LEVEL)
    return MeanInterval(
        float(np.mean(first) - np.mean(second)), float(found.low), float(found.high), len(first) + len(second)
    )


def _caption(result: StudyResult) -> str:
    first, second = result.study.participants.arms
    differences = []
    for task in _tasks(result):
        difference = motion_difference(result, task, result.sessions[1])
        if difference is not None:
            span = f"{signed_number(difference.low, 3)} to {signed_number(difference.high, 3)}"
            differences.append(f"{task} {signed_number(difference.value, 3)} mm (90 % confidence interval {span})")
    caption = "Motion should be similar in both arms and in both sessions."
    if differences:
        caption += f" Difference after treatment, {first} − {second}: {'; '.join(differences)}."
    censored = sum(run.censored.size for run in result.extractions)
    scans = sum(run.series.shape[0] for run in result.extractions)
    share = f"{censored} of {scans} scans ({100 * censored / scans:.1f} %)"
    return f"{caption} {share} are censored by a regressor of their own."


def _tasks(result: StudyResult) -> list[str]:
    extracted = {run.task for run in result.extractions}
    return [task for task in result.study.tasks if task in extracted]


def _figure(result: StudyResult) -> Figure:
    tasks = _tasks(result)
    with style():
        figure = new_figure(0.9 + 1.65 * len(tasks))
        panels = figure.subplots(len(tasks), 1, sharex=True, squeeze=False)[:, 0]
        for axes, task in zip(panels, tasks, strict=True):
            _panel(axes, result, task)
        figure.legend(
            handles=arm_legend(result), loc="outside upper left", ncols=3, columnspacing=1.2, handletextpad=0.5
        )
    return figure


def _panel(axes: Axes, result: StudyResult, task: str) -> None:
    for place, session in enumerate(result.sessions):
        for number, arm_style in enumerate(arm_styles(result)):
            draw_points(axes, 2.4 * place + number, mean_displacements(result, task, session, arm_style.arm), arm_style)
    axes.set_title(literal_text(shorten_name(task, 40)))
    axes.set_ylabel("mean FD, mm")
    axes.set_ylim(bottom=0)
    axes.set_xlim(-0.6, 4.0)
    axes.set_xticks([0.5, 2.9], [literal_text(shorten_name(session, 20)) for session in result.sessions])
    axes.tick_params(axis="x", length=0, labelcolor=INK)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
