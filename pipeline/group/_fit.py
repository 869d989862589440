"""`effconn peb fit`: the effects of every covariate on every connection, and how sure they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from peb import LOW_INFLUENCE, MEAN, Design, GroupPosterior

from ..page import EFFECT, PROBABILITY, SPREAD, AnalysisReport, Answer, Column, Records, Section, probability_text
from ..results import LEVEL, LOG_SCALE, per_covariate
from ..tables import effect_text
from ..verdicts import CovariateVerdict, describe_effect_rule, judge_group, verdict_headline
from ._arms import compare_kinds
from ._effect_numbers import effect_numbers
from ._estimation import connections_of, covariate_words
from ._inputs import GroupInputs
from ._reinversion import reinversion_records

MOST = 5  # effects that an answer gives the numbers of

EFFECT_COLUMNS = (
    Column("effect_of", "Effect of"),
    Column("connection", "Connection"),
    Column("mean", "Effect", EFFECT),
    Column("low", "90 % from", EFFECT),
    Column("high", "to", EFFECT),
    Column("probability_beyond_zero", "P(effect > 0)", PROBABILITY),
    Column("probability_with_v_without", "Pp with v without", PROBABILITY),
    Column("verdict", "Verdict"),
    Column("questions", "Connections asked about", "d", where="file"),
    Column("unit", "Unit", where="file"),
    Column("sd", "SD", SPREAD, where="file"),
    Column("covariate", "Covariate", where="file"),
    Column("parameter", "Parameter", where="file"),
)
PARTICIPANT_COLUMNS = (
    Column("participant_id", "Participant"),
    Column("free_energy", "F alone, nats", ".2f"),
    Column("free_energy_in_group", "F in the group", ".2f"),
    Column("gain", "Gained", "+.2f"),
)


def report_fit(inputs: GroupInputs, group: GroupPosterior, warnings: Sequence[str]) -> AnalysisReport:
    """Tables, pictures and answers of a fit."""
    judged = judge_group(group, compare_kinds(inputs), inputs.smallest_effect)
    records = effect_records(inputs, group, judged)
    return AnalysisReport(
        name="group",
        title=f"{_what(inputs)} in {len(inputs.design.participants)} participants",
        subtitle=_explained(inputs),
        answers=effect_answers(inputs, group, records, judged),
        records=(
            records,
            *reinversion_records(inputs, group),
            *influence_records(inputs, group),
            _participants(inputs, group),
        ),
        draw=lambda: _sections(inputs, group, judged),
        facts=facts(inputs, group),
        notices=notices(inputs, warnings),
        summary=summary(inputs, group, warnings) | {"verdicts": verdicts_summary(judged, records.rows)},
        save=lambda folder: save_group(inputs, group, folder),
    )


def effect_records(
    inputs: GroupInputs, group: GroupPosterior, judged: Mapping[str, CovariateVerdict], but: str = ""
) -> Records:
    """Every effect, covariate by covariate; `but` says of covariates without a verdict where theirs is."""
    words = connections_of(inputs, group)
    shown = effect_numbers(group, judged)
    rows: list[dict[str, Any]] = [
        {
            "covariate": covariate,
            "effect_of": covariate_words(group.design, covariate),
            "connection": words[i].words,
            "mean": float(shown.mean[i, k]),
            "low": float(shown.interval[i, k, 0]),
            "high": float(shown.interval[i, k, 1]),
            "probability_beyond_zero": float(shown.above_zero[i, k]),
            "probability_with_v_without": float(shown.with_v_without[i, k]),
            "verdict": judged[covariate].found.each[i] if covariate in judged else None,
            "questions": judged[covariate].found.questions if covariate in judged else None,
            "unit": effect_unit(group.design, covariate, words[i].unit),
            "sd": float(shown.sd[i, k]),
            "parameter": name,
        }
        for k, covariate in enumerate(group.design.covariates)
        for i, name in enumerate(group.parameters)
    ]
    sure = frozenset(i for i, row in enumerate(rows) if row["verdict"] == "yes")
    said: dict[str, list[str]] = {}
    for name, one in judged.items():
        said.setdefault(one.note, []).append(covariate_words(group.design, name))
    notes = "".join(f" {'; '.join(names)}: {note}" for note, names in said.items() if note)
    lead = (
        "Hz between regions, a log scale for self-inhibition, per unit of the covariate. "
        "P(effect > 0) is the share of the posterior beyond zero. Pp with v without is the probability of the "
        "model that "
        "has the effect beside the model that lacks it alone. "
        f"{describe_effect_rule(inputs.smallest_effect)}.{notes}{but}"
    )
    return Records("effects", "Table of effects", lead, EFFECT_COLUMNS, rows, sure=sure)


def effect_unit(design: Design, covariate: str, unit: str) -> str:
    """The unit of a covariate's effect; of a covariate coded ±1 it is half of a difference."""
    parts = covariate.split("×")
    coded = [design.kinds[name] for name in parts if name in design.kinds]
    others = "×".join(name for name in parts if name not in design.kinds)
    own = per_covariate(unit, others or MEAN)
    if not coded:
        return per_covariate(unit, covariate)
    if len(coded) > 1:
        return f"{own}, 1/{2 ** len(coded)} of a difference of differences"
    minus, plus = coded[0]
    return f"{own} of ½ ({plus} − {minus})"


def notices(inputs: GroupInputs, warnings: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What must not be overlooked on a page."""
    again = inputs.reinversion.warnings if inputs.reinversion else ()
    found = [("Bear in mind.", line) for line in (*warnings, *again)]
    if inputs.errors:
        found.append((f"{len(inputs.errors)} results could not be used.", "; ".join(inputs.errors)))
    if inputs.left_out:
        count = len(inputs.left_out)
        who = "1 participant or session is" if count == 1 else f"{count} participants or sessions are"
        found.append((f"{who} not in this analysis.", "; ".join(inputs.left_out)))
    return tuple(found)


_MIXTURE = (
    "empirical Bayes; participants lie about the design as a scale mixture of normals, of which 2 in 100 may be 3 to "
    "30 times as far out, integrated over its scale"
)


def facts(inputs: GroupInputs, group: GroupPosterior) -> tuple[tuple[str, str], ...]:
    """How a group was fitted."""
    mixture = group.mixture is not None
    steps = "rounds" if mixture else "iterations"
    own = "all uncertainty kept" if group.compat == "none" else f"{group.compat.upper()}'s, its numbers included"
    components = "; ".join(group.component_names).replace("all parameters", "one, shared by all parameters")
    return (
        ("Mode", inputs.mode),
        ("Model", _MIXTURE if mixture else "parametric empirical Bayes (Friston et al. 2016; Zeidman et al. 2019)"),
        ("Connections explained", ", ".join(inputs.chosen)),
        ("Covariates", "; ".join(inputs.design.covariates)),
        ("Design", "; ".join(inputs.design.remarks) or "as given"),
        (
            "Components of the variance between participants",
            "one for each connection" if mixture else components or "none: fixed at its prior expectation",
        ),
        ("Scheme", own),
        ("Verdicts", describe_effect_rule(inputs.smallest_effect)),
        *([("First levels", inputs.reinversion.words)] if inputs.reinversion else []),
        (
            "Free energy",
            f"{group.free_energy:.3f} nats after {group.iterations} {steps}; {group.status.value}",
        ),
    )


def summary(inputs: GroupInputs, group: GroupPosterior, warnings: Sequence[str]) -> dict[str, Any]:
    """A fit, for JSON."""
    return {
        "participants_used": list(inputs.design.participants),
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
            "verdict": one.found.kind,
            "which": [row["connection"] for row in rows if row["covariate"] == covariate and row["verdict"] == "yes"],
            "questions": one.found.questions,
            "smallest_effect": one.found.size,
            "per": one.question.per,
        }
        for covariate, one in judged.items()
    ]


def save_group(inputs: GroupInputs, group: GroupPosterior, folder: Path) -> list[tuple[str, str]]:
    """The posterior as NetCDF, and as an SPM file."""
    from ..results import write_group
    from ..spm import write_peb

    write_group(folder / f"{group.name}.nc", group, spec=inputs.spec)
    write_peb(folder / f"PEB_{group.name}.mat", group, spec=inputs.spec)
    return [
        (f"{group.name}.nc", "the group posterior, NetCDF"),
        (f"PEB_{group.name}.mat", "the same for SPM12 (spm_dcm_peb_review)"),
    ]


def _what(inputs: GroupInputs) -> str:
    fields = " and ".join(inputs.chosen) if len(inputs.chosen) < 4 else f"{len(inputs.chosen)} connections"
    return (
        f"Change of {fields} from {inputs.change[0]} to {inputs.change[1]}"
        if inputs.change
        else f"Connectivity {fields}"
    )


def _explained(inputs: GroupInputs) -> str:
    others = [name for name in inputs.design.covariates if name != MEAN]
    by = f" and by {', '.join(others)}" if others else ""
    return (
        f"What {len(inputs.design.participants)} participants have in common{by}, from posteriors that know how "
        "sure each of "
        f"them is. Intervals hold {LEVEL:.0%} of the posterior."
    )


def effect_answers(
    inputs: GroupInputs,
    group: GroupPosterior,
    records: Records,
    judged: Mapping[str, CovariateVerdict],
    more: Mapping[str, str] | None = None,
) -> tuple[Answer, ...]:
    """An answer for every covariate; `more` is said of it too."""
    units = [one.unit for one in connections_of(inputs, group)]
    return tuple(
        _answer(inputs, covariate, records.rows, units, judged[covariate], (more or {}).get(covariate, ""))
        for covariate in inputs.design.covariates
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
    surest = np.argsort(-np.abs(judged.above_zero - 0.5), kind="stable")
    told = [own[i] for i in (judged.found.which[:MOST] or surest[:1])]
    of: Literal["effect", "difference"] = "effect"
    if any(part in inputs.design.kinds for part in covariate.split("×")):
        of = "difference"
    headline = verdict_headline(judged, [row["connection"] for row in own], units, of)
    details = [*([judged.note] if judged.note else []), *(_line(row) for row in told), *([more] if more else [])]
    return Answer(_question(inputs, covariate), judged.found.kind, headline, tuple(details))


def _question(inputs: GroupInputs, covariate: str) -> str:
    """What a covariate's effects answer; one coded ±1 tells two kinds of participants apart."""
    parts, kinds = covariate.split("×"), inputs.design.kinds
    coded = [f"{plus} and {minus}" for minus, plus in (kinds[part] for part in parts if part in kinds)]
    others = " × ".join(part for part in parts if part not in kinds)
    what = "changes" if inputs.change else "connections"
    if covariate == MEAN:
        return f"Which connections {'change' if inputs.change else 'are there'} on average?"
    if not coded:
        return f"Which {what} go with {others}?"
    between = " and between ".join(coded)
    if not others:
        return f"Which {what} differ between {between}?"
    return f"Which {what} go with {others} differently in {between}?"


def _line(row: Any) -> str:
    number, low, high = (effect_text(row[key]) for key in ("mean", "low", "high"))
    beyond, chance = (probability_text(row[key]) for key in ("probability_beyond_zero", "probability_with_v_without"))
    return (
        f"{row['connection']}: {number} {row['unit'].replace(LOG_SCALE, '(log scale)')} "
        f"(90 % {low} to {high}), Pp with v without {chance}, P(effect > 0) {beyond}."
    )


def _participants(inputs: GroupInputs, group: GroupPosterior) -> Records:
    alone = {one.name: one.free_energy for one in inputs.estimates}
    rows = [
        {
            "participant_id": one.name,
            "free_energy": alone[one.name],
            "free_energy_in_group": one.free_energy,
            "gain": one.free_energy - alone[one.name],
        }
        for one in group.participants
    ]
    lead = (
        "Evidence of each participant's model under its own prior and under what the group expects of this participant."
    )
    return Records("participants", "Participants", lead, PARTICIPANT_COLUMNS, rows, brief=False)


def influence_records(inputs: GroupInputs, group: GroupPosterior) -> tuple[Records, ...]:
    """How much each participant counts for each connection; none where all count alike."""
    if group.influence is None:
        return ()
    words = connections_of(inputs, group)
    columns = (
        Column("participant_id", "Participant"),
        *(Column(f"influence_{j}", one.words, ".2f") for j, one in enumerate(words)),
    )
    rows = [
        {"participant_id": name, **{f"influence_{j}": float(value) for j, value in enumerate(own)}}
        for name, own in zip(group.design.participants, group.influence, strict=True)
    ]
    lead = (
        "1: counts as a participant with these data does; near 0: lies so far from the others that the group does not "
        f"heed this participant. Marked: below {LOW_INFLUENCE:g} somewhere."
    )
    marked = frozenset(np.flatnonzero((group.influence < LOW_INFLUENCE).any(axis=1)).tolist())
    return (Records("influence", "Influence of each participant", lead, columns, rows, marked, brief=False),)


def _sections(
    inputs: GroupInputs, group: GroupPosterior, judged: Mapping[str, CovariateVerdict]
) -> tuple[Section, ...]:
    from ._pictures import effects_section, influence_section, matrices_section

    sections = (
        effects_section(group, inputs.spec, judged),
        matrices_section(group, inputs.spec, judged),
        influence_section(group, inputs.spec),
    )
    return tuple(section for section in sections if section is not None)
