"""The terms of a model: columns, and products of centred columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._design import Column, FeatureError, Term
from ._transformer import TableTransformer, Values, means


class Products(TableTransformer):
    """The terms of a model, in order: a column as it is, or the product of centred columns.

        term (a,) is a;    term (a, b) is (a − ā)(b − b̄)

    ā and b̄ are means of the people it was fitted to. Centring makes the weight of b, in a model with the product,
    that of an average person, and takes out most of the correlation of a product with its factors.

    Where a column is the same for all of those people (one arm in a fold), its products are exactly 0 for them.

    Arguments:
        columns: of the table, in order.
        terms: each one name or more.

    Fitted:
        centre_: (column,) their means.

    Raises `FeatureError` for a term of columns that aren't there, and for a missing value.

    Source: Aiken & West 1991, chapter 3.
    """

    def __init__(self, columns: tuple[Column, ...], terms: tuple[Term, ...]) -> None:
        self.columns = columns
        self.terms = terms

    def fit(self, X: Values, y: object = None) -> Products:
        """Means of these people."""
        values = self._complete(X, reset=True)
        names = [one.name for one in self.columns]
        unknown = [name for term in self.terms for name in term if name not in names]
        if unknown:
            raise FeatureError(f"there is no column {unknown[0]!r} for a term; there are {', '.join(names)}")
        self.places_ = [[names.index(name) for name in term] for term in self.terms]
        self.centre_ = means(values)
        return self

    def transform(self, X: Values) -> Values:
        """(person, term)."""
        check_is_fitted(self)
        values = self._complete(X, reset=False)
        centred = values - self.centre_
        terms = [values[:, one[0]] if len(one) == 1 else centred[:, one].prod(axis=1) for one in self.places_]
        return np.stack(terms, axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names such as ``arm × change(x)``."""
        check_is_fitted(self)
        return self._names_out(input_features, tuple(" × ".join(term) for term in self.terms))

    def _complete(self, X: Any, *, reset: bool) -> Values:
        values = self._values(X, reset=reset)
        missing = [one.name for one, gone in zip(self.columns, np.isnan(values).any(axis=0), strict=True) if gone]
        if missing:
            raise FeatureError(f"{', '.join(missing)}: a value is missing; impute before terms are made")
        return values
