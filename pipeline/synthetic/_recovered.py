"""What a study found beside what was planted: every parameter of every visit, and every change by arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from dcm import Posterior
from peb import GroupPosterior, NormalMixture

from ..results import Z
from ._truth import Truth


@dataclass(frozen=True, eq=False)
class Recovered:
    """Every free parameter of every inverted visit. Units: Hz for A and B between regions, see `dcm.Parameters`.

    Fields:
        names: of the parameters, such as ``A[vmPFC<-amygdala]``.
        visits: those that were inverted, such as ``sub-01_ses-1``.
        planted, mean, sd: (visit, param) what made the data; the posterior's mean and standard deviation.
    """

    names: tuple[str, ...]
    visits: tuple[str, ...]
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

    def coverage_error(self) -> float:
        """Standard error of `coverage`, percent: visits of one participant are not independent, participants are."""
        person = [visit.split("_")[0] for visit in self.visits]
        means = [self.covered[[who == participant for who in person]].mean() for participant in dict.fromkeys(person)]
        return 100 * float(np.std(means, ddof=1) / np.sqrt(len(means))) if len(means) > 1 else np.inf

    def correlation(self, name: str) -> float:
        """Pearson's r of posterior means with planted values over visits."""
        column = self.column(name)
        return float(np.corrcoef(self.planted[:, column], self.mean[:, column])[0, 1])

    def average(self, name: str) -> tuple[float, float]:
        """Mean over visits of what was planted and of what was found."""
        column = self.column(name)
        return float(self.planted[:, column].mean()), float(self.mean[:, column].mean())


@dataclass(frozen=True, eq=False)
class Change:
    """Session 2 − session 1 of B(faces) on one connection, Hz, for the participants of one arm.

    Fields:
        parameter: such as ``B[amygdala<-vmPFC, faces]``.
        to, source: region names.
        arm: the treatment.
        improvement: (participant,) points.
        mean, sd: (participant,) posterior mean and standard deviation of the change, each participant alone.
        in_group: (participant,) posterior mean where the group is the prior.
        planted: (participant,) the change that was planted.
        planted_slope: Hz per point of improvement.
        centre: improvement at which the group's mean of the arm is, points.
        group: the group that both arms are in.
        weights: (2, covariate) of the group's effects in the arm's mean and in its slope.
    """

    parameter: str
    to: str
    source: str
    arm: str
    improvement: Float[np.ndarray, "participant"]
    mean: Float[np.ndarray, "participant"]
    sd: Float[np.ndarray, "participant"]
    in_group: Float[np.ndarray, "participant"]
    planted: Float[np.ndarray, "participant"]
    planted_slope: float
    centre: float
    group: GroupPosterior
    weights: Float[np.ndarray, "2 covariate"]

    @property
    def connection(self) -> str:
        """Such as ``amygdala ← vmPFC``."""
        return f"{self.to} ← {self.source}"

    @property
    def planted_mean(self) -> float:
        """What was planted in a participant of average improvement, Hz."""
        return self.planted_slope * self.centre

    def at(self, improvement: Float[np.ndarray, "point"]) -> NormalMixture:
        """The group's posterior of the arm's change at some values of improvement, Hz, each by itself."""
        place = self.group.parameters.index(self.parameter)
        weights = np.column_stack([np.ones(improvement.size), improvement - self.centre]) @ self.weights
        found = [self.group.contrast(row)[place] for row in weights]
        parts = (np.stack([getattr(posterior, part) for posterior in found]) for part in ("weight", "means", "sds"))
        return NormalMixture(*parts)


def recover(truth: Truth, posteriors: Mapping[str, Posterior]) -> Recovered:
    """Planted and found parameters of the visits that have a posterior and a truth.

    Raises `ValueError` where there is none, or where the model has a parameter that was not planted.
    """
    visits = [visit for visit in posteriors if visit in truth.connectivity]
    if not visits:
        raise ValueError("no visit of the synthetic study was inverted; there is nothing to hold against the truth")
    names = posteriors[visits[0]].names
    if extra := [name for name in names if name not in truth.connectivity[visits[0]]]:
        raise ValueError(f"nothing is known of {extra[0]}: it is not part of the model that made the study")
    found = [posteriors[visit] for visit in visits]
    return Recovered(
        names=names,
        visits=tuple(visits),
        planted=np.array([[truth.connectivity[visit][name] for name in names] for visit in visits]),
        mean=np.stack([posterior.mean[posterior.free] for posterior in found]),
        sd=np.stack([np.sqrt(np.diag(posterior.covariance)) for posterior in found]),
    )
