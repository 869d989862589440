"""Crossovers and longitudinal studies: participants who were seen at several visits, and what groups say of them.

Each participant has a mean and effects of its own of what differs between visits, and each visit something that is left
and an estimate whose error is drawn for each visit and connection. There is no effect of anything but where one is
planted. A study is analysed by three levels (`peb.fit_visits`), or by two: each participant's contrast of visits
(`peb.combine_visits`) and a group of these.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from peb import Design, Estimate, Gaussian, GroupPosterior, NormalMixture, combine_visits, fit, fit_visits

Kind = Literal["crossover", "repeated crossover", "longitudinal"]
Levels = Literal["three levels", "two levels", "no own effects"]
ERROR = (0.15, 0.45)  # Hz, SD of a visit's estimate
UNEQUAL = (0.15, 0.45)  # Hz, the same where every second visit's is three times the other's
MEAN, MEANS, LEFT = (0.3, 0.5, 0.2)  # Hz: of all, SD of participants' means, of what is left of a visit
CONNECTIONS = 2
VISITS: dict[Kind, int] = {"crossover": 2, "repeated crossover": 4, "longitudinal": 5}
ASKED: dict[Kind, tuple[str, ...]] = {
    "crossover": ("drug", "period", "sequence"),
    "repeated crossover": ("drug", "time", "sequence"),
    "longitudinal": ("time", "group×time", "group"),
}


@dataclass(frozen=True)
class VisitCell:
    """One kind of study.

    Fields:
        kind: a crossover of two visits (a drug at either, sequences AB and BA), or of four (ABBA and BAAB, over time),
            or five visits over time in two groups.
        participants: how many.
        own: SD over participants of their own effect: of drug − placebo, or of time (per SD of it), Hz.
        own_time: of four visits, SD of participants' own effect of time (per SD of it), Hz.
        tails: of participants' own effects: normal, or t-distributed (3 degrees of freedom).
        unequal: whether estimates of drug (or late) visits are three times as uncertain.
        missing: share of visits that were missed.
        outlier: Hz, added to the own effect of the first participant in connection 0.
        effect: of the drug, or of time, in connection 0, Hz.
    """

    kind: Kind
    participants: int
    own: float
    tails: Literal["normal", "t3"] = "normal"
    unequal: bool = False
    missing: float = 0.0
    outlier: float = 0.0
    effect: float = 0.0
    own_time: float = 0.0

    @property
    def name(self) -> str:
        """Such as ``crossover of 16, own 0.35, t3``, from which and a seed studies are drawn."""
        more = [f"of time {self.own_time:g}"] * (self.kind == "repeated crossover")
        more += [self.tails] * (self.tails != "normal") + ["SDs 1:3"] * self.unequal
        more += [f"{100 * self.missing:.0f} % missed"] * (self.missing > 0)
        more += [f"+{self.outlier:g} Hz"] * (self.outlier > 0) + [f"{self.effect:g} Hz planted"] * (self.effect > 0)
        return ", ".join([f"{self.kind} of {self.participants}", f"own {self.own:g}", *more])

    @property
    def asked(self) -> tuple[str, ...]:
        """Covariates whose effects are asked about."""
        return ASKED[self.kind]


class VisitStudy(NamedTuple):
    estimates: list[Estimate]
    design: Design
    owners: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class VisitAnswers:
    """What is said of every covariate asked about, (study, covariate, connection); seconds of a fit, the least."""

    above: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seconds: float


def visit_answers(cell: VisitCell, studies: int, seed: int, levels: Levels) -> VisitAnswers:
    """Simulate and fit. Effects are of drug − placebo, second − first period, and time per SD of it."""
    found, seconds = [], []
    for study in visit_studies(cell, studies, seed):
        begin = time.perf_counter()
        each = _densities(study, cell, levels)
        seconds.append(time.perf_counter() - begin)
        found.append([(own.above_zero, *own.interval(0.9).T) for own in each])
    above, low, high = np.moveaxis(np.array(found), 2, 0)
    return VisitAnswers(above, low, high, min(seconds))


def _densities(study: VisitStudy, cell: VisitCell, levels: Levels) -> list[NormalMixture]:
    if levels == "two levels":
        return _by_two_levels(study, cell)
    own = () if levels == "no own effects" else None
    group = fit_visits(study.estimates, study.design, study.owners, own=own)
    return [_effect(group, name, cell) for name in cell.asked]


def _effect(group: GroupPosterior, name: str, cell: VisitCell) -> NormalMixture:
    size = 2.0 if name in ("drug", "period", "sequence") else 1.0  # −1 and +1
    return group.contrast(size * (np.array(group.design.covariates) == name))


def _by_two_levels(study: VisitStudy, cell: VisitCell) -> list[NormalMixture]:
    """Each participant's contrast, and a group of them: the effects within participants alone."""
    named = {estimate.name: estimate for estimate in study.estimates}
    place = {name: row for row, name in enumerate(study.design.participants)}
    X, column = study.design.matrix, study.design.column
    contrasts, rows = [], []
    for owner in dict.fromkeys(study.owners):
        visits = [name for name, own in zip(study.design.participants, study.owners, strict=True) if own == owner]
        if len(visits) < 2:
            continue
        own = X[[place[name] for name in visits]]
        along = own[:, column("period" if cell.kind == "crossover" else "time")]
        along = along - along.mean()
        weights = 2 * along / (along @ along) if cell.kind == "crossover" else along / (along @ along)
        contrasts.append(combine_visits([named[name] for name in visits], weights, owner))
        rows.append([1.0, own[-1, column("drug")] if cell.kind == "crossover" else own[0, column("group")]])
    group = fit(contrasts, Design(tuple(own.name for own in contrasts), ("mean", "other"), np.array(rows)))
    found = [group.contrast(unit) for unit in np.eye(2)]
    return found[::-1] if cell.kind == "crossover" else found


def visit_studies(cell: VisitCell, studies: int, seed: int) -> Iterator[VisitStudy]:
    """Studies of one kind."""
    rng = np.random.default_rng([seed, cell.participants, int(1000 * cell.own), len(cell.name)])
    for _ in range(studies):
        yield _study(cell, rng)


def _study(cell: VisitCell, rng: np.random.Generator) -> VisitStudy:
    crossover, visits, q = cell.kind != "longitudinal", VISITS[cell.kind], CONNECTIONS
    prior = Gaussian(np.zeros(q), np.eye(q))
    parameters = tuple(f"B{j}" for j in range(q))
    times = np.arange(visits) - (visits - 1) / 2
    times = times / np.sqrt((times**2).mean())
    estimates, rows, owners, names = [], [], [], []
    for i in range(cell.participants):
        kind = 1.0 if i % 2 else -1.0  # the sequence or the group
        own = rng.standard_t(3, q) / np.sqrt(3) if cell.tails == "t3" else rng.standard_normal(q)
        effect = cell.own * own
        effect[0] += cell.effect + cell.outlier * (i == 0)
        mean = MEAN + MEANS * rng.standard_normal(q)
        slope = cell.own_time * rng.standard_normal(q) if cell.own_time else np.zeros(q)
        for v in range(visits):
            period = 2.0 * v - 1
            drug = kind * (period if visits == 2 else [-1.0, 1.0, 1.0, -1.0, 0.0][v])
            late = drug > 0 if crossover else v % 2 == 1
            error = np.full(q, UNEQUAL[int(late)]) if cell.unequal else rng.uniform(*ERROR, q)
            along = effect * (drug / 2 if crossover else times[v]) + slope * times[v]
            true = mean + along + LEFT * rng.standard_normal(q)
            data = true + error * rng.standard_normal(q)
            if rng.random() < cell.missing:
                continue
            variance = 1 / (1 / error**2 + 1)
            name = f"sub-{i + 1:02d}_ses-{v + 1}"
            posterior = Gaussian(variance * data / error**2, np.diag(variance))
            estimates.append(Estimate(name, parameters, ("B",) * q, prior, posterior, 0.0))
            order = period if visits == 2 else times[v]
            rows.append([1.0, drug, order, kind] if crossover else [1.0, times[v], kind * times[v], kind])
            owners.append(f"sub-{i + 1:02d}")
            names.append(name)
    return VisitStudy(estimates, Design(tuple(names), ("mean", *cell.asked), np.array(rows)), tuple(owners))
