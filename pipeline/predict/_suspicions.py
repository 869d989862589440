"""What is allowed, and yet should be looked at before an answer is believed, a line each."""

from __future__ import annotations

import numpy as np
from scipy import stats

from features import Outcome, Predictors

from ..common import first_names
from ..figures import signed
from ..tables import missing_codes

FAR = 12.0  # robust standard deviations from the median: an illness may be that rare, a code for missing is not
CLOSE = 0.95  # |rank correlation| with the outcome that no measure of the brain has
FEWEST = 6  # people with a value


def suspicions(predictors: Predictors, outcome: Outcome) -> tuple[str, ...]:
    """Values far from all others, and columns that follow the outcome too closely."""
    return (*_far(predictors, outcome), *_close(predictors, outcome))


def _far(predictors: Predictors, outcome: Outcome) -> tuple[str, ...]:
    columns = [(column.name, values) for column, values in zip(predictors.columns, predictors.values.T, strict=True)]
    found = []
    for name, values in [*columns, (outcome.name, outcome.values)]:
        there = np.flatnonzero(np.isfinite(values))
        x = values[there]
        spread = stats.median_abs_deviation(x, scale="normal") if x.size >= FEWEST else 0.0
        if not spread > 0:
            continue
        for place in np.flatnonzero(np.abs(x - np.median(x)) > FAR * spread):
            found.append(f"{name} of {predictors.people[there[place]]} is {x[place]:g}")
    for name, values in [*columns, (outcome.name, outcome.values)]:
        for place in np.flatnonzero(np.isin(values, missing_codes(values))):
            line = f"{name} of {predictors.people[place]} is {values[place]:g}"
            found += [line] if line not in found else []
    return (f"Far from all others: {first_names(found)}; is it a code for missing, or a slip?",) if found else ()


def _close(predictors: Predictors, outcome: Outcome) -> tuple[str, ...]:
    found = []
    for column, values in zip(predictors.columns, predictors.values.T, strict=True):
        both = np.isfinite(values)
        if both.sum() < FEWEST or np.unique(values[both]).size < FEWEST or np.ptp(outcome.values[both]) == 0:
            continue
        r = float(stats.spearmanr(values[both], outcome.values[both]).statistic)
        if abs(r) > CLOSE:
            found.append(f"{column.name} (rank correlation {signed(r)})")
    return (
        (f"Too close to the outcome for a measure of anything else: {first_names(found)}; is it made from it?",)
        if found
        else ()
    )
