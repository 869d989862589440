"""Measures that treatment changes in a synthetic study, and which of them predictions retain."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.bids import check_predictions, check_statistics, collect_inventory
from pipeline.measures import planned_measures
from pipeline.page._analysis_report import AnalysisReport
from pipeline.page._records import Column, Records
from pipeline.study import Study, read_study
from pipeline.synthetic import QUICK, PlantedTruth, StudyDesign, read_truth
from pipeline.synthetic._planted_effects import planted_measures
from pipeline.synthetic._predictor_recovery import (
    PredictionRecovery,
    prediction_answers,
    predictor_records,
    recover_predictors,
)
from pipeline.synthetic._regional_series import REGIONS
from pipeline.synthetic._simulated_participants import SimulatedParticipant, draw_participants
from pipeline.synthetic._study_config import study_text
from pipeline.tables import read_table

DACC = "arm × change(response_stroop_conflict_dACC)"
RACC = "change(response_stroop_conflict_rACC)"
TO_AMYGDALA = "change(gppi_faces_faces-over-shapes_amygdala_from_vmPFC)"
TO_VMPFC = "change(gppi_faces_faces-over-shapes_vmPFC_from_amygdala)"
OTHER = "change(response_stroop_conflict_insula)"


@pytest.fixture(scope="module")
def crowd() -> tuple[SimulatedParticipant, ...]:
    return draw_participants(StudyDesign(ketamine=120, midazolam=120), 2)


def conflict(participant: SimulatedParticipant, region: str) -> float:
    """Change of a region's planted response to incongruent minus congruent trials, percent."""
    row = REGIONS.index(region)
    before, after = (response["stroop"][row, 1] - response["stroop"][row, 0] for response in participant.responses)
    return float(after - before)


def test_responses_to_conflict_change_with_improvement_as_the_arm_has_it(
    crowd: tuple[SimulatedParticipant, ...],
) -> None:
    design = StudyDesign()
    for arm, dacc in (("ketamine", design.conflict_slope), ("midazolam", -design.conflict_slope)):
        participants = [participant for participant in crowd if participant.arm == arm]
        improvement = np.array([participant.improvement for participant in participants])
        for region, planted in (("dACC", dacc), ("rACC", design.control_slope), ("insula", 0.0)):
            slope, start = np.polyfit(improvement, [conflict(participant, region) for participant in participants], 1)
            assert slope == pytest.approx(planted, abs=0.005)
            assert start == pytest.approx(0.0, abs=0.06)


def test_a_change_alike_in_both_arms_has_no_product_and_opposite_ones_have_only_that() -> None:
    terms = {
        measure.measure: measure.predictor_signs(("ketamine", "midazolam"))
        for measure in planted_measures(StudyDesign())
    }
    dacc, racc = "response_stroop_conflict_dACC", "response_stroop_conflict_rACC"
    assert terms[dacc] == {f"arm × change({dacc})": -1.0}
    assert terms[racc] == {f"change({racc})": 1.0}
    inhibition = "dcm_B_faces_amygdala_from_vmPFC"
    assert terms[inhibition] == {f"change({inhibition})": -1.0, f"arm × change({inhibition})": -1.0}


def test_the_truth_on_disk_names_measures_that_the_study_takes(study: Path, design: StudyDesign) -> None:
    truth = read_truth(study)
    assert truth.measures == planted_measures(design)
    names = {measure.name for measure in planned_measures(read_study(study / "study.toml"))}
    assert {measure.measure for measure in truth.measures} <= names


def test_predictions_and_statistics_can_be_made_from_the_study_s_files(study: Path) -> None:
    configuration = read_study(study / "study.toml")
    inventory = collect_inventory(configuration)
    assert [*check_predictions(configuration, inventory), *check_statistics(configuration, inventory)] == []
    assert all(
        matches(configuration, pattern) for model in configuration.predict.values() for pattern in model.measures
    )
    assert configuration.statistics is not None
    assert all(matches(configuration, pattern) for pattern in configuration.statistics.measures)


def matches(study: Study, pattern: str) -> bool:
    return bool(fnmatch.filter([measure.name for measure in planned_measures(study)], pattern))


def test_a_study_of_faces_alone_predicts_from_its_connections_only(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(study_text(QUICK), encoding="utf-8")
    configuration = read_study(tmp_path / "study.toml")
    assert [model.measures for model in configuration.predict.values()] == [("dcm_B_*",)]
    assert configuration.statistics is None


def test_depression_falls_with_the_main_score_and_little_else_goes_with_it(
    crowd: tuple[SimulatedParticipant, ...],
) -> None:
    improvement = [participant.improvement for participant in crowd]

    def correlation(values: Sequence[float]) -> float:
        return float(np.corrcoef(improvement, values)[0, 1])

    falls = [participant.clinical.depression[0] - participant.clinical.depression[1] for participant in crowd]
    assert 0.5 < correlation(falls) < 0.85
    for name in ("infusions", "days", "medication"):  # two standard errors of 240 participants' r are 0.13
        assert abs(correlation([float(getattr(participant.clinical, name)) for participant in crowd])) < 0.17, name


def test_what_the_clinic_recorded_is_in_the_tables(study: Path, design: StudyDesign) -> None:
    participants = draw_participants(design, 3)
    table, scores = (read_table(study / "bids" / name) for name in ("participants.tsv", "phenotype/madrs.tsv"))
    assert list(table.column("medication")) == [
        "yes" if participant.clinical.medication else "no" for participant in participants
    ]
    assert list(table.column("infusions")) == [str(participant.clinical.infusions) for participant in participants]
    assert list(table.column("days_between_scans")) == [str(participant.clinical.days) for participant in participants]
    recorded = [str(score) for participant in participants for score in participant.clinical.depression]
    assert list(scores.column("madrs_total")) == recorded
    effects = read_table(study / "bids" / "phenotype" / "cadss.tsv")
    assert list(effects.column("cadss_total")) == [
        str(participant.clinical.dissociation) for participant in participants
    ]


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
    assert answer.headline.startswith("3 of 3 planted effects recovered")
    assert "Q² = +0.40" in answer.headline
    assert (found.others, found.others_retained) == (1, 1)
    rows = {row["predictor"]: row for row in predictor_records(truth, (found,)).rows}
    assert [rows[name]["right"] for name in (DACC, RACC, TO_AMYGDALA, TO_VMPFC)] == ["yes", "yes", "yes", "–"]
    assert (rows[DACC]["slope_ketamine"], rows[DACC]["slope_midazolam"]) == (-0.05, 0.05)


def test_some_of_it_is_partly_and_so_is_all_of_it_without_anybody_predicted(truth: PlantedTruth) -> None:
    some = held(truth, report({DACC: -2.0, RACC: 0.0}))
    unseen = held(truth, report({DACC: -2.0, RACC: 1.0}, q_squared=-0.1))
    assert [answer.verdict for answer in prediction_answers((some, unseen))] == ["partly", "partly"]


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


def test_where_nothing_was_planted_predicting_no_outcome_is_right(truth: PlantedTruth) -> None:
    before = {"before(response_stroop_conflict_dACC)": 0.4, "age": 0.0}
    cases = [(-0.2, 0.6), (0.1, 0.2), (0.3, 0.01), (None, None)]
    answers = prediction_answers(tuple(held(truth, report(before, *case)) for case in cases))
    assert [answer.verdict for answer in answers] == ["yes", "open", "no", "open"]
    assert not predictor_records(truth, (held(truth, report(before)),)).rows


def test_a_report_without_predictors_is_passed_over(truth: PlantedTruth) -> None:
    bare = report({})
    assert recover_predictors(truth, {"change": bare}) == ()
