"""`effconn peb fit`: the effects of every covariate on every connection, and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from peb import MEAN, Design, Gaussian, GroupPosterior, PebError, fit, with_v_without

from ._connection_names import LOG_SCALE, Connection, connections, per_covariate
from ._group_delivery import Delivery
from ._interval import LEVEL, Z
from ._peb_inputs import BETWEEN_PRIORS, GroupInputs
from ._records import EFFECT, PROBABILITY, SPREAD, Column, Records, probability_text
from ._report import Answer, Section, Verdict
from .common import effect_text, number_text, some

STRONG = 0.95  # Pp from which an effect is called found
WEAK, UNDECIDED = 0.75, 0.25  # from which it is called weak, and down to which the data do not tell
PREFERRED = 3.0  # nats of evidence from which another prior is mentioned
BY_UNITS = 0.5  # posterior standard deviations between units from which SPM12's answer is not taken as it is
IN_OWN_UNITS = (
    "what is shown is SPM12's scheme with every covariate in units of its own size; --compat exact does not depend "
    "on units."
)
FAR = 0.1  # posterior standard deviations that SPM12's numbers may be from the exact ones without a word

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


def fit_group(inputs: GroupInputs, name: str = "group") -> tuple[GroupPosterior, tuple[str, ...]]:
    """The group posterior, and what should be known of it before it is trusted."""
    if inputs.settings.compat == "exact":
        settled = group = _again(inputs, name=name)
        line = None
    else:
        settled = _again(inputs, compat="exact")
        group, line = _by_spm12(inputs, settled, name)
    warnings = [] if settled.status.name == "CONVERGED" else [f"The fit {settled.status.value}."]
    if line:
        warnings.append(line)
    if inputs.settings.noise_variance < BETWEEN_PRIORS["wide"] and group.noise.mean.size:
        wide = _again(inputs, compat="exact", noise_variance=BETWEEN_PRIORS["wide"])
        if (gain := wide.free_energy - settled.free_energy) > PREFERRED:
            warnings.append(_preferred(inputs, group, wide, gain))
    return group, tuple(warnings)


def _by_spm12(inputs: GroupInputs, exact: GroupPosterior, name: str) -> tuple[GroupPosterior, str | None]:
    """SPM12's numbers, and what is to be known of them.

    Its steps depend on the units of covariates. Where they end far from where they end with every covariate in units of
    its own size, the latter is taken, and said.
    """
    try:
        group = _again(inputs, name=name)
    except PebError as error:
        return _in_own_units(inputs, name), f"{units_matter(inputs)} {IN_OWN_UNITS} As given, {error}"
    worst, distance = _farthest(group, exact)
    if distance <= FAR:
        return group, None
    if distance > BY_UNITS:
        own = _in_own_units(inputs, name)
        elsewhere, moved = _farthest(own, group, exact.sd)
        if moved > BY_UNITS:
            line = (
                f"{units_matter(inputs)} {_effect_words(inputs, group, elsewhere)} is "
                f"{effect_text(group.mean[elsewhere])} so, {effect_text(own.mean[elsewhere])} in units of its own, "
                f"{effect_text(exact.mean[elsewhere])} at the optimum; {IN_OWN_UNITS}"
            )
            return own, line
    return group, (
        f"SPM12's numbers are up to {distance:.2f} posterior standard deviations from the exact ones (in "
        f"{_effect_words(inputs, group, worst)}); --compat exact gives those, docs/spm12.md says where the difference "
        "comes from."
    )


def unusual_units(inputs: GroupInputs) -> bool:
    """Whether a covariate's size is such that SPM12's steps may not reach anything."""
    return inputs.settings.compat == "spm12" and inputs.design.has_unusual_unit


def units_matter(inputs: GroupInputs) -> str:
    """Why SPM12's numbers are not taken as they are."""
    covariate, size = inputs.design.most_unusual_unit
    return (
        f"SPM12's steps depend on the units of covariates, and {covariate} as given has a root mean square of "
        f"{number_text(size)}:"
    )


def _in_own_units(inputs: GroupInputs, name: str) -> GroupPosterior:
    """The group by the same scheme with every covariate in units of its own size, given in those of the design."""
    own = fit(inputs.estimates, inputs.design.in_own_units, inputs.settings, parameters=inputs.chosen, name=name)
    unit = np.repeat(1 / inputs.design.own_units, len(own.parameters))
    prior, posterior = (
        Gaussian(one.mean * unit, one.covariance * unit * unit[:, None]) for one in (own.prior, own.posterior)
    )
    return replace(own, design=inputs.design, prior=prior, posterior=posterior)


def _effect_words(inputs: GroupInputs, group: GroupPosterior, place: tuple[int, int]) -> str:
    covariate = covariate_words(group.design, group.design.covariates[place[1]])
    return f"{covariate} on {_words(inputs, group)[place[0]].words}"


def _farthest(
    one: GroupPosterior, other: GroupPosterior, sd: np.ndarray | None = None
) -> tuple[tuple[int, int], float]:
    """The effect in which two fits differ by the most standard deviations, the latter's unless given; and how many."""
    distance = np.abs(one.mean - other.mean) / (other.sd if sd is None else sd)
    place = np.unravel_index(int(distance.argmax()), distance.shape)
    return (int(place[0]), int(place[1])), float(distance[place])


def _preferred(inputs: GroupInputs, group: GroupPosterior, wide: GroupPosterior, gain: float) -> str:
    """What another prior of the variance between participants would change."""
    width = float(np.median(wide.sd / group.sd))
    found = [with_v_without(one.prior, one.posterior) >= STRONG for one in (group, wide)]
    words = _words(inputs, group)
    named = [covariate_words(group.design, covariate) for covariate in group.design.covariates]
    effects = [f"{covariate} on {one.words}" for covariate in named for one in words]
    gained, lost = ([effects[i] for i in np.flatnonzero(one)] for one in (found[1] & ~found[0], found[0] & ~found[1]))
    said = [
        f"{some(gained)} would be found too" if gained else "",
        f"{some(lost)} would be found no longer" if lost else "",
    ]
    changed = "; ".join(part for part in said if part) or "no effect would be found or lost"
    return (
        "SPM12's prior of the variance between participants is far from what the data say: with a wider one there are "
        f"{gain:.1f} nats more evidence, intervals are {width:.2g} times as wide, and {changed}. "
        "--between-prior wide uses it."
    )


def _again(inputs: GroupInputs, name: str = "group", **changed: Any) -> GroupPosterior:
    """The group, with other settings."""
    settings = replace(inputs.settings, **changed)
    return fit(inputs.estimates, inputs.design, settings, parameters=inputs.chosen, name=name)


def deliver_fit(inputs: GroupInputs, group: GroupPosterior, warnings: Sequence[str]) -> Delivery:
    """Tables, pictures and answers of a fit."""
    records = effect_records(inputs, group)
    return Delivery(
        name="group",
        title=f"{_what(inputs)} in {len(inputs.design.participants)} participants",
        subtitle=_explained(inputs),
        answers=tuple(_answer(inputs, covariate, records.rows) for covariate in inputs.design.covariates),
        records=(records, _participants(inputs, group)),
        draw=lambda: _sections(inputs, group),
        facts=facts(inputs, group),
        notices=notices(inputs, warnings),
        summary=summary(inputs, group, warnings),
        save=lambda folder: save_group(inputs, group, folder),
    )


def effect_records(inputs: GroupInputs, group: GroupPosterior) -> Records:
    """Every effect, covariate by covariate."""
    words = _words(inputs, group)
    probability = with_v_without(group.prior, group.posterior).reshape(len(group.design.covariates), -1)
    rows: list[dict[str, Any]] = [
        {
            "covariate": covariate,
            "effect_of": covariate_words(group.design, covariate),
            "connection": words[i].words,
            "mean": float(group.mean[i, k]),
            "low": float(group.mean[i, k] - Z * group.sd[i, k]),
            "high": float(group.mean[i, k] + Z * group.sd[i, k]),
            "probability_beyond_zero": float(group.probability[i, k]),
            "probability_with_v_without": float(probability[k, i]),
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


def covariate_words(design: Design, covariate: str) -> str:
    """A covariate as people read it: one coded ±1 is half of a difference."""
    parts = covariate.split("×")
    coded = [f"½ ({plus} − {minus})" for minus, plus in (design.kinds[name] for name in parts if name in design.kinds)]
    return " × ".join([*coded, *(name for name in parts if name not in design.kinds)])


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


def facts(inputs: GroupInputs, group: GroupPosterior) -> tuple[tuple[str, str], ...]:
    """How a group was fitted."""
    own = "SPM12's, its numbers included" if group.compat == "spm12" else "at the optimum, all uncertainty kept"
    components = "; ".join(group.component_names).replace("all parameters", "one, shared by all parameters")
    return (
        ("Model", "parametric empirical Bayes (Friston et al. 2016; Zeidman et al. 2019)"),
        ("Connections explained", ", ".join(inputs.chosen)),
        ("Covariates", "; ".join(inputs.design.covariates)),
        ("Design", "; ".join(inputs.design.remarks) or "as given"),
        ("Components of the variance between participants", components or "none: fixed at its prior expectation"),
        ("Scheme", own),
        ("Free energy", f"{group.free_energy:.3f} nats after {group.iterations} iterations; {group.status.value}"),
    )


def summary(inputs: GroupInputs, group: GroupPosterior, warnings: Sequence[str]) -> dict[str, Any]:
    """A fit, for JSON."""
    return {
        "participants_used": list(inputs.design.participants),
        "covariates": list(inputs.design.covariates),
        "parameters": list(group.parameters),
        "compat": group.compat,
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


def _words(inputs: GroupInputs, group: GroupPosterior) -> tuple[Connection, ...]:
    return connections(group.parameters, inputs.spec)


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


def _sections(inputs: GroupInputs, group: GroupPosterior) -> tuple[Section, ...]:
    from ._group_pictures import effects_section, matrices_section

    probability = with_v_without(group.prior, group.posterior).reshape(len(group.design.covariates), -1).T
    sections = (effects_section(group, inputs.spec, probability), matrices_section(group, inputs.spec))
    return tuple(section for section in sections if section is not None)
