"""The report of a comparison of two arms: tables, pictures and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dcm import Spec
from peb import MEAN, ArmComparison

from ..figures import (
    arm_densities,
    arm_figure,
)
from ..page import (
    EFFECT,
    PROBABILITY,
    SPREAD,
    AnalysisReport,
    Answer,
    Column,
    Picture,
    Records,
    Section,
    probability_text,
    slug,
)
from ..results import LEVEL, connections, per_covariate
from ..tables import effect_text, number_text
from ..verdicts import (
    SEPARATE_GROUPS_NOTE,
    CovariateVerdict,
    judge_difference,
    judge_group,
    verdict_headline,
)
from ._arms import (
    GROUP_PER_ARM,
    ONE_GROUP,
    THIRD_LEVEL,
    ArmAnalysis,
    compare_kinds,
    draws_of,
    sampling_records,
    sampling_warnings,
)
from ._effect_tables import effect_records, effect_rule, influence_records
from ._fit_report import facts, group_notices, save_group, summary, verdicts_summary
from ._fit_sections import influence_section
from ._group_inputs import GroupInputs
from ._plain_answers import arms_sentence

_METHODS = {
    "arm": {
        ONE_GROUP: "By one group of both",
        GROUP_PER_ARM: "By a group of each arm",
        THIRD_LEVEL: "By a third level over a group per arm",
    },
    "group": {
        ONE_GROUP: "By one PEB of both",
        GROUP_PER_ARM: "By a PEB of each group",
        THIRD_LEVEL: "By a third level over a PEB per group",
    },
}
_METHOD_NAMES = {
    "arm": {name: name for name in (ONE_GROUP, GROUP_PER_ARM, THIRD_LEVEL)},
    "group": {ONE_GROUP: "one PEB", GROUP_PER_ARM: "a PEB per group", THIRD_LEVEL: THIRD_LEVEL},
}


def report_arms(inputs: GroupInputs, arms: ArmAnalysis) -> AnalysisReport:
    """Tables, pictures and answers of an arm comparison."""
    judged = judge_arms(inputs, arms)
    everything = judge_group(arms.group, compare_kinds(inputs), inputs.smallest_effect)
    own = {covariate: verdict for covariate, verdict in everything.items() if arms.column not in covariate.split("×")}
    word = inputs.group_word
    but = f" Of {arms.column} and its products the table of the {word}s says it: the same question is asked once."
    records = [
        arm_records(inputs, arms, judged),
        effect_records(inputs, arms.group, own, but),
        *influence_records(inputs, arms.group),
    ]
    if arms.sampled is not None:
        records.append(sampling_records(arms))
    first, second = arms.names
    return AnalysisReport(
        name="arms",
        title=f"{first} and {second} compared",
        subtitle=f"{len(inputs.design.participants)} participants. Differences are {first} minus {second}.",
        answers=tuple(arm_answer(inputs, comparison, arms, judged[comparison.covariate]) for comparison in arms.judged),
        records=tuple(records),
        draw=lambda: _sections(inputs, arms),
        facts=facts(inputs, arms.group),
        notices=group_notices(
            inputs,
            (
                *arms.warnings,
                *sampling_warnings(arms),
                *(line for comparison in arms.by_groups for line in comparison.remarks),
            ),
        ),
        summary=summary(inputs, arms.group, arms.warnings)
        | {
            "arms": list(arms.names),
            "verdicts": verdicts_summary(judged, [row for row in records[0].rows if row["verdict"] is not None]),
        },
        save=lambda folder: [
            *save_group(inputs, arms.group, folder),
            *([] if arms.third is None else save_group(replace(inputs, spec=None), arms.third, folder)),
        ],
    )


def judge_arms(inputs: GroupInputs, arms: ArmAnalysis) -> dict[str, CovariateVerdict]:
    """Covariate → whether the arms differ in its effect, by the group or groups that answers are from."""
    note = SEPARATE_GROUPS_NOTE if arms.by_separate_groups else ""
    found = {}
    for comparison in arms.judged:
        drawn = [draws_of(arms, comparison, i)[2] for i in range(len(comparison.parameters))]
        found[comparison.covariate] = judge_difference(
            comparison, inputs.design, inputs.smallest_effect, drawn=drawn, note=note
        )
    return found


def arm_records(inputs: GroupInputs, arms: ArmAnalysis, judged: Mapping[str, CovariateVerdict]) -> Records:
    """Every covariate × connection × method; verdicts are in the rows that answers are from."""
    first, second = arms.names
    columns = (
        Column("road", "From"),
        Column("covariate", "Effect of"),
        Column("connection", "Connection"),
        Column("first", first, EFFECT),
        Column("second", second, EFFECT),
        Column("difference", "Difference", EFFECT),
        Column("low", "90 % from", EFFECT),
        Column("high", "to", EFFECT),
        Column("probability_beyond_zero", "P(difference > 0)", PROBABILITY),
        Column("probability_with_v_without", "Pp (with v without)", PROBABILITY),
        Column("verdict", "Verdict"),
        Column("questions", "Connections asked about", "d", where="file"),
        Column("first_beyond_zero", f"P({first} > 0)", PROBABILITY, where="file"),
        Column("first_with_v_without", f"Pp {first}", PROBABILITY, where="file"),
        Column("second_beyond_zero", f"P({second} > 0)", PROBABILITY, where="file"),
        Column("second_with_v_without", f"Pp {second}", PROBABILITY, where="file"),
        Column("half_difference", "Half difference", EFFECT, where="file"),
        Column("unit", "Unit", where="file"),
        Column("first_sd", f"SD {first}", SPREAD, where="file"),
        Column("second_sd", f"SD {second}", SPREAD, where="file"),
        Column("parameter", "Parameter", where="file"),
    )
    rows = [
        row
        for method, comparisons in ((ONE_GROUP, arms.by_interactions), (arms.second_method, arms.by_groups))
        for comparison in comparisons
        for row in _rows(
            inputs, comparison, method, judged[comparison.covariate] if comparisons is arms.judged else None
        )
    ]
    word, named = inputs.group_word, _METHOD_NAMES[inputs.group_word]
    one = named[ONE_GROUP].capitalize() if word == "arm" else "One PEB"
    explained = {
        GROUP_PER_ARM: f"has one for each {word}, independent of each other, so that participants of one may differ "
        "more.",
        THIRD_LEVEL: f"has a PEB for each {word} and one over the two, which also expects {word}s to vary, so that its "
        "intervals are wider.",
    }
    lead = (
        "P(… > 0) is the share of a posterior beyond zero. Pp (with v without) is the probability of the model that "
        f"has the effect against the model that lacks it alone. “{one}” has all participants in one with "
        f"interactions; “{named[arms.second_method]}” {explained[arms.second_method]} "
        f"{effect_rule(inputs, arms.group)}; they are from "
        f"“{named[arms.second_method if arms.by_separate_groups else ONE_GROUP]}”."
    )
    sure = frozenset(i for i, row in enumerate(rows) if row["verdict"] == "yes")
    return Records("arms", f"Comparison of the {word}s", lead, columns, rows, sure=sure)


def arm_answer(inputs: GroupInputs, comparison: ArmComparison, arms: ArmAnalysis, judged: CovariateVerdict) -> Answer:
    """Whether the arms differ in one covariate's effect."""
    own, second_method = (arms.second_method, ONE_GROUP) if arms.by_separate_groups else (ONE_GROUP, arms.second_method)
    rows = _rows(inputs, comparison, own, judged)
    what = "the mean" if comparison.covariate == MEAN else f"the effect of {comparison.covariate}"
    if inputs.change:
        what = "the change" if comparison.covariate == MEAN else f"the effect of {comparison.covariate} on the change"
    place = (*judged.found.which, int(np.argmax(np.abs(judged.above_zero - 0.5))))[0]
    chief, drawn = rows[place], draws_of(arms, comparison, place)[2]
    first, second = comparison.arms
    beyond, chance = (probability_text(chief[key]) for key in ("probability_beyond_zero", "probability_with_v_without"))
    units = [connection.unit for connection in connections(comparison.parameters, inputs.spec)]
    numbers = (
        f"{chief['connection']}: {first} minus {second} {_interval(chief)}, P(difference > 0) {beyond}, "
        f"Pp (with v without) {chance}."
    )
    headline = verdict_headline(judged, [row["connection"] for row in rows], units, "difference", numbers)
    others = arms.by_interactions if arms.by_separate_groups else arms.by_groups
    other = next((found for found in others if found.covariate == comparison.covariate), None)
    details = [
        f"{row['connection']}: {first} {_arm_effect(row, 'first')}, {second} {_arm_effect(row, 'second')}, "
        f"{row['unit']}."
        for row in rows
    ]
    if judged.note:
        details.insert(0, judged.note)
    if drawn is not None:
        sampled = f"{chief['connection']} {_sampled_difference(drawn, chief['unit'])}"
        one = _METHODS[inputs.group_word][ONE_GROUP].removeprefix("By ")
        details.insert(0, f"Checked by sampling, {one}: {sampled}.")
    at = [f"{name} of {number_text(value)}" for name, value in inputs.design.centres.items()]
    if comparison.covariate == MEAN and at:
        details.append(f"This is the difference between participants with {', '.join(at)}, the average here.")
    if other is not None:
        again = _rows(inputs, other, second_method)[place]
        details.append(f"{_METHODS[inputs.group_word][second_method]}: {_interval(again)}.")
    plain = arms_sentence(inputs, comparison, judged)
    question = f"Do the {inputs.group_word}s differ in {what}?"
    return Answer(question, judged.found.kind, f"{plain} {headline}".strip(), tuple(details[:6]))


def _rows(
    inputs: GroupInputs, comparison: ArmComparison, method: str, judged: CovariateVerdict | None = None
) -> list[dict[str, Any]]:
    first, second, difference = (part.interval(LEVEL) for part in comparison.marginals)
    return [
        {
            "covariate": comparison.covariate,
            "connection": connection.words,
            "first": float(comparison.first.mean[i]),
            "second": float(comparison.second.mean[i]),
            "first_sd": float(comparison.first.sd[i]),
            "second_sd": float(comparison.second.sd[i]),
            "difference": float(comparison.difference.mean[i]),
            "low": float(difference[i, 0]),
            "high": float(difference[i, 1]),
            "first_low": float(first[i, 0]),
            "first_high": float(first[i, 1]),
            "second_low": float(second[i, 0]),
            "second_high": float(second[i, 1]),
            "probability_beyond_zero": float(comparison.beyond_zero.difference[i]),
            "probability_with_v_without": float(comparison.with_v_without.difference[i]),
            "first_beyond_zero": float(comparison.beyond_zero.first[i]),
            "first_with_v_without": float(comparison.with_v_without.first[i]),
            "second_beyond_zero": float(comparison.beyond_zero.second[i]),
            "second_with_v_without": float(comparison.with_v_without.second[i]),
            "half_difference": float(comparison.half_difference.mean[i]),
            "unit": per_covariate(connection.unit, comparison.covariate),
            "verdict": None if judged is None else judged.found.each[i],
            "questions": None if judged is None else judged.found.questions,
            "road": _METHOD_NAMES[inputs.group_word][method],
            "parameter": connection.name,
        }
        for i, connection in enumerate(connections(comparison.parameters, inputs.spec))
    ]


def _sampled_difference(drawn: np.ndarray, unit: str) -> str:
    """The difference by its draws; where all are of one sign, its probability is as of half a draw of the other."""
    low, high = (effect_text(float(value)) for value in np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    above = probability_text(float(np.clip(np.mean(drawn > 0), 0.5 / drawn.size, 1 - 0.5 / drawn.size)))
    return f"{effect_text(float(drawn.mean()))} {unit} (90 % interval {low} to {high}), P(difference > 0) {above}"


def _arm_effect(row: dict[str, Any], arm: str) -> str:
    """An arm's own effect with its interval."""
    mean, low, high = (effect_text(row[key]) for key in (arm, f"{arm}_low", f"{arm}_high"))
    return f"{mean} (90 % interval {low} to {high})"


def _interval(row: dict[str, Any]) -> str:
    difference, low, high = (effect_text(row[key]) for key in ("difference", "low", "high"))
    return f"{difference} {row['unit']} (90 % interval {low} to {high})"


def _sections(inputs: GroupInputs, arms: ArmAnalysis) -> tuple[Section, ...]:
    sections = (
        arms_section(arms.judged, inputs.spec, lambda comparison, i: draws_of(arms, comparison, i), inputs.group_word),
        influence_section(arms.group, inputs.spec),
    )
    return tuple(section for section in sections if section is not None)


def arms_section(
    comparisons: Sequence[ArmComparison],
    spec: Spec | None,
    draws: Callable[[ArmComparison, int], Sequence[np.ndarray | None]] = lambda comparison, i: (None, None, None),
    word: str = "arm",
) -> Section:
    """One picture for each covariate and connection: both arms, and their difference.

    `draws(comparison, i)` gives a sampler's draws of the first arm's, the second's effect on parameter i, and of their
    difference, where there are any; `word` is what the two are called.
    """
    drawn = []
    for number, comparison in enumerate(comparisons):
        for i, connection in enumerate(connections(comparison.parameters, spec)):
            first, second, difference = arm_densities(comparison, i, draws(comparison, i))
            about = "mean" if comparison.covariate == MEAN else f"effect of {comparison.covariate}"
            drawn.append(
                Picture(
                    f"arms-{number}-{slug(comparison.covariate)}-{i}",
                    f"{connection.words}: {about}",
                    f"Above, what is believed of the effect in each {word}; below, of the difference. The further "
                    f"the lower curve lies to one side of zero, the surer the {word}s differ. Where there are draws, "
                    f"they are of one {'group of both arms' if word == 'arm' else 'PEB of both groups'}.",
                    arm_figure(
                        [first, second],
                        difference,
                        effect=f"{connection.words}, {about}",
                        unit=per_covariate(connection.unit, comparison.covariate),
                    ),
                )
            )
    lead = f"The posterior in each {word} and of the difference, connection by connection."
    return Section(f"Comparison of the {word}s", lead, tuple(drawn))
