"""When the inputs change and when each region is sampled: the few distinct steps that the exact integrator takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ._data import Data


@dataclass(frozen=True, eq=False)
class Schedule:
    """A run cut into steps over which every input is constant and no region is sampled.

    Fields:
        inputs: (interval, input) input values of each distinct (input, duration) pair.
        durations: (interval,) their durations, s.
        interval: (step,) which pair each step is.
        sample: (scan, region) the step *before* which each sample is read.

    A block design has a dozen distinct pairs for hundreds of steps, so their propagators are worth computing once.
    """

    inputs: Float[np.ndarray, "interval input"]
    durations: Float[np.ndarray, "interval"]
    interval: Int[np.ndarray, "step"]
    sample: Int[np.ndarray, "scan region"]


def sampled_bins(data: Data) -> Int[np.ndarray, "scan region"]:
    """The microtime bin, from 0, of each sample: s · bins / scans + max(round(delay / δ), 1) − 1."""
    bins = data.inputs.shape[0]
    scan_start = -(-np.arange(data.scans) * bins // data.scans)  # rounded up where scans do not divide the bins
    offset = np.maximum(np.floor(data.delays / data.bin_width + 0.5).astype(int), 1)
    return np.minimum(scan_start[:, None] + offset[None, :] - 1, bins - 1)


def schedule(data: Data) -> Schedule:
    """The steps of one run (spec: "Integrating it the way SPM does")."""
    sample_bin = sampled_bins(data)
    changes = 1 + np.flatnonzero((np.diff(data.inputs, axis=0) != 0).any(axis=1))
    last = sample_bin.max()
    events = np.unique(np.concatenate([[0], changes[changes <= last], sample_bin.ravel()]))
    lengths = np.diff(np.append(events, last + 1))  # in bins; the last step only closes the row
    pairs = np.column_stack([data.inputs[events], lengths])
    distinct, interval = np.unique(pairs, axis=0, return_inverse=True)
    return Schedule(
        inputs=distinct[:, :-1],
        durations=distinct[:, -1] * data.bin_width,
        interval=interval.reshape(-1),
        sample=np.searchsorted(events, sample_bin),
    )
