"""From raw measures to predictors, repeated in every fold: motion taken out, imputation, products of columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ._imputation import Imputation, ImputationMethod, check_method
from ._motion import MotionResiduals
from ._predictors import FeatureError, PredictorColumn, Predictors, Term
from ._table_transformer import TableTransformer, Values, column_means


class ProductTerms(TableTransformer):
    """The terms of a model, in order: a column as it is, or the product of centred columns.

        term (a,) is a;    term (a, b) is (a − ā)(b − b̄)

    ā and b̄ are means of the participants it was fitted to. Centring makes the weight of b, in a model with the
    product, that of an average participant, and takes out most of the correlation of a product with its factors.

    Where a column is the same for all of those participants (one arm in a fold), its products are exactly 0 for them.

    Arguments:
        columns: of the table, in order.
        terms: each one name or more.

    Fitted:
        centre_: (column,) their means.

    Raises `FeatureError` for a term of columns that aren't there, and for a missing value.

    Source: Aiken & West 1991, chapter 3.
    """

    def __init__(self, columns: tuple[PredictorColumn, ...], terms: tuple[Term, ...]) -> None:
        self.columns = columns
        self.terms = terms

    def fit(self, X: Values, y: object = None) -> ProductTerms:
        """Means of these participants."""
        values = self._complete(X, reset=True)
        names = [column.name for column in self.columns]
        unknown = [name for term in self.terms for name in term if name not in names]
        if unknown:
            raise FeatureError(f"there is no column {unknown[0]!r} for a term; there are {', '.join(names)}")
        self.places_ = [[names.index(name) for name in term] for term in self.terms]
        self.centre_ = column_means(values)
        return self

    def transform(self, X: Values) -> Values:
        """(participant, term)."""
        check_is_fitted(self)
        values = self._complete(X, reset=False)
        centred = values - self.centre_
        terms = [
            values[:, columns[0]] if len(columns) == 1 else centred[:, columns].prod(axis=1) for columns in self.places_
        ]
        return np.stack(terms, axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names such as ``arm × change(x)``."""
        check_is_fitted(self)
        return self._names_out(input_features, tuple(" × ".join(term) for term in self.terms))

    def _complete(self, X: Any, *, reset: bool) -> Values:
        values = self._values(X, reset=reset)
        missing = [column.name for column, gone in zip(self.columns, np.isnan(values).any(axis=0), strict=True) if gone]
        if missing:
            raise FeatureError(f"{', '.join(missing)}: a value is missing; impute before terms are made")
        return values


LEFT_OUT = 2  # at most: one whose outcome is predicted, and one more while the penalty is chosen
FEWEST = 3  # with a value in a fold: two lie on every line

Steps = list[tuple[str, MotionResiduals | Imputation | ProductTerms]]


def preparation_pipeline(predictors: Predictors, imputation: ImputationMethod = "iterative") -> Pipeline:
    """The scikit-learn pipeline from raw (participant, column) values to unscaled (participant, term) predictors, not
    yet fitted.

    Steps ``motion`` (`MotionResiduals`), ``imputation`` (`Imputation`), ``terms`` (`ProductTerms`); the first two only
    where they have something to do in this table. Whether anybody misses a value is asked of all participants: that
    decides which columns get a regression, and tells a fold nothing about the values of those it leaves out. Columns
    that no term uses help to impute; those of motion don't.

    A term that is the same for everybody in a fold comes out exactly constant.

    Arguments:
        predictors: the table, its values raw, and the terms.
        imputation: see `Imputation`.

    Raises `FeatureError` for a table that isn't what it says: shapes, names, infinite values, an arm other than ±1,
    columns with values (and motion, where it is adjusted for) in fewer than five participants, of whom a fold that
    leaves two out may have less than three; and for an imputation that isn't there.
    """
    steps, columns = cleaning_steps(predictors, imputation)
    return Pipeline([*steps, ("terms", ProductTerms(columns, predictors.terms))])


def cleaning_steps(
    predictors: Predictors, imputation: ImputationMethod, *, posterior: bool = False, seed: int = 0
) -> tuple[Steps, tuple[PredictorColumn, ...]]:
    """The steps before terms are made, and the columns that they leave; see `preparation_pipeline`."""
    check_table(predictors)
    check_method(imputation)
    used = {name for term in predictors.terms for name in term}
    kept = tuple(column for column in predictors.columns if column.role != "motion" or column.name in used)
    steps: Steps = []
    if len(kept) < len(predictors.columns) or any(column.motion for column in kept):
        steps.append(("motion", MotionResiduals(predictors.columns, tuple(column.name for column in kept))))
    incomplete = tuple(
        column.name for column in kept if np.isnan(predictors.values[:, predictors.place(column.name)]).any()
    )
    if incomplete:
        steps.append(("imputation", Imputation(kept, imputation, incomplete, posterior, seed)))
    return steps, kept


def check_table(predictors: Predictors) -> None:
    """Raises `FeatureError` for what would fail, or mislead, in some fold."""
    _check_shape(predictors)
    _check_terms(predictors)
    _check_arm(predictors)
    _check_missing(predictors)


def _check_shape(predictors: Predictors) -> None:
    shape = (len(predictors.participants), len(predictors.columns))
    if predictors.values.shape != shape:
        raise FeatureError(
            f"values are {predictors.values.shape} where {shape[0]} participants and {shape[1]} columns are named"
        )
    names = [column.name for column in predictors.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FeatureError(f"{', '.join(twice)}: there is more than one column of that name")
    infinite = [name for name, bad in zip(names, np.isinf(predictors.values).any(axis=0), strict=True) if bad]
    if infinite:
        raise FeatureError(f"{', '.join(infinite)}: a value is infinite; leave it empty if it is missing")


def _check_terms(predictors: Predictors) -> None:
    if not predictors.terms or not all(predictors.terms):
        raise FeatureError("the model has no terms, or an empty one: name columns, or products of them")
    for name in [name for term in predictors.terms for name in term]:
        predictors.place(name)


def _check_arm(predictors: Predictors) -> None:
    for place, column in enumerate(predictors.columns):
        values = predictors.values[:, place]
        if column.role == "arm" and not np.isin(values, (-1.0, 1.0)).all():
            unknown = [
                name for name, value in zip(predictors.participants, values, strict=True) if value not in (-1.0, 1.0)
            ]
            raise FeatureError(
                f"{column.name} is neither +1 nor −1 for {', '.join(unknown)}: leave out who has no known arm"
            )


def _check_missing(predictors: Predictors) -> None:
    known = ~np.isnan(predictors.values)
    few = []
    for place, column in enumerate(predictors.columns):
        if column.role == "motion":
            continue
        counted = known[:, place] & (known[:, predictors.place(column.motion)] if column.motion else True)
        if counted.sum() < FEWEST + LEFT_OUT:
            few.append(f"{column.name} ({counted.sum()}{' with motion' if column.motion else ''})")
    if few:
        raise FeatureError(
            f"{', '.join(few)}: of {len(predictors.participants)} participants too few have a value; "
            f"{FEWEST + LEFT_OUT} must, so that {FEWEST} are left when {LEFT_OUT} are left out: leave out such columns"
        )
