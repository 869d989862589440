"""The nested estimate, against the obvious loop; and what it must not see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_predictors import made_up, predictors_of

from features import (
    FeatureError,
    Outcome,
    Tuning,
    assign_folds,
    default_folds,
    fit_whole_sample,
    nested_cross_validation,
    prepare_folds,
)
from features._nested_cv import press_ratio

TUNING = Tuning((0.3, 1.0), 12, 1e-9)


@pytest.mark.parametrize("folds", [None, 4])
def test_nested_predictions_are_the_published_procedure_without_each_group(folds: int | None) -> None:
    """The slow obvious way: call `fit_whole_sample` on everybody else, and read the participant off its model."""
    predictors, outcome = made_up(13, 5, 1.5, seed=4)
    groups = assign_folds(13, folds)
    found = nested_cross_validation(prepare_folds(predictors, groups), outcome.values, TUNING)
    for group in np.unique(groups):
        kept = groups != group
        others = replace(
            predictors,
            participants=tuple(np.array(predictors.participants)[kept]),
            values=predictors.values[kept],
        )
        inner = np.unique(groups[kept], return_inverse=True)[1]
        model = fit_whole_sample(others, Outcome("y", "", outcome.values[kept]), inner, TUNING)
        scores = (predictors.values[~kept] - model.centre) / model.scale
        np.testing.assert_allclose(found.predictions[~kept], model.intercept + scores @ model.coefficients, rtol=1e-6)
        assert set(found.alphas[~kept]) == {model.curve.alpha}


def test_predictions_of_a_person_know_nothing_of_the_person() -> None:
    predictors, outcome = made_up(12, 4, 1.0, seed=7)
    groups = assign_folds(12, None)
    found = nested_cross_validation(prepare_folds(predictors, groups), outcome.values, TUNING)
    changed = outcome.values.copy()
    changed[3] += 1000
    again = nested_cross_validation(prepare_folds(predictors, groups), changed, TUNING)
    assert again.predictions[3] == pytest.approx(found.predictions[3], rel=1e-9)
    assert not np.allclose(np.delete(again.predictions, 3), np.delete(found.predictions, 3))


def test_what_is_missing_is_filled_in_without_the_person_left_out() -> None:
    predictors = predictors_of(np.random.default_rng(1).normal(size=(9, 4)), missing=0.1)
    y = np.random.default_rng(2).normal(size=9)
    groups = assign_folds(9, None)
    found = nested_cross_validation(prepare_folds(predictors, groups, "neighbours"), y, TUNING)
    values = predictors.values.copy()
    values[6] = np.where(np.isnan(values[6]), np.nan, values[6] + 50)
    folds = prepare_folds(replace(predictors, values=values), groups, "neighbours")
    assert nested_cross_validation(folds, y, TUNING).coefficients[6] == pytest.approx(found.coefficients[6])


def test_q_squared_is_against_the_mean_of_the_others() -> None:
    predictors, outcome = made_up(12, 3, 1.0, seed=9)
    found, y = (
        nested_cross_validation(prepare_folds(predictors, assign_folds(12, None)), outcome.values, TUNING),
        outcome.values,
    )
    mean_of_others = (y.sum() - y) / 11
    np.testing.assert_allclose(found.baseline, mean_of_others)
    press, total = ((y - found.predictions) ** 2).sum(), ((y - mean_of_others) ** 2).sum()
    assert found.q_squared == pytest.approx(1 - press / total)


def test_a_strong_effect_is_predicted_in_people_left_out() -> None:
    predictors, outcome = made_up(30, 10, 3.0, seed=3)
    found = nested_cross_validation(
        prepare_folds(predictors, assign_folds(30, None)), outcome.values, Tuning((0.5, 1.0), 15, 1e-4)
    )
    assert found.q_squared > 0.7
    assert found.correlation > 0.85


def test_a_table_prepared_over_all_people_is_refused() -> None:
    predictors, _ = made_up(10, 3, 0.0, seed=0)
    leaky = replace(predictors, whole_sample=("imputation",))
    with pytest.raises(FeatureError, match="imputation"):
        prepare_folds(leaky, assign_folds(10, None))


def test_a_sum_that_passes_the_limit_ends_early() -> None:
    predictors, outcome = made_up(12, 4, 0.5, seed=6)
    folds = prepare_folds(predictors, assign_folds(12, None))
    ratio = 1 - nested_cross_validation(folds, outcome.values, TUNING).q_squared
    assert press_ratio(folds, outcome.values, TUNING, np.inf) == pytest.approx(ratio)
    assert press_ratio(folds, outcome.values, TUNING, 0.99 * ratio) == np.inf
    assert press_ratio(folds, outcome.values, TUNING, 1.01 * ratio) == pytest.approx(ratio)


def test_without_predictors_the_mean_of_the_others_falls_as_the_outcome_rises() -> None:
    y = np.repeat([1.0, 2, 3, 4, 5, 6], 2)
    found = nested_cross_validation(
        prepare_folds(predictors_of(np.ones((12, 1))), assign_folds(12, None)), y, Tuning((1.0,), 5)
    )
    assert not found.coefficients.any()
    assert found.q_squared == pytest.approx(0)
    assert found.correlation == pytest.approx(-1)


@pytest.mark.parametrize("level", [0.0, 1e6])
def test_constant_predictions_have_no_correlation(level: float) -> None:
    """Groups with one mean, and nothing to tell their participants apart."""
    groups = np.repeat([0, 1, 2], 3)
    y = level + np.tile([-0.1, 0.0, 0.1], 3)
    found = nested_cross_validation(prepare_folds(predictors_of(np.ones((9, 1))), groups), y, Tuning((1.0,), 5))
    assert np.isnan(found.correlation)


def test_others_who_are_all_the_same_retain_nothing() -> None:
    predictors, _ = made_up(9, 3, 0.0, seed=1)
    y = np.zeros(9)
    y[3] = 1.0
    found = nested_cross_validation(prepare_folds(predictors, assign_folds(9, None)), y, Tuning((1.0,), 5))
    assert found.penalties[3] == np.inf
    assert np.isfinite(np.delete(found.penalties, 3)).all()
    assert not found.coefficients[3].any()
    assert found.predictions[3] == 0


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (np.arange(8.0), "8,.* 9 participants"),
        (np.array([np.nan, *range(8)]), "finite"),
        (np.full(9, 2.0), "2 for everybody"),
    ],
)
def test_outcomes_that_cannot_be_predicted_are_refused(y: np.ndarray, match: str) -> None:
    predictors, _ = made_up(9, 3, 0.0, seed=1)
    with pytest.raises(FeatureError, match=match):
        nested_cross_validation(prepare_folds(predictors, assign_folds(9, None)), y, TUNING)


@pytest.mark.parametrize(
    ("participants", "predictors", "folds"),
    [(60, 300, None), (100, 30, None), (101, 3, 10), (100, 3000, 10), (2000, 300, 10)],
)
def test_people_are_left_out_one_by_one_as_long_as_that_can_be_done(
    participants: int, predictors: int, folds: int | None
) -> None:
    assert default_folds(participants, predictors) == folds


def test_without_folds_everybody_is_left_out_alone() -> None:
    np.testing.assert_array_equal(assign_folds(7, None), np.arange(7))


@given(st.integers(6, 50), st.integers(3, 10), st.integers(0, 5))
def test_groups_differ_by_one_person_and_hold_both_arms_alike(participants: int, folds: int, seed: int) -> None:
    folds = min(folds, participants)
    arm = np.where(np.arange(participants) % 3 == 0, 1.0, -1.0)
    groups = assign_folds(participants, folds, arm, seed)
    for chosen in (groups, groups[arm > 0], groups[arm < 0]):
        counts = np.bincount(chosen, minlength=folds)
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(("participants", "folds"), [(5, None), (21, 2), (21, 22)])
def test_what_cannot_be_left_out_is_refused(participants: int, folds: int | None) -> None:
    with pytest.raises(FeatureError, match=r"too few|cannot be made"):
        assign_folds(participants, folds)
