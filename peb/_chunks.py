"""Many fits of one shape, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import numpy as np

Batch = TypeVar("Batch")
Result = TypeVar("Result")


def in_chunks(call: Callable[[Batch], Result], batch: Batch, rows: int) -> Result:
    """`call` over the leading axis of every array in `batch`, `rows` at a time, joined again on the host.

    The last chunk is filled up with its first row, so that one size is compiled.
    """
    total = len(jax.tree.leaves(batch)[0])
    rows = min(rows, total)
    parts = []
    for start in range(0, total, rows):
        kept = min(rows, total - start)
        places = np.r_[start : start + kept, np.full(rows - kept, start)]
        found = jax.device_get(call(jax.tree.map(lambda array, places=places: np.asarray(array)[places], batch)))
        parts.append(jax.tree.map(lambda array, kept=kept: array[:kept], found))
    joined: Result = jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)
    return joined
