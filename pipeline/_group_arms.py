"""`effconn peb arms`: each connection in two arms, and how surely it differs, by two roads and if asked by sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from peb import (
    MEAN,
    ArmComparison,
    DesignError,
    GroupPosterior,
    PebError,
    SampledGroup,
    SamplingComparison,
    SamplingSettings,
    ThirdLevel,
    arms_from_groups,
    arms_from_interactions,
    fit,
    sample,
)

from ._connection_names import connections, per_covariate
from ._figure_style import signed
from ._group_delivery import Delivery
from ._group_fit import STRONG, effect_records, facts, fit_group, notices, save_group, summary, verdict_of
from ._peb_inputs import GroupInputs, GroupOptions
from ._records import EFFECT, PROBABILITY, SPREAD, Column, Records
from ._recovery import Z
from ._report import Answer, Section, Verdict
from ._runtime import UsageError

TOGETHER, LEVELS = "one group", "third level"
LEAST = 3  # participants of an arm
DISAGREES = (0.1, 0.15)  # posterior SDs and share of an SD from which draws and Laplace are said to differ
MET = 1.01  # R-hat below which chains agree

SAMPLING_COLUMNS = (
    Column("effect", "Effect"),
    Column("laplace_mean", "Mean", EFFECT),
    Column("sampled_mean", "sampled", EFFECT),
    Column("laplace_sd", "SD", SPREAD),
    Column("sampled_sd", "sampled", SPREAD),
    Column("laplace_beyond_zero", "P(> 0)", ".3f"),
    Column("sampled_beyond_zero", "sampled", PROBABILITY),
    Column("r_hat", "R-hat", ".3f"),
    Column("sample_size", "ESS", ".0f"),
)


@dataclass(frozen=True, eq=False)
class Arms:
    """Two arms compared.

    Fields:
        column: of the design that codes the arm, the first as −1, the second as +1.
        group: one PEB over everybody, with interactions.
        together: comparisons from it, one for each covariate.
        levels: the third level over a PEB of each arm.
        sampled: draws of the same hierarchy as `group`; None where not asked for.
        warnings: what should be known before it is trusted.
    """

    column: str
    group: GroupPosterior
    together: tuple[ArmComparison, ...]
    levels: ThirdLevel
    sampled: SampledGroup | None
    warnings: tuple[str, ...]

    @property
    def names(self) -> tuple[str, str]:
        """Of the arms; differences are the first less the second."""
        return self.together[0].arms


def with_interactions(options: GroupOptions, arm: str) -> GroupOptions:
    """The options with products of the arm and every other covariate that is asked for."""
    if options.design is None:
        raise UsageError("arms need --design, a table with a column of the arm")
    if options.covariates is None:
        from ._table import TableError, read_table

        try:
            columns = read_table(options.design).columns
        except TableError as error:
            raise UsageError(str(error)) from error
        others = [name for name in columns if name not in ("participant_id", arm)]
    else:
        others = [name for name in options.covariates if name != arm]
    made = {frozenset(pair) for pair in options.interactions}
    more = [(arm, name) for name in others if frozenset((arm, name)) not in made]
    return replace(options, covariates=[arm, *others], interactions=[*options.interactions, *more])


def compare_arms(inputs: GroupInputs, arm: str, sampling: SamplingSettings | None = None) -> Arms:
    """Both roads, and draws of the first with `sampling`; raises `UsageError` where the design has no two arms."""
    column = next((name for name in inputs.design.kinds if name.startswith(f"{arm}[")), None)
    if column is None:
        raise UsageError(f"{arm} must be a column of the design with two names in it, one for each arm")
    names = inputs.design.kinds[column]
    few = [name for sign, name in zip((-1, 1), names, strict=True) if _members(inputs, column, sign).size < LEAST]
    if few:
        raise UsageError(f"{' and '.join(few)} has fewer than {LEAST} participants; arms cannot be compared")
    group, warnings = fit_group(inputs, "all-participants")
    together = arms_from_interactions(group, column, names)
    try:
        each = [_of_arm(inputs, column, sign, name) for sign, name in zip((-1.0, 1.0), names, strict=True)]
    except (DesignError, PebError) as error:
        raise UsageError(f"a group of one arm alone cannot be fitted: {error}") from error
    # Two arms have effects of such different precision that SPM12's climb stops far from the optimum.
    top = replace(inputs.settings, compat="exact")
    levels = arms_from_groups(each[0], each[1], top, [one.covariate for one in together])
    sampled = None
    if sampling is not None:
        sampled = sample(inputs.estimates, inputs.design, inputs.settings, sampling, parameters=inputs.chosen)
    return Arms(column, group, together, levels, sampled, warnings)


def deliver_arms(inputs: GroupInputs, arms: Arms) -> Delivery:
    """Tables, pictures and answers of an arm comparison."""
    records = [arm_records(inputs, arms), effect_records(inputs, arms.group)]
    if arms.sampled is not None:
        records.append(sampling_records(arms))
    first, second = arms.names
    return Delivery(
        name="arms",
        title=f"{first} beside {second}",
        subtitle=f"{len(inputs.design.participants)} participants. Differences are {first} less {second}.",
        answers=tuple(arm_answer(inputs, one, arms) for one in arms.together),
        records=tuple(records),
        draw=lambda: _sections(inputs, arms),
        facts=facts(inputs, arms.group),
        notices=notices(
            inputs,
            (
                *arms.warnings,
                *sampling_warnings(arms),
                *(line for one in arms.levels.comparisons for line in one.remarks),
            ),
        ),
        summary=summary(inputs, arms.group, arms.warnings) | {"arms": list(arms.names)},
        save=lambda folder: [
            *save_group(inputs, arms.group, folder),
            *save_group(replace(inputs, spec=None), arms.levels.group, folder),
        ],
    )


def arm_records(inputs: GroupInputs, arms: Arms) -> Records:
    """Every covariate × connection × road."""
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
        Column("probability_with_v_without", "Pp with v without", PROBABILITY),
        Column("first_beyond_zero", f"P({first} > 0)", PROBABILITY, where="file"),
        Column("first_with_v_without", f"Pp {first}", PROBABILITY, where="file"),
        Column("second_beyond_zero", f"P({second} > 0)", PROBABILITY, where="file"),
        Column("second_with_v_without", f"Pp {second}", PROBABILITY, where="file"),
        Column("half_difference", "Half difference", EFFECT, where="file"),
        Column("unit", "Unit", where="page"),
        Column("first_sd", f"SD {first}", SPREAD, where="file"),
        Column("second_sd", f"SD {second}", SPREAD, where="file"),
        Column("parameter", "Parameter", where="file"),
    )
    rows = [
        row
        for road, comparisons in ((TOGETHER, arms.together), (LEVELS, arms.levels.comparisons))
        for one in comparisons
        for row in _rows(inputs, one, road)
    ]
    lead = (
        "P(… > 0) is the share of a posterior beyond zero. Pp with v without is the probability of the model "
        "that has the "
        "effect beside the model that lacks it alone. “One group” has everybody in one PEB with interactions; "
        "“third level” "
        "has a PEB for each arm and one over the two, which also expects arms to vary, so that its intervals are wider."
    )
    sure = frozenset(i for i, row in enumerate(rows) if row["probability_with_v_without"] >= STRONG)
    return Records("arms", "Arms beside each other", lead, columns, rows, sure=sure)


def sampling_records(arms: Arms) -> Records:
    """The Laplace approximation beside NUTS: the effects of the one group, and the differences between arms."""
    sampled, beside = _sampled(arms), _beside(arms)
    r_hat = np.concatenate([sampled.r_hat, np.full(len(beside.effects) - len(sampled.effects), np.nan)])
    size = np.concatenate([sampled.sample_size, np.full(len(beside.effects) - len(sampled.effects), np.nan)])
    named = ("laplace_mean", "sampled_mean", "laplace_sd", "sampled_sd", "laplace_beyond_zero", "sampled_beyond_zero")
    rows: list[dict[str, Any]] = [
        {
            "effect": effect,
            **{name: float(getattr(beside, name)[i]) for name in named},
            "r_hat": float(r_hat[i]),
            "sample_size": float(size[i]),
        }
        for i, effect in enumerate(beside.effects)
    ]
    shift, ratio = DISAGREES
    lead = (
        f"The same hierarchy drawn from by NUTS, {sampled.draws.shape[0]} chains of {sampled.draws.shape[1]} draws, "
        f"{sampled.divergences} divergent; R-hat below {MET:g} says that the chains agree. Marked: means more than "
        f"{shift:g} SD apart, SDs by more than {ratio:.0%}, or chains that do not agree."
    )
    odd = (np.abs(beside.shift) > shift) | (np.abs(beside.sd_ratio - 1) > ratio) | (r_hat > MET)
    return Records(
        "sampling", "Checked by sampling", lead, SAMPLING_COLUMNS, rows, frozenset(np.flatnonzero(odd).tolist())
    )


def sampling_warnings(arms: Arms) -> tuple[str, ...]:
    """Where the draws cannot be trusted, or say something else than the Laplace approximation."""
    if arms.sampled is None:
        return ()
    odd = sampling_records(arms).marked
    said = []
    if arms.sampled.divergences:
        said.append(f"{arms.sampled.divergences} draws diverged: the check by sampling may be biased.")
    if odd:
        said.append(f"Sampling and the Laplace approximation differ in {len(odd)} effects; see the table of the check.")
    return tuple(said)


def _beside(arms: Arms) -> SamplingComparison:
    """Every effect of the one group, and every difference between the arms."""
    group = arms.group
    weights, names = [np.eye(group.posterior.mean.size)], list(group.effects)
    for one in arms.together:
        apart = group.places(_apart(arms, one))
        weights.append(-2 * np.eye(group.posterior.mean.size)[apart])  # the first arm is the one coded −1
        names += [f"{one.arms[0]} − {one.arms[1]}, {one.covariate}: {name}" for name in one.parameters]
    return _sampled(arms).compare(group, np.concatenate(weights), names)


def _sampled(arms: Arms) -> SampledGroup:
    if arms.sampled is None:
        raise ValueError("these arms were not sampled; ask compare_arms for it")
    return arms.sampled


def _apart(arms: Arms, one: ArmComparison) -> str:
    """The column of the one group's design that tells the arms apart in a covariate's effect."""
    return arms.column if one.covariate == MEAN else f"{arms.column}×{one.covariate}"


def arm_answer(inputs: GroupInputs, one: ArmComparison, arms: Arms) -> Answer:
    """Whether the arms differ in one covariate's effect."""
    rows = _rows(inputs, one, TOGETHER)
    what = "the mean" if one.covariate == MEAN else f"how it goes with {one.covariate}"
    if inputs.change:
        what = "the change" if one.covariate == MEAN else f"how the change goes with {one.covariate}"
    chances = [row["probability_with_v_without"] for row in rows]
    sure = [chance for chance in chances if chance >= STRONG]
    likely = [row for row in rows if max(row["probability_beyond_zero"], 1 - row["probability_beyond_zero"]) >= STRONG]
    verdict: Verdict = "yes" if sure else "partly" if likely else verdict_of(max(chances))
    chief = max(rows, key=lambda row: row["probability_with_v_without"])
    first, second = one.arms
    headline = (
        f"{chief['connection']}: {first} less {second} {_interval(chief)}, P(difference > 0) "
        f"{chief['probability_beyond_zero']:.3f}, Pp with v without {chief['probability_with_v_without']:.3f}."
    )
    other = next((found for found in arms.levels.comparisons if found.covariate == one.covariate), None)
    details = [
        f"{row['connection']}: {first} {_own(row, 'first')}, {second} {_own(row, 'second')}, {row['unit']}."
        for row in rows
    ]
    at = [f"{name} {value:.3g}" for name, value in inputs.design.centres.items()]
    if one.covariate == MEAN and at:
        details.append(f"At {', '.join(at)}; --covariates with the arm alone compares the arms whatever these are.")
    if other is not None:
        again = _rows(inputs, other, LEVELS)[rows.index(chief)]
        details.append(f"By a third level over a group per arm: {_interval(again)}.")
    return Answer(f"Do the arms differ in {what}?", verdict, headline, tuple(details[:6]))


def _rows(inputs: GroupInputs, one: ArmComparison, road: str) -> list[dict[str, Any]]:
    return [
        {
            "covariate": one.covariate,
            "connection": connection.words,
            "first": float(one.first.mean[i]),
            "second": float(one.second.mean[i]),
            "first_sd": float(one.first.sd[i]),
            "second_sd": float(one.second.sd[i]),
            "difference": float(one.difference.mean[i]),
            "low": float(one.difference.mean[i] - Z * one.difference.sd[i]),
            "high": float(one.difference.mean[i] + Z * one.difference.sd[i]),
            "probability_beyond_zero": float(one.beyond_zero.difference[i]),
            "probability_with_v_without": float(one.with_v_without.difference[i]),
            "first_beyond_zero": float(one.beyond_zero.first[i]),
            "first_with_v_without": float(one.with_v_without.first[i]),
            "second_beyond_zero": float(one.beyond_zero.second[i]),
            "second_with_v_without": float(one.with_v_without.second[i]),
            "half_difference": float(one.half_difference.mean[i]),
            "unit": per_covariate(connection.unit, one.covariate),
            "road": road,
            "parameter": connection.name,
        }
        for i, connection in enumerate(connections(one.parameters, inputs.spec))
    ]


def _own(row: dict[str, Any], arm: str) -> str:
    """An arm's own effect with its interval."""
    mean, half = row[arm], Z * row[f"{arm}_sd"]
    return f"{signed(mean, 3)} (90 % {signed(mean - half, 3)} to {signed(mean + half, 3)})"


def _interval(row: dict[str, Any]) -> str:
    difference, low, high = (signed(row[key], 3) for key in ("difference", "low", "high"))
    return f"{difference} {row['unit']} (90 % {low} to {high})"


def _members(inputs: GroupInputs, column: str, sign: float) -> np.ndarray:
    """The rows of one arm."""
    return np.flatnonzero(inputs.design.matrix[:, inputs.design.column(column)] == sign)


def _of_arm(inputs: GroupInputs, column: str, sign: float, name: str) -> GroupPosterior:
    """The PEB of one arm, covariates centred where the whole group's are, so that means are at one place."""
    whole = inputs.design
    own = [covariate for covariate in whole.covariates if column not in covariate.split("×")]
    rows = _members(inputs, column, sign)
    design = whole.columns(own).rows([whole.participants[i] for i in rows])
    return fit([inputs.estimates[i] for i in rows], design, inputs.settings, parameters=inputs.chosen, name=name)


def _sections(inputs: GroupInputs, arms: Arms) -> tuple[Section, ...]:
    from ._group_pictures import arms_section

    return (arms_section(arms.together, inputs.spec, lambda one, i: draws_of(arms, one, i)),)


def draws_of(arms: Arms, one: ArmComparison, i: int) -> Sequence[np.ndarray | None]:
    """NUTS draws of an effect in the first arm, the second, and of the difference."""
    if arms.sampled is None:
        return (None, None, None)
    places = (arms.group.places(name)[i] for name in (one.covariate, _apart(arms, one)))
    common, half = (arms.sampled.draws[..., place].ravel() for place in places)
    return (common - half, common + half, -2 * half)  # the first arm is the one coded −1
