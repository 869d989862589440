"""What a study estimated and what was planted: every parameter of every visit, and the comparison of the arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from dcm import Posterior
from peb import MEAN, ArmComparison, Estimate, GroupPosterior, NormalMixture, PebSettings, make_design

from ..group import MIN_ARM_SIZE, ArmAnalysis, GroupInputs, arm_records, compare_arms, judge_arms, pair_sessions
from ..page import AnalysisReport
from ..results import LEVEL, Z, connections
from ..verdicts import Verdict
from ._planted_truth import PlantedTruth
from ._study_design import SESSIONS

COVERAGE_TOLERANCE = 5.0  # percent; intervals that hold the truth so much more or less often are good enough


@dataclass(frozen=True, eq=False)
class RecoveredParameters:
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
        names = [visit.split("_")[0] for visit in self.visits]
        means = [self.covered[[name == own for own in names]].mean() for name in dict.fromkeys(names)]
        return 100 * float(np.std(means, ddof=1) / np.sqrt(len(means))) if len(means) > 1 else np.inf

    def is_calibrated(self) -> bool:
        """Whether nine in ten intervals hold the planted value, near enough or as far as chance lets tell."""
        off = abs(self.coverage() - 100 * LEVEL)
        return bool(off <= max(COVERAGE_TOLERANCE, 2 * self.coverage_error()))

    def correlation(self, name: str) -> float:
        """Pearson's r of posterior means with planted values over visits."""
        column = self.column(name)
        return float(np.corrcoef(self.planted[:, column], self.mean[:, column])[0, 1])

    def average(self, name: str) -> tuple[float, float]:
        """Mean over visits of what was planted and of what was found."""
        column = self.column(name)
        return float(self.planted[:, column].mean()), float(self.mean[:, column].mean())


@dataclass(frozen=True, eq=False)
class ArmChange:
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

    def posterior_at(self, improvement: Float[np.ndarray, "point"]) -> NormalMixture:
        """The group's posterior of the arm's change at some values of improvement, Hz, each by itself."""
        place = self.group.parameters.index(self.parameter)
        weights = np.column_stack([np.ones(improvement.size), improvement - self.centre]) @ self.weights
        found = [self.group.contrast(row)[place] for row in weights]
        parts = (np.stack([getattr(posterior, part) for posterior in found]) for part in ("weight", "means", "sds"))
        return NormalMixture(*parts)


def recover_parameters(
    connectivity: Mapping[str, Mapping[str, float]], posteriors: Mapping[str, Posterior]
) -> RecoveredParameters:
    """Planted and found parameters of the visits that have a posterior and a truth.

    Arguments:
        connectivity: visit → parameter → what was planted.
        posteriors: by visit.

    Raises `ValueError` where there is none, or where the model has a parameter that was not planted.
    """
    visits = [visit for visit in posteriors if visit in connectivity]
    if not visits:
        raise ValueError("no visit of the synthetic study was inverted; there is nothing to hold against the truth")
    names = posteriors[visits[0]].names
    if extra := [name for name in names if name not in connectivity[visits[0]]]:
        raise ValueError(f"nothing is known of {extra[0]}: it is not part of the model that made the study")
    found = [posteriors[visit] for visit in visits]
    return RecoveredParameters(
        names=names,
        visits=tuple(visits),
        planted=np.array([[connectivity[visit][name] for name in names] for visit in visits]),
        mean=np.stack([posterior.mean[posterior.free] for posterior in found]),
        sd=np.stack([np.sqrt(np.diag(posterior.covariance)) for posterior in found]),
    )


ARM, IMPROVEMENT = "arm", "improvement"


@dataclass(frozen=True, eq=False)
class GroupRecovery:
    """The arms as found and as planted.

    Fields:
        arms: as `effconn peb arms` compares them.
        changes: of every parameter that treatment changes, in both arms.
        verdicts: (covariate, parameter) → whether the arms differ, as the study's own analysis says it.
    """

    arms: ArmAnalysis
    changes: tuple[ArmChange, ...]
    verdicts: Mapping[tuple[str, str], Verdict]

    @property
    def centre(self) -> float:
        """Average improvement, points; means of the arms are there."""
        return self.changes[0].centre

    def comparison(self, covariate: str) -> ArmComparison:
        """The arms and their difference, by the group or groups that answers are from."""
        return next(comparison for comparison in self.arms.judged if comparison.covariate == covariate)

    def changes_of(self, parameter: str) -> tuple[ArmChange, ArmChange]:
        """Changes of one parameter, the first arm's first."""
        first, second = (change for change in self.changes if change.parameter == parameter)
        return first, second

    def planted(self, covariate: str, parameter: str) -> tuple[float, float, float]:
        """What was planted in the arms, and the difference: Hz, or Hz per point of improvement."""
        first, second = (
            change.planted_mean if covariate == MEAN else change.planted_slope for change in self.changes_of(parameter)
        )
        return first, second, first - second


def recover_group(
    truth: PlantedTruth, posteriors: Mapping[str, Posterior], reported: Sequence[AnalysisReport] = ()
) -> GroupRecovery | None:
    """The changes of B and their group, by the settings of the study's own `[group.arms]`; None where an arm is too
    small to be compared.

    Verdicts are those of the analysis that was `reported`, where there is one: a question is answered once.
    """
    estimates = [Estimate.from_dcm(visit, found) for visit, found in posteriors.items() if visit in truth.connectivity]
    changed, notes = pair_sessions(estimates, *SESSIONS)
    names = [estimate.name for estimate in changed]
    if any(sum(truth.arm[name] == arm for name in names) < MIN_ARM_SIZE for arm in truth.arms):
        return None
    arm, improvement = ([changes_of[name] for name in names] for changes_of in (truth.arm, truth.improvement))
    design = make_design(names, {ARM: arm, IMPROVEMENT: improvement}, interactions=[(ARM, IMPROVEMENT)])
    spec = next(iter(posteriors.values())).spec
    inputs = GroupInputs(tuple(changed), design, spec, ("B",), PebSettings(), SESSIONS, tuple(notes), (), tuple(notes))
    arms = compare_arms(inputs, ARM, order=truth.arms)
    pairs = [(name, arm) for name in truth.modulations for arm in truth.arms]
    own = arm_records(inputs, arms, judge_arms(inputs, arms))
    tables = [records for report in reported for records in report.records if records.name == own.name]
    verdicts = {
        (row["covariate"], row["parameter"]): row["verdict"]
        for row in (tables or [own])[0].rows
        if row["verdict"] is not None
    }
    return GroupRecovery(arms, tuple(_arm_change(truth, changed, arms, name, arm) for name, arm in pairs), verdicts)


def _arm_change(truth: PlantedTruth, changed: list[Estimate], arms: ArmAnalysis, parameter: str, arm: str) -> ArmChange:
    rows = [i for i, estimate in enumerate(changed) if truth.arm[estimate.name] == arm]
    participants = [changed[i].name for i in rows]
    alone = [changed[i].select([parameter]).posterior for i in rows]
    (connection,) = connections([parameter])
    return ArmChange(
        parameter,
        connection.to,
        connection.source,
        arm,
        improvement=np.array([truth.improvement[name] for name in participants]),
        mean=np.array([posterior.mean[0] for posterior in alone]),
        sd=np.array([posterior.sd[0] for posterior in alone]),
        in_group=np.array([arms.group.participants[i].select([parameter]).posterior.mean[0] for i in rows]),
        planted=np.array([truth.change(name, parameter) for name in participants]),
        planted_slope=truth.slopes[parameter, arm],
        centre=arms.group.design.centres[IMPROVEMENT],
        group=arms.group,
        weights=_arm_weights(arms, arm),
    )


def _arm_weights(arms: ArmAnalysis, arm: str) -> Float[np.ndarray, "2 covariate"]:
    """Of an arm's mean and slope: β_mean ± β_arm and β_improvement ± β_arm×improvement."""
    sign = arms.sign if arm == arms.names[0] else -arms.sign
    design = arms.group.design
    weights = np.zeros((2, len(design.covariates)))
    for row, (shared, product) in enumerate(((MEAN, arms.column), (IMPROVEMENT, f"{arms.column}×{IMPROVEMENT}"))):
        weights[row, design.column(shared)] = 1.0
        weights[row, design.column(product)] = sign
    return weights
