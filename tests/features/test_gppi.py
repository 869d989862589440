"""Interaction terms are SPM12's, and gPPI finds the weights that made the series."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import gppi_runs
import numpy as np
import pandas as pd
import pytest
from gppi_runs import MadeUp, made_up, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from features._gppi import Gppi, InteractionLevel, gppi, interaction_terms
from features._predictors import FeatureError

LEVELS: tuple[InteractionLevel, ...] = ("neural", "bold")
CONTRASTS = np.array([[1.0, -1.0], [0.5, 0.5]])


def _terms(run: MadeUp, level: InteractionLevel = "neural", **changed: Any) -> np.ndarray:
    return interaction_terms(run.series, run.conditions, run.kernel, level=level, bins=run.bins, **changed)


def _gppi(run: MadeUp, **changed: Any) -> Gppi:
    names = ("series", "conditions", "task", "confounds", "kernel")
    given_ = {name: changed.pop(name, getattr(run, name)) for name in names}
    return gppi(**given_, **{"contrasts": CONTRASTS, "bins": run.bins, **changed})


@pytest.mark.parametrize("name", gppi_runs.SOUGHT)
def test_interactions_are_those_of_spm12(shared_data: Path, name: str) -> None:
    run = reference(shared_data, name)
    kernel, conditions = gppi_runs.kernel_of(run.bins), run.condition[:, None]
    found = interaction_terms(
        run.series[:, None], conditions, kernel, bins=run.bins, confounds=run.drifts, whitening=run.whitening
    )[:, 0, 0]
    assert 1 - np.corrcoef(found, run.term)[0, 1] < 1e-7
    np.testing.assert_allclose(found, run.term, atol=5e-4 * np.abs(run.term).max())


@pytest.mark.parametrize("name", gppi_runs.SOUGHT)
def test_interactions_without_the_whitening_come_close_to_spm12(shared_data: Path, name: str) -> None:
    run = reference(shared_data, name)
    found = interaction_terms(
        run.series[:, None], run.condition[:, None], gppi_runs.kernel_of(run.bins), bins=run.bins
    )[:, 0, 0]
    assert np.corrcoef(found, run.term)[0, 1] > 0.997


@pytest.mark.parametrize("level", LEVELS)
def test_a_condition_is_centred(level: InteractionLevel) -> None:
    run = made_up()
    found = _terms(run, level)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    if level == "neural":  # at the BOLD level a constant has a response that builds up, which is not constant
        raised = interaction_terms(run.series, run.conditions + 3, run.kernel, bins=run.bins)
        np.testing.assert_allclose(raised, found, atol=1e-10)


def test_the_interaction_at_the_bold_level_is_a_product_of_series() -> None:
    run = made_up()
    expected, seed = run.task - run.task.mean(axis=0), run.series - run.series.mean(axis=0)
    product = expected[:, 1] * seed[:, 2]
    np.testing.assert_allclose(_terms(run, "bold")[:, 1, 2], product - product.mean(), atol=1e-10)


def test_whitened_series_have_the_interactions_of_the_series_as_measured() -> None:
    run = made_up()
    W = _whitening(len(run.series))
    found = interaction_terms(W @ run.series, run.conditions, run.kernel, level="bold", bins=run.bins, whitening=W)
    np.testing.assert_allclose(found, _terms(run, "bold"), atol=1e-10)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("white", [False, True])
def test_planted_weights_are_found_again(level: InteractionLevel, white: bool) -> None:
    run, weights = made_up(3), np.array([0.7, -0.2])
    W = _whitening(len(run.series)) if white else np.eye(len(run.series))
    confounds = W @ run.confounds
    series = W @ run.series
    seed = interaction_terms(
        series, run.conditions, run.kernel, level=level, bins=run.bins, confounds=confounds, whitening=W
    )[:, :, 1]
    series[:, 0] = W @ (seed @ weights + run.task @ [2.0, -1.0]) + 0.4 * series[:, 1] + confounds @ np.arange(5.0)
    found = _gppi(run, series=series, confounds=confounds, level=level, whitening=W if white else None)
    np.testing.assert_allclose(found.directed[:, 0, 1], CONTRASTS @ weights, atol=1e-8)


def test_every_pair_is_the_least_squares_of_its_own_model() -> None:
    run = made_up(4)
    terms, found = _terms(run, confounds=run.confounds), _gppi(run)
    for target, seed in permutations(range(4), 2):
        design = np.column_stack([terms[:, :, seed], run.series[:, seed], run.task, run.confounds])
        weights = np.linalg.lstsq(design, run.series[:, target], rcond=None)[0]
        np.testing.assert_allclose(found.directed[:, target, seed], CONTRASTS @ weights[:2], atol=1e-9)


def test_data_frames_give_what_their_arrays_give() -> None:
    run = made_up(3)
    names = ["vmPFC", "amygdala", "V1", "V5"]
    tables = [pd.DataFrame(each) for each in (run.conditions, run.task, run.confounds)]
    given_: dict[str, Any] = dict(zip(("conditions", "task", "confounds"), tables, strict=True))
    series: Any = pd.DataFrame(run.series, columns=names)
    np.testing.assert_array_equal(_gppi(run, series=series, **given_).directed, _gppi(run).directed)
    with pytest.raises(FeatureError, match="the series of V1 is constant"):
        _gppi(run, series=series.assign(V1=1.0), **given_)


def test_the_diagonal_has_no_value_and_the_mean_of_both_directions_is_symmetric() -> None:
    found = _gppi(made_up())
    assert np.isnan(np.diagonal(found.directed, axis1=1, axis2=2)).all()
    assert np.isnan(found.directed).sum() == 2 * 4
    both = found.symmetrised
    np.testing.assert_array_equal(both, both.transpose(0, 2, 1))
    assert both[0, 2, 1] == pytest.approx((found.directed[0, 1, 2] + found.directed[0, 2, 1]) / 2)


@given(target=st.floats(0.01, 100), seed=st.floats(0.01, 100), level=st.sampled_from(LEVELS))
@settings(max_examples=10, deadline=None)
def test_weights_are_in_units_of_the_target_over_those_of_the_seed(
    target: float, seed: float, level: InteractionLevel
) -> None:
    run = made_up(scans=60)
    scaled = run.series * np.array([target, seed, 1.0, 1.0])
    before, after = (_gppi(run, series=series, level=level).directed for series in (run.series, scaled))
    np.testing.assert_allclose(after[:, 0, 1], before[:, 0, 1] * target / seed, rtol=1e-6)


@given(order=st.permutations(range(4)))
@settings(max_examples=8, deadline=None)
def test_regions_may_come_in_any_order(order: list[int]) -> None:
    run = made_up(scans=60)
    found = _gppi(run, series=run.series[:, order]).directed
    np.testing.assert_allclose(found, _gppi(run).directed[:, order][:, :, order], atol=1e-9)


def test_of_two_conditions_that_make_up_the_run_only_the_difference_can_be_told() -> None:
    run = made_up()
    first = run.conditions[:, [0]]
    halves = np.column_stack([first, 1 - first])
    difference = _gppi(run, conditions=halves, contrasts=np.array([[1.0, -1.0]])).directed
    alone = _gppi(run, conditions=first, contrasts=np.array([[1.0]])).directed
    np.testing.assert_allclose(difference, alone, atol=1e-8)  # of terms p and −p it is the weight of p
    with pytest.raises(FeatureError, match="contrast 1 of the interactions with PFC cannot be estimated"):
        _gppi(run, conditions=halves, contrasts=np.array([[1.0, 0.0]]), regions=("PFC", "b", "c", "d"))


def test_noise_leaves_a_weight_of_zero_on_average() -> None:
    found = [_gppi(made_up(seed, scans=80)).directed[0, 0, 1] for seed in range(60)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(60)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"regions": ("a",)}, "1 names for the series of 4 regions"),
        ({"contrasts": np.ones((1, 3))}, "contrasts' matrix has the shape 1 × 3; it should be any × 2"),
        ({"contrasts": np.zeros((1, 2))}, "contrast 1 has no weight"),
        ({"conditions": np.ones((120 * 8, 2))}, "condition 1 is the same throughout"),
        ({"conditions": np.ones((120, 2))}, "should be 960 × any"),
        ({"task": np.ones((119, 1))}, "task regressors' matrix has the shape 119 × 1"),
        ({"task": np.full((120, 1), np.nan)}, "task regressors' matrix holds values that are not finite"),
        ({"confounds": np.random.default_rng(0).normal(size=(120, 119))}, "cannot carry a gPPI"),
        ({"sampled": 8}, "has no bin 8"),
        ({"series": np.ones((120, 4))}, "is constant"),
        ({"series": made_up().series[:, :1]}, "one of two regions"),
    ],
)
def test_what_cannot_be_estimated_is_told(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(FeatureError, match=words):
        _gppi(made_up(), **changed)


def _whitening(scans: int) -> np.ndarray:
    return gppi_runs.inverse_root(0.4 ** np.abs(np.subtract.outer(np.arange(scans), np.arange(scans))))
