"""Connectivity at rest is nilearn's, within the band only, and only where the run can carry it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features._predictors import FeatureError
from features._rest_connectivity import correlation_matrix, denoise, rest_connectivity

TR = 2.0  # s


def _series(seed: int = 0, scans: int = 240, regions: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(scans, regions)) + rng.normal(size=(scans, 1))


def _rest(shared_data: Path) -> np.ndarray:
    return np.loadtxt(shared_data / "nitime_rest" / "fmri_timeseries.csv", delimiter=",", skiprows=1)


def test_a_data_frame_gives_what_its_array_gives_and_names_its_regions() -> None:
    series: Any = pd.DataFrame(_series(), columns=["a", "b", "c", "d"])
    confounds: Any = pd.DataFrame(_series(1)[:, :2])
    found = rest_connectivity(series, confounds, TR)
    np.testing.assert_array_equal(found, rest_connectivity(series.to_numpy(), confounds.to_numpy(), TR))
    with pytest.raises(FeatureError, match="the series of c is constant"):
        rest_connectivity(series.assign(c=1.0), None, TR)
    with pytest.raises(FeatureError, match=r"which fMRIPrep leaves empty: \.fillna"):
        rest_connectivity(series, confounds.shift(1), TR)


def _theirs(series: np.ndarray) -> np.ndarray:
    from nilearn.connectome import ConnectivityMeasure
    from sklearn.covariance import EmpiricalCovariance

    measure = ConnectivityMeasure(cov_estimator=EmpiricalCovariance(), kind="correlation", standardize="zscore_sample")
    return np.asarray(measure.fit_transform([series])[0])


def test_real_rest_has_the_correlations_of_nilearn(shared_data: Path) -> None:
    series = _rest(shared_data)
    np.testing.assert_allclose(correlation_matrix(series), _theirs(series), atol=1e-10)


def test_real_rest_denoised_is_nilearn_from_end_to_end(shared_data: Path) -> None:
    from nilearn.signal import clean

    series = _rest(shared_data)
    confounds, grey = series[:, :3], series[:, 3:]  # white matter, ventricles, brain
    cleaned = clean(grey, confounds=confounds, low_pass=0.09, high_pass=0.008, t_r=1.89, standardize="zscore_sample")
    found = rest_connectivity(grey, confounds, 1.89)
    off = ~np.eye(grey.shape[1], dtype=bool)
    np.testing.assert_allclose(found[off], np.arctanh(_theirs(cleaned)[off]), atol=1e-10)
    assert np.isnan(np.diag(found)).all()
    np.testing.assert_array_equal(found[off], found.T[off])


@pytest.mark.parametrize(("frequency", "share"), [(0.004, 0.05), (0.03, 0.98), (0.06, 0.98), (0.15, 0.01)])
def test_a_wave_passes_within_the_band_only(frequency: float, share: float) -> None:
    time = np.arange(400) * TR
    wave = np.sin(2 * np.pi * frequency * time)[:, None]
    inner = slice(150, -150)  # the filter's ends ring
    ratio = float(denoise(wave, None, TR)[inner].std() / wave[inner].std())
    assert ratio > share if share > 0.5 else ratio < share


def test_the_filter_does_not_shift_a_wave() -> None:
    time = np.arange(400) * TR
    wave = np.sin(2 * np.pi * 0.03 * time)
    np.testing.assert_allclose(denoise(wave[:, None], None, TR)[60:-60, 0], wave[60:-60], atol=0.03)


def test_a_shared_confound_is_taken_out() -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(400, 1))
    series = rng.normal(size=(400, 2)) + 5 * shared
    assert correlation_matrix(denoise(series, None, TR))[0, 1] > 0.9
    assert abs(correlation_matrix(denoise(series, shared, TR))[0, 1]) < 0.3


@given(seed=st.integers(0, 100), scale=st.floats(0.01, 1e3), shift=st.floats(-1e3, 1e3))
@settings(max_examples=10, deadline=None)
def test_units_levels_and_lines_do_not_matter(seed: int, scale: float, shift: float) -> None:
    series = _series(seed)
    line = np.linspace(0, shift, len(series))[:, None]
    confound = np.random.default_rng(seed + 1).normal(size=(len(series), 2))
    useless = np.column_stack([np.ones(len(series)), np.arange(len(series))])
    found = rest_connectivity(series, confound, TR)
    changed = rest_connectivity(scale * series + shift + line, np.column_stack([useless, 7 * confound]), TR)
    np.testing.assert_allclose(changed, found, atol=1e-6)


def test_confounds_given_twice_are_the_same_as_once() -> None:
    series, confound = _series(), np.random.default_rng(2).normal(size=(240, 2))
    np.testing.assert_allclose(
        rest_connectivity(series, np.column_stack([confound, confound @ [[1.0], [2.0]]]), TR),
        rest_connectivity(series, confound, TR),
        atol=1e-9,
    )


def test_nothing_given_is_changed() -> None:
    series, confounds = _series(), np.random.default_rng(3).normal(size=(240, 2))
    before = series.copy(), confounds.copy()
    rest_connectivity(series, confounds, TR)
    np.testing.assert_array_equal(series, before[0])
    np.testing.assert_array_equal(confounds, before[1])


def _with(column: np.ndarray | float) -> np.ndarray:
    series = _series()
    series[:, 2] = column
    return series


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"series": _with(3.0)}, "series of vmPFC is constant"),
        ({"series": _with(np.nan)}, "series of vmPFC holds values that are not finite"),
        ({"series": _with(2 * _series()[:, 0])}, "amygdala and vmPFC have the same series up to scale"),
        ({"confounds": _series()[:, [2]]}, "nothing is left of vmPFC"),
        ({"repetition_time": 6.0}, "carries frequencies below 0.0833 Hz, not up to 0.09 Hz"),
        ({"band": (0.09, 0.008)}, "is none"),
        ({"band": (0.0, 0.09)}, "is none"),
        ({"band": (0.001, 0.09)}, "too short for frequencies from 0.001 Hz on: it takes 1000 s"),
        ({"series": _series(scans=30), "band": (0.02, 0.2)}, "more than 33 scans"),
        ({"confounds": np.random.default_rng(4).normal(size=(240, 76))}, "76 confounds leave 3 degrees of freedom"),
        ({"confounds": np.full((240, 1), np.nan)}, "confounds hold values that are not finite"),
        ({"confounds": np.ones((239, 1))}, "confounds has the shape 239 × 1"),
        ({"regions": ("a", "b")}, "2 names for the series of 4 regions"),
    ],
)
def test_what_a_run_cannot_carry_is_told(changed: dict[str, Any], words: str) -> None:
    given_ = {"series": _series(), "confounds": None, "repetition_time": TR}
    with pytest.raises(FeatureError, match=words):
        rest_connectivity(**{**given_, "regions": ("amygdala", "dACC", "vmPFC", "insula"), **changed})


def test_one_region_has_no_correlations() -> None:
    with pytest.raises(FeatureError, match="240 scans of 1 regions"):
        correlation_matrix(_series()[:, :1])
