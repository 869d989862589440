"""Data that a model would have produced: the forward model plus noise of a given strength."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from ._bilinear import Timing
from ._cohort import require_64_bit
from ._data import SPM12_ECHO_TIME, Data
from ._forward import Derivatives, ForwardModel, Integrator
from ._gating import gated_regions
from ._schedule import schedule, schedule_with_panels
from ._serial_noise import WHITE, SerialNoise
from ._spec import Parameters, Spec
from .tables import short_repr

SILENT = 1e-9  # percent: what rounding leaves of a series that nothing drives


@dataclass(frozen=True, eq=False)
class Simulation:
    """Simulated data and what they were made of.

    Fields:
        data: the run, noise included.
        signal: (scan, region) the noise-free BOLD signal, percent.
        parameters: the planted parameters.
    """

    data: Data
    signal: Float[np.ndarray, "scan region"]
    parameters: Parameters

    __repr__ = short_repr


def simulate(
    spec: Spec,
    parameters: Parameters,
    inputs: ArrayLike,
    bin_width: float,
    repetition_time: float,
    *,
    snr: float,
    seed: int,
    delays: ArrayLike | None = None,
    confounds: ArrayLike | None = None,
    echo_time: float = SPM12_ECHO_TIME,
    integrator: Integrator = "nonlinear",
    noise: SerialNoise = WHITE,
) -> Simulation:
    """Simulate one run: y = g(θ) + e, e of standard deviation sd(signal) / snr in each region.

    Arguments:
        parameters: planted values of every parameter (not only the free ones).
        inputs: (bin, input); their length sets the number of scans, bins · bin_width / repetition_time.
        snr: signal-to-noise ratio of standard deviations; `inf` for no noise.
        seed: of the noise.
        noise: its serial correlation and drift; white where not given.
        Others as in `Data` and `Settings`.

    Raises `ValueError` where shapes disagree, snr is not positive, or the planted parameters are unstable.
    """
    if not snr > 0:
        raise ValueError(f"snr must be positive, not {snr}")
    inputs = np.asarray(inputs, dtype=np.float64)
    scans = round(inputs.shape[0] * bin_width / repetition_time)
    empty = np.random.default_rng(0).standard_normal((scans, spec.n))  # `Data` refuses constant series
    frame = Data(empty, inputs, bin_width, repetition_time, confounds, delays, echo_time)
    signal = predict_series(spec, parameters, frame, integrator)
    if not np.isfinite(signal).all():
        raise ValueError("the planted parameters make the model unstable; lower the connections or self-inhibit more")
    silent = [name for name, series in zip(spec.regions, signal.T, strict=True) if np.ptp(series) < SILENT]
    if silent:
        raise ValueError(
            f"nothing drives {', '.join(silent)}: give it an input (C) or a connection (A) that reaches it"
        )
    error = noise.draw(np.random.default_rng(seed), *signal.shape) * signal.std(axis=0) / snr
    data = Data(signal + error, inputs, bin_width, repetition_time, confounds, delays, echo_time)
    return Simulation(data, signal, parameters)


def predict_series(
    spec: Spec,
    parameters: Parameters,
    data: Data,
    integrator: Integrator = "nonlinear",
    derivatives: Derivatives = "exact",
) -> Float[np.ndarray, "scan region"]:
    """g(θ) at given parameters for the inputs, timing and echo time of `data`, percent."""
    return make_predictor(spec, data, integrator, derivatives)(parameters)


def make_predictor(
    spec: Spec, data: Data, integrator: Integrator = "nonlinear", derivatives: Derivatives = "exact"
) -> Callable[[Parameters], Float[np.ndarray, "scan region"]]:
    """`predict_series` of many parameters for one run, whose steps are found once."""
    require_64_bit()
    steps = schedule_with_panels(data) if integrator == "nonlinear" else schedule(data)
    timing = Timing(*map(jnp.asarray, (steps.inputs, steps.durations, steps.interval, steps.sample)))

    def predict_one(parameters: Parameters) -> Float[np.ndarray, "scan region"]:
        _check_shapes(spec, parameters)
        targets = gated_regions(np.asarray(parameters.D))
        if targets and integrator != "nonlinear":
            raise ValueError("gating (D) needs integrator='nonlinear'")
        model = ForwardModel(spec.layout, (), integrator, derivatives, steps.panels, targets)
        tree = jax.tree.map(jnp.asarray, parameters)
        return np.asarray(_predict(model, tree, timing, jnp.asarray(data.echo_time)))

    return predict_one


def _check_shapes(spec: Spec, parameters: Parameters) -> None:
    n, m = spec.n, spec.m
    shapes = {"A": (n, n), "B": (n, n, m), "C": (n, m), "D": (n, n, n), "transit": (n,), "decay": (), "epsilon": ()}
    wrong = [
        f"{name} has shape {np.shape(getattr(parameters, name))}, not {shape}"
        for name, shape in shapes.items()
        if np.shape(getattr(parameters, name)) != shape
    ]
    if wrong:
        raise ValueError(f"parameters do not fit {n} regions and {m} inputs: {'; '.join(wrong)}")


@partial(jax.jit, static_argnums=0)
def _predict(
    model: ForwardModel, parameters: Parameters, timing: Timing, echo_time: Float[Array, ""]
) -> Float[Array, "scan region"]:
    return model.predict(parameters, timing, echo_time)
