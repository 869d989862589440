"""No model of a table depends on the unit of a column: numbers differ by the factor, all else is the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from made_up_predictors import predictors_of

from features import (
    Outcome,
    PredictorColumn,
    Predictors,
    Tuning,
    arm_slopes,
    assign_folds,
    change_scores,
    cohort_by_arm,
    correlation,
    fit_whole_sample,
    mixed_model,
    nested_cross_validation,
    preparation_pipeline,
    prepare_folds,
)

PARTICIPANTS = 18
RNG = np.random.default_rng(4)
X = RNG.normal(5.0, 1.0, (PARTICIPANTS, 4))
Y = 2 * X[:, 0] - X[:, 1] + RNG.normal(size=PARTICIPANTS) + 20
AFTER = Y + RNG.normal(1.0, 1.0, PARTICIPANTS)
ARM = np.where(np.arange(PARTICIPANTS) % 2, 1.0, -1.0)
TUNING = Tuning((0.5, 1.0), 12, 1e-9, 1e-9)
FACTORS = (1e-9, 1e-6, 1e6)

Told = tuple[np.ndarray, np.ndarray]  # what is in the unit, and what must not depend on it


def table(factor: float, missing: float = 0.0) -> Predictors:
    """The first column in another unit."""
    return predictors_of(X * np.array([factor, 1, 1, 1]), missing)


def retained(factor: float) -> Told:
    groups = assign_folds(PARTICIPANTS, 3)
    found = fit_whole_sample(table(factor), Outcome("y", "", Y), groups, TUNING)
    left_out = nested_cross_validation(prepare_folds(table(factor), groups), Y, TUNING)
    return found.scale[:1], np.array([found.r_squared, left_out.q_squared, *found.coefficients, *left_out.predictions])


def outcome(factor: float) -> Told:
    groups = assign_folds(PARTICIPANTS, 3)
    found = fit_whole_sample(table(1.0), Outcome("y", "", factor * Y), groups, TUNING)
    left_out = nested_cross_validation(prepare_folds(table(1.0), groups), factor * Y, TUNING)
    same = [found.r_squared, left_out.q_squared, left_out.correlation, *found.retained]
    return np.array([*found.coefficients, left_out.mean_absolute_error]), np.array(same)


def imputed(factor: float, method: str) -> Told:
    values = table(factor, missing=0.15)
    found = np.asarray(preparation_pipeline(values, method).fit_transform(values.values))  # type: ignore[arg-type]  # a word of the parameters
    return found[:, 0], found[:, 1:]


def adjusted(motion: float) -> Told:
    """The motion in another unit."""
    columns = (PredictorColumn("x1", "measure", motion="fd"), PredictorColumn("fd", "motion"))
    values = np.column_stack([X[:, 0], motion * X[:, 1]])
    predictors = replace(table(1.0), columns=columns, values=values, terms=(("x1",),))
    return np.array([motion]), np.asarray(preparation_pipeline(predictors).fit_transform(values))


def slopes(factor: float) -> Told:
    columns = (PredictorColumn("x1", "covariate"), PredictorColumn("arm", "arm"))
    values = np.column_stack([factor * X[:, 0], ARM])
    predictors = replace(table(1.0), columns=columns, values=values, terms=(("x1",), ("arm",), ("x1", "arm")))
    found = arm_slopes(predictors, Outcome("y", "", Y), "x1", ("drug", "placebo"))
    return 1 / found.slope, found.intercept


def mixed(factor: float) -> Told:
    found = mixed_model(factor * Y, factor * AFTER, ARM, ("drug", "placebo"))
    return np.array([effect.estimate for effect in found.effects]), np.array(
        [effect.p_value for effect in found.effects]
    )


def changed(factor: float) -> Told:
    found = change_scores(factor * (AFTER - Y), ARM, ("drug", "placebo"))
    size = found.effect_size
    return np.array([found.difference.estimate]), np.array([found.difference.p_value, size.g, size.low, size.high])


def correlated(factor: float) -> Told:
    found = correlation(factor * X[:, 0], Y, name="y")
    return np.array([factor]), np.array([found.r, found.low, found.high, found.p_value])


def described(factor: float) -> Told:
    (row,) = cohort_by_arm({"x": factor * X[:, 0]}, ARM)
    return np.array([row.arms[0].mean, row.arms[1].sd]), np.array([row.difference])  # type: ignore[union-attr]  # the arms were asked for


def by_regressions(factor: float) -> Told:
    return imputed(factor, "iterative")


def by_neighbours(factor: float) -> Told:
    return imputed(factor, "neighbours")


MODELS = (retained, outcome, by_regressions, by_neighbours, adjusted, slopes, mixed, changed, correlated, described)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_numbers_differ_by_the_factor_and_what_is_concluded_not_at_all(model: Callable[[float], Told]) -> None:
    in_unit, others = model(1.0)
    for factor in FACTORS:
        scaled, same = model(factor)
        assert scaled / factor == pytest.approx(in_unit, rel=1e-4)
        assert same == pytest.approx(others, rel=1e-4, abs=1e-8)
