"""The published model against R's glmnet: the same errors of participants left out, the same choice, the same model?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from features import FeatureError, Tuning, TuningCurve, WholeSampleFit, assign_folds, fit_whole_sample
from features._elastic_net_path import fit_path, standardise
from pipeline.common import UsageError

from ._check import Check
from ._predict_reference import GlmnetReference, read_reference, read_table, tuning_of

COEFFICIENTS, ERRORS = 1e-4, 5e-3  # bounds: units of the outcome per unit of a predictor; relative
SAME = 1e-9  # relative difference of penalties that are read without a new fit
COLUMNS = (
    *("alpha", "max_abs_delta_coef", "max_rel_delta_loo", "same_lambda_min", "same_lambda_1se"),
    *("lambda_min", "retained", "retained_glmnet"),
)


def compare(table: Path, reference: Path) -> dict[str, Any]:
    """Everything that was compared, in the form that is written.

    Arguments:
        table: outcome first, then predictors.
        reference: glmnet's results of it.

    Raises `UsageError` where they are none, or do not belong together.
    """
    predictors, outcome = read_table(table)
    wanted, best = read_reference(reference, len(predictors.names))
    tuning = tuning_of(wanted, len(outcome.values))
    start = time.perf_counter()
    try:
        found = fit_whole_sample(predictors, outcome, assign_folds(len(outcome.values), None), tuning)
    except FeatureError as error:
        raise UsageError(f"{table}: {error}") from error
    seconds = time.perf_counter() - start
    sample = (predictors.values, outcome.values)
    pairs = zip(wanted, found.curves, strict=True)
    return {
        "alphas": [_row(alpha, curve, found, sample, tuning) for alpha, curve in pairs],
        "best_alpha": found.curve.alpha,
        "best_alpha_glmnet": best,
        "seconds": seconds,
    }


def checks(found: dict[str, Any]) -> list[Check]:
    """The bounds that hold for every table."""
    rows, best, theirs = found["alphas"], found["best_alpha"], found["best_alpha_glmnet"]
    return [
        Check("glmnet: largest |Δ coefficient|", max(row["max_abs_delta_coef"] for row in rows), most=COEFFICIENTS),
        Check("glmnet: largest relative Δ LOO error", max(row["max_rel_delta_loo"] for row in rows), most=ERRORS),
        Check("glmnet: mixings with another λ_min", float(sum(not row["same_lambda_min"] for row in rows)), most=0.0),
        Check("glmnet: |Δ best α|", abs(best - theirs), most=0.0, note=f"α = {best:g}, glmnet's {theirs:g}"),
    ]


def _row(
    wanted: GlmnetReference,
    curve: TuningCurve,
    found: WholeSampleFit,
    sample: tuple[np.ndarray, np.ndarray],
    tuning: Tuning,
) -> dict[str, Any]:
    coefficients = _coefficients(wanted, curve, found)
    return {
        "alpha": wanted.alpha,
        "max_abs_delta_coef": float(np.abs(coefficients - wanted.coefficients).max()),
        "max_rel_delta_loo": float(np.abs(_errors(wanted, curve, sample, tuning) / wanted.mse - 1).max()),
        "same_lambda_min": _same(curve, curve.minimum, wanted.minimum),
        "same_lambda_1se": None if np.isnan(wanted.one_se) else _same(curve, curve.one_se, wanted.one_se),
        "lambda_min": float(curve.penalties[curve.minimum]),
        "retained": int((coefficients != 0).sum()),
        "retained_glmnet": int((wanted.coefficients != 0).sum()),
    }


def _same(curve: TuningCurve, place: int, penalty: float) -> bool:
    """Whether a penalty is that of this place, and none beside it."""
    step = np.log(curve.penalties[0] / curve.penalties[1])
    return bool(abs(np.log(curve.penalties[place] / penalty)) < step / 2)


def _coefficients(wanted: GlmnetReference, curve: TuningCurve, found: WholeSampleFit) -> Float[np.ndarray, "predictor"]:
    """At glmnet's λ, per unit of each predictor; between two of one's own, by a straight line, as glmnet has it."""
    own, at = curve.penalties[::-1], wanted.minimum
    standard = np.array([np.interp(at, own, column[::-1]) for column in curve.coefficients.T])
    nearest = int(np.abs(curve.penalties - at).argmin())
    if abs(curve.penalties[nearest] / at - 1) < SAME:  # rounding must not bring the neighbour's predictors in
        standard = curve.coefficients[nearest]
    return np.divide(standard, found.scale, out=np.zeros_like(standard), where=found.scale > 0)


def _errors(
    wanted: GlmnetReference, curve: TuningCurve, sample: tuple[np.ndarray, np.ndarray], tuning: Tuning
) -> Float[np.ndarray, "penalty"]:
    """Of participants left out, at glmnet's λ."""
    count = wanted.penalties.size
    own = curve.penalties[:count]
    if own.size == count and np.abs(own / wanted.penalties - 1).max() < SAME:
        return curve.mse[:count]
    values, y = sample
    squares = np.empty((y.size, count))
    for participant in range(y.size):
        others = np.arange(y.size) != participant
        fold = standardise(values[others])
        path = fit_path(fold, y[others], wanted.alpha, tuning.penalties, tuning.left_out_tolerance)
        squares[participant] = (
            y[participant] - path.predict_at(fold.on_same_scale(values[[participant]]), wanted.penalties)[0]
        ) ** 2
    return np.asarray(squares.mean(axis=0))
