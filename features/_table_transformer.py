"""What the transformers of a table share: columns known by name, and means that are exact where nothing varies."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import validate_data

from ._predictors import FeatureError, PredictorColumn

Values = Float[np.ndarray, "participant column"]


class TableTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A scikit-learn transformer of a table whose columns are known before it is fitted."""

    columns: tuple[PredictorColumn, ...]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _values(self, X: Any, *, reset: bool) -> Values:
        """The table as an array of the width, and with the names, that the columns promise."""
        values: Values = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
        if values.shape[1] != len(self.columns):
            raise FeatureError(f"the table has {values.shape[1]} columns; {len(self.columns)} are described")
        if hasattr(self, "feature_names_in_"):
            self._check_names(self.feature_names_in_)
        return values

    def _check_names(self, given: Any) -> None:
        for ours, theirs in zip(self.columns, given, strict=False):
            if ours.name != theirs:
                raise FeatureError(
                    f"the table has a column {theirs!r} where {ours.name!r} is described: order them alike"
                )

    def _names_out(self, input_features: Any, names: tuple[str, ...]) -> np.ndarray:
        if input_features is not None:
            self._check_names(input_features)
        return np.array(names, dtype=object)


def column_means(values: Values) -> Float[np.ndarray, "column"]:
    """Mean of what is there in each column: exactly its value where it is constant, 0 where nothing is there.

    The mean of twenty times 0.1 need not be 0.1, and what rounding leaves of a constant would look like a predictor.
    """
    known = ~np.isnan(values)
    least = np.fmin.reduce(values, axis=0)
    above = np.where(known, values - least, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known.any(axis=0), least + above, 0.0)


def column_deviations(values: Values, centre: Float[np.ndarray, "column"]) -> Float[np.ndarray, "column"]:
    """Standard deviation (1/n) of what is there in each column, 0 where nothing is there."""
    known = ~np.isnan(values)
    squares = np.where(known, values - centre, 0.0) ** 2
    return np.sqrt(squares.sum(axis=0) / np.maximum(known.sum(axis=0), 1))
