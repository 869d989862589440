"""The cohort by arm: counts, spreads and standardised differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

from features import CategoryCount, FeatureError, NumberSummary, cohort_by_arm

ARM = np.array([1.0, 1, 1, 1, -1, -1, -1])


def test_numbers_have_mean_spread_and_quartiles_of_who_has_them() -> None:
    ages = np.array([30.0, 40, 50, np.nan, 20, 30, 40])
    (row,) = cohort_by_arm({"age": ages}, ARM)
    assert row.arms == (
        NumberSummary(3, 1, 40.0, 10.0, 35.0, 40.0, 45.0),
        NumberSummary(3, 0, 30.0, 10.0, 25.0, 30.0, 35.0),
    )
    assert row.difference == pytest.approx(1.0)


def test_texts_have_a_row_for_each_category() -> None:
    rows = cohort_by_arm({"sex": ("F", "M", "F", "", "M", "M", "F")}, ARM)
    assert [(row.name, row.category) for row in rows] == [("sex", "F"), ("sex", "M")]
    assert rows[0].arms == (CategoryCount(2, 3, 1), CategoryCount(1, 3, 0))
    assert rows[0].difference == pytest.approx((1 / 3) / math.sqrt(2 / 9))
    assert rows[1].difference == pytest.approx(-rows[0].difference)


def test_an_arm_without_spread_has_no_standardised_difference() -> None:
    rows = cohort_by_arm({"smokes": ("no",) * 7, "dose": np.array([5.0, 5, 5, 5, 7, 7, 7])}, ARM)
    assert all(math.isnan(row.difference) for row in rows)


def test_an_arm_in_which_nobody_has_a_value_is_no_error() -> None:
    (row,) = cohort_by_arm({"dose": np.array([5.0, 6, 7, 8, np.nan, np.nan, np.nan])}, ARM)
    assert row.arms[1].participants == 0
    assert math.isnan(row.difference)


@pytest.mark.parametrize(
    ("columns", "arm", "expected"),
    [({"age": np.ones(6)}, ARM, "age has 6 values for 7 participants"), ({}, np.ones(7), "an arm has nobody")],
    ids=["another length", "one arm"],
)
def test_a_table_that_cannot_be_made_is_told(columns: dict[str, np.ndarray], arm: np.ndarray, expected: str) -> None:
    with pytest.raises(FeatureError, match=expected):
        cohort_by_arm(columns, arm)
