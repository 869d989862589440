"""Whether what was planted was recovered: an answer to each question.

A connection is called by the one rule of `peb.verdict`, over all connections that the group was asked about, so that
this page and that of the analysis cannot differ.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from peb import MEAN, NormalMixture

from ..figures import signed_number
from ..page import Answer
from ..results import LEVEL, connections
from ..verdicts import Verdict, judge_effects
from ._planted_truth import PlantedTruth
from ._recovery import IMPROVEMENT, GroupRecovery, RecoveredParameters

RECOVERY_CORRELATION = 0.5  # correlation of found with planted values from which we speak of recovery
P_BELOW_ZERO = "P(difference\u00a0<\u00a00)"  # never broken
UNIT = {MEAN: ("Hz", 2), IMPROVEMENT: ("Hz per point of improvement", 3)}


def recovery_answers(
    truth: PlantedTruth, recovered: RecoveredParameters, group: GroupRecovery | None
) -> tuple[Answer, ...]:
    """Connectivity, then what the trial was for: the arms, and the link with improvement."""
    if group is None:
        return (_connectivity_answer(truth, recovered),)
    return (
        _connectivity_answer(truth, recovered),
        _arm_difference_answer(truth, group),
        _improvement_answer(truth, group),
        _other_connection_answer(truth, group),
    )


def verdict_of_signs(above_zero: Float[np.ndarray, "effect"], planted: dict[int, float]) -> Verdict:
    """Yes where all planted effects are called and have the planted sign, partly where some are; no where one is called
    that has the other sign; else open.

    Arguments:
        above_zero: P(effect > 0 | y) of all effects that were asked about.
        planted: place among them → what was planted, not 0.
    """
    called = judge_effects(above_zero, np.zeros_like(above_zero)).which
    right = [(above_zero[place] > 0.5) == (value > 0) for place, value in planted.items() if place in called]
    if not all(right):
        return "no"
    return "yes" if len(right) == len(planted) else "partly" if right else "open"


def verdict_of_sign(verdict: Verdict, found: float, planted: float) -> Verdict:
    """The verdict of the study's analysis on a difference; no where it is a yes with the wrong sign."""
    return "no" if verdict == "yes" and found * planted < 0 else verdict


def _connectivity_answer(truth: PlantedTruth, recovered: RecoveredParameters) -> Answer:
    names = truth.modulations
    r = [recovered.correlation(name) for name in names]
    coverage, error = recovered.coverage(), recovered.coverage_error()
    calibrated = recovered.is_calibrated()
    verdict: Verdict = (
        "yes"
        if calibrated and min(r) > RECOVERY_CORRELATION
        else "partly"
        if calibrated or min(r) > RECOVERY_CORRELATION
        else "no"
    )
    each = " and ".join(f"{value:.2f} ({_connection_wording(name)})" for value, name in zip(r, names, strict=True))
    averages = "; ".join(_average_wording(recovered, name) for name in names)
    return Answer(
        "Is the planted connectivity recovered from the images?",
        verdict,
        f"Estimated and planted effects of faces (B) correlate at r = {each}.",
        (
            f"{coverage:.0f} % (standard error {error:.0f}) of the 90 % intervals hold the planted value, over "
            f"{len(recovered.names)} parameters of {len(recovered.visits)} visits; of those of the effects of faces, "
            f"{recovered.coverage(names):.0f} %.",
            f"Averages over visits: {averages}. Priors shrink estimates towards zero.",
        ),
    )


def _arm_difference_answer(truth: PlantedTruth, group: GroupRecovery) -> Answer:
    """Whether the arms' mean changes differ in the connection where a difference was planted."""
    name, other = truth.modulations
    return Answer(
        "Does treatment change the connection differently in the two arms, as planted?",
        _verdict_of(group, MEAN, name),
        _difference_wording(group, MEAN, name),
        (
            _arms_wording(group, MEAN, name),
            f"The other direction, planted alike in both arms: {_difference_wording(group, MEAN, other)}",
        ),
    )


def _improvement_answer(truth: PlantedTruth, group: GroupRecovery) -> Answer:
    """Whether the change is related to improvement in the first arm only."""
    name, other = truth.modulations
    return Answer(
        f"Is that change related to improvement under {truth.arms[0]} only, as planted?",
        _verdict_of(group, IMPROVEMENT, name),
        _difference_wording(group, IMPROVEMENT, name),
        (
            _arms_wording(group, IMPROVEMENT, name),
            f"The other direction, planted alike in both arms: {_difference_wording(group, IMPROVEMENT, other)}",
        ),
    )


def _other_connection_answer(truth: PlantedTruth, group: GroupRecovery) -> Answer:
    """Whether the other connection's change is related to improvement in each arm."""
    name = truth.modulations[1]
    found, place = group.comparison(IMPROVEMENT), _position(group, name)
    above = np.array([found.beyond_zero.first[place], found.beyond_zero.second[place]])
    return Answer(
        f"Is the change of {_connection_wording(name)} related to improvement in both arms, as planted?",
        verdict_of_signs(above, dict(enumerate(group.planted(IMPROVEMENT, name)[:2]))),
        _arms_wording(group, IMPROVEMENT, name),
        (
            "; ".join(
                f"{arm}: P(slope\u00a0<\u00a00) {_probability_wording(1 - float(p))}"
                for arm, p in zip(found.arms, above, strict=True)
            )
            + ".",
        ),
    )


def _verdict_of(group: GroupRecovery, covariate: str, name: str) -> Verdict:
    found = float(group.comparison(covariate).difference.mean[_position(group, name)])
    return verdict_of_sign(group.verdicts[covariate, name], found, group.planted(covariate, name)[2])


def _difference_wording(group: GroupRecovery, covariate: str, name: str) -> str:
    """The difference of the arms with its interval, what was planted, and how sure its sign is."""
    found, place = group.comparison(covariate), _position(group, name)
    unit, digits = UNIT[covariate]
    first, second = found.arms
    return (
        f"{_connection_wording(name)}, {first} minus {second}: "
        f"{_interval_wording(found.marginals[2], place, covariate)}; planted "
        f"{signed_number(group.planted(covariate, name)[2], digits)} {unit}. "
        f"{P_BELOW_ZERO} {_probability_wording(1 - float(found.beyond_zero.difference[place]))}."
    )


def _arms_wording(group: GroupRecovery, covariate: str, name: str) -> str:
    """Each arm's own effect and what was planted."""
    found, place, digits = group.comparison(covariate), _position(group, name), UNIT[covariate][1]
    planted = group.planted(covariate, name)
    return (
        "; ".join(
            f"{arm} {_interval_wording(density, place, covariate)}, planted {signed_number(value, digits)}"
            for arm, density, value in zip(found.arms, found.marginals[:2], planted[:2], strict=True)
        )
        + "."
    )


def _average_wording(recovered: RecoveredParameters, name: str) -> str:
    planted, found = recovered.average(name)
    return f"{_connection_wording(name)} {signed_number(found)} Hz, planted {signed_number(planted)}"


def _position(group: GroupRecovery, name: str) -> int:
    return group.comparison(MEAN).parameters.index(name)


def _connection_wording(name: str) -> str:
    (connection,) = connections([name])
    return f"{connection.to} ← {connection.source}"


def _interval_wording(density: NormalMixture, place: int, covariate: str) -> str:
    """A mean with its 90 % interval."""
    unit, digits = UNIT[covariate]
    low, high = (signed_number(end, digits) for end in density[place].interval(LEVEL).tolist())
    return f"{signed_number(float(density[place].mean), digits)} {unit} (90 % interval {low} to {high})"


def _probability_wording(probability: float) -> str:
    """Three digits, never rounded to 0 or 1."""
    if 0.001 <= probability <= 0.999:
        return f"{probability:.3f}"
    return "> 0.999" if probability > 0.5 else "< 0.001"
