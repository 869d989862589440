"""`effconn peb fit`: the effects of every covariate on every connection, and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from peb import HEEDED, MEAN, Design, GroupPosterior

from ._connection_names import LOG_SCALE, per_covariate
from ._group_delivery import Delivery
from ._group_estimation import STRONG, connections_of, covariate_words
from ._interval import LEVEL
from ._peb_inputs import GroupInputs
from ._records import EFFECT, PROBABILITY, SPREAD, Column, Records, probability_text
from ._report import Answer, Section, Verdict
from .common import effect_text

WEAK, UNDECIDED = 0.75, 0.25  # from which it is called weak, and down to which the data do not tell

EFFECT_COLUMNS = (
    Column("effect_of", "Effect of"),
    Column("connection", "Connection"),
    Column("mean", "Effect", EFFECT),
    Column("low", "90 % from", EFFECT),
    Column("high", "to", EFFECT),
    Column("probability_beyond_zero", "P(effect > 0)", PROBABILITY),
    Column("probability_with_v_without", "Pp with v without", PROBABILITY),
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


def deliver_fit(inputs: GroupInputs, group: GroupPosterior, warnings: Sequence[str]) -> Delivery:
    """Tables, pictures and answers of a fit."""
    records = effect_records(inputs, group)
    return Delivery(
        name="group",
        title=f"{_what(inputs)} in {len(inputs.design.participants)} participants",
        subtitle=_explained(inputs),
        answers=tuple(_answer(inputs, covariate, records.rows) for covariate in inputs.design.covariates),
        records=(records, *influence_records(inputs, group), _participants(inputs, group)),
        draw=lambda: _sections(inputs, group),
        facts=facts(inputs, group),
        notices=notices(inputs, warnings),
        summary=summary(inputs, group, warnings),
        save=lambda folder: save_group(inputs, group, folder),
    )


def effect_records(inputs: GroupInputs, group: GroupPosterior) -> Records:
    """Every effect, covariate by covariate."""
    words = connections_of(inputs, group)
    above, probability, interval = group.probability, group.with_v_without, group.interval(LEVEL)
    rows: list[dict[str, Any]] = [
        {
            "covariate": covariate,
            "effect_of": covariate_words(group.design, covariate),
            "connection": words[i].words,
            "mean": float(group.mean[i, k]),
            "low": float(interval[i, k, 0]),
            "high": float(interval[i, k, 1]),
            "probability_beyond_zero": float(above[i, k]),
            "probability_with_v_without": float(probability[i, k]),
            "unit": unit_of(group.design, covariate, words[i].unit),
            "sd": float(group.sd[i, k]),
            "parameter": name,
        }
        for k, covariate in enumerate(group.design.covariates)
        for i, name in enumerate(group.parameters)
    ]
    sure = frozenset(i for i, row in enumerate(rows) if row["probability_with_v_without"] >= STRONG)
    lead = (
        "Hz between regions, a log scale for self-inhibition, per unit of the covariate. "
        "P(effect > 0) is the share of the posterior beyond zero. Pp with v without is the probability of the "
        "model that "
        f"has the effect beside the model that lacks it alone. Marked: Pp with v without of at least {STRONG:g}."
    )
    return Records("effects", "Effects on connections", lead, EFFECT_COLUMNS, rows, sure=sure)


def unit_of(design: Design, covariate: str, unit: str) -> str:
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
    return f"{own}, half of {plus} less {minus}"


def notices(inputs: GroupInputs, warnings: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What must not be overlooked on a page."""
    found = [("Bear in mind.", line) for line in warnings]
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
        ("Model", _MIXTURE if mixture else "parametric empirical Bayes (Friston et al. 2016; Zeidman et al. 2019)"),
        ("Connections explained", ", ".join(inputs.chosen)),
        ("Covariates", "; ".join(inputs.design.covariates)),
        ("Design", "; ".join(inputs.design.remarks) or "as given"),
        (
            "Components of the variance between participants",
            "one for each connection" if mixture else components or "none: fixed at its prior expectation",
        ),
        ("Scheme", own),
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
        "f": group.free_energy,
        "status": group.status.name.lower(),
        "iterations": group.iterations,
        "warnings": list(warnings),
        "notes": list(inputs.notes),
        "errors": list(inputs.errors),
    }


def save_group(inputs: GroupInputs, group: GroupPosterior, folder: Path) -> list[tuple[str, str]]:
    """The posterior as NetCDF, and as an SPM file."""
    from ._group_store import write_group
    from ._peb_write import write_peb

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


def _answer(inputs: GroupInputs, covariate: str, rows: Sequence[Any]) -> Answer:
    own = [row for row in rows if row["covariate"] == covariate]
    sure = sorted(
        (row for row in own if row["probability_with_v_without"] >= STRONG),
        key=lambda row: -abs(row["mean"] / row["sd"]),
    )
    question = _question(inputs, covariate)
    if not sure:
        best = max(own, key=lambda row: row["probability_with_v_without"])
        chance = best["probability_with_v_without"]
        said = f"None surely (Pp ≥ {STRONG:g}); the likeliest is {best['connection']}, Pp {chance:.2f}."
        return Answer(question, verdict_of(chance), said, (_line(best),))
    headline = f"{len(sure)} of {len(own)}: " + ", ".join(row["connection"] for row in sure[:3])
    return Answer(
        question, "yes", headline + (" and more." if len(sure) > 3 else "."), tuple(_line(row) for row in sure[:5])
    )


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


def verdict_of(chance: float) -> Verdict:
    """What the greatest Pp with v without comes to."""
    return "yes" if chance >= STRONG else "partly" if chance >= WEAK else "open" if chance >= UNDECIDED else "no"


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
        f"heed this participant. Marked: below {HEEDED:g} somewhere."
    )
    marked = frozenset(np.flatnonzero((group.influence < HEEDED).any(axis=1)).tolist())
    return (Records("influence", "Influence of each participant", lead, columns, rows, marked, brief=False),)


def _sections(inputs: GroupInputs, group: GroupPosterior) -> tuple[Section, ...]:
    from ._group_pictures import effects_section, influence_section, matrices_section

    sections = (
        effects_section(group, inputs.spec, group.with_v_without),
        matrices_section(group, inputs.spec),
        influence_section(group, inputs.spec),
    )
    return tuple(section for section in sections if section is not None)
