"""Images and region series in percent of the run's mean: whether there is such a mean, and what is unlikely of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._error import ExtractionError
from ._glm import chunks_of

MOST_SPREAD, LEAST_SPREAD = 20.0, 0.01  # percent of the mean, of a voxel over scans; 0.5 … 5 is usual
MOST_RANGE, LEAST_RANGE = 20.0, 0.01  # percent, of a region's series from its least to its greatest value
DARK, MOST_DARK = 1 / 8, 0.3  # of the mean, below which a voxel is air; share of such voxels in a brain mask
LEAST_LEVEL = 20.0  # percent of the run's mean, below which a region has lost its signal


@dataclass(frozen=True)
class SignalScale:
    """The unit of one run's images.

    Fields:
        mean: over the voxels of the brain and all scans, in the unit of the images.
        spread: standard deviation over scans of an average voxel, percent of the mean.
        dark: share of voxels whose own mean is less than an eighth of that.
    """

    mean: float
    spread: float
    dark: float

    @property
    def percent(self) -> float:
        """Percent of the mean per unit of the images."""
        return 100.0 / self.mean


def signal_scale(label: str, series: Float[np.ndarray, "scan voxel"]) -> SignalScale:
    """The scale of a run's images.

    Arguments:
        series: of the voxels of the brain, as stored.

    Raises `ExtractionError` where there is no percent of the mean, as the mean was removed.
    """
    parts = [(block.mean(axis=0), block.std(axis=0)) for block in chunks_of(series, 1.0)]
    means, spreads = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    mean, typical = float(means.mean()), float(spreads.mean())
    if mean <= typical:
        raise ExtractionError(
            f"{label}: the mean over brain and scans is {mean:.3g}, no more than the spread over scans "
            f"({typical:.3g}), so there is no percent of it; {_cause(mean, typical)}; give images with their mean, "
            "such as fMRIPrep's desc-preproc_bold"
        )
    return SignalScale(mean, 100 * typical / mean, float((means < DARK * mean).mean()))


def _cause(mean: float, typical: float) -> str:
    if mean < -typical:
        return "a negative mean is no signal of a scanner"
    if abs(typical - 1) < 0.1:
        return "images whose voxels have a spread of 1 were standardised (z-scores)"
    return "these images were demeaned, as denoised images often are"


def signal_remarks(scale: SignalScale) -> Iterator[str]:
    """What is unlikely of a run's images, a line each."""
    if scale.spread > MOST_SPREAD:
        yield (
            f"voxels vary by {scale.spread:.3g} % of the run's mean over scans, where 0.5 to 5 % is usual; check that "
            "the images keep their mean"
        )
    if scale.spread < LEAST_SPREAD:
        yield (
            f"voxels vary by {scale.spread:.2g} % of the run's mean over scans, where 0.5 to 5 % is usual; check the "
            "images' scale, such as an offset that was added"
        )
    if scale.dark > MOST_DARK:
        yield (
            f"{scale.dark:.0%} of the brain mask's voxels have less than an eighth of its mean signal, so that percent "
            "of the mean are too large; check that the brain mask holds no air"
        )


def series_remarks(
    series: Mapping[str, Float[np.ndarray, "scan"]], means: Float[np.ndarray, "scan region"]
) -> Iterator[str]:
    """Regions whose series, or level, is unlikely in percent of the run's mean, a line each.

    Arguments:
        series: of each region, adjusted.
        means: of the regions in the same order, neither whitened nor adjusted.
    """
    for (name, one), level in zip(series.items(), means.mean(axis=0), strict=True):
        reach = float(np.ptp(one))
        if reach > MOST_RANGE or reach < LEAST_RANGE:
            yield (
                f"region {name}: its series ranges over {reach:.3g} % of the run's mean, where 1 to 10 % is usual; "
                + ("check the images' scale, and motion" if reach > MOST_RANGE else "check the images' scale")
            )
        if level < LEAST_LEVEL:
            yield (
                f"region {name}: its mean signal is {level:.3g} % of the brain's; check that it lies in the brain and "
                "has not lost its signal"
            )
