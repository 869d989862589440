"""What was estimated over all participants is labelled, refused where it matters, and found out where it isn't
labelled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tables_of_participants import participant_table

from features import FeatureError, Outcome
from features._leakage import (
    columns_equal_to_outcome,
    multiple_imputations,
    prepare_whole_sample,
    refuse_whole_sample,
    standardised_columns,
)
from features._preparation import preparation_pipeline

FULL = participant_table(gaps=3)


def _outcome(values: np.ndarray) -> Outcome:
    return Outcome("improvement", "points", values)


def test_the_whole_sample_is_prepared_as_a_fold_of_everybody() -> None:
    whole = prepare_whole_sample(FULL)
    assert whole.whole_sample == ("motion residuals", "imputation")
    assert [column.name for column in whole.columns] == [f"x{k}" for k in range(8)] + ["arm", "score"]
    assert not any(column.motion for column in whole.columns)
    assert np.isfinite(whole.values).all()
    np.testing.assert_allclose(
        preparation_pipeline(whole, "iterative").fit_transform(whole.values),
        preparation_pipeline(FULL, "iterative").fit_transform(FULL.values),
    )


def test_only_what_did_something_is_labelled() -> None:
    assert prepare_whole_sample(participant_table()).whole_sample == ("motion residuals",)
    assert prepare_whole_sample(participant_table(gaps=1, motion=False)).whole_sample == ("imputation",)
    assert prepare_whole_sample(participant_table(motion=False)).whole_sample == ()
    unused = participant_table()
    plain = replace(unused, columns=tuple(replace(column, motion="") for column in unused.columns))
    assert prepare_whole_sample(plain).whole_sample == ()  # motion is there, and nothing is adjusted for it


def test_the_raw_table_is_left_as_it_was() -> None:
    before = FULL.values.copy()
    prepare_whole_sample(FULL)
    np.testing.assert_array_equal(FULL.values, before)


def test_everybody_shapes_everybody_in_the_whole_sample() -> None:
    other = FULL.values.copy()
    other[5, FULL.place("x7")] += 10
    assert (prepare_whole_sample(FULL).values != prepare_whole_sample(replace(FULL, values=other)).values)[6].any()


def test_a_nested_estimate_refuses_the_whole_sample() -> None:
    refuse_whole_sample(FULL)
    with pytest.raises(
        FeatureError, match="motion residuals and imputation were estimated over all participants"
    ) as raised:
        refuse_whole_sample(prepare_whole_sample(FULL))
    assert "raw measures" in str(raised.value)


def test_what_was_estimated_before_is_not_forgotten() -> None:
    before = replace(FULL, whole_sample=("z-scores",))
    assert prepare_whole_sample(before).whole_sample == ("z-scores", "motion residuals", "imputation")


def test_imputations_differ_where_something_is_missing_and_nowhere_else() -> None:
    first, second = multiple_imputations(FULL, 2, seed=3)
    kept = [FULL.place(column.name) for column in first.columns]
    gone = np.isnan(FULL.values[:, kept])
    assert (first.values[gone] != second.values[gone]).all()
    assert (first.values[~gone] == second.values[~gone]).all()
    np.testing.assert_array_equal(multiple_imputations(FULL, 2, seed=3)[1].values, second.values)


def test_imputations_of_nothing() -> None:
    with pytest.raises(FeatureError, match="nothing is missing"):
        multiple_imputations(participant_table(), 2, seed=0)
    with pytest.raises(FeatureError, match="at least 1"):
        multiple_imputations(FULL, 0, seed=0)


@pytest.mark.parametrize("ddof", [0, 1])
def test_z_scores_are_found_out_and_an_arm_is_none(ddof: int) -> None:
    one = participant_table(20, gaps=2, motion=False)  # as many in each arm: mean 0, standard deviation 1
    for k in (1, 4):
        x = one.values[:, k]
        one.values[:, k] = (x - np.nanmean(x)) / np.nanstd(x, ddof=ddof)
    assert standardised_columns(one) == ("x1", "x4")
    assert standardised_columns(participant_table(20, gaps=2)) == ()


def test_the_outcome_under_another_name_is_found_out() -> None:
    one = participant_table(gaps=2)
    x = one.values[:, one.place("x0")]
    y = np.where(np.isnan(x), 0.0, 7 - 3 * x)
    assert columns_equal_to_outcome(one, _outcome(y)) == ("x0",)


def test_the_two_scores_whose_fall_is_the_outcome_are_found_out() -> None:
    one = participant_table()
    fall = one.values[:, one.place("score")] - one.values[:, one.place("x5")]
    assert columns_equal_to_outcome(one, _outcome(fall)) == ("x5", "score")


def test_a_good_predictor_is_no_disguise() -> None:
    one = participant_table(measures=40)
    noise = np.random.default_rng(0).normal(size=21)
    y = one.values[:, 0] + 0.1 * noise
    assert np.corrcoef(y, one.values[:, 0])[0, 1] > 0.99
    assert columns_equal_to_outcome(one, _outcome(y)) == ()


def test_few_people_and_constants_are_no_disguise() -> None:
    one = participant_table()
    one.values[4:, 0] = np.nan
    one.values[:, 1] = 0.1
    y = np.arange(21.0) ** 2
    one.values[:4, 0] = y[:4]
    assert columns_equal_to_outcome(one, _outcome(y)) == ()
    assert columns_equal_to_outcome(one, _outcome(np.full(21, 0.1))) == ()


def test_an_outcome_of_other_people() -> None:
    with pytest.raises(FeatureError, match="21 participants"):
        columns_equal_to_outcome(FULL, _outcome(np.zeros(20)))
