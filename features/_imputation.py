"""What is missing, filled in from what participants like these have."""

from __future__ import annotations

import warnings
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - scikit-learn's switch for the class below
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.linear_model import BayesianRidge
from sklearn.utils.validation import check_is_fitted

from ._predictors import FeatureError, PredictorColumn
from ._table_transformer import TableTransformer, Values, column_deviations, column_means

ImputationMethod = Literal["iterative", "neighbours"]
NEAREST_COLUMNS = 5  # of 20 participants more columns would fit anything
NEAREST_PARTICIPANTS = 5
ROUNDS = 10  # of regressions over all columns with something missing
TOLERANCE = 0.01  # change of a round, in standard deviations over the largest value, that ends them


def check_method(method: str) -> None:
    """Raises `FeatureError` for an imputation that isn't there."""
    if method not in get_args(ImputationMethod):
        raise FeatureError(f"there is no imputation {method!r}; there are {', '.join(get_args(ImputationMethod))}")


class NearestRidge(BayesianRidge):  # type: ignore[misc]  # scikit-learn has no types
    """Bayesian ridge regression on the few columns that correlate most with what is regressed, chosen by the same rows.

    scikit-learn's own `n_nearest_features` draws columns at random in every round, so that rounds never settle.
    """

    def __init__(self, nearest: int = NEAREST_COLUMNS) -> None:
        super().__init__()
        self.nearest = nearest

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: None = None) -> NearestRidge:
        """Choose, then regress."""
        dx, dy = X - X.mean(axis=0), y - y.mean()
        power = (dx**2).sum(axis=0)
        shared = np.divide((dy @ dx) ** 2, power, out=np.zeros_like(power), where=power > 1e-20)
        self.chosen_ = np.sort(np.argsort(-shared, kind="stable")[: self.nearest])
        super().fit(X[:, self.chosen_], y)
        return self

    def predict(self, X: np.ndarray, return_std: bool = False) -> Any:
        """As `BayesianRidge`, from all columns."""
        return super().predict(X[:, self.chosen_], return_std=return_std)


class Imputation(TableTransformer):
    """Fills in what is missing, by what other columns of a participant say about it among the participants it was
    fitted to.

    ``iterative``: each incomplete column is regressed on the five that correlate most with it (Bayesian ridge), round
    by round until nothing changes; ``neighbours``: the mean of the five participants who are nearest in the columns
    that both have. Columns are standardised for it, by the mean and standard deviation of the participants it was
    fitted to. What is there stays as it is, to the last bit, and so does a table with nothing missing.

    A column that nobody has in a fold is filled in with 0: constant, so that it predicts nothing.

    Arguments:
        columns: of the table, in order. The arm helps to fill in and is never filled in itself.
        method: see above.
        incomplete: names of columns that need a regression even if nobody here misses them, for participants to come;
            other columns complete here are filled in with their mean then. Neighbours need none.
        posterior: draw what is filled in from its posterior (multiple imputation); iterative only.
        seed: of those draws.

    Fitted:
        centre_, scale_: (column,) mean and standard deviation (1/n; 1 where constant) of what is there.
        rounds_: of regressions.
        converged_: whether they ended because nothing changed. A draw never settles, nor need it.

    Raises `FeatureError` for a participant without an arm, a column that isn't there and a method that isn't.

    Source: van Buuren & Groothuis-Oudshoorn 2011 (chained equations); Troyanskaya et al. 2001 (neighbours).
    """

    def __init__(
        self,
        columns: tuple[PredictorColumn, ...],
        method: ImputationMethod = "iterative",
        incomplete: tuple[str, ...] = (),
        posterior: bool = False,
        seed: int = 0,
    ) -> None:
        self.columns = columns
        self.method = method
        self.incomplete = incomplete
        self.posterior = posterior
        self.seed = seed

    def fit(self, X: Values, y: object = None) -> Imputation:
        """Learn from these participants."""
        self._learn(self._values(X, reset=True))
        return self

    def fit_transform(self, X: Values, y: object = None) -> Values:
        """The same as fit and then transform, in one go; and where draws are made, those of the last round."""
        values = self._values(X, reset=True)
        return self._filled(values, self._learn(values))

    def transform(self, X: Values) -> Values:
        """(participant, column) with nothing missing."""
        check_is_fitted(self)
        values = self._values(X, reset=False)
        self._check_arm(values)
        if not np.isnan(values).any():
            return values.copy()
        return self._filled(values, self.imputer_.transform((values - self.centre_) / self.scale_))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns, as they were."""
        check_is_fitted(self)
        return self._names_out(input_features, tuple(column.name for column in self.columns))

    def _filled(self, values: Values, standard: Values) -> Values:
        return np.where(np.isnan(values), standard * self.scale_ + self.centre_, values)

    def _learn(self, values: Values) -> Values:
        """Fit the imputer; the standardised table with nothing missing."""
        check_method(self.method)
        self._check_arm(values)
        self.centre_ = column_means(values)
        spread = column_deviations(values, self.centre_)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        standard = (values - self.centre_) / self.scale_
        if self.method == "iterative":
            return self._chain(standard)
        if self.posterior:
            raise FeatureError("draws are made by imputation 'iterative' only")
        self.imputer_ = KNNImputer(n_neighbors=NEAREST_PARTICIPANTS, keep_empty_features=True)
        self.rounds_, self.converged_ = 0, True
        return self.imputer_.fit_transform(standard)

    def _chain(self, standard: Values) -> Values:
        """Regressions in rounds.

        scikit-learn regresses all columns or those with something missing here. A participant who misses all columns
        that are incomplete anywhere asks for exactly those; none of their regressions learns from that participant.
        """
        self.imputer_ = IterativeImputer(
            NearestRidge(),
            sample_posterior=self.posterior,
            max_iter=ROUNDS,
            tol=TOLERANCE,
            skip_complete=True,
            keep_empty_features=True,
            random_state=self.seed,
        )
        asking = np.where(self._incomplete(standard), np.nan, 0.0)
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always", ConvergenceWarning)
            filled = self.imputer_.fit_transform(np.vstack([standard, asking]))[:-1]
        unsettled = [warning for warning in raised if issubclass(warning.category, ConvergenceWarning)]
        for warning in raised:
            if warning not in unsettled:  # that rounds ended at their limit is said by `converged_`
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        self.rounds_, self.converged_ = int(self.imputer_.n_iter_), not unsettled
        return filled

    def _incomplete(self, standard: Values) -> np.ndarray:
        names = [column.name for column in self.columns]
        unknown = [name for name in self.incomplete if name not in names]
        if unknown:
            raise FeatureError(f"there is no column {unknown[0]!r} to impute; there are {', '.join(names)}")
        return np.isnan(standard).any(axis=0) | np.isin(names, list(self.incomplete))

    def _check_arm(self, values: Float[np.ndarray, "participant column"]) -> None:
        for place, column in enumerate(self.columns):
            if column.role == "arm" and np.isnan(values[:, place]).any():
                count = int(np.isnan(values[:, place]).sum())
                raise FeatureError(
                    f"{column.name} is missing for {count} participants; an arm is known or the participant is left "
                    "out, it is never filled in"
                )
