"""One thread of BLAS while inversions run or a group is computed.

Inversions have a thread for every core already. A group's matrices are small, and threads wait for each other longer
than they compute (60 participants × 30 parameters on two busy cores: 0.9 s by default, 0.05 s with one).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import threadpool_limits

_lock = threading.Lock()
_within: list[Any] = []  # an entry for each computation now running; the first holds what BLAS had before


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread; the last computation to end, of those in this process, gives back what it had."""
    import scipy.linalg.lapack  # noqa: F401 - jaxlib calls its BLAS: it has to be there to be limited

    with _lock:
        _within.append(None if _within else threadpool_limits(1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            if len(_within) > 1:
                _within.pop()
            else:
                _within.pop().restore_original_limits()
