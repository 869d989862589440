"""Whether what was planted was found, worded by what the numbers are."""

from __future__ import annotations

from peb import MEAN, ArmComparison, Gaussian

from .._connection_names import connections
from .._figure_style import signed
from .._group_estimation import STRONG
from .._interval import Z
from .._report import Answer, Verdict
from ._group_truth import IMPROVEMENT, GroupTruth
from ._recovered import Recovered
from ._truth import Truth

HONEST = (80.0, 97.0)  # percent; 90 % intervals that hold the truth this often are neither boastful nor timid
CLOSE = 0.7  # correlation of found with planted values from which we speak of recovery
BELOW = "P(difference\u00a0<\u00a00)"  # never broken
UNIT = {MEAN: ("Hz", 2), IMPROVEMENT: ("Hz per point of improvement", 3)}


def truth_answers(truth: Truth, recovered: Recovered, group: GroupTruth | None) -> tuple[Answer, ...]:
    """Connectivity, then what the trial was for: the arms, and the link with improvement."""
    if group is None:
        return (_found_again(truth, recovered),)
    return (_found_again(truth, recovered), _arms(truth, group), _improvement(truth, group))


def verdict_of_sign(found: ArmComparison, place: int, planted: float) -> Verdict:
    """Yes where the planted sign is sure, partly where it is likely, open where the data do not tell, no where the
    other sign is sure."""
    probability = _of_sign(float(found.beyond_zero.difference[place]), planted)
    if probability >= STRONG:
        return "yes"
    return "partly" if probability >= 0.75 else "open" if probability > 1 - STRONG else "no"


def _found_again(truth: Truth, recovered: Recovered) -> Answer:
    names = truth.modulations
    r = [recovered.correlation(name) for name in names]
    coverage = recovered.coverage()
    honest = HONEST[0] <= coverage <= HONEST[1]
    verdict: Verdict = "yes" if honest and min(r) > CLOSE else "partly" if honest or min(r) > CLOSE else "no"
    each = " and ".join(f"{value:.2f} ({_words(name)})" for value, name in zip(r, names, strict=True))
    averages = "; ".join(_average(recovered, name) for name in names)
    return Answer(
        "Was the planted connectivity found again, from images?",
        verdict,
        f"What faces do to each connection: found and planted values correlate at r = {each}.",
        (
            f"{coverage:.0f} % of the 90 % intervals hold the planted value, over {len(recovered.names)} parameters "
            f"of {len(recovered.visits)} visits; of what faces do alone, {recovered.coverage(names):.0f} %.",
            f"Averages over visits: {averages}. Priors pull estimates towards zero.",
        ),
    )


def _arms(truth: Truth, group: GroupTruth) -> Answer:
    """Whether the arms' mean changes differ in the connection where a difference was planted."""
    name, other = truth.modulations
    return Answer(
        "Does treatment change the connection differently in the two arms, as planted?",
        verdict_of_sign(group.comparison(MEAN), _place(group, name), group.planted(MEAN, name)[2]),
        _difference(group, MEAN, name),
        (
            _both(group, MEAN, name),
            f"The other direction, planted alike in both arms: {_difference(group, MEAN, other)}",
        ),
    )


def _improvement(truth: Truth, group: GroupTruth) -> Answer:
    """Whether the change goes with improvement in the first arm only."""
    name, other = truth.modulations
    return Answer(
        f"Does that change go with improvement under {truth.arms[0]} only, as planted?",
        verdict_of_sign(group.comparison(IMPROVEMENT), _place(group, name), group.planted(IMPROVEMENT, name)[2]),
        _difference(group, IMPROVEMENT, name),
        (
            _both(group, IMPROVEMENT, name),
            f"The other direction, planted in both arms: {_both(group, IMPROVEMENT, other)}",
        ),
    )


def _difference(group: GroupTruth, covariate: str, name: str) -> str:
    """The difference of the arms with its interval, what was planted, and how sure its sign is."""
    found, place = group.comparison(covariate), _place(group, name)
    unit, digits = UNIT[covariate]
    first, second = found.arms
    return (
        f"{_words(name)}, {first} less {second}: {_interval(found.difference, place, covariate)}; planted "
        f"{signed(group.planted(covariate, name)[2], digits)} {unit}. "
        f"{BELOW} {_digits(1 - float(found.beyond_zero.difference[place]))}."
    )


def _both(group: GroupTruth, covariate: str, name: str) -> str:
    """Each arm's own effect and what was planted."""
    found, place, digits = group.comparison(covariate), _place(group, name), UNIT[covariate][1]
    planted = group.planted(covariate, name)
    return (
        "; ".join(
            f"{arm} {_interval(one, place, covariate)}, planted {signed(value, digits)}"
            for arm, one, value in zip(found.arms, (found.first, found.second), planted[:2], strict=True)
        )
        + "."
    )


def _average(recovered: Recovered, name: str) -> str:
    planted, found = recovered.average(name)
    return f"{_words(name)} {signed(found)} Hz, planted {signed(planted)}"


def _place(group: GroupTruth, name: str) -> int:
    return group.comparison(MEAN).parameters.index(name)


def _words(name: str) -> str:
    (connection,) = connections([name])
    return f"{connection.to} ← {connection.source}"


def _of_sign(beyond_zero: float, planted: float) -> float:
    """Probability that an effect has the sign of what was planted."""
    return beyond_zero if planted > 0 else 1 - beyond_zero


def _interval(density: Gaussian, place: int, covariate: str) -> str:
    """A mean with its 90 % interval."""
    unit, digits = UNIT[covariate]
    value, half = float(density.mean[place]), Z * float(density.sd[place])
    low, high = signed(value - half, digits), signed(value + half, digits)
    return f"{signed(value, digits)} {unit} (90 % {low} to {high})"


def _digits(probability: float) -> str:
    """Three digits, never rounded to 0 or 1."""
    if 0.001 <= probability <= 0.999:
        return f"{probability:.3f}"
    return "> 0.999" if probability > 0.5 else "< 0.001"
