"""The first level: head motion and design matrices."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy import stats

from ..figures import (
    BLUE,
    INK,
    LINE,
    MUTED,
    VERMILION,
    literal_text,
    new_figure,
    shorten_name,
    signed_number,
    style,
)
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
    """Mean framewise displacement of every run; None without extractions, or where no run has any."""
    if not any(np.isfinite(run.framewise_displacement).any() for run in result.extractions):
        return None
    return Section(
        "Motion",
        "Framewise displacement (FD) is how far the head moved from one scan to the next. Motion biases estimates of "
        "connectivity; where the arms move differently after treatment, an effect of treatment may be one of motion.",
        (Picture("motion", "Mean framewise displacement", _motion_caption(result), _motion_figure(result)),),
        folded=(motion_records(result).collapsible(),),
        anchor="motion",
    )


def motion_records(result: StudyResult) -> Records:
    """Mean and largest displacement, and censored scans, run by run."""
    group_of = result.group_of
    rows: list[dict[str, Any]] = [
        {
            "label": run.label,
            "arm": group_of[run.participant],
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
    group_of = result.group_of
    found = [
        mean_displacement(run)
        for run in result.ordered_runs(task)
        if (run.session or "") == session and group_of[run.participant] == arm
    ]
    return [value for value in found if np.isfinite(value)]


def motion_difference(result: StudyResult, task: str, session: str) -> MeanInterval | None:
    """Mean displacement of the first arm minus the second, with Welch's 90 % interval; None with too few runs."""
    first, second = (mean_displacements(result, task, session, arm) for arm in result.groups)
    if min(len(first), len(second)) < 2 or not np.ptp(first) + np.ptp(second):
        return None
    found = stats.ttest_ind(first, second, equal_var=False).confidence_interval(LEVEL)
    return MeanInterval(
        float(np.mean(first) - np.mean(second)), float(found.low), float(found.high), len(first) + len(second)
    )


def _motion_caption(result: StudyResult) -> str:
    first, second = result.groups
    differences = []
    for task in _extracted_tasks(result):
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


def _extracted_tasks(result: StudyResult) -> list[str]:
    extracted = {run.task for run in result.extractions}
    return [task for task in result.study.tasks if task in extracted]


def _motion_figure(result: StudyResult) -> Figure:
    tasks = _extracted_tasks(result)
    with style():
        figure = new_figure(0.9 + 1.65 * len(tasks))
        panels = figure.subplots(len(tasks), 1, sharex=True, squeeze=False)[:, 0]
        for axes, task in zip(panels, tasks, strict=True):
            _motion_panel(axes, result, task)
        figure.legend(
            handles=arm_legend(result), loc="outside upper left", ncols=3, columnspacing=1.2, handletextpad=0.5
        )
    return figure


def _motion_panel(axes: Axes, result: StudyResult, task: str) -> None:
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


HIGH_CORRELATION = 0.7  # a correlation from which the caption warns
_REGRESSOR_KINDS = (
    (r"(trans|rot)_.*", "motion"),
    (r"(cosine|drift).*", "slow drift"),
    (r"(csf|white_matter).*", "white matter, CSF"),
    (r"global_signal.*", "global signal"),
    (r"[acwt]_comp_cor.*", "CompCor"),
    (r"aroma.*", "AROMA"),
    (r"(motion_outlier|non_steady|censor|scan|spike).*", "single scans"),
    (r"constant|intercept", "constant"),
)


def designs_section(result: StudyResult) -> Section | None:
    """A typical run's design matrix of each task; None without extractions."""
    drawn = []
    for number, task in enumerate(result.study.tasks):
        if runs := result.ordered_runs(task):
            run = typical_run(runs)
            caption = (
                f"{run.label}, {run.design.shape[0]} scans down, {run.design.shape[1]} columns. Each column is scaled "
                "to its own largest size: above zero vermilion, below blue. Columns of the task should follow the "
                f"blocks or events and not look like motion or drift. {_largest_correlation(run)}"
            )
            drawn.append(Picture(f"design-{number}", f"{task}: design matrix", caption, _design_figure(run)))
    if not drawn:
        return None
    lead = "The regressors of the general linear model, in the run with the median number of columns of its task."
    return Section("Design of the first level", lead, tuple(drawn), anchor="design")


def typical_run(runs: tuple[Extraction, ...]) -> Extraction:
    """The run with the median number of columns, the first of them."""
    return sorted(runs, key=lambda run: run.design.shape[1])[(len(runs) - 1) // 2]


def regressor_kind(name: str) -> str:
    """What kind of column this is; the name itself where it is the task's."""
    return next((words for pattern, words in _REGRESSOR_KINDS if re.fullmatch(pattern, name)), name)


def _largest_correlation(run: Extraction) -> str:
    """The largest correlation of a column of the task with one of no interest, in words."""
    own = [
        i for i, name in enumerate(run.design_names) if name not in run.confound_names and regressor_kind(name) == name
    ]
    others = [i for i in range(run.design.shape[1]) if i not in own and np.ptp(run.design[:, i]) > 0]
    own = [i for i in own if np.ptp(run.design[:, i]) > 0]
    if not own or not others:
        return ""
    table = np.abs(np.corrcoef(run.design[:, [*own, *others]], rowvar=False)[: len(own), len(own) :])
    place = np.unravel_index(int(table.argmax()), table.shape)
    names = run.design_names[own[int(place[0])]], run.design_names[others[int(place[1])]]
    wording = f"Largest correlation of the task with a nuisance column: {names[0]} and {names[1]}, {table.max():.2f}"
    return wording + ("; their effects are hard to separate." if table.max() > HIGH_CORRELATION else ".")


def _design_figure(run: Extraction) -> Figure:
    scale = np.abs(run.design).max(axis=0)
    values = run.design / np.where(scale > 0, scale, 1.0)
    image = np.empty((*values.shape, 4))
    image[..., :3] = np.where(values[..., None] < 0, to_rgb(BLUE), to_rgb(VERMILION))
    image[..., 3] = 0.9 * np.abs(values)
    with style():
        figure = new_figure(4.4)
        axes = figure.subplots()
        axes.imshow(image, aspect="auto", interpolation="none")
        _label_regressors(axes, run.design_names)
        axes.set_ylabel("Scan")
        axes.xaxis.set_label_position("top")
        axes.spines[:].set_visible(True)
    return figure


def _label_regressors(axes: Axes, names: tuple[str, ...]) -> None:
    """A label for every run of columns of one kind, and a line between kinds."""
    kinds = [regressor_kind(name) for name in names]
    starts = [i for i, kind in enumerate(kinds) if i == 0 or kinds[i - 1] != kind]
    ends = [*starts[1:], len(kinds)]
    centres = [(start + end - 1) / 2 for start, end in zip(starts, ends, strict=True)]
    labels = [
        kinds[start] + (f" ({end - start})" if end - start > 1 else "") for start, end in zip(starts, ends, strict=True)
    ]
    axes.set_xticks(centres, [literal_text(shorten_name(label, 26)) for label in labels], fontsize=8.5)
    axes.tick_params(axis="x", length=0, labeltop=True, labelbottom=False, labelcolor=INK)
    for label in axes.get_xticklabels():
        label.set(rotation=35, ha="left", rotation_mode="anchor")
    for start in starts[1:]:
        axes.axvline(start - 0.5, color=LINE, linewidth=0.8)
    axes.tick_params(axis="y", labelcolor=MUTED)
