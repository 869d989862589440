"""Which predictors go with an outcome within arms, allowing for how many there are.

With the mean of each arm taken out of predictor and outcome, and of a product what its factors explain,

    r_j = Σ_i x_ij y_i / √(Σ x_ij² Σ y_i²),    p_j = (1 + #{b: max_k |r_k(b)| ≥ |r_j|}) / (1 + B),

where b shuffles the outcome among people of the same arm. What an arm does to the outcome moves nobody's place within
it, so that p holds whatever the arm does; and the largest of all predictors is what each is held against, so that any
of those that have nothing to do with the outcome is at p ≤ 0.05 in 5 % of studies at most. A product has a partial
correlation: where arms are unequal, a measure that acts alike in both goes with its product too.

Source: Westfall & Young 1993, Resampling-Based Multiple Testing, chapter 2, for the maximum; Phipson & Smyth 2010,
Stat. Appl. Genet. Mol. Biol. 9(1), 39, for p.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from ._results import WithinArms

SHUFFLES = 999
TIE = 1e-9  # of a correlation, that rounding may take from a shuffle that reaches it
NUMBERS_AT_ONCE = 1 << 22
CONSTANT = 1e-9  # of a predictor's size, that is left of one that does not vary within arms

Basis = Float[np.ndarray, "person factor"]


def within_arms(
    x: Float[np.ndarray, "person predictor"],
    y: Float[np.ndarray, "person"],
    strata: Sequence[Int[np.ndarray, "row"]],
    *,
    seed: int,
    factors: Mapping[int, Sequence[int]] | None = None,
    shuffles: int = SHUFFLES,
) -> WithinArms:
    """Correlations within arms, and p of each against the largest of all.

    Arguments:
        x: predictors, none missing.
        y: the outcome.
        strata: rows of each arm; all rows as one where there are no arms.
        seed: of the shuffles.
        factors: product → the predictors that it is a product of.
        shuffles: B.

    A predictor that does not vary within arms, or no more than its factors do, has no correlation (NaN), and takes no
    part.
    """
    rng = np.random.default_rng(seed)
    inner, outcome = _centred(x, strata), _centred(y[:, None], strata)[:, 0]
    unit, bases, varies = _directions(x, inner, factors or {})
    length = np.linalg.norm(outcome)
    r, p = np.full(x.shape[1], np.nan), np.full(x.shape[1], np.nan)
    if not varies.any() or length <= CONSTANT * np.linalg.norm(y):
        return WithinArms(r, p, shuffles, seed)
    found = _correlations(outcome[None] / length, unit, bases)[0]
    largest = np.empty(shuffles)
    at_once = max(1, NUMBERS_AT_ONCE // max(unit.shape))
    for start in range(0, shuffles, at_once):
        count = min(at_once, shuffles - start)
        dealt = np.empty((count, y.size))
        for rows in strata:
            dealt[:, rows] = rng.permuted(np.tile(outcome[rows], (count, 1)), axis=1)
        largest[start : start + count] = np.abs(_correlations(dealt / length, unit, bases)).max(axis=1)
    reached = (largest[:, None] >= np.abs(found) - TIE).sum(axis=0)
    r[varies], p[varies] = found, (1 + reached) / (1 + shuffles)
    return WithinArms(r, p, shuffles, seed)


def _centred(values: Float[np.ndarray, "person any"], strata: Sequence[np.ndarray]) -> Float[np.ndarray, "person any"]:
    """With the mean of each arm taken out."""
    inner = np.array(values, dtype=np.float64)
    for rows in strata:
        inner[rows] -= inner[rows].mean(axis=0)
    return inner


def _directions(
    x: np.ndarray, inner: np.ndarray, factors: Mapping[int, Sequence[int]]
) -> tuple[Float[np.ndarray, "person kept"], dict[int, Basis], np.ndarray]:
    """Unit vectors of the predictors that vary, orthonormal bases of the factors by place among these, and which do."""
    size = np.maximum(np.linalg.norm(x, axis=0), np.finfo(float).tiny)
    bases, own = {}, inner.copy()
    for product, places in factors.items():
        vary = [place for place in places if np.linalg.norm(inner[:, place]) > CONSTANT * size[place]]
        if vary:
            bases[product] = np.linalg.qr(inner[:, vary])[0]
            own[:, product] -= bases[product] @ (bases[product].T @ own[:, product])
    length = np.linalg.norm(own, axis=0)
    varies = length > CONSTANT * size
    place = np.cumsum(varies) - 1
    kept = {int(place[product]): basis for product, basis in bases.items() if varies[product]}
    return own[:, varies] / length[varies], kept, varies


def _correlations(
    y: Float[np.ndarray, "shuffle person"], unit: Float[np.ndarray, "person kept"], bases: Mapping[int, Basis]
) -> Float[np.ndarray, "shuffle kept"]:
    """Of outcomes of length 1 with every predictor; of a product beside its factors."""
    r = y @ unit
    for place, basis in bases.items():
        left = 1 - ((y @ basis) ** 2).sum(axis=1)
        r[:, place] /= np.sqrt(np.maximum(left, CONSTANT))
    return r
