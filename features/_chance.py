"""What chance achieves: the nested estimate over and over with the outcome dealt out anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import beta

from ._folds import Folds
from ._nested import press_ratio
from ._results import Chance, Nested
from ._tuning import Tuning

TIE = 1e-9  # relative; a model that retains nobody's predictor has the same error whatever the deal
ENOUGH = 100  # shuffles that reach what was found; p is then known to a tenth of itself, and above 0.09


def shuffles_reaching(
    folds: Folds,
    y: Float[np.ndarray, "person"],
    found: Nested,
    numbers: range,
    seed: int,
    tuning: Tuning,
    progress: Callable[[int, int], None] | None = None,
) -> Bool[np.ndarray, "shuffle"]:
    """Whether Q² of shuffled outcomes is at least the one found, shuffle by shuffle.

    Every shuffle goes through all of it: tuning without each person, and without every two. Shuffle k is the same
    whatever others are asked for, so that they can be worked off in portions.

    Arguments:
        folds, y, tuning: those of `found`.
        numbers: which shuffles.
        seed: of all.
        progress: told how many are done.
    """
    limit = (1 - found.q_squared) * (1 + TIE)
    reached = np.zeros(len(numbers), dtype=bool)
    for place, number in enumerate(numbers):
        dealt = np.random.default_rng([seed, number]).permutation(y.size)
        reached[place] = press_ratio(folds, y[dealt], tuning, limit) <= limit
        if progress is not None:
            progress(place + 1, len(numbers))
    return reached


def chance(reached: Bool[np.ndarray, "shuffle"], seed: int, enough: int = ENOUGH) -> Chance:
    """How often chance does as well, from shuffles in the order of their numbers.

    Where fewer than `enough` = h of n shuffles reach what was found, p = (1 + reached) / (1 + n). Otherwise those after
    the h-th do not count, if there are any: with ℓ up to there, p = h / ℓ. Where outcome and predictors have nothing to
    do with each other, p ≤ a with a probability of a at most, either way; the interval is that of reached / shuffles.

    Source: Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9(1), 39; Besag & Clifford 1991, Biometrika 78, 301–304,
    for stopping; the interval is Clopper and Pearson's.
    """
    total = shuffles_needed(reached, enough)
    count = int(reached[:total].sum())
    low = float(beta.ppf(0.025, count, total - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, total - count)) if count < total else 1.0
    p = count / total if count == enough else (1 + count) / (1 + total)
    return Chance(count, total, p, low, high, seed)


def shuffles_needed(reached: Bool[np.ndarray, "shuffle"], enough: int = ENOUGH) -> int:
    """How many shuffles, from the first on, hold `enough` that reach what was found; all where there are fewer."""
    places = np.flatnonzero(reached)
    return int(places[enough - 1]) + 1 if places.size >= enough else int(reached.size)
