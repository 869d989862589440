"""What shuffled outcomes achieve."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_people import made_up

from features import Tuning, chance, coarse, groups_of, make_folds, nested, shuffles_needed, shuffles_reaching

TUNING = Tuning((1.0,), 8, 1e-4)


def test_portions_of_shuffles_are_the_whole() -> None:
    predictors, outcome = made_up(10, 3, 0.1, seed=1)
    folds = make_folds(predictors, groups_of(10, None))
    found = nested(folds, outcome.values, TUNING)
    whole = shuffles_reaching(folds, outcome.values, found, range(12), 5, TUNING)
    parts = [shuffles_reaching(folds, outcome.values, found, part, 5, TUNING) for part in (range(7), range(7, 12))]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert 0 < whole.sum() < 12


def test_a_shuffle_reaches_what_its_whole_estimate_reaches() -> None:
    """Sums that end early must not change the answer."""
    predictors, outcome = made_up(10, 3, 0.5, seed=2)
    folds = make_folds(predictors, groups_of(10, None))
    found = nested(folds, outcome.values, TUNING)
    reached = shuffles_reaching(folds, outcome.values, found, range(10), 0, TUNING)
    for number, one in enumerate(reached):
        dealt = np.random.default_rng([0, number]).permutation(10)
        q_squared = nested(folds, outcome.values[dealt], TUNING).q_squared
        assert one == (q_squared >= found.q_squared - 1e-9)


def test_a_strong_effect_is_not_reached_by_chance() -> None:
    predictors, outcome = made_up(20, 6, 3.0, seed=3)
    folds = make_folds(predictors, groups_of(20, None))
    found = nested(folds, outcome.values, coarse(TUNING))
    reached = shuffles_reaching(folds, outcome.values, found, range(19), 0, coarse(TUNING))
    assert chance(reached, 0).p_value == pytest.approx(1 / 20)


def test_p_counts_the_outcome_as_it_was() -> None:
    found = chance(np.array([True, False, False, False]), seed=0)
    assert (found.reached, found.shuffles, found.p_value) == (1, 4, pytest.approx(2 / 5))
    assert found.low < 0.25 < found.high


def test_shuffles_after_enough_do_not_count() -> None:
    reached = np.array([False, True, False, True, True, False])
    assert shuffles_needed(reached, enough=2) == 4
    assert chance(reached, 0, enough=2).p_value == pytest.approx(2 / 4)
    assert shuffles_needed(reached, enough=4) == 6


@pytest.mark.parametrize("enough", [1, 5, 100])
def test_p_is_below_a_no_more_often_than_a(enough: int) -> None:
    """The exact null: the outcome's rank among its shuffles is uniform, so each shuffle reaches with one probability
    u, itself uniform."""
    rng = np.random.default_rng(enough)
    p = [chance(rng.random(99) < u, 0, enough).p_value for u in rng.random(4000)]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p) <= level) <= level + 4 * np.sqrt(level * (1 - level) / 4000)
