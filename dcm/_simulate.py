"""Data that a model would have produced: the forward model plus noise of a given strength and serial correlation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from ._bilinear import Timing
from ._data import SPM12_ECHO_TIME, Data
from ._forward import Derivatives, ForwardModel, Integrator
from ._gating import gated_regions
from ._runtime import require_64_bit
from ._schedule import Schedule, schedule, schedule_with_panels
from ._spec import Parameters, Spec
from .tables import short_repr

MEMORY = 4096  # scans after which the noise has forgotten how it began
FILLED = 16  # a run's steps, and the distinct ones among them, are filled up to a multiple of


@dataclass(frozen=True)
class SerialNoise:
    """Autoregressive noise, e_t = Σ_k φ_k e_{t−k} + w_t with white w, and a random walk beside it.

    Arguments:
        coefficients: φ_1 … φ_p; none for white noise.
        drift: standard deviation of the random walk over the run, in standard deviations of the noise; 0 for none.

    Raises `ValueError` where the coefficients are not those of a stationary process, or the drift is negative.
    """

    coefficients: tuple[float, ...] = (0.3,)
    drift: float = 0.0

    def __post_init__(self) -> None:
        finite = np.isfinite(self.coefficients).all()
        if not finite or (np.abs(np.roots([1.0, *(-phi for phi in self.coefficients)])) >= 1).any():
            raise ValueError(f"noise with coefficients {self.coefficients} is not stationary; take smaller ones")
        if not (np.isfinite(self.drift) and self.drift >= 0):
            raise ValueError(f"drift must be 0 or more standard deviations of the noise, not {self.drift}")

    def draw(self, random: np.random.Generator, scans: int, regions: int) -> Float[np.ndarray, "scan region"]:
        """Noise of standard deviation 1 in every region, independent between regions, plus the drift."""
        from scipy.signal import lfilter  # half a second to import: only for those who simulate

        feedback = [1.0, *(-phi for phi in self.coefficients)]
        impulse = np.zeros(MEMORY)
        impulse[0] = 1.0
        size = np.sqrt((lfilter([1.0], feedback, impulse) ** 2).sum())  # of e where w has standard deviation 1
        before = MEMORY if self.coefficients else 0
        innovations = random.standard_normal((before + scans, regions))
        noise = lfilter([1.0], feedback, innovations, axis=0)[before:] / size
        if not self.drift:
            return np.asarray(noise)
        walk = np.cumsum(random.standard_normal((scans, regions)), axis=0)
        return np.asarray(noise + self.drift * (walk - walk.mean(axis=0)) / walk.std(axis=0))


WHITE = SerialNoise(())


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
    parameters: Parameters | Mapping[str, float],
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

    Several runs are simulated one by one and joined by `concatenate_runs`.

    Arguments:
        parameters: planted values of every parameter (not only the free ones), or those other than 0 by their names,
            ``{"A[amygdala<-vmPFC]": 0.2}``.
        inputs: (bin, input); their length sets the number of scans, bins · bin_width / repetition_time.
        snr: signal-to-noise ratio of standard deviations; `inf` for no noise.
        seed: of the noise.
        noise: its serial correlation and drift; white where not given.
        Others as in `Data` and `Settings`.

    Raises `ValueError` where shapes disagree, snr is not positive, or the planted parameters are unstable.
    """
    if not snr > 0:
        raise ValueError(f"snr must be positive, not {snr}")
    parameters = spec.parameters(parameters) if isinstance(parameters, Mapping) else parameters
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
    timing = _filled_timing(steps)

    def predict_one(parameters: Parameters) -> Float[np.ndarray, "scan region"]:
        _check_shapes(spec, parameters)
        targets = gated_regions(np.asarray(parameters.D))
        if targets and integrator != "nonlinear":
            raise ValueError("gating (D) needs integrator='nonlinear'")
        model = ForwardModel(spec.layout, (), integrator, derivatives, steps.panels, targets)
        tree = jax.tree.map(jnp.asarray, parameters)
        return np.asarray(_predict(model, tree, timing, jnp.asarray(data.echo_time)))

    return predict_one


def _filled_timing(steps: Schedule) -> Timing:
    """The steps of a run, filled up with some that are read by no scan: few sizes, which are compiled, for many runs.

    Blocks whose lengths or strengths differ from run to run make for a number of steps of each run's own.
    """
    intervals, more = -len(steps.durations) % FILLED, -len(steps.interval) % FILLED
    return Timing(
        inputs=jnp.asarray(np.pad(steps.inputs, ((0, intervals), (0, 0)))),
        durations=jnp.asarray(np.pad(steps.durations, (0, intervals))),
        interval=jnp.asarray(np.pad(steps.interval, (0, more))),
        sample=jnp.asarray(steps.sample),
        last=None if steps.last is None else jnp.asarray(np.pad(steps.last, (0, intervals))),
    )


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
