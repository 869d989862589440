"""What an inversion found beside what was planted, visit by visit; what a group found, by arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from dcm import Posterior
from peb import Gaussian

from ._trial import Arm, Trial, Visit

LEVEL = 0.90  # of every interval
Z = float(stats.norm.ppf((1 + LEVEL) / 2))  # half-width of a posterior interval, in standard deviations


@dataclass(frozen=True, eq=False)
class Recovery:
    """Every free parameter of every inverted visit. Units: Hz for A and B between regions, see `dcm.Parameters`.

    Fields:
        names: of the parameters, such as ``A[vmPFC<-amygdala]``.
        free: (param,) their positions among all parameters of the model.
        visits: those that were inverted.
        planted, mean, sd: (visit, param) what made the data; the posterior's mean and standard deviation.
    """

    names: tuple[str, ...]
    free: Int[np.ndarray, "param"]
    visits: tuple[Visit, ...]
    planted: Float[np.ndarray, "visit param"]
    mean: Float[np.ndarray, "visit param"]
    sd: Float[np.ndarray, "visit param"]

    @property
    def covered(self) -> Bool[np.ndarray, "visit param"]:
        """Whether the 90 % interval holds the planted value."""
        inside: np.ndarray = np.abs(self.mean - self.planted) <= Z * self.sd
        return inside

    def column(self, name: str) -> int:
        """Position of a parameter."""
        return self.names.index(name)

    def coverage(self, names: Sequence[str] | None = None) -> float:
        """Share of 90 % intervals that hold the planted value, percent, over some or all parameters."""
        columns = [self.column(name) for name in (names or self.names)]
        return 100 * float(self.covered[:, columns].mean())

    def correlation(self, name: str) -> float:
        """Pearson's r of posterior means with planted values over visits."""
        column = self.column(name)
        return float(np.corrcoef(self.planted[:, column], self.mean[:, column])[0, 1])


@dataclass(frozen=True)
class Interval:
    """An estimate with its 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Change:
    """Session 2 − session 1 of B(faces) on one connection, Hz, for the participants of one arm.

    Fields:
        to, source: region names.
        arm: the treatment.
        improvement: (participant,) points.
        mean, sd: (participant,) posterior mean and standard deviation of the change, each participant alone.
        in_group: (participant,) posterior mean where the group is the prior.
        planted: (participant,) the change that was planted.
        planted_slope: Hz per point of improvement.
        centre: improvement at which the group's mean of the arm is, points.
        effect: the group's posterior of the arm's mean, Hz, and slope, Hz per point of improvement.
    """

    to: str
    source: str
    arm: Arm
    improvement: Float[np.ndarray, "participant"]
    mean: Float[np.ndarray, "participant"]
    sd: Float[np.ndarray, "participant"]
    in_group: Float[np.ndarray, "participant"]
    planted: Float[np.ndarray, "participant"]
    planted_slope: float
    centre: float
    effect: Gaussian

    @property
    def connection(self) -> str:
        """Such as ``amygdala ← vmPFC``."""
        return f"{self.to} ← {self.source}"

    @property
    def planted_mean(self) -> float:
        """What was planted in a participant of average improvement, Hz."""
        return self.planted_slope * self.centre

    @property
    def average(self) -> Interval:
        """The arm's mean at average improvement, by the group, Hz."""
        value, half = float(self.effect.mean[0]), Z * float(self.effect.sd[0])
        return Interval(value, value - half, value + half)

    def line(self, improvement: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The group's mean and standard deviation of an arm's change at some values of improvement, Hz."""
        found = np.column_stack([np.ones(improvement.size), improvement - self.centre])
        variance = np.einsum("ij,jk,ik->i", found, self.effect.covariance, found)
        return found @ self.effect.mean, np.sqrt(variance)


def recover(trial: Trial, posteriors: Sequence[Posterior | None]) -> Recovery:
    """Planted and found parameters of the visits that have a posterior; posteriors in the order of the visits."""
    pairs = [(visit, found) for visit, found in zip(trial.visits, posteriors, strict=True) if found is not None]
    if not pairs:
        raise ValueError("no visit was inverted; the page would have nothing to show")
    free = pairs[0][1].free
    planted = [np.asarray(trial.spec.layout.to_vector(visit.planted))[free] for visit, _ in pairs]
    return Recovery(
        names=pairs[0][1].names,
        free=free,
        visits=tuple(visit for visit, _ in pairs),
        planted=np.stack(planted),
        mean=np.stack([found.mean[free] for _, found in pairs]),
        sd=np.stack([np.sqrt(np.diag(found.covariance)) for _, found in pairs]),
    )


def modulation_name(to: str, source: str, modulator: str) -> str:
    """The name of a B parameter, as in `Recovery.names`."""
    return f"B[{to}<-{source}, {modulator}]"
