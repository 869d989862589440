"""The made-up study in other shapes: its series and posteriors under other sessions, groups, runs and DCMs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.bids import Inventory, Participant, Run, Visit, visit_label
from pipeline.images import Extraction
from pipeline.measures import feature_table
from pipeline.report import StudyResult
from pipeline.study import Study

EMPTY: dict[str, Any] = {"analyses": {}, "predictions": {}, "statistics": None, "failures": (), "maps": {}}


def reshaped(
    result: StudyResult,
    *,
    sessions: Sequence[str] = (),
    groups: Sequence[str] = (),
    runs: int = 1,
    size: int = 8,
    tasks: Sequence[str] = ("faces", "rest"),
    settings: Mapping[str, Any] | None = None,
    visits: Mapping[tuple[str, str | None], Mapping[str, str]] | None = None,
) -> StudyResult:
    """A study of so many participants; every visit has series and posterior of one that was made up.

    Arguments:
        settings: sections of the study's file that are other than these say; a section that is None is left out.
        visits: (participant, session) → what the table of visits says.
    """
    study = Study.model_validate(_content(result.study, sessions, groups, tasks, settings or {}))
    names = [f"sub-{i + 1:02d}" for i in range(size)]
    labels = study.sessions.labels
    participants = tuple(
        Participant(name, groups[i % len(groups)] if groups else None, {"age": str(30 + i)}, _scores(study, i))
        for i, name in enumerate(names)
    )
    every = tuple(
        Visit(name, session, dict((visits or {}).get((name, session), {}))) for name in names for session in labels
    )
    extractions = tuple(
        _named(_like(result, task, number), visit, run if runs > 1 else None)
        for task in tasks
        for number, visit in enumerate(every)
        for run in range(1, runs + 1)
    )
    (made,) = result.inverted.values()
    posteriors = list(made["main"].values())
    inverted = {
        name: {"main": {visit.label: posteriors[i % len(posteriors)] for i, visit in enumerate(every)}}
        for name in study.dcms
    }
    inventory = Inventory(
        participants, tuple(_run(result.inventory.runs[0], found) for found in extractions), (), (), visits=every
    )
    table = feature_table(study, inventory, extractions, {name: models["main"] for name, models in inverted.items()})
    return replace(
        result,
        study=study,
        inventory=inventory,
        extractions=extractions,
        inverted=inverted,
        comparisons={},
        features=table,
        **EMPTY,
    )


def _content(
    study: Study, sessions: Sequence[str], groups: Sequence[str], tasks: Sequence[str], settings: Mapping[str, Any]
) -> dict[str, Any]:
    base = study.model_dump(exclude_unset=True)
    content = {key: value for key, value in base.items() if key not in ("group", "predict", "statistics", "scores")}
    content["participants"] = {"group": "diagnosis", "groups": tuple(groups)} if groups else {}
    content["sessions"] = {"order": tuple(sessions)} if sessions else {}
    content["tasks"] = {name: task for name, task in base["tasks"].items() if name in tasks}
    if base["dcm"]["task"] not in tasks:
        del content["dcm"]
    return {key: value for key, value in (content | dict(settings)).items() if value is not None}


def _scores(study: Study, number: int) -> dict[str, float]:
    return dict.fromkeys(study.scores, 10.0 + number)


def _like(result: StudyResult, task: str, number: int) -> Extraction:
    made = [run for run in result.extractions if run.task == task]
    return made[number % len(made)]


def _named(like: Extraction, visit: Visit, run: int | None) -> Extraction:
    label = f"{visit_label(visit.participant, visit.session)}_task-{like.task}" + (f"_run-{run}" if run else "")
    return replace(like, participant=visit.participant, session=visit.session, label=label)


def _run(like: Run, found: Extraction) -> Run:
    number = found.label.partition("_run-")[2]
    return replace(like, participant=found.participant, session=found.session, task=found.task, run=number or None)
