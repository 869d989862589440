"""Correlations within arms against the largest of all predictors; and the slopes in each arm."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from tables_of_participants import participant_table

from features import FeatureError, Outcome, PredictorColumn, Predictors, within_arm_correlations
from features._leakage import prepare_whole_sample
from features._within_arms import arm_slopes


def study(
    rng: np.random.Generator, participants: int = 24, measures: int = 6, arm_effect: float = 5.0
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    arm = np.where(np.arange(participants) % 3 == 0, 1.0, -1.0)
    x = rng.normal(size=(participants, measures)) + 2 * arm[:, None]  # measures and outcome differ between arms
    y = arm_effect * arm + rng.normal(size=participants)
    return x, y, [np.flatnonzero(arm == sign) for sign in (1, -1)]


def test_r_is_that_of_values_with_the_means_of_arms_taken_out() -> None:
    x, y, strata = study(np.random.default_rng(0))
    found = within_arm_correlations(x, y, strata, seed=1)
    dummies = np.zeros((y.size, 2))
    for column, rows in enumerate(strata):
        dummies[rows, column] = 1
    left = [v - dummies @ np.linalg.lstsq(dummies, v, rcond=None)[0] for v in (*x.T, y)]
    np.testing.assert_allclose(
        found.correlation, [np.corrcoef(predictor, left[-1])[0, 1] for predictor in left[:-1]], atol=1e-12
    )


def test_p_is_exact_where_all_shuffles_can_be_listed() -> None:
    """Two arms of three: 36 arrangements, of which any is drawn as often as any other."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(6, 3)), rng.normal(size=6)
    strata = [np.arange(3), np.arange(3, 6)]
    found = within_arm_correlations(x, y, strata, seed=0, shuffles=20_000)
    inner = np.vstack([x[rows] - x[rows].mean(axis=0) for rows in strata])
    outcome = np.concatenate([y[rows] - y[rows].mean() for rows in strata])
    scale = np.linalg.norm(inner, axis=0) * np.linalg.norm(outcome)
    largest = [
        np.abs(np.concatenate([outcome[list(a)], outcome[list(b)]]) @ inner / scale).max()
        for a in itertools.permutations(range(3))
        for b in itertools.permutations(range(3, 6))
    ]
    exact = (np.array(largest)[:, None] >= np.abs(found.correlation) - 1e-12).mean(axis=0)
    np.testing.assert_allclose(found.p_value, exact, atol=0.012)


def test_an_effect_of_the_arm_alone_calls_no_more_than_chance_and_a_true_measure_is_found() -> None:
    null, true = [], []
    for number in range(150):
        rng = np.random.default_rng(number)
        x, y, strata = study(rng)
        null.append(np.nanmin(within_arm_correlations(x, y, strata, seed=0, shuffles=199).p_value) <= 0.05)
        true.append(within_arm_correlations(x, y + 1.2 * x[:, 0], strata, seed=0, shuffles=199).p_value[0] <= 0.05)
    assert 0.01 <= np.mean(null) <= 0.10
    assert np.mean(true) > 0.8


def test_a_measure_that_acts_alike_in_unequal_arms_does_not_call_its_product() -> None:
    arm = np.where(np.arange(24) < 18, 1.0, -1.0)
    strata = [np.flatnonzero(arm == sign) for sign in (1, -1)]
    called = {False: 0, True: 0}
    for number in range(100):
        rng = np.random.default_rng(number)
        measure = rng.normal(size=24)
        x, y = np.column_stack([measure, arm * measure]), 2 * measure + rng.normal(size=24)
        for beside in called:
            factors = {1: [0]} if beside else {}
            p = within_arm_correlations(x, y, strata, seed=0, factors=factors, shuffles=99).p_value
            called[beside] += bool(p[1] <= 0.05)
    assert called[True] <= 12 < called[False]


def test_what_does_not_vary_within_arms_has_no_correlation() -> None:
    x, y, strata = study(np.random.default_rng(0))
    arm = np.ones(y.size)
    arm[strata[1]] = -1
    found = within_arm_correlations(np.column_stack([x, arm]), y, strata, seed=0, shuffles=19)
    assert np.isnan(found.correlation[-1])
    assert np.isnan(found.p_value[-1])
    assert np.isfinite(found.p_value[:-1]).all()
    constant = within_arm_correlations(x, arm, strata, seed=0, shuffles=19)
    assert np.isnan(constant.p_value).all()


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_units_do_not_matter(scale: float) -> None:
    x, y, strata = study(np.random.default_rng(0))
    one, other = (
        within_arm_correlations(factor * x, y / factor, strata, seed=2, shuffles=99) for factor in (1.0, scale)
    )
    np.testing.assert_array_equal(one.p_value, other.p_value)


FULL = participant_table(gaps=2)
Y = Outcome("improvement", "points", np.random.default_rng(5).normal(10, 3, size=21))
ARMS = ("ketamine", "midazolam")


def test_lines_are_those_of_statsmodels() -> None:
    found = arm_slopes(FULL, Y, "x0", ARMS)
    whole = prepare_whole_sample(FULL)
    x, arm = whole.values[:, 0], whole.values[:, whole.place("arm")]
    for k, sign in enumerate((1, -1)):
        line = sm.OLS(Y.values[arm == sign], sm.add_constant(x[arm == sign])).fit()
        low, high = line.conf_int(0.05)[1]
        given = [found.intercept[k], found.slope[k], found.low[k], found.high[k]]
        np.testing.assert_allclose(given, [*line.params, low, high], rtol=1e-10)
    assert list(found.participants) == [11, 10]
    np.testing.assert_array_equal(found.x, x)
    np.testing.assert_array_equal(found.arm, arm)
    assert (found.measure, found.arms) == ("x0", ARMS)


def test_the_first_arm_is_the_one_coded_plus_one() -> None:
    one = participant_table()
    arm, x = one.values[:, one.place("arm")], prepare_whole_sample(one).values[:, 3]
    found = arm_slopes(one, replace(Y, values=2 * arm * x), "x3", ARMS)
    np.testing.assert_allclose(found.slope, [2, -2], rtol=1e-10)


def _arms(count: int) -> Predictors:
    one = participant_table()
    one.values[:, one.place("arm")] = np.where(np.arange(21) < count, 1.0, -1.0)
    return one


def _constant() -> Predictors:
    one = participant_table(motion=False)
    one.values[:, 0] = np.where(one.values[:, one.place("arm")] > 0, 0.1, one.values[:, 0])
    return one


@pytest.mark.parametrize(
    ("table", "measure", "message"),
    [
        (_arms(2), "x0", "ketamine has 2 participants"),
        (_arms(21), "x0", "midazolam has 0 participants"),
        (_constant(), "x0", "x0 is the same for everybody in ketamine"),
        (FULL, "gone", "no column 'gone'"),
        (
            replace(
                FULL, columns=tuple(PredictorColumn("arm", "covariate") if c.role == "arm" else c for c in FULL.columns)
            ),
            "x0",
            "one column of arms; there are 0",
        ),
    ],
)
def test_lines_that_cannot_be_drawn(table: Predictors, measure: str, message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        arm_slopes(table, Y, measure, ARMS)


def test_an_outcome_of_other_people_is_refused() -> None:
    with pytest.raises(FeatureError, match="21 participants"):
        arm_slopes(FULL, replace(Y, values=Y.values[:4]), "x0", ARMS)
