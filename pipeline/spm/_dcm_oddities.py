"""What is odd of a DCM's series, inputs and confounds, and no error: a unit, the same twice, confounds by the dozen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

LARGE, SMALL = 20.0, 0.02  # of what the priors of effects, in Hz for an input of 1, can follow
STICK = 2  # bins up to which an event is a stick, whose height SPM sets to 1 / dt
SAME = 1e-6
LOUD = 20.0  # standard deviation of a series, which in percent signal change is about 1
UNEQUAL = 30.0  # times that of another region


def odd_inputs(inputs: Float[np.ndarray, "bin input"], names: Sequence[str], bin_width: float) -> Iterator[str]:
    """A line for each input in a unit that the priors of its effects do not expect, such as percent or ms."""
    for name, column in zip(names, inputs.T, strict=True):
        there = column != 0
        if not there.any() or not np.isfinite(column).all():
            continue
        peak = float(np.abs(column).max())
        edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
        sticks = int((edges[1::2] - edges[::2]).max()) <= STICK
        if peak * bin_width > LARGE if sticks else peak > max(LARGE, 1.5 / bin_width):
            odd = "reaches"
        elif peak < SMALL:
            odd = "never exceeds"
        else:
            continue
        usual = "1 / U.dt" if sticks else "1"
        yield (
            f"input {name} {odd} {peak:.3g}, where the priors expect about {usual}: its effects depend on this unit; "
            "scale its column of U.u"
        )


def same_series(series: Float[np.ndarray, "scan region"], regions: Sequence[str]) -> Iterator[str]:
    """A line for each region whose series is that of another, but for its unit."""
    for one, other in _alike(series):  # none is constant: that is refused
        yield f"regions {regions[one]} and {regions[other]} have the same series; check which VOI each is of"


def same_inputs(inputs: Float[np.ndarray, "bin input"], names: Sequence[str]) -> Iterator[str]:
    """A line for each input that is another, but for its unit or its zero."""
    varying = np.flatnonzero(np.ptp(inputs, axis=0) > 0)
    for one, other in _alike(inputs[:, varying]):
        yield (
            f"inputs {names[varying[one]]} and {names[varying[other]]} are the same; their effects cannot be told "
            "apart, and share what is there as their priors have it"
        )


def odd_series(series: Float[np.ndarray, "scan region"], regions: Sequence[str]) -> Iterator[str]:
    """A line where series are in another unit than percent signal change: all of them, or some."""
    spread = series.std(axis=0)
    loud, faint = int(spread.argmax()), int(spread.argmin())
    if spread[loud] > UNEQUAL * spread[faint]:
        yield (
            f"the series of {regions[loud]} varies {spread[loud] / spread[faint]:.0f} times as much as that of "
            f"{regions[faint]}; give all regions in percent signal change"
        )
    elif spread[faint] > LOUD:
        yield (
            f"series vary by {spread[loud]:.3g} (SD), where percent signal change does by about 1; divide each by its "
            "mean and multiply it by 100"
        )


def many_confounds(confounds: Float[np.ndarray, "scan confound"] | None) -> Iterator[str]:
    """A line where confounds take most of what was measured."""
    if confounds is None:
        return
    scans, rank = len(confounds), int(np.linalg.matrix_rank(confounds))
    if rank > scans / 2:
        yield f"confounds take {rank} of {scans} scans, so that estimates rest on {scans - rank}; give fewer confounds"


def _alike(columns: Float[np.ndarray, "row column"]) -> Iterator[tuple[int, int]]:
    """Pairs of columns that are one but for their unit and their mean."""
    centred = columns - columns.mean(axis=0)
    scaled = centred / np.linalg.norm(centred, axis=0)
    for one, other in np.argwhere(np.triu(scaled.T @ scaled, 1) > 1 - SAME):
        yield int(one), int(other)
