"""Serially correlated noise against models whose evidence is known exactly, and against integration by quadrature."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import toeplitz

from dcm import _ar_noise as noise
from dcm import _gram
from dcm import _laplace as laplace
from dcm._bilinear import Timing
from dcm._joint_density import Problem

SCANS, FREE = 40, 4


class Linear:
    """g(θ) = design · θ, standing in for the forward model."""

    def __init__(self, design: np.ndarray | jax.Array) -> None:
        self.design = jnp.asarray(design)  # (scan, region, free)

    def predict_with_jacobian(self, _: Any, free: jax.Array, *__: Any) -> tuple[jax.Array, jax.Array]:
        return self.design @ free, self.design


def problem(
    seed: int, regions: int = 2, serial: bool = True, padding: int = 0, starts: Sequence[int] = (0,)
) -> tuple[Linear, Problem]:
    """A linear problem with two confounds and AR(1) noise in runs; padded in every way that a batch pads."""
    rng = np.random.default_rng(seed)
    design = rng.standard_normal((SCANS, regions, FREE)).cumsum(axis=0) / 3
    X, _ = np.linalg.qr(np.column_stack([np.ones(SCANS), np.linspace(-1, 1, SCANS)]))
    error = rng.standard_normal((SCANS, regions))
    for t in range(1, SCANS):
        error[t] += 0.5 * error[t - 1]
    bold = design @ rng.standard_normal(FREE) + 0.7 * error + 3.0
    rows = ((0, padding), (0, 0))
    free = np.r_[np.ones(FREE), np.zeros(padding)]
    empty = Timing(jnp.zeros((1, 1)), jnp.zeros(1), jnp.zeros(1, int), jnp.zeros((SCANS + padding, regions), int))
    precision = np.diag([1.0, 2.0, 4.0, 0.5] + [1.0] * padding)
    precision[:FREE, :FREE] += 0.1
    values = {
        "bold": np.pad(bold, rows),
        "scan_mask": np.r_[np.ones(SCANS), np.zeros(padding)],
        "confounds": np.pad(X, ((0, padding), (0, padding))),
        "confound_power": np.r_[np.ones(2), np.zeros(padding)],
        "confound_mask": np.r_[np.ones(2), np.zeros(padding)],
        "confound_rotation": np.eye(2 + padding),
        "confound_start": np.zeros((0, regions)),
        "echo_time": 0.04,
        "prior_vector": np.zeros(FREE + padding),
        "prior_mean": np.r_[np.full(FREE, 0.1), np.zeros(padding)],
        "prior_precision": precision,
        "free_mask": free,
        "noise_mean": 6.0,
        "noise_precision": 1.0,
        "serial": float(serial),
        "gain": 1.0,
        "start": np.zeros(FREE + padding),
        "tolerance": 1e-9,
        "first_log_step": 0.0,
    }
    made = Problem(
        timing=empty,
        max_iterations=jnp.asarray(100),
        free_iterations=jnp.asarray(1),
        run_starts=jnp.asarray(starts) if len(starts) > 1 else None,
        **{name: jnp.asarray(value, dtype=float) for name, value in values.items()},
    )
    wide = np.pad(design, ((0, padding), (0, 0), (0, padding)), constant_values=7.0)  # what padding holds is not read
    return Linear(wide), made


@partial(jax.jit, static_argnums=3)  # compiled once for all problems of one size
def advance(design: jax.Array, made: Problem, state: laplace.State, whole: int) -> laplace.State:
    return laplace.step(Linear(design), "ar1", made, state)  # type: ignore[arg-type]  # a model of the test's own


def solve(model: Linear, made: Problem) -> laplace.State:
    state = laplace.init(made)
    while not laplace.has_ended(state.status):
        state = advance(model.design, made, state, _gram.WHOLE)
    return state


def log_joint(model: Linear, made: Problem, both: np.ndarray) -> float:
    """ln p(y, λ, r) of a linear model, dense: θ integrated out by its Gaussian, β flat by restricted likelihood."""
    log_precision, r = both.reshape(2, -1)
    regions = log_precision.size
    X, J = np.asarray(made.confounds)[:SCANS, :2], np.asarray(model.design)[:SCANS, :, :FREE]
    y = np.asarray(made.bold)[:SCANS] - J @ np.asarray(made.prior_mean)[:FREE]
    prior = np.linalg.inv(np.asarray(made.prior_precision)[:FREE, :FREE])
    of_noise = zip(np.tanh(r), log_precision, strict=True)
    run = np.zeros(SCANS) if made.run_starts is None else np.searchsorted(made.run_starts, np.arange(SCANS), "right")
    same = run[:, None] == run
    blocks = [same * toeplitz(t ** np.arange(SCANS)) / (1 - t**2) / np.exp(p) for t, p in of_noise]
    stacked = np.concatenate([J[:, i] for i in range(regions)])
    covariance = stacked @ prior @ stacked.T
    for i, block in enumerate(blocks):
        covariance[i * SCANS : (i + 1) * SCANS, i * SCANS : (i + 1) * SCANS] += block
    B, data = np.kron(np.eye(regions), X), y.T.ravel()
    inverse = np.linalg.inv(covariance)
    within = B.T @ inverse @ B
    rest = inverse - inverse @ B @ np.linalg.solve(within, B.T @ inverse)
    likelihood = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(within)[1] + data @ rest @ data
    likelihood += (data.size - B.shape[1]) * np.log(2 * np.pi)
    density = ((log_precision - 6) ** 2).sum() + np.log(2 * np.pi) * regions
    serial = float(made.serial) * ((r**2).sum() / 0.25 + np.log(2 * np.pi * 0.25) * regions)
    return -(likelihood + density + serial) / 2


@pytest.mark.parametrize(
    ("seed", "padding", "blocks", "starts"),
    [(0, 0, False, (0,)), (1, 3, False, (0,)), (2, 0, True, (0,)), (5, 3, False, (0, 9, 10))],
)
def test_free_energy_is_laplace_of_the_exact_density_of_a_linear_model(
    seed: int, padding: int, blocks: bool, starts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its maximum over the noise, and the Hessian there, by finite differences of the dense formula."""
    if blocks:  # as large models keep their matrices
        monkeypatch.setattr(_gram, "WHOLE", 1)
        monkeypatch.setattr(_gram, "BLOCK", 3)
    model, made = problem(seed, padding=padding, starts=starts)
    state = solve(model, made)
    assert int(state.status) == laplace.CONVERGED
    mode = np.concatenate([state.best.noise, state.best.correlation])
    step = 1e-4 * np.eye(mode.size)

    def exact(at: np.ndarray) -> float:
        return log_joint(model, made, at)

    gradient = [(exact(mode + h) - exact(mode - h)) / 2e-4 for h in step]
    assert np.abs(gradient).max() < 2e-3
    hessian = -np.array(
        [
            [exact(mode + a + b) - exact(mode + a - b) - exact(mode - a + b) + exact(mode - a - b) for b in step]
            for a in step
        ]
    )
    hessian /= 4e-8
    assert np.allclose(state.noise_precision, hessian, atol=2e-4 * np.abs(hessian).max())
    evidence = exact(mode) + mode.size / 2 * np.log(2 * np.pi) - np.linalg.slogdet(hessian)[1] / 2
    assert float(state.settled_free_energy) == pytest.approx(evidence, abs=1e-3)


def test_free_energy_is_close_to_the_evidence_by_quadrature() -> None:
    """Over λ and r of one region, θ and β being integrated out exactly."""
    model, made = problem(3, regions=1)
    state = solve(model, made)
    log_precision, r = (float(value[0]) for value in (state.best.noise, state.best.correlation))
    spread = np.sqrt(np.diag(np.linalg.inv(state.noise_precision)))
    grid = np.linspace(-6, 6, 41)
    values = np.array(
        [
            [log_joint(model, made, np.array([log_precision + a * spread[0], r + b * spread[1]])) for b in grid]
            for a in grid
        ]
    )
    evidence = np.logaddexp.reduce(values.ravel()) + 2 * np.log(grid[1] - grid[0]) + np.log(spread).sum()
    assert float(state.settled_free_energy) == pytest.approx(evidence, abs=0.05)


def test_noise_without_correlation_is_integrated_over_its_precision_only() -> None:
    model, made = problem(4, serial=False)
    state = solve(model, made)
    assert np.array_equal(state.best.correlation, np.zeros(2))
    mode = np.concatenate([state.best.noise, np.zeros(2)])
    h = 1e-4 * np.eye(4)
    slope = [log_joint(model, made, mode + h[i]) - log_joint(model, made, mode - h[i]) for i in range(2)]
    assert np.abs(slope).max() / 2e-4 < 2e-3
    occam = np.linalg.slogdet(np.asarray(state.noise_precision)[:2, :2])[1]
    expected = log_joint(model, made, mode) + np.log(2 * np.pi) - occam / 2
    assert float(state.settled_free_energy) == pytest.approx(expected, abs=1e-6)


def test_the_posterior_is_that_of_generalised_least_squares() -> None:
    model, made = problem(5)
    state = solve(model, made)
    J, X = np.asarray(model.design), np.asarray(made.confounds)
    precision, pull = np.asarray(made.prior_precision), np.zeros(FREE)
    for i in range(2):
        rho, tau = np.tanh(state.best.correlation[i]), np.exp(state.best.noise[i])
        K = np.linalg.inv(toeplitz(rho ** np.arange(SCANS)) / (1 - rho**2)) * tau
        K = K - K @ X @ np.linalg.solve(X.T @ K @ X, X.T @ K)
        precision = precision + J[:, i].T @ K @ J[:, i]
        pull = pull + J[:, i].T @ K @ (np.asarray(made.bold)[:, i] - J[:, i] @ np.full(FREE, 0.1))
    assert np.allclose(state.best_covariance, np.linalg.inv(precision), rtol=1e-9)
    assert np.allclose(state.best.theta, np.linalg.solve(precision, pull), atol=1e-6)


def test_a_prediction_out_of_bounds_is_refused() -> None:
    model, made = problem(6)
    state = solve(Linear(np.full(model.design.shape, np.nan)), made)
    assert int(state.status) == laplace.BAD_START
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.point))


def test_the_first_noise_is_found_from_far_off() -> None:
    """λ begins at its prior mean, which may be far from series of large noise."""
    _, made = problem(7)
    loud = jax.tree.map(lambda leaf: leaf, made)
    object.__setattr__(loud, "bold", made.bold * 1e4)
    nothing = jnp.zeros((*made.bold.shape, FREE))
    found = jax.jit(noise.evaluate)(
        loud, laplace.init(loud).point, jnp.zeros_like(loud.bold), nothing, jnp.asarray(True), jnp.asarray(True)
    )
    slope = [
        log_joint(Linear(nothing), loud, np.concatenate([found.point.noise, found.point.correlation]) + h)
        for h in (*(1e-4 * np.eye(4)), *(-1e-4 * np.eye(4)))
    ]
    assert np.abs(np.subtract(slope[:4], slope[4:])).max() / 2e-4 < 1e-2
