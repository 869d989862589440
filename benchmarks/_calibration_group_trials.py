"""Groups of Gaussian first-level estimates in two arms, with some participants far off, and what a fit says of them.

Each participant has a change of q connections: a mean, an arm's effect, nothing of a score or its product with the arm,
and a part of its own (SD between participants). The estimate is the change plus an error whose SD is drawn for each
participant and connection (0.15 to 0.45 Hz in each of two sessions). The question is the difference between arms, δ.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from peb import (
    Design,
    Estimate,
    Gaussian,
    NormalMixture,
    PebSettings,
    arms_from_separate_groups,
    fit,
    fit_each_level,
)

People = Literal["clean", "+3 Hz", "+6 Hz", "t3", "unequal"]
PRIOR_VARIANCE = 2.0  # Hz², of a change: 1 for each session
ERROR = (0.15, 0.45)  # Hz, SD of a session's estimate
MEANS = (0.4, -0.2)
WIDER = 3.0  # times, the second arm's SD over the first's, where arms are unequal
OUTLIER = {"+3 Hz": 3.0, "+6 Hz": 6.0}


@dataclass(frozen=True)
class TrialCell:
    """One kind of study.

    Fields:
        arms: participants in each.
        spread: SD between participants, Hz; where arms are unequal, its root mean square over arms.
        people: how they lie about their arm's mean; an outlier is added to connection 0 of the first person.
        connections: q.
        effect: δ of connection 0, Hz.
    """

    arms: tuple[int, int]
    spread: float
    people: People = "clean"
    connections: int = 2
    effect: float = 0.0

    @property
    def name(self) -> str:
        """Such as ``21 (16 v 5), SD 0.35, +3 Hz``."""
        n = sum(self.arms)
        split = "" if abs(self.arms[0] - self.arms[1]) < 2 else f" ({self.arms[0]} v {self.arms[1]})"
        return f"{n}{split}, SD {self.spread:g}, {self.people}"


@dataclass(frozen=True, eq=False)
class Answers:
    """What fits of many studies of one kind say of δ, (study, connection) each.

    Fields:
        above: P(δ > 0).
        small: P(|δ| < 0.5 Hz).
        low, high: of the 90 % interval.
        seconds: of a fit, the least: others may be computing too.
    """

    above: np.ndarray
    small: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seconds: float


def answers(cell: TrialCell, studies: int, seed: int, settings: PebSettings) -> Answers:
    """Simulate and fit."""
    found, seconds = [], []
    for estimates, design in _studies(cell, studies, seed):
        begin = time.perf_counter()
        one = difference(estimates, design, cell, settings)
        found.append((one.above_zero, one.within(0.5), *one.interval(0.9).T))
        seconds.append(time.perf_counter() - begin)
    above, small, low, high = (np.array(part) for part in zip(*found, strict=True))
    return Answers(above, small, low, high, min(seconds))


def difference(estimates: list[Estimate], design: Design, cell: TrialCell, settings: PebSettings) -> NormalMixture:
    """δ of every connection, from a group of each arm where participants are a mixture."""
    if not settings.is_mixture:
        return fit(estimates, design, settings).contrast(np.array([0.0, 2.0, 0.0, 0.0]))
    return arms_from_separate_groups(*fit_each_level(estimates, design, design.covariates[1], settings), ["mean"])[
        0
    ].marginals[2]


def _studies(cell: TrialCell, studies: int, seed: int) -> Iterator[tuple[list[Estimate], Design]]:
    rng = np.random.default_rng([seed, *cell.arms, int(1000 * cell.spread), cell.connections, len(cell.people)])
    n, q = sum(cell.arms), cell.connections
    arm = np.repeat([1.0, -1.0], cell.arms)
    names, parameters = tuple(f"sub-{i + 1:02d}" for i in range(n)), tuple(f"B{j}" for j in range(q))
    prior = Gaussian(np.zeros(q), PRIOR_VARIANCE * np.eye(q))
    for _ in range(studies):
        score = rng.normal(0, 8, n)
        score -= score.mean()
        X = np.column_stack([np.ones(n), arm, score, arm * score])
        own = rng.standard_t(3, (n, q)) / np.sqrt(3) if cell.people == "t3" else rng.standard_normal((n, q))
        sd = np.full(n, cell.spread)
        if cell.people == "unequal":
            sd = cell.spread * np.where(arm > 0, 1.0, WIDER) / np.sqrt((1 + WIDER**2) / 2)
        true = np.resize(MEANS, q) + sd[:, None] * own
        true[:, 0] += cell.effect * arm / 2
        true[0, 0] += OUTLIER.get(cell.people, 0.0)
        error = np.sqrt(2) * rng.uniform(*ERROR, (n, q))
        data = true + error * rng.standard_normal((n, q))
        variance = 1 / (1 / error**2 + 1 / PRIOR_VARIANCE)
        mean = variance * data / error**2
        estimates = [
            Estimate(name, parameters, ("B",) * q, prior, Gaussian(mean[i], np.diag(variance[i])), 0.0)
            for i, name in enumerate(names)
        ]
        yield estimates, Design(names, ("mean", "arm", "score", "arm×score"), X)
