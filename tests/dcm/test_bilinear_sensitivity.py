"""Derivatives of the bilinear integrator where its quadrature is put to the test, and in company."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_models import block_inputs, random_parameters, random_spec

from dcm import Data
from dcm._bilinear import Timing, free_parameters, predict, predict_with_jacobian
from dcm._linear import bilinear_form
from dcm._schedule import schedule

ECHO_TIME = jnp.asarray(0.04)
N, M, SCANS = 2, 1, 12
SPEC = random_spec(N, M, 0)
LAYOUT = SPEC.layout
FREE = free_parameters(LAYOUT, tuple(range(LAYOUT.size)))
VECTOR = jnp.asarray(LAYOUT.to_vector(random_parameters(SPEC, 0)))


def timing() -> Timing:
    series = np.random.default_rng(0).standard_normal((SCANS, N))  # not used, only its shape
    steps = schedule(Data(series, block_inputs(SCANS * 16, 0.125, M), 0.125, 2.0, delays=np.array([0.5, 2.0])))
    return Timing(*map(jnp.asarray, (steps.inputs, steps.durations, steps.interval, steps.sample)))


@jax.jit
def exact(vector: jax.Array) -> tuple[jax.Array, jax.Array]:
    return predict_with_jacobian(LAYOUT.to_tree(vector), FREE, timing(), ECHO_TIME)


@jax.jit
def automatic(vector: jax.Array) -> jax.Array:
    def series(moved: jax.Array) -> jax.Array:
        p = LAYOUT.to_tree(moved)
        return predict(bilinear_form(p), p.epsilon, timing(), ECHO_TIME)

    return jax.jacfwd(series)(vector)


@pytest.mark.parametrize("rate", [0.3, 2.0, 5.0, 20.0])
def test_derivatives_are_exact_where_regions_oscillate_fast(rate: float) -> None:
    vector = VECTOR.at[np.array([1, 2])].set(np.array([rate, -rate]))  # rad/s, steps are up to 2 s long
    expected = automatic(vector)
    assert np.abs(exact(vector)[1] - expected).max() < 1e-12 * np.abs(expected).max()


def test_rates_beyond_any_part_of_a_step_are_not_differentiated_silently() -> None:
    prediction, jacobian = exact(VECTOR.at[0].set(8.0))  # a self-inhibition of 1,500 Hz
    assert np.isfinite(prediction).all()
    assert np.isnan(jacobian).any()


@pytest.fixture
def optimised() -> Iterator[None]:
    """XLA's optimisations, without which code for one differs from code for many in the last bit."""
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.mark.usefixtures("optimised")
def test_derivatives_are_the_same_bits_in_any_company() -> None:
    vectors = VECTOR + 0.1 * np.random.default_rng(0).standard_normal((4, LAYOUT.size))
    alone, together = jax.jit(lambda one: exact(one)), jax.jit(lambda every: jax.vmap(exact)(every))  # compiled here
    for one, other in zip(alone(vectors[2]), together(vectors), strict=True):
        assert np.array_equal(one, other[2])
