"""Connectivity at rest of the groups of an example, as it was measured and as it was planted."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ..figures import signed_number
from ..measures import FeatureTable
from ..page import Answer
from ..report import StudyResult
from ..results import LEVEL
from ..verdicts import Verdict
from ._example_truth import ExampleTruth


def rest_answers(truth: ExampleTruth, result: StudyResult) -> tuple[Answer, ...]:
    """Whether two groups differ at rest as planted: the difference of their mean Fisher z, by Welch's t.

    None where nothing was planted at rest, or nothing measured.
    """
    if not truth.coupling or result.features is None:
        return ()
    first, second = truth.coupling
    (measure,) = [column.name for column in result.features.columns if column.name.startswith("rest_")]
    values = {group: _values(result.features, group, measure) for group in (first, second)}
    test = stats.ttest_ind(values[first], values[second], equal_var=False)
    low, high = test.confidence_interval(LEVEL)
    difference = float(values[first].mean() - values[second].mean())
    planted = float(np.arctanh(truth.coupling[first]) - np.arctanh(truth.coupling[second]))
    surely = low > 0 or high < 0
    verdict: Verdict = "open" if not surely else "yes" if difference * planted > 0 else "no"
    means = "; ".join(
        f"{group}: {signed_number(float(values[group].mean()))}, planted {signed_number(float(np.arctanh(r)))}"
        for group, r in truth.coupling.items()
    )
    return (
        Answer(
            f"Is what was planted at rest found: {first} minus {second}?",
            verdict,
            f"Fisher z of vmPFC with amygdala: {signed_number(difference)} (90 % interval {signed_number(low)} to "
            f"{signed_number(high)}), planted {signed_number(planted)}.",
            (f"Means: {means}. What is planted is without noise, which brings correlations nearer to zero.",),
        ),
    )


def _values(features: FeatureTable, group: str, measure: str) -> np.ndarray:
    """The measure of every participant of a group."""
    return features.column(measure)[[own == group for own in features.groups]]
