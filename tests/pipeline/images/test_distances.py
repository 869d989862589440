"""Distances between patterns in one run: against plain SciPy, against what was planted, and where there are none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.linalg import inv, lstsq
from sklearn.covariance import LedoitWolf

from pipeline.images import extract_series, extract_to_files, read_extraction, sidecar_path, spm_kernel, whitener
from pipeline.images._pattern_distance import Folds, _distance

SCANS, TR = 130, 2.0
HALVES = {"faces": ((10.0, 90.0), (170.0,)), "shapes": ((50.0,), (210.0,))}  # 130 s is the middle of the run
BLOCKS = {"faces": ((10.0,), (90.0,), (170.0,)), "shapes": ((50.0,), (130.0,), (210.0,))}


def with_distance(small: Any, **distance: Any) -> Any:
    task = small.study.tasks["faces"].model_dump() | {
        "distances": {"category": {"between": ("faces", "shapes")} | distance}
    }
    return small.settings(tasks={"faces": task})


def column(onsets: tuple[float, ...]) -> np.ndarray:
    bins = np.arange(SCANS * 16) * TR / 16
    boxes = sum(((bins >= onset) & (bins < onset + 20)).astype(float) for onset in onsets)
    return np.asarray(np.convolve(boxes, spm_kernel(TR))[: bins.size][7::16])


def slowly(small: Any, region: str, folds: dict[str, tuple[tuple[float, ...], ...]]) -> float:
    """The distance as its definition has it, pair by pair of folds."""
    found = extract_series(small.run, small.study)
    place = found.regions.index(region)
    numbers = np.stack(np.meshgrid(*map(np.arange, small.inside.shape), indexing="ij"), axis=-1)
    centre, radius = {"core": ((0, 0, 0), 9), "rim": ((18, 0, 0), 7)}[region]
    near = np.linalg.norm(numbers @ small.affine[:3, :3].T + small.affine[:3, 3] - centre, axis=-1) <= radius
    data = small.data.astype(np.float32).astype(np.float64)
    voxels = data[near & small.inside].T * 100 / data[small.inside].mean()
    assert voxels.shape[1] == found.voxels[place]
    whiten = whitener(found.autocorrelation, SCANS)
    count = len(folds["faces"])
    own = [column(onsets) for name in ("faces", "shapes") for onsets in folds[name]]
    left = [column((130.0,))] if count == 2 else []  # shapes in the middle, in neither half
    design = whiten @ np.column_stack([*own, *left, found.design[:, 2:]])
    series = whiten @ voxels
    weights = lstsq(design, series)[0]
    free = SCANS - np.linalg.matrix_rank(design)
    residuals = series - design @ weights
    precision = inv(LedoitWolf(assume_centered=True).fit(residuals).covariance_ * SCANS / free)
    differences = [weights[fold] - weights[count + fold] for fold in range(count)]
    pairs = [(a, b) for a in range(count) for b in range(count) if a != b]
    product = np.array([[one @ precision @ other for other in differences] for one in differences]) / voxels.shape[1]
    contrasts = np.eye(design.shape[1])[:count] - np.eye(design.shape[1])[count : 2 * count]
    error = contrasts @ inv(design.T @ design) @ contrasts.T
    between, s = (np.mean([one[pair] for pair in pairs]) for one in (product, error))
    within, v = (np.mean(np.diag(one)) for one in (product, error))
    return float((v * between - s * within) / (v - s))


@pytest.mark.parametrize(("how", "folds"), [("halves", HALVES), ("blocks", BLOCKS)])
def test_distances_are_those_of_an_independent_computation(small: Any, how: str, folds: Any) -> None:
    study = with_distance(small, folds=how)
    found = extract_series(study.run, study.study)
    assert found.distance_names == ("category",)
    assert found.notes == ()
    for place, region in enumerate(found.regions):
        np.testing.assert_allclose(found.distances[0, place], slowly(study, region, folds), rtol=1e-8)


@pytest.mark.parametrize("planted", [0.0, 0.5])
def test_folds_that_share_drifts_are_apart_by_what_is_planted_on_average(planted: float) -> None:
    """The constant and drifts are of all folds, so that errors of the folds' patterns go together."""
    rng = np.random.default_rng(0)
    onsets = np.arange(10.0, 230.0, 20.0)
    drifts = np.cos(np.pi * np.outer(np.arange(SCANS) + 0.5, np.arange(5)) / SCANS)
    matrix = np.column_stack([*(column((one,)) for one in (*onsets[0:10:2], *onsets[1:10:2])), drifts])
    columns = np.arange(10).reshape(2, 5).T
    pairs = tuple((one, other) for one in range(5) for other in range(one + 2, 5))
    folds = Folds(np.zeros(0), np.zeros(0), np.zeros(0, dtype=bool), np.arange(5), pairs, False)
    pattern = np.zeros((15, 1))
    pattern[:5] = np.sqrt(planted)
    found = [_distance(matrix @ pattern + rng.normal(size=(SCANS, 12)), matrix, columns, folds) for _ in range(200)]
    spread = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - planted) < 4 * spread + 0.1 * planted  # a covariance of few scans is inverted too large


def test_patterns_that_differ_are_apart_and_those_that_do_not_are_not(small: Any) -> None:
    """Faces are 1 % above shapes in every voxel near the centre; elsewhere they are as shapes."""
    study = with_distance(small, folds="blocks")
    core, rim = extract_series(study.run, study.study).distances[0]
    assert core > 1.0
    assert abs(rim) < 0.2 * core


def test_a_condition_in_one_half_only_costs_the_distance_and_not_the_run(small: Any) -> None:
    study = with_distance(small)
    events = study.run.events
    lines = events.read_text().splitlines(keepends=True)
    events.write_text("".join(line for line in lines if not line.startswith(("130", "210"))))
    series, *_ = extract_to_files(study.run, study.study, study.study.study.out)
    found = read_extraction(series)
    assert np.isnan(found.distances).all()
    assert np.isfinite(found.responses).all()
    note = "distance category: shapes is in one half only, and it takes two to cross-validate"
    assert found.notes == (note,)
    assert json.loads(sidecar_path(study.study.study.out, study.run).read_text())["Notes"] == [note]


def test_a_fold_whose_scans_are_all_censored_has_no_distance(small: Any) -> None:
    table = small.run.confounds
    head, *rows = table.read_text().splitlines()
    spoilt = [row.rpartition("\t")[0] + "\t9" if scan >= 104 else row for scan, row in enumerate(rows)]
    table.write_text("\n".join([head, *spoilt]) + "\n")
    confounds = small.study.confounds.model_dump() | {"censor_above": 1.0}
    study = with_distance(small.settings(confounds=confounds), folds="blocks")
    found = extract_series(study.run, study.study)
    assert np.isnan(found.distances).all()
    assert "confounds or drifts coincide" in found.notes[-1]


def test_rest_has_none(small: Any) -> None:
    resting = small.settings(tasks={"faces": {"rest": True}}, dcm=None)
    assert extract_series(replace(small.run, events=None), resting.study).distances.shape == (0, 2)


def test_means_are_of_the_voxels_as_they_are(small: Any) -> None:
    found = extract_series(small.run, small.study)
    data = small.data.astype(np.float32).astype(np.float64)
    numbers = np.stack(np.meshgrid(*map(np.arange, small.inside.shape), indexing="ij"), axis=-1)
    near = np.linalg.norm(numbers @ small.affine[:3, :3].T + small.affine[:3, 3], axis=-1) <= 9
    expected = data[near & small.inside].mean(axis=0) * 100 / data[small.inside].mean()
    np.testing.assert_allclose(found.means[:, 0], expected, rtol=1e-12)


def test_conditions_are_the_first_columns_of_the_design_before_convolution(small: Any) -> None:
    found = extract_series(small.run, small.study)
    names = found.condition_names
    assert names == found.design_names[: len(names)] == ("faces", "shapes")
    assert found.conditions.shape == (SCANS * 16, 2)
    for place in range(2):
        read = np.convolve(found.conditions[:, place], spm_kernel(TR))[: SCANS * 16][7::16]
        np.testing.assert_allclose(found.design[:, place], read, atol=1e-12)
