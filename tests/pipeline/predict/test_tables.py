"""Tables of a prediction: numbers as they were found, in full in the file, and what they are worth beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_prediction import made_up_prediction, null_prediction

from pipeline.page._records import Records
from pipeline.predict._result import ElasticNetResult
from pipeline.predict._tables import prediction_tables


def table(found: ElasticNetResult, name: str) -> Records:
    return {written.name: written for written in prediction_tables(found)}[name]


def values(found: ElasticNetResult) -> dict[str, float]:
    return {row["quantity"]: row["value"] for row in table(found, "performance").rows}


def test_what_is_left_out_of_the_fit_alone_is_judged_against_the_mean_of_the_others() -> None:
    found = made_up_prediction()
    y = found.outcome.values
    press = others = 0.0
    for i in range(y.size):
        press += (y[i] - found.in_sample.cross_validated[i]) ** 2
        others += (y[i] - np.delete(y, i).mean()) ** 2
    assert found.tuned_r_squared == pytest.approx(1 - press / others, rel=1e-12)


def test_performance_holds_the_numbers_that_were_found() -> None:
    found = made_up_prediction()
    assert found.nested is not None
    assert found.permutation is not None
    reported = values(found)
    assert reported["r_squared"] == found.in_sample.r_squared
    assert reported["q_squared"] == found.nested.q_squared
    assert reported["mean_absolute_error"] == found.nested.mean_absolute_error
    assert reported["p_value"] == found.permutation.p_value
    p = table(found, "performance").rows[-1]
    assert (p["low"], p["high"]) == (found.permutation.low, found.permutation.high)


def test_what_nobody_asked_for_has_no_row() -> None:
    found = replace(made_up_prediction(), nested=None, permutation=None, stability=None, slopes=())
    assert set(values(found)) == {"r_squared", "tuned_r_squared", "mean_absolute_error_of_others"}
    assert "slopes" not in {written.name for written in prediction_tables(found)}
    assert {row["left_out"] for row in table(found, "predictions").rows} == {None}


def test_every_predictor_is_listed_once_with_the_retained_first_and_the_largest_at_the_top() -> None:
    found = made_up_prediction()
    rows = table(found, "predictors").rows
    assert sorted(row["predictor"] for row in rows) == sorted(found.names)
    sizes = [abs(row["coefficient"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert [row["predictor"] for row in table(found, "retained").rows] == [found.names[i] for i in found.retained]


def test_files_hold_numbers_in_full() -> None:
    found = made_up_prediction()
    header, *lines = table(found, "predictors").tsv().splitlines()
    place = header.split("\t").index("coefficient")
    coefficients = dict(zip(found.names, found.in_sample.coefficients, strict=True))
    for line in lines:
        cells = line.split("\t")
        assert float(cells[place]) == coefficients[cells[0]]


def test_people_are_listed_with_their_own_arm_and_predictions() -> None:
    found = made_up_prediction()
    assert found.nested is not None
    row = table(found, "predictions").rows[4]
    assert row["participant_id"] == "sub-04"
    assert row["arm"] == "ketamine"
    assert row["left_out"] == found.nested.predictions[4]
    assert row["of_others"] == pytest.approx(np.delete(found.outcome.values, 4).mean())


def test_tuning_shows_both_choices_of_every_alpha_and_marks_the_one_taken() -> None:
    found = made_up_prediction()
    records = table(found, "tuning")
    for row, curve in zip(records.rows, found.in_sample.curves, strict=True):
        assert row["mse_minimum"] == curve.mse.min()
        assert row["mse_one_se"] <= row["mse_minimum"] + row["se_minimum"]
        assert row["penalty_one_se"] >= row["penalty_minimum"]
    assert records.sure == {found.in_sample.best}


def test_a_mixing_that_the_nested_estimate_did_not_try_has_no_share_of_folds() -> None:
    found = made_up_prediction()
    coarse = replace(found, settings=replace(found.settings, nested_alphas=(0.5,)))
    assert [row["folds"] is None for row in table(coarse, "tuning").rows] == [False, True]


def test_missing_values_are_counted_and_much_of_it_is_marked() -> None:
    found = made_up_prediction(participants=40, missing=0.25)
    records = table(found, "missing")
    by_name = {column.name: i for i, column in enumerate(found.predictors.columns)}
    for i, row in enumerate(records.rows):
        assert row["missing"] == np.isnan(found.predictors.values[:, by_name[row["column"]]]).sum()
        assert (i in records.marked) == (row["share"] > 0.2)
    assert records.marked
    assert "missing" not in {written.name for written in prediction_tables(made_up_prediction())}


def test_a_model_that_retains_nothing_has_an_empty_table_that_no_terminal_shows() -> None:
    records = table(null_prediction(), "retained")
    assert not records.rows
    assert not records.brief


def test_parts_of_other_people_are_refused() -> None:
    found, other = made_up_prediction(), made_up_prediction(participants=30)
    with pytest.raises(ValueError, match="participants"):
        replace(found, outcome=other.outcome)
    with pytest.raises(ValueError, match="arms"):
        replace(found, arms=None)


def test_predictors_that_stand_for_each_other_are_found() -> None:
    found = made_up_prediction()
    values = found.predictors.values.copy()
    values[:, 3] = 7 - 2 * values[:, 1]  # the same but for unit, sign and origin
    twins = replace(found, predictors=replace(found.predictors, values=values))
    assert twins.correlated_with(1) == ((3, pytest.approx(-1.0)),)
    product = {name: i for i, name in enumerate(found.names)}[f"arm × {found.names[1]}"]
    assert [found.names[i] for i, _ in twins.correlated_with(product)] == [f"arm × {found.names[3]}"]
