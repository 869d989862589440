"""Answers of a prediction: in-sample fit is called what it is, and a failure is never called evidence of nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_prediction import made_up_prediction, null_prediction

from features import PermutationTest
from pipeline.predict._answers import answers, number
from pipeline.predict._notices import prediction_notices
from pipeline.predict._result import ElasticNetResult
from pipeline.predict._tables import performance_records


def found_with(q_squared: float, p: float | None, low: float = 0.0, high: float = 1.0) -> ElasticNetResult:
    found = made_up_prediction()
    assert found.nested is not None
    chance = None if p is None else PermutationTest(3, 199, p, low, high, 0)
    return replace(found, nested=replace(found.nested, q_squared=q_squared), permutation=chance)


def page_text(found: ElasticNetResult) -> str:
    return " ".join(" ".join(pair) for pair in prediction_notices(found))


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (found_with(0.31, 0.004, 0.001, 0.01), "yes"),
        (found_with(0.31, 0.04, 0.03, 0.06), "open"),  # more shuffles could undo it
        (found_with(0.31, 0.05, 0.04, 0.05), "yes"),
        (found_with(0.31, 0.06, 0.055, 0.08), "open"),
        (found_with(0.31, None), "open"),
        (found_with(-0.1, 0.4, 0.3, 0.5), "open"),
        (found_with(-0.1, 0.004, 0.001, 0.01), "open"),  # less bad than shuffles, and still worse than the mean
        (replace(found_with(0.3, None), nested=None), "open"),
        (null_prediction(), "open"),
    ],
)
def test_only_unseen_people_predicted_beyond_chance_make_a_yes(found: ElasticNetResult, verdict: str) -> None:
    assert answers(found)[0].verdict == verdict
    if verdict == "open":
        assert {answer.verdict for answer in answers(found)} == {"open"}


def test_in_sample_fit_is_shown_beside_q_squared_for_what_it_is() -> None:
    found = found_with(-0.1, 0.4)
    line = "r² 0.83 in the participants it was fitted to, Q² −0.10 in participants left out: "
    line += "the first says nothing about new patients."
    assert line in answers(found)[0].details
    assert line in page_text(found)


def test_no_optimism_is_told_where_there_is_none() -> None:
    found = made_up_prediction()
    assert "optimistic" not in page_text(found_with(found.in_sample.r_squared - 0.05, 0.001))


def test_stable_and_unstable_predictors_are_told_apart() -> None:
    found = made_up_prediction()
    assert found.stability is not None
    first, second = found.retained[:2]
    shares = np.full(len(found.names), 0.9)
    shares[second] = 0.2
    assert found.nested is not None
    every = np.ones(len(found.names))
    assert found.stability.within is not None
    within = replace(found.stability.within, p_value=0.05 * every)
    stability = replace(found.stability, bootstraps=shares, folds=every, within=within)
    mixed = replace(found, stability=stability, nested=replace(found.nested, q_squared=0.4))
    answer = answers(mixed)[1]
    assert f"{found.names[first]} (" in answer.headline
    assert f"{found.names[second]} (" not in answer.headline
    assert f"{found.names[second]} (20%, 100%)" in page_text(mixed)


def test_what_folds_seldom_retain_is_not_stable_either() -> None:
    found = made_up_prediction()
    assert found.stability is not None
    share = np.ones(len(found.names))
    seldom = replace(found, stability=replace(found.stability, bootstraps=share, folds=0.3 * share))
    assert not any(seldom.stable(place) for place in seldom.retained)


def test_where_nobody_unseen_is_predicted_there_is_nothing_to_go_by() -> None:
    found = made_up_prediction()
    assert found.nested is not None
    lost = replace(found, nested=replace(found.nested, q_squared=-0.2))
    assert answers(lost)[1].headline.startswith("Not interpretable")
    assert answers(lost)[1].verdict == "open"


def test_what_is_said_of_q_squared_follows_its_value() -> None:
    found = made_up_prediction()
    assert found.nested is not None
    said = {}
    for value in (0.4, 0.0, -0.4):
        rows = performance_records(replace(found, nested=replace(found.nested, q_squared=value))).rows
        said[value] = next(row["means"] for row in rows if row["quantity"] == "q_squared")
    assert said[0.4] == "40% less squared error than the others' mean"
    assert said[0.0] == "no better than the others' mean"
    assert said[-0.4] == "worse than the others' mean"


def test_bootstraps_that_were_not_drawn_make_nothing_stable() -> None:
    found = made_up_prediction(effect=30.0, participants=60)
    assert found.stability is not None
    unknown = np.full(len(found.names), np.nan)
    folds_only = replace(found.stability, samples=0, bootstraps=unknown, low=unknown, high=unknown, positive=unknown)
    for stability in (None, folds_only):
        answer = answers(replace(found, stability=stability))[1]
        assert answer.verdict == "open"
        assert "nan" not in " ".join((answer.headline, *answer.details))


def test_the_arm_is_asked_about_only_where_the_model_has_products_with_it() -> None:
    with_products = answers(made_up_prediction(effect=30.0, participants=60))
    assert len(with_products) == 3
    slopes = next(detail for detail in with_products[2].details if "_r00" in detail)
    assert "ketamine" in slopes
    assert "midazolam" in slopes
    assert len(answers(made_up_prediction(products=False))) == 2


def test_the_arm_by_itself_is_no_answer_to_which_measures() -> None:
    found = made_up_prediction(effect=30.0, participants=60)
    arm = found.names.index("arm")
    coefficients = found.in_sample.coefficients.copy()
    coefficients[arm] = 2 * np.abs(coefficients).max()
    answer = answers(replace(found, in_sample=replace(found.in_sample, coefficients=coefficients)))[1]
    assert "arm (" not in answer.headline
    assert any(line.startswith("Also retained, and not a measure: arm (") for line in answer.details)
    alone = np.where(np.arange(coefficients.size) == arm, coefficients, 0.0)
    assert answers(replace(found, in_sample=replace(found.in_sample, coefficients=alone)))[1].headline == (
        "The model retains none of them."
    )


@pytest.mark.parametrize(("p", "verdict"), [(0.05, "yes"), (0.051, "open"), (float("nan"), "open")])
def test_a_small_p_of_the_whole_model_is_no_yes_to_predictors_that_chance_within_arms_reaches(
    p: float, verdict: str
) -> None:
    found = made_up_prediction(effect=30.0, participants=60)
    assert found.stability is not None
    assert found.stability.within is not None
    within = replace(found.stability.within, p_value=np.full(len(found.names), p))
    changed = replace(found, stability=replace(found.stability, within=within))
    assert [answer.verdict for answer in answers(changed)] == ["yes", verdict, verdict]


def test_a_stable_predictor_stands_for_what_goes_with_it() -> None:
    answer = answers(made_up_prediction(effect=30.0, participants=60))[1]
    assert answer.headline.startswith("Stable, of 17 predictors: ")
    assert answer.headline.endswith("these, or what is correlated with them.")
    assert any("shuffled within arms" in line for line in answer.details)


def test_products_that_folds_seldom_retain_are_not_called_zero_to_the_bootstraps() -> None:
    found = made_up_prediction(effect=30.0, participants=60)
    assert found.stability is not None
    seldom = replace(found, stability=replace(found.stability, folds=np.full(len(found.names), 0.3)))
    answer = answers(seldom)[2]
    assert answer.verdict == "open"
    assert "not stable" in answer.headline
    assert "do not tell" not in answer.headline


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.4, "of observed and predicted"), (-0.4, "not evidence"), (float("nan"), "all are predicted the same")],
)
def test_what_is_said_of_a_correlation_follows_its_value(value: float, words: str) -> None:
    found = made_up_prediction()
    assert found.nested is not None
    rows = performance_records(replace(found, nested=replace(found.nested, correlation=value))).rows
    assert words in next(str(row["means"]) for row in rows if row["quantity"] == "correlation")


def test_products_whose_bootstraps_reach_zero_do_not_make_a_yes() -> None:
    found = made_up_prediction(effect=30.0, participants=60)
    assert found.stability is not None
    low = np.minimum(found.stability.low, 0.0)
    high = np.maximum(found.stability.high, 0.0)
    assert answers(replace(found, stability=replace(found.stability, low=low, high=high)))[2].verdict == "open"


def test_more_predictors_than_people_and_filled_in_columns_are_told() -> None:
    found = made_up_prediction(participants=40, measures=30, missing=0.3)
    assert "61 for 40 participants" in page_text(found)
    assert f"{found.predictors.columns[12].name} (40%)" in page_text(found)
    assert "40 participants, 61 predictors: more predictors than participants" in answers(found)[0].details[2]
    assert "filled in" in answers(found)[0].details[2]
    assert "no value missing" in answers(made_up_prediction())[0].details[2]


def test_a_choice_of_alpha_that_hangs_on_single_people_is_told() -> None:
    found = made_up_prediction()
    assert found.nested is not None
    same = np.full(21, 0.5)
    assert "α" not in page_text(replace(found, nested=replace(found.nested, alphas=same)))
    split = np.where(np.arange(21) < 9, 0.1, 0.9)
    assert "0.1 to 0.9" in page_text(replace(found, nested=replace(found.nested, alphas=split)))


def test_an_error_that_still_falls_at_the_end_of_the_path_is_told() -> None:
    found = made_up_prediction()
    curve = found.in_sample.curve
    curves = list(found.in_sample.curves)
    curves[found.in_sample.best] = replace(curve, minimum=curve.penalties.size - 1)
    assert "end of the path" in page_text(replace(found, in_sample=replace(found.in_sample, curves=tuple(curves))))
    assert "end of the path" not in page_text(found)


def test_what_was_left_out_and_estimated_over_all_people_is_told() -> None:
    found = made_up_prediction()
    table = replace(found.predictors, whole_sample=("residuals",))
    text = page_text(replace(found, predictors=table, excluded=("sub-99: no outcome",), notices=("ages differ",)))
    assert "residuals" in text
    assert "1 participant is not in this model. sub-99: no outcome" in text
    assert "ages differ" in text


@pytest.mark.parametrize(
    ("value", "text"), [(0.624, "0.62"), (-0.1, "−0.10"), (-0.004, "0.00"), (-400.0, "−400"), (0.0, "0.00")]
)
def test_numbers_have_a_true_minus_and_no_negative_zero(value: float, text: str) -> None:
    assert number(value) == text
