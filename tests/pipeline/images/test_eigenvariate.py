"""The first eigenvariate: its definition, its invariances, and SPM12's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.images import eigenvariate
from pipeline.images._region_series import remove_confounds
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
    np.testing.assert_allclose(remove_confounds(voxels, confounds), voxels - confounds @ effects, atol=1e-9 * 100)


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
