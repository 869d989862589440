"""Simulated data have the noise they claim."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from small_models import block_inputs

from dcm import Parameters, Spec, predict_series, simulate


def test_signal_to_noise_ratio_is_as_asked_for(circuit: Spec, circuit_parameters: Parameters) -> None:
    made = simulate(circuit, circuit_parameters, block_inputs(8000, 0.25), 0.25, 2.0, snr=2.0, seed=0)
    noise = made.data.bold - made.signal
    assert np.allclose(made.signal.std(axis=0) / noise.std(axis=0), 2.0, rtol=0.05)


def test_the_seed_decides_the_noise(circuit: Spec, circuit_parameters: Parameters) -> None:
    one, same, other = (
        simulate(circuit, circuit_parameters, block_inputs(800, 0.25), 0.25, 2.0, snr=2.0, seed=seed)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one.data.bold, same.data.bold)
    assert not np.array_equal(one.data.bold, other.data.bold)


def test_unstable_parameters_are_refused(circuit: Spec, circuit_parameters: Parameters) -> None:
    wild = Parameters(**{**vars(circuit_parameters), "A": np.array([[0.0, 60.0], [60.0, 0.0]])})
    with pytest.raises(ValueError, match="unstable"):
        simulate(circuit, wild, block_inputs(800, 0.25), 0.25, 2.0, snr=2.0, seed=0)


def test_a_ratio_that_is_not_positive_is_refused(circuit: Spec, circuit_parameters: Parameters) -> None:
    with pytest.raises(ValueError, match="snr must be positive"):
        simulate(circuit, circuit_parameters, block_inputs(800, 0.25), 0.25, 2.0, snr=0.0, seed=0)


def test_parameters_of_the_wrong_shape_are_refused(circuit: Spec, circuit_parameters: Parameters) -> None:
    narrow = Parameters(**{**vars(circuit_parameters), "B": np.zeros((2, 2, 1))})
    with pytest.raises(ValueError, match=r"B has shape \(2, 2, 1\), not \(2, 2, 2\)"):
        simulate(circuit, narrow, block_inputs(800, 0.25), 0.25, 2.0, snr=2.0, seed=0)


def test_a_region_that_nothing_drives_is_named(circuit: Spec, circuit_parameters: Parameters) -> None:
    undriven = Parameters(**{**vars(circuit_parameters), "C": np.zeros((2, 2))})
    with pytest.raises(ValueError, match="nothing drives vmPFC, amygdala"):
        simulate(circuit, undriven, block_inputs(800, 0.25), 0.25, 2.0, snr=2.0, seed=0)


def test_a_prediction_of_32_bit_is_refused(circuit: Spec, circuit_parameters: Parameters) -> None:
    data = simulate(circuit, circuit_parameters, block_inputs(800, 0.25), 0.25, 2.0, snr=2.0, seed=0).data
    with jax.enable_x64(False), pytest.raises(RuntimeError, match="64-bit"):
        predict_series(circuit, circuit_parameters, data)
