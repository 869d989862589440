"""Predictors as each fold of a nested estimate sees them: everything estimated without those left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn import config_context

from ._design import Predictors
from ._groups import pairs_of
from ._imputation import ImputationMethod
from ._path import Scaled, scaled
from ._prepare import preparation
from ._whole_sample import refuse_whole_sample


@dataclass(frozen=True, eq=False)
class Sample:
    """The people a model is learnt from, and those it is asked about.

    Fields:
        rows: of the first.
        scaled: their predictors.
        everybody: (person, predictor) as prepared, not scaled.
    """

    rows: Int[np.ndarray, "row"]
    scaled: Scaled
    everybody: Float[np.ndarray, "person predictor"]

    def others(self, chosen: Bool[np.ndarray, "person"]) -> Float[np.ndarray, "other predictor"]:
        """Some people on the sample's scale."""
        return self.scaled.others(self.everybody[chosen])


@dataclass(frozen=True, eq=False)
class Folds:
    """Residualised, imputed and multiplied predictors, for one and for every two groups left out.

    The outcome has no part in them, so that shuffled outcomes share them.

    Fields:
        names: of the predictors.
        groups: (person,) who is left out together.
        without_one: (group, person, predictor) of everybody, by what was estimated without a group.
        without_two: (pair, person, predictor) without two groups, in the order of `pairs_of`.
    """

    names: tuple[str, ...]
    groups: Int[np.ndarray, "person"]
    without_one: Float[np.ndarray, "group person predictor"]
    without_two: Float[np.ndarray, "pair person predictor"]

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
        pairs = zip(pairs_of(self.groups), self.without_two, strict=True)
        return {pair: _sample(values, ~np.isin(self.groups, pair)) for pair, values in pairs}


def _sample(values: np.ndarray, kept: np.ndarray) -> Sample:
    rows = np.flatnonzero(kept)
    return Sample(rows, scaled(values[rows]), values)


def make_folds(
    predictors: Predictors,
    groups: Int[np.ndarray, "person"],
    imputation: ImputationMethod = "iterative",
    progress: Callable[[int, int], None] | None = None,
) -> Folds:
    """Prepare the predictors once without every group, and once without every two.

    Arguments:
        predictors: as measured.
        groups: see `groups_of`.
        imputation: of what is missing.
        progress: told how many of all preparations are done.

    Raises `FeatureError` where something was estimated over all people already: that leaks into every fold.
    """
    refuse_whole_sample(predictors)
    count = int(groups.max()) + 1
    left_out = [(group,) for group in range(count)] + list(pairs_of(groups))
    tables = []
    for done, out in enumerate(left_out):
        # scikit-learn would check the same table anew for each of very many regressions of the imputation.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            fitted = preparation(predictors, imputation).fit(predictors.values[~np.isin(groups, out)])
            tables.append(np.asarray(fitted.transform(predictors.values)))
        if progress is not None:
            progress(done + 1, len(left_out))
    return Folds(predictors.names, groups, np.stack(tables[:count]), np.stack(tables[count:]))
