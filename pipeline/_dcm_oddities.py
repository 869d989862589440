"""What is odd of a DCM's series and inputs, and no error: the unit of an input, one series twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

LARGE, SMALL = 20.0, 0.02  # of what the priors of effects, in Hz for an input of 1, can follow
STICK = 2  # bins up to which an event is a stick, whose height SPM sets to 1 / dt
SAME = 1e-6


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
    centred = series - series.mean(axis=0)  # none is constant: that is refused
    scaled = centred / np.linalg.norm(centred, axis=0)
    alike = np.triu(scaled.T @ scaled, 1) > 1 - SAME
    for one, other in np.argwhere(alike):
        yield f"regions {regions[one]} and {regions[other]} have the same series; check which VOI each is of"
