"""The model as the field publishes it: tuned by cross-validation over all people, and judged on the same people."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from ._design import Outcome, Predictors, check_varies
from ._imputation import ImputationMethod
from ._path import Path, Scaled, fit_path, scaled
from ._prepare import preparation
from ._results import LooCurve, Published
from ._tuning import Tuning


def published(
    predictors: Predictors,
    outcome: Outcome,
    groups: Int[np.ndarray, "person"],
    tuning: Tuning | None = None,
    imputation: ImputationMethod = "iterative",
    progress: Callable[[int, int], None] | None = None,
) -> Published:
    """Elastic net on predictors that were residualised, imputed and multiplied once, over all people.

    For every α the mean squared error of people left out is

        CV(λ) = Σᵢ (yᵢ − ŷ₋ᵢ(λ))² / n

    with ŷ₋ᵢ of a path of its own, scaled by the others alone and read at λ by straight lines, as R's `cv.glmnet` has it
    (``grouped = FALSE``); its standard error is sd(squared errors) / √(n − 1). The least CV over α and λ is the model.

    Arguments:
        predictors: of n people.
        outcome: of the same.
        groups: who is left out together; see `groups_of`.
        tuning: candidates.
        imputation: of what is missing.
        progress: called with how many of all groups are left out already.

    Raises `FeatureError` as `preparation` does, and for an outcome of other people or the same for everybody.

    Source: Friedman, Hastie & Tibshirani 2010, J. Stat. Softw. 33(1); Norbury et al. 2021 for the models.
    """
    tuning = tuning or Tuning()
    outcome.check_people(len(predictors.people))
    check_varies(outcome.name, outcome.values)
    values = np.asarray(preparation(predictors, imputation).fit_transform(predictors.values))
    y, sample = outcome.values, scaled(values)
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
    paths: list[Path],
    tuning: Tuning,
    progress: Callable[[int, int], None] | None,
) -> list[Float[np.ndarray, "person penalty"]]:
    """Predictions of everybody by models without them, at the penalties of all people's paths."""
    predictions = [np.empty((y.size, path.penalties.size)) for path in paths]
    every = np.unique(groups)
    for done, group in enumerate(every):
        out = groups == group
        sample = scaled(values[~out])
        others = sample.others(values[out])
        for place, (alpha, path) in enumerate(zip(tuning.alphas, paths, strict=True)):
            fold = fit_path(sample, y[~out], alpha, tuning.penalties, tuning.left_out_tolerance)
            predictions[place][out] = fold.predict_at(others, path.penalties)
        if progress is not None:
            progress(done + 1, every.size)
    return predictions


def _curve(alpha: float, path: Path, squares: Float[np.ndarray, "person penalty"]) -> LooCurve:
    mse = squares.mean(axis=0)
    se = squares.std(axis=0) / np.sqrt(squares.shape[0] - 1)
    minimum = int(mse.argmin())
    one_se = int(np.flatnonzero(mse <= mse[minimum] + se[minimum])[0])
    intercepts = np.full(mse.size, path.intercept)
    return LooCurve(alpha, path.penalties, mse, se, path.coefficients, intercepts, minimum, one_se)


def _model(
    names: tuple[str, ...],
    sample: Scaled,
    y: np.ndarray,
    curves: tuple[LooCurve, ...],
    best: int,
    left_out: Float[np.ndarray, "person penalty"],
    unfinished: int,
) -> Published:
    curve = curves[best]
    coefficients, intercept = curve.coefficients[curve.minimum], float(curve.intercepts[curve.minimum])
    fitted = intercept + sample.values @ coefficients
    return Published(
        names=names,
        centre=sample.centre,
        scale=np.where(np.isfinite(sample.scale), sample.scale, 0.0),
        curves=curves,
        best=best,
        coefficients=coefficients,
        intercept=intercept,
        fitted=fitted,
        tuned=left_out[:, curve.minimum],
        r_squared=1 - float(((y - fitted) ** 2).sum() / ((y - y.mean()) ** 2).sum()),
        unfinished=unfinished,
    )
