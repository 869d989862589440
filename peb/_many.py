"""Many fits of one shape in one compiled program."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax

from ._hierarchy import Group

Batch = TypeVar("Batch")
Result = TypeVar("Result")

BYTES_AT_ONCE = 1 << 28


def for_each(call: Callable[[Batch], Result], batch: Batch, row_bytes: int) -> Result:
    """`call` for every entry along the leading axis of the arrays in `batch`; to be traced.

    On a GPU many entries at a time, as many as keep `row_bytes` of intermediates each within bounds. On a CPU one after
    the other: a climb is as fast alone as in a batch, is not held up by the slowest, and jaxlib's batched LAPACK calls,
    of which a climb has several side by side, wait for their own thread pool and can wait for ever (seen with jaxlib
    0.10.2 on 2 cores).
    """
    rows = None if jax.default_backend() == "cpu" else max(1, BYTES_AT_ONCE // max(1, row_bytes))
    found: Result = jax.lax.map(call, batch, batch_size=rows)
    return found


def fit_bytes(group: Group) -> int:
    """Of the largest intermediate of one evaluation."""
    return 8 * max(group.weight.size * group.root.size * 3, group.beta_mean.size**2)
