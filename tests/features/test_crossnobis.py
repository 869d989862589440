"""Crossnobis distances are products of differences in two folds: no noise on average, and rsatoolbox's numbers."""

from __future__ import annotations

from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features._crossnobis import crossnobis, noise_covariance
from features._predictors import FeatureError

PARTICIPANTS = range(7)


def _slow(patterns: np.ndarray, covariance: np.ndarray | None = None) -> np.ndarray:
    """The definition, term by term."""
    folds, conditions, voxels = patterns.shape
    precision = None if covariance is None else np.linalg.inv(covariance)
    found = np.zeros((conditions, conditions))
    for i, j in permutations(range(conditions), 2):
        for m in range(folds):
            one = patterns[m, i] - patterns[m, j]
            weighted = one if precision is None else precision @ one
            found[i, j] += sum(weighted @ (patterns[n, i] - patterns[n, j]) for n in range(folds) if n != m)
    return found / (folds * (folds - 1)) / voxels


def _fingers(shared_data: Path, participant: int) -> np.ndarray:
    """(run, finger, voxel) real patterns."""
    from scipy.io import loadmat

    found = loadmat(shared_data / "finger7t" / "data_recipe_finger7T.mat", squeeze_me=True, struct_as_record=False)
    patterns, fingers, runs = (found[name][participant] for name in ("Y", "condVec", "partVec"))
    return np.stack([patterns[runs == run][np.argsort(fingers[runs == run])] for run in np.unique(runs)])


def _covariance(voxels: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(voxels, 60))
    return mixed @ mixed.T / 60 + np.diag(rng.uniform(0.5, 2, voxels))


@pytest.mark.parametrize("participant", PARTICIPANTS)
def test_real_patterns_have_the_distances_of_the_definition(shared_data: Path, participant: int) -> None:
    patterns = _fingers(shared_data, participant)
    np.testing.assert_allclose(crossnobis(patterns), _slow(patterns), atol=1e-12)


def test_real_patterns_whitened_have_the_distances_of_the_definition(shared_data: Path) -> None:
    patterns = _fingers(shared_data, 4)
    covariance = _covariance(patterns.shape[2])
    np.testing.assert_allclose(crossnobis(patterns, covariance), _slow(patterns, covariance), atol=1e-12)


@pytest.mark.parametrize("participant", PARTICIPANTS)
def test_real_patterns_have_the_distances_of_rsatoolbox(shared_data: Path, participant: int) -> None:
    rsatoolbox: Any = pytest.importorskip("rsatoolbox")
    patterns = _fingers(shared_data, participant)
    folds, conditions, voxels = patterns.shape
    data = rsatoolbox.data.Dataset(
        patterns.reshape(-1, voxels),
        obs_descriptors={
            "finger": np.tile(np.arange(conditions), folds),
            "run": np.repeat(np.arange(folds), conditions),
        },
    )
    covariance = _covariance(voxels)
    for noise, precision in ((None, None), (covariance, np.linalg.inv(covariance))):
        theirs = rsatoolbox.rdm.calc_rdm(
            data, method="crossnobis", descriptor="finger", cv_descriptor="run", noise=precision
        )
        np.testing.assert_allclose(crossnobis(patterns, noise), theirs.get_matrices()[0], atol=1e-10)


def test_noise_alone_is_at_zero_on_average_and_below_it_half_the_time() -> None:
    rng = np.random.default_rng(0)
    found = np.array([crossnobis(rng.normal(size=(3, 2, 20)))[0, 1] for _ in range(2000)])
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(found.size)
    assert 0.45 < (found < 0).mean() < 0.6


def test_with_noise_the_distance_is_the_true_one_on_average() -> None:
    rng, voxels = np.random.default_rng(1), 20
    covariance = _covariance(voxels)
    truth = rng.normal(size=(3, voxels))
    factor = np.linalg.cholesky(covariance)
    found = np.array([crossnobis(truth + rng.normal(size=(4, 3, voxels)) @ factor.T, covariance) for _ in range(2000)])
    exact = _slow(np.stack([truth, truth]), covariance)
    assert (np.abs(found.mean(axis=0) - exact) < 4 * found.std(axis=0) / np.sqrt(len(found)) + 1e-12).all()


def test_without_noise_it_is_mahalanobis_squared_over_the_voxels() -> None:
    from scipy.spatial.distance import mahalanobis

    truth, covariance = np.random.default_rng(2).normal(size=(2, 12)), _covariance(12)
    exact = mahalanobis(truth[0], truth[1], np.linalg.inv(covariance)) ** 2 / 12
    assert crossnobis(np.stack([truth] * 3), covariance)[0, 1] == pytest.approx(exact, rel=1e-12)


@given(seed=st.integers(0, 1000), folds=st.integers(2, 5), conditions=st.integers(2, 4), voxels=st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_what_all_conditions_share_and_how_voxels_are_mixed_does_not_matter(
    seed: int, folds: int, conditions: int, voxels: int
) -> None:
    rng = np.random.default_rng(seed)
    patterns, covariance = rng.normal(size=(folds, conditions, voxels)), _covariance(voxels, seed)
    found = crossnobis(patterns, covariance)
    shared = rng.normal(size=(folds, 1, voxels)) * 100
    np.testing.assert_allclose(crossnobis(patterns + shared, covariance), found, atol=1e-9)
    mixing = rng.normal(size=(voxels, voxels)) + 4 * np.eye(voxels)
    mixed = crossnobis(patterns @ mixing.T, mixing @ covariance @ mixing.T)
    np.testing.assert_allclose(mixed, found, atol=1e-7 * (1 + np.abs(found).max()))
    order = rng.permutation(conditions)
    np.testing.assert_allclose(crossnobis(patterns[:, order], covariance), found[order][:, order], atol=1e-12)
    np.testing.assert_allclose(crossnobis(patterns[rng.permutation(folds)], covariance), found, atol=1e-12)
    np.testing.assert_allclose(crossnobis(3 * patterns, 9 * covariance), found, atol=1e-10)


def test_chosen_pairs_are_the_mean_of_each() -> None:
    patterns, covariance = np.random.default_rng(3).normal(size=(4, 3, 10)), _covariance(10)
    pairs = np.array([[0, 2], [3, 1]])
    single = [crossnobis(patterns[list(pair)], covariance) for pair in pairs]
    np.testing.assert_allclose(crossnobis(patterns, covariance, pairs=pairs), np.mean(single, axis=0), atol=1e-12)
    every = np.array(list(combinations(range(4), 2)))
    np.testing.assert_allclose(crossnobis(patterns, pairs=every), crossnobis(patterns), atol=1e-12)


def test_the_noise_of_residuals_is_that_of_the_data_whatever_the_design_took() -> None:
    rng, scans, voxels, rank = np.random.default_rng(4), 40, 5, 20
    covariance = _covariance(voxels)
    design = rng.normal(size=(scans, rank))
    maker = np.eye(scans) - design @ np.linalg.pinv(design)
    factor = np.linalg.cholesky(covariance)
    draws = [noise_covariance(maker @ rng.normal(size=(scans, voxels)) @ factor.T, scans - rank) for _ in range(400)]
    # The shrinkage leaves the trace as it is.
    assert np.mean([np.trace(draw) for draw in draws]) == pytest.approx(np.trace(covariance), rel=0.03)


def test_many_voxels_and_few_scans_have_a_covariance_that_can_be_inverted() -> None:
    residuals = np.random.default_rng(5).normal(size=(30, 200))
    covariance = noise_covariance(residuals, 30)
    assert np.linalg.eigvalsh(covariance).min() > 0.1
    assert np.isfinite(crossnobis(np.random.default_rng(6).normal(size=(2, 2, 200)), covariance)).all()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"patterns": np.ones((1, 2, 5))}, "patterns of the shape 1 × 2 × 5"),
        ({"patterns": np.ones((2, 1, 5))}, "two folds and two conditions"),
        ({"patterns": np.ones((2, 5))}, "give folds × conditions × voxels"),
        ({"patterns": np.full((2, 2, 5), np.nan)}, "patterns hold values that are not finite"),
        ({"covariance": np.eye(4)}, "noise covariance has the shape 4 × 4; it should be 5 × 5"),
        ({"covariance": np.ones((5, 5))}, "not positive definite"),
        ({"covariance": np.triu(np.ones((5, 5)))}, "not symmetric"),
        ({"pairs": np.array([[0, 0]])}, "rows of two different folds among 0 … 2"),
        ({"pairs": np.array([[0, 3]])}, "rows of two different folds"),
        ({"pairs": np.empty((0, 2), dtype=int)}, "rows of two different folds"),
    ],
)
def test_what_has_no_distance_is_told(changed: dict[str, Any], words: str) -> None:
    patterns = np.random.default_rng(7).normal(size=(3, 2, 5))
    with pytest.raises(FeatureError, match=words):
        crossnobis(**{"patterns": patterns, **changed})


def test_residuals_without_noise_are_told() -> None:
    residuals = np.random.default_rng(8).normal(size=(10, 4))
    with pytest.raises(FeatureError, match="10 scans with 0 degrees of freedom"):
        noise_covariance(residuals, 0)
    residuals[:, 1:3] = 0
    with pytest.raises(FeatureError, match="2 of 4 voxels have no residuals"):
        noise_covariance(residuals, 5)
