"""The interval of a correlation: by bootstrap, or by Fisher's transformation where resamples lose what varies."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from scipy import stats

Kind = Literal["pearson", "spearman"]
Interval = Literal["BCa", "percentile", "Fisher"]


@dataclass(frozen=True)
class Resampling:
    """How intervals are made: so many samples of the people, drawn by `seed`, to hold the share `level`."""

    samples: int = 2000
    level: float = 0.95
    seed: int = 0


DRAWN = Resampling()


def correlation_interval(
    x: Float[np.ndarray, "person"], y: Float[np.ndarray, "person"], kind: Kind, how: Resampling = DRAWN
) -> tuple[float, float, Interval, int]:
    """Both ends of the interval, how it was made, and how many bootstrap samples had no correlation.

    People are resampled with both of their values, and the interval is the bias-corrected and accelerated one (SciPy);
    percentiles where that is undefined, as for a perfect correlation. Where a column was constant in some samples, a
    few people carry all that varies, and a bootstrap without them is far too sure: then it is Fisher's,
    ``tanh(artanh r ± z·√(c / (n − 3)))`` with c = 1, and 1 + r²/2 for ranks.

    Arguments:
        x, y: none missing, neither constant.

    Source: Efron 1987, J. Am. Stat. Assoc. 82 (BCa); Bonett & Wright 2000, Psychometrika 65, eq. 4 (ranks).
    """
    drawn, low, high = _bootstrap(x, y, kind, how)
    degenerate = int((~np.isfinite(drawn)).sum())
    r = float(correlation_of(x, y, kind))
    if degenerate and abs(r) < 1:
        return *_fisher(r, x.size, kind, how.level), "Fisher", degenerate
    if not degenerate and math.isfinite(low) and math.isfinite(high):
        return low, high, "BCa", 0
    tails = [(1 - how.level) / 2, (1 + how.level) / 2]
    low, high = (float(end) for end in np.quantile(drawn[np.isfinite(drawn)], tails))
    return low, high, "percentile", degenerate


def correlation_of(x: np.ndarray, y: np.ndarray, kind: Kind) -> np.ndarray:
    """The correlation along the last axis; NaN where one of the two is constant."""
    constant = (np.ptp(x, axis=-1) == 0) | (np.ptp(y, axis=-1) == 0)
    if kind == "spearman":
        x, y = stats.rankdata(x, axis=-1), stats.rankdata(y, axis=-1)
    x = x - x.mean(axis=-1, keepdims=True)
    y = y - y.mean(axis=-1, keepdims=True)
    squares = (x**2).sum(axis=-1) * (y**2).sum(axis=-1)
    r = (x * y).sum(axis=-1) / np.sqrt(np.where(constant, 1.0, squares))
    return np.where(constant, np.nan, np.clip(r, -1.0, 1.0))


def _bootstrap(x: np.ndarray, y: np.ndarray, kind: Kind, how: Resampling) -> tuple[np.ndarray, float, float]:
    """The correlation of every sample, and both ends of the BCa interval, NaN where that is undefined."""

    def statistic(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return correlation_of(a, b, kind)  # SciPy keeps people on the last axis

    with warnings.catch_warnings():
        # SciPy warns where BCa is undefined; the caller sees that by NaN, and says so by the interval's kind.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="scipy")
        found: Any = stats.bootstrap(
            (x, y),
            statistic,
            n_resamples=how.samples,
            paired=True,
            vectorized=True,
            method="BCa",
            confidence_level=how.level,
            rng=np.random.default_rng(how.seed),
        )
    low, high = found.confidence_interval
    return np.asarray(found.bootstrap_distribution), float(low), float(high)


def _fisher(r: float, people: int, kind: Kind, level: float) -> tuple[float, float]:
    spread = 1 + r**2 / 2 if kind == "spearman" else 1.0
    half = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt(spread / (people - 3))
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)
