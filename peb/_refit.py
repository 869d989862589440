"""The first level inverted again under the group's empirical priors, and again, until the evidence stops rising.

A PEB re-estimates participants by reduction: exact for the Gaussian that an inversion returned, but that Gaussian was
found around the posterior mode under the *first* prior. Where the model is far from linear between there and the mode
under the group, participants are inverted again (Friston et al. 2016, section "Empirical Bayes and DCM"):

    group fit → N(m_i, Σ) over the chosen parameters → inversion under it, from the last mode
              → the posterior under the original prior, by reduction → group fit …

That is a fixed point in the group's effects: inversions at m = X x give the group β = G(x). Where connections depend on
each other in the first level it is approached slowly or by swinging from side to side. So from the third round on the
next x is where the last rounds say that it lies (Anderson 1965, up to three differences of rounds),

    r_k = G(x_k) − x_k,    x_(k+1) = G(x_k) − Σ_i t_i (G(x_(i+1)) − G(x_i)),
    with t such that |r_k − Σ_i t_i (r_(i+1) − r_i)| is least,

in posterior standard deviations. It moves where participants are linearised, and no fixed point.

What tells whether a round helped is the evidence of its empirical priors by *inversion*,

    F_inverted = F_group + Σ_i (F_i inverted under the empirical prior − F_i reduced to it),

because F_group alone rests on the reduction, whose error is what the rounds are there to remove: it is largest in the
first round, and flatters it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from jaxtyping import Float

import dcm

from ._design import Design, some
from ._estimate import Estimate, from_dcm
from ._gaussian import Gaussian
from ._group import GroupPosterior
from ._peb import fit
from ._settings import PebError, PebSettings

FIRST_LEVEL = dcm.Settings(tolerance=0.01)  # nats: where inversions end early is chance, which rounds would see
DEPTH = 3  # rounds' differences that a step is made of
WEAK = 0.02  # of their size, by which steps are held back


class RefitStatus(Enum):
    """How the rounds ended; the value is the message a person reads."""

    CONVERGED = "converged"
    MAX_ROUNDS = "stopped at the limit of rounds; raise max_rounds"


@dataclass(frozen=True, eq=False)
class Round:
    """One group fit, and everyone inverted under what it says of them.

    Fields:
        free_energy: F of the group, nats, participants re-estimated by reduction.
        inverted_free_energy: F, nats, with each participant's evidence from the inversion; what rounds compare by.
        mean: of the group's effects; the first round's less the last's is what the first prior had drawn them by.
        moved: how far the effects are from those that participants were inverted under, posterior standard deviations;
            NaN in the first round.
        failures: who could not be inverted, and why. They count in both F as reduced, and the next round has their
            posterior from the round before.
    """

    free_energy: float
    inverted_free_energy: float
    failures: tuple[dcm.Failure, ...]
    mean: Float[np.ndarray, "effect covariate"]
    moved: float


@dataclass(frozen=True, eq=False)
class Refit:
    """The best of several rounds.

    Fields (N participants):
        group: its group posterior.
        estimates: N estimates that it was fitted to, under the original priors, in the order of the subjects.
        posteriors: N inversions under its empirical priors, or for who failed there the inversion before; each says its
            prior.
        rounds: all rounds; the first is the plain group fit.
        best: which of them the others are from.
        status: how the rounds ended.
    """

    group: GroupPosterior
    estimates: tuple[Estimate, ...]
    posteriors: tuple[dcm.Posterior, ...]
    rounds: tuple[Round, ...]
    best: int
    status: RefitStatus


def fit_with_reinversion(
    subjects: Sequence[dcm.Subject],
    design: Design,
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    *,
    parameters: Sequence[str] | None = None,
    first_level: dcm.Settings = FIRST_LEVEL,
    max_rounds: int = 16,
    tolerance: float = 0.1,
    name: str = "group",
) -> Refit:
    """Fit a group, invert its participants again under what it says of each, and so on; the round of highest evidence.

    Arguments:
        subjects: one per row of the design and matched with it by name; their priors are the original ones.
        design, settings, parameters, name: as for `fit`.
        first_level: of every inversion; not by SPM's scheme of the noise, whose steps leave F short of its optimum by
            what may be hundreds of nats and is chance, so that rounds could not be compared.
        max_rounds: limit of rounds, the first included.
        tolerance: change of the inverted F, nats, below which the rounds end.

    Raises `PebError` where a participant fails in the first inversion, names repeat or do not match the design, or an
    argument is out of range.

    Source: Friston et al. 2016.
    """
    _check(subjects, design, first_level, max_rounds, tolerance)
    posteriors = _first_inversion(subjects, first_level)
    estimates = tuple(from_dcm(one.name, found) for one, found in zip(subjects, posteriors, strict=True))
    original = {one.name: one.prior for one in estimates}
    rounds: list[Round] = []
    kept: Refit | None = None
    path = _Path([], [])
    while len(rounds) < max_rounds:
        group = fit(estimates, design, settings, parameters=parameters, name=name)
        people, moved = path.next(group)
        posteriors, failures = _invert_again(subjects, posteriors, people, first_level)
        rounds.append(_round(group, people, subjects, posteriors, failures, moved))
        reached = [one.inverted_free_energy for one in rounds]
        if kept is None or reached[-1] > reached[kept.best]:
            kept = Refit(group, estimates, posteriors, (), len(rounds) - 1, RefitStatus.MAX_ROUNDS)
        if len(rounds) > 1 and abs(reached[-1] - reached[-2]) < tolerance:
            kept = replace(kept, status=RefitStatus.CONVERGED)
            break
        found = [from_dcm(one.name, again) for one, again in zip(subjects, posteriors, strict=True)]
        estimates = tuple(one.under(original[one.name]) for one in found)
    assert kept is not None  # max_rounds is at least 1
    return replace(kept, rounds=tuple(rounds))


@dataclass(eq=False)
class _Path:
    """Where participants were inverted, and what group that gave.

    Fields:
        asked: x of every round.
        found: G of every round but the first, of the x before.
    """

    asked: list[np.ndarray]
    found: list[np.ndarray]

    def next(self, group: GroupPosterior) -> tuple[tuple[Estimate, ...], float]:
        """Participants under the group at the next x, and how far the group moved, in posterior SDs."""
        beta, sd = group.posterior.mean, group.posterior.sd
        moved, x = float("nan"), beta
        if self.asked:
            self.found.append(beta)
            moved = float(np.abs((beta - self.asked[-1]) / sd).max())
        if len(self.found) > 1:
            last = slice(-1 - DEPTH, None)
            G = np.array(self.found[last])
            r = (G - np.array(self.asked[last])) / sd
            off = np.diff(r, axis=0)
            weak = np.eye(len(off)) * WEAK * max(np.trace(off @ off.T), np.finfo(float).tiny)
            x = beta - np.linalg.solve(off @ off.T + weak, off @ r[-1]) @ np.diff(G, axis=0)
        self.asked.append(x)
        return _at(group, x), moved


def _at(group: GroupPosterior, effects: Float[np.ndarray, "effect"]) -> tuple[Estimate, ...]:
    """Every participant under the group's empirical prior, were these the group's effects."""
    shift = (effects - group.posterior.mean).reshape(len(group.design.covariates), -1)
    means = group.design.matrix @ shift @ group.within.T
    if not means.any():
        return group.participants
    people = []
    for one, by in zip(group.participants, means, strict=True):
        mean = one.prior.mean.copy()
        mean[[one.parameters.index(name) for name in group.first_level]] += by
        people.append(one.under(Gaussian(mean, one.prior.covariance)))
    return tuple(people)


def _first_inversion(subjects: Sequence[dcm.Subject], first_level: dcm.Settings) -> tuple[dcm.Posterior, ...]:
    results = dcm.invert_cohort(subjects, first_level)
    failed = [one for one in results if isinstance(one, dcm.Failure)]
    if failed:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in failed[:6])
        raise PebError(f"the first inversion left no posterior to go on from: {reasons}; leave these participants out")
    return tuple(one for one in results if isinstance(one, dcm.Posterior))


def _invert_again(
    subjects: Sequence[dcm.Subject],
    posteriors: Sequence[dcm.Posterior],
    people: Sequence[Estimate],
    first_level: dcm.Settings,
) -> tuple[tuple[dcm.Posterior, ...], tuple[dcm.Failure, ...]]:
    """Everyone under the empirical prior, from the last mode; who fails keeps the last posterior."""
    empirical = {one.name: one.prior for one in people}
    again = [
        replace(one, prior=_full(last.prior, last.free, empirical[one.name]), start=last.mean)
        for one, last in zip(subjects, posteriors, strict=True)
    ]
    results = dcm.invert_cohort(again, first_level)
    failures = tuple(one for one in results if isinstance(one, dcm.Failure))
    pairs = zip(results, posteriors, strict=True)
    return tuple(last if isinstance(one, dcm.Failure) else one for one, last in pairs), failures


def _round(
    group: GroupPosterior,
    people: Sequence[Estimate],
    subjects: Sequence[dcm.Subject],
    posteriors: Sequence[dcm.Posterior],
    failures: tuple[dcm.Failure, ...],
    moved: float,
) -> Round:
    reduced = {one.name: one.free_energy for one in people}
    failed = {one.name for one in failures}
    error = sum(
        found.free_energy - reduced[one.name]
        for one, found in zip(subjects, posteriors, strict=True)
        if one.name not in failed
    )
    return Round(group.free_energy, group.free_energy + error, failures, group.mean, moved)


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
    names = [one.name for one in subjects]
    repeated = [one for one in names if names.count(one) > 1]
    odd = repeated or sorted(set(names) ^ set(design.participants))
    if odd:
        raise PebError(f"subjects and design must have the same names, each once; see {some(sorted(set(odd)))}")
    if first_level.as_spm:
        raise PebError("rounds compare by F only with the noise at its optimum; give first_level noise='ar1'")
    if max_rounds < 1:
        raise PebError(f"max_rounds must be at least 1, not {max_rounds}")
    if not tolerance > 0:
        raise PebError(f"tolerance must be positive, not {tolerance}")
