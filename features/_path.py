"""The elastic net over a path of penalties, for one sample: scikit-learn's solver, glmnet's scaling."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

LEAST, LEAST_TALL = 0.01, 1e-4  # smallest penalty over the largest: fewer people than predictors, or more
SHORTEST = 5  # models of a path that ends early
EXPLAINED, GAIN = 0.999, 1e-5  # r² above which it ends, and share of r² below which a model that adds no more ends it
SWEEPS = 20_000
CONSTANT = 1e-12  # spread over size below which a predictor does not vary


@dataclass(frozen=True, eq=False)
class Scaled:
    """Predictors of some people, brought to mean 0 and standard deviation 1 (1/n).

    Fields:
        centre, scale: (predictor,) what brought them there; the scale of one that does not vary is infinite, which
            keeps it out of every model.
        values: (person, predictor).
    """

    centre: Float[np.ndarray, "predictor"]
    scale: Float[np.ndarray, "predictor"]
    values: Float[np.ndarray, "person predictor"]

    @cached_property
    def gram(self) -> Float[np.ndarray, "predictor predictor"]:
        """XᵀX, which many outcomes share."""
        return np.ascontiguousarray(self.values.T @ self.values)

    def others(self, values: Float[np.ndarray, "other predictor"]) -> Float[np.ndarray, "other predictor"]:
        """People who were not among them, on the same scale."""
        return np.asarray((values - self.centre) / self.scale)


def scaled(values: Float[np.ndarray, "person predictor"]) -> Scaled:
    """The predictors of a sample, scaled by the sample."""
    centre, spread = values.mean(axis=0), values.std(axis=0)
    scale = np.where(spread > CONSTANT * np.abs(values).max(axis=0, initial=0.0), spread, np.inf)
    return Scaled(centre, scale, np.asfortranarray((values - centre) / scale))


@dataclass(frozen=True, eq=False)
class Path:
    """Models of one sample and one α, from the first that retains nothing on.

    Fields:
        penalties: (penalty,) λ, units of the outcome, falling; the path ends where nothing more is to be explained.
        coefficients: (penalty, predictor) units of the outcome per standard deviation.
        intercept: mean outcome of the sample: the prediction at the predictors' means.
        unfinished: models whose solver stopped at its limit of sweeps, short of its tolerance.
    """

    penalties: Float[np.ndarray, "penalty"]
    coefficients: Float[np.ndarray, "penalty predictor"]
    intercept: float
    unfinished: int

    def predict(self, values: Float[np.ndarray, "person predictor"]) -> Float[np.ndarray, "person penalty"]:
        """Predictions of people on the sample's scale."""
        return np.asarray(self.intercept + values @ self.coefficients.T)

    def predict_at(
        self, values: Float[np.ndarray, "person predictor"], penalties: Float[np.ndarray, "other"]
    ) -> Float[np.ndarray, "person other"]:
        """Predictions at the penalties of another sample's path, as glmnet makes them: straight lines between one's
        own, the last one's beyond."""
        own = self.predict(values)[:, ::-1]
        return np.stack([np.interp(penalties, self.penalties[::-1], row) for row in own])


def fit_path(
    sample: Scaled,
    outcome: Float[np.ndarray, "person"],
    alpha: float,
    count: int,
    tolerance: float,
    down_to: float = 0.0,
) -> Path:
    """Elastic nets at penalties equally spaced in their logarithm, from the smallest that retains nothing.

    λ runs from max |xᵀy| / nα to a hundredth of it, or to a ten-thousandth where there are no fewer people than
    predictors. The path ends early, after five models at least, with the first whose r² is above 0.999, or above that
    of the model before by less than a hundred-thousandth of itself. All this is as in glmnet, whose left-out errors
    depend on it: beyond its end a fold is read at its last model. The outcome is scaled to unit variance, so that
    scikit-learn's alpha is λ/s and its l1_ratio is α; see `scikit_penalty`.

    Arguments:
        sample: its predictors.
        outcome: of the same people.
        alpha: mixing, above 0.
        count: of penalties, if the path does not end early.
        tolerance: of the solver: duality gap over the outcome's sum of squares.
        down_to: penalty, units of the outcome, beyond the nearest to which no model is needed.

    Source: Friedman, Hastie & Tibshirani 2010, section 2.5; `glmnet.control` in R's manual for the end.
    """
    people, predictors = sample.values.shape
    mean, spread = float(outcome.mean()), float(outcome.std())
    if spread <= CONSTANT * abs(mean):  # nothing to explain
        return Path(np.full(count, 1.0), np.zeros((count, predictors)), mean, 0)
    target = (outcome - mean) / spread
    correlations = sample.values.T @ target
    largest = float(np.abs(correlations).max(initial=0.0)) / (people * alpha)
    if largest <= CONSTANT:  # no predictor varies
        return Path(np.full(count, spread), np.zeros((count, predictors)), mean, 0)
    least = LEAST if people < predictors else LEAST_TALL
    relative = np.geomspace(largest, largest * least, count)
    nearest = int(np.abs(np.log(relative * spread / down_to)).argmin()) if down_to > 0 else count
    relative = relative[: nearest + 1]
    coefficients, unfinished = _solve(sample, target, correlations, alpha, relative, tolerance)
    return Path(relative[: len(coefficients)] * spread, coefficients * spread, mean, unfinished)


def _solve(
    sample: Scaled, target: np.ndarray, correlations: np.ndarray, alpha: float, relative: np.ndarray, tolerance: float
) -> tuple[Float[np.ndarray, "penalty predictor"], int]:
    """Models up to where the path ends, and how many are unfinished."""
    from sklearn import config_context
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import enet_path

    # Checking arguments anew for each of very many short paths would take longer than some of them.
    with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
        warnings.simplefilter("ignore", ConvergenceWarning)  # counted below instead, path by path
        _, coefficients, gaps, _ = enet_path(
            sample.values,
            target,
            l1_ratio=alpha,
            alphas=relative,
            precompute=sample.gram,
            Xy=correlations,
            tol=tolerance,
            max_iter=SWEEPS,
            check_input=False,
            return_n_iter=True,
        )
    models = np.ascontiguousarray(coefficients.T)
    end = _end(sample, correlations, models)
    # `enet_path` stops at a gap of tolerance · ‖target‖², which is tolerance · people, and returns it over people.
    return models[:end], int((gaps[:end] > tolerance).sum())


def _end(sample: Scaled, correlations: np.ndarray, coefficients: Float[np.ndarray, "penalty predictor"]) -> int:
    """How many models of a path count, for an outcome of unit variance."""
    fitted = ((2 * correlations - coefficients @ sample.gram) * coefficients).sum(axis=1)
    explained = fitted / sample.values.shape[0]
    gains = np.diff(explained, prepend=0.0)
    last = (explained > EXPLAINED) | (gains < GAIN * explained)
    last[: SHORTEST - 1] = False
    return int(last.argmax()) + 1 if last.any() else len(last)
