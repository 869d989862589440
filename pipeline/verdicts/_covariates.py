"""The verdicts on a group's covariates: of its effects, or of the difference between two kinds of participants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from peb import (
    MEAN,
    ArmComparison,
    Contrast,
    ContrastPosterior,
    Design,
    GroupPosterior,
    NormalMixture,
    VerdictKind,
    column_contrast,
    contrast_numbers,
)

from ._rules import EffectsVerdict, judge_effects

# Covariate of the group → the comparison of its kinds or levels; a text of what to know where the group of all answers,
# and None where nothing does.
KindComparisons = Mapping[str, ArmComparison | ContrastPosterior | str | None]
SEPARATE_GROUPS_NOTE = "From a separate group for each, as participants may vary more in one than in the other."


@dataclass(frozen=True)
class Question:
    """An effect in units that a size can be stated in.

    Fields:
        factor: δ = factor · β.
        per: what the effect is per, such as ``SD of improvement``; empty for a mean or a difference.
    """

    factor: float
    per: str


@dataclass(frozen=True, eq=False)
class CovariateVerdict:
    """A verdict and what it was found from.

    Fields:
        question: what δ is.
        found: the verdict.
        above_zero: P(δ > 0) of every parameter.
        note: what to know of where it comes from; empty where that is the group itself.
        kinds: the comparison of two kinds of participants, where it is from a group of each.
        contrast: the posterior it is from, where that is a contrast's.
    """

    question: Question
    found: EffectsVerdict
    above_zero: np.ndarray
    note: str = ""
    kinds: ArmComparison | None = None
    contrast: ContrastPosterior | None = None


def judge_group(group: GroupPosterior, apart: KindComparisons, size: float) -> dict[str, CovariateVerdict]:
    """Covariate → the verdict on its effects.

    Arguments:
        group: everybody.
        apart: comparisons from a group of each kind; None of one that cannot be had, which leaves the question open.
        size: d.
    """
    return {covariate: _judge(group, covariate, apart, size) for covariate in group.design.covariates}


def judge_covariate(group: GroupPosterior, covariate: str, size: float) -> CovariateVerdict:
    """Of the effects of one covariate on all parameters of a group."""
    asked = question_about(group.design, covariate)
    return _judged(group.marginals[:, group.design.column(covariate)].scaled(asked.factor), asked, size)


def judge_difference(
    comparison: ArmComparison,
    design: Design,
    size: float,
    *,
    drawn: list[np.ndarray | None] | None = None,
    note: str = "",
) -> CovariateVerdict:
    """Of the difference between two arms in one covariate's effect on all parameters.

    Arguments:
        comparison: of the two arms.
        design: of everybody, which says how much a covariate varies.
        size: d.
        drawn: draws of every difference, where the result was checked by sampling: both must be sure.
        note: what to know of where it comes from.
    """
    number = question_about(design, comparison.covariate)
    asked = Question(number.factor, number.per if comparison.covariate != MEAN else "")
    return replace(_judged(comparison.marginals[2].scaled(asked.factor), asked, size, drawn, note), kinds=comparison)


def judge_contrast(found: ContrastPosterior, design: Design, size: float) -> CovariateVerdict:
    """Of a contrast on all parameters; of slopes, δ is for one standard deviation more of a number, and from one to the
    other of a number's two values, as of two levels.
    """
    asked = question_about_contrast(design, found.contrast)
    note = SEPARATE_GROUPS_NOTE if found.method == "a group for each level" else ""
    judged = _judged(found.density.scaled(asked.factor), asked, size, note=note)
    return replace(judged, contrast=found)


def question_about_contrast(design: Design, contrast: Contrast) -> Question:
    """δ of a contrast."""
    numbers = [] if design.form is None else contrast_numbers(design, contrast)
    used = [name for name, weight in zip(design.covariates, contrast.weights, strict=True) if weight]
    if design.form is None and len(used) == 1:
        own = question_about(design, used[0])
        return own if own.per else Question(1.0, "")
    if len(numbers) != 1 or not numbers[0]:
        return Question(1.0, "")
    form, names = design.form, sorted(numbers[0])
    assert form is not None  # of another design a contrast is of no numbers
    sizes = [form.steps.get(name, form.sds[name]) for name in names]
    spread = [name for name in names if name not in form.steps]
    per = [f"SD of {' × '.join(spread)}"] if spread else []
    per += [_step(form.steps[name], name) for name in names if name in form.steps]
    return Question(float(np.prod(sizes)), " × ".join(per))


def _step(size: float, name: str) -> str:
    """From one to the other of two values: ``unit of period``, ``50 units of dose``."""
    return f"unit of {name}" if size == 1 else f"{size:g} units of {name}"


def leave_open(judged: CovariateVerdict, note: str) -> CovariateVerdict:
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


def unbalanced_shuffle_note(counts: tuple[int, int]) -> str:
    """Why shuffling does not answer a question about unbalanced kinds."""
    return (
        f"Left open: shuffling takes both kinds to differ as much among themselves, and with {counts[0]} and "
        f"{counts[1]} participants it is too sure where those of the smaller one differ more; effconn peb arms "
        "answers it."
    )


def question_about(design: Design, covariate: str) -> Question:
    """δ of one covariate.

    Of a column coded ±1, whose effect is half of a difference, δ is the difference; of numbers, the change for one
    standard deviation more; of their product, the difference between the kinds of that change.
    """
    if covariate == MEAN:
        return Question(1.0, "")
    parts = covariate.split("×")
    if design.form is not None:
        return question_about_contrast(design, column_contrast(design, covariate))
    numbers = [name for name in parts if name not in design.kinds]
    factor = 2.0 ** (len(parts) - len(numbers))
    for name in numbers:
        factor *= _sd(design, name, covariate)
    return Question(factor, f"SD of {' × '.join(numbers)}" if numbers else "")


def _sd(design: Design, name: str, covariate: str) -> float:
    """Of a column over participants; where the design has its product alone, the product's size."""
    if name in design.covariates:
        return float(np.std(design.matrix[:, design.column(name)]))
    column = design.matrix[:, design.column(covariate)]
    others = len([part for part in covariate.split("×") if part not in design.kinds])
    return float(np.sqrt(np.mean(column**2)) ** (1 / max(others, 1)))


def _judge(group: GroupPosterior, covariate: str, apart: KindComparisons, size: float) -> CovariateVerdict:
    if covariate not in apart:
        return judge_covariate(group, covariate, size)
    comparison = apart[covariate]
    if comparison is None:
        kinds, each = ("two kinds", "kind") if group.design.form is None else ("levels", "level")
        note = (
            f"Left open: participants of {kinds} in such unequal numbers must have a group of each {each}, and one of "
            "them is too small to be fitted, or has the same covariate throughout."
        )
        return leave_open(judge_covariate(group, covariate, size), note)
    if isinstance(comparison, str):
        return replace(judge_covariate(group, covariate, size), note=comparison)
    if isinstance(comparison, ContrastPosterior):
        return judge_contrast(comparison, group.design, size)
    return judge_difference(comparison, group.design, size, note=SEPARATE_GROUPS_NOTE)
