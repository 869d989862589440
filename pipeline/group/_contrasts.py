"""Contrasts answered: which connections differ between levels, or whose slopes do, and how surely; and columns alike.

Where participants are a mixture, a contrast of levels is from a group of each level, as a difference between two arms
is, and so is a mean over levels. One that cannot be had so is from the group of all where levels have about as many
participants, which is said, and open else. Where rows are visits, of which one participant may have several, it is from
the group of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from peb import (
    Contrast,
    ContrastPosterior,
    Design,
    DesignError,
    GroupPosterior,
    PebError,
    are_unbalanced,
    cells_of_contrast,
    column_contrast,
    contrast_numbers,
    describe_effect,
    evaluate_contrast,
    evaluate_contrast_by_cell,
    is_mean_over_levels,
)

from ..page import Answer, Column, Records, probability_text
from ..results import LEVEL, LOG_SCALE
from ..tables import effect_text
from ..verdicts import (
    CovariateVerdict,
    KindComparisons,
    judge_contrast,
    leave_open,
    verdict_headline,
)
from ._effect_tables import (
    FILE_COLUMNS,
    PARAMETER_COLUMN,
    VERDICT_COLUMNS,
    connections_of,
    effect_rule,
    per_numbers,
)
from ._group_inputs import GroupInputs
from ._plain_answers import effect_sentence

MOST = 5  # effects that an answer gives the numbers of
CONTRAST_COLUMNS = (
    Column("contrast", "Contrast"),
    Column("connection", "Connection"),
    *VERDICT_COLUMNS,
    Column("what", "What it is", where="file"),
    Column("method", "From", where="file"),
    *FILE_COLUMNS,
    PARAMETER_COLUMN,
)
UNEQUAL = (
    "Left open: levels of such unequal numbers of participants must have a group of each, and one of them is too small "
    "to be fitted, or has the same covariate throughout."
)


@dataclass(frozen=True, eq=False)
class ContrastAnswer:
    """A contrast, its posterior and what is said of it."""

    posterior: ContrastPosterior
    judged: CovariateVerdict

    @property
    def contrast(self) -> Contrast:
        """What was asked."""
        return self.posterior.contrast


def answer_contrasts(inputs: GroupInputs, group: GroupPosterior) -> tuple[ContrastAnswer, ...]:
    """Every contrast that was asked for."""
    found = []
    for contrast in inputs.contrasts:
        apart = _by_cell(inputs, contrast)
        posterior = apart if isinstance(apart, ContrastPosterior) else evaluate_contrast(group, contrast)
        judged = judge_contrast(posterior, inputs.design, inputs.smallest_effect)
        if apart is not posterior and _is_unbalanced(inputs, contrast):
            judged = leave_open(judged, UNEQUAL)
        elif isinstance(apart, str):
            judged = replace(judged, note=apart)
        found.append(ContrastAnswer(posterior, judged))
    return tuple(found)


def asked_as_contrasts(inputs: GroupInputs, answers: Sequence[ContrastAnswer]) -> frozenset[str]:
    """Columns whose effects are contrasts that were asked for by name, in either direction."""
    columns = np.eye(len(inputs.design.covariates))
    asked = [sign * answer.contrast.weights for answer in answers for sign in (1, -1)]
    return frozenset(
        name
        for name, column in zip(inputs.design.covariates, columns, strict=True)
        if any(np.allclose(weights, column) for weights in asked)
    )


def compare_levels(inputs: GroupInputs) -> KindComparisons:
    """Columns of a design from a formula that are contrasts of levels, each from a group of each level."""
    found: dict[str, ContrastPosterior | str | None] = {}
    if inputs.design.form is None:
        return found
    for covariate in inputs.design.covariates:
        contrast = column_contrast(inputs.design, covariate)
        apart = _by_cell(inputs, contrast)
        if not isinstance(apart, ContrastPosterior) and _is_unbalanced(inputs, contrast):
            found[covariate] = None
        elif apart is not None:
            found[covariate] = apart
    return found


def _by_cell(inputs: GroupInputs, contrast: Contrast) -> ContrastPosterior | str | None:
    """From a group of each level, or why there is none; None where participants are Gaussian, rows are visits, or it is
    of no levels.
    """
    if not inputs.settings.is_mixture or inputs.participant_of or not cells_of_contrast(inputs.design, contrast):
        return None
    try:
        return evaluate_contrast_by_cell(
            inputs.estimates, inputs.design, contrast, inputs.settings, parameters=inputs.chosen
        )
    except (DesignError, PebError) as problem:
        why = str(problem).partition(";")[0].partition(", so that")[0]
        return f"From one group of all, whose levels are taken to spread alike, as each cannot be fitted alone: {why}."


def _is_unbalanced(inputs: GroupInputs, contrast: Contrast) -> bool:
    """Whether a contrast is of levels with so different numbers of participants that one spread does not do for all.

    Never of a mean, which there is to be seen beside the levels' own.
    """
    if not inputs.settings.is_mixture or is_mean_over_levels(inputs.design, contrast):
        return False
    names = [inputs.participant_of.get(name, name) for name in inputs.design.participants]
    sizes = [len({names[row] for row in cell.rows}) for cell in cells_of_contrast(inputs.design, contrast)]
    return bool(sizes) and are_unbalanced(max(sizes), min(sizes))


def contrast_records(
    inputs: GroupInputs, group: GroupPosterior, answers: Sequence[ContrastAnswer]
) -> tuple[Records, ...]:
    """A row for every contrast and connection; no table where nothing was asked."""
    if not answers:
        return ()
    words = connections_of(inputs, group)
    rows: list[dict[str, Any]] = []
    for answer in answers:
        found, judged = answer.posterior, answer.judged.found
        interval, above, beside = found.interval(LEVEL), found.probability, found.with_v_without
        rows += [
            {
                "contrast": answer.contrast.name,
                "connection": words[i].words,
                "mean": float(found.mean[i]),
                "low": float(interval[i, 0]),
                "high": float(interval[i, 1]),
                "probability_beyond_zero": float(above[i]),
                "probability_with_v_without": float(beside[i]),
                "verdict": judged.each[i],
                "what": answer.contrast.explanation,
                "method": found.method,
                "questions": judged.questions,
                "unit": per_numbers(words[i].unit, _numbers_of(inputs, answer.contrast), inputs.units),
                "sd": float(found.sd[i]),
                "parameter": name,
            }
            for i, name in enumerate(group.parameters)
        ]
    sure = frozenset(i for i, row in enumerate(rows) if row["verdict"] == "yes")
    said = "; ".join(f"{answer.contrast.name}: {answer.contrast.explanation}" for answer in answers)
    notes = {answer.judged.note for answer in answers if answer.judged.note}
    lead = (
        f"{said}. Hz between regions, a log scale for self-inhibition. {' '.join(sorted(notes))} "
        f"{effect_rule(inputs, group)}."
    )
    return (Records("contrasts", "Contrasts", lead, CONTRAST_COLUMNS, rows, sure=sure),)


def _numbers_of(inputs: GroupInputs, contrast: Contrast) -> list[str]:
    """Numbers that a contrast's effect is per; none of a mean."""
    numbers = contrast_numbers(inputs.design, contrast)
    return sorted(numbers[0]) if len(numbers) == 1 else []


def contrast_answers(
    inputs: GroupInputs, group: GroupPosterior, answers: Sequence[ContrastAnswer], rows: Sequence[Any]
) -> tuple[Answer, ...]:
    """What was asked, the verdict, a sentence and the numbers of the surest."""
    units = [connection.unit for connection in connections_of(inputs, group)]
    return tuple(
        verdict_answer(
            inputs,
            _question(inputs, answer.contrast),
            answer.contrast,
            answer.judged,
            [row for row in rows if row["contrast"] == answer.contrast.name],
            units,
            "difference" if _says_difference(answer.contrast) else "effect",
        )
        for answer in answers
    )


def verdict_answer(
    inputs: GroupInputs,
    question: str,
    asked: str | Contrast,
    judged: CovariateVerdict,
    rows: Sequence[Any],
    units: Sequence[str],
    of: Literal["effect", "difference"],
) -> Answer:
    """A verdict as an answer: a plain sentence, the rule's headline, and the numbers of the surest effects.

    Arguments:
        asked: column of the design, or contrast.
        rows: of the table of effects or contrasts, one a connection.
        units: of the connections.
        of: what the headline calls an effect.
    """
    surest = np.argsort(-np.abs(judged.above_zero - 0.5), kind="stable")
    reported = [rows[i] for i in (judged.found.which[:MOST] or surest[:1])]
    headline = verdict_headline(judged, [row["connection"] for row in rows], units, of)
    plain = effect_sentence(inputs, asked, judged, [row["parameter"] for row in rows])
    details = [*([judged.note] if judged.note else []), *(_effect_line(row) for row in reported)]
    return Answer(question, judged.found.kind, f"{plain} {headline}".strip(), tuple(details))


def is_difference(design: Design, covariate: str) -> bool:
    """Whether the effect of a column of a formula is a difference between levels."""
    return design.form is not None and _says_difference(column_contrast(design, covariate))


def _says_difference(contrast: Contrast) -> bool:
    return " minus " in contrast.explanation or " − " in contrast.explanation


def question_about_column(inputs: GroupInputs, covariate: str) -> str:
    """What the effects of a column of a formula answer."""
    return _question(inputs, column_contrast(inputs.design, covariate))


def _question(inputs: GroupInputs, contrast: Contrast) -> str:
    what = "changes" if inputs.change else "connections"
    first = "Which " if contrast.name == contrast.text else f"{contrast.name}: which "
    if _says_difference(contrast):
        return f"{first}{what} differ: {contrast.explanation}?"
    numbers = contrast_numbers(inputs.design, contrast)
    if inputs.design.form is not None and not any(numbers) and inputs.compared:
        here, there = inputs.compared
        return f"{first}connections differ between {here} and {there}: {contrast.explanation}?"
    if inputs.design.form is not None and not any(numbers):
        return f"{first}connections {'change' if inputs.change else 'are there'}: {contrast.explanation}?"
    slope = contrast.explanation.removeprefix("change per unit of ")
    return f"{first}{what} are associated with {slope}?"


def _effect_line(row: Any) -> str:
    """The numbers of one effect in a sentence."""
    number, low, high = (effect_text(row[key]) for key in ("mean", "low", "high"))
    beyond, chance = (probability_text(row[key]) for key in ("probability_beyond_zero", "probability_with_v_without"))
    return (
        f"{' '.join((row['connection'] + ':', number, row['unit'].replace(LOG_SCALE, '(log scale)'))).strip()} "
        f"(90 % interval {low} to {high}), Pp (with v without) {chance}, P(effect > 0) {beyond}."
    )


def short_words(design: Design, contrast: Contrast) -> str:
    """``ketamine − placebo``, whatever else is at the same value; of what is no such difference all its words."""
    if design.form is None or contrast.canonical is None:
        return contrast.explanation
    core = describe_effect(design.form, contrast.canonical, briefly=True)
    return core.replace(" minus ", " − ") if core.count(" minus ") == 1 else contrast.explanation


def contrasts_summary(
    inputs: GroupInputs, answers: Sequence[ContrastAnswer], rows: Sequence[Any]
) -> list[dict[str, Any]]:
    """Every contrast, for JSON."""
    return [
        {
            "name": answer.contrast.name,
            "contrast": answer.contrast.text,
            "what": answer.contrast.explanation,
            "short": short_words(inputs.design, answer.contrast),
            "verdict": answer.judged.found.kind,
            "which": [
                row["connection"] for row in rows if row["contrast"] == answer.contrast.name and row["verdict"] == "yes"
            ],
            "questions": answer.judged.found.questions,
            "smallest_effect": answer.judged.found.size,
            "per": answer.judged.question.per,
            "method": answer.posterior.method,
        }
        for answer in answers
    ]
