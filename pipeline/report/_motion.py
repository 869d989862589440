"""How much participants moved, by arm and session."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from ..figures import INK, new_figure, plain, shortened, signed, style
from ..images import Extraction
from ..measures import mean_displacement
from ..page import Column, Picture, Records, Section
from ..results import LEVEL
from ._arms import Mean, arm_key, draw_points, looks
from ._fold import fold
from ._result import StudyResult

COLUMNS = (
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
        "Framewise displacement (FD) is how far the head moved from one scan to the next. Motion changes connectivity "
        "estimates; where the arms move differently after treatment, an effect of treatment may be one of motion.",
        (Picture("motion", "Mean framewise displacement", _caption(result), _figure(result)),),
        folded=(fold(motion_records(result)),),
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
            "largest": _largest(run),
            "censored": int(run.censored.size),
            "scans": int(run.series.shape[0]),
        }
        for run in result.ordered()
    ]
    lead = "FD as fMRIPrep computes it (Power et al. 2012)."
    return Records("motion", "Motion of every run", lead, COLUMNS, rows)


def _largest(run: Extraction) -> float:
    found = run.framewise_displacement[np.isfinite(run.framewise_displacement)]
    return float(found.max()) if found.size else float("nan")


def displacements(result: StudyResult, task: str, session: str, arm: str) -> list[float]:
    """Mean displacement of the runs of one task, session and arm, where known."""
    arm_of = result.arm_of
    found = [
        mean_displacement(run)
        for run in result.ordered(task)
        if run.session == session and arm_of[run.participant] == arm
    ]
    return [value for value in found if np.isfinite(value)]


def arms_apart(result: StudyResult, task: str, session: str) -> Mean | None:
    """Mean displacement of the first arm less the second, with Welch's 90 % interval; None with too few runs."""
    first, second = (displacements(result, task, session, arm) for arm in result.study.participants.arms)
    if min(len(first), len(second)) < 2 or not np.ptp(first) + np.ptp(second):
        return None
    found = stats.ttest_ind(first, second, equal_var=False).confidence_interval(LEVEL)
    return Mean(float(np.mean(first) - np.mean(second)), float(found.low), float(found.high), len(first) + len(second))


def _caption(result: StudyResult) -> str:
    first, second = result.study.participants.arms
    said = []
    for task in _tasks(result):
        apart = arms_apart(result, task, result.sessions[1])
        if apart is not None:
            span = f"{signed(apart.low, 3)} to {signed(apart.high, 3)}"
            said.append(f"{task} {signed(apart.value, 3)} mm (90 % {span})")
    caption = "Points of both arms should lie equally high, and about as high in both sessions."
    if said:
        caption += f" After treatment, {first} less {second}: {'; '.join(said)}."
    censored = sum(run.censored.size for run in result.extractions)
    scans = sum(run.series.shape[0] for run in result.extractions)
    return f"{caption} {censored} of {scans} scans ({100 * censored / scans:.1f} %) have a regressor of their own."


def _tasks(result: StudyResult) -> list[str]:
    there = {run.task for run in result.extractions}
    return [task for task in result.study.tasks if task in there]


def _figure(result: StudyResult) -> Figure:
    tasks = _tasks(result)
    with style():
        figure = new_figure(0.9 + 1.65 * len(tasks))
        panels = figure.subplots(len(tasks), 1, sharex=True, squeeze=False)[:, 0]
        for axes, task in zip(panels, tasks, strict=True):
            _panel(axes, result, task)
        figure.legend(handles=arm_key(result), loc="outside upper left", ncols=3, columnspacing=1.2, handletextpad=0.5)
    return figure


def _panel(axes: Axes, result: StudyResult, task: str) -> None:
    for place, session in enumerate(result.sessions):
        for number, look in enumerate(looks(result)):
            draw_points(axes, 2.4 * place + number, displacements(result, task, session, look.arm), look)
    axes.set_title(plain(shortened(task, 40)))
    axes.set_ylabel("mean FD, mm")
    axes.set_ylim(bottom=0)
    axes.set_xlim(-0.6, 4.0)
    axes.set_xticks([0.5, 2.9], [plain(shortened(session, 20)) for session in result.sessions])
    axes.tick_params(axis="x", length=0, labelcolor=INK)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
