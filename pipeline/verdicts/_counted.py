"""Verdicts on what is counted: visits that could be fitted, intervals that hold the truth, studies that find an effect.

Here "partly" and "no" have a meaning, the share that was counted; of effects they are never said.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from ._rule import EffectsVerdict, Verdict, judge_effects

MISSING = 0.2  # share of visits without a posterior, from which the answer is no longer yes
HOLD = 85.0, 95.0  # percent of the truths that 90 % intervals hold
WRONG = 2.0, 10.0  # percent of data sets whose evidence prefers a wrong model: up to which it is yes, and partly
FOUND = 80.0, 40.0  # percent of studies that find an effect: from which there are participants enough, and partly
UNKNOWN = 15.0  # error, percent, above which it is an error of nothing: a handful of estimates
ERRORS = 2.0  # Monte-Carlo standard errors that a share must be off by
SURE_ENOUGH = 5.0, 12.0  # errors, percent, above which a share of data sets, and one of studies, leaves it open


def judge_fits(warned: int, found: int, expected: int) -> Verdict:
    """Whether models explain the data: visits with a posterior, and how many of these have a warning."""
    if not found:
        return "no"
    if not warned and expected - found <= MISSING * expected:
        return "yes"
    return "partly" if warned < found / 2 else "no"


def judge_coverage(shares: Sequence[tuple[float, float]]) -> Verdict:
    """Whether 90 % intervals can be believed: (percent that hold the truth, its error) of every cell.

    No where some hold too little; partly where some hold too much, and effects are surer than they say. Open where
    there are too few data sets to tell.
    """
    low, high = HOLD
    if any(error > UNKNOWN for _, error in shares):
        return "open"
    if any(share + ERRORS * error < low for share, error in shares):
        return "no"
    if any(error > SURE_ENOUGH[0] for _, error in shares):
        return "open"
    return "partly" if any(share - ERRORS * error > high for share, error in shares) else "yes"


def judge_model_choice(wrong: float, error: float) -> Verdict:
    """Whether a model that wins can be believed: percent of data sets in which a wrong one does, and its error."""
    few, some = WRONG
    if error > SURE_ENOUGH[0] and wrong - ERRORS * error < some:
        return "open"
    return "yes" if wrong <= few else "partly" if wrong <= some else "no"


def judge_power(found: float, error: float) -> Verdict:
    """Whether there are participants enough: percent of studies that find the effect, and its error."""
    enough, some = FOUND
    if error > SURE_ENOUGH[1]:
        return "open"
    return "yes" if found >= enough else "partly" if found >= some else "no"


def judge_means(first: np.ndarray, second: np.ndarray, size: float) -> EffectsVerdict:
    """Whether two groups of people differ in a measured number by `size` or at all.

    By the rule for effects, on Welch's difference of means δ with flat priors: (δ − δ̂) / s ~ t_ν.
    """
    test = stats.ttest_ind(first, second, equal_var=False)
    difference = float(np.mean(first) - np.mean(second))
    error = float(np.sqrt(np.var(first, ddof=1) / len(first) + np.var(second, ddof=1) / len(second)))
    above, low, high = (stats.t.cdf((difference - at) / error, test.df) for at in (0.0, size, -size))
    return judge_effects(np.array([above]), np.array([high - low]), size=size)
