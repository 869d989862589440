"""The step along the gradient flow against its definition by matrix functions."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from dcm._flow import Curvature, Gradient, flow_step


def random_curvature(seed: int, spread: float) -> tuple[Curvature, np.ndarray]:
    """A positive definite −H in blocks and as one matrix; its eigenvalues span 10^±spread."""
    rng = np.random.default_rng(seed)
    free, regions, confounds = 5, 2, 3
    beta = 10.0 ** rng.uniform(-spread, spread, (regions, confounds))
    cross = rng.standard_normal((regions, confounds, free)) * np.sqrt(beta)[..., None]
    factor = rng.standard_normal((free, free)) * 10.0 ** rng.uniform(-spread / 2, spread / 2, free)
    # Adding what the cross block takes away keeps the whole positive definite.
    theta = factor @ factor.T + np.einsum("icp,ic,icq->pq", cross, 1 / beta, cross) + 1e-3 * np.eye(free)
    flat = cross.reshape(-1, free)
    whole = np.block([[theta, flat.T], [flat, np.diag(beta.ravel())]])
    return Curvature(jnp.asarray(theta), jnp.asarray(cross), jnp.asarray(beta)), whole


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**16), log_time=st.floats(-20, 6), spread=st.floats(0, 3))
def test_step_equals_eigenvalue_formula(seed: int, log_time: float, spread: float) -> None:
    curvature, whole = random_curvature(seed, spread)
    g = np.random.default_rng(seed + 1).standard_normal(len(whole))
    time = np.exp(log_time)
    rates, axes = np.linalg.eigh(whole)
    expected = axes @ (-np.expm1(-time * rates) / rates * (axes.T @ g))
    got = flow_step(Gradient(jnp.asarray(g[:5]), jnp.asarray(g[5:].reshape(2, 3))), curvature, jnp.asarray(time))
    assert np.allclose(np.concatenate([got.theta, got.beta.ravel()]), expected, atol=1e-10 * np.abs(expected).max())


def test_step_equals_its_definition() -> None:
    curvature, whole = random_curvature(0, 0.5)
    g = np.arange(1.0, 12.0)
    expected = np.linalg.solve(-whole, (expm(-0.3 * whole) - np.eye(11)) @ g)
    got = flow_step(Gradient(jnp.asarray(g[:5]), jnp.asarray(g[5:].reshape(2, 3))), curvature, jnp.asarray(0.3))
    assert np.allclose(np.concatenate([got.theta, got.beta.ravel()]), expected, rtol=1e-9)


@pytest.mark.parametrize("time", [1e-6, 1e6])
def test_short_steps_follow_the_gradient_and_long_ones_are_newton(time: float) -> None:
    curvature, whole = random_curvature(3, 0.5)
    g = np.ones(11)
    got = flow_step(Gradient(jnp.ones(5), jnp.ones((2, 3))), curvature, jnp.asarray(time))
    limit = time * g if time < 1 else np.linalg.solve(whole, g)
    assert np.allclose(np.concatenate([got.theta, got.beta.ravel()]), limit, rtol=1e-4)
