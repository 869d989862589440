"""How often predictors are retained: in folds, bootstraps and imputations."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_predictors import made_up, predictors_of

from features import (
    FeatureError,
    Outcome,
    Tuning,
    assign_folds,
    fit_whole_sample,
    imputed_retention,
    nested_cross_validation,
    prepare_folds,
    selection_stability,
)

TUNING = Tuning((0.5, 1.0), 15, 1e-5)


def test_planted_predictors_are_retained_more_often_than_noise() -> None:
    predictors, outcome = made_up(30, 12, 2.0, seed=1)
    model = fit_whole_sample(predictors, outcome, assign_folds(30, None), TUNING)
    found = selection_stability(predictors, outcome, model, None, samples=30, seed=0, tuning=TUNING)
    assert found.bootstraps[:2].min() > 0.9
    assert found.bootstraps[:2].min() > np.median(found.bootstraps[2:])
    assert (found.positive[:2] == 1).all()
    assert (found.low[:2] > 0).all()


def test_folds_are_counted_from_the_nested_estimate() -> None:
    predictors, outcome = made_up(12, 4, 1.0, seed=2)
    groups = assign_folds(12, None)
    inner = nested_cross_validation(prepare_folds(predictors, groups), outcome.values, TUNING)
    model = fit_whole_sample(predictors, outcome, groups, TUNING)
    found = selection_stability(predictors, outcome, model, inner, samples=0, seed=0, tuning=TUNING)
    np.testing.assert_allclose(found.folds, (inner.coefficients != 0).mean(axis=0))
    assert np.isnan(found.bootstraps).all()


def test_the_same_seed_draws_the_same_people() -> None:
    predictors, outcome = made_up(12, 4, 1.0, seed=2)
    model = fit_whole_sample(predictors, outcome, assign_folds(12, None), TUNING)
    draws = [
        selection_stability(predictors, outcome, model, None, samples=5, seed=s, tuning=TUNING).median
        for s in (1, 1, 2)
    ]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


@pytest.mark.parametrize("samples", [0, 3])
def test_a_predictor_never_retained_has_no_sign(samples: int) -> None:
    predictors, outcome = made_up(12, 2, 0.0, seed=4)
    model = fit_whole_sample(predictors, outcome, assign_folds(12, None), Tuning((1.0,), 3))
    found = selection_stability(predictors, outcome, model, None, samples=samples, seed=0, tuning=Tuning((1.0,), 3))
    never = ~(found.bootstraps > 0)
    assert np.isnan(found.positive[never]).all()


IMPUTATION_TUNING = Tuning((1.0,), 10, 1e-4)


def test_what_is_complete_and_strong_is_retained_whatever_is_filled_in() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 4))
    y = Outcome("y", "", 5 * x[:, 0] + rng.normal(size=20))
    table = predictors_of(x)
    table.values[2:5, 3] = np.nan
    share = imputed_retention(table, y, assign_folds(20, None), count=4, seed=0, tuning=IMPUTATION_TUNING)
    assert share[0] == 1
    assert ((share >= 0) & (share <= 1)).all()


def test_with_nothing_missing_there_is_nothing_to_draw() -> None:
    predictors, outcome = made_up(10, 3, 1.0, seed=0)
    with pytest.raises(FeatureError, match="nothing is missing"):
        imputed_retention(predictors, outcome, assign_folds(10, None), count=2, seed=0, tuning=IMPUTATION_TUNING)
