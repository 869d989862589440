"""A table and R glmnet's leave-one-out results of it, read and checked."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from features import FeatureError, Outcome, PredictorColumn, Predictors, Tuning
from features._elastic_net_path import LEAST, LEAST_TALL
from pipeline.common import UsageError, read_number

USUAL = 100  # penalties of a path, unless the reference's spacing says otherwise
EVEN = 1e-6  # relative differences of steps that are one


@dataclass(frozen=True, eq=False)
class GlmnetReference:
    """What `cv.glmnet` found at one mixing.

    Fields:
        alpha: mixing.
        penalties: (penalty,) λ, falling.
        mse: (penalty,) mean squared error of participants left out.
        minimum: λ of the least error.
        one_se: the largest λ within a standard error of it; NaN where the file has none.
        coefficients: (predictor,) at `minimum`, units of the outcome per unit of the predictor.
    """

    alpha: float
    penalties: Float[np.ndarray, "penalty"]
    mse: Float[np.ndarray, "penalty"]
    minimum: float
    one_se: float
    coefficients: Float[np.ndarray, "predictor"]

    @property
    def place(self) -> int:
        """Of the least error among the penalties."""
        return int(np.abs(np.log(self.penalties / self.minimum)).argmin())


def read_table(path: Path) -> tuple[Predictors, Outcome]:
    """A CSV file of numbers with a header: the outcome, then predictors; a row for each participant.

    Raises `UsageError` where it is none.
    """
    header, *lines = [row for row in csv.reader(_text(path).splitlines()) if row] or [[]]
    if len(header) < 2:
        raise UsageError(f"{path}: a table has a header that names the outcome and at least one predictor")
    if all(_is_number(name) for name in header):
        raise UsageError(f"{path}: the first row holds numbers; it must name the columns")
    values = np.array([_numbers(path, header, number, row) for number, row in enumerate(lines, start=2)])
    if not values.size or np.ptp(values[:, 0]) == 0:
        raise UsageError(f"{path}: {header[0] or 'the outcome'}, its first column, is the same for everybody")
    names = tuple(header[1:])
    participants = tuple(str(number) for number in range(1, len(values) + 1))
    columns, terms = tuple(PredictorColumn(name, "covariate") for name in names), tuple((name,) for name in names)
    return Predictors(participants, columns, values[:, 1:], terms), Outcome(header[0], "", values[:, 0])


def read_reference(path: Path, predictors: int) -> tuple[list[GlmnetReference], float]:
    """Results for each mixing, and the mixing with the least error.

    Arguments:
        path: a JSON file with `best_alpha` and `path`; that has `alpha`, `lambda`, `loo_mse`, `lambda_min`, `coef`
            and, if it likes, `lambda_1se` for each mixing.
        predictors: of the table.

    Raises `UsageError` where it is none, or one of another table.
    """
    try:
        content = json.loads(_text(path))
    except ValueError as error:
        raise UsageError(f"{path} is no JSON file: {error}") from error
    try:
        found = [_reference(step) for step in content["path"]]
        best = float(content["best_alpha"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path} does not hold results of cv.glmnet: {type(error).__name__} {error}; it needs best_alpha and, in "
            "path, alpha, lambda, loo_mse, lambda_min and coef for each mixing"
        ) from error
    for result in found:
        if result.coefficients.size != predictors:
            raise UsageError(
                f"{path} has {result.coefficients.size} coefficients, the table has {predictors} predictors"
            )
    if best not in [result.alpha for result in found]:
        raise UsageError(f"{path}: best_alpha {best:g} is none of the mixings in path")
    return found, best


def tuning_of(references: list[GlmnetReference], participants: int) -> Tuning:
    """Its candidates; how many penalties follows from their spacing, since a path may have ended early.

    Raises `UsageError` for mixings that are none.
    """
    least = LEAST if participants < references[0].coefficients.size else LEAST_TALL
    try:
        return Tuning(
            tuple(reference.alpha for reference in references),
            max(_length(reference, least) for reference in references),
        )
    except FeatureError as error:
        raise UsageError(f"the reference's {error}") from error


def _length(reference: GlmnetReference, least: float) -> int:
    """Of the path, had it gone to `least` of its first penalty."""
    steps = np.diff(np.log(reference.penalties))
    if not steps.size or np.abs(steps / steps[0] - 1).max() > EVEN:
        return USUAL
    return max(2, 1 + round(math.log(least) / steps[0]))


def _reference(one: dict[str, Any]) -> GlmnetReference:
    penalties, mse, coefficients = (np.atleast_1d(np.array(one[key], float)) for key in ("lambda", "loo_mse", "coef"))
    found = GlmnetReference(
        float(one["alpha"]), penalties, mse, float(one["lambda_min"]), float(one.get("lambda_1se", "nan")), coefficients
    )
    numbers = np.concatenate([penalties, mse, coefficients, [found.minimum]])
    if penalties.shape != mse.shape or not penalties.size or not np.isfinite(numbers).all():
        raise ValueError(f"alpha {found.alpha:g} needs as many finite numbers in loo_mse as in lambda, and finite coef")
    if (penalties <= 0).any() or (np.diff(penalties) >= 0).any() or found.minimum <= 0 or (mse <= 0).any():
        raise ValueError(f"alpha {found.alpha:g} needs positive errors, and positive lambda that fall")
    return found


def _numbers(path: Path, header: list[str], number: int, row: list[str]) -> list[float]:
    if len(row) != len(header):
        raise UsageError(f"{path}, line {number}: {len(row)} values under {len(header)} names")
    wrong = [f"{name} is {text!r}" for name, text in zip(header, row, strict=True) if not _is_number(text)]
    if wrong:
        raise UsageError(f"{path}, line {number}: {wrong[0]}; glmnet needs a finite number everywhere")
    return [float(text) for text in row]


def _is_number(text: str) -> bool:
    return read_number(text) is not None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError(f"{path} is not there") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
