"""The simulated trial plants what it says and measures it as it says."""

from __future__ import annotations

import numpy as np
import pytest

from dcm import prior
from pipeline._trial import (
    AMYGDALA,
    FACES,
    TASK,
    VMPFC,
    Design,
    Trial,
    block_design,
    circuit,
    drift_confounds,
    simulate_trial,
)

SMALL = Design(ketamine=4, midazolam=3, scans=80)


@pytest.fixture(scope="module")
def trial() -> Trial:
    return simulate_trial(SMALL, seed=3)


def test_visits_are_two_sessions_of_each_participant(trial: Trial) -> None:
    assert [visit.name for visit in trial.visits[:3]] == ["sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1"]
    assert [visit.arm for visit in trial.visits] == ["ketamine"] * 8 + ["midazolam"] * 6
    assert all(
        one.improvement == two.improvement for one, two in zip(trial.visits[::2], trial.visits[1::2], strict=True)
    )


def test_same_seed_same_trial_and_another_seed_another(trial: Trial) -> None:
    again, other = simulate_trial(SMALL, seed=3), simulate_trial(SMALL, seed=4)
    for one, two in zip(trial.visits, again.visits, strict=True):
        np.testing.assert_array_equal(one.simulation.data.bold, two.simulation.data.bold)
    assert not np.allclose(trial.visits[0].simulation.data.bold, other.visits[0].simulation.data.bold)


def test_blocks_alternate_and_faces_are_half_of_the_task() -> None:
    design = Design()
    paradigm = block_design(design)
    assert paradigm.shape == (220 * 16, 2)
    starts = np.flatnonzero(np.diff(paradigm[:, TASK]) == 1) * design.repetition_time / design.bins_per_scan
    np.testing.assert_allclose(np.diff(starts), 30.0)
    assert np.all(paradigm[:, FACES] <= paradigm[:, TASK])
    shapes = paradigm[:, TASK] - paradigm[:, FACES]
    assert paradigm[:, FACES].sum() == pytest.approx(shapes.sum(), rel=0.2)


def test_the_model_is_the_study_s() -> None:
    spec = circuit()
    assert spec.a.all()
    assert np.argwhere(spec.b).tolist() == [[0, 1, FACES], [1, 0, FACES]]
    assert spec.c[:, TASK].all()
    assert not spec.c[:, FACES].any()


def test_planted_change_follows_improvement_as_the_arm_has_it() -> None:
    design = Design(ketamine=40, midazolam=40, scans=80, scatter=0.0)
    trial = simulate_trial(design, seed=0)
    for before, after in zip(trial.visits[::2], trial.visits[1::2], strict=True):
        change = np.asarray(after.planted.B - before.planted.B)[:, :, FACES]
        expected = design.slope(AMYGDALA, before.arm) * before.improvement
        assert change[AMYGDALA, VMPFC] == pytest.approx(expected)
        assert change[VMPFC, AMYGDALA] == pytest.approx(design.excitation_slope * before.improvement)
    assert design.slope(AMYGDALA, "midazolam") == 0


def test_planted_haemodynamics_vary_within_their_prior() -> None:
    trial = simulate_trial(Design(ketamine=40, midazolam=40, scans=80), seed=0)
    layout, density = trial.spec.layout, prior(trial.spec)
    vectors = np.stack([np.asarray(layout.to_vector(visit.planted)) for visit in trial.visits[::2]])
    for field in ("transit", "decay", "epsilon"):
        part = layout.field_slice(field)
        expected = np.sqrt(np.diag(density.covariance)[part])
        np.testing.assert_allclose(vectors[:, part].std(axis=0), expected, rtol=0.25)


def test_noise_and_drift_have_the_stated_strength() -> None:
    design = Design(ketamine=3, midazolam=3, snr_low=1.25, snr_high=1.25)
    trial = simulate_trial(design, seed=1)
    confounds = drift_confounds(design.scans, design.repetition_time)
    shares, drifts = [], []
    for visit in trial.visits:
        rest = visit.simulation.data.bold - visit.simulation.signal
        weights, *_ = np.linalg.lstsq(confounds, rest, rcond=None)
        noise = (rest - confounds @ weights).std(axis=0)
        shares.append(visit.simulation.signal.std(axis=0) / noise)
        drifts.append((confounds @ weights).std(axis=0) / noise)
    assert np.mean(shares) == pytest.approx(1.25, rel=0.05)
    assert 0.25 < np.mean(drifts) < 0.75


def test_series_are_small_enough_that_nothing_is_rescaled() -> None:
    """Beyond a range of 4 % the inversion scales series, and planted values would no longer be the ones to find."""
    for seed in range(3):
        for visit in simulate_trial(seed=seed).visits:
            bold = visit.simulation.data.bold
            assert np.ptp(bold - bold.mean(axis=0)) < 4


def test_confounds_are_the_constant_and_cosines_below_the_cutoff() -> None:
    confounds = drift_confounds(220, 1.5)
    assert confounds.shape == (220, 6)
    np.testing.assert_allclose(confounds.T @ confounds / 220, np.eye(6), atol=1e-12)


def test_progress_counts_every_visit() -> None:
    heard: list[tuple[int, int]] = []
    simulate_trial(SMALL, seed=0, on_progress=lambda done, total: heard.append((done, total)))
    assert heard == [(i + 1, 14) for i in range(14)]


def test_a_design_that_cannot_work_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 3 participants, but ketamine has 2.*at least 60 s"):
        Design(ketamine=2, scans=30)
