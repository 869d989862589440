"""How many participants it takes: groups simulated from first-level uncertainty, analysed as the study's would be.

Estimates scatter about each participant's true values by their posterior standard deviations, every connection by
itself: what a first level that is too sure, or that can hardly tell connections apart, would do is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dcm import Progress, Spec
from peb import (
    MEAN,
    SMALLEST_EFFECT,
    Estimate,
    Gaussian,
    NormalMixture,
    PebError,
    PebSettings,
    Verdict,
    arms_from_separate_groups,
    change,
    fit,
    fit_each_level,
    make_design,
    verdict,
)

from ..study import MAIN
from ._datasets import CalibrationRun
from ._parameter_recovery import percent_with_error
from ._simulation_design import GroupQuestion

EFFECTS = (0.25, 0.5, 1.0)  # Hz
USUAL_SIZES = (12, 24, 40, 60)  # participants, in addition to the study's own number
USUAL_GROUPS = 40  # simulated of each kind


@dataclass(frozen=True)
class Power:
    """What groups of one size answer.

    Fields:
        n: participants.
        effect: true effect on one connection, Hz.
        power, power_se: percent of groups in which that connection is called, with the right sign.
        false, false_se: percent of groups without any effect in which some connection is called.
        none: percent of groups with the effect that answer "no difference" of 0.5 Hz or more.
        groups: how many were simulated of each.
    """

    n: int
    effect: float
    power: float
    power_se: float
    false: float
    false_se: float
    none: float
    groups: int


@dataclass(frozen=True, eq=False)
class FirstLevelPrecision:
    """What participants' estimates look like.

    Fields:
        parameters: names of the changes (B).
        sd: (dataset, parameter) posterior standard deviations, Hz.
        mean, variance: (parameter,) of the prior.
    """

    parameters: tuple[str, ...]
    sd: Float[np.ndarray, "dataset parameter"]
    mean: Float[np.ndarray, "parameter"]
    variance: Float[np.ndarray, "parameter"]


def measure_power(
    run: CalibrationRun,
    seed: int,
    groups: int = USUAL_GROUPS,
    sizes: Sequence[int] = USUAL_SIZES,
    on_progress: Progress | None = None,
) -> list[Power]:
    """Power and false alarms at the study's number of participants and at others; none where nothing changes (B).

    Arguments:
        groups: simulated at every point; none where 0.
        sizes: numbers of participants in addition to the study's own.
    """
    precision = first_level_precision(run)
    if precision is None or not groups:
        return []
    question = run.design.question
    sizes = sorted({question.participants, *sizes})
    total, done = len(sizes) * (1 + len(EFFECTS)) * groups, 0
    found = []
    for n in sizes:
        counts = _arm_sizes(question, n)
        answers_by_effect: dict[float, np.ndarray] = {}  # (group, answer): right, anything called, no difference
        for place, effect in enumerate((0.0, *EFFECTS)):
            answers = []
            for group in range(groups):
                random = np.random.default_rng([seed, n, place, group])
                settings = PebSettings(run.mode.settings.compat)
                answers.append(_simulate_group(precision, question, counts, effect, settings, random))
                done += 1
                if on_progress is not None:
                    on_progress(done, total)
            answers_by_effect[effect] = np.array(answers)
        own = np.arange(groups)
        false, false_se = percent_with_error(answers_by_effect[0.0][:, 1], own)
        for effect in EFFECTS:
            power, power_se = percent_with_error(answers_by_effect[effect][:, 0], own)
            none = percent_with_error(answers_by_effect[effect][:, 2], own)[0]
            found.append(Power(n, effect, power, power_se, false, false_se, none, groups))
    return found


def first_level_precision(run: CalibrationRun) -> FirstLevelPrecision | None:
    """From the data sets of the main model; those of all ratios where several were simulated."""
    spec: Spec = run.design.spec
    density = run.mode.prior_of(spec)
    layout = spec.layout
    entries = np.array([i for i in density.free if layout.field_of(int(i)) == "B"], dtype=int)
    rows = []
    for dataset in run.datasets:
        found = dataset.inverted.get(MAIN)
        if dataset.cell.model == MAIN and found is not None and not found.failure:
            places = [found.free.index(entry) for entry in entries.tolist()]
            rows.append([found.sd[place] for place in places])
    if not entries.size or not rows:
        return None
    names = tuple(spec.parameter_names[i] for i in entries)
    return FirstLevelPrecision(names, np.array(rows), density.mean[entries], np.diag(density.covariance)[entries])


def _arm_sizes(question: GroupQuestion, n: int) -> tuple[int, ...]:
    """As many participants in arms of the study's proportions, 3 in each where there are so many."""
    if question.kind == "mean":
        return (n,)
    fewest = min(3, n // 2)
    first = min(max(round(n * question.sizes[0] / question.participants), fewest), n - fewest)
    return first, n - first


def _simulate_group(
    precision: FirstLevelPrecision,
    question: GroupQuestion,
    counts: Sequence[int],
    effect: float,
    settings: PebSettings,
    random: np.random.Generator,
) -> tuple[bool, bool, bool]:
    """Whether a group calls the connection that has an effect, rightly; whether any; and whether it says there is none.

    Which connection has the effect is drawn for each group.
    """
    planted = int(random.integers(len(precision.parameters)))
    arm = np.repeat(np.arange(len(counts)), counts)
    expected = np.zeros((arm.size, len(precision.parameters)))
    expected[:, planted] = effect * (0.5 - arm if question.kind == "arms" else 1.0)
    true = expected + question.spread * random.standard_normal(expected.shape)
    names = [f"sub-{i + 1:03d}" for i in range(arm.size)]
    estimates = list(_simulate_estimates(precision, question, names, true, random))
    try:
        effect_found = _group_effect(estimates, arm, settings)
    except PebError:
        return False, False, False
    above = effect_found.above_zero
    called: Verdict = verdict(above, effect_found.within(SMALLEST_EFFECT), size=SMALLEST_EFFECT)
    right = planted in called.which and bool(above[planted] > 0.5)
    return right, called.kind == "yes", called.kind == "no difference"


def _group_effect(
    estimates: Sequence[Estimate], arm: Int[np.ndarray, "participant"], settings: PebSettings
) -> NormalMixture:
    """The group's mean; or the first arm's minus the second's, by a group of each where participants are a mixture."""
    names = [estimate.name for estimate in estimates]
    design = make_design(names, {"arm": 0.5 - arm} if arm.any() else {}, centre=False)
    if arm.any() and settings.is_mixture:
        return arms_from_separate_groups(*fit_each_level(estimates, design, "arm", settings, parameters=["B"]), [MEAN])[
            0
        ].marginals[2]
    return fit(estimates, design, settings, parameters=["B"]).marginals[:, -1]


def _simulate_estimates(
    precision: FirstLevelPrecision,
    question: GroupQuestion,
    names: Sequence[str],
    true: Float[np.ndarray, "participant parameter"],
    random: np.random.Generator,
) -> Iterator[Estimate]:
    """Every participant's estimate: true value plus error, shrunk by the prior; or the difference of two visits'."""
    fields = ("B",) * len(precision.parameters)
    prior = Gaussian(precision.mean, np.diag(precision.variance))

    def visit(name: str, value: Float[np.ndarray, "parameter"]) -> Estimate:
        sd = precision.sd[int(random.integers(len(precision.sd)))]
        weight = np.clip(1 - sd**2 / precision.variance, 1e-6, 1.0)  # of the data in the posterior mean
        error = np.sqrt(sd**2 / weight) * random.standard_normal(value.size)
        mean = precision.mean + weight * (value + error - precision.mean)
        return Estimate(name, precision.parameters, fields, prior, Gaussian(mean, np.diag(sd**2)), 0.0)

    for name, value in zip(names, true, strict=True):
        if question.visits == 1:
            yield visit(name, value)
        else:
            before = precision.mean + question.spread * random.standard_normal(value.size)
            yield change(visit(name, before), visit(name, before + value), name)
