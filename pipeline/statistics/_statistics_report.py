"""The statistics around a study as it hands them over: tables, answers and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from features import BootstrapSettings

from ..page import AnalysisReport, Section
from ..study import Statistics
from ._correlations import (
    Association,
    VariableChecks,
    association_answers,
    association_notices,
    association_records,
    check_answers,
    check_notices,
    check_records,
    correlate_changes,
    run_null_checks,
)
from ._interval_text import percent
from ._measure_changes import MeasureChange
from ._outcomes import OutcomeResult, outcome_answers, outcome_notices, outcome_records, outcome_results
from ._participant_scores import ParticipantScores, cohort_records

NAME = "statistics"


def report_statistics(
    participants: ParticipantScores, changes: Sequence[MeasureChange], settings: Statistics
) -> AnalysisReport:
    """Mixed models of outcomes, correlations of measures with subscales, null checks, and the cohort.

    Arguments:
        participants: scores and columns that the settings name; see `participant_scores`.
        changes: of the measures that they name; see `measure_changes`.
        settings: of the study's ``[statistics]``.

    Raises `FeatureError` where an outcome can't be modelled.
    """
    drawn = BootstrapSettings(settings.bootstraps, settings.level, settings.seed)
    outcomes = outcome_results(participants, settings.level)
    associations = correlate_changes(changes, participants, drawn) if participants.subscales else ()
    checked = run_null_checks(changes, participants, drawn)
    records = [
        *(outcome_records(outcomes, participants, settings.level) if outcomes else ()),
        *(
            [association_records(associations, changes, settings.level, participants.group_word)]
            if any(association.correlations for association in associations)
            else ()
        ),
        *(
            [check_records(checked, settings.level, participants.group_word)]
            if any(variable.checks for variable in checked)
            else ()
        ),
        *([cohort_records(participants)] if participants.cohort else ()),
    ]
    counts = [int((participants.arm == sign).sum()) for sign in (1, -1)]
    return AnalysisReport(
        name=NAME,
        title=f"Scores by {participants.group_word}, and their correlations",
        subtitle=" and ".join(f"{count} of {arm}" for count, arm in zip(counts, participants.arms, strict=True)) + ".",
        answers=(
            *outcome_answers(outcomes, participants),
            *association_answers(associations, settings.level, participants.group_word),
            *check_answers(checked, participants, settings.level),
        ),
        records=tuple(records),
        draw=_sections(outcomes, associations, checked, participants, settings.level),
        facts=tuple(_facts(outcomes, changes, settings, participants.group_word)),
        notices=(*outcome_notices(outcomes), *association_notices(associations), *check_notices(checked)),
        summary={"level": settings.level, "bootstraps": settings.bootstraps, "seed": settings.seed},
    )


def _sections(
    outcomes: Sequence[OutcomeResult],
    associations: Sequence[Association],
    checked: Sequence[VariableChecks],
    participants: ParticipantScores,
    level: float,
) -> Callable[[], tuple[Section, ...]]:
    def draw() -> tuple[Section, ...]:
        from ._statistics_sections import (  # matplotlib takes a second
            checks_section,
            correlations_section,
            scores_section,
        )

        return (
            *((scores_section(outcomes, participants),) if outcomes else ()),
            *(
                (correlations_section(associations, level),)
                if any(association.correlations for association in associations)
                else ()
            ),
            *((checks_section(checked, level),) if any(variable.checks for variable in checked) else ()),
        )

    return draw


def _facts(
    outcomes: Sequence[OutcomeResult], changes: Sequence[MeasureChange], settings: Statistics, word: str
) -> list[tuple[str, str]]:
    facts = []
    if outcomes:
        facts += [
            (
                "Mixed model",
                f"score ~ session × {word} with a random intercept for each participant, restricted maximum likelihood "
                "(statsmodels); participants with one session stay in; Wald tests against the normal distribution",
            ),
            (
                "t test of changes",
                "Student's, with a common variance, of participants with both sessions; for complete data its estimate "
                "is the mixed model's. Hedges g with the interval of the noncentral t distribution",
            ),
        ]
    if settings.subscales or settings.null_checks:
        facts += [
            (
                "Correlations",
                f"bootstrap over participants, {settings.bootstraps} samples, seed {settings.seed}, bias-corrected and "
                f"accelerated {percent(settings.level)} intervals; p of Student's t; Holm over the scores of each "
                "measure, and over the checks of each measure or score",
            ),
            ("Measures", _adjustment(changes)),
        ]
    return facts


def _adjustment(changes: Sequence[MeasureChange]) -> str:
    adjusted = sum(bool(change.motion) for change in changes)
    participants = [int(np.isfinite(change.values).sum()) for change in changes]
    if not changes:
        return "none"
    span = (
        f"{min(participants)}"
        if min(participants) == max(participants)
        else f"{min(participants)} to {max(participants)}"
    )
    return (
        f"change of {len(changes)}, after − before, of {span} participants; in {adjusted} of them the change of the "
        "run's mean framewise displacement is regressed out over all participants"
    )
