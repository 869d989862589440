"""The joint density and its gradient, against dense matrices, a model with a closed form, and finite differences."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from linear_models import FREE, POINT, REGIONS, SCANS, LinearModel, linear_density
from scipy.linalg import null_space
from scipy.stats import multivariate_normal

from dcm import _log_density
from dcm._log_density import Unknowns

log_density = jax.jit(_log_density.log_density, static_argnums=0)
log_density_and_gradient = jax.jit(_log_density.log_density_and_gradient, static_argnums=0)


def restricted(residual: np.ndarray, covariance: np.ndarray, confounds: np.ndarray) -> float:
    """ln ∫ N(residual; X b, covariance) db, from the part of the residual that no confound reaches."""
    rest = null_space(confounds.T)
    inside = multivariate_normal(np.zeros(rest.shape[1]), rest.T @ covariance @ rest).logpdf(rest.T @ residual)
    return float(inside - np.linalg.slogdet(confounds.T @ confounds)[1] / 2)


def autoregressive(rho: float, noise: float) -> np.ndarray:
    lag = np.abs(np.subtract.outer(np.arange(SCANS), np.arange(SCANS)))
    return np.exp(-noise) * rho**lag / (1 - rho**2)


def test_the_density_is_that_of_dense_matrices() -> None:
    problem, model = linear_density(), LinearModel()
    rho = np.tanh(POINT.correlation)
    theta = np.asarray(problem.prior_mean + POINT.theta)
    residual = np.asarray(problem.bold) - 0.7 * model.slopes @ theta
    expected = sum(
        restricted(residual[:, i], autoregressive(rho[i], POINT.noise[i]), np.asarray(problem.confounds))
        for i in range(REGIONS)
    )
    prior_covariance = np.linalg.inv(problem.prior_precision)
    expected += multivariate_normal(np.zeros(FREE), prior_covariance).logpdf(POINT.theta)
    expected += multivariate_normal([6, 6], np.eye(2)).logpdf(POINT.noise)
    expected += multivariate_normal([0, 0], np.eye(2) / 4).logpdf(POINT.correlation)
    assert log_density(model, problem, POINT) == pytest.approx(expected, abs=1e-9)


def test_the_integral_over_the_parameters_of_a_linear_model_is_its_marginal_likelihood() -> None:
    """The density is Gaussian in θ then, so that its height and curvature at the mode give the integral exactly."""
    problem, model = linear_density(), LinearModel()
    rho = np.tanh(POINT.correlation)

    def height(theta: jax.Array) -> jax.Array:
        return log_density(model, problem, POINT._replace(theta=theta))

    def slope(theta: jax.Array) -> jax.Array:
        return log_density_and_gradient(model, problem, POINT._replace(theta=theta))[1][0]

    curvature = -np.asarray(jax.jit(jax.jacfwd(slope))(POINT.theta))
    mode = POINT.theta + np.linalg.solve(curvature, jax.jit(jax.grad(height))(POINT.theta))
    laplace = height(mode) + FREE / 2 * np.log(2 * np.pi) - np.linalg.slogdet(curvature)[1] / 2
    # All regions at once, β and θ integrated out of one large covariance.
    slopes = 0.7 * model.slopes.transpose(1, 0, 2).reshape(-1, FREE)
    noise = np.zeros((2 * SCANS, 2 * SCANS))
    confounds = np.zeros((2 * SCANS, 2 * problem.confounds.shape[1]))
    for i in range(REGIONS):
        rows = slice(i * SCANS, (i + 1) * SCANS)
        noise[rows, rows] = autoregressive(rho[i], POINT.noise[i])
        confounds[rows, i * problem.confounds.shape[1] : (i + 1) * problem.confounds.shape[1]] = problem.confounds
    covariance = noise + slopes @ np.linalg.solve(problem.prior_precision, slopes.T)
    expected = restricted(np.asarray(problem.bold).T.ravel() - slopes @ problem.prior_mean, covariance, confounds)
    expected += multivariate_normal([6, 6], np.eye(2)).logpdf(POINT.noise)
    expected += multivariate_normal([0, 0], np.eye(2) / 4).logpdf(POINT.correlation)
    assert laplace == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("wild", [0.0, 1.0])
def test_the_gradient_is_that_of_finite_differences(wild: float) -> None:
    problem, model = linear_density(), LinearModel()
    point = jax.tree.map(lambda leaf: leaf * (1 + wild), POINT)
    flat = np.concatenate(point)

    @jax.jit
    def height(flat: jax.Array) -> jax.Array:
        return log_density(model, problem, Unknowns(flat[:FREE], flat[FREE : FREE + 2], flat[FREE + 2 :]))

    steps = 1e-5 * np.eye(flat.size)
    differences = [(height(flat + step) - height(flat - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(jax.grad(height)(flat), differences, rtol=1e-6, atol=1e-6)


def test_white_noise_is_that_of_no_autocorrelation() -> None:
    problem, model = linear_density(), LinearModel()
    none = POINT._replace(correlation=jnp.zeros(2))
    white = log_density(model, problem, POINT._replace(correlation=jnp.zeros(0)))
    at_zero = multivariate_normal([0, 0], np.eye(2) / 4).logpdf([0, 0])
    assert white == pytest.approx(float(log_density(model, problem, none) - at_zero), abs=1e-9)


def test_padding_changes_neither_density_nor_gradient() -> None:
    problem, model = linear_density(), LinearModel()

    def wider(one: jax.Array, *room: int) -> jax.Array:
        return jnp.pad(one, [(0, more) for more in room])

    padded = eqx.tree_at(
        lambda one: (one.bold, one.scan_mask, one.confounds, one.confound_mask),
        problem,
        (
            wider(problem.bold, 5, 0),
            wider(problem.scan_mask, 5),
            wider(problem.confounds, 5, 2),
            wider(problem.confound_mask, 2),
        ),
    )

    @dataclass(frozen=True)
    class Longer(LinearModel):
        @property
        def slopes(self) -> np.ndarray:
            return np.pad(super().slopes, [(0, 5), (0, 0), (0, 0)], constant_values=3.0)

    plain = jax.tree.leaves(log_density_and_gradient(model, problem, POINT))
    wide = jax.tree.leaves(log_density_and_gradient(Longer(), padded, POINT))
    for alone, other in zip(plain, wide, strict=True):
        np.testing.assert_allclose(alone, other, rtol=1e-10)
