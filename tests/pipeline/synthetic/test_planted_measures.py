"""Measures whose change goes with improvement, as planted and as the study calls them; and what a clinic records."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.bids import check_predictions, check_statistics, collect_inventory
from pipeline.measures import planned_measures
from pipeline.study import Study, read_study
from pipeline.synthetic import QUICK, StudyDesign, read_truth
from pipeline.synthetic._participants import SimulatedParticipant, draw_participants
from pipeline.synthetic._planted_effects import planted_measures
from pipeline.synthetic._regional_series import REGIONS
from pipeline.synthetic._study_config import study_text
from pipeline.tables import read_table


@pytest.fixture(scope="module")
def crowd() -> tuple[SimulatedParticipant, ...]:
    return draw_participants(StudyDesign(ketamine=120, midazolam=120), 2)


def conflict(participant: SimulatedParticipant, region: str) -> float:
    """Change of a region's planted response to incongruent less congruent trials, percent."""
    row = REGIONS.index(region)
    before, after = (one["stroop"][row, 1] - one["stroop"][row, 0] for one in participant.responses)
    return float(after - before)


def test_responses_to_conflict_change_with_improvement_as_the_arm_has_it(
    crowd: tuple[SimulatedParticipant, ...],
) -> None:
    design = StudyDesign()
    for arm, dacc in (("ketamine", design.conflict_slope), ("midazolam", -design.conflict_slope)):
        participants = [one for one in crowd if one.arm == arm]
        improvement = np.array([one.improvement for one in participants])
        for region, planted in (("dACC", dacc), ("rACC", design.control_slope), ("insula", 0.0)):
            slope, start = np.polyfit(improvement, [conflict(one, region) for one in participants], 1)
            assert slope == pytest.approx(planted, abs=0.005)
            assert start == pytest.approx(0.0, abs=0.06)


def test_a_change_alike_in_both_arms_has_no_product_and_opposite_ones_have_only_that() -> None:
    terms = {one.measure: one.predictor_signs(("ketamine", "midazolam")) for one in planted_measures(StudyDesign())}
    dacc, racc = "response_stroop_conflict_dACC", "response_stroop_conflict_rACC"
    assert terms[dacc] == {f"arm × change({dacc})": -1.0}
    assert terms[racc] == {f"change({racc})": 1.0}
    inhibition = "dcm_B_faces_amygdala_from_vmPFC"
    assert terms[inhibition] == {f"change({inhibition})": -1.0, f"arm × change({inhibition})": -1.0}


def test_the_truth_on_disk_names_measures_that_the_study_takes(study: Path, design: StudyDesign) -> None:
    truth = read_truth(study)
    assert truth.measures == planted_measures(design)
    names = {one.name for one in planned_measures(read_study(study / "study.toml"))}
    assert {one.measure for one in truth.measures} <= names


def test_predictions_and_statistics_can_be_made_from_the_study_s_files(study: Path) -> None:
    configuration = read_study(study / "study.toml")
    inventory = collect_inventory(configuration)
    assert [*check_predictions(configuration, inventory), *check_statistics(configuration, inventory)] == []
    assert all(matches(configuration, pattern) for one in configuration.predict.values() for pattern in one.measures)
    assert configuration.statistics is not None
    assert all(matches(configuration, pattern) for pattern in configuration.statistics.measures)


def matches(study: Study, pattern: str) -> bool:
    return bool(fnmatch.filter([one.name for one in planned_measures(study)], pattern))


def test_a_study_of_faces_alone_predicts_from_its_connections_only(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(study_text(QUICK), encoding="utf-8")
    configuration = read_study(tmp_path / "study.toml")
    assert [one.measures for one in configuration.predict.values()] == [("dcm_B_*",)]
    assert configuration.statistics is None


def test_depression_falls_with_the_main_score_and_little_else_goes_with_it(
    crowd: tuple[SimulatedParticipant, ...],
) -> None:
    improvement = [one.improvement for one in crowd]

    def correlation(values: Sequence[float]) -> float:
        return float(np.corrcoef(improvement, values)[0, 1])

    falls = [one.clinical.depression[0] - one.clinical.depression[1] for one in crowd]
    assert 0.5 < correlation(falls) < 0.85
    for name in ("infusions", "days", "medication"):  # two standard errors of 240 people's r are 0.13
        assert abs(correlation([float(getattr(one.clinical, name)) for one in crowd])) < 0.17, name


def test_what_the_clinic_recorded_is_in_the_tables(study: Path, design: StudyDesign) -> None:
    participants = draw_participants(design, 3)
    table, scores = (read_table(study / "bids" / name) for name in ("participants.tsv", "phenotype/madrs.tsv"))
    assert list(table.column("medication")) == ["yes" if one.clinical.medication else "no" for one in participants]
    assert list(table.column("infusions")) == [str(one.clinical.infusions) for one in participants]
    assert list(table.column("days_between_scans")) == [str(one.clinical.days) for one in participants]
    recorded = [str(score) for one in participants for score in one.clinical.depression]
    assert list(scores.column("madrs_total")) == recorded
    effects = read_table(study / "bids" / "phenotype" / "cadss.tsv")
    assert list(effects.column("cadss_total")) == [str(one.clinical.dissociation) for one in participants]
