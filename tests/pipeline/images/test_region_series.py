"""Region series: the first eigenvariate (its definition, its invariances, and SPM12's own), and AR(1) whitening."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import inv, sqrtm, toeplitz
from scipy.signal import lfilter

from pipeline.images import eigenvariate
from pipeline.images._region_series import (
    EXTREME,
    ar1_coefficient,
    pooled_correlation,
    remove_explained,
    residual_maker,
    whitener,
)
from pipeline.matlab import load_mat

VOXELS = st.tuples(st.integers(4, 12), st.integers(1, 8)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-100, 100, width=32))
)


def clear(voxels: np.ndarray) -> bool:
    """Whether the first component is well apart from the second and its weights from a sum of zero."""
    _, singular, loads = np.linalg.svd(voxels, full_matrices=False)
    second = singular[1] if singular.size > 1 else 0.0
    return bool(singular[0] > 1.1 * second + 1e-3 and abs(loads[0].sum()) > 1e-3)


@given(VOXELS)
def test_it_is_the_leading_eigenvector_of_the_scans(voxels: np.ndarray) -> None:
    assume(clear(voxels))
    values, vectors = np.linalg.eigh(voxels @ voxels.T)
    first = vectors[:, -1] * np.sign((voxels.T @ vectors[:, -1]).sum())
    found = eigenvariate(voxels)
    expected = first * np.sqrt(values[-1] / voxels.shape[1])
    np.testing.assert_allclose(found.series, expected, atol=1e-8 * np.abs(voxels).max())
    assert found.explained == pytest.approx(values[-1] / values.sum(), abs=1e-10)


@given(VOXELS, st.randoms())
def test_order_of_voxels_does_not_matter(voxels: np.ndarray, random: object) -> None:
    assume(clear(voxels))
    order = np.random.default_rng(random.getrandbits(32)).permutation(voxels.shape[1])  # type: ignore[attr-defined]  # Hypothesis sets it
    one, other = eigenvariate(voxels), eigenvariate(voxels[:, order])
    np.testing.assert_allclose(one.series, other.series, atol=1e-8 * np.abs(voxels).max())


@given(VOXELS, st.floats(0.01, 100))
def test_it_scales_with_the_voxels_and_follows_their_sign(voxels: np.ndarray, factor: float) -> None:
    assume(clear(voxels))
    one = eigenvariate(voxels).series
    size = np.abs(voxels).max()
    np.testing.assert_allclose(eigenvariate(factor * voxels).series, factor * one, atol=1e-8 * factor * size)
    np.testing.assert_allclose(eigenvariate(-voxels).series, -one, atol=1e-8 * size)


@given(VOXELS, st.integers(2, 4))
def test_it_does_not_grow_with_the_number_of_voxels(voxels: np.ndarray, times: int) -> None:
    assume(clear(voxels))
    more = eigenvariate(np.tile(voxels, times))
    np.testing.assert_allclose(more.series, eigenvariate(voxels).series, atol=1e-8 * np.abs(voxels).max())


def test_where_all_voxels_agree_it_is_their_series() -> None:
    series = np.sin(np.arange(30))
    found = eigenvariate(np.repeat(series[:, None], 7, axis=1))
    np.testing.assert_allclose(found.series, series, atol=1e-12)
    assert found.explained == pytest.approx(1)
    assert found.weights.sum() > 0


@pytest.mark.parametrize("voxels", [np.zeros((5, 3)), np.full((5, 3), np.nan), np.zeros((5, 0))])
def test_no_signal_is_an_error(voxels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="the voxels"):
        eigenvariate(voxels)


@given(VOXELS, st.integers(1, 3))
def test_adjusted_data_are_least_squares_residuals(voxels: np.ndarray, columns: int) -> None:
    confounds = np.random.default_rng(columns).normal(size=(voxels.shape[0], columns))
    effects = np.linalg.lstsq(confounds, voxels)[0]
    np.testing.assert_allclose(remove_explained(voxels, confounds), voxels - confounds @ effects, atol=1e-9 * 100)


@pytest.mark.parametrize("person", ["sub-01", "sub-37"])
@pytest.mark.parametrize("region", ["ldF", "lvF", "rdF", "rvF"])
def test_it_is_spm12s(shared: Path, person: str, region: str) -> None:
    """Two sessions of 99 scans that SPM12 took one by one; in these files each series had its mean removed after."""
    theirs = load_mat(shared / f"spm12_visual_language/voi/{person}/VOI_{region}_1.mat")["xY"]
    halves = [eigenvariate(half) for half in np.split(theirs["y"], 2)]
    series = np.concatenate([half.series - half.series.mean() for half in halves])
    np.testing.assert_allclose(series, theirs["u"].ravel(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.concatenate([half.weights for half in halves]), theirs["v"].ravel(), atol=1e-12)
    powers = theirs["s"].ravel().reshape(2, -1)
    np.testing.assert_allclose([half.explained for half in halves], powers[:, 0] / powers.sum(axis=1), rtol=1e-12)


def slow_design(scans: int, columns: int) -> np.ndarray:
    times = np.arange(scans) + 0.5
    return np.cos(np.pi / scans * np.outer(times, np.arange(columns)))


@pytest.mark.parametrize("coefficient", [-0.3, 0.0, 0.2, 0.6, 0.9])
def test_expected_residuals_give_the_coefficient_back(coefficient: float) -> None:
    maker = residual_maker(slow_design(90, 14))
    covariance = maker @ toeplitz(coefficient ** np.arange(90)) @ maker
    correlation = np.trace(covariance, 1) / np.trace(covariance)
    assert ar1_coefficient(correlation, maker) == pytest.approx(coefficient, abs=1e-10)


def test_a_planted_coefficient_is_found_where_the_plain_correlation_is_biased() -> None:
    noise = lfilter([1], [1, -0.4], np.random.default_rng(1).normal(size=(400, 3000)), axis=0)[200:]
    maker = residual_maker(slow_design(200, 40))
    correlation = pooled_correlation([noise[:, :1000], noise[:, 1000:]], maker)
    assert correlation < 0.33
    assert ar1_coefficient(correlation, maker) == pytest.approx(0.4, abs=0.01)


def test_voxels_count_the_same_whatever_their_size() -> None:
    noise = np.random.default_rng(2).normal(size=(50, 4))
    maker = residual_maker(slow_design(50, 3))
    scaled = noise * np.array([1.0, 1e3, 1e-3, 7.0])
    assert pooled_correlation([noise], maker) == pytest.approx(pooled_correlation([scaled], maker), abs=1e-12)


def test_voxels_that_the_design_explains_do_not_count() -> None:
    design = slow_design(50, 3)
    maker = residual_maker(design)
    noise = np.random.default_rng(3).normal(size=(50, 2))
    both = np.column_stack([noise, design])
    assert pooled_correlation([both], maker) == pytest.approx(pooled_correlation([noise], maker), abs=1e-12)


def test_what_is_beyond_a_stationary_process_stops_at_the_limit() -> None:
    maker = residual_maker(slow_design(50, 3))
    assert ar1_coefficient(0.999, maker) == EXTREME
    assert ar1_coefficient(-0.999, maker) == -EXTREME


@pytest.mark.parametrize("coefficient", [-0.4, 0.3, 0.8])
def test_the_whitener_is_the_symmetric_inverse_root(coefficient: float) -> None:
    ours = whitener(coefficient, 60)
    theirs = inv(sqrtm(toeplitz(coefficient ** np.arange(60)))).real
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_whitening_does_not_shift_a_series() -> None:
    bump = np.exp(-(np.square(np.arange(61) - 30)) / 50)
    white = whitener(0.5, 61) @ bump
    np.testing.assert_allclose(white, white[::-1], atol=1e-12)
