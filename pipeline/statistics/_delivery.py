"""The statistics around a study as it hands them over: tables, answers and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from features import Resampling

from ..page import Delivery, Section
from ..study import Statistics
from ._associations import Association, association_answers, association_notices, association_records, associations
from ._changes import MeasureChange
from ._cohort_table import cohort_records
from ._nulls import Checked, check_answers, check_notices, check_records, checks
from ._outcomes import OutcomeResult, outcome_answers, outcome_notices, outcome_records, outcome_results
from ._people import StudyPeople
from ._words import percent

NAME = "statistics"


def deliver_statistics(people: StudyPeople, changes: Sequence[MeasureChange], how: Statistics) -> Delivery:
    """Mixed models of outcomes, correlations of measures with subscales, null checks, and the cohort.

    Arguments:
        people: scores and columns that the settings name; see `people_of`.
        changes: of the measures that they name; see `measure_changes`.
        how: the settings.

    Raises `FeatureError` where an outcome can't be modelled.
    """
    drawn = Resampling(how.bootstraps, how.level, how.seed)
    outcomes = outcome_results(people, how.level)
    found = associations(changes, people, drawn) if people.subscales else ()
    checked = checks(changes, people, drawn)
    records = [
        *(outcome_records(outcomes, people, how.level) if outcomes else ()),
        *([association_records(found, changes, how.level)] if any(one.found for one in found) else ()),
        *([check_records(checked, how.level)] if any(one.found for one in checked) else ()),
        *([cohort_records(people)] if people.cohort else ()),
    ]
    counts = [int((people.arm == sign).sum()) for sign in (1, -1)]
    return Delivery(
        name=NAME,
        title="Scores, and what goes with them",
        subtitle=" and ".join(f"{count} of {arm}" for count, arm in zip(counts, people.arms, strict=True)) + ".",
        answers=(
            *outcome_answers(outcomes, people),
            *association_answers(found, how.level),
            *check_answers(checked, people, how.level),
        ),
        records=tuple(records),
        draw=_sections(outcomes, found, checked, people, how.level),
        facts=tuple(_facts(outcomes, changes, how)),
        notices=(*outcome_notices(outcomes), *association_notices(found), *check_notices(checked)),
        summary={"level": how.level, "bootstraps": how.bootstraps, "seed": how.seed},
    )


def _sections(
    outcomes: Sequence[OutcomeResult],
    found: Sequence[Association],
    checked: Sequence[Checked],
    people: StudyPeople,
    level: float,
) -> Callable[[], tuple[Section, ...]]:
    def draw() -> tuple[Section, ...]:
        from ._pictures import checks_section, correlations_section, scores_section

        return (
            *((scores_section(outcomes, people),) if outcomes else ()),
            *((correlations_section(found, level),) if any(one.found for one in found) else ()),
            *((checks_section(checked, level),) if any(one.found for one in checked) else ()),
        )

    return draw


def _facts(
    outcomes: Sequence[OutcomeResult], changes: Sequence[MeasureChange], how: Statistics
) -> list[tuple[str, str]]:
    facts = []
    if outcomes:
        facts += [
            (
                "Mixed model",
                "score ~ session × arm with a random intercept for each person, restricted maximum likelihood "
                "(statsmodels); people with one session stay in; Wald tests against the normal distribution",
            ),
            (
                "t test of changes",
                "Student's, with a common variance, of people with both sessions; for complete data its estimate is "
                "the mixed model's. Hedges g with the interval of the noncentral t distribution",
            ),
        ]
    if how.subscales or how.null_checks:
        facts += [
            (
                "Correlations",
                f"bootstrap over people, {how.bootstraps} samples, seed {how.seed}, bias-corrected and accelerated "
                f"{percent(how.level)} intervals; p of Student's t; Holm over the scores of each measure, and over the "
                "checks of each measure or score",
            ),
            ("Measures", _adjustment(changes)),
        ]
    return facts


def _adjustment(changes: Sequence[MeasureChange]) -> str:
    adjusted = sum(bool(one.motion) for one in changes)
    people = [int(np.isfinite(one.values).sum()) for one in changes]
    if not changes:
        return "none"
    span = f"{min(people)}" if min(people) == max(people) else f"{min(people)} to {max(people)}"
    return (
        f"change of {len(changes)}, after − before, of {span} people; in {adjusted} of them the change of the run's "
        "mean framewise displacement is regressed out over all people"
    )
