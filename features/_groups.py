"""Who is left out together: each person alone, or people dealt into a few groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from ._design import FeatureError

FEWEST = 3  # groups: two left out at a time must leave somebody
LEAST_PEOPLE = 6
ONE_BY_ONE = 100  # people up to which everybody is left out alone by default
LARGEST = 2**28  # numbers of all predictors without every two people, up to which that is so: 2 GB
MANY = 10  # groups beyond


def default_folds(people: int, predictors: int) -> int | None:
    """How many groups people are left out in where nobody says: None, one person at a time, as far as that can be.

    A nested estimate prepares all predictors without every two groups, so that leaving out one person at a time grows
    with the cube of people: 60 people and 300 measures take a quarter of a gigabyte, 250 take 19. Beyond 100 people, or
    2 GB, ten groups lose next to nothing, as each model is still made from nine tenths of many people.
    """
    size = people * (people + 1) // 2 * people * predictors
    return None if people <= ONE_BY_ONE and size <= LARGEST else MANY


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
