"""Variational Laplace by SPM's scheme against models whose evidence and posterior are known exactly."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from dcm import _gram
from dcm import _laplace as laplace
from dcm._bilinear import Timing
from dcm._joint_density import CONFOUND_PRECISION, Problem

NOISE = 2.0  # log-precision, pinned by a narrow prior


class Linear:
    """g(θ) = design · θ, standing in for the forward model."""

    def __init__(self, design: np.ndarray | jax.Array) -> None:
        self.design = jnp.asarray(design)  # (scan, region, free)

    def predict_with_jacobian(self, _: Any, free: jax.Array, *__: Any) -> tuple[jax.Array, jax.Array]:
        return self.design @ free, self.design


def problem(seed: int, noise_precision: float = 1e14, scans: int = 30) -> tuple[Linear, Problem, np.ndarray]:
    """A linear problem, its forward model, and its confounds before rotation."""
    rng = np.random.default_rng(seed)
    regions, free, confounds = 2, 4, 3
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
        "confound_rotation": rotation,
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
        "serial": 0.0,
        "gain": 1.0,
        "first_log_step": -4.0,
    }
    made = Problem(
        timing=empty,
        max_iterations=jnp.asarray(60),
        free_iterations=jnp.asarray(2),
        **{name: jnp.asarray(value, dtype=float) for name, value in values.items()},
    )
    return Linear(design), made, X


@jax.jit
def advance(design: jax.Array, made: Problem, state: laplace.State) -> laplace.State:
    """One step of a linear model, compiled once for every design and problem of a size."""
    return laplace.step(Linear(design), "spm12", made, state)  # type: ignore[arg-type]  # a model of the test's own


def solve(model: Linear, made: Problem) -> laplace.State:
    state = laplace.init(made)
    while not laplace.has_ended(state.status):
        state = advance(model.design, made, state)
    return state


@pytest.mark.parametrize(("seed", "blocks"), [(0, False), (1, False), (2, False), (3, True)])
def test_a_linear_gaussian_model_gives_its_exact_evidence_and_posterior(
    seed: int, blocks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if blocks:  # as large models keep their matrices
        monkeypatch.setattr(_gram, "WHOLE", 1)
        monkeypatch.setattr(_gram, "BLOCK", 3)
    model, made, X = problem(seed, scans=30 + blocks)  # a size of its own, so that nothing traced before is used
    state = solve(model, made)
    scans, regions, free = model.design.shape
    # Stack the regions and integrate θ and β out of the joint Gaussian.
    J = np.concatenate([np.asarray(model.design[:, i]) for i in range(regions)])
    B = np.kron(np.eye(regions), X)
    prior = np.linalg.inv(np.asarray(made.prior_precision))
    noise = np.exp(-NOISE) * np.eye(scans * regions)
    marginal = noise + J @ prior @ J.T + B @ B.T / CONFOUND_PRECISION
    y = np.asarray(made.bold).T.ravel() - J @ np.asarray(made.prior_mean)
    # ln N(y; 0, marginal) loses digits to the confounds' flat prior, so it is taken in the information form.
    both = np.column_stack([J, B])
    precision = np.zeros((free + B.shape[1],) * 2)
    precision[:free, :free] = made.prior_precision
    precision[free:, free:] = CONFOUND_PRECISION * np.eye(B.shape[1])
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


def test_the_last_step_settles_the_noise_and_changes_nothing_else() -> None:
    model, made, _ = problem(4, noise_precision=128.0)
    state = laplace.init(made)
    while int(state.status) != laplace.SETTLING:
        state = advance(model.design, made, state)
    last = advance(model.design, made, state)
    assert int(last.status) == int(state.outcome) == laplace.CONVERGED
    assert float(last.settled_free_energy) >= float(state.best_free_energy) - 1e-9
    for name in ("best", "best_prediction", "best_covariance", "best_free_energy", "iteration", "history"):
        for before, after in zip(
            jax.tree.leaves(getattr(state, name)), jax.tree.leaves(getattr(last, name)), strict=True
        ):
            assert np.array_equal(before, after, equal_nan=True)


def test_settled_free_energy_is_the_optimum_over_noise_and_confounds() -> None:
    """Of a model that is linear the same F is found by moving λ and β by hand."""
    model, made, _ = problem(4, noise_precision=128.0)
    state = solve(model, made)

    def free_energy(noise: np.ndarray, shift: np.ndarray) -> float:
        design, X, power = np.asarray(model.design), np.asarray(made.confounds), np.asarray(made.confound_power)
        tau, beta = np.exp(noise), np.asarray(state.best.beta) + shift
        error = np.asarray(made.bold) - design @ (made.prior_mean + state.best.theta) - X @ beta
        precision, log_det = np.asarray(made.prior_precision), 0.0
        for i, t in enumerate(tau):
            J, inner = design[:, i], t * power + CONFOUND_PRECISION
            precision = precision + t * J.T @ J - t**2 * (X.T @ J).T @ ((X.T @ J) / inner[:, None])
            log_det += np.log(inner / CONFOUND_PRECISION).sum()
        scans, theta = len(error), np.asarray(state.best.theta)
        log_det += np.linalg.slogdet(precision)[1] - np.linalg.slogdet(made.prior_precision)[1]
        quadratic = (tau * (error**2).sum(axis=0)).sum() + theta @ made.prior_precision @ theta
        quadratic += CONFOUND_PRECISION * (beta**2).sum() + 128 * ((noise - NOISE) ** 2).sum()
        occam = tau.size * np.log(128 / (128 + scans / 2))
        return float(scans * (noise.sum() - tau.size * np.log(2 * np.pi)) - quadratic - log_det + occam) / 2

    def loss(x: np.ndarray) -> float:
        return -free_energy(x[:2], x[2:].reshape(3, 2))

    found = minimize(loss, np.concatenate([np.full(2, NOISE), np.zeros(6)]), method="BFGS", options={"gtol": 1e-6})
    assert float(state.settled_free_energy) == pytest.approx(-found.fun, abs=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e20])
def test_a_prediction_out_of_bounds_fails_instead_of_spreading(bad: float) -> None:
    model, made, _ = problem(5)
    broken = Linear(np.full(model.design.shape, bad))
    state = solve(broken, made)
    assert int(state.status) == laplace.BAD_START
    assert float(state.settled_free_energy) == -np.inf
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.point))


def test_a_step_too_far_is_retried_closer() -> None:
    model, made, _ = problem(6)

    class Cliff(Linear):
        def predict_with_jacobian(self, _: Any, free: jax.Array, *__: Any) -> tuple[jax.Array, jax.Array]:
            safe = jnp.abs(free - made.prior_mean).max() < 0.05
            return jnp.where(safe, self.design @ free, jnp.nan), self.design

    step = jax.jit(lambda state: laplace.step(Cliff(model.design), "spm12", made, state))  # type: ignore[arg-type]  # a model of the test's own
    state = laplace.init(made)
    while not laplace.has_ended(state.status):
        state = step(state)
    assert int(state.status) in (laplace.CONVERGED, laplace.MAX_ITERATIONS, laplace.NOT_FINITE)
    assert np.isfinite(float(state.best_free_energy))
    assert np.abs(state.best.theta).max() < 0.05
