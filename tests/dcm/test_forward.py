"""The forward model against things we did not write: SciPy's solvers, matrix exponentials and finite differences."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import block_diag, expm
from small_models import block_inputs, random_parameters, random_spec

from dcm import Data, Parameters, Spec, predict_series, prior
from dcm._bilinear import Timing, free_parameters, predict, predict_with_jacobian
from dcm._haemodynamics import bold_gradient, bold_signal, haemodynamic_flow
from dcm._kernels import resting_jacobian
from dcm._linear import bilinear_form, spm_bilinear_form
from dcm._neural import neural_flow
from dcm._schedule import sampled_bins, schedule

ECHO_TIME = jnp.asarray(0.04)


def frame(n: int, m: int, seed: int = 0, scans: int = 40) -> Data:
    """Timing and inputs of a run, with a different delay for every region."""
    series = np.random.default_rng(seed).standard_normal((scans, n))
    delays = np.linspace(0.2, 2.0, n)
    return Data(series, block_inputs(scans * 16, 0.125, m), 0.125, 2.0, delays=delays)


def timing(data: Data) -> Timing:
    steps = schedule(data)
    return Timing(*map(jnp.asarray, (steps.inputs, steps.durations, steps.interval, steps.sample)))


def full_flow(parameters: Parameters, x: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The whole nonlinear flow of states (z, s, f, v, q), state by state."""
    z, h = x[: len(x) // 5], x[len(x) // 5 :].reshape(-1, 4)
    vessels = [haemodynamic_flow(h[i], z[i], parameters.transit[i], parameters.decay) for i in range(len(z))]
    return jnp.concatenate([neural_flow(parameters, z, u), jnp.concatenate(vessels)])


@pytest.mark.parametrize(("n", "m", "seed"), [(1, 1, 0), (2, 2, 1), (4, 3, 2)])
def test_bilinear_form_is_the_expansion_of_the_full_flow(n: int, m: int, seed: int) -> None:
    spec = random_spec(n, m, seed)
    p = jax.tree.map(jnp.asarray, random_parameters(spec, seed))
    x, u = jnp.zeros(5 * n), jnp.zeros(m)

    @jax.jit
    def expansion(p: Parameters) -> tuple[jax.Array, ...]:
        by_state = jax.jacfwd(partial(full_flow, p), argnums=0)
        return by_state(x, u), jax.jacfwd(by_state, argnums=1)(x, u), jax.jacfwd(partial(full_flow, p, x))(u)

    form = jax.jit(bilinear_form)(p)
    by_state, mixed, by_input = expansion(p)
    assert np.allclose(by_state[:n, :n], form.neural, atol=1e-14)
    assert np.allclose(by_state[n:, n:], block_diag(*form.haemodynamic), atol=1e-14)
    assert np.allclose(mixed[:n, :n], form.modulation, atol=1e-14)
    assert np.allclose(by_input[:n], form.drive, atol=1e-14)


@pytest.mark.parametrize(("n", "m", "seed"), [(1, 1, 3), (3, 2, 4)])
def test_bilinear_integrator_equals_matrix_exponentials_bin_by_bin(n: int, m: int, seed: int) -> None:
    spec = random_spec(n, m, seed)
    p = random_parameters(spec, seed)
    data = frame(n, m, seed)
    form = jax.jit(bilinear_form)(jax.tree.map(jnp.asarray, p))
    size = 1 + 5 * n
    x = np.zeros(size)
    x[0] = 1
    expected = np.empty_like(data.bold)
    wanted = sampled_bins(data)
    for b, u in enumerate(data.inputs):
        for scan, region in np.argwhere(wanted == b):
            q, v = x[1 + n + 4 * region + 3], x[1 + n + 4 * region + 2]
            expected[scan, region] = bold_signal(jnp.asarray(v), jnp.asarray(q), jnp.asarray(p.epsilon), ECHO_TIME)
        generator = np.zeros((size, size))
        generator[1 : 1 + n, 0] = form.drive @ u
        generator[1 : 1 + n, 1 : 1 + n] = form.neural + form.modulation @ u
        for i in range(n):
            own = slice(1 + n + 4 * i, 1 + n + 4 * i + 4)
            generator[own, own] = form.haemodynamic[i]
            generator[1 + n + 4 * i, 1 + i] = 1
        x = expm(generator * data.bin_width) @ x
    assert np.allclose(predict_series(spec, p, data, integrator="bilinear"), expected, atol=1e-12 * np.ptp(expected))


@pytest.mark.parametrize(("n", "m", "seed"), [(1, 1, 6), (2, 2, 7), (4, 3, 8)])
def test_exact_jacobian_equals_central_differences(n: int, m: int, seed: int) -> None:
    spec = random_spec(n, m, seed)
    vector = jnp.asarray(spec.layout.to_vector(random_parameters(spec, seed)))
    index = prior(spec, "spm12").free
    steps = timing(frame(n, m, seed))
    free = free_parameters(spec.layout, tuple(index.tolist()))

    @jax.jit
    def along(values: jax.Array) -> jax.Array:
        p = spec.layout.to_tree(vector.at[index].set(values))
        return predict(bilinear_form(p), p.epsilon, steps, ECHO_TIME)

    _, jacobian = jax.jit(lambda v: predict_with_jacobian(spec.layout.to_tree(v), free, steps, ECHO_TIME))(vector)
    h = 1e-3
    for column, place in enumerate(index):
        step = jnp.zeros(len(index)).at[column].set(h)
        at = vector[index]
        coarse = (along(at + step) - along(at - step)) / (2 * h)
        fine = (along(at + step / 2) - along(at - step / 2)) / h
        expected = (4 * fine - coarse) / 3  # Richardson
        assert np.allclose(jacobian[..., column], expected, atol=1e-6), spec.parameter_names[place]


def test_bold_gradient_equals_automatic_differentiation() -> None:
    at = (jnp.asarray(0.2), jnp.asarray(-0.3), jnp.asarray(0.1))
    expected = jax.grad(lambda v, q, e: bold_signal(v, q, e, ECHO_TIME), argnums=(0, 1, 2))(*at)
    assert np.allclose(bold_gradient(*at, ECHO_TIME), expected, atol=1e-14)


def test_spm_differences_approach_the_exact_expansion() -> None:
    p = jax.tree.map(jnp.asarray, random_parameters(random_spec(3, 2, 9), 9))
    exact, differences = jax.jit(bilinear_form)(p), jax.jit(spm_bilinear_form)(p)
    for leaf, other in zip(jax.tree.leaves(exact), jax.tree.leaves(differences), strict=True):
        assert np.allclose(leaf, other, atol=2e-3)


def test_gating_needs_the_nonlinear_integrator() -> None:
    gate = np.zeros((2, 2, 2))
    gate[1, 0, 0] = 1
    spec = Spec(["x", "y"], ["u"], np.ones((2, 2)), c=[[1], [0]], d=gate)
    p = random_parameters(spec, 0)
    with pytest.raises(ValueError, match="nonlinear"):
        predict_series(spec, p, frame(2, 1), integrator="bilinear")
    assert np.isfinite(predict_series(spec, p, frame(2, 1), integrator="nonlinear")).all()


def test_rest_without_input_stays_at_rest() -> None:
    spec = random_spec(2, 1, 1)
    data = frame(2, 1)
    silent = Data(data.bold, np.zeros_like(data.inputs), data.bin_width, data.repetition_time)
    assert np.abs(predict_series(spec, random_parameters(spec, 1), silent, integrator="bilinear")).max() == 0


def test_echo_time_scales_the_signal_that_depends_on_it() -> None:
    spec = random_spec(1, 1, 1)
    p, data = random_parameters(spec, 1), frame(1, 1)
    longer = Data(data.bold, data.inputs, 0.125, 2.0, delays=data.delays, echo_time=0.05)
    assert not np.allclose(
        predict_series(spec, p, data, integrator="bilinear"), predict_series(spec, p, longer, integrator="bilinear")
    )


def test_the_jacobian_of_the_kernels_is_that_of_the_engine() -> None:
    spec = random_spec(3, 2, 1)
    parameters = jax.tree.map(jnp.asarray, random_parameters(spec, 1))
    form = jax.jit(bilinear_form)(parameters)
    n, found = spec.n, resting_jacobian(parameters).reshape(5, 3, 5, 3)
    np.testing.assert_allclose(found[0, :, 0], form.neural, rtol=1e-14)
    np.testing.assert_allclose(found[1, :, 0], np.eye(n), rtol=0)
    for region in range(n):
        np.testing.assert_allclose(found[1:, region, 1:, region], form.haemodynamic[region], rtol=1e-14)
