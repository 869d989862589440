"""Under pure noise: the published r², what is left of it in left-out participants, and how often p is small."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import binomtest

from features import (
    NestedEstimate,
    PreparedFolds,
    Tuning,
    assign_folds,
    coarse_tuning,
    fit_whole_sample,
    nested_cross_validation,
    permutation_p_value,
    permutations_reaching,
    prepare_folds,
)

from ._check import Check
from ._predict_side_by_side import side_by_side
from ._predict_studies import SIZE, simulated

STUDIES = 500
SHUFFLES = 19  # of which none may reach what was found where p is 1 / 20
LEVEL = 0.05
SLACK = 0.02  # of the share of rejections: of 500 studies


@dataclass(frozen=True)
class Null:
    """One study without an effect.

    Fields:
        r_squared: in-sample, of the published model.
        q_squared: of the nested estimate.
        p_value: of its permutation test.
        retained: predictors of the published model.
        shuffles: that it took to settle whether p is 0.05.
    """

    r_squared: float
    q_squared: float
    p_value: float
    retained: int
    shuffles: int


def null_study(number: int, seed: int, tuning: Tuning, size: tuple[int, int] = SIZE) -> Null:
    """Draw a study and put it through everything."""
    predictors, outcome = simulated(np.random.default_rng([seed, number]), 0.0, size)
    groups = assign_folds(len(predictors.participants), None)
    whole = fit_whole_sample(predictors, outcome, groups, tuning)
    folds = prepare_folds(predictors, groups)
    found = nested_cross_validation(folds, outcome.values, coarse_tuning(tuning))
    reached = _until_reached(folds, outcome.values, found, number, tuning)
    tested = permutation_p_value(reached, number, enough=1)
    return Null(whole.r_squared, found.q_squared, tested.p_value, int(whole.retained.sum()), tested.shuffles)


def _until_reached(folds: PreparedFolds, y: np.ndarray, found: NestedEstimate, seed: int, tuning: Tuning) -> np.ndarray:
    """Shuffles up to the first that reaches what was found: those after it cannot bring p to 0.05 any more."""
    reached: list[bool] = []
    while len(reached) < SHUFFLES and not any(reached):
        numbers = range(len(reached), len(reached) + 1)
        reached += permutations_reaching(folds, y, found, numbers, seed, coarse_tuning(tuning)).tolist()
    return np.array(reached)


def null_studies(
    count: int, jobs: int, seed: int = 0, tuning: Tuning | None = None, size: tuple[int, int] = SIZE
) -> dict[str, Any]:
    """Many of them, summed up: numbers, and all values for whoever wants to look."""
    start = time.perf_counter()
    one = partial(null_study, seed=seed, tuning=tuning or Tuning(), size=size)
    studies = side_by_side(one, range(count), "null", jobs)
    r_squared, q_squared = (np.array([getattr(each, name) for each in studies]) for name in ("r_squared", "q_squared"))
    rejected = sum(each.p_value <= LEVEL + 1e-12 for each in studies)
    interval = binomtest(rejected, count).proportion_ci(0.95, "exact")
    return {
        "studies": count,
        "r_squared": _spread(r_squared),
        "q_squared": {**_spread(q_squared), "se": float(q_squared.std(ddof=1) / np.sqrt(count))},
        "q_squared_above_zero": float((q_squared > 0).mean()),
        "retained": _spread(np.array([each.retained for each in studies], dtype=float)),
        "nothing_retained": float(np.mean([each.retained == 0 for each in studies])),
        "rejected": rejected,
        "rate": rejected / count,
        "interval": [float(interval.low), float(interval.high)],
        "shuffles": float(np.mean([each.shuffles for each in studies])),
        "seconds": time.perf_counter() - start,
        "values": [[each.r_squared, each.q_squared, each.p_value] for each in studies],
    }


def checks(found: dict[str, Any]) -> list[Check]:
    """Of 500 studies the bounds of the plan; of fewer, what so few can show."""
    count, r, q = found["studies"], found["r_squared"], found["q_squared"]
    slack = SLACK * max(1.0, np.sqrt(STUDIES / count))
    low, high = found["interval"]
    rejections = f"{found['rejected']} of {count}, 95 % interval {low:.3f} to {high:.3f}; {found['seconds']:.0f} s"
    return [
        Check("noise: mean in-sample r² of the published model", r["mean"], note=_words(r)),
        Check("noise: mean Q² of the nested estimate", q["mean"], most=0.0, note=_words(q)),
        Check("noise: share of studies with Q² > 0", found["q_squared_above_zero"]),
        Check(
            "noise: permutation test, share of p ≤ 0.05",
            found["rate"],
            most=LEVEL + slack,
            least=max(0.0, LEVEL - slack),
            note=rejections,
        ),
    ]


def _spread(values: np.ndarray) -> dict[str, float]:
    return {
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)),
        "median": float(np.median(values)),
        "least": float(values.min()),
        "most": float(values.max()),
    }


def _words(spread: dict[str, float]) -> str:
    return f"SD {spread['sd']:.3f}, median {spread['median']:.3f}, {spread['least']:.3f} to {spread['most']:.3f}"
