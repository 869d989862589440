"""Numbers that stand for a missing value in many tables: -999, 9999 and their like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CODES = (
    frozenset({*(-float("9" * n) for n in range(1, 7)), *(float("9" * n) for n in range(2, 7))})
    | {-1.0 * float(digit * n) for digit in "78" for n in (2, 3, 4)}
    | {float(digit * n) for digit in "78" for n in (3, 4)}
)
FEWEST = 3  # other values, before one can be unlike them


def missing_codes(values: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    """Which values of a column are such a number and unlike all others, smallest first; NaN is left aside.

    A negative one where no other is negative; one that lies further beyond the others than half of what they span.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x)]
    coded = np.isin(x, list(CODES))
    others = x[~coded]
    if not coded.any() or others.size < FEWEST:
        return ()
    low, high = float(others.min()), float(others.max())
    reach = 0.5 * (high - low)
    found = (
        code for code in np.unique(x[coded]).tolist() if not low - reach <= code <= high + reach or code < 0 <= low
    )
    return tuple(found)
