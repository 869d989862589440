"""Groups of participants left out together, and the predictors as each fold of nested cross-validation sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn import config_context

from ._elastic_net_path import StandardisedSample, standardise
from ._imputation import ImputationMethod
from ._leakage import refuse_whole_sample
from ._predictors import FeatureError, Predictors
from ._preparation import preparation_pipeline

FEWEST = 3  # groups: two left out at a time must leave somebody
LEAST_PARTICIPANTS = 6
ONE_BY_ONE = 100  # participants up to which everybody is left out alone by default
LARGEST = 2**28  # numbers of all predictors without every two participants, up to which that is so: 2 GB
MANY = 10  # groups beyond


def default_folds(participants: int, predictors: int) -> int | None:
    """How many groups participants are left out in where nobody says: None, one participant at a time, as far as that
    can be.

    A nested estimate prepares all predictors without every two groups, so that leaving out one participant at a time
    grows with the cube of participants: 60 participants and 300 measures take a quarter of a gigabyte, 250 take 19.
    Beyond 100 participants, or 2 GB, ten groups lose next to nothing, as each model is still made from nine tenths of
    many participants.
    """
    size = participants * (participants + 1) // 2 * participants * predictors
    return None if participants <= ONE_BY_ONE and size <= LARGEST else MANY


def assign_folds(
    participants: int, folds: int | None, arm: Float[np.ndarray, "participant"] | None = None, seed: int = 0
) -> Int[np.ndarray, "participant"]:
    """The group of each participant; without `folds` everybody is a group of their own (leave-one-out).

    Groups differ by one participant at most; where there are arms, each is dealt out over all groups.

    Raises `FeatureError` where there are more groups than participants or fewer than three, or fewer than six
    participants.
    """
    if participants < LEAST_PARTICIPANTS:
        raise FeatureError(
            f"{participants} participants are too few to leave some out and learn from the others; it takes "
            f"{LEAST_PARTICIPANTS}"
        )
    if folds is None:
        return np.arange(participants)
    if not FEWEST <= folds <= participants:
        raise FeatureError(
            f"{folds} folds of {participants} participants cannot be made; take from {FEWEST} to {participants}, or "
            "none to leave out one participant at a time"
        )
    dealt = np.random.default_rng(seed).permutation(participants)
    if arm is not None:
        dealt = dealt[np.argsort(arm[dealt], kind="stable")]
    groups = np.empty(participants, dtype=np.int64)
    groups[dealt] = np.arange(participants) % folds
    return groups


def group_pairs(groups: Int[np.ndarray, "participant"]) -> Iterator[tuple[int, int]]:
    """Every two groups, in order."""
    count = int(groups.max()) + 1
    for first in range(count):
        for second in range(first + 1, count):
            yield first, second


@dataclass(frozen=True, eq=False)
class Sample:
    """The participants a model is learnt from, and those it is asked about.

    Fields:
        rows: of the first.
        standardised: their predictors.
        everybody: (participant, predictor) as prepared, not scaled.
    """

    rows: Int[np.ndarray, "row"]
    standardised: StandardisedSample
    everybody: Float[np.ndarray, "participant predictor"]

    def on_same_scale(self, chosen: Bool[np.ndarray, "participant"]) -> Float[np.ndarray, "other predictor"]:
        """Some participants on the sample's scale."""
        return self.standardised.on_same_scale(self.everybody[chosen])


@dataclass(frozen=True, eq=False)
class PreparedFolds:
    """Residualised, imputed and multiplied predictors, for one and for every two groups left out.

    The outcome has no part in them, so that shuffled outcomes share them.

    Fields:
        names: of the predictors.
        groups: (participant,) who is left out together.
        without_one: (group, participant, predictor) of everybody, by what was estimated without a group.
        without_two: (pair, participant, predictor) without two groups, in the order of `group_pairs`.
    """

    names: tuple[str, ...]
    groups: Int[np.ndarray, "participant"]
    without_one: Float[np.ndarray, "group participant predictor"]
    without_two: Float[np.ndarray, "pair participant predictor"]

    def __getstate__(self) -> dict[str, object]:
        """Samples are made anew where folds are sent: they are several times as large."""
        return {key: value for key, value in self.__dict__.items() if key not in ("outer", "inner")}

    @cached_property
    def outer(self) -> list[Sample]:
        """For every group, the sample without it."""
        return [_sample(values, self.groups != group) for group, values in enumerate(self.without_one)]

    @cached_property
    def inner(self) -> dict[tuple[int, int], Sample]:
        """For every two groups, the sample without them."""
        pairs = zip(group_pairs(self.groups), self.without_two, strict=True)
        return {pair: _sample(values, ~np.isin(self.groups, pair)) for pair, values in pairs}


def _sample(values: np.ndarray, kept: np.ndarray) -> Sample:
    rows = np.flatnonzero(kept)
    return Sample(rows, standardise(values[rows]), values)


def prepare_folds(
    predictors: Predictors,
    groups: Int[np.ndarray, "participant"],
    imputation: ImputationMethod = "iterative",
    progress: Callable[[int, int], None] | None = None,
) -> PreparedFolds:
    """Prepare the predictors once without every group, and once without every two.

    Arguments:
        predictors: as measured.
        groups: see `assign_folds`.
        imputation: of what is missing.
        progress: called with how many of all preparations are done.

    Raises `FeatureError` where something was estimated over all participants already: that leaks into every fold.
    """
    refuse_whole_sample(predictors)
    count = int(groups.max()) + 1
    left_out = [(group,) for group in range(count)] + list(group_pairs(groups))
    tables = []
    for done, out in enumerate(left_out):
        # scikit-learn would check the same table anew for each of very many regressions of the imputation.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            fitted = preparation_pipeline(predictors, imputation).fit(predictors.values[~np.isin(groups, out)])
            tables.append(np.asarray(fitted.transform(predictors.values)))
        if progress is not None:
            progress(done + 1, len(left_out))
    return PreparedFolds(predictors.names, groups, np.stack(tables[:count]), np.stack(tables[count:]))
