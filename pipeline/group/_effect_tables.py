"""Tables of a group's effects: with interval and verdict, averaged over models, before and after inverting again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float

from peb import (
    LOW_INFLUENCE,
    MEAN,
    Design,
    Gaussian,
    GroupPosterior,
)

from ..page import EFFECT, PROBABILITY, SPREAD, Column, Records
from ..results import LEVEL, Connection, connections, per_covariate
from ..verdicts import CovariateVerdict, describe_effect_rule, describe_units
from ._group_inputs import GroupInputs

VERDICT_COLUMNS = (
    Column("mean", "Effect", EFFECT),
    Column("low", "90 % from", EFFECT),
    Column("high", "to", EFFECT),
    Column("probability_beyond_zero", "P(effect > 0)", PROBABILITY),
    Column("probability_with_v_without", "Pp (with v without)", PROBABILITY),
    Column("verdict", "Verdict"),
)
FILE_COLUMNS = (
    Column("questions", "Connections asked about", "d", where="file"),
    Column("unit", "Unit", where="file"),
    Column("sd", "SD", SPREAD, where="file"),
)
PARAMETER_COLUMN = Column("parameter", "Parameter", where="file")
EFFECT_COLUMNS = (
    Column("effect_of", "Effect of"),
    Column("connection", "Connection"),
    *VERDICT_COLUMNS,
    *FILE_COLUMNS,
    Column("covariate", "Covariate", where="file"),
    PARAMETER_COLUMN,
)
PARTICIPANT_COLUMNS = (
    Column("participant_id", "Participant"),
    Column("free_energy", "F alone, nats", ".2f"),
    Column("free_energy_in_group", "F in the group", ".2f"),
    Column("gain", "Gained", "+.2f"),
)
REINVERSION_COLUMNS = (
    Column("effect_of", "Effect of"),
    Column("connection", "Connection"),
    Column("mean", "First inversions", EFFECT),
    Column("mean_again", "Inverted again", EFFECT),
    Column("moved", "Moved, SD", "+.2f"),
    Column("covariate", "Covariate", where="file"),
    Column("parameter", "Parameter", where="file"),
)
AVERAGE_COLUMNS = (
    Column("covariate", "Covariate"),
    Column("connection", "Connection"),
    Column("mean", "Average", EFFECT),
    Column("sd", "SD", SPREAD),
    Column("probability", "Pp (with v without)", PROBABILITY),
    Column("verdict", "Verdict"),
    Column("unit", "Unit", where="file"),
    Column("parameter", "Parameter", where="file"),
)


@dataclass(frozen=True, eq=False)
class EffectNumbers:
    """Of every effect.

    Fields:
        mean, sd: of its posterior.
        interval: from, to.
        above_zero: P(effect > 0).
        with_v_without: the probability of the model that has it against the model that lacks it alone.
    """

    mean: Float[np.ndarray, "param covariate"]
    sd: Float[np.ndarray, "param covariate"]
    interval: Float[np.ndarray, "param covariate 2"]
    above_zero: Float[np.ndarray, "param covariate"]
    with_v_without: Float[np.ndarray, "param covariate"]


def effect_numbers(group: GroupPosterior, judged: Mapping[str, CovariateVerdict]) -> EffectNumbers:
    """The group's numbers; of a difference that a group of each kind answers, half of it, as it is coded."""
    shown = EffectNumbers(
        group.mean.copy(),
        group.sd.copy(),
        group.interval(LEVEL).copy(),
        group.probability.copy(),
        group.with_v_without.copy(),
    )
    for k, covariate in enumerate(group.design.covariates):
        apart = judged[covariate].contrast if covariate in judged else None
        if apart is not None:
            shown.mean[:, k], shown.sd[:, k], shown.interval[:, k] = apart.mean, apart.sd, apart.interval(LEVEL)
            shown.above_zero[:, k], shown.with_v_without[:, k] = apart.probability, apart.with_v_without
        kinds = judged[covariate].kinds if covariate in judged else None
        if kinds is not None:
            shown.mean[:, k], shown.sd[:, k] = kinds.half_difference.mean, kinds.half_difference.sd
            shown.interval[:, k] = kinds.interval(LEVEL) / 2
            shown.above_zero[:, k] = kinds.beyond_zero.difference
            shown.with_v_without[:, k] = kinds.with_v_without.difference
    return shown


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
            "unit": effect_unit(group.design, covariate, words[i].unit, inputs.units),
            "sd": float(shown.sd[i, k]),
            "parameter": name,
        }
        for k, covariate in enumerate(group.design.covariates)
        for i, name in enumerate(group.parameters)
    ]
    sure = frozenset(i for i, row in enumerate(rows) if row["verdict"] == "yes")
    said: dict[str, list[str]] = {}
    for name, verdict in judged.items():
        said.setdefault(verdict.note, []).append(covariate_words(group.design, name))
    notes = "".join(f" {'; '.join(names)}: {note}" for note, names in said.items() if note)
    lead = (
        f"{describe_units([connection.unit for connection in words])}, per unit of the covariate. "
        "P(effect > 0) is the share of the posterior beyond zero. Pp (with v without) is the probability of the "
        "model that has the effect against the model that lacks it alone. "
        f"{effect_rule(inputs, group)}.{notes}{but}"
    )
    return Records("effects", "Table of effects", lead, EFFECT_COLUMNS, rows, sure=sure)


def reinversion_records(inputs: GroupInputs, group: GroupPosterior) -> tuple[Records, ...]:
    """Effects before and after, but for differences between two kinds, which are from a group of each.

    None where nothing was inverted again.
    """
    if inputs.reinversion is None:
        return ()
    words = connections_of(inputs, group)
    before = inputs.reinversion.before
    rows = [
        {
            "covariate": covariate,
            "effect_of": covariate_words(group.design, covariate),
            "connection": words[i].words,
            "mean": float(before[i, k]),
            "mean_again": float(group.mean[i, k]),
            "moved": float((group.mean[i, k] - before[i, k]) / group.sd[i, k]),
            "parameter": name,
        }
        for k, covariate in enumerate(group.design.covariates)
        if not set(covariate.split("×")) & set(group.design.kinds)
        for i, name in enumerate(group.parameters)
    ]
    lead = (
        "First inversions draw each participant towards the prior's mean, and the group with them. Inverted again, "
        f"participants are drawn towards the group. {inputs.reinversion.rounds} rounds; {inputs.reinversion.status}."
    )
    return (
        Records("reinversion", "Before and after participants were inverted again", lead, REINVERSION_COLUMNS, rows),
    )


def estimate_records(inputs: GroupInputs, group: GroupPosterior) -> Records:
    """One row a participant, or a visit where rows are visits."""
    alone = {estimate.name: estimate.free_energy for estimate in inputs.estimates}
    rows = [
        {
            "participant_id": estimate.name,
            "free_energy": alone[estimate.name] if inputs.has_evidence else None,
            "free_energy_in_group": estimate.free_energy if inputs.has_evidence else None,
            "gain": estimate.free_energy - alone[estimate.name],
        }
        for estimate in group.participants
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
        *(Column(f"influence_{j}", connection.words, ".2f") for j, connection in enumerate(words)),
    )
    # of a participant with several visits every row is the same
    each = dict(zip(group.participant_of or group.design.participants, group.influence, strict=True))
    rows = [
        {"participant_id": name, **{f"influence_{j}": float(value) for j, value in enumerate(own)}}
        for name, own in each.items()
    ]
    lead = (
        "1: counts as a participant with these data does; near 0: lies so far from the others that the group does not "
        f"heed this participant. Marked: below {LOW_INFLUENCE:g} somewhere."
    )
    marked = frozenset(i for i, own in enumerate(each.values()) if (own < LOW_INFLUENCE).any())
    return (Records("influence", "Influence of each participant", lead, columns, rows, marked, brief=False),)


def average_records(
    inputs: GroupInputs,
    group: GroupPosterior,
    average: Gaussian,
    probability: np.ndarray,
    unseen: Sequence[str],
    judged: Mapping[str, CovariateVerdict],
) -> Records:
    """Effects averaged over models; `probability` is (covariate, parameter), `unseen` effects are left empty.

    Verdicts are those on the full model or on a group of each kind, as wherever else the same is asked.
    """
    size = len(group.parameters)
    words = connections(group.parameters, inputs.spec)
    tested = ~np.isin(group.effects, unseen)
    mean, sd = np.where(tested, average.mean, np.nan), np.where(tested, average.sd, np.nan)
    chances = np.where(tested, probability.ravel(), np.nan)
    rows = [
        {
            "covariate": covariate,
            "connection": words[i].words,
            "mean": float(mean[place]),
            "probability": float(chances[place]),
            "verdict": judged[covariate].found.each[i],
            "unit": effect_unit(group.design, covariate, words[i].unit, inputs.units),
            "sd": float(sd[place]),
            "parameter": group.parameters[i],
        }
        for k, covariate in enumerate(group.design.covariates)
        for i, place in enumerate(range(k * size, (k + 1) * size))
    ]
    lead = (
        f"Averaged over models by their probability. {describe_units([connection.unit for connection in words])}. "
        "Pp (with v without) is the probability of the models that "
        "have the effect. The verdict is on the full model, or on a group of each kind. "
        f"{effect_rule(inputs, group)}."
    )
    sure = frozenset(i for i, row in enumerate(rows) if row["verdict"] == "yes")
    return Records("average", "Effects averaged over models", lead, AVERAGE_COLUMNS, rows, sure=sure)


def connections_of(inputs: GroupInputs, group: GroupPosterior) -> tuple[Connection, ...]:
    """The connections that a group's parameters are of, in their order."""
    return connections(group.parameters, inputs.spec)


def effect_rule(inputs: GroupInputs, group: GroupPosterior) -> str:
    """How the group's effects are judged."""
    units = [connection.unit for connection in connections_of(inputs, group)]
    return describe_effect_rule(inputs.smallest_effect, units)


def covariate_words(design: Design, covariate: str) -> str:
    """A covariate in words: one coded ±1 is half of a difference."""
    if design.form is not None:
        return design.explanations[covariate]
    parts = covariate.split("×")
    coded = [f"½ ({plus} − {minus})" for minus, plus in (design.kinds[name] for name in parts if name in design.kinds)]
    return " × ".join([*coded, *(name for name in parts if name not in design.kinds)])


def effect_unit(design: Design, covariate: str, unit: str, units: Mapping[str, str] = MappingProxyType({})) -> str:
    """The unit of a covariate's effect; of a covariate coded ±1 it is half of a difference.

    Arguments:
        units: covariate → what it is counted in, as far as known.
    """
    if design.form is not None:
        numbers = [name for name in covariate.split("×") if name in design.form.centres]
        return per_numbers(unit, numbers, units)
    parts = covariate.split("×")
    coded = [design.kinds[name] for name in parts if name in design.kinds]
    others = [name for name in parts if name not in design.kinds]
    if not coded:
        return per_covariate(unit, covariate, units.get(covariate, ""))
    own = per_numbers(unit, others, units)
    if len(coded) > 1:
        return f"{own}, 1/{2 ** len(coded)} of a difference of differences"
    minus, plus = coded[0]
    return f"{own} of ½ ({plus} − {minus})"


def per_numbers(unit: str, numbers: Sequence[str], units: Mapping[str, str]) -> str:
    """Per unit of some numbers together; the unit of one by its name, where it is known."""
    known = units.get(numbers[0], "") if len(numbers) == 1 else ""
    return per_covariate(unit, " × ".join(numbers) or MEAN, known)
