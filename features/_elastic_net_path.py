"""The elastic net over a path of penalties: what it is tuned over, how its penalty is written, and how it is solved."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ._predictors import FeatureError

ALPHAS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
MIXINGS, PENALTIES = 5, 20  # of a coarse grid


@dataclass(frozen=True)
class Tuning:
    """Candidates, and how exactly each is solved.

    Fields:
        alphas: mixings, above 0 (ridge alone has no first model that retains nothing) to 1 (lasso).
        penalties: on each path, equally spaced in their logarithm.
        tolerance: of the solver; see `fit_path`.
        left_out_tolerance: of the many paths without somebody that `fit_whole_sample` is tuned by: they give errors of
            prediction, which need fewer digits than coefficients.

    Raises `FeatureError` where there is no candidate, or one is none.
    """

    alphas: tuple[float, ...] = ALPHAS
    penalties: int = 100
    tolerance: float = 1e-8
    left_out_tolerance: float = 1e-6

    def __post_init__(self) -> None:
        wrong = [alpha for alpha in self.alphas if not 0 < alpha <= 1]
        if wrong or not self.alphas or len(set(self.alphas)) < len(self.alphas):
            named = ", ".join(f"{alpha:g}" for alpha in wrong or self.alphas) or "none"
            raise FeatureError(f"alphas: {named}; give different numbers above 0 and up to 1, such as 0.1,0.5,1")
        if self.penalties < 2 or not all(0 < tolerance < 1 for tolerance in (self.tolerance, self.left_out_tolerance)):
            raise FeatureError("it takes two penalties at least, and tolerances between 0 and 1")


def coarse_tuning(tuning: Tuning) -> Tuning:
    """Candidates for the hundreds of thousands of fits of a nested estimate: five of the mixings, twenty penalties on
    each path, each solved to a ten-thousandth of the outcome's variance.

    What comes of it hardly differs: ``python -m benchmarks.predict --only grid`` measures by how much.
    """
    places = np.unique(np.linspace(0, len(tuning.alphas) - 1, MIXINGS).round().astype(int))
    alphas = tuple(tuning.alphas[place] for place in places)
    return Tuning(alphas, min(tuning.penalties, PENALTIES), max(tuning.tolerance, 1e-4))


class ScikitPenalty(NamedTuple):
    """Arguments of scikit-learn's `ElasticNet`."""

    alpha: float
    l1_ratio: float


class GlmnetPenalty(NamedTuple):
    """Arguments of R's `glmnet`: λ in units of the outcome, α the share of the lasso."""

    penalty: float
    alpha: float


def scikit_penalty(penalty: float, alpha: float, spread: float) -> ScikitPenalty:
    """glmnet's λ = `penalty` and α = `alpha` as scikit-learn takes them.

    Arguments:
        penalty: λ > 0, units of the outcome.
        alpha: 0 … 1.
        spread: s > 0, standard deviation (1/n) of the outcome.
    """
    if not (penalty > 0 and 0 <= alpha <= 1 and spread > 0):
        raise FeatureError(
            f"penalty {penalty:g}, alpha {alpha:g} and spread {spread:g} make no elastic net; "
            "penalty and spread are above zero, alpha is from 0 to 1"
        )
    lasso, ridge = penalty * alpha, penalty * (1 - alpha) / spread
    return ScikitPenalty(lasso + ridge, lasso / (lasso + ridge))


def glmnet_penalty(alpha: float, l1_ratio: float, spread: float) -> GlmnetPenalty:
    """scikit-learn's `alpha` and `l1_ratio` as glmnet takes them; see `scikit_penalty`."""
    if not (alpha > 0 and 0 <= l1_ratio <= 1 and spread > 0):
        raise FeatureError(
            f"alpha {alpha:g}, l1_ratio {l1_ratio:g} and spread {spread:g} make no elastic net; "
            "alpha and spread are above zero, l1_ratio is from 0 to 1"
        )
    lasso, ridge = alpha * l1_ratio, alpha * (1 - l1_ratio) * spread
    return GlmnetPenalty(lasso + ridge, lasso / (lasso + ridge))


LEAST, LEAST_TALL = 0.01, 1e-4  # smallest penalty over the largest: fewer participants than predictors, or more
SHORTEST = 5  # models of a path that ends early
EXPLAINED, GAIN = 0.999, 1e-5  # r² above which it ends, and share of r² below which a model that adds no more ends it
SWEEPS = 20_000
CONSTANT = 1e-12  # spread over size below which a predictor does not vary


@dataclass(frozen=True, eq=False)
class StandardisedSample:
    """Predictors of some participants, brought to mean 0 and standard deviation 1 (1/n).

    Fields:
        centre, scale: (predictor,) what brought them there; the scale of one that does not vary is infinite, which
            keeps it out of every model.
        values: (participant, predictor).
    """

    centre: Float[np.ndarray, "predictor"]
    scale: Float[np.ndarray, "predictor"]
    values: Float[np.ndarray, "participant predictor"]

    @cached_property
    def gram(self) -> Float[np.ndarray, "predictor predictor"]:
        """XᵀX, which many outcomes share."""
        return np.ascontiguousarray(self.values.T @ self.values)

    def on_same_scale(self, values: Float[np.ndarray, "other predictor"]) -> Float[np.ndarray, "other predictor"]:
        """Participants who were not among them, on the same scale."""
        return np.asarray((values - self.centre) / self.scale)


def standardise(values: Float[np.ndarray, "participant predictor"]) -> StandardisedSample:
    """The predictors of a sample, scaled by the sample."""
    centre, spread = values.mean(axis=0), values.std(axis=0)
    scale = np.where(spread > CONSTANT * np.abs(values).max(axis=0, initial=0.0), spread, np.inf)
    return StandardisedSample(centre, scale, np.asfortranarray((values - centre) / scale))


@dataclass(frozen=True, eq=False)
class PenaltyPath:
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

    def predict(self, values: Float[np.ndarray, "participant predictor"]) -> Float[np.ndarray, "participant penalty"]:
        """Predictions of participants on the sample's scale."""
        return np.asarray(self.intercept + values @ self.coefficients.T)

    def predict_at(
        self, values: Float[np.ndarray, "participant predictor"], penalties: Float[np.ndarray, "other"]
    ) -> Float[np.ndarray, "participant other"]:
        """Predictions at the penalties of another sample's path, as glmnet makes them: straight lines between one's
        own, the last one's beyond."""
        own = self.predict(values)[:, ::-1]
        return np.stack([np.interp(penalties, self.penalties[::-1], row) for row in own])


def fit_path(
    sample: StandardisedSample,
    outcome: Float[np.ndarray, "participant"],
    alpha: float,
    count: int,
    tolerance: float,
    down_to: float = 0.0,
) -> PenaltyPath:
    """Elastic nets at penalties equally spaced in their logarithm, from the smallest that retains nothing.

    λ runs from max |xᵀy| / nα to a hundredth of it, or to a ten-thousandth where there are no fewer participants than
    predictors. The path ends early, after five models at least, with the first whose r² is above 0.999, or above that
    of the model before by less than a hundred-thousandth of itself. All this is as in glmnet, whose left-out errors
    depend on it: beyond its end a fold is read at its last model. The outcome is scaled to unit variance, so that
    scikit-learn's alpha is λ/s and its l1_ratio is α; see `scikit_penalty`.

    Arguments:
        sample: its predictors.
        outcome: of the same participants.
        alpha: mixing, above 0.
        count: of penalties, if the path does not end early.
        tolerance: of the solver: duality gap over the outcome's sum of squares.
        down_to: penalty, units of the outcome, beyond the nearest to which no model is needed.

    Source: Friedman, Hastie & Tibshirani 2010, section 2.5; `glmnet.control` in R's manual for the end.
    """
    participants, predictors = sample.values.shape
    mean, spread = float(outcome.mean()), float(outcome.std())
    if spread <= CONSTANT * abs(mean):  # nothing to explain
        return PenaltyPath(np.full(count, 1.0), np.zeros((count, predictors)), mean, 0)
    target = (outcome - mean) / spread
    correlations = sample.values.T @ target
    largest = float(np.abs(correlations).max(initial=0.0)) / (participants * alpha)
    if largest <= CONSTANT:  # no predictor varies
        return PenaltyPath(np.full(count, spread), np.zeros((count, predictors)), mean, 0)
    least = LEAST if participants < predictors else LEAST_TALL
    relative = np.geomspace(largest, largest * least, count)
    nearest = int(np.abs(np.log(relative * spread / down_to)).argmin()) if down_to > 0 else count
    relative = relative[: nearest + 1]
    coefficients, unfinished = _solve(sample, target, correlations, alpha, relative, tolerance)
    return PenaltyPath(relative[: len(coefficients)] * spread, coefficients * spread, mean, unfinished)


def _solve(
    sample: StandardisedSample,
    target: np.ndarray,
    correlations: np.ndarray,
    alpha: float,
    relative: np.ndarray,
    tolerance: float,
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
    # `enet_path` stops at a gap of tolerance · ‖target‖², which is tolerance · participants, and returns it over
    # participants.
    return models[:end], int((gaps[:end] > tolerance).sum())


def _end(
    sample: StandardisedSample, correlations: np.ndarray, coefficients: Float[np.ndarray, "penalty predictor"]
) -> int:
    """How many models of a path count, for an outcome of unit variance."""
    fitted = ((2 * correlations - coefficients @ sample.gram) * coefficients).sum(axis=1)
    explained = fitted / sample.values.shape[0]
    gains = np.diff(explained, prepend=0.0)
    last = (explained > EXPLAINED) | (gains < GAIN * explained)
    last[: SHORTEST - 1] = False
    return int(last.argmax()) + 1 if last.any() else len(last)
