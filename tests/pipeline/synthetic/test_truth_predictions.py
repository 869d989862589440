"""What a prediction retained beside what was planted: found, not found, the wrong way round, nothing to find."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.page._analysis_report import AnalysisReport
from pipeline.page._records import Column, Records
from pipeline.synthetic import PlantedTruth, read_truth
from pipeline.synthetic._predictor_recovery import (
    PredictionRecovery,
    prediction_answers,
    predictor_records,
    recover_predictors,
)

DACC = "arm × change(response_stroop_conflict_dACC)"
RACC = "change(response_stroop_conflict_rACC)"
TO_AMYGDALA = "change(gppi_faces_faces-over-shapes_amygdala_from_vmPFC)"
TO_VMPFC = "change(gppi_faces_faces-over-shapes_vmPFC_from_amygdala)"
OTHER = "change(response_stroop_conflict_insula)"


@pytest.fixture(scope="module")
def truth(study: Path) -> PlantedTruth:
    return read_truth(study)


def report(
    coefficients: Mapping[str, float],
    q_squared: float | None = 0.4,
    p_value: float | None = 0.01,
    stable: str | None = "yes",
) -> AnalysisReport:
    """As a prediction with these coefficients hands it over."""
    keys = ("predictor", "coefficient", "folds", "bootstraps", "stable")
    rows: list[dict[str, Any]] = [
        dict(zip(keys, (name, value, float(value != 0), 0.8, stable), strict=True))
        for name, value in coefficients.items()
    ]
    return AnalysisReport(
        name="prediction",
        title="",
        subtitle="",
        answers=(),
        records=(Records("predictors", "", "", tuple(Column(key, key) for key in keys), rows),),
        draw=tuple,
        facts=(),
        summary={
            "published": {"r_squared": 0.6},
            "nested": None if q_squared is None else {"q_squared": q_squared},
            "chance": None if p_value is None else {"p_value": p_value},
        },
    )


def held(truth: PlantedTruth, found: AnalysisReport) -> PredictionRecovery:
    (one,) = recover_predictors(truth, {"change": found})
    return one


def test_everything_found_with_its_sign_is_a_yes(truth: PlantedTruth) -> None:
    found = held(truth, report({DACC: -2.0, RACC: 1.5, TO_AMYGDALA: -0.5, TO_VMPFC: 0.0, OTHER: 0.3}))
    (answer,) = prediction_answers((found,))
    assert answer.verdict == "yes"  # of two interactions that show the same one is enough
    assert answer.headline.startswith("3 of 3 planted effects found")
    assert "Q² = +0.40" in answer.headline
    assert (found.others, found.others_retained) == (1, 1)
    rows = {row["predictor"]: row for row in predictor_records(truth, (found,)).rows}
    assert [rows[name]["right"] for name in (DACC, RACC, TO_AMYGDALA, TO_VMPFC)] == ["yes", "yes", "yes", "–"]
    assert (rows[DACC]["slope_ketamine"], rows[DACC]["slope_midazolam"]) == (-0.05, 0.05)


def test_some_of_it_is_partly_and_so_is_all_of_it_without_anybody_predicted(truth: PlantedTruth) -> None:
    some = held(truth, report({DACC: -2.0, RACC: 0.0}))
    unseen = held(truth, report({DACC: -2.0, RACC: 1.0}, q_squared=-0.1))
    assert [one.verdict for one in prediction_answers((some, unseen))] == ["partly", "partly"]


def test_what_is_not_stable_is_not_found_but_told(truth: PlantedTruth) -> None:
    found = held(truth, report({DACC: -2.0, RACC: 0.0}, stable="no"))
    (answer,) = prediction_answers((found,))
    assert answer.verdict == "open"
    assert f"Retained, but not stable: {DACC}." in answer.details
    assert not predictor_records(truth, (found,)).sure
    untested = held(truth, report({DACC: -2.0, RACC: 1.0}, stable=None))
    assert prediction_answers((untested,))[0].verdict == "yes"


def test_signs_the_wrong_way_round_are_a_no_and_are_marked(truth: PlantedTruth) -> None:
    found = held(truth, report({DACC: 2.0, RACC: 0.0}))
    (answer,) = prediction_answers((found,))
    assert answer.verdict == "no"
    assert any(DACC in line for line in answer.details)
    records = predictor_records(truth, (found,))
    assert [records.rows[i]["predictor"] for i in records.marked] == [DACC]


def test_nothing_retained_is_left_open(truth: PlantedTruth) -> None:
    (answer,) = prediction_answers((held(truth, report({DACC: 0.0, RACC: 0.0}, q_squared=-0.2)),))
    assert answer.verdict == "open"


def test_where_nothing_was_planted_predicting_nobody_is_right(truth: PlantedTruth) -> None:
    before = {"before(response_stroop_conflict_dACC)": 0.4, "age": 0.0}
    cases = [(-0.2, 0.6), (0.1, 0.2), (0.3, 0.01), (None, None)]
    answers = prediction_answers(tuple(held(truth, report(before, *case)) for case in cases))
    assert [one.verdict for one in answers] == ["yes", "open", "no", "open"]
    assert not predictor_records(truth, (held(truth, report(before)),)).rows


def test_a_report_without_predictors_is_passed_over(truth: PlantedTruth) -> None:
    bare = report({})
    assert recover_predictors(truth, {"change": bare}) == ()
