"""Head motion: a picture and a table of every run, and whether groups or sessions differ in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from ..figures import literal_text, new_figure, shorten_name, signed_number, style
from ..images import Extraction
from ..measures import mean_displacement
from ..page import Answer, Column, Picture, Records, Section
from ..results import LEVEL
from ..verdicts import EffectsVerdict, Verdict, judge_mean, judge_means
from ._group_plots import MeanInterval, draw_cells, group_legend
from ._study_result import StudyResult
from ._study_words import StudyWords

MOTION_COLUMNS = (
    Column("task", "Task", where="file"),
    Column("mean", "Mean FD, mm", ".3f"),
    Column("largest", "Largest, mm", ".2f"),
    Column("censored", "Scans censored", "d"),
    Column("scans", "of", "d"),
)


def motion_section(result: StudyResult) -> Section | None:
    """Mean framewise displacement of every run; None without extractions, or where motion is known of none."""
    if not any(np.isfinite(run.framewise_displacement).any() for run in result.extractions):
        return None
    return Section(
        "Motion",
        "Framewise displacement (FD) is how far the head moved from one scan to the next. Motion biases estimates of "
        f"connectivity{_why_motion_matters(result.words)}.",
        (Picture("motion", "Mean framewise displacement", _motion_caption(result), _motion_figure(result)),),
        folded=(motion_records(result).collapsible(),),
        anchor="motion",
    )


def _why_motion_matters(words: StudyWords) -> str:
    if words.is_treated:
        return (
            f"; where the {words.group}s move differently after treatment, an effect of treatment may be one of motion"
        )
    compared = [*([f"{words.group}s"] if words.groups else []), *(["sessions"] if len(words.sessions) > 1 else [])]
    return f"; a difference between {' or '.join(compared)} may be one of motion" if compared else ""


def motion_records(result: StudyResult) -> Records:
    """Mean and largest displacement, and censored scans, run by run."""
    group_of, words = result.group_of, result.words
    rows: list[dict[str, Any]] = [
        {
            "label": run.label,
            words.group: group_of[run.participant],
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
    columns = (Column("label", "Run"), *words.group_column, *words.session_column_of_file, *MOTION_COLUMNS)
    return Records("motion", "Motion of every run", lead, columns, rows)


def _largest_displacement(run: Extraction) -> float:
    found = run.framewise_displacement[np.isfinite(run.framewise_displacement)]
    return float(found.max()) if found.size else float("nan")


def mean_displacements(result: StudyResult, task: str, session: str, group: str) -> list[float]:
    """Mean displacement of each participant of a group in one task and session, over its runs, where known."""
    return list(displacement_by_participant(result, task, session, group).values())


def displacement_by_participant(result: StudyResult, task: str, session: str, group: str) -> dict[str, float]:
    """The same by participant."""
    group_of = result.group_of
    found: dict[str, list[float]] = {}
    for run in result.ordered_runs(task):
        value = mean_displacement(run)
        if (run.session or "") == session and group_of[run.participant] == group and np.isfinite(value):
            found.setdefault(run.participant, []).append(value)
    return {name: float(np.mean(values)) for name, values in found.items()}


def motion_difference(result: StudyResult, task: str, session: str) -> MeanInterval | None:
    """Mean displacement of the first of two groups minus the second, with Welch's 90 % interval.

    None where there are not two groups, or too few runs.
    """
    if len(result.groups) != 2:
        return None
    first, second = (mean_displacements(result, task, session, group) for group in result.groups)
    if min(len(first), len(second)) < 2 or not np.ptp(first) + np.ptp(second):
        return None
    found = stats.ttest_ind(first, second, equal_var=False).confidence_interval(LEVEL)
    return MeanInterval(
        float(np.mean(first) - np.mean(second)), float(found.low), float(found.high), len(first) + len(second)
    )


def _motion_caption(result: StudyResult) -> str:
    words, session = result.words, result.sessions[-1]
    differences = []
    for task in _extracted_tasks(result):
        difference = motion_difference(result, task, session)
        if difference is not None:
            span = f"{signed_number(difference.low, 3)} to {signed_number(difference.high, 3)}"
            differences.append(f"{task} {signed_number(difference.value, 3)} mm (90 % confidence interval {span})")
    alike = [*([words.all_groups] if words.groups else []), *([words.all_sessions] if len(words.sessions) > 1 else [])]
    caption = (
        f"Motion should be similar {' and '.join(f'in {where}' for where in alike)}."
        if alike
        else "One point per participant."
    )
    if differences:
        when = " after treatment" if words.is_treated else f" in {session}" if session else ""
        caption += f" Difference{when}, {' − '.join(result.groups)}: {'; '.join(differences)}."
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
            handles=group_legend(result), loc="outside upper left", ncols=3, columnspacing=1.2, handletextpad=0.5
        )
    return figure


def _motion_panel(axes: Axes, result: StudyResult, task: str) -> None:
    draw_cells(axes, result, lambda session, group: mean_displacements(result, task, session, group), 0.4, 0.6, 20)
    axes.set_title(literal_text(shorten_name(task, 40)))
    axes.set_ylabel("mean FD, mm")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    axes.set_axisbelow(True)


NEGLIGIBLE_MOTION = 0.05  # mm of mean framewise displacement that hardly matter
_VERDICTS: dict[str, tuple[Verdict, str]] = {
    "no difference": ("yes", f"There is no difference above {NEGLIGIBLE_MOTION:g} mm."),
    "open": ("open", f"The data show neither a difference nor the absence of one above {NEGLIGIBLE_MOTION:g} mm."),
}


def motion_answer(result: StudyResult) -> Answer | None:
    """Whether groups, or sessions where there are no groups, move alike; None where nothing is compared."""
    task = result.dcm.task if result.dcm is not None else next(iter(result.study.tasks))
    if result.words.groups:
        return _groups_answer(result, task)
    return _sessions_answer(result, task) if result.words.sessions else None


def _groups_answer(result: StudyResult, task: str) -> Answer | None:
    words, session = result.words, result.sessions[-1]
    own = [np.array(mean_displacements(result, task, session, group)) for group in words.groups]
    if any(len(values) < 2 or not np.ptp(values) for values in own) or len(own) < 2:
        return None
    *others, reference = own
    found = [judge_means(values, reference, NEGLIGIBLE_MOTION, len(others)) for values in others]
    when = " after treatment" if words.is_treated else f" in {session}" if session else ""
    if len(others) == 1:
        difference = motion_difference(result, task, session)
        if difference is None:
            return None
        said = f"{' − '.join(words.groups)}: {_with_interval(difference)}."
    else:
        means = "; ".join(f"{group} {np.mean(values):.3f} mm" for group, values in zip(words.groups, own, strict=True))
        said = f"{means}."
    headline = f"Mean framewise displacement in {task}{when}{',' if len(others) == 1 else ':'} {said}"
    effect = "an effect of treatment" if words.is_treated else f"a difference between {words.group}s"
    verdict, where = _judged(found, effect)
    before = motion_difference(result, task, result.sessions[0]) if len(result.sessions) == 2 else None
    earlier = "Before" if words.is_treated else f"In {result.sessions[0]}"
    details = (where,) if before is None else (where, f"{earlier}: {signed_number(before.value, 3)} mm.")
    return Answer(
        f"Is head motion alike in {words.all_groups}?", verdict, headline, details, anchor="motion", source="Motion"
    )


def _sessions_answer(result: StudyResult, task: str) -> Answer | None:
    """Each later session against the first, by the participants who have both."""
    words = result.words
    first, *later = (displacement_by_participant(result, task, session, "") for session in result.sessions)
    changes = [np.array([own[name] - first[name] for name in own if name in first]) for own in later]
    if not changes or any(len(values) < 2 or not np.ptp(values) for values in changes):
        return None
    found = [judge_mean(values, NEGLIGIBLE_MOTION, len(changes)) for values in changes]
    said = [
        f"{session} − {result.sessions[0]}: {_with_interval(MeanInterval.of(values.tolist()))}"
        for session, values in zip(result.sessions[1:], changes, strict=True)
    ]
    largest = int(np.argmax([abs(np.mean(values)) for values in changes]))
    verdict, where = _judged(found, "a change from session to session")
    of = ", the largest change: " if len(changes) > 1 else ", "
    headline = f"Mean framewise displacement in {task}{of}{said[largest]}."
    question = f"Is head motion alike in {words.all_sessions}?"
    return Answer(question, verdict, headline, (where,), anchor="motion", source="Motion")


def _with_interval(found: MeanInterval) -> str:
    low, high = (signed_number(value, 3) for value in (found.low, found.high))
    return f"{signed_number(found.value, 3)} mm (90 % confidence interval {low} to {high})"


def _judged(found: list[EffectsVerdict], effect: str) -> tuple[Verdict, str]:
    """Of several comparisons, the least welcome."""
    kinds = [verdict.kind for verdict in found]
    if "yes" in kinds:
        return "no", f"There is a difference: {effect} may be one of motion."
    return _VERDICTS["open" if "open" in kinds else "no difference"]
