"""Smoothed importance weights, against ArviZ and distributions whose tail is known."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import genpareto

from dcm._pareto import fit_pareto, smooth_weights


@pytest.mark.parametrize("spread", [0.01, 0.5, 1.0, 2.0, 4.0, 30.0])
def test_weights_are_those_of_arviz(spread: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # ArviZ 0.23 announces ArviZ 1 when imported
        import arviz
    ratios = spread * np.random.default_rng(0).standard_normal(800)
    expected, k = arviz.psislw(ratios)
    found = smooth_weights(ratios)
    np.testing.assert_allclose(np.log(found.weights), expected, rtol=1e-9, atol=1e-9)
    assert found.k == pytest.approx(float(k), rel=1e-9)


@pytest.mark.parametrize("k", [0.2, 0.5, 1.0])
def test_the_shape_of_a_pareto_tail_is_found(k: float) -> None:
    draws = np.sort(genpareto(k, scale=2.0).rvs(4000, random_state=1))
    shape, scale = fit_pareto(draws)
    assert shape == pytest.approx(k, abs=0.06)
    assert scale == pytest.approx(2.0, rel=0.06)


def test_equal_weights_are_as_many_draws_as_there_are() -> None:
    found = smooth_weights(np.zeros(100))
    assert found.effective_sample == pytest.approx(100)


def test_draws_without_a_density_weigh_nothing() -> None:
    ratios = np.random.default_rng(0).standard_normal(200)
    ratios[:50] = -np.inf
    found = smooth_weights(ratios)
    assert (found.weights[:50] == 0).all()
    assert found.weights.sum() == pytest.approx(1)
