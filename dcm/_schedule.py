"""When the inputs change and when each region is sampled: the few distinct steps that the integrators take."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from ._data import Data

PANEL = 0.72  # s, the longest panel, over which the nonlinear integrator is right to 1e-7 of the prediction's range
MOST_PANELS = 6  # of a step
STEP_COST = 4  # of a step's own arithmetic, in panels


@dataclass(frozen=True, eq=False)
class Schedule:
    """A run cut into steps over which every input is constant and no region is sampled.

    Fields:
        inputs: (interval, input) input values of each distinct (input, duration) pair.
        durations: (interval,) their durations, s.
        interval: (step,) which pair each step is.
        sample: (scan, region) the step *before* which each sample is read.
        last: (interval,) whether a run ends with it, after which the states are at rest; None where there is one run.
        panels: equal parts of a step over which the nonlinear integrator approximates; the bilinear one needs none.

    A block design has a dozen distinct pairs for hundreds of steps, so their propagators are worth computing once.
    """

    inputs: Float[np.ndarray, "interval input"]
    durations: Float[np.ndarray, "interval"]
    interval: Int[np.ndarray, "step"]
    sample: Int[np.ndarray, "scan region"]
    last: Bool[np.ndarray, "interval"] | None = None
    panels: int = 1


def sampled_bins(data: Data) -> Int[np.ndarray, "scan region"]:
    """The microtime bin, from 0, of each sample: s · bins / scans + max(round(delay / δ), 1) − 1."""
    starts = _scan_starts(data)
    ends = np.append(starts[data.run_starts[1:]], data.inputs.shape[0])  # of runs
    last = np.repeat(ends - 1, [run.stop - run.start for run in data.runs])
    offset = np.maximum(np.floor(data.delays / data.bin_width + 0.5).astype(int), 1)
    return np.minimum(starts[:, None] + offset[None, :] - 1, last[:, None])


def _scan_starts(data: Data) -> Int[np.ndarray, "scan"]:
    """The bin at which each scan begins, rounded up where scans do not divide the bins."""
    return np.asarray(-(-np.arange(data.scans) * data.inputs.shape[0] // data.scans))


def schedule(data: Data, longest: float = math.inf) -> Schedule:
    """The steps of one run: from one change of input or sample to the next, in equal parts of at most `longest` s.

    Of several runs, a step ends with each run. Its scans are sampled before, so that it only closes the row.
    """
    sample_bin = sampled_bins(data)
    borders = _scan_starts(data)[data.run_starts[1:]]  # bins at which the second run begins, the third, …
    changes = 1 + np.flatnonzero((np.diff(data.inputs, axis=0) != 0).any(axis=1))
    last = sample_bin.max()
    events = np.unique(np.concatenate([[0], changes[changes <= last], sample_bin.ravel(), borders]))
    lengths = np.diff(np.append(events, last + 1))  # in bins; the last step only closes the row
    parts = np.maximum(np.ceil(lengths * data.bin_width / longest - 1e-9), 1).astype(int)
    ends_run = np.isin(events + lengths, borders)
    pairs = np.column_stack([data.inputs[events], lengths, ends_run])
    distinct, first, interval = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    before = np.cumsum(parts) - parts
    # Where a step that ends a run has several parts, states are at rest after each: nothing in it is sampled.
    return Schedule(
        inputs=distinct[:, :-2],
        durations=distinct[:, -2] * data.bin_width / parts[first],
        interval=np.repeat(interval.reshape(-1), parts),
        sample=before[np.searchsorted(events, sample_bin)],
        last=distinct[:, -1] > 0 if borders.size else None,
    )


def schedule_with_panels(data: Data) -> Schedule:
    """The steps of one run for the nonlinear integrator: cut into as many panels each as cost least.

    More panels make for longer steps where samples and inputs leave time for them, and for waste where they do not.
    """
    whole = schedule(data)
    lengths = whole.durations[whole.interval]
    panels = np.arange(1, MOST_PANELS + 1)
    steps = np.ceil(lengths[:, None] / (PANEL * panels) - 1e-9).sum(axis=0)
    best = int(panels[np.argmin(steps * (STEP_COST + panels))])
    return replace(schedule(data, PANEL * best), panels=best)
