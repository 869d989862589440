"""Tables that cannot be used, and questions that have no answer: one line that says what, where, what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_up_table as made
import numpy as np
import pytest
from made_up_predictors import made_up

from features import Outcome, Predictors
from pipeline.common import UsageError
from pipeline.predict import PredictOptions, read_model_data
from pipeline.predict._table_checks import suspicious_values
from pipeline.tables import TableError


def problem(options: Callable[[], PredictOptions]) -> str:
    """What is reported, which is one line."""
    with pytest.raises((TableError, UsageError)) as raised:
        read_model_data(options())
    assert "\n" not in str(raised.value)
    return str(raised.value)


Change = Callable[[int, dict[str, str]], dict[str, str]]


def every(**cells: str) -> Change:
    return lambda number, row: cells


def at(place: int, **cells: str) -> Change:
    return lambda number, row: cells if number == place else {}


CELLS: dict[str, tuple[Change, dict[str, Any], tuple[str, ...]]] = {
    "constant column": (
        every(gppi_b="0.5"),
        {},
        ("change(gppi_b) (0)", "the same for all 12 participants", "leave it out"),
    ),
    "a measure that belongs to participants": (
        lambda number, row: {"gppi_b": row["age"]},
        {"measures": ("gppi_b",)},
        ("gppi_b is no measure", "same value in both sessions", "give it as a covariate"),
    ),
    "constant change": (
        lambda number, row: {"gppi_b": "1" if row["session"] == "pre" else "2"},
        {},
        ("change(gppi_b) (1)", "same for all 12 participants", "leave it out"),
    ),
    "missing for all": (every(gppi_b="n/a"), {}, ("change(gppi_b)", "missing for all 12 participants", "leave it out")),
    "missing for most": (
        lambda number, row: {"gppi_b": ""} if number > 7 else {},
        {},
        ("change(gppi_b) (4)", "too few have a value"),
    ),
    "a session in two ways": (
        lambda number, row: {"session": "Pre"} if number > 7 and row["session"] == "pre" else {},
        {},
        ("session is pre and Pre, which seem to be one; write one of them",),
    ),
    "text among numbers": (
        at(5, gppi_b="high"),
        {},
        ("participants.tsv, line 7", "gppi_b is 'high'", "where other rows hold numbers"),
    ),
    "a decimal comma": (at(5, gppi_b="1,25"), {}, ("line 7", "decimal comma", "write 1.25")),
    "an infinite number": (at(5, gppi_b="-inf"), {}, ("line 7", "'-inf'", "infinite", "n/a")),
    "a number too large": (at(5, gppi_b="1e300"), {}, ("line 7", "1e300", "too large")),
    "what may mean missing or zero": (at(5, gppi_b="none"), {}, ("line 7", "'none'", "write n/a, or nothing")),
    "nobody's outcome": (every(score=""), {}, ("fall(score) is missing for everybody",)),
    "everybody's outcome the same": (every(score="7"), {}, ("fall(score) is 0 for everybody", "nothing to predict")),
    "text as outcome": (every(score="better"), {}, ("line 2", "score is 'better'", "where a number is needed")),
    "a participant with two rows of a session": (
        at(3, session="pre"),
        {},
        ("line 5", "sub-02 has pre in line 4 already", "one row for each session"),
    ),
    "a row without a name": (at(3, participant_id=""), {}, ("line 5", "participant_id is empty")),
    "a row without a session": (at(3, session="n/a"), {}, ("line 5", "session is empty")),
    "participants with one session each": (
        lambda number, row: {"participant_id": f"sub-{number}"},
        {},
        ("nobody has a row of pre and one of post",),
    ),
    "three arms": (
        lambda number, row: {"arm": "waiting"} if number < 4 else {},
        {"model": "change-by-arm", "arms": None},
        ("arm names 3 arms (waiting, drug, placebo)", "--arms"),
    ),
    "an arm of one participant": (
        lambda number, row: {"arm": "placebo" if number < 2 else "drug"},
        {"model": "change-by-arm"},
        ("1 participant has arm placebo", "takes 3 of each"),
    ),
    "a participant in both arms": (
        at(3, arm="drug"),
        {"model": "change-by-arm"},
        ("line 5", "sub-02 is in placebo and in drug"),
    ),
    "a covariate of three kinds of text": (
        at(0, sex="f"),
        {"formula": "change(gppi_a) + sex"},
        ("sub-01 is f and M",),
    ),
    "a covariate of too many kinds": (
        lambda number, row: {"sex": row["participant_id"]},
        {"formula": "change(gppi_a) + sex"},
        ("sex holds text of 12 kinds", "two kinds"),
    ),
    "a covariate that differs within participants": (
        lambda number, row: {"age": f"{30 + number}"},
        {"formula": "change(gppi_a) + age"},
        ("line 3", "age differs between the sessions of sub-01 (30 and 31)", "write change(age)"),
    ),
    "the outcome under another name": (
        lambda number, row: {"gppi_b": row["score"]},
        {},
        ("change(gppi_b)", "the outcome fall(score) under another name"),
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_that_spoils_a_table_is_told(tmp_path: Path, name: str) -> None:
    change, options, words = CELLS[name]
    path = made.write(tmp_path, made.with_cells(change))
    reported = problem(lambda: made.asked(path, **options))
    for word in words:
        assert word in reported


QUESTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no such outcome": ({"outcome": "fall(scroe)"}, "no column 'scroe'; did you mean 'score'?"),
    "several outcomes": ({"outcome": "score + age"}, "name one column"),
    "an outcome that differs": ({"outcome": "score"}, "score differs between the sessions of sub-01"),
    "an outcome that names participants": ({"outcome": "participant_id"}, "is no outcome"),
    "the outcome as predictor": ({"formula": "change(score)"}, "part of the outcome, fall(score)"),
    "the outcome itself as predictor": ({"formula": "fall(score)"}, "the outcome itself"),
    "the outcome as measure": ({"measures": ("score",)}, "is the outcome, the arm or a covariate already"),
    "no such measure": (
        {"measures": ("gpi_*",)},
        "'gpi_*' stands for no measure of participants.tsv; did you mean 'gppi_a'?",
    ),
    "text as measure": ({"measures": ("sex",)}, "sex is no measure: it holds text"),
    "all measures taken out": ({"measures": ("gppi_a", "!gppi_*")}, "takes out every measure"),
    "no such session": ({"sessions": ("pre", "pots")}, "no row has session 'pots'; did you mean 'post'?"),
    "no such session, nor one like it": (
        {"sessions": ("T0", "T1")},
        "no row has session 'T0' (sessions: pre, post); say which two it is (--sessions BEFORE,AFTER)",
    ),
    "a product by *": ({"formula": "age*sex"}, "a product is written: age:sex"),
    "a product of measures by *": ({"formula": "gppi_a * arm"}, "a product is written: gppi_a:arm"),
    "a difference of terms": ({"formula": "age - sex"}, "terms are joined by +: age + sex"),
    "imputations of nothing": ({"imputations": 5}, "leave imputations out (--imputations)"),
    "the same session twice": ({"sessions": ("pre", "pre")}, "name two that differ"),
    "sessions without an order": ({"sessions": None}, "say which is before and which after"),
    "no such session column": ({"session": "visit"}, "has no column 'visit' for session"),
    "no such participant column": ({"participant": "who"}, "has no column 'who' for participant"),
    "one column for both": ({"participant": "session"}, "cannot name both participants and sessions"),
    "no such arm": ({"model": "change-by-arm", "arms": ("drug", "plcebo")}, "did you mean 'placebo'?"),
    "arms without an order": ({"model": "change-by-arm", "arms": None}, "say which arm is +1"),
    "the arm by its column's name": (
        {"formula": "sex + change(gppi_a)", "arm": "sex", "arms": ("F", "M")},
        "is of the arm, which a formula calls arm; write arm",
    ),
    "the group by its column's name": (
        {"formula": "sex + change(gppi_a)", "arm": "sex", "arms": ("F", "M"), "group_word": "group"},
        "is of the group, which a formula calls arm; write arm",
    ),
    "no such group": (
        {"model": "change-by-arm", "arms": ("drug", "plcebo"), "group_word": "group"},
        "did you mean 'placebo'? (groups: ",
    ),
    "an unknown model": ({"model": "chnge"}, "no model 'chnge'; did you mean 'change'?"),
    "a model and a formula": ({"model": "change", "formula": "arm"}, "both a model and a formula are given"),
    "neither": ({"model": None}, "a model or a formula is needed"),
    "covariates beside a formula": ({"formula": "arm", "covariates": ("age",)}, "write them into it: … + age"),
    "covariates that are ignored": ({"covariates": ("age",)}, "change has no covariates"),
    "measures beside a formula without *": (
        {"formula": "change(gppi_a)", "measures": ("gppi_b",)},
        "the formula has no *",
    ),
    "an unknown function": ({"formula": "chnage(gppi_a)"}, "did you mean 'change'?"),
    "alpha of zero": ({"alphas": (0.0, 0.5)}, "alphas: 0; give numbers above 0 and up to 1"),
    "alpha above one": ({"alphas": (1.5,)}, "alphas: 1.5; give numbers above 0 and up to 1"),
    "an alpha that is no number": ({"alphas": (float("nan"),)}, "alphas: nan"),
    "an alpha twice": ({"alphas": (0.5, 0.5)}, "0.5 is given twice"),
    "no alpha": ({"alphas": ()}, "alphas: none"),
    "an unknown imputation": ({"imputation": "mean"}, "there is no imputation 'mean'"),
    "more folds than participants": ({"folds": 13}, "13 folds of 12 participants cannot be made"),
    "too few folds": ({"folds": 2}, "2 is too few"),
    "a seed below zero": ({"seed": -1}, "seed: -1 is below 0"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_that_a_table_has_no_answer_to_is_told(tmp_path: Path, name: str) -> None:
    options, words = QUESTIONS[name]
    path = made.write(tmp_path, made.rows())
    assert words in problem(lambda: made.asked(path, **options))


FILES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "a header alone": (b"participant_id\tsession\tscore\n", "has a header and no rows"),
    "another encoding": ("participant_id\tscore\nM\u00fcller\t1\n".encode("latin-1"), "line 2: is not in UTF-8"),
    "a spreadsheet": (b"PK\x03\x04rest", "is a spreadsheet"),
    "two columns of a name": (b"participant_id\tx\tx\tscore\n1\t2\t3\t4\n2\t5\t6\t7\n", "two columns called x"),
    "rows of different lengths": (b"participant_id\tx\n1\t2\n3\n", "line 3: has 1 cells, the header 2"),
    "participants twice and no session": (
        b"participant_id\tx\n1\t2\n1\t3\n",
        "line 3: participant_id is 1, as in line 2",
    ),
    "two columns that could name participants": (b"subject\tid\tx\n1\t1\t2\n", "named by subject or id"),
    "the same row twice": (b"score\tx\n1\t2\n2\t2\n1\t2\n", "line 4: is the same as line 2"),
    "too few participants": (b"id\tscore\tx\n1\t1\t3\n2\t2\t5\n3\t4\t1\n", "3 participants are too few"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_such_table_is_told(tmp_path: Path, name: str) -> None:
    content, words = FILES[name]
    path = tmp_path / "participants.tsv"
    path.write_bytes(content)
    reported = problem(lambda: PredictOptions(path, "score", model="baseline"))
    assert reported.startswith("participants.tsv")
    assert words in reported


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "does not exist" in problem(lambda: PredictOptions(tmp_path / "none.tsv", "score", model="change"))


def test_changes_of_a_table_with_one_row_per_person_are_told(tmp_path: Path) -> None:
    table = [row for row in made.rows() if row["session"] == "pre"]
    path = made.write(tmp_path, [{name: row[name] for name in row if name != "session"} for row in table])
    reported = problem(lambda: PredictOptions(path, "score", formula="change(gppi_a)"))
    assert "change(gppi_a) needs two sessions" in reported
    assert "write gppi_a" in reported


def test_who_was_left_out_is_named_where_too_few_are_left(tmp_path: Path) -> None:
    path = made.write(tmp_path, made.with_cells(lambda number, row: {"score": ""} if number > 8 else {}))
    reported = problem(lambda: made.asked(path))
    assert "4 participants are too few" in reported
    assert "sub-05: no fall(score)" in reported


SIDECARS: dict[str, tuple[Any, str]] = {
    "an unknown role": ({"gppi_a": {"Role": "mesure"}}, "Role of gppi_a is 'mesure'; did you mean 'measure'?"),
    "an entry that is no object": ({"gppi_a": "measure"}, "gppi_a must be an object"),
    "motion that is no column": (
        {"gppi_a": {"Role": "measure", "Motion": "motion_x"}},
        "Motion of gppi_a is 'motion_x', no column of participants.tsv",
    ),
    "motion of what is no measure": ({"age": {"Motion": "score"}}, "its Role is not measure"),
    "a unit that is no text": ({"gppi_a": {"Units": 3}}, "Units of gppi_a is 3"),
    "levels that are no names": ({"arm": {"Levels": 2}}, "Levels of arm must be an object or a list"),
    "a list": ([1, 2], "describes no columns"),
    "transforms that are no list": ({"WholeSampleTransforms": "scaling"}, "must be a list of texts"),
    "transforms over the whole sample": (
        {"WholeSampleTransforms": ["motion residuals"]},
        "motion residuals were estimated over all participants (participants.json)",
    ),
}


@pytest.mark.parametrize("name", SIDECARS)
def test_a_description_that_cannot_be_is_told(tmp_path: Path, name: str) -> None:
    content, words = SIDECARS[name]
    path = made.write(tmp_path, made.rows())
    made.describe(path, content)
    assert words in problem(lambda: made.asked(path))


def test_a_damaged_description_is_told_with_its_line(tmp_path: Path) -> None:
    path = made.write(tmp_path, made.rows())
    path.with_suffix(".json").write_text('{"gppi_a":\n{"Role": ', encoding="utf-8")
    assert "participants.json, line 2: is no JSON" in problem(lambda: made.asked(path))


def find_standardised(tmp_path: Path, over: list[slice]) -> Path:
    table = made.rows()
    for rows in over:
        values = np.array([float(row["gppi_b"]) for row in table[rows]])
        scores = (values - values.mean()) / values.std(ddof=1)
        for row, score in zip(table[rows], scores, strict=True):
            row["gppi_b"] = repr(float(score))
    return made.write(tmp_path, table)


@pytest.mark.parametrize("over", [[slice(None)], [slice(0, None, 2), slice(1, None, 2)]], ids=["all rows", "a session"])
def test_z_scores_over_all_people_feed_no_nested_estimate(tmp_path: Path, over: list[slice]) -> None:
    path = find_standardised(tmp_path, over)
    assert "gppi_b: standardised over all rows" in problem(lambda: made.asked(path))
    found = read_model_data(made.asked(path, in_sample_only=True))
    assert found.predictors.whole_sample == ("standardisation of gppi_b",)


def test_what_was_done_to_a_table_is_kept_for_the_fit_in_the_sample(tmp_path: Path) -> None:
    path = made.write(tmp_path, made.rows())
    made.describe(path, {"WholeSampleTransforms": ["imputation"]})
    assert read_model_data(made.asked(path, in_sample_only=True)).predictors.whole_sample == ("imputation",)


def test_z_scores_of_the_real_trial_are_found(shared_data: Path) -> None:
    table = shared_data / "sudmex_tms" / "data2w.csv"
    reported = problem(
        lambda: PredictOptions(table, "fall(ccq_n)", model="change", session="stage", sessions=("T0", "T1"))
    )
    assert "vasZ, bis11tZ, ccqnZ: standardised" in reported


def test_a_description_that_is_about_something_else_is_left_alone(tmp_path: Path) -> None:
    path = made.write(tmp_path, made.rows())
    path.with_suffix(".json").write_text(json.dumps({"effconn": "0.1", "analysis": "prediction"}), encoding="utf-8")
    assert read_model_data(made.asked(path)).predictors.names


@pytest.fixture
def sound() -> tuple[Predictors, Outcome]:
    return made_up(20, 3, 1.0, seed=0)


def test_sound_values_raise_none(sound: tuple[Predictors, Outcome]) -> None:
    assert suspicious_values(*sound) == ()


@pytest.mark.parametrize("code", [-999.0, 999999.0])
def test_a_code_for_missing_is_named_with_its_person(sound: tuple[Predictors, Outcome], code: float) -> None:
    sound[0].values[4, 1] = code
    (line,) = suspicious_values(*sound)
    assert f"x2 of sub-05 is {code:g}" in line


def test_an_outcome_far_from_others_is_named(sound: tuple[Predictors, Outcome]) -> None:
    sound[1].values[2] = 1e6
    (line,) = suspicious_values(*sound)
    assert "improvement of sub-03 is 1e+06" in line


def test_what_follows_the_outcome_by_any_curve_is_named(sound: tuple[Predictors, Outcome]) -> None:
    predictors, outcome = sound
    predictors.values[:, 2] = -np.arctan(outcome.values / 10)
    (line,) = suspicious_values(predictors, outcome)
    assert "x3 (rank correlation −1.00)" in line


def test_a_minus_in_a_name_stays_as_it_is_written(sound: tuple[Predictors, Outcome]) -> None:
    predictors, outcome = sound
    columns = tuple(replace(column, name=f"rest-{column.name}") for column in predictors.columns)
    predictors.values[:, 2] = -outcome.values
    (line,) = suspicious_values(
        replace(predictors, columns=columns, terms=tuple((column.name,) for column in columns)), outcome
    )
    assert "rest-x3 (rank correlation −1.00)" in line


def test_what_is_missing_is_no_suspicion(sound: tuple[Predictors, Outcome]) -> None:
    sound[0].values[:3, 0] = np.nan
    assert suspicious_values(*sound) == ()
