"""The full equations against SciPy's adaptive solver of them and of their variational equations."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.io
from scipy.integrate import solve_ivp
from small_models import random_parameters

from dcm import Data, Parameters, Settings, Spec, Subject, diagnose, invert, predict_series, prior
from dcm._bilinear import Timing, free_parameters
from dcm._collocation import convolution, interpolation, lobatto_nodes
from dcm._gating import gated_regions, split_gating
from dcm._haemodynamics import bold_signal, haemodynamic_flow
from dcm._neural import neural_flow
from dcm._nonlinear import predict_nonlinear, predict_nonlinear_with_jacobian
from dcm._schedule import PANEL, Schedule, sampled_bins, schedule, schedule_with_panels

ECHO_TIME = jnp.asarray(0.04)
SPEC = Spec(["x", "y"], ["task", "change"], np.ones((2, 2)), np.dstack([np.zeros((2, 2)), np.ones((2, 2))]), np.eye(2))
GATES = np.zeros((2, 2, 2))
GATES[1, 0, 0] = GATES[0, 0, 1] = 1  # of a connection, and of a self-inhibition by the other region
GATED = Spec(SPEC.regions, SPEC.inputs, SPEC.a, SPEC.b, SPEC.c, GATES)
FREE = prior(SPEC, "spm12").free

predict = jax.jit(predict_nonlinear, static_argnums=3)
differentiate = jax.jit(predict_nonlinear_with_jacobian, static_argnums=(1, 4, 5, 6))


def events(scans: int = 12) -> Data:
    """Events of every length from a bin to most of a scan, and a delay for each region."""
    u = np.zeros((scans * 16, 2))
    for onset, length in ((3, 1), (20, 12), (41, 40), (97, 9), (130, 2)):
        u[onset : onset + length, 0] = 1
        u[onset : onset + length, 1] = (-1) ** onset
    return Data(np.random.default_rng(0).standard_normal((scans, 2)), u, 0.2, 3.2, delays=[0.4, 2.9])


def strong(spec: Spec = SPEC) -> Parameters:
    """Activity that moves BOLD by several percent."""
    return replace(random_parameters(spec, 1), C=np.array([[14.0, 0.0], [10.0, 2.0]]))


def on_device(steps: Schedule) -> Timing:
    return Timing(*map(jnp.asarray, (steps.inputs, steps.durations, steps.interval, steps.sample)))


def states_and_sensitivities(spec: Spec, parameters: Parameters, data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Prediction and Jacobian by DOP853, from the equations in logarithms."""
    index = prior(spec, "spm12").free
    n, columns = 2, 1 + len(index)
    base = jnp.asarray(spec.layout.to_vector(parameters))

    def flow(x: jax.Array, free: jax.Array, u: jax.Array) -> jax.Array:
        p, z, h = spec.layout.to_tree(base.at[index].set(free)), x[:n], x[n:].reshape(n, 4)
        vessels = jax.vmap(haemodynamic_flow, in_axes=(0, 0, 0, None))(h, z, p.transit, p.decay)
        return jnp.concatenate([neural_flow(p, z, u), vessels.ravel()])

    @jax.jit
    def both(x: jax.Array, u: jax.Array) -> jax.Array:
        state, along = x.reshape(-1, columns)[:, 0], x.reshape(-1, columns)[:, 1:]
        by_state, by_free = jax.jacfwd(flow, argnums=(0, 1))(state, base[index], u)
        return jnp.column_stack([flow(state, base[index], u), by_state @ along + by_free]).ravel()

    def observe(x: jax.Array, free: jax.Array) -> jax.Array:
        h = x[n:].reshape(n, 4)
        return bold_signal(h[:, 2], h[:, 3], spec.layout.to_tree(base.at[index].set(free)).epsilon, ECHO_TIME)

    observed, by_both = jax.jit(observe), jax.jit(jax.jacfwd(observe, argnums=(0, 1)))
    wanted = sampled_bins(data)
    changes = 1 + np.flatnonzero((np.diff(data.inputs, axis=0) != 0).any(axis=1))
    stops = np.unique(np.concatenate([[0], changes, wanted.ravel()]))
    x, prediction, jacobian = np.zeros(5 * n * columns), np.zeros(wanted.shape), np.zeros((*wanted.shape, len(index)))
    for start, stop in zip(stops, np.append(stops[1:], stops[-1] + 1), strict=True):
        state, along = jnp.asarray(x.reshape(-1, columns)[:, 0]), x.reshape(-1, columns)[:, 1:]
        signal = observed(state, base[index])
        by_state, by_free = map(np.asarray, by_both(state, base[index]))
        for scan, region in np.argwhere(wanted == start):
            prediction[scan, region] = signal[region]
            jacobian[scan, region] = by_state[region] @ along + by_free[region]
        span, u = (0, (stop - start) * data.bin_width), jnp.asarray(data.inputs[start])
        x = solve_ivp(lambda _, x, u=u: both(x, u), span, x, "DOP853", rtol=1e-9, atol=1e-11).y[:, -1]
    return prediction, jacobian


@cache
def the_run() -> tuple[Timing, int]:
    steps = schedule_with_panels(events())
    return on_device(steps), steps.panels


@pytest.mark.parametrize(
    ("spec", "parameters"),
    [(SPEC, random_parameters(SPEC, 3, 1.0)), (SPEC, strong()), (GATED, replace(strong(GATED), D=0.4 * GATES))],
    ids=["prior", "strong", "gated"],
)
def test_prediction_and_jacobian_equal_an_adaptive_solver(spec: Spec, parameters: Parameters) -> None:
    expected, slopes = states_and_sensitivities(spec, parameters, events())
    steps, panels = the_run()
    free, gates = split_gating(spec.layout, tuple(prior(spec, "spm12").free.tolist()))
    targets = gated_regions(spec.d)
    p = jax.tree.map(jnp.asarray, parameters)
    prediction, jacobian = differentiate(p, free, steps, ECHO_TIME, panels, targets, gates)
    assert np.abs(prediction - expected).max() < 1e-6 * np.ptp(expected)
    assert np.abs(jacobian - slopes).max() < 1e-6 * np.abs(slopes).max()
    assert np.abs(predict_series(spec, parameters, events(), "nonlinear") - prediction).max() < 1e-12


def test_gated_activity_that_runs_away_is_not_finite() -> None:
    runaway = replace(strong(GATED), D=20.0 * GATES)
    assert not np.isfinite(predict_series(GATED, runaway, events(), "nonlinear")).all()


def test_jacobian_equals_central_differences_of_the_prediction() -> None:
    steps, panels = the_run()
    vector = jnp.asarray(SPEC.layout.to_vector(strong()))
    free = free_parameters(SPEC.layout, tuple(FREE.tolist()))
    _, jacobian = differentiate(SPEC.layout.to_tree(vector), free, steps, ECHO_TIME, panels)

    def along(moved: jax.Array) -> jax.Array:
        return predict(SPEC.layout.to_tree(vector + moved), steps, ECHO_TIME, panels)

    for column, place in enumerate(FREE):
        step = jnp.zeros_like(vector).at[place].set(2e-3)
        coarse, fine = (along(k * step) - along(-k * step) for k in (2, 1))
        expected = (8 * fine - coarse) / (12 * 2e-3)  # Richardson
        error = np.abs(jacobian[..., column] - expected).max()
        assert error < 3e-7 * np.abs(jacobian).max(), SPEC.parameter_names[place]


def test_padding_changes_no_bit() -> None:
    steps, panels = the_run()
    padded = Timing(
        jnp.pad(steps.inputs, ((0, 3), (0, 0))),
        jnp.pad(steps.durations, (0, 3)),
        jnp.pad(steps.interval, (0, 40)),
        jnp.pad(steps.sample, ((0, 5), (0, 0))),
    )
    p = jax.tree.map(jnp.asarray, strong())
    alone = predict(p, steps, ECHO_TIME, panels)
    assert np.array_equal(predict(p, padded, ECHO_TIME, panels)[: len(alone)], alone)


def test_flow_that_ceases_is_not_finite_and_harms_no_earlier_sample() -> None:
    steps, panels = the_run()
    p = jax.tree.map(jnp.asarray, strong())
    inhibited = replace(p, C=-2 * p.C)
    series = np.asarray(predict(inhibited, steps, ECHO_TIME, panels))
    assert np.isnan(series[-1]).all()
    assert np.isfinite(series[0]).all()


@pytest.mark.parametrize("repetition_time", [0.7, 2.0, 3.6])
def test_steps_with_panels_reach_the_same_samples(repetition_time: float) -> None:
    data = Data(
        np.random.default_rng(0).standard_normal((12, 2)), events().inputs, repetition_time / 16, repetition_time
    )
    plain, cut = schedule(data), schedule_with_panels(data)
    times = [np.append(0, np.cumsum(plan.durations[plan.interval]))[plan.sample] for plan in (plain, cut)]
    assert np.allclose(*times, atol=1e-12)
    assert cut.durations.max() <= PANEL * cut.panels * (1 + 1e-9)


def test_convolution_is_exact_for_polynomials() -> None:
    nodes = lobatto_nodes(6)
    response, source = nodes**3, 1 - nodes**4
    expected = nodes**4 / 4 - 6 * 24 * nodes**8 / 40320  # t^3 ∗ 1 and t^3 ∗ t^4
    got = np.einsum("jrq,r,q->j", convolution(nodes), response, source)
    assert np.allclose(got, expected, atol=1e-14)
    assert np.allclose(interpolation(nodes, nodes), np.eye(6), atol=1e-14)


def test_a_gate_planted_in_the_published_equations_is_recovered(shared_data: Path) -> None:
    """SPM12's file of simulated data holds their truth; the series were scaled, which D takes up."""
    stored = scipy.io.loadmat(shared_data / "spm12_nonlinear" / "nonlinear_sim1.mat", simplify_cells=True)["DCM"]
    names = [f"R{i}" for i in range(3)]
    spec = Spec(names, ["u1", "u2"], stored["a"], stored["b"], stored["c"], stored["d"])
    Y, U = stored["Y"], stored["U"]
    inputs = U["u"].toarray() if hasattr(U["u"], "toarray") else U["u"]
    data = Data(Y["y"], inputs, U["dt"], Y["dt"], Y["X0"].reshape(len(Y["y"]), -1), stored["delays"])
    truth = Parameters(**{name: np.asarray(value, dtype=float) for name, value in stored["truth"].items()})
    series = predict_series(spec, truth, data, "nonlinear")
    signal = series - series.mean(axis=0)
    scale = np.sum(signal * data.bold) / np.sum(signal**2)
    posterior = invert(Subject("simulated", spec, data), Settings(starts=1))
    place = posterior.names.index("D[R1<-R0, R2]")
    deviation = np.sqrt(posterior.covariance[place, place])
    assert posterior.parameters.D[1, 0, 2] == pytest.approx(truth.D[1, 0, 2] / scale, abs=3 * deviation)
    assert diagnose(posterior).explained_variance_total > 90
