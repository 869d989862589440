"""Distances between patterns in one run: the folds, against plain SciPy, against what was planted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.linalg import inv, lstsq
from sklearn.covariance import LedoitWolf

from pipeline.bids import Events
from pipeline.images import extract_to_files, read_extraction, sidecar_path, spm_kernel, whitener
from pipeline.images._first_level import extract_series
from pipeline.images._pattern_distance import APART, FoldError, Folds, _distance, divide_into_folds
from pipeline.study import Distance, Task

TASK = Task(conditions={"fear": ("fear",), "neutral": ("neutral",), "shapes": ("shapes",)})
FEAR_HALVES = Distance(between=("fear", "neutral"), folds="halves")
FEAR_BLOCKS = Distance(between=("fear", "neutral"), folds="blocks")


def events_of(*rows: tuple[float, float, str]) -> Events:
    onset, duration, kind = zip(*sorted(rows), strict=True)
    return Events(Path("events.tsv"), np.array(onset), np.array(duration), kind, {}, tuple(range(2, len(kind) + 2)))


def blocks_of(kinds: str, every: float, length: float = 6.0) -> Events:
    """One block of three events for each letter: f, n or s."""
    names = {"f": "fear", "n": "neutral", "s": "shapes"}
    return events_of(
        *(
            (place * every + k * length / 3, length / 3, names[kind])
            for place, kind in enumerate(kinds)
            for k in range(3)
        )
    )


def test_halves_leave_out_what_reaches_over_the_middle() -> None:
    events = events_of(*((onset, 4.0, kind) for onset in range(10, 200, 20) for kind in ("fear", "neutral")))
    found = divide_into_folds(FEAR_HALVES, TASK, events, 200.0)
    end, onset = (found.onset + found.duration)[found.place == 0], found.onset[found.place == 1]
    assert onset.min() - end.max() >= APART
    assert found.pairs == ((0, 1),)
    assert not found.adjacent
    left = found.onset[found.place < 0]
    assert left.size
    assert (np.abs(left + 2 - 100) < APART / 2 + 2).all()


def test_halves_keep_the_middle_where_a_condition_would_be_gone() -> None:
    events = events_of((40, 4, "fear"), (95, 4, "neutral"), (101, 4, "neutral"), (150, 4, "fear"))
    found = divide_into_folds(FEAR_HALVES, TASK, events, 200.0)
    np.testing.assert_array_equal(found.place, [0, 0, 1, 1])
    assert found.adjacent


def test_blocks_are_events_of_a_condition_that_follow_each_other() -> None:
    found = divide_into_folds(FEAR_BLOCKS, TASK, blocks_of("fnsfn", 30.0), 200.0)
    np.testing.assert_array_equal(found.place, [0] * 6 + [1] * 6)
    np.testing.assert_array_equal(found.second, ([False] * 3 + [True] * 3) * 2)


def test_a_pause_ends_a_block_and_an_event_of_no_condition_does_not() -> None:
    rows = [(0.0, 3.0, "fear"), (4.0, 0.5, "button"), (5.0, 3.0, "fear"), (30.0, 3.0, "fear")]
    rows += [(onset + 60, duration, "neutral") for onset, duration, kind in rows if kind == "fear"]
    found = divide_into_folds(FEAR_BLOCKS, TASK, events_of(*rows), 200.0)
    np.testing.assert_array_equal(found.place, [0, 0, 1, 0, 0, 1])


def test_neighbouring_blocks_are_not_compared_where_others_can_be() -> None:
    found = divide_into_folds(FEAR_BLOCKS, TASK, blocks_of("fnfnfnfn", 10.0), 200.0)
    assert set(found.pairs) == {(0, 2), (0, 3), (1, 3)}
    assert not found.adjacent


def test_two_blocks_that_touch_are_compared_all_the_same() -> None:
    found = divide_into_folds(FEAR_BLOCKS, TASK, blocks_of("fnfn", 10.0), 200.0)
    assert found.pairs == ((0, 1),)
    assert found.adjacent


def test_a_block_without_its_like_in_the_other_condition_is_in_no_fold() -> None:
    found = divide_into_folds(FEAR_BLOCKS, TASK, blocks_of("fsnsfsnsf", 30.0), 300.0)
    np.testing.assert_array_equal(found.place, [0] * 6 + [1] * 6 + [-1] * 3)


@pytest.mark.parametrize(
    ("distance", "kinds", "said"),
    [
        (FEAR_HALVES, "ffnf", "neutral is in one half only"),
        (FEAR_BLOCKS, "fsfsn", "neutral is in one block only"),
        (FEAR_BLOCKS, "fsfs", "neutral is in no block"),
    ],
)
def test_a_condition_in_one_fold_only_is_an_error(distance: Distance, kinds: str, said: str) -> None:
    with pytest.raises(FoldError, match=said):
        divide_into_folds(distance, TASK, blocks_of(kinds, 40.0), 200.0)


@given(
    some.lists(
        some.tuples(some.integers(0, 300), some.sampled_from("fns")),
        min_size=4,
        max_size=30,
        unique_by=lambda one: one[0],
    )
)
def test_folds_that_are_compared_are_apart_or_all_are_told_adjacent(chosen: list[tuple[int, str]]) -> None:
    names = {"f": "fear", "n": "neutral", "s": "shapes"}
    events = events_of(*((float(onset), 1.0, names[kind]) for onset, kind in chosen))
    for distance in (FEAR_HALVES, FEAR_BLOCKS):
        try:
            found = divide_into_folds(distance, TASK, events, 301.0)
        except FoldError:
            continue
        for fold in range(found.count):
            assert {False, True} == set(found.second[found.place == fold].tolist())
        for one, other in () if found.adjacent else found.pairs:
            starts, others = found.onset[found.place == one], found.onset[found.place == other]
            assert np.abs(starts[:, None] - others).min() >= APART


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
    product = (
        np.array([[difference @ precision @ other for other in differences] for difference in differences])
        / voxels.shape[1]
    )
    contrasts = np.eye(design.shape[1])[:count] - np.eye(design.shape[1])[count : 2 * count]
    error = contrasts @ inv(design.T @ design) @ contrasts.T
    between, s = (np.mean([matrix[pair] for pair in pairs]) for matrix in (product, error))
    within, v = (np.mean(np.diag(matrix)) for matrix in (product, error))
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
    matrix = np.column_stack([*(column((onset,)) for onset in (*onsets[0:10:2], *onsets[1:10:2])), drifts])
    columns = np.arange(10).reshape(2, 5).T
    pairs = tuple((first, other) for first in range(5) for other in range(first + 2, 5))
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
