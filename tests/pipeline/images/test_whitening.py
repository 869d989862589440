"""Serial correlation: found again where planted, taken out, without a shift in time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import inv, sqrtm, toeplitz
from scipy.signal import lfilter

from pipeline.images._region_series import EXTREME, ar1_coefficient, pooled_correlation, residual_maker, whitener


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
