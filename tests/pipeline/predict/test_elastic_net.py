"""`elastic_net` on a data frame: the command's own numbers, its result as tables and pictures, and its mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import made_up_table as made
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_up_prediction import made_up_prediction, null_prediction

from features import FeatureError
from pipeline.cli._predict import run_predict
from pipeline.predict import PredictOptions, elastic_net, plot_coefficients, plot_predictions
from pipeline.predict._elastic_net import table_of_frame
from pipeline.tables import read_table

QUICK: dict[str, Any] = {"permutations": 10, "bootstraps": 5, "alphas": (0.5,), "folds": 4, "seed": 3}
DESCRIPTION = {
    "score": {"Role": "outcome", "Units": "points"},
    "arm": {"Role": "arm", "Levels": ["drug", "placebo"]},
    **{name: {"Role": "measure", "Units": "a.u."} for name in ("gppi_a", "gppi_b", "rest_a")},
}
FORMULA = "change(gppi_*) + arm + age"


def frame() -> pd.DataFrame:
    table = pd.DataFrame(made.rows())
    numeric = ["gppi_a", "gppi_b", "rest_a", "score"]
    table[numeric] = table[numeric].astype(float)
    table["age"] = table["age"].astype(int)
    table["score"] += 6 * table["gppi_a"]
    table.loc[4, "gppi_b"] = np.nan
    return table


def test_a_data_frame_gives_the_commands_own_numbers(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    frame().to_csv(path, index=False)
    made.describe(path, DESCRIPTION)
    options = PredictOptions(path, "fall(score)", formula=FORMULA, sessions=("pre", "post"), **QUICK)
    assert run_predict(options, tmp_path / "out", None, jobs=1) == 0
    result = elastic_net(frame(), "fall(score)", FORMULA, sessions=("pre", "post"), description=DESCRIPTION, **QUICK)
    assert len(result.retained) > 0
    for name, found in (("predictors", result.summary()), ("predictions", result.predictions)):
        written = pd.read_csv(tmp_path / "out" / f"{name}.tsv", sep="\t")
        written = written.fillna({"unit": ""}) if "unit" in written else written
        pd.testing.assert_frame_equal(found, written[list(found.columns)], check_dtype=False, check_exact=True)
    written = pd.read_csv(tmp_path / "out" / "performance.tsv", sep="\t")
    np.testing.assert_array_equal(result.performance["value"], written["value"])


def test_a_file_is_read_as_the_command_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    frame().to_csv(path, index=False)
    quick = {"sessions": ("pre", "post"), "in_sample_only": True, "bootstraps": 0, "alphas": (0.5,)}
    by_file, by_frame = (elastic_net(given, "fall(score)", "change(gppi_*)", **quick) for given in (path, frame()))
    assert by_file.in_sample.r_squared == by_frame.in_sample.r_squared
    assert (by_file.source, by_frame.source) == ("table.csv", "")


def test_a_data_frame_is_the_table_that_it_would_be_as_a_file(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "id": ["a", " b ", None],
            "x": [0.1 + 0.2, np.nan, 1e-9],
            "whole": [1, 2, 3],
            "kind": pd.Categorical(["u", "", "v"]),
            "yes": [True, False, True],
        }
    ).set_index("id")
    table.to_csv(tmp_path / "t.csv")
    found, written = table_of_frame(table), read_table(tmp_path / "t.csv")
    assert (found.columns, found.rows, found.lines) == (written.columns, written.rows, written.lines)


def test_columns_of_one_name_cannot_be_used() -> None:
    table = frame()
    twice = pd.concat([table, table[["gppi_a"]]], axis=1)
    with pytest.raises(FeatureError, match="two columns called gppi_a"):
        elastic_net(twice, "fall(score)", "change(gppi_a)", sessions=("pre", "post"))


def test_an_index_may_repeat_a_column_but_not_differ_from_it() -> None:
    table = pd.DataFrame({"id": ["a", "b"], "x": [1, 2]})
    assert table_of_frame(table.set_index("id", drop=False)).rows == table_of_frame(table).rows
    with pytest.raises(FeatureError, match="both called 'id', but differ"):
        table_of_frame(table.set_index(pd.Index(["a", "c"], name="id")))


def test_options_that_would_do_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"described by the JSON beside it; write t\.json"):
        elastic_net(tmp_path / "t.csv", "y", "*", description=DESCRIPTION)
    with pytest.raises(FeatureError, match="jobs: 0 is below 1"):
        elastic_net(frame(), "y", "*", jobs=0)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, r"sessions=\('BEFORE', 'AFTER'\)"),
        ({"formula": ["gppi_a", "age"]}, "the formula is one text"),
        ({"sessions": ("pre", "post"), "folds": 2}, "folds: 2 is too few"),
        ({"sessions": ("pre", "post"), "formula": "chnge(gppi_a)"}, "there is no chnge"),
        ({"sessions": ("pre", "post"), "model": "change"}, "both a model and a formula"),
    ],
)
def test_a_mistake_is_told_in_the_words_of_the_arguments(more: dict[str, Any], message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        elastic_net(frame(), "fall(score)", **({"formula": "change(gppi_*)"} | more))


def test_a_result_is_short_on_screen_and_a_table_in_a_notebook() -> None:
    result = made_up_prediction()
    assert len(repr(result)) < 200
    assert "Q² =" in repr(result)
    assert "<table" in result._repr_html_()
    summary = result.summary()
    assert list(summary["predictor"])[: len(result.retained)] == [result.names[place] for place in result.retained]
    assert summary["coefficient"].abs().is_monotonic_decreasing
    assert result.performance.set_index("quantity").loc["p_value", "low"] == result.permutation.low  # type: ignore[union-attr]  # it has one
    assert len(result.predictions) == result.participants


def test_pictures_are_drawn_on_new_axes_or_on_those_given() -> None:
    result = made_up_prediction()
    figure, given = plt.subplots(1, 2)
    assert plot_predictions(result, given[0], predicted="in_sample") is given[0]
    assert plot_coefficients(result, given[1]) is given[1]
    assert given[0].get_title("left").startswith("In-sample")
    own = plot_predictions(result, legend=False)
    assert own.figure is not figure
    points = np.concatenate([line.get_ydata() for line in own.lines if line.get_linestyle() == "None"])
    assert set(points) == set(result.nested.predictions)  # type: ignore[union-attr]  # it has one
    assert len(plot_coefficients(null_prediction()).get_yticklabels()) > 0
    plt.close("all")


def test_a_picture_of_nobody_left_out_is_refused() -> None:
    result = elastic_net(
        frame(), "fall(score)", "change(gppi_*)", sessions=("pre", "post"), in_sample_only=True, bootstraps=0
    )
    with pytest.raises(ValueError, match="in_sample"):
        plot_predictions(result)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"table": [1, 2]}, "table is a data frame"),
        ({"outcome": 3}, "outcome is a text"),
        ({"outcome": ["score"]}, "outcome is a text"),
        ({"formula": ["age"]}, "formula is one text"),
        ({"folds": "3"}, "folds is a whole number"),
        ({"permutations": 1.5}, "permutations is a whole number"),
        ({"seed": None}, "seed is a whole number"),
        ({"description": 3}, "description is a dictionary"),
        ({"covariates": "age"}, r"\+ age$"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_named(changed: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {"table": frame(), "outcome": "fall(score)", "formula": FORMULA} | QUICK | changed
    with pytest.raises(FeatureError, match=told):
        elastic_net(**given, sessions=("pre", "post"))


def test_numbers_too_small_to_compute_with_are_named() -> None:
    tiny = frame().assign(gppi_a=frame()["gppi_a"] * 1e-200)
    with pytest.raises(FeatureError, match="gppi_a holds numbers too small"):
        elastic_net(tiny, "fall(score)", "change(gppi_*)", sessions=("pre", "post"), **QUICK)
