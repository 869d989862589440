"""The demo's group level: what treatment did on average, by arm and with improvement, beside what was planted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dcm import Failure, Posterior
from peb import (
    MEAN,
    ArmComparison,
    CrossValidation,
    Gaussian,
    GroupPosterior,
    PebSettings,
    SamplingSettings,
    fit,
    from_dcm,
    leave_one_out,
    make_design,
    sample,
)

from ._connection_names import connections
from ._estimates import pair_sessions
from ._group_arms import Arms, compare_arms
from ._peb_inputs import BETWEEN_PRIORS, GroupInputs
from ._recovery import Change, modulation_name
from ._trial import ARMS, FACES, Arm, Trial

SESSIONS = ("ses-1", "ses-2")
ARM, IMPROVEMENT = "arm", "improvement"
LEAST = 3  # participants of an arm: a line has two parameters

SETTINGS = PebSettings(noise_variance=BETWEEN_PRIORS["wide"], compat="exact")
"""SPM12's prior of the variance between participants expects changes to scatter far more than these do and is sure of
it; the wider one leaves it to the data. The page shows what either says."""
SAMPLING = SamplingSettings()


@dataclass(frozen=True, eq=False)
class GroupResult:
    """The group level of the demo.

    Fields:
        inputs: changes of B(faces) and the design.
        arms: both arms, by two roads and by sampling.
        left_out: improvement of each participant, told by the group of all others from connectivity.
        spm_prior: the group under SPM12's prior of the variance between participants.
        changes: of both connections in both arms, what was found and what was planted.
        planted_scatter: standard deviation of the changes about their lines, Hz.
    """

    inputs: GroupInputs
    arms: Arms
    left_out: CrossValidation
    spm_prior: GroupPosterior
    changes: tuple[Change, ...]
    planted_scatter: float

    @property
    def centre(self) -> float:
        """Average improvement, points; means of the arms are there."""
        return self.inputs.design.centres[IMPROVEMENT]

    def comparison(self, covariate: str) -> ArmComparison:
        """The arms beside each other in the one group."""
        return next(one for one in self.arms.together if one.covariate == covariate)

    def by_levels(self, covariate: str) -> ArmComparison:
        """The same by a third level over a group for each arm."""
        return next(one for one in self.arms.levels.comparisons if one.covariate == covariate)

    def of(self, to: str) -> tuple[Change, Change]:
        """Changes of the connection to a region, ketamine's first."""
        ketamine, midazolam = (change for change in self.changes if change.to == to)
        return ketamine, midazolam

    def planted(self, covariate: str, to: str) -> tuple[float, float, float]:
        """What was planted under ketamine, under midazolam, and the difference: Hz, or Hz per point of improvement."""
        first, second = (one.planted_mean if covariate == MEAN else one.planted_slope for one in self.of(to))
        return first, second, first - second


def analyse(
    trial: Trial, outcomes: Sequence[Posterior | Failure], progress: Callable[[str, int, int], None]
) -> GroupResult:
    """Fit the group to the changes of everybody who has two sessions, compare the arms, predict and check by sampling.

    Raises `ValueError` where fewer than three participants of an arm have both sessions.
    """
    progress("group level", 0, 3)
    inputs = _inputs(trial, outcomes)
    arms = compare_arms(inputs, ARM)
    progress("group level", 1, 3)
    narrow = replace(SETTINGS, noise_variance=BETWEEN_PRIORS["spm12"])
    spm_prior = fit(inputs.estimates, inputs.design, narrow, parameters=inputs.chosen)
    progress("group level", 2, 3)
    left_out = leave_one_out(inputs.estimates, inputs.design, SETTINGS, covariate=IMPROVEMENT, parameters=inputs.chosen)
    progress("group level", 3, 3)
    progress("check by sampling", 0, 1)
    drawn = sample(inputs.estimates, inputs.design, SETTINGS, SAMPLING, parameters=inputs.chosen)
    progress("check by sampling", 1, 1)
    return GroupResult(
        inputs,
        replace(arms, sampled=drawn),
        left_out,
        spm_prior,
        _changes(trial, inputs, arms.group),
        trial.design.scatter,
    )


def _inputs(trial: Trial, outcomes: Sequence[Posterior | Failure]) -> GroupInputs:
    visits = {visit.participant: visit for visit in trial.visits}
    pairs = zip(trial.visits, outcomes, strict=True)
    estimates = [from_dcm(visit.name, found) for visit, found in pairs if isinstance(found, Posterior)]
    changed, notes = pair_sessions(estimates, *SESSIONS)
    names = [one.name for one in changed]
    arms = [visits[name].arm for name in names]
    for arm in ARMS:
        if arms.count(arm) < LEAST:
            raise ValueError(f"only {arms.count(arm)} participants of the {arm} arm have both sessions; 3 are needed")
    improvement = [visits[name].improvement for name in names]
    design = make_design(names, {ARM: arms, IMPROVEMENT: improvement}, interactions=[(ARM, IMPROVEMENT)])
    return GroupInputs(tuple(changed), design, trial.spec, ("B",), SETTINGS, SESSIONS, tuple(notes), (), tuple(notes))


def _changes(trial: Trial, inputs: GroupInputs, group: GroupPosterior) -> tuple[Change, ...]:
    """Amygdala ← vmPFC first, the connection in which the arms were planted to differ."""
    vmpfc, amygdala = trial.spec.regions
    pairs = ((amygdala, vmpfc), (vmpfc, amygdala))
    return tuple(_change(trial, inputs, group, to, source, arm) for to, source in pairs for arm in ARMS)


def _change(trial: Trial, inputs: GroupInputs, group: GroupPosterior, to: str, source: str, arm: Arm) -> Change:
    name = modulation_name(to, source, trial.spec.inputs[FACES])
    visits = {(visit.participant, visit.session): visit for visit in trial.visits}
    rows = [i for i, who in enumerate(inputs.design.participants) if visits[who, 1].arm == arm]
    first, second = ([visits[inputs.design.participants[i], session] for i in rows] for session in (1, 2))
    place = trial.spec.parameter_names.index(name)
    planted = [
        np.asarray(trial.spec.layout.to_vector(after.planted))[place]
        - np.asarray(trial.spec.layout.to_vector(before.planted))[place]
        for before, after in zip(first, second, strict=True)
    ]
    alone = [inputs.estimates[i].select([name]).posterior for i in rows]
    return Change(
        to,
        source,
        arm,
        improvement=np.array([visit.improvement for visit in first]),
        mean=np.array([one.mean[0] for one in alone]),
        sd=np.array([one.sd[0] for one in alone]),
        in_group=np.array([group.participants[i].select([name]).posterior.mean[0] for i in rows]),
        planted=np.array(planted),
        planted_slope=trial.design.slope(trial.spec.regions.index(to), arm),
        centre=inputs.design.centres[IMPROVEMENT],
        effect=_of_arm(group, name, arm),
    )


def _of_arm(group: GroupPosterior, name: str, arm: Arm) -> Gaussian:
    """The posterior of an arm's mean and slope: β_mean ± β_arm and β_improvement ± β_arm×improvement."""
    column, kinds = next(iter(group.design.kinds.items()))
    sign = 1.0 if kinds[1] == arm else -1.0
    effect = group.parameters.index(name)
    covariates = (MEAN, column, IMPROVEMENT, f"{column}×{IMPROVEMENT}")
    places = np.array([group.places(covariate)[effect] for covariate in covariates])
    return group.posterior.marginal(places).transformed(np.array([[1.0, sign, 0.0, 0.0], [0.0, 0.0, 1.0, sign]]))


def place_of(comparison: ArmComparison, to: str) -> int:
    """Where the connection to a region is among the parameters compared."""
    return next(i for i, one in enumerate(connections(comparison.parameters)) if one.to == to)
