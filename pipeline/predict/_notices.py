"""What must not be overlooked in a prediction."""

from __future__ import annotations

import numpy as np

from ..common import first_names
from ._answers import MOST, gap, number, stable_words
from ._performance import MUCH_MISSING, is_predicted, is_settled
from ._result import Prediction

OPTIMISM = 0.2  # r² in-sample less Q² from which it is told
SAME = 0.8  # share of left-out people that must agree on α


def notices(found: Prediction) -> tuple[tuple[str, str], ...]:
    """A heading and a text each."""
    chosen = (
        _whole_sample,
        _optimism,
        _size,
        _missing,
        _unstable,
        _alike,
        _alpha,
        _end_of_path,
        _unfinished,
        _shuffles,
    )
    told = [line for line in (one(found) for one in chosen) if line is not None]
    if found.left_out:
        count = len(found.left_out)
        heading = "1 person is" if count == 1 else f"{count} people are"
        told.append((f"{heading} not in this model.", "; ".join(found.left_out)))
    return (*told, *(("Bear in mind.", line) for line in found.notices))


def _whole_sample(found: Prediction) -> tuple[str, str] | None:
    if not found.predictors.whole_sample:
        return None
    what = ", ".join(found.predictors.whole_sample)
    return ("The table was prepared over all people.", f"{what}: whoever is left out has left a trace in it.")


def _optimism(found: Prediction) -> tuple[str, str] | None:
    if found.nested is None or found.published.r_squared - found.nested.q_squared < OPTIMISM:
        return None
    return ("The fit in the sample is optimistic.", gap(found))


def _size(found: Prediction) -> tuple[str, str] | None:
    people, terms = found.people, len(found.names)
    if terms <= people:
        return None
    text = f"{terms} for {people} people: noise alone can be fitted, and which of them are retained is uncertain."
    return ("More predictors than people.", text)


def _missing(found: Prediction) -> tuple[str, str] | None:
    much = [int(i) for i in np.argsort(-found.missing, kind="stable") if found.missing[i] > MUCH_MISSING]
    if not much:
        return None
    told = first_names([f"{found.predictors.columns[i].name} ({found.missing[i]:.0%})" for i in much], MOST)
    return (f"More than {MUCH_MISSING:.0%} of a column is filled in.", f"{told}: what it says is partly a guess.")


def _unstable(found: Prediction) -> tuple[str, str] | None:
    loose = [i for i in found.retained if not found.stable(i)]
    if found.shaken is None or not loose:
        return None
    shaken = found.shaken
    told = first_names(
        [f"{found.names[i]} ({shaken.bootstraps[i]:.0%}, {_percent(shaken.folds[i])})" for i in loose], MOST
    )
    return ("Retained, but not stable.", f"{told}. {stable_words(found)}")


def _alike(found: Prediction) -> tuple[str, str] | None:
    pairs = [
        f"{found.names[i]} and {found.names[other]} (r = {number(r)})"
        for i in found.retained
        for other, r in found.alike(i)
        if other not in found.retained
    ]
    if not pairs:
        return None
    return (
        "A predictor that is not retained could stand for one that is.",
        f"{first_names(pairs, MOST)}: they are all but alike.",
    )


def _alpha(found: Prediction) -> tuple[str, str] | None:
    if found.nested is None:
        return None
    chosen, counts = np.unique(found.nested.alphas, return_counts=True)
    same = float(counts.max() / counts.sum())
    if same >= SAME:
        return None
    text = (
        f"Without one person or another it is {chosen[0]:g} to {chosen[-1]:g}; no value is chosen in more than "
        f"{same:.0%} of cases."
    )
    return ("The choice of α hangs on single people.", text)


def _end_of_path(found: Prediction) -> tuple[str, str] | None:
    curve = found.published.curve
    if curve.minimum < curve.penalties.size - 1 or curve.penalties.size == 1:
        return None
    text = (
        f"λ = {curve.penalties[-1]:.3g} is the least that was tried, or leaves nothing to explain: the model "
        "fits its people as closely as it can."
    )
    return ("The least error is at the end of the path.", text)


def _unfinished(found: Prediction) -> tuple[str, str] | None:
    if not found.published.unfinished:
        return None
    text = "They are among the smallest penalties, where predictors stand for each other."
    return (f"{found.published.unfinished} models were not solved to the last digit.", text)


def _shuffles(found: Prediction) -> tuple[str, str] | None:
    if found.chance is None or is_settled(found):
        return None
    one = found.chance
    text = f"Infinitely many would give p between {one.low:.3f} and {one.high:.3f} (95 %)."
    undone = "it may not hold" if is_predicted(found) else "it may fall below 0.05"
    return ("Too few shuffles to settle p.", f"{text} {undone[0].upper()}{undone[1:]}; shuffle more.")


def _percent(share: float) -> str:
    return f"{share:.0%}" if np.isfinite(share) else "–"
