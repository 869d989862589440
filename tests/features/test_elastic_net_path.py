"""One sample's path of elastic nets, and its penalty as glmnet and scikit-learn write it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import ElasticNet

from features import FeatureError, _elastic_net_path, glmnet_penalty, scikit_penalty
from features._elastic_net_path import fit_path, standardise

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 6)) * [1, 10, 100, 1, 1, 1], RNG.normal(size=20)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0])
def test_every_model_meets_the_conditions_of_an_optimum(alpha: float) -> None:
    """Subgradient of ‖y − Xβ‖²/2n + λα‖β‖₁ + λ(1−α)/s·‖β‖²/2: zero where β is not, within ±λα where it is."""
    sample = standardise(X)
    path = fit_path(sample, Y, alpha, 30, 1e-12)
    for penalty, beta in zip(path.penalties, path.coefficients, strict=True):
        residual = Y - Y.mean() - sample.values @ beta
        gradient = sample.values.T @ residual / Y.size - penalty * (1 - alpha) / Y.std() * beta
        kept = beta != 0
        np.testing.assert_allclose(gradient[kept], penalty * alpha * np.sign(beta[kept]), atol=1e-5)
        assert np.abs(gradient[~kept]).max(initial=0) <= penalty * alpha + 1e-5


def test_a_path_starts_with_the_first_penalty_that_retains_nothing() -> None:
    path = fit_path(standardise(X), Y, 0.5, 50, 1e-10)
    assert not path.coefficients[0].any()
    assert path.coefficients[1].any()


@pytest.mark.parametrize(("columns", "ratio"), [(6, 1e-4), (30, 1e-2)])
def test_a_path_is_as_long_as_glmnets(columns: int, ratio: float) -> None:
    values = np.random.default_rng(3).normal(size=(20, columns))
    path = fit_path(standardise(values), Y, 1.0, 5, 1e-4)  # too few to end early
    assert path.penalties[-1] / path.penalties[0] == pytest.approx(ratio)


def test_a_predictor_that_does_not_vary_stays_out() -> None:
    values = np.column_stack([X, np.full(20, 7.0), np.full(20, 1e9)])
    path = fit_path(standardise(values), Y, 0.5, 20, 1e-6)
    assert not path.coefficients[:, 6:].any()
    assert np.isfinite(path.coefficients).all()


@pytest.mark.parametrize("y", [np.full(20, 3.3), np.zeros(20)])
def test_a_constant_outcome_is_predicted_by_its_mean(y: np.ndarray) -> None:
    path = fit_path(standardise(X), y, 0.5, 20, 1e-6)
    assert not path.coefficients.any()
    np.testing.assert_allclose(path.predict(standardise(X).values), y[0])


def test_between_penalties_predictions_lie_on_straight_lines() -> None:
    sample = standardise(X)
    path = fit_path(sample, Y, 0.5, 20, 1e-8)
    middle = (path.penalties[3] + path.penalties[4]) / 2
    read = path.predict_at(sample.values, np.array([middle, 1e9, 0.0]))
    own = path.predict(sample.values)
    np.testing.assert_allclose(read, np.column_stack([own[:, 3:5].mean(axis=1), own[:, 0], own[:, -1]]))


def test_a_path_ends_with_the_model_that_explains_it_all() -> None:
    """As glmnet's: r² above 0.999, or no gain over the model before."""
    sample = standardise(X)
    y = sample.values @ np.array([3.0, -2.0, 1.0, 0.0, 0.0, 0.0])
    for outcome, noisy in ((y, False), (y + 2 * Y, True)):
        path = fit_path(sample, outcome, 1.0, 100, 1e-10)
        residuals = outcome[:, None] - path.predict(sample.values)
        explained = 1 - residuals.var(axis=0) / outcome.var()
        ends = (explained > 0.999) | (np.diff(explained, prepend=0.0) < 1e-5 * explained)
        assert path.penalties.size == len(path.coefficients) < 100
        assert ends[-1]
        assert not ends[4:-1].any()
        assert (explained[-1] > 0.999) != noisy


def test_models_short_of_the_tolerance_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the duality gap of each lasso, over the outcome's sum of squares."""
    assert fit_path(standardise(X), Y, 1.0, 30, 1e-4).unfinished == 0
    rng = np.random.default_rng(2)
    alike = standardise(rng.normal(size=(20, 3)) @ rng.normal(size=(3, 40)) + 0.01 * rng.normal(size=(20, 40)))
    monkeypatch.setattr(_elastic_net_path, "SWEEPS", 1)
    path, y = fit_path(alike, Y, 1.0, 30, 1e-4), Y - Y.mean()
    gaps = [
        _gap(alike.values, y, beta, 20 * penalty)
        for beta, penalty in zip(path.coefficients, path.penalties, strict=True)
    ]
    assert path.unfinished == (np.array(gaps) > 1e-4 * (y @ y)).sum() > 0


def _gap(x: np.ndarray, y: np.ndarray, beta: np.ndarray, penalty: float) -> float:
    """Of ‖y − xβ‖²/2 + penalty·‖β‖₁ over its dual at the residual, brought within bounds."""
    residual = y - x @ beta
    dual = residual * min(1.0, penalty / np.abs(x.T @ residual).max())
    primal = residual @ residual / 2 + penalty * np.abs(beta).sum()
    return float(primal - (y @ y - (y - dual) @ (y - dual)) / 2)


POSITIVE = st.floats(0.01, 100)


@given(POSITIVE, st.floats(0.01, 1), POSITIVE)
def test_there_and_back_is_the_same_penalty(penalty: float, alpha: float, spread: float) -> None:
    back = glmnet_penalty(*scikit_penalty(penalty, alpha, spread), spread)
    assert back == pytest.approx((penalty, alpha), rel=1e-9)


@given(st.floats(0.05, 1), st.floats(0.1, 20))
def test_scikit_learn_on_the_raw_outcome_has_the_path_coefficients(alpha: float, spread: float) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(20, 8)), rng.normal(size=20)
    y = 3 + (y - y.mean()) / y.std() * spread
    sample = standardise(x)
    path = fit_path(sample, y, alpha, 10, 1e-12)
    arguments = scikit_penalty(float(path.penalties[5]), alpha, spread)
    model = ElasticNet(alpha=arguments.alpha, l1_ratio=arguments.l1_ratio, tol=1e-12, max_iter=100_000)
    model.fit(sample.values, y)
    np.testing.assert_allclose(path.coefficients[5], model.coef_, atol=1e-6 * spread)


@pytest.mark.parametrize(("penalty", "alpha", "spread"), [(0, 0.5, 1), (1, 1.5, 1), (1, 0.5, 0), (np.nan, 0.5, 1)])
def test_what_is_no_penalty_is_refused(penalty: float, alpha: float, spread: float) -> None:
    with pytest.raises(FeatureError, match="no elastic net"):
        scikit_penalty(penalty, alpha, spread)
    with pytest.raises(FeatureError, match="no elastic net"):
        glmnet_penalty(penalty, alpha, spread)
