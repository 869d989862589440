"""Correlations with bootstrap intervals: of one column with several, by Pearson and by Spearman."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import stats

from ._correlation_interval import DRAWN, Interval, Kind, Resampling, correlation_interval, correlation_of
from ._design import FeatureError

KINDS: tuple[Kind, Kind] = ("pearson", "spearman")
LEAST = 5  # people


@dataclass(frozen=True)
class Correlation:
    """How two columns go together.

    Fields:
        name: of the second column.
        kind: Pearson's r, or Spearman's: that of the ranks.
        people: with both values.
        r: between −1 and 1.
        low, high: of its interval.
        interval: how that was made; see `correlation_interval`.
        degenerate: bootstrap samples in which a column was constant: its values hang on very few people.
        p_value: two-sided; Student's t of r with n − 2 degrees of freedom (of ranks: an approximation).
        holm: the same, adjusted for the other columns (Holm's step-down), if there were others.
        within_arms: r of what remains when each arm's mean is taken out; None without arms, or if nothing remains.
    """

    name: str
    kind: Kind
    people: int
    r: float
    low: float
    high: float
    interval: Interval
    degenerate: int
    p_value: float
    holm: float
    within_arms: float | None = None


def correlations(
    x: Float[np.ndarray, "person"],
    columns: Mapping[str, Float[np.ndarray, "person"]],
    how: Resampling = DRAWN,
    arm: Float[np.ndarray, "person"] | None = None,
) -> tuple[Correlation, ...]:
    """Pearson and Spearman of a column with each of several, p adjusted over them by Holm's method, kind by kind.

    Arguments:
        x: NaN where missing.
        columns: by name; NaN where missing. Each is correlated over the people who have both.
        how: the bootstrap.
        arm: ±1, where the correlation within arms is wanted too.

    Returns every column's Pearson, then every column's Spearman. Raises `FeatureError` as `correlation` does.

    Source: Holm 1979, Scand. J. Stat. 6.
    """
    found: list[Correlation] = []
    for kind in KINDS:
        ones = [correlation(x, column, name=name, kind=kind, how=how, arm=arm) for name, column in columns.items()]
        adjusted = holm([one.p_value for one in ones])
        found += [replace(one, holm=p) for one, p in zip(ones, adjusted, strict=True)]
    return tuple(found)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted for each other: the k-th smallest of m is the largest ``(m − i + 1)·pᵢ`` up to i = k, at most 1."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return adjusted.tolist()


def correlation(
    x: Float[np.ndarray, "person"],
    y: Float[np.ndarray, "person"],
    *,
    name: str,
    kind: Kind = "pearson",
    how: Resampling = DRAWN,
    arm: Float[np.ndarray, "person"] | None = None,
) -> Correlation:
    """A correlation with its p and its interval, bias-corrected and accelerated where that can be had.

    Arguments:
        x, y: NaN where missing.
        name: of `y`.
        kind: of correlation.
        how: the bootstrap.
        arm: ±1, where the correlation within arms is wanted too.

    Raises `FeatureError` as `pairs` does.
    """
    there = np.isfinite(x) & np.isfinite(y)
    x, y = pairs(x, y, name)
    test: Any = stats.pearsonr if kind == "pearson" else stats.spearmanr
    found = test(x, y)
    low, high, interval, degenerate = correlation_interval(x, y, kind, how)
    within = None if arm is None else _within_arms(x, y, arm[there], kind)
    r, p = float(found.statistic), float(found.pvalue)
    return Correlation(name, kind, x.size, r, low, high, interval, degenerate, p, p, within)


def pairs(
    x: Float[np.ndarray, "person"], y: Float[np.ndarray, "person"], name: str
) -> tuple[Float[np.ndarray, "pair"], Float[np.ndarray, "pair"]]:
    """Values of the people who have both; raises `FeatureError` where they are under five, or one doesn't vary."""
    there = np.isfinite(x) & np.isfinite(y)
    if there.sum() < LEAST:
        raise FeatureError(f"{name}: {there.sum()} people have both values, and a correlation takes {LEAST}")
    for what, values in (("what it is correlated with", x[there]), (name, y[there])):
        if not np.ptp(values) > 0:
            raise FeatureError(f"{name}: {what} is the same for all {there.sum()} people who have both values")
    return x[there], y[there]


def _within_arms(x: np.ndarray, y: np.ndarray, arm: np.ndarray, kind: Kind) -> float | None:
    """r when each arm's mean (of values, or of ranks) is taken out; None where nothing varies within the arms."""
    if kind == "spearman":
        x, y = stats.rankdata(x), stats.rankdata(y)
    left = [values.astype(np.float64).copy() for values in (x, y)]
    for values in left:
        for side in np.unique(arm):
            part = values[arm == side]
            values[arm == side] = part - part.mean() if np.ptp(part) > 0 else 0.0
    r = float(correlation_of(left[0], left[1], "pearson"))
    return r if math.isfinite(r) else None
