"""Who is left out together: each person alone, or people dealt into a few groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from ._design import FeatureError

FEWEST = 3  # groups: two left out at a time must leave somebody
LEAST_PEOPLE = 6


def groups_of(
    people: int, folds: int | None, arm: Float[np.ndarray, "person"] | None = None, seed: int = 0
) -> Int[np.ndarray, "person"]:
    """The group of each person; without `folds` everybody is a group of their own (leave-one-out).

    Groups differ by one person at most; where there are arms, each is dealt out over all groups.

    Raises `FeatureError` where there are more groups than people or fewer than three, or fewer than six people.
    """
    if people < LEAST_PEOPLE:
        raise FeatureError(
            f"{people} people are too few to leave some out and learn from the others; it takes {LEAST_PEOPLE}"
        )
    if folds is None:
        return np.arange(people)
    if not FEWEST <= folds <= people:
        raise FeatureError(
            f"{folds} folds of {people} people cannot be made; take from {FEWEST} to {people}, or none to leave out "
            "one person at a time"
        )
    dealt = np.random.default_rng(seed).permutation(people)
    if arm is not None:
        dealt = dealt[np.argsort(arm[dealt], kind="stable")]
    groups = np.empty(people, dtype=np.int64)
    groups[dealt] = np.arange(people) % folds
    return groups


def pairs_of(groups: Int[np.ndarray, "person"]) -> Iterator[tuple[int, int]]:
    """Every two groups, in order."""
    count = int(groups.max()) + 1
    for first in range(count):
        for second in range(first + 1, count):
            yield first, second
