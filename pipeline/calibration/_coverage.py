"""Whether intervals hold the truth as often as they say, and signs are right where they are called sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr, ndtri
from scipy.stats import chi2

from ..results import Z

SURE = float(ndtri(0.99))  # posterior mean over its standard deviation beyond which P > 0.99
BINS = 10  # of ranks


@dataclass(frozen=True)
class Coverage:
    """What a set of estimates with known truths shows; Monte-Carlo standard errors take data sets as the units.

    Fields:
        datasets, estimates: how many there are.
        coverage, coverage_se: percent of 90 % intervals that hold the truth.
        sd_z, sd_z_se: standard deviation of (truth − mean) / SD.
        bias: mean of (estimate − truth) in the direction of the truth, over truths that are not 0; Hz.
        correlation: of estimates with truths that are not 0.
        wrong_sign_99, wrong_sign_99_se: percent of truths that are not 0 whose sign is called wrongly at P > 0.99.
        right_sign_99: percent called rightly.
        zeros: how many truths are 0.
        zeros_beyond_90, zeros_beyond_90_se: percent of these outside their 90 % interval.
        rank_p: of a chi² test that ranks of truths in their posteriors are uniform, which they are for truths that are
            drawn from the whole prior; not for truths cut off, or set to 0.

    A number that nothing was there to find from is NaN.
    """

    datasets: int
    estimates: int
    coverage: float
    coverage_se: float
    sd_z: float
    sd_z_se: float
    bias: float
    correlation: float
    wrong_sign_99: float
    wrong_sign_99_se: float
    right_sign_99: float
    zeros: int
    zeros_beyond_90: float
    zeros_beyond_90_se: float
    rank_p: float


def measure_coverage(
    truth: Float[np.ndarray, "estimate"],
    mean: Float[np.ndarray, "estimate"],
    sd: Float[np.ndarray, "estimate"],
    dataset: Int[np.ndarray, "estimate"],
) -> Coverage:
    """Coverage of Gaussian posteriors N(mean, sd²) with known truths; `dataset` says which belong together."""
    z = (truth - mean) / sd
    inside = np.abs(z) < Z
    there = truth != 0
    sure = (np.abs(mean) > SURE * sd)[there]
    agrees = (np.sign(mean) == np.sign(truth))[there]
    coverage, coverage_se = share(inside, dataset)
    wrong, wrong_se = share(sure & ~agrees, dataset[there])
    zeros, zeros_se = share(~inside[~there], dataset[~there])
    sd_z = float(z.std()) if z.size else np.nan
    return Coverage(
        datasets=np.unique(dataset).size,
        estimates=z.size,
        coverage=coverage,
        coverage_se=coverage_se,
        sd_z=sd_z,
        sd_z_se=share((z - z.mean()) ** 2, dataset)[1] / 100 / (2 * sd_z) if sd_z > 0 else np.nan,
        bias=float((np.sign(truth) * (mean - truth))[there].mean()) if there.any() else np.nan,
        correlation=_correlation(mean[there], truth[there]),
        wrong_sign_99=wrong,
        wrong_sign_99_se=wrong_se,
        right_sign_99=share(sure & agrees, dataset[there])[0],
        zeros=int((~there).sum()),
        zeros_beyond_90=zeros,
        zeros_beyond_90_se=zeros_se,
        rank_p=_uniform_p(ndtr(z)),
    )


def share(
    found: Float[np.ndarray, "estimate"] | np.ndarray, dataset: Int[np.ndarray, "estimate"]
) -> tuple[float, float]:
    """Mean in percent, and its standard error where data sets are independent and estimates of one are not.

    Where all estimates agree the error is that of one more that does not.
    """
    if not found.size:
        return np.nan, np.nan
    found = np.asarray(found, dtype=np.float64)
    mean = found.mean()
    _, place = np.unique(dataset, return_inverse=True)
    sums = np.bincount(place, found - mean)
    error = np.sqrt((sums**2).sum()) / found.size
    if error == 0:
        error = 1 / (found.size + 1)
    return float(100 * mean), float(100 * error)


def _uniform_p(rank: Float[np.ndarray, "estimate"]) -> float:
    if rank.size < 5 * BINS:
        return np.nan
    count = np.histogram(rank, bins=BINS, range=(0, 1))[0]
    expected = rank.size / BINS
    return float(chi2.sf(((count - expected) ** 2 / expected).sum(), BINS - 1))


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    if first.size < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return np.nan
    return float(np.corrcoef(first, second)[0, 1])
