"""One rule for what a group says of the effects that were asked about: yes (which), no difference, or open.

    yes             2 min(P, 1 − P) q ≤ 0.05, P = P(δ > 0 | y): for these effects, by their sign
    no difference   P(|δ| < d | y) ≥ 0.95 for every effect asked about; d is stated with the answer
    open            otherwise

q is the number of effects asked about, so that of studies in which there is nothing few call anything, however many
connections they look at (Bonferroni). `benchmarks.calibration_group` measures how often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

VerdictKind = Literal["yes", "no difference", "open"]

ALPHA = 0.05  # of studies without any effect, at most, that may call one
ABSENCE_PROBABILITY = 0.95  # probability of each effect being small, from which there is none
SMALLEST_EFFECT = 0.5  # Hz, below which a difference between connections counts as none, unless another is given


@dataclass(frozen=True)
class Verdict:
    """What is said of some effects.

    Fields:
        kind: ``yes``, ``no difference``, or ``open``.
        which: places of the effects that are there, the surest first; none where it is not a yes.
        size: d, below which an effect counts as none, in the effects' unit.
        questions: q.
    """

    kind: VerdictKind
    which: tuple[int, ...]
    size: float
    questions: int


def verdict(
    above_zero: Float[np.ndarray, "effect"],
    within: Float[np.ndarray, "effect"],
    *,
    size: float = SMALLEST_EFFECT,
    questions: int | None = None,
) -> Verdict:
    """The verdict on some effects.

    Arguments:
        above_zero: (effect,) P(δ > 0 | y).
        within: (effect,) P(|δ| < size | y), as `NormalMixture.within` gives it.
        size: d, in the effects' unit; stated, not used.
        questions: how many effects were asked about, these among them; None for these alone.

    Raises `ValueError` where shapes differ, there is no effect, a probability is none, or more effects are given than
    were asked about.
    """
    above, small = np.asarray(above_zero, dtype=np.float64), np.asarray(within, dtype=np.float64)
    if above.ndim != 1 or above.shape != small.shape or not above.size:
        raise ValueError(f"probabilities must be (effect,) of one length, not {above.shape} and {small.shape}")
    if not ((above >= 0) & (above <= 1) & (small >= 0) & (small <= 1)).all():
        raise ValueError("a probability is not between 0 and 1")
    asked = above.size if questions is None else questions
    if asked < above.size:
        raise ValueError(f"{above.size} effects were asked about, not {asked}")
    doubt = two_sided_probability(above) * asked
    found = np.flatnonzero(doubt <= ALPHA)
    if found.size:
        return Verdict("yes", tuple(found[np.argsort(doubt[found], kind="stable")].tolist()), size, asked)
    return Verdict("no difference" if (small >= ABSENCE_PROBABILITY).all() else "open", (), size, asked)


def two_sided_probability(above_zero: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """2 min(P, 1 − P): small where an effect is surely of one sign, 1 where either is as likely."""
    return np.asarray(2 * np.minimum(above_zero, 1 - np.asarray(above_zero)))
