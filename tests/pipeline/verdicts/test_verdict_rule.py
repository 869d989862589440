"""Every kind of evidence at its boundaries."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.verdicts import (
    is_p_value_settled,
    is_selection_stable,
    judge_coverage,
    judge_effects,
    judge_fits,
    judge_means,
    judge_model,
    judge_model_choice,
    judge_p_value,
    judge_power,
    judge_prediction,
    probability_cutoff,
)

NAN = float("nan")


@pytest.mark.parametrize("asked", [1, 2, 8])
def test_effects_are_called_from_where_pictures_have_their_line(asked: int) -> None:
    at = probability_cutoff(asked)
    above = np.array([at + 1e-9, *([0.5] * (asked - 1))])
    within = np.zeros(asked)
    assert judge_effects(above, within).kind == "yes"
    assert judge_effects(1 - above, within).which == (0,)
    below = np.array([at - 1e-9, *([0.5] * (asked - 1))])
    assert judge_effects(below, within).kind == "open"
    assert judge_effects(below, within).questions == asked


def test_every_effect_has_its_own_by_the_same_count() -> None:
    found = judge_effects(np.array([0.001, 0.6, 0.985]), np.array([0.0, 0.95, 0.1]))
    assert (found.kind, found.which) == ("yes", (0,))
    assert found.each == ("yes", "no difference", "open")
    small = judge_effects(np.array([0.4, 0.6]), np.array([0.95, 0.94]))
    assert (small.kind, small.each) == ("open", ("no difference", "open"))


@pytest.mark.parametrize(
    ("p", "asked", "verdict"),
    [
        (0.05, 1, "yes"),
        (10 / 200, 1, "yes"),
        (0.0501, 1, "open"),
        (0.02, 3, "open"),
        (0.01, 5, "yes"),
        (NAN, 1, "open"),
    ],
)
def test_p_values_are_held_against_the_number_of_questions(p: float, asked: int, verdict: str) -> None:
    assert judge_p_value(p, asked) == verdict


@pytest.mark.parametrize(
    ("gain", "p", "settled", "verdict"),
    [
        (0.3, 0.05, True, "yes"),
        (0.3, 0.05, False, "open"),
        (0.3, 0.06, True, "open"),
        (0.0, 0.005, True, "open"),
        (-0.3, 0.005, True, "open"),
        (NAN, 0.005, True, "open"),
        (0.3, NAN, True, "open"),
    ],
)
def test_predictions_must_be_better_than_guessing_and_than_chance(
    gain: float, p: float, settled: bool, verdict: str
) -> None:
    assert judge_prediction(gain, p, settled) == verdict


@pytest.mark.parametrize(
    ("low", "high", "settled"), [(0.03, 0.05, True), (0.03, 0.051, False), (0.05, 0.08, False), (0.051, 0.08, True)]
)
def test_p_is_settled_where_more_shuffles_leave_it_on_its_side(low: float, high: float, settled: bool) -> None:
    assert is_p_value_settled(low, high) == settled


@pytest.mark.parametrize(("probability", "verdict"), [(0.95, "yes"), (0.949, "open"), (0.2, "open"), (NAN, "open")])
def test_a_model_is_the_best_or_the_question_is_open(probability: float, verdict: str) -> None:
    assert judge_model(probability) == verdict


@pytest.mark.parametrize(
    ("bootstraps", "folds", "p", "stable"),
    [
        (0.5, 0.5, 0.05, True),
        (0.5, NAN, 0.05, True),
        (0.49, 1, 0.001, False),
        (1, 0.49, 0.001, False),
        (1, 1, 0.051, False),
        (1, 1, NAN, False),
        (NAN, 1, 0.001, False),
    ],
)
def test_stable_takes_bootstraps_folds_and_chance(bootstraps: float, folds: float, p: float, stable: bool) -> None:
    assert is_selection_stable(bootstraps, folds, p) == stable


def test_what_is_counted_is_yes_partly_or_no() -> None:
    assert [judge_fits(*counts) for counts in ((0, 10, 12), (0, 9, 12), (4, 10, 12), (5, 10, 12), (0, 0, 12))] == [
        "yes",
        "partly",
        "partly",
        "no",
        "no",
    ]
    assert [judge_coverage([(share, 1.0)]) for share in (82.9, 83.0, 90.0, 97.0, 97.1)] == [
        "no",
        "yes",
        "yes",
        "yes",
        "partly",
    ]
    assert [judge_model_choice(wrong, 1.0) for wrong in (2.0, 2.1, 10.0, 10.1)] == ["yes", "partly", "partly", "no"]
    assert [judge_power(found, 6.0) for found in (80.0, 79.9, 40.0, 39.9)] == ["yes", "partly", "partly", "no"]


def test_too_few_counted_leave_it_open_but_for_what_is_sure() -> None:
    assert [judge_coverage([(share, 8.0)]) for share in (60.0, 75.0, 90.0)] == ["no", "open", "open"]
    assert judge_coverage([(90.0, 2.0), (0.0, 33.0)]) == "open"
    assert [judge_model_choice(wrong, 8.0) for wrong in (0.0, 12.0, 30.0)] == ["open", "open", "no"]
    assert judge_power(90.0, 15.0) == "open"


def test_means_differ_by_welch_and_do_not_where_the_90_percent_interval_is_narrow() -> None:
    from scipy import stats

    rng = np.random.default_rng(0)
    first, second = rng.normal(0.02, 0.1, 40), rng.normal(0.0, 0.2, 25)
    interval = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.9)
    reach = max(abs(interval.low), abs(interval.high))
    assert judge_means(first, second, 1.05 * reach).kind == "no difference"
    assert judge_means(first, second, 0.8 * reach).kind == "open"
    assert judge_means(first + 0.3, second, 0.05).kind == "yes"
