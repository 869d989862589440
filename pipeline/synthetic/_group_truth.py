"""The arm comparison of a synthetic study once more, with everything that pictures of the truth need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dcm import Posterior
from peb import MEAN, ArmComparison, Estimate, PebSettings, make_design

from ..group import LEAST, Arms, GroupInputs, arm_records, compare_arms, judge_arms, pair_sessions
from ..page import Delivery
from ..results import connections
from ..verdicts import Verdict
from ._design import SESSIONS
from ._recovered import Change
from ._truth import Truth

ARM, IMPROVEMENT = "arm", "improvement"


@dataclass(frozen=True, eq=False)
class GroupTruth:
    """The arms as found and as planted.

    Fields:
        arms: as `effconn peb arms` compares them.
        changes: of every parameter that treatment changes, in both arms.
        verdicts: (covariate, parameter) → whether the arms differ, as the study's own analysis says it.
    """

    arms: Arms
    changes: tuple[Change, ...]
    verdicts: Mapping[tuple[str, str], Verdict]

    @property
    def centre(self) -> float:
        """Average improvement, points; means of the arms are there."""
        return self.changes[0].centre

    def comparison(self, covariate: str) -> ArmComparison:
        """The arms beside each other, by the group or groups that answers are from."""
        return next(comparison for comparison in self.arms.answering if comparison.covariate == covariate)

    def of(self, parameter: str) -> tuple[Change, Change]:
        """Changes of one parameter, the first arm's first."""
        first, second = (change for change in self.changes if change.parameter == parameter)
        return first, second

    def planted(self, covariate: str, parameter: str) -> tuple[float, float, float]:
        """What was planted in the arms, and the difference: Hz, or Hz per point of improvement."""
        first, second = (
            change.planted_mean if covariate == MEAN else change.planted_slope for change in self.of(parameter)
        )
        return first, second, first - second


def group_truth(
    truth: Truth, posteriors: Mapping[str, Posterior], delivered: Sequence[Delivery] = ()
) -> GroupTruth | None:
    """The changes of B and their group, by the settings of the study's own `[group.arms]`; None where an arm is too
    small to be compared.

    Verdicts are those of the analysis that was `delivered`, where there is one: a question is answered once.
    """
    estimates = [Estimate.from_dcm(visit, found) for visit, found in posteriors.items() if visit in truth.connectivity]
    changed, notes = pair_sessions(estimates, *SESSIONS)
    names = [estimate.name for estimate in changed]
    if any(sum(truth.arm[name] == arm for name in names) < LEAST for arm in truth.arms):
        return None
    arm, improvement = ([of[name] for name in names] for of in (truth.arm, truth.improvement))
    design = make_design(names, {ARM: arm, IMPROVEMENT: improvement}, interactions=[(ARM, IMPROVEMENT)])
    spec = next(iter(posteriors.values())).spec
    inputs = GroupInputs(tuple(changed), design, spec, ("B",), PebSettings(), SESSIONS, tuple(notes), (), tuple(notes))
    arms = compare_arms(inputs, ARM, order=truth.arms)
    pairs = [(name, arm) for name in truth.modulations for arm in truth.arms]
    own = arm_records(inputs, arms, judge_arms(inputs, arms))
    tables = [records for delivery in delivered for records in delivery.records if records.name == own.name]
    verdicts = {
        (row["covariate"], row["parameter"]): row["verdict"]
        for row in (tables or [own])[0].rows
        if row["verdict"] is not None
    }
    return GroupTruth(arms, tuple(_change(truth, changed, arms, name, arm) for name, arm in pairs), verdicts)


def _change(truth: Truth, changed: list[Estimate], arms: Arms, parameter: str, arm: str) -> Change:
    rows = [i for i, estimate in enumerate(changed) if truth.arm[estimate.name] == arm]
    people = [changed[i].name for i in rows]
    alone = [changed[i].select([parameter]).posterior for i in rows]
    (connection,) = connections([parameter])
    return Change(
        parameter,
        connection.to,
        connection.source,
        arm,
        improvement=np.array([truth.improvement[name] for name in people]),
        mean=np.array([posterior.mean[0] for posterior in alone]),
        sd=np.array([posterior.sd[0] for posterior in alone]),
        in_group=np.array([arms.group.participants[i].select([parameter]).posterior.mean[0] for i in rows]),
        planted=np.array([truth.change(name, parameter) for name in people]),
        planted_slope=truth.slopes[parameter, arm],
        centre=arms.group.design.centres[IMPROVEMENT],
        group=arms.group,
        weights=_weights(arms, arm),
    )


def _weights(arms: Arms, arm: str) -> Float[np.ndarray, "2 covariate"]:
    """Of an arm's mean and slope: β_mean ± β_arm and β_improvement ± β_arm×improvement."""
    sign = arms.sign if arm == arms.names[0] else -arms.sign
    design = arms.group.design
    weights = np.zeros((2, len(design.covariates)))
    for row, (shared, product) in enumerate(((MEAN, arms.column), (IMPROVEMENT, f"{arms.column}×{IMPROVEMENT}"))):
        weights[row, design.column(shared)] = 1.0
        weights[row, design.column(product)] = sign
    return weights
