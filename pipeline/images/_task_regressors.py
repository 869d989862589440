"""Events → conditions, modulators and DCM inputs in microtime, and SPM12's response that convolves them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import gamma

from ..bids import ConstantModulatorError, Events, Run, conditions_of, modulator_weights
from ..study import Task

BINS = 16  # microtime bins of a scan, SPM12's default
LENGTH = 32.0  # s
RESPONSE, UNDERSHOOT, RATIO = 6.0, 16.0, 6.0  # delays of both gamma densities (s), and how much higher the first is


def spm_kernel(repetition_time: float, oversampling: int = BINS) -> Float[np.ndarray, "sample"]:
    """SPM12's canonical response: h(t) ∝ Γ(t; 6, 1) − Γ(t; 16, 1) / 6 for 0 ≤ t ≤ 32 s, scaled to a sum of one.

    Arguments are those of nilearn's `hrf_model`, so that the function can be given as one (nilearn's own "spm" is
    another kernel, 4 % of the peak away).

    Arguments:
        repetition_time: s.
        oversampling: samples per repetition time.

    Source: Friston et al. 1998, NeuroImage 7, 30–40; the numbers are SPM12's defaults.
    """
    step = repetition_time / oversampling
    times = np.arange(int(LENGTH / step + 1e-9) + 1) * step
    values = gamma.pdf(times, RESPONSE) - gamma.pdf(times, UNDERSHOOT) / RATIO
    return np.asarray(values / values.sum(), dtype=np.float64)


def boxcars(
    onset: Float[np.ndarray, "event"],
    duration: Float[np.ndarray, "event"],
    weight: Float[np.ndarray, "event"],
    scans: int,
    repetition_time: float,
    before: int = 0,
) -> Float[np.ndarray, "bin"]:
    """Boxes of the events' height at `BINS` bins per scan.

    An event begins and ends at the nearest bin edge (halves go up) and lasts one bin at least. Where events overlap
    their heights add up. An event of no duration is an impulse: one bin of height weight / bin width, so that its area
    is its weight times one second. What lies outside the series is cut off.

    Arguments:
        onset, duration: s; onsets count from the start of the first scan.
        weight: height of each box.
        scans: number of scans; the series has scans × `BINS` bins.
        repetition_time: s.
        before: bins in front of the first scan that the series has besides.
    """
    width = repetition_time / BINS
    impulse = duration == 0
    first = _nearest(onset / width)
    last = np.where(impulse, first + 1, np.maximum(_nearest((onset + duration) / width), first + 1))
    length = scans * BINS + before
    steps = np.zeros(length + 1)
    height = np.where(impulse, weight / width, weight)
    np.add.at(steps, np.clip(first + before, 0, length), height)
    np.add.at(steps, np.clip(last + before, 0, length), -height)
    series = np.cumsum(steps[:length])
    # What rises by a weight and falls by it may end a rounding error above zero, which would not be "no input".
    return np.where(np.abs(series) < 1e-12 * float(np.abs(height).max(initial=0.0)), 0.0, series)


def _nearest(position: Float[np.ndarray, "event"]) -> np.ndarray:
    return np.floor(position + 0.5 + 1e-9).astype(np.int64)  # the last term: 0.3 / 0.1 is 2.999…


def lead_bins(repetition_time: float) -> int:
    """Bins before the first scan that a response may still reach into it from."""
    return int(np.ceil(LENGTH / repetition_time)) * BINS


def sampled_bin(reference: float) -> int:
    """The bin of each scan at which a convolved series is read: SPM12's for slices corrected to `reference`.

    Arguments:
        reference: fraction of the repetition time; ½ gives the eighth bin, the middle.
    """
    return min(max(round(reference * BINS), 1), BINS) - 1


def convolve_and_sample(
    series: Float[np.ndarray, "bin"], repetition_time: float, reference: float, before: int
) -> Float[np.ndarray, "scan"]:
    """A microtime series ∗ SPM12's kernel, read once a scan.

    Arguments:
        series: with `before` bins in front of the first scan.
        repetition_time: s.
        reference: see `sampled_bin`.
    """
    response = np.convolve(series, spm_kernel(repetition_time))[: series.size]
    return np.asarray(response[before + sampled_bin(reference) :: BINS], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class TaskRegressors:
    """Series before convolution.

    Fields:
        series: name → (bin,) of every condition, then of every modulator, that events of the run make differ from zero;
            `before` bins are in front.
        before: bins before the first scan.
    """

    series: Mapping[str, Float[np.ndarray, "bin"]]
    before: int


def task_regressors(run: Run, task: Task, events: Events | None) -> TaskRegressors:
    """Conditions and modulators of a run; none for rest.

    A condition pools the events of the trial types that it merges. A modulator has the boxes of its condition's events,
    as high as its column's value less the mean over these events. Where boxes overlap, their heights add up.
    """
    before = lead_bins(run.repetition_time)
    if events is None:
        return TaskRegressors({}, before)

    def boxes(chosen: Events, weight: np.ndarray) -> np.ndarray:
        return boxcars(chosen.onset, chosen.duration, weight, run.scans, run.repetition_time, before)

    series: dict[str, np.ndarray] = {}
    for name, kinds in conditions_of(task, events).items():
        chosen = events.of_trial_types(kinds)
        series[name] = boxes(chosen, np.ones(chosen.onset.size))
    for name, modulator in task.modulators.items():
        with suppress(ConstantModulatorError):  # what is made from it is not to be had of this run
            series[name] = boxes(*modulator_weights(modulator, task, events))
    return TaskRegressors({name: values for name, values in series.items() if values.any()}, before)


def condition_series(run: Run, regressors: TaskRegressors) -> Float[np.ndarray, "bin condition"]:
    """Every condition and modulator from the first scan on."""
    inside = [values[regressors.before :] for values in regressors.series.values()]
    return np.column_stack(inside) if inside else np.zeros((run.scans * BINS, 0))


def dcm_inputs(
    run: Run, inputs: Mapping[str, tuple[str, ...]], regressors: TaskRegressors
) -> Float[np.ndarray, "bin input"]:
    """Inputs of a DCM: each the sum of its conditions and modulators from the first scan on; 0 where none occurs."""
    columns = np.zeros((run.scans * BINS, len(inputs)))
    for place, members in enumerate(inputs.values()):
        for member in members:
            if member in regressors.series:
                columns[:, place] += regressors.series[member][regressors.before :]
    return columns
