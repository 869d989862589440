"""SPM12's response function, events in microtime, and what is read of them once a scan."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.images import spm_kernel
from pipeline.images._task_regressors import boxcars, convolve_and_sample, lead_bins
from pipeline.matlab import load_mat


@pytest.mark.parametrize(("name", "bins"), [("spm_hrf_upsampled", 16), ("spm_hrf_downsampled", 1)])
def test_it_is_spm12s_at_every_resolution(shared: Path, name: str, bins: int) -> None:
    theirs = load_mat(shared / "spm12_ppi/SPM_HRFs.mat")[name].ravel()
    np.testing.assert_allclose(spm_kernel(2.0, bins), theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("repetition_time", [0.1, 0.72, 1.0, 1.5, 2.0, 3.6])
def test_it_lasts_32_seconds_and_sums_to_one(repetition_time: float) -> None:
    kernel = spm_kernel(repetition_time)
    assert kernel.sum() == pytest.approx(1, abs=1e-14)
    assert (kernel.size - 1) * repetition_time / 16 <= 32 + 1e-9 < kernel.size * repetition_time / 16 + 1e-9


def test_nilearn_takes_it_as_a_model() -> None:
    from nilearn.glm.first_level import compute_regressor

    impulse = ([0.0], [0.0], [1.0])
    regressor, _ = compute_regressor(impulse, spm_kernel, np.arange(40) * 2.0, oversampling=16, min_onset=0)
    np.testing.assert_allclose(regressor[:16, 0], spm_kernel(2.0)[::16][:16], atol=1e-12)


EVENTS = st.lists(
    st.tuples(
        st.floats(-60, 60),
        st.one_of(st.just(0.0), st.floats(0.01, 30)),
        st.floats(0.1, 3) | st.floats(-3, -0.1),
    ),
    max_size=6,
)


def slowly(events: list[tuple[float, float, float]], scans: int, repetition_time: float) -> np.ndarray:
    width = repetition_time / 16
    series = np.zeros(scans * 16)
    for onset, duration, weight in events:
        first = math.floor(onset / width + 0.5 + 1e-9)
        last = max(math.floor((onset + duration) / width + 0.5 + 1e-9), first + 1) if duration else first + 1
        for scan in range(first, last):
            if 0 <= scan < series.size:
                series[scan] += weight if duration else weight / width
    return series


@given(EVENTS, st.sampled_from([0.8, 1.5, 2.0]))
def test_boxes_are_those_of_the_obvious_version(
    events: list[tuple[float, float, float]], repetition_time: float
) -> None:
    onset, duration, weight = np.array(events, dtype=float).reshape(-1, 3).T
    ours = boxcars(onset, duration, weight, 20, repetition_time)
    np.testing.assert_allclose(ours, slowly(events, 20, repetition_time), rtol=0, atol=1e-10)


def test_bins_are_sixteen_a_scan_and_empty_after_the_events() -> None:
    series = boxcars(np.array([1.0]), np.array([2.0]), np.array([0.1]), 7, 2.0)
    assert series.shape == (7 * 16,)
    assert (series[:8] == 0).all()
    assert (series[8:24] == 0.1).all()
    assert (series[24:] == 0).all()


def test_an_impulse_has_an_area_of_one_second() -> None:
    series = boxcars(np.array([4.0]), np.array([0.0]), np.array([1.0]), 5, 1.6)
    assert np.count_nonzero(series) == 1
    assert series.sum() * 0.1 == pytest.approx(1)


def test_overlapping_events_add_up() -> None:
    series = boxcars(np.array([0.0, 1.0]), np.array([2.0, 2.0]), np.ones(2), 2, 2.0)
    assert series.tolist() == [1.0] * 8 + [2.0] * 8 + [1.0] * 8 + [0.0] * 8


def test_a_response_to_an_event_before_the_first_scan_reaches_into_it() -> None:
    before = lead_bins(2.0)
    series = boxcars(np.array([-6.0]), np.array([2.0]), np.ones(1), 10, 2.0, before)
    assert convolve_and_sample(series, 2.0, 0.5, before)[0] > 0.1
    assert (boxcars(np.array([-6.0]), np.array([2.0]), np.ones(1), 10, 2.0) == 0).all()


def test_convolution_is_spm12s(shared: Path) -> None:
    theirs = load_mat(shared / "spm12_ppi/block_simulated.mat")
    neural = theirs["psy_neuro"].ravel()
    ours = convolve_and_sample(neural - neural.mean(), 2.0, 0.5, 0)  # SPM12 centres it first
    np.testing.assert_allclose(ours, theirs["psy_convolved"].ravel(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("reference", "shift"), [(0.0, 0), (0.5, 7), (1.0, 15)])
def test_convolution_is_nilearns_with_the_same_kernel(reference: float, shift: int) -> None:
    from nilearn.glm.first_level import compute_regressor

    width, scans = 2.0 / 16, 60
    onset, duration = np.array([4.0, 30.0, 61.5]), np.array([10.0, 6.0, 12.0])
    before = lead_bins(2.0)
    ours = convolve_and_sample(boxcars(onset, duration, np.ones(3), scans, 2.0, before), 2.0, reference, before)
    moved = onset - shift * width - width / 4  # nilearn rounds up to its grid
    theirs, _ = compute_regressor(
        (moved, duration, np.ones(3)), spm_kernel, np.arange(scans) * 2.0, oversampling=16, min_onset=-32
    )
    np.testing.assert_allclose(ours, theirs[:, 0], rtol=0, atol=1e-10)
