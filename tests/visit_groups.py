"""Participants who were seen at several visits, with means, effects and visits of their own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from peb import Design, Estimate, Gaussian


@dataclass(frozen=True)
class VisitData:
    """Estimates, a row of the design for each, and whose they are."""

    estimates: list[Estimate]
    design: Design
    owners: tuple[str, ...]

    def without(self, *names: str) -> VisitData:
        """The same but some visits."""
        kept = [i for i, estimate in enumerate(self.estimates) if estimate.name not in names]
        return VisitData(
            [self.estimates[i] for i in kept],
            self.design.rows([self.estimates[i].name for i in kept]),
            tuple(self.owners[i] for i in kept),
        )

    def with_covariates(self, *names: str) -> VisitData:
        """The same with some covariates of the design."""
        return VisitData(self.estimates, self.design.columns(names), self.owners)


def crossover(
    participants: int,
    *,
    seed: int = 0,
    means: float = 0.5,
    own: float = 0.25,
    error: tuple[float, float] = (0.15, 0.45),
    outlier: float = 0.0,
    effect: float = 0.0,
) -> VisitData:
    """A drug at the first visit of every second participant, at the second of the others; effects per ±1."""
    drug = np.array([[1.0, -1.0] if i % 2 else [-1.0, 1.0] for i in range(participants)])
    period = np.tile([-1.0, 1.0], (participants, 1))
    sequence = np.tile(drug[:, :1], (1, 2))
    columns = {"mean": np.ones_like(drug), "drug": drug, "period": period, "sequence": sequence}
    return _seen(columns, "drug", seed, means, own, error, outlier, effect, left=0.1)


def repeated_crossover(participants: int, within: str, *, seed: int = 0, own: float = 0.5) -> VisitData:
    """A drug at two of four visits, in the middle or outside, one connection; effects of the drug or of time differ."""
    drug = np.array([[-1.0, 1.0, 1.0, -1.0] if i % 2 else [1.0, -1.0, -1.0, 1.0] for i in range(participants)])
    times = np.tile(np.array([-3.0, -1.0, 1.0, 3.0]) / np.sqrt(5), (participants, 1))
    columns = {"mean": np.ones_like(drug), "drug": drug, "time": times}
    return _seen(columns, within, seed, 0.5, own, (0.15, 0.35), 0.0, 0.0, left=0.1, connections=1)


def longitudinal(
    participants: int,
    visits: int,
    *,
    connections: int = 2,
    seed: int = 0,
    own: float = 0.3,
    outlier: float = 0.0,
    missed: Collection[int] = (),
    correlation: float = 0.0,
) -> VisitData:
    """Two groups over time; visits by their number in all that are missed."""
    time = np.arange(visits) - (visits - 1) / 2
    times = np.tile(time / np.sqrt((time**2).mean()), (participants, 1))
    group = np.repeat(np.where(np.arange(participants) % 2, 1.0, -1.0)[:, None], visits, axis=1)
    columns = {"mean": np.ones_like(times), "time": times, "group": group, "group×time": group * times}
    made = _seen(
        columns, "time", seed, 0.5, own, (0.2, 0.4), outlier, 0.0, left=0.25, connections=connections, r=correlation
    )
    return made.without(*(made.estimates[i].name for i in missed))


def _seen(
    columns: dict[str, np.ndarray],
    within: str,
    seed: int,
    means: float,
    own: float,
    error: tuple[float, float],
    outlier: float,
    effect: float,
    *,
    left: float,
    connections: int = 2,
    r: float = 0.0,
) -> VisitData:
    rng, q = np.random.default_rng(seed), connections
    prior = Gaussian(np.zeros(q), np.eye(q))
    participants, visits = columns["mean"].shape
    estimates, owners = [], []
    for i in range(participants):
        mean, slope = means * rng.standard_normal(q) + 0.3, own * rng.standard_normal(q)
        slope[0] += effect + outlier * (i == 0)
        for v in range(visits):
            sd = rng.uniform(*error, q)
            noise = np.outer(sd, sd) * ((1 - r) * np.eye(q) + r)
            true = mean + slope * columns[within][i, v] + left * rng.standard_normal(q)
            data = rng.multivariate_normal(true, noise)
            covariance = np.linalg.inv(np.linalg.inv(noise) + np.eye(q))
            posterior = Gaussian(covariance @ np.linalg.solve(noise, data), (covariance + covariance.T) / 2)
            names = tuple(f"B{j}" for j in range(q))
            estimates.append(Estimate(f"sub-{i + 1:02d}_ses-{v + 1}", names, ("B",) * q, prior, posterior, 0.0))
            owners.append(f"sub-{i + 1:02d}")
    matrix = np.column_stack([column.ravel() for column in columns.values()])
    design = Design(tuple(estimate.name for estimate in estimates), tuple(columns), matrix)
    return VisitData(estimates, design, tuple(owners))
