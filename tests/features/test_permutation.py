"""What shuffled outcomes achieve."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_predictors import made_up

from features import (
    Tuning,
    assign_folds,
    coarse_tuning,
    nested_cross_validation,
    permutation_p_value,
    permutations_needed,
    permutations_reaching,
    prepare_folds,
)

TUNING = Tuning((1.0,), 8, 1e-4)


def test_portions_of_shuffles_are_the_whole() -> None:
    predictors, outcome = made_up(10, 3, 0.1, seed=1)
    folds = prepare_folds(predictors, assign_folds(10, None))
    found = nested_cross_validation(folds, outcome.values, TUNING)
    whole = permutations_reaching(folds, outcome.values, found, range(12), 5, TUNING)
    parts = [permutations_reaching(folds, outcome.values, found, part, 5, TUNING) for part in (range(7), range(7, 12))]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert 0 < whole.sum() < 12


def test_a_shuffle_reaches_what_its_whole_estimate_reaches() -> None:
    """Sums that end early must not change the answer."""
    predictors, outcome = made_up(10, 3, 0.5, seed=2)
    folds = prepare_folds(predictors, assign_folds(10, None))
    found = nested_cross_validation(folds, outcome.values, TUNING)
    reached = permutations_reaching(folds, outcome.values, found, range(10), 0, TUNING)
    for number, statistic in enumerate(reached):
        dealt = np.random.default_rng([0, number]).permutation(10)
        q_squared = nested_cross_validation(folds, outcome.values[dealt], TUNING).q_squared
        assert statistic == (q_squared >= found.q_squared - 1e-9)


def test_a_strong_effect_is_not_reached_by_chance() -> None:
    predictors, outcome = made_up(20, 6, 3.0, seed=3)
    folds = prepare_folds(predictors, assign_folds(20, None))
    found = nested_cross_validation(folds, outcome.values, coarse_tuning(TUNING))
    reached = permutations_reaching(folds, outcome.values, found, range(19), 0, coarse_tuning(TUNING))
    assert permutation_p_value(reached, 0).p_value == pytest.approx(1 / 20)


def test_p_counts_the_outcome_as_it_was() -> None:
    found = permutation_p_value(np.array([True, False, False, False]), seed=0)
    assert (found.reached, found.shuffles, found.p_value) == (1, 4, pytest.approx(2 / 5))
    assert found.low < 0.25 < found.high


def test_shuffles_after_enough_do_not_count() -> None:
    reached = np.array([False, True, False, True, True, False])
    assert permutations_needed(reached, enough=2) == 4
    assert permutation_p_value(reached, 0, enough=2).p_value == pytest.approx(2 / 4)
    assert permutations_needed(reached, enough=4) == 6


@pytest.mark.parametrize("enough", [1, 5, 100])
def test_p_is_below_a_no_more_often_than_a(enough: int) -> None:
    """The exact null: the outcome's rank among its shuffles is uniform, so each shuffle reaches with one probability u,
    itself uniform."""
    rng = np.random.default_rng(enough)
    p = [permutation_p_value(rng.random(99) < u, 0, enough).p_value for u in rng.random(4000)]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p) <= level) <= level + 4 * np.sqrt(level * (1 - level) / 4000)
