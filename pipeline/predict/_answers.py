"""What a prediction says in plain words: of participants the model has not seen, of its measures, and of the arms.

A model that fails is called open, never no: that these participants do not show it is no evidence that nothing
predicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from features import ArmSlopes
from peb import ALPHA

from ..common import first_names
from ..page import Answer
from ..tables import p_words, shuffled_p_cell, shuffled_p_words
from ..verdicts import RETAINED_SHARE, Verdict, is_significant, judge_prediction
from ._result import ElasticNetResult

MOST = 4  # measures that a sentence names


def answers(result: ElasticNetResult) -> tuple[Answer, ...]:
    """Whether the outcome is predicted, by which measures, and whether the arm matters where it is asked."""
    chosen = [_unseen(result), _measures(result)]
    return (*chosen, _arm(result)) if result.arm_terms else tuple(chosen)


def _unseen(result: ElasticNetResult) -> Answer:
    question = f"Can {result.outcome.name} be predicted in participants the model (elastic net) has not seen?"
    return Answer(question, prediction_verdict(result), _headline(result), (gap(result), _errors(result), size(result)))


def prediction_verdict(result: ElasticNetResult) -> Verdict:
    """Yes where left-out participants are predicted beyond chance, whatever more shuffles may show; else open."""
    if result.nested is None or result.permutation is None:
        return "open"
    return judge_prediction(result.nested.q_squared, result.permutation.p_value, result.p_is_settled)


def _headline(result: ElasticNetResult) -> str:
    if result.nested is None:
        return "Not tested: no participant was left out."
    reached = f"Q² {number(result.nested.q_squared)} in participants left out"
    if not result.nested.coefficients.any():
        return f"Not by this model: {reached}; without each of them it retains nothing and predicts the others' mean."
    if result.nested.q_squared <= 0:
        worse = "is worse than" if number(result.nested.q_squared) != "0.00" else "is no better than"
        also = _worse_still(result)
        return f"Not by this model: {reached} {worse} guessing the mean of the others{also}."
    if not result.retained and not result.beats_chance:
        return f"Not by this model: it retains nothing in all participants; {reached} is due to other choices in folds."
    if result.permutation is None:
        return f"Perhaps: {reached}, but how often chance does as well has not been tested."
    if not result.beats_chance:
        p = p_words(result.permutation.p_value)
        return f"Not beyond chance: {reached}, but shuffled outcomes are predicted as well too often ({p})."
    shuffles = shuffled_p_words(result.permutation.p_value, result.permutation.shuffles)
    return (
        f"{reached}, {shuffles}."
        if result.p_is_settled
        else f"Not settled: {reached}, {shuffles}; more of them could undo it."
    )


def _worse_still(result: ElasticNetResult) -> str:
    if result.permutation is None or not is_significant(result.permutation.p_value):
        return ""
    p = shuffled_p_words(result.permutation.p_value, result.permutation.shuffles)
    return f", though shuffled outcomes are predicted worse still ({p})"


def gap(result: ElasticNetResult) -> str:
    """The in-sample fit for what it is."""
    within = f"r² {number(result.in_sample.r_squared)} in the participants it was fitted to"
    if result.nested is None:
        return f"{within}: this says nothing about new patients."
    left_out = f"Q² {number(result.nested.q_squared)} in participants left out"
    return f"{within}, {left_out}: the first says nothing about new patients."


def _errors(result: ElasticNetResult) -> str:
    unit = f" {result.outcome.unit}" if result.outcome.unit else ""
    if result.nested is None:
        return f"The mean of the others, as everybody's guess, is off by {result.error_of_mean:.3g}{unit} on average."
    return (
        f"Participants left out are off by {result.nested.mean_absolute_error:.3g}{unit} on average; "
        f"by {result.error_of_mean:.3g}{unit} where the mean of the others is the guess."
    )


def size(result: ElasticNetResult) -> str:
    """What the answer rests on."""
    participants, terms = result.participants, len(result.names)
    text = f"{participants} participants, {terms} {'predictor' if terms == 1 else 'predictors'}"
    text += ": more predictors than participants" if terms > participants else ""
    used = [i for i, column in enumerate(result.predictors.columns) if column.role in ("measure", "covariate")]
    share = float(result.missing[used].mean()) if used else 0.0
    return f"{text}; {share:.1%} of the values were missing and filled in." if share else f"{text}; no value missing."


def _measures(result: ElasticNetResult) -> Answer:
    question = f"Which measures are associated with {result.outcome.name}?"
    kept = [place for place in result.retained if place not in result.without_measure]
    if not kept:
        return Answer(question, "open", "The model retains none of them.", _doubts(result))
    stable = [place for place in kept if result.stable(place)]
    loose = [place for place in kept if not result.stable(place)]
    if result.bootstrapped is None:
        return Answer(
            question,
            "open",
            f"Retained: {_named(result, loose)}.",
            ("No bootstraps were drawn to see whether these stay when the participants change.", *_doubts(result)),
        )
    if result.nested is not None and result.nested.q_squared <= 0:
        unsure = "Not interpretable, as left-out participants are not predicted. Retained nonetheless"
        headline = f"{unsure}: {_named(result, kept)}."
        return Answer(question, "open", headline, _doubts(result)[1:])
    if not stable:
        less = f"None stable of {len(result.names)} predictors; retained nonetheless: {_named(result, loose)}."
        return Answer(question, "open", less, (stable_words(result), *_doubts(result)))
    also = [f"Retained, but not stable: {_named(result, loose)}."] if loose else []
    headline = (
        f"Stable, of {len(result.names)} predictors: {_named(result, stable)}; these, or what is correlated with them."
    )
    if _of_some(result) == "open":
        headline = f"It is uncertain whether left-out participants are predicted. {headline}"
    return Answer(question, _of_some(result), headline, (*also, stable_words(result), *_doubts(result)))


def _of_some(result: ElasticNetResult) -> Verdict:
    """Of predictors that are stable: only where the model as a whole predicts participants left out."""
    return prediction_verdict(result)


def stable_words(result: ElasticNetResult) -> str:
    """What stable means."""
    within = result.within_groups
    return (
        f"Stable: retained in {RETAINED_SHARE:.0%} of the bootstraps and folds or more, and |r|{within} beats the "
        f"largest of all predictors where outcomes are shuffled{within} (p ≤ {ALPHA:g}). What is correlated with such "
        "a measure may be what counts."
    )


def _doubts(result: ElasticNetResult) -> tuple[str, ...]:
    """Why the model's choice may be chance's."""
    lines = []
    if not result.beats_chance:
        lines.append(
            "As left-out participants are not predicted beyond chance, which measures are retained may be chance too."
        )
    others = [i for i in range(len(result.names)) if i not in result.retained]
    if result.bootstrapped is not None and others:
        share = float(np.median(result.bootstrapped.bootstraps[others]))
        lines.append(f"For comparison: a predictor that is not retained is in {share:.0%} of the bootstraps (median).")
    if other_terms := [i for i in result.retained if i in result.without_measure]:
        lines.append(f"Also retained, and not a measure: {_named(result, other_terms)}.")
    return tuple(lines)


def _arm(result: ElasticNetResult) -> Answer:
    group = result.group_word
    question = f"Does the {group} change which measures are associated with {result.outcome.name}?"
    kept = [place for place in result.retained if place in result.arm_terms]
    if not kept:
        none = f"No product of the {group} and a measure is retained."
        return Answer(question, "open", none, _slope_lines(result, kept))
    beyond = [place for place in kept if _beyond_zero(result, place)]
    sure = [place for place in beyond if result.stable(place)]
    answer: Verdict = _of_some(result) if sure else "open"
    products = "1 product" if len(kept) == 1 else f"{len(kept)} products"
    headline = f"{products} with the {group} {'is' if len(kept) == 1 else 'are'} retained: {_named(result, kept)}."
    if not sure and result.bootstrapped is not None:
        them = "it" if len(kept) == 1 else "them"
        seldom = "What the bootstraps distinguish from zero is not stable"
        headline += f" {seldom}." if beyond else f" The bootstraps do not distinguish {them} from zero."
    return Answer(question, answer, headline, _slope_lines(result, kept))


def _slope_lines(result: ElasticNetResult, kept: Sequence[int]) -> tuple[str, ...]:
    measures = [name for place in kept for name in result.predictors.terms[place]]
    chosen = [slopes for slopes in result.slopes if slopes.measure in measures][:MOST]
    lines = [_slope_words(result, slopes) for slopes in chosen]
    if chosen:
        lines.append("These intervals do not allow for how the measure was chosen among others.")
    return tuple(lines)


def _slope_words(result: ElasticNetResult, slopes: ArmSlopes) -> str:
    unit = result.outcome.unit or result.outcome.name
    each = [
        f"{arm} {_short(slope)} [{_short(low)}, {_short(high)}]"
        for arm, slope, low, high in zip(slopes.arms, slopes.slope, slopes.low, slopes.high, strict=True)
    ]
    return f"{slopes.measure}: {', '.join(each)} {unit} per unit (95 % intervals)."


def _beyond_zero(result: ElasticNetResult, place: int) -> bool:
    return result.bootstrapped is not None and bool(
        result.bootstrapped.low[place] > 0 or result.bootstrapped.high[place] < 0
    )


def _named(result: ElasticNetResult, places: Iterable[int]) -> str:
    """Predictors with their coefficients, the largest first; how many more there are."""
    return first_names([f"{result.labels[i]} ({_per_sd(result, i)})" for i in places], MOST)


def _per_sd(result: ElasticNetResult, place: int) -> str:
    text = f"{result.in_sample.coefficients[place]:+.3g}".replace("-", "−")
    text += f" {result.outcome.unit}" if result.outcome.unit else ""
    if result.bootstrapped is None:
        return f"{text} per SD"
    folds = result.bootstrapped.folds[place]
    often = f"{result.bootstrapped.bootstraps[place]:.0%} of bootstraps"
    often += f", {folds:.0%} of folds" if np.isfinite(folds) else ""
    within = result.bootstrapped.within
    if within is not None and np.isfinite(within.p_value[place]):
        cell = shuffled_p_cell(float(within.p_value[place]), within.shuffles)
        often += f", p {cell if cell[0] in '<≤' else f'= {cell}'}{result.within_groups}"
    return f"{text} per SD, {often}"


def number(value: float) -> str:
    """Two decimals, three digits where it is large; a true minus, none where it rounds to zero."""
    text = (f"{value:.2f}" if abs(value) < 10 else f"{value:.3g}").replace("-", "−")
    return text if text.strip("−0.") else text.lstrip("−")


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−") if np.isfinite(value) else "?"
