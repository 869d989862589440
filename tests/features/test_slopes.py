"""Within each arm, the outcome on a measure is an ordinary line with the interval that statsmodels gives it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from tables_of_participants import participant_table

from features import FeatureError, Outcome, PredictorColumn, Predictors
from features._leakage import prepare_whole_sample
from features._within_arms import arm_slopes

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
