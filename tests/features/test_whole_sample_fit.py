"""The published model, against R's glmnet and an obvious loop."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_up_predictors import made_up, predictors_of

from features import FeatureError, Outcome, Tuning, WholeSampleFit, assign_folds, fit_whole_sample
from features._elastic_net_path import fit_path, standardise


@pytest.fixture(scope="module")
def reference(shared_data: Path) -> tuple[dict, WholeSampleFit]:
    folder = shared_data / "glmnet"
    table = np.loadtxt(folder / "simulated.csv", delimiter=",", skiprows=1)
    wanted = json.loads((folder / "simulated_glmnet.json").read_text())
    tuning = Tuning(tuple(float(step["alpha"]) for step in wanted["path"]))
    outcome = Outcome("improvement", "points", table[:, 0])
    return wanted, fit_whole_sample(predictors_of(table[:, 1:]), outcome, assign_folds(len(table), None), tuning)


def test_penalties_are_glmnets(reference: tuple[dict, WholeSampleFit]) -> None:
    for wanted, curve in zip(reference[0]["path"], reference[1].curves, strict=True):
        np.testing.assert_allclose(curve.penalties, wanted["lambda"], rtol=1e-10)


def test_errors_of_people_left_out_are_glmnets(reference: tuple[dict, WholeSampleFit]) -> None:
    for wanted, curve in zip(reference[0]["path"], reference[1].curves, strict=True):
        np.testing.assert_allclose(curve.mse, wanted["loo_mse"], rtol=5e-4)
        np.testing.assert_allclose(curve.se, wanted["loo_se"], rtol=5e-4)


def test_both_choices_are_glmnets(reference: tuple[dict, WholeSampleFit]) -> None:
    for wanted, curve in zip(reference[0]["path"], reference[1].curves, strict=True):
        assert curve.penalties[curve.minimum] == pytest.approx(wanted["lambda_min"])
        assert curve.penalties[curve.one_se] == pytest.approx(wanted["lambda_1se"])


def test_coefficients_are_glmnets(reference: tuple[dict, WholeSampleFit]) -> None:
    wanted, found = reference
    for step, curve in zip(wanted["path"], found.curves, strict=True):
        np.testing.assert_allclose(curve.coefficients[curve.minimum] / found.scale, step["coef"], atol=1e-5)


def test_the_best_mixing_is_glmnets(reference: tuple[dict, WholeSampleFit]) -> None:
    wanted, found = reference
    assert found.curve.alpha == wanted["best_alpha"]
    assert found.curve.penalties[found.curve.minimum] == pytest.approx(wanted["best_lambda"])


def test_left_out_predictions_are_those_of_a_loop() -> None:
    predictors, outcome = made_up(12, 5, 1.0, seed=3)
    tuning = Tuning((0.5,), 20, 1e-10, 1e-10)
    found = fit_whole_sample(predictors, outcome, assign_folds(12, None), tuning)
    for participant in range(12):
        others = np.arange(12) != participant
        sample = standardise(predictors.values[others])
        path = fit_path(sample, outcome.values[others], 0.5, 20, 1e-10)
        line = path.predict(sample.on_same_scale(predictors.values[[participant]]))[0]
        wanted = np.interp(found.curve.penalties[found.curve.minimum], path.penalties[::-1], line[::-1])
        assert found.cross_validated[participant] == pytest.approx(wanted)


def test_predictions_in_the_sample_are_those_of_the_coefficients() -> None:
    predictors, outcome = made_up(15, 4, 2.0, seed=1)
    found = fit_whole_sample(predictors, outcome, assign_folds(15, None), Tuning(penalties=30))
    scores = (predictors.values - found.centre) / found.scale
    np.testing.assert_allclose(found.fitted, found.intercept + scores @ found.coefficients)
    assert found.r_squared == pytest.approx(np.corrcoef(found.fitted, outcome.values)[0, 1] ** 2, abs=0.1)


def test_planted_predictors_are_retained_with_their_signs() -> None:
    predictors, outcome = made_up(40, 20, 2.0, seed=5)
    found = fit_whole_sample(predictors, outcome, assign_folds(40, None), Tuning(penalties=40))
    assert (found.coefficients[:2] > 0).all()


def test_groups_are_left_out_together() -> None:
    """With three groups, each prediction comes from the two others."""
    predictors, outcome = made_up(12, 3, 1.0, seed=2)
    groups = assign_folds(12, 3)
    found = fit_whole_sample(predictors, outcome, groups, Tuning((1.0,), 10))
    changed = outcome.values.copy()
    changed[groups == 0] += 5 * np.arange(4)
    others = fit_whole_sample(predictors, Outcome("y", "", changed), groups, Tuning((1.0,), 10))
    assert not np.allclose(found.cross_validated[groups == 1], others.cross_validated[groups == 1])


@pytest.mark.parametrize(
    ("y", "match"),
    [(np.arange(8.0), "8,.* 9 participants"), (np.full(9, 2.0), "improvement is 2 for everybody")],
)
def test_outcomes_of_others_or_of_one_value_are_refused(y: np.ndarray, match: str) -> None:
    predictors, _ = made_up(9, 3, 0.0, seed=1)
    with pytest.raises(FeatureError, match=match):
        fit_whole_sample(predictors, Outcome("improvement", "points", y), assign_folds(9, None))


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_an_outcome_has_a_number_for_everybody(hole: float) -> None:
    with pytest.raises(FeatureError, match="improvement should be one finite number for each participant"):
        Outcome("improvement", "points", np.array([1.0, hole]))
