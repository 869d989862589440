"""What must not be overlooked in a prediction."""

from __future__ import annotations

import numpy as np

from peb import ALPHA

from ..common import first_names
from ._answers import MOST, gap, number, stable_words
from ._result import MUCH_MISSING, ElasticNetResult

OPTIMISM = 0.2  # r² in-sample less Q² from which a notice says so
SAME = 0.8  # share of left-out participants that must agree on α


def prediction_notices(result: ElasticNetResult) -> tuple[tuple[str, str], ...]:
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
    found = [line for line in (find_notice(result) for find_notice in chosen) if line is not None]
    if result.excluded:
        count = len(result.excluded)
        heading = "1 participant is" if count == 1 else f"{count} participants are"
        found.append((f"{heading} not in this model.", "; ".join(result.excluded)))
    return (*found, *(("Bear in mind.", line) for line in result.notices))


def _whole_sample(result: ElasticNetResult) -> tuple[str, str] | None:
    if not result.predictors.whole_sample:
        return None
    what = ", ".join(result.predictors.whole_sample)
    return ("The table was prepared over all participants.", f"{what}: whoever is left out has left a trace in it.")


def _optimism(result: ElasticNetResult) -> tuple[str, str] | None:
    if result.nested is None or result.in_sample.r_squared - result.nested.q_squared < OPTIMISM:
        return None
    return ("The fit in the sample is optimistic.", gap(result))


def _size(result: ElasticNetResult) -> tuple[str, str] | None:
    participants, terms = result.participants, len(result.names)
    if terms <= participants:
        return None
    text = f"{terms} for {participants} participants: noise alone can be fitted, and which are retained is uncertain."
    return ("More predictors than participants.", text)


def _missing(result: ElasticNetResult) -> tuple[str, str] | None:
    much = [int(i) for i in np.argsort(-result.missing, kind="stable") if result.missing[i] > MUCH_MISSING]
    if not much:
        return None
    columns = first_names([f"{result.predictors.columns[i].name} ({result.missing[i]:.0%})" for i in much], MOST)
    return (f"More than {MUCH_MISSING:.0%} of a column is filled in.", f"{columns}: what it says is partly a guess.")


def _unstable(result: ElasticNetResult) -> tuple[str, str] | None:
    loose = [i for i in result.retained if not result.stable(i)]
    if result.bootstrapped is None or not loose:
        return None
    shaken = result.bootstrapped
    predictors = first_names(
        [f"{result.labels[i]} ({shaken.bootstraps[i]:.0%}, {_percent(shaken.folds[i])})" for i in loose], MOST
    )
    return ("Retained, but not stable.", f"{predictors}. {stable_words(result)}")


def _alike(result: ElasticNetResult) -> tuple[str, str] | None:
    pairs = [
        f"{result.labels[i]} and {result.labels[other]} (r = {number(r)})"
        for i in result.retained
        for other, r in result.correlated_with(i)
        if other not in result.retained
    ]
    if not pairs:
        return None
    return (
        "A predictor that is not retained could stand for one that is.",
        f"{first_names(pairs, MOST)}: they are all but alike.",
    )


def _alpha(result: ElasticNetResult) -> tuple[str, str] | None:
    if result.nested is None:
        return None
    chosen, counts = np.unique(result.nested.alphas, return_counts=True)
    same = float(counts.max() / counts.sum())
    if same >= SAME:
        return None
    text = (
        f"Without one participant or another it is {chosen[0]:g} to {chosen[-1]:g}; no value is chosen in more than "
        f"{same:.0%} of cases."
    )
    return ("The choice of α depends on single participants.", text)


def _end_of_path(result: ElasticNetResult) -> tuple[str, str] | None:
    curve = result.in_sample.curve
    if curve.minimum < curve.penalties.size - 1 or curve.penalties.size == 1:
        return None
    text = (
        f"λ = {curve.penalties[-1]:.3g} is the least that was tried, or leaves nothing to explain: the model "
        "fits its participants as closely as it can."
    )
    return ("The least error is at the end of the path.", text)


def _unfinished(result: ElasticNetResult) -> tuple[str, str] | None:
    if not result.in_sample.unfinished:
        return None
    text = "They are among the smallest penalties, where predictors stand for each other."
    return (f"{result.in_sample.unfinished} models were not solved to the last digit.", text)


def _shuffles(result: ElasticNetResult) -> tuple[str, str] | None:
    if result.permutation is None or result.p_is_settled:
        return None
    test = result.permutation
    text = f"Infinitely many would give p between {test.low:.3f} and {test.high:.3f} (95 %)."
    undone = "it may not hold" if result.beats_chance else f"it may fall below {ALPHA:g}"
    return ("Too few shuffles to settle p.", f"{text} {undone[0].upper()}{undone[1:]}; shuffle more.")


def _percent(share: float) -> str:
    return f"{share:.0%}" if np.isfinite(share) else "–"
