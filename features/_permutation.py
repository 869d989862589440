"""Permutation test of the nested estimate: all of it repeated with the outcome shuffled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import beta

from ._elastic_net_path import Tuning
from ._folds import PreparedFolds
from ._nested_cv import NestedEstimate, press_ratio


@dataclass(frozen=True)
class PermutationTest:
    """How often shuffled outcomes are predicted as well.

    Fields:
        reached: shuffles whose Q² was at least the one found.
        shuffles: how many there were; fewer than asked for where `reached` was enough to settle p.
        p_value: probability, where outcome and predictors have nothing to do with each other, of a Q² as high.
        low, high: 95 % interval of what infinitely many shuffles would give (Clopper and Pearson).
        seed: of the shuffles.
    """

    reached: int
    shuffles: int
    p_value: float
    low: float
    high: float
    seed: int


TIE = 1e-9  # relative; a model that retains nobody's predictor has the same error whatever the deal
ENOUGH = 100  # shuffles that reach what was found; p is then known to a tenth of itself, and above 0.09


def permutations_reaching(
    folds: PreparedFolds,
    y: Float[np.ndarray, "participant"],
    found: NestedEstimate,
    numbers: range,
    seed: int,
    tuning: Tuning,
    progress: Callable[[int, int], None] | None = None,
) -> Bool[np.ndarray, "shuffle"]:
    """Whether Q² of shuffled outcomes is at least the one found, shuffle by shuffle.

    Every shuffle goes through all of it: tuning without each participant, and without every two. Shuffle k is the same
    whatever others are asked for, so that they can be worked off in portions.

    Arguments:
        folds, y, tuning: those of `found`.
        numbers: which shuffles.
        seed: of all.
        progress: called with how many are done.
    """
    limit = (1 - found.q_squared) * (1 + TIE)
    reached = np.zeros(len(numbers), dtype=bool)
    for place, number in enumerate(numbers):
        dealt = np.random.default_rng([seed, number]).permutation(y.size)
        reached[place] = press_ratio(folds, y[dealt], tuning, limit) <= limit
        if progress is not None:
            progress(place + 1, len(numbers))
    return reached


def permutation_p_value(reached: Bool[np.ndarray, "shuffle"], seed: int, enough: int = ENOUGH) -> PermutationTest:
    """How often chance does as well, from shuffles in the order of their numbers.

    Where fewer than `enough` = h of n shuffles reach what was found, p = (1 + reached) / (1 + n). Otherwise those after
    the h-th do not count, if there are any: with ℓ up to there, p = h / ℓ. Where outcome and predictors have nothing to
    do with each other, p ≤ a with a probability of a at most, either way; the interval is that of reached / shuffles.

    Source: Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9(1), 39; Besag & Clifford 1991, Biometrika 78, 301–304,
    for stopping; the interval is Clopper and Pearson's.
    """
    total = permutations_needed(reached, enough)
    count = int(reached[:total].sum())
    low = float(beta.ppf(0.025, count, total - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, total - count)) if count < total else 1.0
    p = count / total if count == enough else (1 + count) / (1 + total)
    return PermutationTest(count, total, p, low, high, seed)


def permutations_needed(reached: Bool[np.ndarray, "shuffle"], enough: int = ENOUGH) -> int:
    """How many shuffles, from the first on, hold `enough` that reach what was found; all where there are fewer."""
    places = np.flatnonzero(reached)
    return int(places[enough - 1]) + 1 if places.size >= enough else int(reached.size)
