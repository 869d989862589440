"""The verdict on one covariate: of a group's effects, or of the difference between two arms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from peb import MEAN, ArmComparison, Design, GroupPosterior, NormalMixture, VerdictKind

from ._question import Question, question_of
from ._rule import EffectsVerdict, judge_effects


@dataclass(frozen=True, eq=False)
class CovariateVerdict:
    """A verdict and what it was found from.

    Fields:
        question: what δ is.
        found: the verdict.
        above_zero: P(δ > 0) of every parameter.
        note: what to know of where it comes from; empty where that is the group itself.
        kinds: two kinds of participants beside each other, where it is from a group of each.
    """

    question: Question
    found: EffectsVerdict
    above_zero: np.ndarray
    note: str = ""
    kinds: ArmComparison | None = None


def judge_covariate(group: GroupPosterior, covariate: str, size: float) -> CovariateVerdict:
    """Of the effects of one covariate on all parameters of a group."""
    asked = question_of(group.design, covariate)
    return _judged(group.marginals[:, group.design.column(covariate)].scaled(asked.factor), asked, size)


def judge_difference(
    one: ArmComparison,
    design: Design,
    size: float,
    *,
    drawn: list[np.ndarray | None] | None = None,
    note: str = "",
) -> CovariateVerdict:
    """Of the difference between two arms in one covariate's effect on all parameters.

    Arguments:
        one: the arms beside each other.
        design: of everybody, which says how much a covariate varies.
        size: d.
        drawn: draws of every difference, where the result was checked by sampling: both must be sure.
        note: what to know of where it comes from.
    """
    number = question_of(design, one.covariate)
    asked = Question(number.factor, number.per if one.covariate != MEAN else "")
    return replace(_judged(one.marginals[2].scaled(asked.factor), asked, size, drawn, note), kinds=one)


def undecided(judged: CovariateVerdict, note: str) -> CovariateVerdict:
    """The same question left open, and why."""
    found = judged.found
    each: list[VerdictKind] = ["open" for _ in found.each]
    return replace(judged, found=replace(found, kind="open", which=(), each=tuple(each)), note=note)


def _judged(
    density: NormalMixture,
    asked: Question,
    size: float,
    drawn: list[np.ndarray | None] | None = None,
    note: str = "",
) -> CovariateVerdict:
    above, within = density.above_zero.copy(), density.within(size).copy()
    for i, draws in enumerate(drawn or []):
        if draws is not None:
            share = float(np.mean(draws > 0))
            agree = (share > 0.5) == (above[i] > 0.5)
            above[i] = (share if abs(share - 0.5) < abs(above[i] - 0.5) else above[i]) if agree else 0.5
            within[i] = min(within[i], float(np.mean(np.abs(draws * asked.factor) < size)))
    found = judge_effects(above, within, size=size)
    return CovariateVerdict(asked, found, above, note)
