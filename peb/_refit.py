"""The first level inverted again under the group's empirical priors, and again, until the group stays where it is.

A PEB re-estimates participants by reduction: exact for the Gaussian that an inversion returned, but that Gaussian was
found around the posterior mode under the *first* prior. Where the model is far from linear between there and the mode
under the group, participants are inverted again (Friston et al. 2016, section "Empirical Bayes and DCM"):

    group fit → N(m_i, Σ) over the chosen parameters → inversion under it, from the last mode
              → what the data say around this mode, exp(c + hᵀθ − ½ θᵀLθ) → group fit …

That is a fixed point, and where connections depend on each other in the first level rounds swing about it from side to
side. So what the data say is averaged over rounds, c, h and L alike, with a share a for the newest:

    L ← (1 − a) L + a L_new,    a = 1 / (1 + how often the group's effects have turned back),

as stochastic approximation is hastened (Kesten 1958): whole steps as long as they lead somewhere, smaller ones the more
often they turn. Shares fall as 1, 1/2, 1/3 … at most, so that no point is too far to be reached.

What tells how much it helped is the evidence of a round's empirical priors by *inversion*,

    F_inverted = F_group + Σ_i (F_i inverted under the empirical prior − F_i reduced to it),

because F_group alone rests on the reduction, whose error is what the rounds are there to remove: it is largest in the
first round, and flatters it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

import numpy as np
from jaxtyping import Float

import dcm
from dcm.tables import html_table, short_repr

from ._design import Design
from ._design_error import name_list
from ._estimate import Estimate
from ._fit import fit
from ._gaussian import Gaussian, log_det, precision
from ._group import GroupPosterior
from ._settings import PebError, PebSettings

# Rounds would see where an inversion happened to end; 1e-4 nats are 0.01 posterior standard deviations.
TOLERANCE = 1e-4
FIRST_LEVEL = dcm.Settings(tolerance=TOLERANCE)


class RefitStatus(Enum):
    """How the rounds ended; the value is the message a participant reads."""

    CONVERGED = "converged"
    MAX_ROUNDS = "stopped at the limit of rounds"


@dataclass(frozen=True, eq=False)
class ReinversionRound:
    """One group fit, and everyone inverted under what it says of them.

    Fields:
        free_energy: F of the group, nats, participants re-estimated by reduction.
        inverted_free_energy: F, nats, with each participant's evidence from the inversion.
        mean: of the group's effects; the first round's minus the last's is what the first prior had drawn them by.
        moved: the farthest that whole steps lead an effect on average over the last quarter of rounds, two at least,
            posterior SDs; NaN in the first. To and fro leaves it small, a little to one side each time does not.
        failures: who could not be inverted, and why. They count in both F as reduced, and keep what was known of them.
    """

    free_energy: float
    inverted_free_energy: float
    failures: tuple[dcm.Failure, ...]
    mean: Float[np.ndarray, "param covariate"]
    moved: float

    __repr__ = short_repr


@dataclass(frozen=True, eq=False)
class Refit:
    """The last of several rounds.

    Fields (N participants):
        group: its group posterior.
        estimates: N estimates that it was fitted to, under the original priors, in the order of the subjects.
        posteriors: N inversions under its empirical priors, or for who failed there the inversion before; each says its
            prior.
        rounds: all rounds; the first is the plain group fit.
        status: how the rounds ended.
    """

    group: GroupPosterior
    estimates: tuple[Estimate, ...]
    posteriors: tuple[dcm.Posterior, ...]
    rounds: tuple[ReinversionRound, ...]
    status: RefitStatus

    def __repr__(self) -> str:
        return f"Refit({self.group!r}, {len(self.rounds)} rounds, {self.status.value})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.group.summary())


def fit_with_reinversion(
    subjects: Sequence[dcm.Subject],
    design: Design,
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    *,
    parameters: Sequence[str] | None = None,
    first_level: dcm.Settings = FIRST_LEVEL,
    max_rounds: int = 60,
    tolerance: float = 0.1,
    name: str = "group",
    each_round: Callable[[ReinversionRound], None] = lambda _: None,
) -> Refit:
    """Fit a group, invert its participants again under what it says of each, and so on, until the group stays.

    Arguments:
        subjects: one per row of the design and matched with it by name; their priors are the original ones.
        design, settings, parameters, name: as for `fit`.
        first_level: of every inversion; not by SPM's scheme of the noise, whose steps leave F short of its optimum by
            what may be hundreds of nats and is chance, so that rounds could not be compared. All end at 1e-4 nats, and
            Gaussians are not refined.
        max_rounds: limit of rounds, the first included.
        tolerance: of `ReinversionRound.moved`, posterior standard deviations.
        each_round: is called with every round as it ends.

    Raises `PebError` where a participant fails in the first inversion or everybody in a later one, names repeat or do
    not match the design, or an argument is out of range.

    Source: Friston et al. 2016; Kesten, H. (1958). Accelerated stochastic approximation. Ann. Math. Statist. 29, 41–59.
    """
    _check(subjects, design, first_level, max_rounds, tolerance)
    first_level = replace(first_level, tolerance=min(first_level.tolerance, TOLERANCE), refine="none")
    posteriors = _first_inversion(subjects, first_level)
    estimates = tuple(
        Estimate.from_dcm(subject.name, found) for subject, found in zip(subjects, posteriors, strict=True)
    )
    original = {estimate.name: estimate.prior for estimate in estimates}
    rounds: list[ReinversionRound] = []
    steps: list[np.ndarray] = []  # whole ones, of which a share was taken
    share = 1.0
    while True:
        group = fit(estimates, design, settings, parameters=parameters, name=name)
        if rounds:
            steps.append((group.mean - rounds[-1].mean).ravel() / group.sd.ravel() / share)
            turns = sum(float(step @ other) < 0 for step, other in pairwise(steps))
            share = 1 / (1 + turns)
        recent_steps = steps[-max(2, len(steps) // 4) :]
        moved = float(np.abs(np.mean(recent_steps, axis=0)).max()) if steps else float("nan")
        posteriors, failures = _invert_again(subjects, posteriors, group.participants, first_level)
        if len(failures) == len(subjects):
            raise PebError(f"nobody could be inverted under the group's empirical priors: {failures[0].reason}")
        new, unusable = _averages(estimates, posteriors, original, share, {failure.name for failure in failures})
        rounds.append(_round(group, subjects, posteriors, (*failures, *unusable), moved))
        each_round(rounds[-1])
        if moved < tolerance or len(rounds) == max_rounds:
            status = RefitStatus.CONVERGED if moved < tolerance else RefitStatus.MAX_ROUNDS
            return Refit(group, estimates, posteriors, tuple(rounds), status)
        estimates = new


def _averages(
    estimates: Sequence[Estimate],
    posteriors: Sequence[dcm.Posterior],
    original: Mapping[str, Gaussian],
    share: float,
    failed: set[str],
) -> tuple[tuple[Estimate, ...], list[dcm.Failure]]:
    """What data say of everybody, with a share of the new; who has nothing new that can be used keeps the last."""
    found, unusable = list(estimates), []
    for i, (last, again) in enumerate(zip(estimates, posteriors, strict=True)):
        if last.name not in failed:
            try:
                found[i] = _average(last, Estimate.from_dcm(last.name, again), original, share)
            except ValueError as error:
                unusable.append(dcm.Failure(last.name, str(error)))
    return tuple(found), unusable


def _average(last: Estimate, again: Estimate, original: Mapping[str, Gaussian], share: float) -> Estimate:
    """What data say, (1 − share) of the last and a share of the new, under the original prior."""
    new = again.under(original[last.name])
    if share == 1:
        return new
    precisions = [precision(estimate.posterior.covariance) for estimate in (last, new)]
    pulls = [own @ estimate.posterior.mean for own, estimate in zip(precisions, (last, new), strict=True)]
    inverse, pull = ((1 - share) * old + share * now for old, now in (precisions, pulls))
    covariance = precision(inverse)
    posterior = Gaussian(covariance @ pull, covariance)

    def height(density: Gaussian, pull: np.ndarray) -> float:
        return float(log_det(density.covariance) + density.mean @ pull) / 2

    constant = (1 - share) * (last.free_energy - height(last.posterior, pulls[0]))
    constant += share * (new.free_energy - height(new.posterior, pulls[1]))
    free_energy = constant + height(posterior, pull)
    return Estimate(last.name, last.parameters, last.fields, last.prior, posterior, free_energy)


def _first_inversion(subjects: Sequence[dcm.Subject], first_level: dcm.Settings) -> tuple[dcm.Posterior, ...]:
    results = dcm.invert_cohort(subjects, first_level)
    failed = [result for result in results if isinstance(result, dcm.Failure)]
    if failed:
        reasons = "; ".join(f"{failure.name}: {failure.reason}" for failure in failed[:6])
        raise PebError(f"the first inversion left no posterior to go on from: {reasons}; leave these participants out")
    return tuple(result for result in results if isinstance(result, dcm.Posterior))


def _invert_again(
    subjects: Sequence[dcm.Subject],
    posteriors: Sequence[dcm.Posterior],
    participants: Sequence[Estimate],
    first_level: dcm.Settings,
) -> tuple[tuple[dcm.Posterior, ...], tuple[dcm.Failure, ...]]:
    """Everyone under the empirical prior, from the last mode; who fails keeps the last posterior."""
    empirical = {estimate.name: estimate.prior for estimate in participants}
    again = [
        replace(subject, prior=_full(last.prior, last.free, empirical[subject.name]), start=last.mean)
        for subject, last in zip(subjects, posteriors, strict=True)
    ]
    results = dcm.invert_cohort(again, first_level)
    failures = tuple(result for result in results if isinstance(result, dcm.Failure))
    pairs = zip(results, posteriors, strict=True)
    return tuple(last if isinstance(result, dcm.Failure) else result for result, last in pairs), failures


def _round(
    group: GroupPosterior,
    subjects: Sequence[dcm.Subject],
    posteriors: Sequence[dcm.Posterior],
    failures: tuple[dcm.Failure, ...],
    moved: float,
) -> ReinversionRound:
    reduced = {estimate.name: estimate.free_energy for estimate in group.participants}
    failed = {failure.name for failure in failures}
    error = sum(
        found.free_energy - reduced[subject.name]
        for subject, found in zip(subjects, posteriors, strict=True)
        if subject.name not in failed
    )
    return ReinversionRound(group.free_energy, group.free_energy + error, failures, group.mean, moved)


def _full(last: dcm.Prior, free: np.ndarray, density: Gaussian) -> dcm.Prior:
    """A density over the free parameters as a prior over all; what is fixed, and the noise, stay as they are."""
    mean, covariance = last.mean.copy(), np.zeros_like(last.covariance)
    mean[free] = density.mean
    covariance[np.ix_(free, free)] = density.covariance
    return replace(last, mean=mean, covariance=covariance)


def _check(
    subjects: Sequence[dcm.Subject], design: Design, first_level: dcm.Settings, max_rounds: int, tolerance: float
) -> None:
    """Before the first inversion, which may take long."""
    names = [subject.name for subject in subjects]
    repeated = [name for name in names if names.count(name) > 1]
    odd = repeated or sorted(set(names) ^ set(design.participants))
    if odd:
        raise PebError(f"subjects and design must have the same names, each once; see {name_list(sorted(set(odd)))}")
    if first_level.as_spm:
        raise PebError("rounds compare by F only with the noise at its optimum; give first_level noise='ar1'")
    if max_rounds < 1:
        raise PebError(f"max_rounds must be at least 1, not {max_rounds}")
    if not tolerance > 0:
        raise PebError(f"tolerance must be positive, not {tolerance}")
