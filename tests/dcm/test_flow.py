"""The step along the gradient flow against its definition by matrix functions."""

from __future__ import annotations

from decimal import Decimal, localcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcm import _flow
from dcm._flow import Curvature, Gradient

flow_step = jax.jit(_flow.flow_step)


def random_curvature(seed: int, spread: float) -> tuple[Curvature, np.ndarray]:
    """A positive definite −H in blocks and as one matrix; its eigenvalues span 10^±spread."""
    rng = np.random.default_rng(seed)
    free, regions, confounds = 5, 2, 3
    beta = 10.0 ** rng.uniform(-spread, spread, (regions, confounds))
    cross = rng.standard_normal((regions, confounds, free)) * np.sqrt(beta)[..., None]
    factor = rng.standard_normal((free, free)) * 10.0 ** rng.uniform(-spread / 2, spread / 2, free)
    precision = factor @ factor.T + 1e-3 * np.eye(free)
    flat = cross.reshape(-1, free)
    theta = precision + np.einsum("icp,ic,icq->pq", cross, 1 / beta, cross)
    whole = np.block([[theta, flat.T], [flat, np.diag(beta.ravel())]])
    return Curvature(jnp.asarray(precision), jnp.asarray(cross), jnp.asarray(beta)), whole


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


def exact_step(whole: np.ndarray, g: np.ndarray, time: float) -> np.ndarray:
    """Δ in 60 digits: the last column of exp([[τH, τg], [0, 0]]), by scaling, Taylor series and squaring."""
    with localcontext() as context:
        context.prec = 60
        size = len(whole) + 1
        halvings = max(0, int(np.ceil(np.log2(time * np.abs(whole).sum(axis=0).max()))) + 4)
        scale = Decimal(time) / 2**halvings
        generator = np.array(
            [[Decimal(x) for x in row] for row in np.column_stack([-whole, g]).tolist()] + [[0] * size]
        )
        generator = generator * scale
        identity = np.array([[Decimal(int(i == j)) for j in range(size)] for i in range(size)], dtype=object)
        exponential = identity
        for k in range(25, 0, -1):
            exponential = identity + generator.dot(exponential) / k
        for _ in range(halvings):
            exponential = exponential.dot(exponential)
        return exponential[:-1, -1].astype(float)


@pytest.mark.parametrize("time", [1e-3, 0.3, 10.0, 1e4])
def test_step_is_its_definition_in_sixty_digits(time: float) -> None:
    curvature, whole = random_curvature(0, 0.5)
    g = np.arange(1.0, 12.0)
    expected = exact_step(whole, g, time)
    got = flow_step(Gradient(jnp.asarray(g[:5]), jnp.asarray(g[5:].reshape(2, 3))), curvature, jnp.asarray(time))
    assert np.abs(np.concatenate([got.theta, got.beta.ravel()]) - expected).max() < 1e-12 * np.abs(expected).max()


def test_each_direction_keeps_its_digits_however_flat_or_stiff() -> None:
    rates = 10.0 ** np.linspace(-12, 12, 49)
    beta = rates[:4].reshape(2, 2)
    theta = rates[4:]
    curvature = Curvature(jnp.diag(jnp.asarray(theta)), jnp.zeros((2, 2, 45)), jnp.asarray(beta))
    got = flow_step(Gradient(jnp.ones(45), jnp.ones((2, 2))), curvature, jnp.asarray(1.0))
    expected = -np.expm1(-rates) / rates
    assert np.allclose(np.concatenate([got.beta.ravel(), got.theta]), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("time", [1e-6, 1e6])
def test_short_steps_follow_the_gradient_and_long_ones_are_newton(time: float) -> None:
    curvature, whole = random_curvature(3, 0.5)
    g = np.ones(11)
    got = flow_step(Gradient(jnp.ones(5), jnp.ones((2, 3))), curvature, jnp.asarray(time))
    limit = time * g if time < 1 else np.linalg.solve(whole, g)
    assert np.allclose(np.concatenate([got.theta, got.beta.ravel()]), limit, rtol=1e-4)
