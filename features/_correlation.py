"""Correlations of one variable with several, by Pearson and by Spearman, with bootstrap intervals; and null checks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from scipy import stats

from ._predictors import FeatureError

CorrelationKind = Literal["pearson", "spearman"]
IntervalMethod = Literal["BCa", "percentile", "Fisher"]


@dataclass(frozen=True)
class BootstrapSettings:
    """How intervals are made: so many samples of the participants, drawn by `seed`, to hold the share `level`."""

    samples: int = 2000
    level: float = 0.95
    seed: int = 0


DEFAULT_BOOTSTRAP = BootstrapSettings()


def correlation_interval(
    x: Float[np.ndarray, "participant"],
    y: Float[np.ndarray, "participant"],
    kind: CorrelationKind,
    bootstrap: BootstrapSettings = DEFAULT_BOOTSTRAP,
) -> tuple[float, float, IntervalMethod, int]:
    """Both ends of the interval, how it was made, and how many bootstrap samples had no correlation.

    Participants are resampled with both of their values, and the interval is the bias-corrected and accelerated one
    (SciPy); percentiles where that is undefined, as for a perfect correlation. Where a column was constant in some
    samples, a few participants carry all that varies, and a bootstrap without them is far too sure: then it is
    Fisher's, ``tanh(artanh r ± z·√(c / (n − 3)))`` with c = 1, and 1 + r²/2 for ranks.

    Arguments:
        x, y: none missing, neither constant.

    Source: Efron 1987, J. Am. Stat. Assoc. 82 (BCa); Bonett & Wright 2000, Psychometrika 65, eq. 4 (ranks).
    """
    drawn, low, high = _bootstrap(x, y, kind, bootstrap)
    degenerate = int((~np.isfinite(drawn)).sum())
    r = float(correlation_coefficient(x, y, kind))
    if degenerate and abs(r) < 1:
        return *_fisher(r, x.size, kind, bootstrap.level), "Fisher", degenerate
    if not degenerate and math.isfinite(low) and math.isfinite(high):
        return low, high, "BCa", 0
    tails = [(1 - bootstrap.level) / 2, (1 + bootstrap.level) / 2]
    low, high = (float(end) for end in np.quantile(drawn[np.isfinite(drawn)], tails))
    return low, high, "percentile", degenerate


def correlation_coefficient(x: np.ndarray, y: np.ndarray, kind: CorrelationKind) -> np.ndarray:
    """The correlation along the last axis; NaN where one of the two is constant."""
    constant = (np.ptp(x, axis=-1) == 0) | (np.ptp(y, axis=-1) == 0)
    if kind == "spearman":
        x, y = stats.rankdata(x, axis=-1), stats.rankdata(y, axis=-1)
    x = x - x.mean(axis=-1, keepdims=True)
    y = y - y.mean(axis=-1, keepdims=True)
    squares = (x**2).sum(axis=-1) * (y**2).sum(axis=-1)
    r = (x * y).sum(axis=-1) / np.sqrt(np.where(constant, 1.0, squares))
    return np.where(constant, np.nan, np.clip(r, -1.0, 1.0))


def _bootstrap(
    x: np.ndarray, y: np.ndarray, kind: CorrelationKind, bootstrap: BootstrapSettings
) -> tuple[np.ndarray, float, float]:
    """The correlation of every sample, and both ends of the BCa interval, NaN where that is undefined."""

    def statistic(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return correlation_coefficient(a, b, kind)  # SciPy keeps participants on the last axis

    with warnings.catch_warnings():
        # SciPy warns where BCa is undefined; the caller sees that by NaN, and says so by the interval's kind.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="scipy")
        found: Any = stats.bootstrap(
            (x, y),
            statistic,
            n_resamples=bootstrap.samples,
            paired=True,
            vectorized=True,
            method="BCa",
            confidence_level=bootstrap.level,
            rng=np.random.default_rng(bootstrap.seed),
        )
    low, high = found.confidence_interval
    return np.asarray(found.bootstrap_distribution), float(low), float(high)


def _fisher(r: float, participants: int, kind: CorrelationKind, level: float) -> tuple[float, float]:
    spread = 1 + r**2 / 2 if kind == "spearman" else 1.0
    half = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt(spread / (participants - 3))
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


KINDS: tuple[CorrelationKind, CorrelationKind] = ("pearson", "spearman")
LEAST = 5  # participants


@dataclass(frozen=True)
class Correlation:
    """How two columns go together.

    Fields:
        name: of the second column.
        kind: Pearson's r, or Spearman's: that of the ranks.
        participants: with both values.
        r: between −1 and 1.
        low, high: of its interval.
        interval: how that was made; see `correlation_interval`.
        degenerate: bootstrap samples in which a column was constant: its values hang on very few participants.
        p_value: two-sided; Student's t of r with n − 2 degrees of freedom (of ranks: an approximation).
        holm: the same, adjusted for the other columns (Holm's step-down), if there were others.
        within_arms: r of what remains when each arm's mean is taken out; None without arms, or if nothing remains.
    """

    name: str
    kind: CorrelationKind
    participants: int
    r: float
    low: float
    high: float
    interval: IntervalMethod
    degenerate: int
    p_value: float
    holm: float
    within_arms: float | None = None


def correlations(
    x: Float[np.ndarray, "participant"],
    columns: Mapping[str, Float[np.ndarray, "participant"]],
    bootstrap: BootstrapSettings = DEFAULT_BOOTSTRAP,
    arm: Float[np.ndarray, "participant"] | None = None,
) -> tuple[Correlation, ...]:
    """Pearson and Spearman of a column with each of several, p adjusted over them by Holm's method, kind by kind.

    Arguments:
        x: NaN where missing.
        columns: by name; NaN where missing. Each is correlated over the participants who have both.
        bootstrap: the bootstrap.
        arm: ±1, where the correlation within arms is wanted too.

    Returns every column's Pearson, then every column's Spearman. Raises `FeatureError` as `correlation` does.

    Source: Holm 1979, Scand. J. Stat. 6.
    """
    found: list[Correlation] = []
    for kind in KINDS:
        unadjusted = [
            correlation(x, column, name=name, kind=kind, bootstrap=bootstrap, arm=arm)
            for name, column in columns.items()
        ]
        adjusted = holm_adjusted([single.p_value for single in unadjusted])
        found += [replace(single, holm=p) for single, p in zip(unadjusted, adjusted, strict=True)]
    return tuple(found)


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """Adjusted for each other: the k-th smallest of m is the largest ``(m − i + 1)·pᵢ`` up to i = k, at most 1."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return adjusted.tolist()


def correlation(
    x: Float[np.ndarray, "participant"],
    y: Float[np.ndarray, "participant"],
    *,
    name: str,
    kind: CorrelationKind = "pearson",
    bootstrap: BootstrapSettings = DEFAULT_BOOTSTRAP,
    arm: Float[np.ndarray, "participant"] | None = None,
) -> Correlation:
    """A correlation with its p and its interval, bias-corrected and accelerated where that can be had.

    Arguments:
        x, y: NaN where missing.
        name: of `y`.
        kind: of correlation.
        bootstrap: the bootstrap.
        arm: ±1, where the correlation within arms is wanted too.

    Raises `FeatureError` as `complete_pairs` does.
    """
    known = np.isfinite(x) & np.isfinite(y)
    x, y = complete_pairs(x, y, name)
    test: Any = stats.pearsonr if kind == "pearson" else stats.spearmanr
    found = test(x, y)
    low, high, interval, degenerate = correlation_interval(x, y, kind, bootstrap)
    within = None if arm is None else _within_arms(x, y, arm[known], kind)
    r, p = float(found.statistic), float(found.pvalue)
    return Correlation(name, kind, x.size, r, low, high, interval, degenerate, p, p, within)


def complete_pairs(
    x: Float[np.ndarray, "participant"], y: Float[np.ndarray, "participant"], name: str
) -> tuple[Float[np.ndarray, "pair"], Float[np.ndarray, "pair"]]:
    """Values of the participants who have both; raises `FeatureError` where they are under five, or one doesn't
    vary."""
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() < LEAST:
        raise FeatureError(f"{name}: {known.sum()} participants have both values, and a correlation takes {LEAST}")
    for what, values in (("what it is correlated with", x[known]), (name, y[known])):
        if not np.ptp(values) > 0:
            raise FeatureError(f"{name}: {what} is the same for all {known.sum()} participants who have both values")
    return x[known], y[known]


def _within_arms(x: np.ndarray, y: np.ndarray, arm: np.ndarray, kind: CorrelationKind) -> float | None:
    """r when each arm's mean (of values, or of ranks) is taken out; None where nothing varies within the arms."""
    if kind == "spearman":
        x, y = stats.rankdata(x), stats.rankdata(y)
    left = [values.astype(np.float64).copy() for values in (x, y)]
    for values in left:
        for side in np.unique(arm):
            part = values[arm == side]
            values[arm == side] = part - part.mean() if np.ptp(part) > 0 else 0.0
    r = float(correlation_coefficient(left[0], left[1], "pearson"))
    return r if math.isfinite(r) else None


POWER = 0.8


@dataclass(frozen=True)
class NullCheck:
    """A correlation with a nuisance variable.

    Fields:
        correlation: its interval tells which are compatible with the data.
        detectable: the least |r| in the population that so many participants show with the power `power`: a check that
            finds nothing says nothing about smaller ones. Equivalence to zero is not tested.
        power: of the two-sided test at 1 − level.
    """

    correlation: Correlation
    detectable: float
    power: float


def null_checks(
    x: Float[np.ndarray, "participant"],
    columns: Mapping[str, Float[np.ndarray, "participant"]],
    bootstrap: BootstrapSettings = DEFAULT_BOOTSTRAP,
    arm: Float[np.ndarray, "participant"] | None = None,
    power: float = POWER,
) -> tuple[NullCheck, ...]:
    """`correlations` of a column with nuisance variables, each with the least one that could have been seen."""
    return tuple(
        NullCheck(found, detectable_correlation(found.participants, 1 - bootstrap.level, power), power)
        for found in correlations(x, columns, bootstrap, arm)
    )


def detectable_correlation(participants: int, alpha: float = 0.05, power: float = POWER) -> float:
    """The least |r| that a two-sided test at `alpha` finds with a given power: ``tanh((z₁₋α/₂ + z_power) / √(n − 3))``.

    Raises `FeatureError` for fewer than four participants.

    Source: Fisher 1921, Metron 1 (the transformation); Cohen 1988, Statistical Power Analysis, ch. 3.
    """
    if participants < 4:
        raise FeatureError(f"{participants} participants are too few for a correlation to be found; it takes 4")
    z = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    return math.tanh(z / math.sqrt(participants - 3))
