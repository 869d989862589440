"""Every cut-off by which a question about a group is answered, and one function for each kind of evidence.

    effects, by their posterior    yes (these) where 2 min(P, 1 − P) q ≤ 0.05; no difference where every
                                   P(|δ| < d) ≥ 0.95; else open (`peb.verdict`)
    a p value                      yes where p q ≤ 0.05; else open
    left-out participants          yes where they are predicted better than by guessing, and p ≤ 0.05 whatever more
                                   shuffles may show; else open
    models, by their evidence      yes where the best one's probability is at least 0.95; else open

q is the number of questions asked. A p value or a prediction never says "no difference": that a test finds nothing is
no evidence of absence. "no" and "partly" are for what is counted, such as visits that could be fitted, intervals that
hold the truth or studies that find an effect; of effects they are never said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import stats

from peb import ABSENCE_PROBABILITY, ALPHA, SMALLEST_EFFECT, VerdictKind, verdict

Verdict = Literal["yes", "no difference", "open", "partly", "no"]  # partly and no: of what is counted, never of effects

BEST = 0.95  # posterior probability of a model, from which it is called the best
EVIDENCE_LINES = (BEST, 0.99)  # Pp of an effect's being in the model that pictures have a line at, as SPM's users do
STRONG_EVIDENCE = 3.0  # nats: odds of 20 to 1, from which a wrong model counts as chosen, another prior is mentioned
RETAINED_SHARE = 0.5  # share of the bootstraps, and of the folds, that retain a stable predictor

MOST_MISSING = 0.2  # share of visits without a posterior, from which the answer is no longer yes
TRUTHS_HELD = 85.0, 95.0  # percent of the truths that 90 % intervals hold
WRONG_MODELS = 2.0, 10.0  # percent of data sets whose evidence prefers a wrong model: up to which it is yes, and partly
EFFECTS_FOUND = (
    80.0,
    40.0,
)  # percent of studies that find an effect: from which there are participants enough, and partly
UNKNOWN_ERROR = 15.0  # error, percent, above which it is an error of nothing: a handful of estimates
ERRORS_OFF = 2.0  # Monte-Carlo standard errors that a share must be off by
LARGEST_ERROR = 5.0, 12.0  # errors, percent, above which a share of data sets, and one of studies, leaves it open


@dataclass(frozen=True)
class EffectsVerdict:
    """What is said of the effects that a question is about.

    Fields:
        kind: of the whole question.
        which: places of the effects that are there, the surest first; none where it is not a yes.
        each: of every effect by itself, by the same rule and the same q.
        size: d, below which an effect counts as none.
        questions: q, how many effects were asked about.
    """

    kind: VerdictKind
    which: tuple[int, ...]
    each: tuple[VerdictKind, ...]
    size: float
    questions: int

    @property
    def yes(self) -> frozenset[int]:
        """Places of the effects that are there."""
        return frozenset(self.which)


def judge_effects(
    above_zero: Float[np.ndarray, "effect"],
    within: Float[np.ndarray, "effect"],
    *,
    size: float = SMALLEST_EFFECT,
    questions: int | None = None,
) -> EffectsVerdict:
    """By posteriors: P(δ > 0) and P(|δ| < size) of every effect asked about; raises `ValueError` as `peb.verdict`."""
    found = verdict(above_zero, within, size=size, questions=questions)
    small = np.asarray(within) >= ABSENCE_PROBABILITY
    each: list[VerdictKind] = [
        "yes" if i in found.which else "no difference" if small[i] else "open" for i in range(small.size)
    ]
    return EffectsVerdict(found.kind, found.which, tuple(each), size, found.questions)


def probability_cutoff(questions: int) -> float:
    """P(δ > 0) from which an effect is sure to be above zero; below one minus it, it is sure to be below."""
    return 1 - ALPHA / (2 * questions)


def is_significant(p_value: float, questions: int = 1) -> bool:
    """Whether a p value is small enough for the number of questions asked; one that is NaN is not."""
    return not math.isnan(p_value) and p_value * questions <= ALPHA


def judge_p_value(p_value: float, questions: int = 1) -> Literal["yes", "open"]:
    """By a p value: of shuffling, or of a test; adjusted for the others of its family where `questions` is 1."""
    return "yes" if is_significant(p_value, questions) else "open"


def judge_prediction(gain: float, p_value: float, settled: bool = True) -> Literal["yes", "open"]:
    """By left-out participants.

    Arguments:
        gain: what is above 0 where they are predicted better than by guessing: a correlation, or Q².
        p_value: of the gain, by shuffling.
        settled: whether more shuffles would leave p on its side (`is_p_value_settled`).
    """
    return "yes" if gain > 0 and settled and is_significant(p_value) else "open"


def is_p_value_settled(low: float, high: float) -> bool:
    """Whether an interval for the p value of infinitely many shuffles lies on one side of the cut-off."""
    return not low <= ALPHA < high


def judge_model(probability: float) -> Literal["yes", "open"]:
    """By the posterior probability of the best model, among all that were compared."""
    return "yes" if probability >= BEST else "open"


def is_selection_stable(bootstraps: float, folds: float, p_value: float) -> bool:
    """Whether a retained predictor is called stable.

    Arguments:
        bootstraps, folds: share of them that retains it; NaN folds where nobody was left out.
        p_value: of its correlation with the outcome within arms, adjusted for all predictors.
    """
    return bootstraps >= RETAINED_SHARE and not folds < RETAINED_SHARE and is_significant(p_value)


def judge_fits(warned: int, found: int, expected: int) -> Verdict:
    """Whether models explain the data: visits with a posterior, and how many of these have a warning."""
    if not found:
        return "no"
    if not warned and expected - found <= MOST_MISSING * expected:
        return "yes"
    return "partly" if warned < found / 2 else "no"


def judge_coverage(shares: Sequence[tuple[float, float]]) -> Verdict:
    """Whether 90 % intervals can be believed: (percent that hold the truth, its error) of every cell.

    No where some hold too little; partly where some hold too much, and effects are surer than they say. Open where
    there are too few data sets to tell.
    """
    low, high = TRUTHS_HELD
    if any(error > UNKNOWN_ERROR for _, error in shares):
        return "open"
    if any(share + ERRORS_OFF * error < low for share, error in shares):
        return "no"
    if any(error > LARGEST_ERROR[0] for _, error in shares):
        return "open"
    return "partly" if any(share - ERRORS_OFF * error > high for share, error in shares) else "yes"


def judge_model_choice(wrong: float, error: float) -> Verdict:
    """Whether a model that wins can be believed: percent of data sets in which a wrong one does, and its error."""
    few, some = WRONG_MODELS
    if error > LARGEST_ERROR[0] and wrong - ERRORS_OFF * error < some:
        return "open"
    return "yes" if wrong <= few else "partly" if wrong <= some else "no"


def judge_power(found: float, error: float) -> Verdict:
    """Whether there are participants enough: percent of studies that find the effect, and its error."""
    enough, some = EFFECTS_FOUND
    if error > LARGEST_ERROR[1]:
        return "open"
    return "yes" if found >= enough else "partly" if found >= some else "no"


def judge_means(first: np.ndarray, second: np.ndarray, size: float, questions: int = 1) -> EffectsVerdict:
    """Whether two groups of participants differ in a measured number by `size` or at all.

    By the rule for effects, on Welch's difference of means δ with flat priors: (δ − δ̂) / s ~ t_ν.
    """
    test = stats.ttest_ind(first, second, equal_var=False)
    difference = float(np.mean(first) - np.mean(second))
    error = float(np.sqrt(np.var(first, ddof=1) / len(first) + np.var(second, ddof=1) / len(second)))
    return _judge_t(difference, error, float(test.df), size, questions)


def judge_mean(values: np.ndarray, size: float, questions: int = 1) -> EffectsVerdict:
    """Whether the mean of a measured number, such as a change, differs from 0 by `size` or at all; as `judge_means`."""
    error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    return _judge_t(float(np.mean(values)), error, len(values) - 1.0, size, questions)


def _judge_t(found: float, error: float, freedom: float, size: float, questions: int) -> EffectsVerdict:
    above, low, high = (stats.t.cdf((found - at) / error, freedom) for at in (0.0, size, -size))
    return judge_effects(np.array([above]), np.array([high - low]), size=size, questions=questions)
