"""What a coarse grid of candidates changes about Q², beside what it saves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from features import Tuning, assign_folds, coarse_tuning, nested_cross_validation, prepare_folds

from ._predict_side_by_side import side_by_side
from ._predict_studies import SIZE, simulated

STUDIES = 20  # of each effect
EFFECTS = (0.0, 0.5, 1.0)
COLUMNS = (
    *("effect", "studies", "q_squared_full", "q_squared_coarse", "mean_difference", "sd_difference"),
    *("largest_difference", "correlation", "seconds_full", "seconds_coarse"),
)


@dataclass(frozen=True)
class Both:
    """Q² of one study by both grids, and the seconds of each."""

    full: float
    coarse: float
    seconds_full: float
    seconds_coarse: float


def both_grids(drawn: tuple[int, float], tuning: Tuning, size: tuple[int, int]) -> Both:
    """Draw a study and estimate Q² twice."""
    number, effect = drawn
    predictors, outcome = simulated(np.random.default_rng([number, round(100 * effect)]), effect, size)
    folds = prepare_folds(predictors, assign_folds(len(predictors.participants), None))
    values, seconds = [], []
    for grid in (tuning, coarse_tuning(tuning)):
        start = time.perf_counter()
        values.append(nested_cross_validation(folds, outcome.values, grid).q_squared)
        seconds.append(time.perf_counter() - start)
    return Both(*values, *seconds)


def compare_grids(
    count: int,
    jobs: int,
    tuning: Tuning | None = None,
    effects: Sequence[float] = EFFECTS,
    size: tuple[int, int] = SIZE,
) -> list[dict[str, Any]]:
    """For every effect, `count` studies; and all of them together."""
    drawn = [(number, effect) for effect in effects for number in range(count)]
    found = side_by_side(partial(both_grids, tuning=tuning or Tuning(), size=size), drawn, "grid", jobs)
    rows = [
        _row(f"{effect:g}", [each for each, (_, planted) in zip(found, drawn, strict=True) if planted == effect])
        for effect in effects
    ]
    return [*rows, _row("all", found)]


def _row(effect: str, studies: list[Both]) -> dict[str, Any]:
    full, quick = (np.array([getattr(each, name) for each in studies]) for name in ("full", "coarse"))
    difference = quick - full
    return {
        "effect": effect,
        "studies": len(studies),
        "q_squared_full": float(full.mean()),
        "q_squared_coarse": float(quick.mean()),
        "mean_difference": float(difference.mean()),
        "sd_difference": float(difference.std(ddof=1)),
        "largest_difference": float(np.abs(difference).max()),
        "correlation": float(np.corrcoef(full, quick)[0, 1]),
        "seconds_full": float(np.median([each.seconds_full for each in studies])),
        "seconds_coarse": float(np.median([each.seconds_coarse for each in studies])),
    }
