"""What every measure asks of its series first: numbers that are there, and regions that vary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ._predictors import FeatureError

FLAT = 1e-10  # of its size, below which what is left of a series is rounding


def region_columns(series: object) -> tuple[str, ...]:
    """The regions' names where the series are a data frame; else empty."""
    return tuple(map(str, getattr(series, "columns", ())))


def region_names(regions: Sequence[str], count: int) -> tuple[str, ...]:
    """Names of the regions for messages; numbers from 1 where none were given."""
    if regions and len(regions) != count:
        raise FeatureError(f"{len(regions)} names for the series of {count} regions")
    return tuple(regions) or tuple(f"region {i + 1}" for i in range(count))


def check_series(series: Float[np.ndarray, "scan region"], names: Sequence[str]) -> None:
    """Raises `FeatureError` that names every region whose series is not finite or does not vary."""
    if len(series) == 0:
        raise FeatureError("the series have no scans")
    unknown = ~np.isfinite(series).all(axis=0)
    flat = ~unknown & (np.ptp(series, axis=0) <= FLAT * np.abs(series).max(axis=0, initial=0.0))
    for bad, what in ((unknown, "holds values that are not finite"), (flat, "is constant")):
        if bad.any():
            raise FeatureError(f"the series of {', '.join(np.array(names)[bad])} {what}; check the region's mask")


def check_matrix(what: str, matrix: Float[np.ndarray, "..."], shape: tuple[int | None, int | None]) -> None:
    """Raises `FeatureError` where a matrix has another shape (None for any) or values that are not finite."""
    fits = matrix.ndim == 2 and all(
        wanted is None or size == wanted for size, wanted in zip(matrix.shape, shape, strict=True)
    )
    if not fits:
        wanted = " × ".join("any" if size is None else str(size) for size in shape)
        raise FeatureError(f"{what} has the shape {' × '.join(map(str, matrix.shape))}; it should be {wanted}")
    if not np.isfinite(matrix).all():
        raise FeatureError(f"{what} holds values that are not finite")
