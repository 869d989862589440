"""The answers at the head of the report: what the group says, and whether the data can carry it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dcm import Diagnostics

from .._figure_style import signed
from .._figures import LOW_VARIANCE
from .._report import Answer, Verdict
from ._analyses import chief_answers, distinct
from ._motion import arms_apart
from ._result import StudyResult

ALIKE = 0.05  # mm of mean framewise displacement that hardly matter
MISSING = 0.2  # share of visits without a posterior from which the answer is no longer yes


def summary_answers(result: StudyResult, found: Mapping[str, Diagnostics]) -> tuple[Answer, ...]:
    """The group's answers first, then whether to trust them."""
    quality = [one for one in (_fits(result, found), _motion(result)) if one is not None]
    return distinct((*chief_answers(result), *quality))


def _fits(result: StudyResult, found: Mapping[str, Diagnostics]) -> Answer | None:
    """Whether the inversions say something."""
    if result.study.dcm is None:
        return None
    expected = 2 * len(result.people)
    question = "Do the models explain the data?"
    if not found:
        return Answer(question, "no", "No visit has a posterior.", anchor="participants", source="What is missing")
    explained = np.array([one.explained_variance_total for one in found.values()])
    warned = sum(bool(one.warnings) for one in found.values())
    verdict: Verdict = "yes"
    if warned or expected - len(found) > MISSING * expected:
        verdict = "partly" if warned < len(found) / 2 else "no"
    headline = (
        f"Median {np.median(explained):.0f} % explained variance (mean removed), from {explained.min():.0f} to "
        f"{explained.max():.0f} %; "
        f"{len(found)} of {expected} visits have a posterior."
    )
    low = int((explained < LOW_VARIANCE).sum())
    said = f"at {warned} of them, {low} for less than {LOW_VARIANCE:g} % explained" if warned else "at none of them"
    details = (f"There are warnings {said}.",)
    return Answer(question, verdict, headline, details, anchor="fits", source="Every visit")


def _motion(result: StudyResult) -> Answer | None:
    """Whether the arms move alike after treatment."""
    task = result.study.dcm.task if result.study.dcm is not None else next(iter(result.study.tasks))
    before, after = (arms_apart(result, task, session) for session in result.sessions)
    if after is None:
        return None
    first, second = result.study.participants.arms
    headline = (
        f"Mean framewise displacement in {task} after treatment, {first} less {second}: {signed(after.value, 3)} mm "
        f"(90 % {signed(after.low, 3)} to {signed(after.high, 3)})."
    )
    verdict: Verdict = "open"
    said = f"The interval holds zero, but is wider than ±{ALIKE:g} mm."
    if max(abs(after.low), abs(after.high)) <= ALIKE:
        verdict, said = "yes", f"The whole interval lies within ±{ALIKE:g} mm."
    elif after.low > 0 or after.high < 0:
        verdict, said = "no", "The interval excludes zero: an effect of treatment may be one of motion."
    details = (said,) if before is None else (said, f"Before: {signed(before.value, 3)} mm.")
    return Answer("Do both arms move alike?", verdict, headline, details, anchor="motion", source="Motion")
