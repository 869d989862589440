"""The model as studies report it: tuned by cross-validation over all participants, and judged on the same ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from ._elastic_net_path import PenaltyPath, StandardisedSample, Tuning, fit_path, standardise
from ._imputation import ImputationMethod
from ._predictors import Outcome, Predictors, check_varies
from ._preparation import preparation_pipeline


@dataclass(frozen=True, eq=False)
class TuningCurve:
    """Elastic net at one mixing α: the path over penalties, and the error of participants left out one at a time.

    Fields:
        alpha: mixing, 0 (ridge) … 1 (lasso).
        penalties: (penalty,) glmnet's λ, in units of the outcome, falling.
        mse: (penalty,) mean squared error of those left out, squared units of the outcome.
        se: (penalty,) its standard error over participants, as glmnet gives it.
        coefficients: (penalty, predictor) units of the outcome per standard deviation of a predictor.
        intercepts: (penalty,) prediction at the predictors' means.
        minimum: place of the least error.
        one_se: place of the largest penalty whose error is within one standard error of the least.
    """

    alpha: float
    penalties: Float[np.ndarray, "penalty"]
    mse: Float[np.ndarray, "penalty"]
    se: Float[np.ndarray, "penalty"]
    coefficients: Float[np.ndarray, "penalty predictor"]
    intercepts: Float[np.ndarray, "penalty"]
    minimum: int
    one_se: int


@dataclass(frozen=True, eq=False)
class WholeSampleFit:
    """The model as the field publishes it: everything tuned and fitted on all participants, judged on the same
    participants.

    Fields:
        names: of the predictors.
        centre, scale: (predictor,) mean and standard deviation (1/n) over participants.
        curves: one for each α.
        best: place of the curve with the least error.
        coefficients: (predictor,) at the least error; units of the outcome per standard deviation.
        intercept: prediction at the predictors' means.
        fitted: (participant,) predictions of the participants it was fitted to.
        cross_validated: (participant,) predictions of left-out participants at the penalty that all participants chose:
            not independent of them.
        r_squared: 1 − SS(outcome − fitted) / SS(outcome), about the mean: in-sample.
        unfinished: how many models of `curves` the solver left short of its tolerance.
    """

    names: tuple[str, ...]
    centre: Float[np.ndarray, "predictor"]
    scale: Float[np.ndarray, "predictor"]
    curves: tuple[TuningCurve, ...]
    best: int
    coefficients: Float[np.ndarray, "predictor"]
    intercept: float
    fitted: Float[np.ndarray, "participant"]
    cross_validated: Float[np.ndarray, "participant"]
    r_squared: float
    unfinished: int = 0

    @property
    def curve(self) -> TuningCurve:
        """The one with the least error."""
        return self.curves[self.best]

    @property
    def retained(self) -> Bool[np.ndarray, "predictor"]:
        """Which predictors have a coefficient other than zero."""
        return self.coefficients != 0


def fit_whole_sample(
    predictors: Predictors,
    outcome: Outcome,
    groups: Int[np.ndarray, "participant"],
    tuning: Tuning | None = None,
    imputation: ImputationMethod = "iterative",
    progress: Callable[[int, int], None] | None = None,
) -> WholeSampleFit:
    """Elastic net on predictors that were residualised, imputed and multiplied once, over all participants.

    For every α the mean squared error of participants left out is

        CV(λ) = Σᵢ (yᵢ − ŷ₋ᵢ(λ))² / n

    with ŷ₋ᵢ of a path of its own, scaled by the others alone and read at λ by straight lines, as R's `cv.glmnet` has it
    (``grouped = FALSE``); its standard error is sd(squared errors) / √(n − 1). The least CV over α and λ is the model.

    Arguments:
        predictors: of n participants.
        outcome: of the same.
        groups: who is left out together; see `assign_folds`.
        tuning: candidates.
        imputation: of what is missing.
        progress: called with how many of all groups are left out already.

    Raises `FeatureError` as `preparation_pipeline` does, and for an outcome of other participants or the same for
    everybody.

    Source: Friedman, Hastie & Tibshirani 2010, J. Stat. Softw. 33(1); Norbury et al. 2021 for the models.
    """
    tuning = tuning or Tuning()
    outcome.check_count(len(predictors.participants))
    check_varies(outcome.name, outcome.values)
    values = np.asarray(preparation_pipeline(predictors, imputation).fit_transform(predictors.values))
    y, sample = outcome.values, standardise(values)
    paths = [fit_path(sample, y, alpha, tuning.penalties, tuning.tolerance) for alpha in tuning.alphas]
    left_out = _left_out(values, y, groups, paths, tuning, progress)
    pairs = zip(tuning.alphas, paths, left_out, strict=True)
    curves = tuple(_curve(alpha, path, (y[:, None] - guess) ** 2) for alpha, path, guess in pairs)
    best = int(np.argmin([curve.mse[curve.minimum] for curve in curves]))
    unfinished = sum(path.unfinished for path in paths)
    return _model(predictors.names, sample, y, curves, best, left_out[best], unfinished)


def _left_out(
    values: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    paths: list[PenaltyPath],
    tuning: Tuning,
    progress: Callable[[int, int], None] | None,
) -> list[Float[np.ndarray, "participant penalty"]]:
    """Predictions of everybody by models without them, at the penalties of all participants's paths."""
    predictions = [np.empty((y.size, path.penalties.size)) for path in paths]
    every = np.unique(groups)
    for done, group in enumerate(every):
        out = groups == group
        sample = standardise(values[~out])
        others = sample.on_same_scale(values[out])
        for place, (alpha, path) in enumerate(zip(tuning.alphas, paths, strict=True)):
            fold = fit_path(sample, y[~out], alpha, tuning.penalties, tuning.left_out_tolerance)
            predictions[place][out] = fold.predict_at(others, path.penalties)
        if progress is not None:
            progress(done + 1, every.size)
    return predictions


def _curve(alpha: float, path: PenaltyPath, squares: Float[np.ndarray, "participant penalty"]) -> TuningCurve:
    mse = squares.mean(axis=0)
    se = squares.std(axis=0) / np.sqrt(squares.shape[0] - 1)
    minimum = int(mse.argmin())
    one_se = int(np.flatnonzero(mse <= mse[minimum] + se[minimum])[0])
    intercepts = np.full(mse.size, path.intercept)
    return TuningCurve(alpha, path.penalties, mse, se, path.coefficients, intercepts, minimum, one_se)


def _model(
    names: tuple[str, ...],
    sample: StandardisedSample,
    y: np.ndarray,
    curves: tuple[TuningCurve, ...],
    best: int,
    left_out: Float[np.ndarray, "participant penalty"],
    unfinished: int,
) -> WholeSampleFit:
    curve = curves[best]
    coefficients, intercept = curve.coefficients[curve.minimum], float(curve.intercepts[curve.minimum])
    fitted = intercept + sample.values @ coefficients
    return WholeSampleFit(
        names=names,
        centre=sample.centre,
        scale=np.where(np.isfinite(sample.scale), sample.scale, 0.0),
        curves=curves,
        best=best,
        coefficients=coefficients,
        intercept=intercept,
        fitted=fitted,
        cross_validated=left_out[:, curve.minimum],
        r_squared=1 - float(((y - fitted) ** 2).sum() / ((y - y.mean()) ** 2).sum()),
        unfinished=unfinished,
    )
