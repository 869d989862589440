"""What is planted is what the truth says, what the images hold, and what the report sets beside it."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dcm import Posterior, Settings, Subject, invert, predict_series, simulate
from pipeline.bids import collect_inventory
from pipeline.images._first_level import extract_series
from pipeline.study import model_specs, read_study
from pipeline.synthetic import QUICK, PlantedTruth, StudyDesign, read_truth, recovery_section
from pipeline.synthetic._planted_effects import circuit_model
from pipeline.synthetic._recovery import RecoveredParameters, recover_group
from pipeline.synthetic._recovery_answers import verdict_of_signs
from pipeline.synthetic._simulated_participants import draw_participants
from pipeline.tables import read_table

INHIBITION, EXCITATION = "B[amygdala<-vmPFC, faces]", "B[vmPFC<-amygdala, faces]"


@pytest.fixture(scope="module")
def truth(study: Path) -> PlantedTruth:
    return read_truth(study)


@pytest.fixture(scope="module")
def pattern() -> Posterior:
    """A posterior of the circuit, to put other numbers into."""
    spec, participant = circuit_model(), draw_participants(QUICK, 0)[0]
    inputs = (np.arange(40 * 4)[:, None] // np.array([32, 64]) % 2).astype(float)
    made = simulate(spec, participant.connectivity[0], inputs, 0.75, 3.0, snr=3, integrator="bilinear", seed=7)
    return invert(Subject("sub-01_ses-1", spec, made.data), Settings("spm12"))


def found(truth: PlantedTruth, pattern: Posterior, sign: float = 1.0) -> dict[str, Posterior]:
    """Posteriors at what was planted, or with B mirrored, as sure as data of a real run make them."""
    posteriors = {}
    for visit, planted in truth.connectivity.items():
        mean = pattern.mean.copy()
        for i, name in zip(pattern.free, pattern.names, strict=True):
            mean[i] = planted[name] * (sign if name.startswith("B") else 1.0)
        posteriors[visit] = replace(pattern, mean=mean, covariance=np.eye(pattern.free.size) * 0.03**2)
    return posteriors


def test_improvement_is_the_fall_of_the_score(study: Path, truth: PlantedTruth) -> None:
    scores = read_table(study / "bids" / "phenotype" / "caps5.tsv")
    totals = dict(
        zip(
            zip(scores.column("participant_id"), scores.column("session_id"), strict=True),
            map(float, scores.column("caps5_total")),
            strict=True,
        )
    )
    for name, improvement in truth.improvement.items():
        assert totals[name, "ses-1"] - totals[name, "ses-2"] == improvement
    clusters = [name for name in scores.columns if name.startswith("caps5_") and name != "caps5_total"]
    sums = sum(np.array(scores.column(name), dtype=float) for name in clusters)
    np.testing.assert_array_equal(sums, np.array(scores.column("caps5_total"), dtype=float))


def test_the_study_s_scores_and_arms_are_the_truth_s(study: Path, truth: PlantedTruth) -> None:
    participants = collect_inventory(read_study(study / "study.toml")).participants
    assert {participant.name: participant.scores["improvement"] for participant in participants} == dict(
        truth.improvement
    )
    assert {participant.name: participant.group for participant in participants} == dict(truth.arm)
    assert truth.arms == ("ketamine", "midazolam")


def test_the_study_s_main_model_is_the_one_that_made_it(study: Path) -> None:
    dcm = read_study(study / "study.toml").dcm
    assert dcm is not None
    assert model_specs(dcm)["main"] == circuit_model()


def test_planted_change_follows_improvement_as_the_arm_has_it() -> None:
    design = StudyDesign(ketamine=10, midazolam=10, scatter=0.0)
    for participant in draw_participants(design, 1):
        before, after = (np.asarray(connectivity.B)[:, :, 1] for connectivity in participant.connectivity)
        slope = design.inhibition_slope if participant.arm == "ketamine" else 0.0
        assert after[1, 0] - before[1, 0] == pytest.approx(slope * participant.improvement)
        assert after[0, 1] - before[0, 1] == pytest.approx(design.excitation_slope * participant.improvement)


def test_arms_span_the_same_improvement_whatever_the_seed() -> None:
    for seed in range(5):
        participants = draw_participants(StudyDesign(ketamine=11, midazolam=11), seed)
        arms = [
            sorted(participant.improvement for participant in participants if participant.arm == arm)
            for arm in ("ketamine", "midazolam")
        ]
        assert arms[0] == arms[1]
        assert all(min(participant.totals) > 0 for participant in participants)


def test_truth_is_read_as_it_was_planted(study: Path, truth: PlantedTruth, design: StudyDesign) -> None:
    spec = circuit_model()
    for participant in draw_participants(design, 3):
        for session, planted in zip(("ses-1", "ses-2"), participant.connectivity, strict=True):
            vector = dict(zip(spec.parameter_names, np.asarray(spec.layout.to_vector(planted)), strict=True))
            read = truth.connectivity[f"{participant.name}_{session}"]
            assert len(read) == 12
            for name, value in read.items():
                assert value == pytest.approx(vector[name], rel=1e-6)
    assert truth.modulations == (INHIBITION, EXCITATION)
    assert truth.slopes[INHIBITION, "ketamine"] == design.inhibition_slope
    assert truth.slopes[INHIBITION, "midazolam"] == 0
    assert pickle.loads(pickle.dumps(truth)) == truth  # goes to other processes


def test_extracted_series_follow_the_planted_signals(study: Path, truth: PlantedTruth) -> None:
    configuration, spec, agreement = read_study(study / "study.toml"), circuit_model(), []
    gain: list[float] = []
    for run in (candidate for candidate in collect_inventory(configuration).runs if candidate.task == "faces"):
        extraction = extract_series(run, configuration)
        vector = np.array([truth.connectivity[run.visit].get(name, 0.0) for name in spec.parameter_names])
        data = extraction.dcm_data(spec.regions, 0.04)
        planted = predict_series(spec, spec.layout.to_tree(vector), data, "nonlinear")
        slow, *_ = np.linalg.lstsq(data.confounds, np.column_stack([planted, data.bold]), rcond=None)
        expected, series = np.split(np.column_stack([planted, data.bold]) - data.confounds @ slow, 2, axis=1)
        gain += [column @ other / (other @ other) for column, other in zip(series.T, expected.T, strict=True)]
        agreement += [np.corrcoef(column, other)[0, 1] for column, other in zip(series.T, expected.T, strict=True)]
    assert len(agreement) == 24
    assert np.mean(agreement) > 0.65
    assert min(agreement) > 0.25
    assert np.mean(gain) == pytest.approx(1.0, abs=0.1)  # 0.8 were they still whitened


def test_extracted_responses_are_those_planted(study: Path) -> None:
    configuration = read_study(study / "study.toml")
    table = read_table(study / "truth" / "responses.tsv")
    rows = zip(*(table.column(name) for name in table.columns), strict=True)
    planted = {row[:5]: float(row[5]) for row in rows}
    pairs = []
    for run in collect_inventory(configuration).runs:
        if run.task == "stroop":
            extraction = extract_series(run, configuration)
            for region, value in zip(extraction.regions, extraction.responses[0], strict=True):
                congruent, incongruent = (
                    planted[run.participant, run.session, "stroop", kind, region]
                    for kind in ("congruent", "incongruent")
                )
                pairs.append((incongruent - congruent, value))
    expected, measured = np.array(pairs).T
    assert np.corrcoef(expected, measured)[0, 1] > 0.6


def test_a_report_on_what_was_planted_says_yes_to_all(truth: PlantedTruth, pattern: Posterior) -> None:
    extra = recovery_section(truth, found(truth, pattern))
    assert [answer.verdict for answer in extra.answers[1:]] == ["yes", "yes", "yes"]
    assert "correlate at r = 1.00" in extra.answers[0].headline
    effects, parameters = extra.records
    assert [row["planted_difference"] for row in effects.rows][2:] == [-0.04, 0.0]
    for row in effects.rows:
        for key in ("first", "second"):
            assert row[key] == pytest.approx(row[f"planted_{key}"], abs=0.25 if "mean" in row["effect"] else 0.02)
    assert len(parameters.rows) == 12 * 12
    assert all(row["inside"] == "yes" for row in parameters.rows)
    assert len([picture for section in extra.sections for picture in section.pictures]) == 7
    assert extra.notices[0][0] == "Simulated data."


def test_a_report_on_the_opposite_says_no(truth: PlantedTruth, pattern: Posterior) -> None:
    extra = recovery_section(truth, found(truth, pattern, sign=-1.0))
    assert {answer.verdict for answer in extra.answers} == {"no"} | {extra.answers[0].verdict}
    assert extra.answers[0].verdict != "yes"


def test_a_connection_is_called_by_the_rule_for_all_that_were_asked_about() -> None:
    # Doubts 2 min(P, 1 − P) times two questions: 0.04 is a yes, 0.06 is open.
    assert verdict_of_signs(np.array([0.01, 0.5]), {0: -0.04}) == "yes"
    assert verdict_of_signs(np.array([0.015, 0.5]), {0: -0.04}) == "open"
    assert verdict_of_signs(np.array([0.99, 0.5]), {0: -0.04}) == "no"
    assert verdict_of_signs(np.array([0.5, 0.01]), {0: -0.04}) == "open"
    assert verdict_of_signs(np.array([0.2, 0.01]), {0: -0.03, 1: -0.03}) == "partly"


def test_a_group_s_line_is_its_posterior_at_that_improvement(truth: PlantedTruth, pattern: Posterior) -> None:
    group = recover_group(truth, found(truth, pattern))
    assert group is not None
    for change in group.changes:
        arm = truth.arms.index(change.arm)
        own = group.arms.by_interactions[0].marginals[arm][group.arms.group.parameters.index(change.parameter)]
        line = change.posterior_at(change.centre + np.arange(2.0))
        np.testing.assert_allclose(line.interval()[0], own.interval(), atol=1e-9)
        slope = float(line.mean[1] - line.mean[0])
        assert slope == pytest.approx(change.planted_slope, abs=0.02)


def test_coverage_has_the_error_of_the_people_and_not_of_the_visits() -> None:
    planted, half = np.zeros((4, 2)), np.array([[0.0, 0.0], [0.0, 0.0], [9.0, 9.0], [0.0, 9.0]])
    visits = ("sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1", "sub-02_ses-2")
    recovered = RecoveredParameters(("a", "b"), visits, planted, half, np.ones((4, 2)))
    assert recovered.coverage() == pytest.approx(62.5)
    assert recovered.coverage_error() == pytest.approx(37.5)  # participants have 100 and 25 %


def test_too_few_visits_leave_connectivity_to_report(truth: PlantedTruth, pattern: Posterior) -> None:
    some = {visit: result for visit, result in found(truth, pattern).items() if not visit.startswith("sub-01")}
    extra = recovery_section(truth, some)
    assert len(extra.answers) == len(extra.records) == 1
    with pytest.raises(ValueError, match="no visit of the synthetic study was inverted"):
        recovery_section(truth, {})


def test_designs_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 3 participants, but midazolam has 2; a faces run must last"):
        StudyDesign(midazolam=2, faces_scans=10)
