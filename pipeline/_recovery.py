"""What an inversion found beside what was planted, and descriptive summaries by arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from dcm import Posterior

from ._trial import ARMS, FACES, Arm, Trial, Visit

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

    @property
    def excludes_zero(self) -> bool:
        """Whether both ends lie on the same side of zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, eq=False)
class Change:
    """Session 2 − session 1 of B(faces) on one connection, Hz, for the participants of one arm.

    Fields:
        to, source: region names.
        arm: the treatment.
        improvement: (participant,) points.
        mean, sd: (participant,) posterior mean and standard deviation of the change.
        planted: (participant,) the change that was planted.
        planted_slope: Hz per point of improvement.
    """

    to: str
    source: str
    arm: Arm
    improvement: Float[np.ndarray, "participant"]
    mean: Float[np.ndarray, "participant"]
    sd: Float[np.ndarray, "participant"]
    planted: Float[np.ndarray, "participant"]
    planted_slope: float

    @property
    def average(self) -> Interval:
        """Mean over participants, its interval from their spread (Student's t)."""
        n = self.mean.size
        half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * self.mean.std(ddof=1) / np.sqrt(n)
        centre = float(self.mean.mean())
        return Interval(centre, centre - float(half), centre + float(half))

    @property
    def slope(self) -> Interval:
        """Least-squares slope on improvement, Hz per point."""
        fit = stats.linregress(self.improvement, self.mean)
        half = stats.t.ppf((1 + LEVEL) / 2, self.mean.size - 2) * fit.stderr
        return Interval(float(fit.slope), float(fit.slope - half), float(fit.slope + half))

    def line(self, improvement: np.ndarray) -> np.ndarray:
        """The least-squares line, Hz."""
        found: np.ndarray = self.mean.mean() + self.slope.value * (improvement - self.improvement.mean())
        return found


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


def difference(first: Change, second: Change) -> Interval:
    """Mean change in the first arm minus that in the second, Hz, with Welch's interval."""
    found = stats.ttest_ind(first.mean, second.mean, equal_var=False).confidence_interval(LEVEL)
    return Interval(float(first.mean.mean() - second.mean.mean()), float(found.low), float(found.high))


def modulation_name(to: str, source: str, modulator: str) -> str:
    """The name of a B parameter, as in `Recovery.names`."""
    return f"B[{to}<-{source}, {modulator}]"


def changes(trial: Trial, recovery: Recovery) -> list[Change]:
    """Changes of both connections in both arms, over participants with both sessions inverted."""
    vmpfc, amygdala = trial.spec.regions
    pairs = ((amygdala, vmpfc), (vmpfc, amygdala))
    return [_change(trial, recovery, to, source, arm) for to, source in pairs for arm in ARMS]


def _change(trial: Trial, recovery: Recovery, to: str, source: str, arm: Arm) -> Change:
    column = recovery.column(modulation_name(to, source, trial.spec.inputs[FACES]))
    rows = {(visit.participant, visit.session): row for row, visit in enumerate(recovery.visits) if visit.arm == arm}
    both = [name for name, session in rows if session == 1 and (name, 2) in rows]
    if len(both) < 3:
        raise ValueError(f"only {len(both)} participants of the {arm} arm have both sessions; 3 are needed")
    before, after = (np.array([rows[name, session] for name in both]) for session in (1, 2))
    return Change(
        to,
        source,
        arm,
        improvement=np.array([recovery.visits[row].improvement for row in before]),
        mean=recovery.mean[after, column] - recovery.mean[before, column],
        sd=np.hypot(recovery.sd[before, column], recovery.sd[after, column]),  # sessions are inverted apart
        planted=recovery.planted[after, column] - recovery.planted[before, column],
        planted_slope=trial.design.slope(trial.spec.regions.index(to), arm),
    )
