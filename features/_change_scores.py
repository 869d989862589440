"""Change of a score from one session to the next: in each arm, and how differently in the two."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import optimize, special, stats

from ._predictors import FeatureError

LEAST = 2  # participants of an arm with both sessions: a variance takes two
HUGE = 1000.0  # t, beyond which SciPy's noncentral distribution fails


@dataclass(frozen=True)
class TTest:
    """A mean, or a difference of two, with Student's t.

    Fields:
        estimate, low, high: in the score's unit.
        t, df, p_value: two-sided, against zero.
    """

    estimate: float
    low: float
    high: float
    t: float
    df: int
    p_value: float


@dataclass(frozen=True)
class ArmMeanChange:
    """How a score changed in one arm, among participants with both sessions.

    Fields:
        arm: its name.
        participants: how many.
        sd: of their changes, in the score's unit.
        mean: change, after − before, with the t interval of paired values.
    """

    arm: str
    participants: int
    sd: float
    mean: TTest


@dataclass(frozen=True)
class EffectSize:
    """Hedges g of the difference between the arms' changes, in standard deviations of a change within an arm.

    Fields:
        g: the estimate.
        low, high: its interval.
    """

    g: float
    low: float
    high: float


@dataclass(frozen=True)
class ChangeScores:
    """The changes of both arms, and their difference.

    Fields:
        arms: the first, the second.
        difference: change in the first arm − change in the second; Student's t with a common variance.
        effect_size: the same, standardised.
    """

    arms: tuple[ArmMeanChange, ArmMeanChange]
    difference: TTest
    effect_size: EffectSize


def change_scores(
    change: Float[np.ndarray, "participant"],
    arm: Float[np.ndarray, "participant"],
    arms: tuple[str, str],
    level: float = 0.95,
) -> ChangeScores:
    """Change in each arm by paired t, its difference by two-sample t, and Hedges g with its exact interval.

    ``g = J(m)·(d̄₁ − d̄₂) / s`` with s the standard deviation of changes within arms, m = n₁ + n₂ − 2, and ``J(m) =
    Γ(m/2) / (√(m/2)·Γ((m−1)/2))``. Its interval is that of the noncentral t distribution.

    Arguments:
        change: after − before, in the score's unit; none missing.
        arm: +1 for the first arm, −1 for the second.
        arms: their names.
        level: of the intervals.

    Raises `FeatureError` where an arm has fewer than two participants, or nobody differs from the others of the arm.

    Source: Hedges 1981, J. Educ. Stat. 6, eq. 6e; Steiger & Fouladi 1997 for the interval.
    """
    parts = change[arm > 0], change[arm < 0]
    for name, part in zip(arms, parts, strict=True):
        if part.size < LEAST:
            raise FeatureError(f"{part.size} of {name} have both sessions, and a change takes {LEAST} of each")
    counts = np.array([part.size for part in parts])
    df = int(counts.sum() - 2)
    squares = sum(float(np.sum((part - part.mean()) ** 2)) for part in parts)
    if squares <= 1e-20 * max(float(np.abs(change).max()), 1e-150) ** 2:
        raise FeatureError(
            f"the change is the same for everybody of {arms[0]} and of {arms[1]}; there is nothing to test it against"
        )
    pooled = math.sqrt(squares / df)
    width = math.sqrt(float((1 / counts).sum()))
    difference = t_test(float(parts[0].mean() - parts[1].mean()), pooled * width, df, level)
    first, second = (_arm(name, part, level) for name, part in zip(arms, parts, strict=True))
    return ChangeScores((first, second), difference, _effect_size(difference.t, df, width, level))


def t_test(estimate: float, error: float, df: int, level: float) -> TTest:
    """Student's t of an estimate with its standard error; a mean without any spread has no p."""
    half = error * float(stats.t.ppf((1 + level) / 2, df))
    t = estimate / error if error > 0 else math.nan
    return TTest(estimate, estimate - half, estimate + half, t, df, float(2 * stats.t.sf(abs(t), df)))


def _arm(name: str, change: np.ndarray, level: float) -> ArmMeanChange:
    sd = float(change.std(ddof=1))
    return ArmMeanChange(
        name, change.size, sd, t_test(float(change.mean()), sd / math.sqrt(change.size), change.size - 1, level)
    )


def _effect_size(t: float, df: int, width: float, level: float) -> EffectSize:
    """From the two-sample t; `width` is √(1/n₁ + 1/n₂)."""
    unbiased = width * math.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / math.sqrt(df / 2)
    low, high = (_noncentrality(t, df, share) for share in ((1 + level) / 2, (1 - level) / 2))
    return EffectSize(unbiased * t, unbiased * low, unbiased * high)


def _noncentrality(t: float, df: int, share: float) -> float:
    """The noncentrality at which a t as small has probability `share`."""
    if abs(t) > HUGE:  # nothing is left but the uncertainty of the standard deviation
        part = share if t > 0 else 1 - share
        return t * math.sqrt(float(stats.chi2.isf(part, df)) / df)

    def beyond(centre: float) -> float:
        return float(stats.nct.cdf(t, df, centre)) - share

    low, high = _around(beyond, t)
    return float(optimize.brentq(beyond, low, high, xtol=1e-10))


def _around(falling: Callable[[float], float], centre: float) -> tuple[float, float]:
    """Two places on either side of where a falling function is zero."""
    step = 2.0 + 0.5 * abs(centre)
    low, high = centre - step, centre + step
    while not falling(low) > 0:
        low -= step
    while not falling(high) < 0:
        high += step
    return low, high
