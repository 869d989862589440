"""How well a model predicts, number by number, each with what it is worth."""

from __future__ import annotations

import numpy as np

from ..page import SPREAD, Column, Records
from ..tables import is_least, shuffled_p_cell
from ..verdicts import has_settled, judge_prediction
from ._result import Prediction

MUCH_MISSING = 0.2  # share of a column from which filling it in is told
COLUMNS = (
    Column("quantity", "What", where="file"),
    Column("words", "What"),
    Column("value", "Value", SPREAD),
    Column("low", "95 % from", SPREAD),
    Column("high", "to", SPREAD),
    Column("means", "What it says"),
)


def performance_records(found: Prediction) -> Records:
    """In the sample, and in people left out."""
    unit = found.outcome.unit or f"units of {found.outcome.name}"
    rows = [
        _row("r_squared", "r², in-sample", found.published.r_squared, "fit to the very people: not about new ones"),
        _row(
            "tuned_r_squared",
            "r², left out of the fit only",
            found.tuned_r_squared,
            "not independent: everybody helped to choose the penalty",
        ),
    ]
    if found.nested is not None:
        nested = found.nested
        rows += [
            _row("q_squared", "Q², left out of everything", nested.q_squared, _means_q_squared(nested.q_squared)),
            _row(
                "correlation",
                "r, left out of everything",
                nested.correlation,
                _means_correlation(nested.correlation),
            ),
            _row(
                "mean_absolute_error",
                f"Mean error, {unit}",
                nested.mean_absolute_error,
                "of people left out of everything",
            ),
        ]
    rows.append(
        _row(
            "mean_absolute_error_of_others",
            f"Mean error of the mean, {unit}",
            off_by_mean(found),
            "had the others' mean been the guess",
        )
    )
    if found.chance is not None:
        one = found.chance
        words = f"{one.reached} of {one.shuffles} shuffled outcomes have as high a Q²"
        if is_least(one.p_value, one.shuffles):
            words += f": p {shuffled_p_cell(one.p_value, one.shuffles)}, and more shuffles may lower it"
        rows.append({**_row("p_value", "p of Q²", one.p_value, words), "low": one.low, "high": one.high})
    lead = "What the model reaches in the people it was made from, and in people it has never seen."
    return Records("performance", "How well it predicts", lead, COLUMNS, rows)


def off_by_mean(found: Prediction) -> float:
    """Mean absolute error where the mean of all others is everybody's guess."""
    return float(np.abs(found.outcome.values - found.of_others).mean())


def is_predicted(found: Prediction) -> bool:
    """Whether people left out of everything are predicted better than by the others' mean, and than by chance."""
    return (
        found.nested is not None
        and found.chance is not None
        and judge_prediction(found.nested.q_squared, found.chance.p_value) == "yes"
    )


def is_settled(found: Prediction) -> bool:
    """Whether more shuffles would leave p on its side of 0.05."""
    return found.chance is None or has_settled(found.chance.low, found.chance.high)


def _means_q_squared(value: float) -> str:
    if value > 0:
        return f"{value:.0%} less squared error than the others' mean"
    return "no better than the others' mean" if value > -0.005 else "worse than the others' mean"


def _means_correlation(value: float) -> str:
    if np.isnan(value):
        return "cannot be had: all are predicted the same"
    return "of observed and predicted" if value > 0 else "not evidence: the others' mean alone is below zero"


def _row(quantity: str, words: str, value: float, means: str) -> dict[str, object]:
    return {"quantity": quantity, "words": words, "value": float(value), "low": None, "high": None, "means": means}
