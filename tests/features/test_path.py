"""One sample's path of elastic nets."""

from __future__ import annotations

import numpy as np
import pytest

from features._path import fit_path, scaled

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 6)) * [1, 10, 100, 1, 1, 1], RNG.normal(size=20)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0])
def test_every_model_meets_the_conditions_of_an_optimum(alpha: float) -> None:
    """Subgradient of ‖y − Xβ‖²/2n + λα‖β‖₁ + λ(1−α)/s·‖β‖²/2: zero where β is not, within ±λα where it is."""
    sample = scaled(X)
    path = fit_path(sample, Y, alpha, 30, 1e-12)
    for penalty, beta in zip(path.penalties, path.coefficients, strict=True):
        residual = Y - Y.mean() - sample.values @ beta
        gradient = sample.values.T @ residual / Y.size - penalty * (1 - alpha) / Y.std() * beta
        kept = beta != 0
        np.testing.assert_allclose(gradient[kept], penalty * alpha * np.sign(beta[kept]), atol=1e-5)
        assert np.abs(gradient[~kept]).max(initial=0) <= penalty * alpha + 1e-5


def test_a_path_starts_with_the_first_penalty_that_retains_nothing() -> None:
    path = fit_path(scaled(X), Y, 0.5, 50, 1e-10)
    assert not path.coefficients[0].any()
    assert path.coefficients[1].any()


@pytest.mark.parametrize(("columns", "ratio"), [(6, 1e-4), (30, 1e-2)])
def test_a_path_is_as_long_as_glmnets(columns: int, ratio: float) -> None:
    values = np.random.default_rng(3).normal(size=(20, columns))
    path = fit_path(scaled(values), Y, 1.0, 100, 1e-4)
    assert path.penalties[-1] / path.penalties[0] == pytest.approx(ratio)


def test_a_predictor_that_does_not_vary_stays_out() -> None:
    values = np.column_stack([X, np.full(20, 7.0), np.full(20, 1e9)])
    path = fit_path(scaled(values), Y, 0.5, 20, 1e-6)
    assert not path.coefficients[:, 6:].any()
    assert np.isfinite(path.coefficients).all()


@pytest.mark.parametrize("y", [np.full(20, 3.3), np.zeros(20)])
def test_a_constant_outcome_is_predicted_by_its_mean(y: np.ndarray) -> None:
    path = fit_path(scaled(X), y, 0.5, 20, 1e-6)
    assert not path.coefficients.any()
    np.testing.assert_allclose(path.predict(scaled(X).values), y[0])


def test_between_penalties_predictions_lie_on_straight_lines() -> None:
    sample = scaled(X)
    path = fit_path(sample, Y, 0.5, 20, 1e-8)
    middle = (path.penalties[3] + path.penalties[4]) / 2
    read = path.predict_at(sample.values, np.array([middle, 1e9, 0.0]))
    own = path.predict(sample.values)
    np.testing.assert_allclose(read, np.column_stack([own[:, 3:5].mean(axis=1), own[:, 0], own[:, -1]]))
