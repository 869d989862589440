"""The answers at the head of the report: what the group says, and whether the data can carry it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dcm import Diagnostics

from ..figures import LOW_VARIANCE, signed
from ..page import Answer
from ..verdicts import Verdict, judge_fits, judge_means
from ._analyses import chief_answers, distinct
from ._motion import arms_apart, displacements
from ._result import StudyResult

ALIKE = 0.05  # mm of mean framewise displacement that hardly matter


def summary_answers(result: StudyResult, found: Mapping[str, Diagnostics]) -> tuple[Answer, ...]:
    """The group's answers first, then whether to trust them."""
    quality = [answer for answer in (_fits(result, found), _motion(result)) if answer is not None]
    return distinct((*chief_answers(result), *quality))


def _fits(result: StudyResult, found: Mapping[str, Diagnostics]) -> Answer | None:
    """Whether the inversions say something."""
    if result.study.dcm is None:
        return None
    expected = 2 * len(result.people)
    question = "Do the models explain the data?"
    if not found:
        return Answer(question, "no", "No visit has a posterior.", anchor="participants", source="What is missing")
    explained = np.array([diagnostics.explained_variance_total for diagnostics in found.values()])
    warned = sum(bool(diagnostics.warnings) for diagnostics in found.values())
    headline = (
        f"Median {np.median(explained):.0f} % explained variance (mean removed), from {explained.min():.0f} to "
        f"{explained.max():.0f} %; "
        f"{len(found)} of {expected} visits have a posterior."
    )
    low = int((explained < LOW_VARIANCE).sum())
    said = f"at {warned} of them, {low} for less than {LOW_VARIANCE:g} % explained" if warned else "at none of them"
    details = (f"There are warnings {said}.",)
    said_fits = judge_fits(warned, len(found), expected)
    return Answer(question, said_fits, headline, details, anchor="fits", source="Every visit")


_ALIKE: dict[str, tuple[Verdict, str]] = {
    "no difference": ("yes", f"There is no difference above {ALIKE:g} mm."),
    "open": ("open", f"Neither a difference nor that there is none above {ALIKE:g} mm is sure."),
    "yes": ("no", "There is a difference: an effect of treatment may be one of motion."),
}


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
    moved = [displacements(result, task, result.sessions[1], arm) for arm in (first, second)]
    verdict, said = _ALIKE[judge_means(np.array(moved[0]), np.array(moved[1]), ALIKE).kind]
    details = (said,) if before is None else (said, f"Before: {signed(before.value, 3)} mm.")
    return Answer("Do both arms move alike?", verdict, headline, details, anchor="motion", source="Motion")
