"""Variational Laplace against models whose evidence and posterior are known exactly."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dcm import _laplace as laplace
from dcm._bilinear import Timing

NOISE = 2.0  # log-precision, pinned by a narrow prior


class Linear:
    """g(θ) = design · θ, standing in for the forward model."""

    def __init__(self, design: np.ndarray) -> None:
        self.design = jnp.asarray(design)  # (scan, region, free)

    def predict_with_jacobian(self, _: Any, free: jax.Array, *__: Any) -> tuple[jax.Array, jax.Array]:
        return self.design @ free, self.design


def problem(seed: int, noise_precision: float = 1e14) -> tuple[Linear, laplace.Problem, np.ndarray]:
    """A linear problem, its forward model, and its confounds before rotation."""
    rng = np.random.default_rng(seed)
    scans, regions, free, confounds = 30, 2, 4, 3
    design = rng.standard_normal((scans, regions, free))
    X = np.column_stack([np.ones(scans), rng.standard_normal((scans, confounds - 1))])
    power, rotation = np.linalg.eigh(X.T @ X)
    bold = design @ rng.standard_normal(free) + np.exp(-NOISE / 2) * rng.standard_normal((scans, regions))
    empty = Timing(jnp.zeros((1, 1)), jnp.zeros(1), jnp.zeros(1, int), jnp.zeros((scans, regions), int))
    values = {
        "bold": bold,
        "scan_mask": np.ones(scans),
        "confounds": X @ rotation,
        "confound_power": power,
        "confound_mask": np.ones(confounds),
        "confound_start": (X @ rotation).T @ bold / power[:, None],
        "echo_time": 0.04,
        "prior_vector": np.zeros(free),
        "prior_mean": np.full(free, 0.1),
        "prior_precision": np.diag([1.0, 2.0, 4.0, 0.5]) + 0.1,
        "free_mask": np.ones(free),
        "noise_mean": NOISE,
        "noise_precision": noise_precision,
        "start": np.zeros(free),
        "tolerance": 1e-12,
    }
    made = laplace.Problem(
        timing=empty,
        max_iterations=jnp.asarray(60),
        settle=jnp.asarray(False),
        **{name: jnp.asarray(value) for name, value in values.items()},
    )
    return Linear(design), made, X


def solve(model: Linear, made: laplace.Problem) -> laplace.State:
    advance = jax.jit(lambda state: laplace.step(model, made, state))  # type: ignore[arg-type]
    state = laplace.init(made)
    while int(state.status) == laplace.RUNNING:
        state = advance(state)
    return state


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_linear_gaussian_model_gives_its_exact_evidence_and_posterior(seed: int) -> None:
    model, made, X = problem(seed)
    state = solve(model, made)
    scans, regions, free = model.design.shape
    # Stack the regions and integrate θ and β out of the joint Gaussian.
    J = np.concatenate([np.asarray(model.design[:, i]) for i in range(regions)])
    B = np.kron(np.eye(regions), X)
    prior = np.linalg.inv(np.asarray(made.prior_precision))
    noise = np.exp(-NOISE) * np.eye(scans * regions)
    marginal = noise + J @ prior @ J.T + B @ B.T / laplace.CONFOUND_PRECISION
    y = np.asarray(made.bold).T.ravel() - J @ np.asarray(made.prior_mean)
    # ln N(y; 0, marginal) loses digits to the confounds' flat prior, so it is taken in the information form.
    both = np.column_stack([J, B])
    precision = np.zeros((free + B.shape[1],) * 2)
    precision[:free, :free] = made.prior_precision
    precision[free:, free:] = laplace.CONFOUND_PRECISION * np.eye(B.shape[1])
    posterior = both.T @ both * np.exp(NOISE) + precision
    mean = np.linalg.solve(posterior, both.T @ y * np.exp(NOISE))
    residual = y - both @ mean
    quadratic = np.exp(NOISE) * residual @ residual + mean @ precision @ mean
    log_det = np.linalg.slogdet(posterior)[1] - np.linalg.slogdet(precision)[1] - y.size * NOISE
    evidence = -(quadratic + log_det + y.size * np.log(2 * np.pi)) / 2
    assert np.linalg.slogdet(marginal)[1] == pytest.approx(log_det, rel=1e-6)
    assert float(state.best_free_energy) == pytest.approx(evidence, abs=1e-8)
    assert np.allclose(state.best.theta, mean[:free], atol=1e-8)
    assert np.allclose(state.best_covariance, np.linalg.inv(posterior)[:free, :free], atol=1e-10)


def test_free_energy_never_falls_after_the_first_two_iterations() -> None:
    model, made, _ = problem(3, noise_precision=128.0)
    state = solve(model, made)
    accepted = np.maximum.accumulate(np.asarray(state.history[2 : int(state.iteration)]))
    assert float(state.best_free_energy) == accepted[-1]


def test_settled_noise_is_a_stationary_point_of_the_free_energy() -> None:
    model, made, _ = problem(4, noise_precision=128.0)
    state = solve(model, made)
    settled = float(laplace.settled_free_energy(made, state))
    assert settled >= float(state.best_free_energy) - 1e-9


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e20])
def test_a_prediction_out_of_bounds_fails_instead_of_spreading(bad: float) -> None:
    model, made, _ = problem(5)
    broken = Linear(np.full(model.design.shape, bad))
    state = solve(broken, made)
    assert int(state.status) == laplace.BAD_START
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.point))


def test_a_step_too_far_is_retried_closer() -> None:
    model, made, _ = problem(6)

    class Cliff(Linear):
        def predict_with_jacobian(self, _: Any, free: jax.Array, *__: Any) -> tuple[jax.Array, jax.Array]:
            safe = jnp.abs(free - made.prior_mean).max() < 0.05
            return jnp.where(safe, self.design @ free, jnp.nan), self.design

    state = solve(Cliff(np.asarray(model.design)), made)
    assert int(state.status) in (laplace.CONVERGED, laplace.MAX_ITERATIONS, laplace.NOT_FINITE)
    assert np.isfinite(float(state.best_free_energy))
    assert np.abs(state.best.theta).max() < 0.05
