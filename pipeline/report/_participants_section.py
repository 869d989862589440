"""Who is in the study, and what is missing of whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..bids import Participant, visit_label
from ..figures import MUTED, VERMILION, literal_text, new_figure, shorten_name, style
from ..page import AnalysisReport, Column, Picture, Records, Section
from ._arm_plots import ArmStyle, arm_styles
from ._study_result import StudyResult

MOST_PARTICIPANTS = 60  # participants in the picture
USED, ABSENT, FAILED = "used", "absent", "failed"


def participants_section(result: StudyResult) -> Section:
    """How many remain at each step, which runs are missing, and all participants in a table."""
    participants = result.participants
    shown = (
        [participant for participant in participants if set(_run_states(result, participant)) != {USED}]
        if len(participants) > MOST_PARTICIPANTS
        else list(participants)
    )
    shown = shown[:MOST_PARTICIPANTS]
    caption = (
        "One row per participant, one column per session and task. Filled: used. A cross: not on disk, or not "
        "usable. A triangle: on disk, but the extraction failed. More missing runs in one arm or session than in the "
        "other can bias the comparison."
    )
    if len(shown) < len(participants):
        caption += (
            f" Of {len(participants)} participants, only {len(shown)} with missing runs are drawn; the table has all."
        )
    pictures = (Picture("missing", "Runs that were used and runs that are missing", caption, _figure(result, shown)),)
    return Section(
        "Participants and missing runs",
        _lead(result),
        pictures if shown else (),
        (flow_records(result).table(),),
        folded=_folded(result),
        anchor="participants",
    )


def _folded(result: StudyResult) -> tuple[Section, ...]:
    return tuple(
        records.collapsible() for records in (left_out_records(result), participant_records(result)) if records.rows
    )


def _lead(result: StudyResult) -> str:
    arms = result.groups
    counts = ", ".join(
        f"{sum((participant.group or '') == arm for participant in result.participants)} {arm}" for arm in arms
    )
    left = "; ".join(f"{name} ({why})" for name, why in result.inventory.left_out)
    return f"{len(result.participants)} participants: {counts}." + (f" Left out: {left}." if left else "")


def flow_records(result: StudyResult) -> Records:
    """How many participants of each arm remain, step by step."""
    arms = result.groups
    rows = [
        {
            "step": step,
            "first": _count_arm(result, names, arms[0]),
            "second": _count_arm(result, names, arms[1]),
            "all": len(names),
        }
        for step, names in _flow_steps(result)
    ]
    columns = (
        Column("step", "Step"),
        *(Column(key, arm, "d") for key, arm in zip(("first", "second"), arms, strict=True)),
        Column("all", "All", "d"),
    )
    lead = "Participants that remain at each step."
    return Records("flow", "From the participants' table to the group", lead, columns, rows)


def _flow_steps(result: StudyResult) -> list[tuple[str, set[str]]]:
    known = {participant.name for participant in result.participants}
    runs = {run.participant for run in result.inventory.runs}
    steps = [("in the participants' table, not excluded", known), ("with a run that can be used", runs & known)]
    if result.dcm is not None:
        task = result.dcm.task
        both = _with_both_sessions(result, [run.visit for run in result.extractions if run.task == task])
        steps.append((f"with {task} extracted in both sessions", both & known))
        steps.append(("with a posterior in both sessions", _with_both_sessions(result, result.main_posteriors) & known))
    for name, report in result.analyses.items():
        names = report.summary.get("participants_used") or _predicted_participants(report)
        if names:
            steps.append((f"in the analysis {name}", {run.split("_")[0] for run in names} & known))
    return steps


def _predicted_participants(report: AnalysisReport) -> list[str]:
    """Participants of a prediction."""
    tables = [records for records in report.records if records.name == "left-out"]
    return [str(row["participant_id"]) for records in tables for row in records.rows]


def _with_both_sessions(result: StudyResult, visits: Any) -> set[str]:
    present = set(visits)
    return {
        participant.name
        for participant in result.participants
        if all(visit_label(participant.name, session) in present for session in result.sessions)
    }


def _count_arm(result: StudyResult, names: set[str], arm: str) -> int:
    return sum(result.group_of.get(name) == arm for name in names)


def left_out_records(result: StudyResult) -> Records:
    """Participants left out, absent runs and failed work, a line each."""
    left = [{"what": name, "stage": "participants", "reason": why} for name, why in result.inventory.left_out]
    absent: list[dict[str, Any]] = [
        {"what": f"{absence.participant} {absence.session} {absence.task}", "stage": "data", "reason": absence.problem}
        for absence in result.inventory.absences
    ]
    failed = [{"what": failure.name, "stage": failure.stage, "reason": failure.reason} for failure in result.failures]
    columns = (Column("what", "What"), Column("stage", "Stage"), Column("reason", "Why"))
    lead = "The study was analysed without these."
    return Records("missing", "Missing runs and failed steps, with reasons", lead, columns, [*left, *absent, *failed])


def participant_records(result: StudyResult) -> Records:
    """Arm, scores and number of runs of every participant."""
    names = list(result.study.scores)
    rows = [
        {
            "participant_id": participant.name,
            "arm": participant.group,
            **{f"score_{name}": float(participant.scores.get(name, np.nan)) for name in names},
            "runs": sum(found.participant == participant.name for found in result.extractions),
        }
        for participant in result.participants
    ]
    columns = (
        Column("participant_id", "Participant"),
        Column("arm", "Arm"),
        *(Column(f"score_{name}", f"{name}, {result.study.scores[name].unit}", ".4g") for name in names),
        Column("runs", "Runs used", "d"),
    )
    lead = "Scores as the configuration takes them from the tables."
    return Records("participants", "All participants, with scores", lead, columns, rows)


def _run_states(result: StudyResult, participant: Participant) -> list[str]:
    """What became of each task and session, tasks first."""
    used = {(run.task, run.session) for run in result.extractions if run.participant == participant.name}
    failed = [run.name for run in result.failures if run.stage == "extract"]

    def state(task: str, session: str) -> str:
        if (task, session) in used:
            return USED
        mark = f"{participant.name}_{session}_task-{task}"
        return FAILED if any(name == mark or name.startswith(f"{mark}_") for name in failed) else ABSENT

    return [state(task, session) for task in result.study.tasks for session in result.sessions]


def _figure(result: StudyResult, participants: Sequence[Participant]) -> Figure:
    places = [(session, task) for task in result.study.tasks for session in result.sessions]
    colours = {arm_style.arm: arm_style for arm_style in arm_styles(result)}
    with style():
        figure = new_figure(1.3 + 0.19 * max(len(participants), 3))
        axes = figure.subplots()
        for row, participant in enumerate(participants):
            for column, state in enumerate(_run_states(result, participant)):
                _draw_state(axes, column, row, state, colours[participant.group or ""])
        axes.set_yticks(
            range(len(participants)),
            [literal_text(shorten_name(participant.name, 24)) for participant in participants],
            fontsize=8,
        )
        labels = [
            f"{literal_text(shorten_name(task, 14))}\n{literal_text(shorten_name(session, 12))}"
            for session, task in places
        ]
        axes.set_xticks(range(len(places)), labels, fontsize=8)
        axes.tick_params(length=0, labeltop=True, labelbottom=False)
        axes.set(xlim=(-0.6, len(places) - 0.4), ylim=(len(participants) - 0.4, -0.6))
        axes.spines[:].set_visible(False)
        figure.legend(handles=_legend(result), loc="outside lower left", ncols=4, columnspacing=1.2, handletextpad=0.4)
    return figure


def _draw_state(axes: Axes, x: float, y: float, state: str, arm_style: ArmStyle) -> None:
    if state == USED:
        axes.plot(x, y, arm_style.marker, color=arm_style.colour, markersize=6.5, markeredgewidth=0)
    elif state == FAILED:
        axes.plot(x, y, "^", color=VERMILION, markersize=6.5, markerfacecolor="none")
    else:
        axes.plot(x, y, "x", color=MUTED, markersize=5.5)


def _legend(result: StudyResult) -> list[Line2D]:
    marker_only: dict[str, Any] = {"linestyle": "none", "markersize": 6}
    both = [
        Line2D([], [], color=arm_style.colour, marker=arm_style.marker, label=arm_style.label, **marker_only)
        for arm_style in arm_styles(result)
    ]
    absent = Line2D([], [], color=MUTED, marker="x", label="absent", **marker_only)
    failed = Line2D([], [], color=VERMILION, marker="^", markerfacecolor="none", label="failed", **marker_only)
    return [*both, absent, failed]
