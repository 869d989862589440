"""Events → series in microtime, sixteen bins a scan: what drives a DCM, and what the design convolves."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ._kernel import BINS, LENGTH, spm_kernel


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


def lead(repetition_time: float) -> int:
    """Bins before the first scan that a response may still reach into it from."""
    return int(np.ceil(LENGTH / repetition_time)) * BINS


def sampled_bin(reference: float) -> int:
    """The bin of each scan at which a convolved series is read: SPM12's for slices corrected to `reference`.

    Arguments:
        reference: fraction of the repetition time; ½ gives the eighth bin, the middle.
    """
    return min(max(round(reference * BINS), 1), BINS) - 1


def convolved(
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
