"""Every cut-off by which a question about a group is answered, and one function for each kind of evidence.

    effects, by their posterior    yes (these) where 2 min(P, 1 − P) q ≤ 0.05; no difference where every
                                   P(|δ| < d) ≥ 0.95; else open (`peb.verdict`)
    a p value                      yes where p q ≤ 0.05; else open
    people left out                yes where they are predicted better than by guessing, and p ≤ 0.05 whatever more
                                   shuffles may show; else open
    models, by their evidence      yes where the best one's probability is at least 0.95; else open

q is the number of questions asked. A p value or a prediction never says "no difference": that a test finds nothing is
no evidence of absence. "no" and "partly" are for what is counted, such as visits or planted effects, never for effects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from peb import ABSENCE_PROBABILITY, ALPHA, SMALLEST_EFFECT, VerdictKind, verdict

Verdict = Literal["yes", "no difference", "open", "partly", "no"]  # partly and no: of what is counted, never of effects

BEST = 0.95  # posterior probability of a model, from which it is called the best
EVIDENCE_LINES = (BEST, 0.99)  # Pp of an effect's being in the model that pictures have a line at, as SPM's users do
RETAINED = 0.5  # share of the bootstraps, and of the folds, that retain a stable predictor


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


def sure_above(questions: int) -> float:
    """P(δ > 0) from which an effect is sure to be above zero; below one minus it, it is sure to be below."""
    return 1 - ALPHA / (2 * questions)


def has_passed(p_value: float, questions: int = 1) -> bool:
    """Whether a p value is small enough for the number of questions asked; one that is NaN is not."""
    return not math.isnan(p_value) and p_value * questions <= ALPHA


def judge_p_value(p_value: float, questions: int = 1) -> Literal["yes", "open"]:
    """By a p value: of shuffling, or of a test; adjusted for the others of its family where `questions` is 1."""
    return "yes" if has_passed(p_value, questions) else "open"


def judge_prediction(gain: float, p_value: float, settled: bool = True) -> Literal["yes", "open"]:
    """By people left out.

    Arguments:
        gain: what is above 0 where they are predicted better than by guessing: a correlation, or Q².
        p_value: of the gain, by shuffling.
        settled: whether more shuffles would leave p on its side (`has_settled`).
    """
    return "yes" if gain > 0 and settled and has_passed(p_value) else "open"


def has_settled(low: float, high: float) -> bool:
    """Whether an interval for the p value of infinitely many shuffles lies on one side of the cut-off."""
    return not low <= ALPHA < high


def judge_model(probability: float) -> Literal["yes", "open"]:
    """By the posterior probability of the best model, beside all others that were compared."""
    return "yes" if probability >= BEST else "open"


def is_stable(bootstraps: float, folds: float, p_value: float) -> bool:
    """Whether a retained predictor is called stable.

    Arguments:
        bootstraps, folds: share of them that retains it; NaN folds where nobody was left out.
        p_value: of its correlation with the outcome within arms, adjusted for all predictors.
    """
    return bootstraps >= RETAINED and not folds < RETAINED and has_passed(p_value)
