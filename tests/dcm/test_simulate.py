"""Simulated runs, one or many: planted parameters, fixed seeds, and unusable draws replaced."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest
from small_models import block_inputs
from statsmodels.tsa.arima_process import arma_acf

from dcm import (
    Data,
    Parameters,
    SerialNoise,
    Simulation,
    Spec,
    displace_haemodynamics,
    draw_parameters,
    predict_series,
    prior,
    simulate,
    simulate_draws,
)
from dcm._simulate_draws import is_stable

WIDTH, TR, SCANS = 0.25, 2.0, 60


@pytest.fixture
def design() -> Data:
    inputs = block_inputs(round(SCANS * TR / WIDTH), WIDTH)
    return Data(np.random.default_rng(0).standard_normal((SCANS, 2)), inputs, WIDTH, TR)


def truth_of(spec: Spec, parameters: Parameters) -> np.ndarray:
    return np.asarray(spec.layout.to_vector(parameters))


def correlation(series: np.ndarray, lag: int) -> float:
    return float((series[lag:] * series[:-lag]).mean() / (series**2).mean())


def test_parameters_may_be_given_by_their_names(circuit: Spec) -> None:
    names = {"A[amygdala<-vmPFC]": 0.2, "C[vmPFC<-task]": 0.5}
    given = [
        simulate(circuit, each, block_inputs(8 * SCANS, WIDTH), WIDTH, TR, snr=2.0, seed=0)
        for each in (names, circuit.parameters(names))
    ]
    np.testing.assert_array_equal(given[0].data.bold, given[1].data.bold)


@pytest.mark.parametrize("coefficients", [(), (0.3,), (0.5, -0.2), (0.2, 0.3)])
def test_noise_has_the_autocorrelation_of_its_coefficients(coefficients: tuple[float, ...]) -> None:
    drawn = SerialNoise(coefficients).draw(np.random.default_rng(0), 100_000, 1)
    exact = arma_acf([1.0, *(-phi for phi in coefficients)], [1.0], 4)
    assert drawn.std() == pytest.approx(1.0, abs=0.02)
    assert [correlation(drawn, lag) for lag in (1, 2, 3)] == pytest.approx(exact[1:], abs=0.015)


def test_a_drift_is_slow_and_of_the_size_asked_for() -> None:
    quiet, slow = (SerialNoise((), drift).draw(np.random.default_rng(0), 500, 3) for drift in (0.0, 2.0))
    walk = slow - quiet
    assert walk.std(axis=0) == pytest.approx([2.0] * 3)
    assert (np.diff(walk, axis=0).std(axis=0) < 0.5).all()


@pytest.mark.parametrize("coefficients", [(1.0,), (0.5, 0.6), (np.nan,)])
def test_noise_that_grows_is_refused(coefficients: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="not stationary"):
        SerialNoise(coefficients)


def test_a_negative_drift_is_refused() -> None:
    with pytest.raises(ValueError, match="drift must be 0 or more"):
        SerialNoise((), -1.0)


def test_draws_stay_within_and_follow_the_covariance() -> None:
    covariance = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0]])
    random = np.random.default_rng(0)
    drawn = np.array([draw_parameters(np.array([1.0, 0.0, 7.0]), covariance, random) for _ in range(4000)])
    assert np.cov(drawn.T) == pytest.approx(covariance, abs=0.06)
    assert (drawn[:, 2] == 7).all()
    cut = np.array([draw_parameters(np.zeros(3), np.diag([1.0, 4.0, 0.0]), random, within=2.0) for _ in range(2000)])
    assert (np.abs(cut) <= [2.0, 4.0, 0.0]).all()
    assert np.abs(cut).max(axis=0)[:2] == pytest.approx([2.0, 4.0], rel=0.02)


def test_haemodynamics_are_moved_as_far_as_asked_and_nothing_else(circuit: Spec) -> None:
    density, layout = prior(circuit), circuit.layout
    moved = displace_haemodynamics(density.mean, layout, density, 2.0, np.random.default_rng(0))
    first = layout.field_slice("transit").start
    assert np.array_equal(moved[:first], density.mean[:first])
    assert np.abs(moved - density.mean)[first:] == pytest.approx(2 / 16)
    assert len(set(np.sign(moved[first:]))) == 2


def test_runs_are_the_signal_plus_noise_of_the_ratio(
    circuit: Spec, circuit_parameters: Parameters, design: Data
) -> None:
    truth = truth_of(circuit, circuit_parameters)
    made = simulate_draws(circuit, design, lambda _: truth, 3, snr=0.5, seed=1)
    exact = predict_series(circuit, circuit_parameters, design, "nonlinear")
    assert made.redrawn == 0
    for run in made.runs:
        assert np.array_equal(run.signal, exact)
        assert (run.data.bold - run.signal).std() / exact.std() == pytest.approx(2.0, rel=0.2)
    noise = [run.data.bold - run.signal for run in made.runs]
    assert not np.allclose(noise[0], noise[1])


def test_fewer_runs_are_the_first_of_more_to_the_last_bit(circuit: Spec, design: Data) -> None:
    density = prior(circuit)

    def runs(count: int) -> tuple[Simulation, ...]:
        draw = partial(draw_parameters, density.mean, density.covariance, within=2.0)
        return simulate_draws(circuit, design, draw, count, snr=1.0, seed=(3, 4)).runs

    for few, many in zip(runs(2), runs(4)[:2], strict=True):
        assert few.data.bold.tobytes() == many.data.bold.tobytes()


def test_unstable_and_silent_draws_are_replaced_and_counted(
    circuit: Spec, circuit_parameters: Parameters, design: Data
) -> None:
    good = truth_of(circuit, circuit_parameters)
    wild = truth_of(circuit, replace_field(circuit_parameters, A=np.array([[0.0, 3.0], [3.0, 0.0]])))
    silent = truth_of(circuit, replace_field(circuit_parameters, C=np.zeros((2, 2))))
    draws = iter([wild, good, silent, good])
    made = simulate_draws(circuit, design, lambda _: next(draws), 2, snr=1.0, seed=0)
    assert made.redrawn == 0.5


def test_a_design_in_which_nothing_can_happen_is_refused(
    circuit: Spec, circuit_parameters: Parameters, design: Data
) -> None:
    truth = truth_of(circuit, circuit_parameters)
    idle = replace(design, inputs=np.zeros_like(design.inputs))
    with pytest.raises(ValueError, match="200 draws in a row"):
        simulate_draws(circuit, idle, lambda _: truth, 1, snr=1.0, seed=0)


@pytest.mark.parametrize("snr", [0.0, -1.0, np.nan, np.inf])
def test_ratios_that_cannot_be_are_refused(circuit: Spec, design: Data, snr: float) -> None:
    with pytest.raises(ValueError, match="snr must be positive"):
        simulate_draws(circuit, design, lambda _: np.zeros(1), 1, snr=snr, seed=0)


def test_stability_is_that_of_the_connectivity_under_each_input(circuit: Spec, circuit_parameters: Parameters) -> None:
    B = np.zeros((2, 2, 2))
    B[0, 1, 1] = B[1, 0, 1] = 1.0
    strong = replace_field(circuit_parameters, A=np.zeros((2, 2)), B=B)  # -½ ± 1 Hz while input 1 is on
    assert is_stable(strong, np.array([[0.0, 0.0], [1.0, 0.0]]))
    assert not is_stable(strong, np.array([[0.0, 0.0], [0.0, 1.0]]))


def test_one_simulated_run_takes_serial_noise_too(circuit: Spec, circuit_parameters: Parameters) -> None:
    made = simulate(
        circuit,
        circuit_parameters,
        block_inputs(16000, WIDTH),
        WIDTH,
        TR,
        snr=1.0,
        integrator="bilinear",
        seed=0,
        noise=SerialNoise((0.6,)),
    )
    noise = made.data.bold - made.signal
    assert correlation(noise[:, 0], 1) == pytest.approx(0.6, abs=0.06)


def replace_field(parameters: Parameters, **fields: np.ndarray) -> Parameters:
    return Parameters(**{**vars(parameters), **fields})


def test_signal_to_noise_ratio_is_as_asked_for(circuit: Spec, circuit_parameters: Parameters) -> None:
    made = simulate(circuit, circuit_parameters, block_inputs(8000, WIDTH), WIDTH, TR, snr=2.0, seed=0)
    noise = made.data.bold - made.signal
    assert np.allclose(made.signal.std(axis=0) / noise.std(axis=0), 2.0, rtol=0.05)


def test_the_seed_decides_the_noise(circuit: Spec, circuit_parameters: Parameters) -> None:
    one, same, other = (
        simulate(circuit, circuit_parameters, block_inputs(8 * SCANS, WIDTH), WIDTH, TR, snr=2.0, seed=seed)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one.data.bold, same.data.bold)
    assert not np.array_equal(one.data.bold, other.data.bold)


def test_unstable_parameters_are_refused(circuit: Spec, circuit_parameters: Parameters) -> None:
    wild = Parameters(**{**vars(circuit_parameters), "A": np.array([[0.0, 60.0], [60.0, 0.0]])})
    with pytest.raises(ValueError, match="unstable"):
        simulate(circuit, wild, block_inputs(8 * SCANS, WIDTH), WIDTH, TR, snr=2.0, seed=0)


def test_a_ratio_that_is_not_positive_is_refused(circuit: Spec, circuit_parameters: Parameters) -> None:
    with pytest.raises(ValueError, match="snr must be positive"):
        simulate(circuit, circuit_parameters, block_inputs(8 * SCANS, WIDTH), WIDTH, TR, snr=0.0, seed=0)


def test_parameters_of_the_wrong_shape_are_refused(circuit: Spec, circuit_parameters: Parameters) -> None:
    narrow = Parameters(**{**vars(circuit_parameters), "B": np.zeros((2, 2, 1))})
    with pytest.raises(ValueError, match=r"B has shape \(2, 2, 1\), not \(2, 2, 2\)"):
        simulate(circuit, narrow, block_inputs(8 * SCANS, WIDTH), WIDTH, TR, snr=2.0, seed=0)


def test_a_region_that_nothing_drives_is_named(circuit: Spec, circuit_parameters: Parameters) -> None:
    undriven = Parameters(**{**vars(circuit_parameters), "C": np.zeros((2, 2))})
    with pytest.raises(ValueError, match="nothing drives vmPFC, amygdala"):
        simulate(circuit, undriven, block_inputs(8 * SCANS, WIDTH), WIDTH, TR, snr=2.0, seed=0)


def test_a_prediction_of_32_bit_is_refused(circuit: Spec, circuit_parameters: Parameters) -> None:
    data = simulate(circuit, circuit_parameters, block_inputs(8 * SCANS, WIDTH), WIDTH, TR, snr=2.0, seed=0).data
    with jax.enable_x64(False), pytest.raises(RuntimeError, match="64-bit"):
        predict_series(circuit, circuit_parameters, data)
