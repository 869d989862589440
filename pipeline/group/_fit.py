"""The posterior of a group, and what should be known of it: units, another prior, participants inverted again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dcm import InversionError, Settings
from peb import Gaussian, GroupPosterior, PebError, RefitStatus, ReinversionRound, fit, fit_visits, fit_with_reinversion

from ..common import UsageError, first_names
from ..posterior_check import StoredPosterior, read_posteriors
from ..tables import effect_text, number_text
from ..verdicts import STRONG_EVIDENCE, judge_covariate
from ._effect_tables import connections_of, covariate_words
from ._group_inputs import GroupInputs, Reinversion
from ._options import BETWEEN_PRIORS, GroupOptions

BY_UNITS = 0.5  # posterior standard deviations between units from which SPM12's answer is not taken as it is
FAR = 0.1  # posterior standard deviations that SPM12's numbers may be from the exact ones without a word
IN_OWN_UNITS = (
    "what is shown is SPM12's scheme with every covariate in units of its own size; --compat none does not depend "
    "on units."
)


def fit_group(inputs: GroupInputs, name: str = "group") -> tuple[GroupPosterior, tuple[str, ...]]:
    """The group posterior, and what should be known of it before it is trusted."""
    if inputs.settings.is_mixture:
        group = _fit_with(inputs, name=name)
        ended = [] if group.status.name == "CONVERGED" else [f"The fit {group.status.value}."]
        return group, (*ended, *influence_warnings(inputs, group))
    if not inputs.settings.follows_spm:
        settled = group = _fit_with(inputs, name=name)
        line = None
    else:
        settled = _fit_with(inputs, compat="none")
        group, line = _by_spm12(inputs, settled, name)
    warnings = [] if settled.status.name == "CONVERGED" else [f"The fit {settled.status.value}."]
    if line:
        warnings.append(line)
    if inputs.settings.noise_variance < BETWEEN_PRIORS["wide"] and group.noise.mean.size:
        wide = _fit_with(inputs, compat="none", noise_variance=BETWEEN_PRIORS["wide"])
        if (gain := wide.free_energy - settled.free_energy) > STRONG_EVIDENCE:
            warnings.append(_preferred(inputs, group, wide, gain))
    return group, tuple(warnings)


def _by_spm12(inputs: GroupInputs, exact: GroupPosterior, name: str) -> tuple[GroupPosterior, str | None]:
    """SPM12's numbers, and what is to be known of them.

    Its steps depend on the units of covariates. Where they end far from where they end with every covariate in units of
    its own size, the latter is taken, and said.
    """
    try:
        group = _fit_with(inputs, name=name)
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
        f"{_effect_words(inputs, group, worst)}); --between gaussian gives those, docs/spm12.md says where the "
        "difference comes from."
    )


def influence_warnings(inputs: GroupInputs, group: GroupPosterior) -> tuple[str, ...]:
    """Participants of low influence, and spreads beyond what was tried, connections in words."""
    words = {connection.name: connection.words for connection in connections_of(inputs, group)}
    found = []
    for line in group.remarks[group.participant_of is not None :]:  # how many visits there are is no warning
        for name, said in words.items():
            line = line.replace(name, said)
        found.append(line[0].upper() + line[1:] + ".")
    return tuple(found)


def unusual_units(inputs: GroupInputs) -> bool:
    """Whether a covariate's size is such that SPM12's steps may not reach anything."""
    return inputs.settings.follows_spm and inputs.design.has_unusual_unit


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
        Gaussian(density.mean * unit, density.covariance * unit * unit[:, None])
        for density in (own.prior, own.posterior)
    )
    return replace(own, design=inputs.design, prior=prior, posterior=posterior)


def _effect_words(inputs: GroupInputs, group: GroupPosterior, place: tuple[int, int]) -> str:
    covariate = covariate_words(group.design, group.design.covariates[place[1]])
    return f"{covariate} on {connections_of(inputs, group)[place[0]].words}"


def _farthest(
    posterior: GroupPosterior, other: GroupPosterior, sd: np.ndarray | None = None
) -> tuple[tuple[int, int], float]:
    """The effect in which two fits differ by the most standard deviations, the latter's unless given; and how many."""
    distance = np.abs(posterior.mean - other.mean) / (other.sd if sd is None else sd)
    place = np.unravel_index(int(distance.argmax()), distance.shape)
    return (int(place[0]), int(place[1])), float(distance[place])


def _preferred(inputs: GroupInputs, group: GroupPosterior, wide: GroupPosterior, gain: float) -> str:
    """What another prior of the variance between participants would change."""
    width = float(np.median(wide.sd / group.sd))
    found = [_called(inputs, posterior) for posterior in (group, wide)]
    words = connections_of(inputs, group)
    named = [covariate_words(group.design, covariate) for covariate in group.design.covariates]
    effects = [f"{covariate} on {connection.words}" for covariate in named for connection in words]
    gained, lost = (
        [effects[i] for i in np.flatnonzero(places)] for places in (found[1] & ~found[0], found[0] & ~found[1])
    )
    said = [
        f"{first_names(gained)} would be found too" if gained else "",
        f"{first_names(lost)} would be found no longer" if lost else "",
    ]
    changed = "; ".join(part for part in said if part) or "no effect would be found or lost"
    return (
        "SPM12's prior of the variance between participants is far from what the data say: with a wider one there are "
        f"{gain:.1f} nats more evidence, intervals are {width:.2g} times as wide, and {changed}. "
        "--between-prior wide uses it."
    )


def _called(inputs: GroupInputs, group: GroupPosterior) -> np.ndarray:
    """Which effects the verdicts say are there, covariate by covariate."""
    judged = (judge_covariate(group, covariate, inputs.smallest_effect) for covariate in group.design.covariates)
    return np.array([kind == "yes" for verdict in judged for kind in verdict.found.each])


def _fit_with(inputs: GroupInputs, name: str = "group", **changed: Any) -> GroupPosterior:
    """The group, with other settings."""
    settings = replace(inputs.settings, **changed)
    if inputs.participant_of:
        whose = inputs.participant_of
        return fit_visits(inputs.estimates, inputs.design, whose, settings, parameters=inputs.chosen, name=name)
    return fit(inputs.estimates, inputs.design, settings, parameters=inputs.chosen, name=name)


def invert_again(options: GroupOptions, inputs: GroupInputs, notify: Callable[[str], None]) -> GroupInputs:
    """The group with estimates from inversions under its own empirical priors, given under the first prior.

    Raises `UsageError` where a participant's series are not found or results are not such that they can be.
    """
    pairs = zip(inputs.estimates, inputs.files, strict=True)
    checkable = [_checkable(estimate.name, file, options.series) for estimate, file in pairs]
    subjects = [replace(stored.subject, start=stored.posterior.mean) for stored in checkable]
    rounds: list[ReinversionRound] = []

    def each_round(latest: ReinversionRound) -> None:
        rounds.append(latest)
        far = "" if len(rounds) == 1 else f", effects move by up to {number_text(latest.moved)} posterior SD"
        notify(f"inverted again, round {len(rounds)}: F {latest.inverted_free_energy:.2f} nats{far}")

    try:
        refit = fit_with_reinversion(
            subjects,
            inputs.design,
            inputs.settings,
            parameters=inputs.chosen,
            first_level=_settings_of(checkable),
            each_round=each_round,
        )
    except (PebError, InversionError) as error:
        raise UsageError(f"--reinvert: {error}") from error
    failures = {failure.name: failure.reason for each in rounds for failure in each.failures}
    warnings = [f"{name} could not be inverted again in every round: {reason}." for name, reason in failures.items()]
    if refit.status is not RefitStatus.CONVERGED:
        warnings.insert(0, f"The group still moved after everybody had been inverted again {len(rounds)} times.")
    done = Reinversion(rounds[0].mean, len(rounds), refit.status.value, tuple(warnings))
    return replace(inputs, estimates=refit.estimates, reinversion=done)


def _checkable(name: str, file: Path, series: Sequence[Path]) -> StoredPosterior:
    """A participant's result and what it was made from."""
    found, lines = read_posteriors([file], series, "none")
    own = found if len(found) == 1 else [stored for stored in found if stored.name == name]
    if len(own) != 1:
        why = "; ".join(lines[:3]) or f"{file.name} has no result of this name alone"
        raise UsageError(f"--reinvert needs the series of each participant, and lacks those of {name}: {why}")
    return replace(own[0], name=name, subject=replace(own[0].subject, name=name))


def _settings_of(checkable: Sequence[StoredPosterior]) -> Settings:
    first = checkable[0]
    other = next(
        (stored for stored in checkable if stored.posterior.settings.mode() != first.posterior.settings.mode()), None
    )
    if other is not None:
        raise UsageError(f"--reinvert: {first.name} and {other.name} were inverted by other settings; invert all alike")
    if first.posterior.settings.as_spm:
        raise UsageError(
            f"--reinvert: {first.name} was inverted by SPM's scheme of the noise, which leaves rounds nothing to be "
            "compared by; invert with --compat none"
        )
    return first.posterior.settings
