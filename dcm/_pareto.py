"""Importance weights whose largest are smoothed, and what their tail says about them (Vehtari et al. 2024).

The largest weights are replaced by the expected order statistics of a generalised Pareto distribution fitted to them,

    F(x) = 1 − (1 + k x / σ)^(−1/k),

whose shape k tells how heavy the tail is: weights have a finite variance below ½, and averages converge at a useful
rate below 0.7. k is the mean under an empirical prior that needs no search (Zhang & Stephens 2009), drawn toward ½ as
by ten observations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

FEWEST = 5  # weights from which a tail can be fitted
GRID = 30  # candidates of the fit, and more by the square root of the tail's length
PRIOR_K, PRIOR_COUNT = 0.5, 10


class SmoothedWeights(NamedTuple):
    """Weights that sum to 1, and the shape k of their tail: infinite where there is no tail to fit."""

    weights: Float[np.ndarray, "draw"]
    k: float

    @property
    def effective_sample(self) -> float:
        """1 / Σ w²: as many independent draws say as much about a mean."""
        return float(1 / (self.weights**2).sum())


def smooth_weights(log_weights: Float[np.ndarray, "draw"]) -> SmoothedWeights:
    """Pareto-smoothed weights from log importance ratios, of which some may be −inf but not all.

    Source: Vehtari, Simpson, Gelman, Yao & Gabry 2024, J Mach Learn Res 25(72), algorithm 1.
    """
    ratios = np.exp(log_weights - log_weights.max())
    order = np.argsort(ratios, kind="stable")
    count = int(np.ceil(min(ratios.size / 5, 3 * np.sqrt(ratios.size))))
    tail, cut = order[-count:], ratios[order[-count - 1]] if count < ratios.size else 0.0
    cut = max(cut, np.finfo(float).tiny)
    tail = tail[ratios[tail] > cut]
    k = np.inf
    if tail.size >= FEWEST:
        k, scale = fit_pareto(ratios[tail] - cut)
        probability = (np.arange(tail.size) + 0.5) / tail.size
        steps = -np.log1p(-probability) if k == 0 else np.expm1(-k * np.log1p(-probability)) / k
        ratios[tail] = np.minimum(cut + scale * steps, 1.0)
    return SmoothedWeights(ratios / ratios.sum(), float(k))


def fit_pareto(excess: Float[np.ndarray, "tail"]) -> tuple[float, float]:
    """k and σ of a generalised Pareto distribution of positive values, in ascending order.

    Source: Zhang & Stephens 2009, Technometrics 51, 316, with the sign of k turned round.
    """
    n = excess.size
    candidates = GRID + int(np.sqrt(n))
    quartile = excess[int(n / 4 + 0.5) - 1]
    theta = 1 / excess[-1] + (1 - np.sqrt(candidates / (np.arange(candidates) + 0.5))) / (3 * quartile)
    shapes = np.log1p(-theta[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-theta / shapes) - shapes - 1)
    weight = np.exp(profile - profile.max())
    best = float(theta @ weight / weight.sum())
    k = float(np.log1p(-best * excess).mean())
    sigma = -k / best
    return (k * n + PRIOR_K * PRIOR_COUNT) / (n + PRIOR_COUNT), sigma
