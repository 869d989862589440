"""Which predictors correlate with an outcome within arms, allowing for how many there are.

With the mean of each arm taken out of predictor and outcome, and of a product what its factors explain,

    r_j = Σ_i x_ij y_i / √(Σ x_ij² Σ y_i²),    p_j = (1 + #{b: max_k |r_k(b)| ≥ |r_j|}) / (1 + B),

where b shuffles the outcome among participants of the same arm. What an arm does to the outcome moves nobody's place
within it, so that p holds whatever the arm does; and each is compared with the largest of all predictors, so
that any of those that have nothing to do with the outcome is at p ≤ 0.05 in 5 % of studies at most. A product has a
partial correlation: where arms are unequal, a measure that acts alike in both is correlated with its product too.

Source: Westfall & Young 1993, Resampling-Based Multiple Testing, chapter 2, for the maximum; Phipson & Smyth 2010,
Stat. Appl. Genet. Mol. Biol. 9(1), 39, for p.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from ._imputation import ImputationMethod
from ._leakage import prepare_whole_sample
from ._predictors import FeatureError, Outcome, Predictors


@dataclass(frozen=True, eq=False)
class WithinArmCorrelations:
    """Which predictors correlate with the outcome within arms.

    Fields:
        correlation: (predictor,) with the mean of each arm taken out of both; NaN where one does not vary within arms.
        p_value: (predictor,) how often the largest of all predictors is as large where outcomes are shuffled within
            arms; NaN likewise.
        shuffles: how many there were.
        seed: of them.
    """

    correlation: Float[np.ndarray, "predictor"]
    p_value: Float[np.ndarray, "predictor"]
    shuffles: int
    seed: int


SHUFFLES = 999
TIE = 1e-9  # of a correlation, that rounding may take from a shuffle that reaches it
NUMBERS_AT_ONCE = 1 << 22
CONSTANT = 1e-9  # of a predictor's size, that is left of one that does not vary within arms

Basis = Float[np.ndarray, "participant factor"]


def within_arm_correlations(
    x: Float[np.ndarray, "participant predictor"],
    y: Float[np.ndarray, "participant"],
    strata: Sequence[Int[np.ndarray, "row"]],
    *,
    seed: int,
    factors: Mapping[int, Sequence[int]] | None = None,
    shuffles: int = SHUFFLES,
) -> WithinArmCorrelations:
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
        return WithinArmCorrelations(r, p, shuffles, seed)
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
    return WithinArmCorrelations(r, p, shuffles, seed)


def _centred(
    values: Float[np.ndarray, "participant any"], strata: Sequence[np.ndarray]
) -> Float[np.ndarray, "participant any"]:
    """With the mean of each arm taken out."""
    inner = np.array(values, dtype=np.float64)
    for rows in strata:
        inner[rows] -= inner[rows].mean(axis=0)
    return inner


def _directions(
    x: np.ndarray, inner: np.ndarray, factors: Mapping[int, Sequence[int]]
) -> tuple[Float[np.ndarray, "participant kept"], dict[int, Basis], np.ndarray]:
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
    y: Float[np.ndarray, "shuffle participant"], unit: Float[np.ndarray, "participant kept"], bases: Mapping[int, Basis]
) -> Float[np.ndarray, "shuffle kept"]:
    """Of outcomes of length 1 with every predictor; of a product beside its factors."""
    r = y @ unit
    for place, basis in bases.items():
        left = 1 - ((y @ basis) ** 2).sum(axis=1)
        r[:, place] /= np.sqrt(np.maximum(left, CONSTANT))
    return r


@dataclass(frozen=True, eq=False)
class ArmSlopes:
    """Outcome against one measure, a line for each arm: what a product with the arm means.

    Fields:
        measure: name of the column.
        arms: both, the first coded +1.
        slope, low, high: (2,) ordinary least squares within each arm, units of the outcome per unit of the measure,
            with a 95 % interval (t).
        intercept: (2,) outcome where the measure is zero.
        participants: (2,) number of participants.
        x: (participant,) the measure, residualised and imputed as the published model has it.
        arm: (participant,) +1 or −1.
    """

    measure: str
    arms: tuple[str, str]
    slope: Float[np.ndarray, "2"]
    low: Float[np.ndarray, "2"]
    high: Float[np.ndarray, "2"]
    intercept: Float[np.ndarray, "2"]
    participants: Int[np.ndarray, "2"]
    x: Float[np.ndarray, "participant"]
    arm: Float[np.ndarray, "participant"]


FEWEST = 3  # participants of an arm: two lie on every line
LEVEL = 0.95


def arm_slopes(
    predictors: Predictors,
    outcome: Outcome,
    measure: str,
    arms: tuple[str, str],
    imputation: ImputationMethod = "iterative",
) -> ArmSlopes:
    """The line of the outcome on a measure within each arm, by ordinary least squares.

        outcome = intercept + slope · measure;    interval slope ± t₀.₉₇₅(n − 2) · standard error

    It describes participants whom the model was fitted to. The measure was chosen because it fits them, if the model
    chose it: then the intervals are too narrow.

    Arguments:
        predictors: with a column of role ``arm``.
        outcome: of the same participants.
        measure: name of a column; less motion and imputed over all participants, as in the published model.
        arms: names of both, the first coded +1.
        imputation: see `Imputation`.

    Raises `FeatureError` where there is no such column or arm, an arm has fewer than three participants, or the measure
    doesn't vary within one.
    """
    outcome.check_count(len(predictors.participants))
    whole = prepare_whole_sample(predictors, imputation)
    x, arm = whole.values[:, whole.place(measure)], whole.values[:, _arm_place(whole)]
    groups = [(name, arm == sign) for name, sign in zip(arms, (1, -1), strict=True)]
    lines = np.array([_line(x[rows], outcome.values[rows], measure, name) for name, rows in groups])
    slope, low, high, intercept = lines.T
    return ArmSlopes(
        measure=measure,
        arms=arms,
        slope=slope,
        low=low,
        high=high,
        intercept=intercept,
        participants=np.array([int(rows.sum()) for _, rows in groups]),
        x=x,
        arm=arm,
    )


def _arm_place(predictors: Predictors) -> int:
    places = [k for k, column in enumerate(predictors.columns) if column.role == "arm"]
    if len(places) != 1:
        raise FeatureError(f"a line for each arm needs one column of arms; there are {len(places)}")
    return places[0]


def _line(
    x: Float[np.ndarray, "participant"], y: Float[np.ndarray, "participant"], measure: str, arm: str
) -> tuple[float, float, float, float]:
    """Slope, its interval, and intercept."""
    if x.size < FEWEST:
        raise FeatureError(f"{arm} has {x.size} participants; a line with an interval needs at least {FEWEST}")
    if np.ptp(x) == 0:
        raise FeatureError(f"{measure} is the same for everybody in {arm}, where no line can be drawn")
    found = stats.linregress(x, y)
    half = stats.t.ppf((1 + LEVEL) / 2, x.size - 2) * found.stderr
    return float(found.slope), float(found.slope - half), float(found.slope + half), float(found.intercept)
