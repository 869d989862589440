"""`effconn peb --reinvert`: first levels inverted again under what the group says of each participant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from dcm import InversionError, Settings
from peb import GroupPosterior, PebError, RefitStatus, Round, fit_with_reinversion

from ..common import UsageError
from ..page import EFFECT, Column, Records
from ..posterior_check import Checkable, read_checkable
from ..tables import number_text
from ._estimation import connections_of, covariate_words
from ._inputs import GroupInputs, GroupOptions, Reinversion

COLUMNS = (
    Column("effect_of", "Effect of"),
    Column("connection", "Connection"),
    Column("mean", "First inversions", EFFECT),
    Column("mean_again", "Inverted again", EFFECT),
    Column("moved", "Moved, SD", "+.2f"),
    Column("covariate", "Covariate", where="file"),
    Column("parameter", "Parameter", where="file"),
)


def invert_again(options: GroupOptions, inputs: GroupInputs, say: Callable[[str], None]) -> GroupInputs:
    """The group with estimates from inversions under its own empirical priors, given under the first prior.

    Raises `UsageError` where a participant's series are not found or results are not such that they can be.
    """
    pairs = zip(inputs.estimates, inputs.files, strict=True)
    people = [_checkable(one.name, file, options.series) for one, file in pairs]
    subjects = [replace(one.subject, start=one.posterior.mean) for one in people]
    rounds: list[Round] = []

    def each_round(one: Round) -> None:
        rounds.append(one)
        far = "" if len(rounds) == 1 else f", effects move by up to {number_text(one.moved)} posterior SD"
        say(f"inverted again, round {len(rounds)}: F {one.inverted_free_energy:.2f} nats{far}")

    try:
        refit = fit_with_reinversion(
            subjects,
            inputs.design,
            inputs.settings,
            parameters=inputs.chosen,
            first_level=_settings_of(people),
            each_round=each_round,
        )
    except (PebError, InversionError) as error:
        raise UsageError(f"--reinvert: {error}") from error
    failures = {one.name: one.reason for each in rounds for one in each.failures}
    warnings = [f"{name} could not be inverted again in every round: {reason}." for name, reason in failures.items()]
    if refit.status is not RefitStatus.CONVERGED:
        warnings.insert(0, f"The group still moved after everybody had been inverted again {len(rounds)} times.")
    done = Reinversion(rounds[0].mean, len(rounds), refit.status.value, tuple(warnings))
    return replace(inputs, estimates=refit.estimates, reinversion=done)


def _checkable(name: str, file: Path, series: Sequence[Path]) -> Checkable:
    """A participant's result and what it was made from."""
    found, lines = read_checkable([file], series, "none")
    own = found if len(found) == 1 else [one for one in found if one.name == name]
    if len(own) != 1:
        why = "; ".join(lines[:3]) or f"{file.name} has no result of this name alone"
        raise UsageError(f"--reinvert needs the series of each participant, and lacks those of {name}: {why}")
    return replace(own[0], name=name, subject=replace(own[0].subject, name=name))


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
    return (Records("reinversion", "Before and after participants were inverted again", lead, COLUMNS, rows),)


def _settings_of(people: Sequence[Checkable]) -> Settings:
    first = people[0]
    other = next((one for one in people if one.posterior.settings.mode() != first.posterior.settings.mode()), None)
    if other is not None:
        raise UsageError(f"--reinvert: {first.name} and {other.name} were inverted by other settings; invert all alike")
    if first.posterior.settings.as_spm:
        raise UsageError(
            f"--reinvert: {first.name} was inverted by SPM's scheme of the noise, which leaves rounds nothing to be "
            "compared by; invert with --compat none"
        )
    return first.posterior.settings
