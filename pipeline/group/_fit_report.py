"""The report of a group fit: the effects of every covariate on every connection, and how sure they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from dcm.tables import counted
from peb import MEAN, GroupPosterior, column_contrast, default_own_effects

from ..page import (
    AnalysisReport,
    Answer,
    Records,
)
from ..results import LEVEL
from ..verdicts import CovariateVerdict, judge_group
from ._arms import compare_kinds
from ._contrasts import (
    answer_contrasts,
    asked_as_contrasts,
    contrast_answers,
    contrast_records,
    contrasts_summary,
    is_difference,
    question_about_column,
    short_words,
    verdict_answer,
)
from ._design_records import design_records, design_summary
from ._effect_tables import (
    connections_of,
    effect_records,
    effect_rule,
    estimate_records,
    influence_records,
    reinversion_records,
)
from ._fit_sections import fit_sections
from ._group_inputs import GroupInputs, merge_left_out

_MIXTURE = (
    "empirical Bayes; participants lie about the design as a scale mixture of normals, of which 2 in 100 may be 3 to "
    "30 times as far out, integrated over its scale"
)

_VISITS = (
    "empirical Bayes with three levels: visits, participants with means and effects of their own, and groups; "
    "participants are a scale mixture of normals, of which 2 in 100 may be 3 to 30 times as far out in either, "
    "integrated over all its scales"
)


def report_fit(inputs: GroupInputs, group: GroupPosterior, warnings: Sequence[str]) -> AnalysisReport:
    """Tables, pictures and answers of a fit."""
    judged = judge_group(group, compare_kinds(inputs), inputs.smallest_effect)
    records = effect_records(inputs, group, judged)
    asked = answer_contrasts(inputs, group)
    contrasts = contrast_records(inputs, group, asked)
    rows = contrasts[0].rows if contrasts else ()
    return AnalysisReport(
        name="group",
        title=f"{_title(inputs)} in {len(inputs.participants)} participants",
        subtitle=_subtitle(inputs),
        answers=(
            *contrast_answers(inputs, group, asked, rows),
            *effect_answers(inputs, group, records, judged, but=asked_as_contrasts(inputs, asked)),
        ),
        records=(
            *contrasts,
            records,
            *reinversion_records(inputs, group),
            *influence_records(inputs, group),
            estimate_records(inputs, group),
            *design_records(inputs.design),
        ),
        draw=lambda: fit_sections(inputs, group, judged),
        facts=facts(inputs, group),
        notices=group_notices(inputs, warnings),
        summary=summary(inputs, group, warnings)
        | {
            "design": design_summary(inputs.design),
            **own_effects_summary(inputs),
            "verdicts": verdicts_summary(judged, records.rows),
            "contrast_answers": contrasts_summary(inputs, asked, rows),
            "columns_asked": sorted(asked_as_contrasts(inputs, asked)),
            "short_effects": {
                name: short_words(inputs.design, column_contrast(inputs.design, name))
                for name in inputs.design.covariates
                if is_difference(inputs.design, name)
            },
        },
        save=lambda folder: save_group(inputs, group, folder),
    )


def own_effects_summary(inputs: GroupInputs) -> dict[str, list[str]]:
    """Where rows are visits, whose effects differ between participants, for JSON; of a PEB of PEBs they all do."""
    if not inputs.participant_of or not inputs.settings.is_mixture:
        return {}
    return {"own_effects": list(default_own_effects(inputs.design, inputs.participant_of))}


def group_notices(inputs: GroupInputs, warnings: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What must not be overlooked on a page."""
    again = inputs.reinversion.warnings if inputs.reinversion else ()
    own = [f"{line[:1].upper()}{line[1:]}." for line in inputs.warnings]
    found = [("Bear in mind.", line) for line in (*own, *warnings, *again)]
    if inputs.errors:
        found.append((f"{counted(len(inputs.errors), 'result')} could not be used.", "; ".join(inputs.errors)))
    if inputs.left_out:
        count = len(inputs.left_out)
        who = "1 participant or session is" if count == 1 else f"{count} participants or sessions are"
        found.append((f"{who} not in this analysis.", "; ".join(merge_left_out(inputs.left_out))))
    return tuple(found)


def facts(inputs: GroupInputs, group: GroupPosterior) -> tuple[tuple[str, str], ...]:
    """How a group was fitted."""
    mixture = group.mixture is not None
    steps = "rounds" if mixture else "iterations"
    each = "one for each connection" + (", at each level" if inputs.participant_of else "")
    own = "all uncertainty kept" if group.compat == "none" else f"{group.compat.upper()}'s, its numbers included"
    components = "; ".join(group.component_names).replace("all parameters", "one, shared by all parameters")
    return (
        ("Mode", inputs.mode),
        (
            "Model",
            (_VISITS if inputs.participant_of else _MIXTURE)
            if mixture
            else "parametric empirical Bayes (Friston et al. 2016; Zeidman et al. 2019)",
        ),
        *([("Visits", group.remarks[0])] if group.participant_of else []),
        ("Connections explained", ", ".join(inputs.chosen)),
        ("Covariates", "; ".join(inputs.design.covariates)),
        ("Design", "; ".join(inputs.design.remarks) or "as given"),
        (
            "Components of the variance between participants",
            each if mixture else components or "none: fixed at its prior expectation",
        ),
        ("Scheme", own),
        ("Verdicts", effect_rule(inputs, group)),
        *([("First levels", inputs.reinversion.words)] if inputs.reinversion else []),
        (
            "Free energy",
            f"{group.free_energy:.3f} nats after {group.iterations} {steps}; {group.status.value}",
        ),
    )


def summary(inputs: GroupInputs, group: GroupPosterior, warnings: Sequence[str]) -> dict[str, Any]:
    """A fit, for JSON."""
    return {
        "participants_used": list(inputs.participants),
        "of": inputs.of,
        "covariates": list(inputs.design.covariates),
        "parameters": list(group.parameters),
        "compat": group.compat,
        "between": inputs.settings.between,
        "first_level": inputs.first_level,
        "f": group.free_energy,
        "status": group.status.name.lower(),
        "iterations": group.iterations,
        "warnings": list(warnings),
        "notes": list(inputs.notes),
        "errors": list(inputs.errors),
        "smallest_effect": inputs.smallest_effect,
        "reinversion_rounds": inputs.reinversion.rounds if inputs.reinversion else 0,
    }


def verdicts_summary(judged: Mapping[str, CovariateVerdict], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every verdict, for JSON."""
    return [
        {
            "covariate": covariate,
            "verdict": verdict.found.kind,
            "which": [row["connection"] for row in rows if row["covariate"] == covariate and row["verdict"] == "yes"],
            "questions": verdict.found.questions,
            "smallest_effect": verdict.found.size,
            "per": verdict.question.per,
        }
        for covariate, verdict in judged.items()
    ]


def save_group(inputs: GroupInputs, group: GroupPosterior, folder: Path) -> list[tuple[str, str]]:
    """The posterior as NetCDF, and as an SPM file."""
    from ..results import write_group
    from ..spm import write_peb

    write_group(folder / f"{group.name}.nc", group, spec=inputs.spec)
    write_peb(folder / f"PEB_{group.name}.mat", group, **inputs.spm_places(group))
    return [
        (f"{group.name}.nc", "the group posterior, NetCDF"),
        (f"PEB_{group.name}.mat", "the same for SPM12 (spm_dcm_peb_review)"),
    ]


def _title(inputs: GroupInputs) -> str:
    fields = " and ".join(inputs.chosen) if len(inputs.chosen) < 4 else f"{len(inputs.chosen)} connections"
    if inputs.change:
        return f"Change of {fields} from {inputs.change[0]} to {inputs.change[1]}"
    return f"Connectivity {fields}{', ' if inputs.of else ''}{inputs.of}"


def _subtitle(inputs: GroupInputs) -> str:
    others = [name for name in inputs.design.covariates if name != MEAN]
    if inputs.design.form is not None:
        others = [*inputs.design.form.factors, *inputs.design.form.centres]
    by = f" and by {', '.join(others)}" if others else ""
    return (
        f"What {len(inputs.participants)} participants have in common{by}, from posteriors that know how "
        "sure each of "
        f"them is. Intervals hold {LEVEL:.0%} of the posterior."
    )


def effect_answers(
    inputs: GroupInputs,
    group: GroupPosterior,
    records: Records,
    judged: Mapping[str, CovariateVerdict],
    more: Mapping[str, str] | None = None,
    but: Collection[str] = (),
) -> tuple[Answer, ...]:
    """An answer for every covariate `but` some; `more` is said of it too."""
    units = [connection.unit for connection in connections_of(inputs, group)]
    return tuple(
        _answer(inputs, covariate, records.rows, units, judged[covariate], (more or {}).get(covariate, ""))
        for covariate in inputs.design.covariates
        if covariate not in but
    )


def _answer(
    inputs: GroupInputs,
    covariate: str,
    rows: Sequence[Any],
    units: Sequence[str],
    judged: CovariateVerdict,
    more: str,
) -> Answer:
    own = [row for row in rows if row["covariate"] == covariate]
    of: Literal["effect", "difference"] = "effect"
    if any(part in inputs.design.kinds for part in covariate.split("×")) or is_difference(inputs.design, covariate):
        of = "difference"
    answer = verdict_answer(inputs, _question(inputs, covariate), covariate, judged, own, units, of)
    return replace(answer, details=(*answer.details, more)) if more else answer


def _question(inputs: GroupInputs, covariate: str) -> str:
    """What a covariate's effects answer; one coded ±1 tells two kinds of participants apart."""
    if inputs.design.form is not None and covariate != MEAN:
        return question_about_column(inputs, covariate)
    parts, kinds = covariate.split("×"), inputs.design.kinds
    coded = [f"{plus} and {minus}" for minus, plus in (kinds[part] for part in parts if part in kinds)]
    others = " × ".join(part for part in parts if part not in kinds)
    what = "changes" if inputs.change else "connections"
    if covariate == MEAN:
        return mean_question(inputs)
    if not coded:
        return f"Which {what} are associated with {others}?"
    between = " and between ".join(coded)
    if not others:
        return f"Which {what} differ between {between}?"
    return f"Which {what} are associated with {others} differently in {between}?"


def mean_question(inputs: GroupInputs) -> str:
    """What the mean over participants answers: of a contrast of visits, whether these differ."""
    if inputs.compared:
        return "Which connections differ between {} and {}?".format(*inputs.compared)
    if inputs.of.startswith("the contrast"):
        return f"Of which connections is {inputs.of} not zero?"
    return f"Which connections {'change' if inputs.change else 'are there'} on average?"
