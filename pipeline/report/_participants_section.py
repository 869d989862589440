"""Who is in the study, and what is missing of whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..bids import Participant, share_absences, visit_label
from ..figures import MUTED, VERMILION, literal_text, new_figure, shorten_name, style
from ..page import AnalysisReport, Column, Picture, Records, Section
from ._group_plots import GroupMark, group_marks
from ._study_result import StudyResult
from ._study_words import StudyWords, plural

MOST_PARTICIPANTS = 60  # participants in the picture
MOST_UPRIGHT = 8  # columns whose names fit beside each other
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
    columns = "session and task" if result.words.sessions else "task"
    caption = (
        f"One row per participant, one column per {columns}. Filled: used. A cross: not on disk, or not "
        f"usable. A triangle: on disk, but the extraction failed.{_bias(result.words)}"
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


def _bias(words: StudyWords) -> str:
    compared = [*([words.group] if words.groups else []), *(["session"] if len(words.sessions) > 1 else [])]
    if not compared:
        return ""
    other = "the other" if max(len(words.groups), len(words.sessions)) <= 2 else "another"
    return f" More missing runs in one {' or '.join(compared)} than in {other} can bias the comparison."


def _lead(result: StudyResult) -> str:
    counts = ", ".join(f"{len(result.members(group))} {group}" for group in result.groups if group)
    left = "; ".join(f"{name} ({why})" for name, why in result.inventory.left_out)
    said = plural(len(result.participants), "participant")
    return f"{said}{': ' if counts else ''}{counts}." + (f" Left out: {left}." if left else "")


def flow_records(result: StudyResult) -> Records:
    """How many participants of each group remain, step by step."""
    keys = (
        ("first", "second") if len(result.groups) == 2 else tuple(f"group_{i + 1}" for i in range(len(result.groups)))
    )
    named = [(key, group) for key, group in zip(keys, result.groups, strict=True) if group]
    rows = [
        {"step": step, **{key: _count_group(result, names, group) for key, group in named}, "all": len(names)}
        for step, names in _flow_steps(result)
    ]
    columns = (
        Column("step", "Step"),
        *(Column(key, group, "d") for key, group in named),
        Column("all", "All", "d"),
    )
    lead = "Participants that remain at each step."
    return Records("flow", "From the participants' table to the group", lead, columns, rows)


def _flow_steps(result: StudyResult) -> list[tuple[str, set[str]]]:
    known = {participant.name for participant in result.participants}
    runs = {run.participant for run in result.inventory.runs}
    steps = [("in the participants' table, not excluded", known), ("with a run that can be used", runs & known)]
    for view in result.of_each_dcm:
        task = view.dcm.task if view.dcm is not None else ""
        of = f" of {view.dcm_name}" if view.dcm_name else ""
        extracted = {run.visit for run in view.extractions if run.task == task}
        steps += _session_steps(view, f"{task} extracted", extracted, known)
        steps += _session_steps(view, f"a posterior{of}", set(view.main_posteriors), known)
    for name, report in result.analyses.items():
        names = report.summary.get("participants_used") or _predicted_participants(report)
        if names:
            steps.append((f"in the analysis {name}", {run.split("_")[0] for run in names} & known))
    return list(dict(steps).items())


def _session_steps(result: StudyResult, what: str, visits: set[str], known: set[str]) -> list[tuple[str, set[str]]]:
    """Who has something in all sessions; of more than two sessions, in any too."""
    words = result.words
    whole = _with_all_sessions(result, visits) & known
    if len(words.sessions) < 2:
        return [(f"with {what}", whole)]
    steps = [(f"with {what} in {words.all_sessions}", whole)]
    if len(words.sessions) > 2:
        some = {name for name in known if any(visit_label(name, session) in visits for session in result.sessions)}
        steps.insert(0, (f"with {what} in a session", some))
    return steps


def _predicted_participants(report: AnalysisReport) -> list[str]:
    """Participants of a prediction."""
    tables = [records for records in report.records if records.name == "left-out"]
    return [str(row["participant_id"]) for records in tables for row in records.rows]


def _with_all_sessions(result: StudyResult, visits: set[str]) -> set[str]:
    return {
        participant.name
        for participant in result.participants
        if all(visit_label(participant.name, session) in visits for session in result.sessions)
    }


def _count_group(result: StudyResult, names: set[str], group: str) -> int:
    return sum(result.group_of.get(name) == group for name in names)


def left_out_records(result: StudyResult) -> Records:
    """Participants left out, absent runs and failed work, a line for each cause."""
    left = [{"what": name, "stage": "participants", "reason": why} for name, why in result.inventory.left_out]
    absent = [
        {"what": shared.whose, "stage": "data", "reason": shared.problem}
        for shared in share_absences(result.inventory.absences)
    ]
    failed = [{"what": failure.name, "stage": failure.stage, "reason": failure.reason} for failure in result.failures]
    columns = (Column("what", "What"), Column("stage", "Stage"), Column("reason", "Why"))
    lead = "The study was analysed without these."
    return Records("missing", "Missing runs and failed steps, with reasons", lead, columns, [*left, *absent, *failed])


def participant_records(result: StudyResult) -> Records:
    """Group, scores and number of runs of every participant."""
    words, names = result.words, list(result.study.scores)
    rows = [
        {
            "participant_id": participant.name,
            words.group: participant.group,
            **{f"score_{name}": float(participant.scores.get(name, np.nan)) for name in names},
            "runs": sum(found.participant == participant.name for found in result.extractions),
        }
        for participant in result.participants
    ]
    columns = (
        Column("participant_id", "Participant"),
        *words.group_column,
        *(Column(f"score_{name}", f"{name}, {result.study.scores[name].unit}", ".4g") for name in names),
        Column("runs", "Runs used", "d"),
    )
    lead = "Scores as the configuration takes them from the tables."
    return Records("participants", "All participants, with scores", lead, columns, rows)


def _run_states(result: StudyResult, participant: Participant) -> list[str]:
    """What became of each task and session, tasks first."""
    used = {(run.task, run.session or "") for run in result.extractions if run.participant == participant.name}
    failed = [run.name for run in result.failures if run.stage == "extract"]

    def state(task: str, session: str) -> str:
        if (task, session) in used:
            return USED
        mark = f"{visit_label(participant.name, session)}_task-{task}"
        return FAILED if any(name == mark or name.startswith(f"{mark}_") for name in failed) else ABSENT

    return [state(task, session) for task in result.study.tasks for session in result.sessions]


def _figure(result: StudyResult, participants: Sequence[Participant]) -> Figure:
    places = [(session, task) for task in result.study.tasks for session in result.sessions]
    colours = {group_mark.group: group_mark for group_mark in group_marks(result)}
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
            "\n".join(literal_text(name) for name in (shorten_name(task, 14), shorten_name(session, 12)) if name)
            for session, task in places
        ]
        turned: dict[str, Any] = {"rotation": 60, "ha": "left", "rotation_mode": "anchor"}
        axes.set_xticks(range(len(places)), labels, fontsize=8, **(turned if len(places) > MOST_UPRIGHT else {}))
        axes.tick_params(length=0, labeltop=True, labelbottom=False)
        axes.set(xlim=(-0.6, len(places) - 0.4), ylim=(len(participants) - 0.4, -0.6))
        axes.spines[:].set_visible(False)
        figure.legend(handles=_legend(result), loc="outside lower left", ncols=4, columnspacing=1.2, handletextpad=0.4)
    return figure


def _draw_state(axes: Axes, x: float, y: float, state: str, group_mark: GroupMark) -> None:
    if state == USED:
        axes.plot(x, y, group_mark.marker, color=group_mark.colour, markersize=6.5, markeredgewidth=0)
    elif state == FAILED:
        axes.plot(x, y, "^", color=VERMILION, markersize=6.5, markerfacecolor="none")
    else:
        axes.plot(x, y, "x", color=MUTED, markersize=5.5)


def _used(group_mark: GroupMark) -> str:
    return group_mark.label if group_mark.group else USED


def _legend(result: StudyResult) -> list[Line2D]:
    marker_only: dict[str, Any] = {"linestyle": "none", "markersize": 6}
    groups = [
        Line2D([], [], color=group_mark.colour, marker=group_mark.marker, label=_used(group_mark), **marker_only)
        for group_mark in group_marks(result)
    ]
    absent = Line2D([], [], color=MUTED, marker="x", label="absent", **marker_only)
    failed = Line2D([], [], color=VERMILION, marker="^", markerfacecolor="none", label="failed", **marker_only)
    return [*groups, absent, failed]
