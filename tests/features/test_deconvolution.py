"""The neural signal behind a BOLD series is SPM12's, and what the equations say."""

from __future__ import annotations

from pathlib import Path

import gppi_runs
import numpy as np
import pytest
from gppi_runs import Reference, made_up, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from features._deconvolution import deconvolve, sample_convolved
from features._predictors import FeatureError


@pytest.fixture(params=list(gppi_runs.SOUGHT))
def run(shared_data: Path, request: pytest.FixtureRequest) -> Reference:
    return reference(shared_data, request.param)


def _slow(y: np.ndarray, kernel: np.ndarray, bins: int, confounds: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Column by column, with the confounds' weights estimated beside the others."""
    scans = y.size
    length = scans * bins + 128
    t = np.arange(length)
    basis = np.stack([np.cos(np.pi * (2 * t + 1) * k / (2 * length)) for k in range(scans)], axis=1)
    basis *= np.sqrt(2 / length)
    basis[:, 0] = np.sqrt(1 / length)
    H = np.stack([np.convolve(column, kernel)[:length][128::bins] for column in basis.T], axis=1)
    penalty = np.trace(H.T @ H) / (4 * scans)
    design = np.column_stack([whitening @ H, confounds])
    precision = np.diag([penalty] * scans + [0.0] * confounds.shape[1])
    weights = np.linalg.solve(design.T @ design + precision, design.T @ y)
    signal = (basis @ weights[:scans])[128:]
    return signal - signal.mean()


def test_it_is_the_signal_of_spm12(run: Reference) -> None:
    kernel = gppi_runs.kernel_of(run.bins)
    found = deconvolve(run.series[:, None], kernel, bins=run.bins, confounds=run.drifts, whitening=run.whitening)[:, 0]
    assert 1 - np.corrcoef(found, run.signal)[0, 1] < 1e-8
    assert found @ run.signal / (found @ found) == pytest.approx(1, abs=5e-5)


def test_without_the_whitening_it_is_close_to_spm12(run: Reference) -> None:
    found = deconvolve(run.series[:, None], gppi_runs.kernel_of(run.bins), bins=run.bins)[:, 0]
    assert np.corrcoef(found, run.signal)[0, 1] > 0.998


def test_the_kernel_of_the_tests_is_spm12s(shared_data: Path) -> None:
    from scipy.io import loadmat

    theirs = loadmat(shared_data / "spm12_ppi" / "SPM_HRFs.mat", squeeze_me=True)["spm_hrf_upsampled"]
    np.testing.assert_allclose(gppi_runs.kernel_of(16), theirs, atol=1e-12)


def test_it_is_the_slow_estimate_with_weights_of_the_confounds_beside() -> None:
    run = made_up(scans=40)
    whitening = gppi_runs.inverse_root(0.3 ** np.abs(np.subtract.outer(np.arange(40), np.arange(40))))
    y, confounds = whitening @ run.series, whitening @ run.confounds
    found = deconvolve(y, run.kernel, bins=run.bins, confounds=confounds, whitening=whitening)
    for region in range(y.shape[1]):
        slow = _slow(y[:, region], run.kernel, run.bins, confounds, whitening)
        np.testing.assert_allclose(found[:, region], slow, atol=1e-9 * np.abs(slow).max())


def test_confounds_in_the_series_leave_the_signal_as_it_is() -> None:
    run = made_up()
    twice = np.column_stack([run.confounds, run.confounds[:, 1]])  # a column too many does not matter
    found = deconvolve(run.series, run.kernel, bins=run.bins, confounds=twice)
    drifting = run.series + 50 * run.confounds[:, [0]] + 7 * run.confounds[:, [3]]
    np.testing.assert_allclose(
        deconvolve(drifting, run.kernel, bins=run.bins, confounds=twice), found, atol=1e-9 * np.abs(found).max()
    )


def test_a_slow_signal_without_noise_is_found_again() -> None:
    run = made_up()
    bins, scans = run.bins, len(run.series)
    neural = np.sin(2 * np.pi * np.arange(scans * bins) / (15 * bins))  # a cycle in 15 scans
    series = np.convolve(neural, run.kernel)[: neural.size][::bins, None]
    found = deconvolve(series, run.kernel, bins=bins)[:, 0]
    inner = slice(16 * bins, -16 * bins)
    assert np.corrcoef(found[inner], neural[inner])[0, 1] > 0.99
    assert found[inner].std() == pytest.approx(neural[inner].std(), rel=0.1)


@given(scale=st.floats(-1e3, 1e3).filter(lambda x: abs(x) > 1e-3), seed=st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_it_is_linear(scale: float, seed: int) -> None:
    run = made_up(seed, scans=30)
    one, other = run.series[:, [0]], run.series[:, [1]]
    parts = scale * deconvolve(one, run.kernel, bins=run.bins) + deconvolve(other, run.kernel, bins=run.bins)
    whole = deconvolve(scale * one + other, run.kernel, bins=run.bins)
    np.testing.assert_allclose(whole, parts, atol=1e-9 * (1 + np.abs(parts).max()))


@given(data=st.data(), bins=st.integers(1, 9), scans=st.integers(1, 12), length=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_reading_is_convolution_at_one_bin_of_each_scan(
    data: st.DataObject, bins: int, scans: int, length: int
) -> None:
    first = data.draw(st.integers(0, scans * bins - 1))
    rng = np.random.default_rng(length)
    series, kernel = rng.normal(size=(scans * bins, 2)), rng.normal(size=length)
    slow = np.stack([np.convolve(column, kernel)[: len(series)][first::bins] for column in series.T], axis=1)
    np.testing.assert_allclose(sample_convolved(series, kernel, bins, first), slow, atol=1e-12)


def test_what_cannot_be_deconvolved_is_told() -> None:
    run = made_up(scans=30)
    broken = run.series.copy()
    broken[3, 1] = np.nan
    with pytest.raises(FeatureError, match="region 2 holds values that are not finite"):
        deconvolve(broken, run.kernel)
    broken[:, 1] = 4.0
    with pytest.raises(FeatureError, match="region 2 is constant"):
        deconvolve(broken, run.kernel)
    with pytest.raises(FeatureError, match="haemodynamic response"):
        deconvolve(run.series, np.zeros(20))
    with pytest.raises(FeatureError, match="confounds has the shape 29 × 1; it should be 30 × any"):
        deconvolve(run.series, run.kernel, confounds=np.ones((29, 1)))
    with pytest.raises(FeatureError, match="whitening matrix has the shape 30 × 29"):
        deconvolve(run.series, run.kernel, whitening=np.ones((30, 29)))
