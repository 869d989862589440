"""What a prediction says in plain words: of people the model has not seen, of its measures, and of the arms.

A model that fails is called open, never no: that these people do not show it is no evidence that nothing predicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from features import ArmSlopes
from peb import SURE

from ..common import first_names
from ..page import Answer
from ..tables import p_words, shuffled_p_cell, shuffled_p_words
from ..verdicts import RETAINED, Verdict, has_passed, judge_prediction
from ._performance import is_predicted, is_settled, off_by_mean
from ._result import Prediction

MOST = 4  # measures that a sentence names


def answers(found: Prediction) -> tuple[Answer, ...]:
    """Whether the outcome is predicted, by which measures, and whether the arm matters where it is asked."""
    chosen = [_unseen(found), _measures(found)]
    return (*chosen, _arm(found)) if found.arm_terms else tuple(chosen)


def _unseen(found: Prediction) -> Answer:
    question = f"Can {found.outcome.name} be predicted in people the model (elastic net) has not seen?"
    return Answer(question, verdict(found), _headline(found), (gap(found), _errors(found), size(found)))


def verdict(found: Prediction) -> Verdict:
    """Yes where left-out people are predicted beyond chance, whatever more shuffles may show; else open."""
    if found.nested is None or found.chance is None:
        return "open"
    return judge_prediction(found.nested.q_squared, found.chance.p_value, is_settled(found))


def _headline(found: Prediction) -> str:
    if found.nested is None:
        return "Not tested: nobody was left out of all that the model is made from."
    reached = f"Q² {number(found.nested.q_squared)} in people left out"
    if not found.nested.coefficients.any():
        return f"Not by this model: {reached}; without each of them it retains nothing and predicts the others' mean."
    if found.nested.q_squared <= 0:
        worse = "is worse than" if number(found.nested.q_squared) != "0.00" else "is no better than"
        also = _worse_still(found)
        return f"Not by this model: {reached} {worse} guessing the mean of the others{also}."
    if not found.retained and not is_predicted(found):
        return f"Not by this model: it retains nothing of all people; {reached} comes of other choices without some."
    if found.chance is None:
        return f"Perhaps: {reached}, but how often chance does as well has not been tested."
    if not is_predicted(found):
        p = p_words(found.chance.p_value)
        return f"Not beyond chance: {reached}, but shuffled outcomes are predicted as well too often ({p})."
    shuffles = shuffled_p_words(found.chance.p_value, found.chance.shuffles)
    return (
        f"{reached}, {shuffles}."
        if is_settled(found)
        else f"Not settled: {reached}, {shuffles}; more of them could undo it."
    )


def _worse_still(found: Prediction) -> str:
    if found.chance is None or not has_passed(found.chance.p_value):
        return ""
    p = shuffled_p_words(found.chance.p_value, found.chance.shuffles)
    return f", though shuffled outcomes are predicted worse still ({p})"


def gap(found: Prediction) -> str:
    """The in-sample fit for what it is."""
    within = f"r² {number(found.published.r_squared)} in the people it was fitted to"
    if found.nested is None:
        return f"{within}: this says nothing about new patients."
    left_out = f"Q² {number(found.nested.q_squared)} in people left out"
    return f"{within}, {left_out}: the first says nothing about new patients."


def _errors(found: Prediction) -> str:
    unit = f" {found.outcome.unit}" if found.outcome.unit else ""
    if found.nested is None:
        return f"The mean of the others, as everybody's guess, is off by {off_by_mean(found):.3g}{unit} on average."
    return (
        f"People left out are off by {found.nested.mean_absolute_error:.3g}{unit} on average; "
        f"by {off_by_mean(found):.3g}{unit} where the mean of the others is the guess."
    )


def size(found: Prediction) -> str:
    """What the answer rests on."""
    people, terms = found.people, len(found.names)
    text = f"{people} people, {terms} {'predictor' if terms == 1 else 'predictors'}"
    text += ": more predictors than people" if terms > people else ""
    used = [i for i, column in enumerate(found.predictors.columns) if column.role in ("measure", "covariate")]
    share = float(found.missing[used].mean()) if used else 0.0
    return f"{text}; {share:.1%} of the values were missing and filled in." if share else f"{text}; no value missing."


def _measures(found: Prediction) -> Answer:
    question = f"Which measures go with {found.outcome.name}?"
    kept = [place for place in found.retained if place not in found.beside]
    if not kept:
        return Answer(question, "open", "The model retains none of them.", _doubts(found))
    stable = [place for place in kept if found.stable(place)]
    loose = [place for place in kept if not found.stable(place)]
    if found.shaken is None:
        return Answer(
            question,
            "open",
            f"Retained: {_named(found, loose)}.",
            ("No bootstraps were drawn to see whether these stay when the people change.", *_doubts(found)),
        )
    if found.nested is not None and found.nested.q_squared <= 0:
        headline = f"Nothing to go by, as nobody unseen is predicted. Retained all the same: {_named(found, kept)}."
        return Answer(question, "open", headline, _doubts(found)[1:])
    if not stable:
        less = f"None stable of {len(found.names)} asked; retained all the same: {_named(found, loose)}."
        return Answer(question, "open", less, (stable_words(found), *_doubts(found)))
    also = [f"Retained, but not stable: {_named(found, loose)}."] if loose else []
    headline = (
        f"Stable, of {len(found.names)} predictors asked: {_named(found, stable)}; these, or what goes with them."
    )
    if _of_some(found) == "open":
        headline = f"It is not sure that anybody unseen is predicted. {headline}"
    return Answer(question, _of_some(found), headline, (*also, stable_words(found), *_doubts(found)))


def _of_some(found: Prediction) -> Verdict:
    """Of predictors that are stable: only where the model as a whole predicts people left out."""
    return verdict(found)


def stable_words(found: Prediction) -> str:
    """What stable means."""
    shuffled = "shuffled within arms" if found.has_arms else "shuffled"
    r = "|r| within arms" if found.has_arms else "|r|"
    return (
        f"Stable: retained in {RETAINED:.0%} of the bootstraps and folds or more, and {r} beats the largest of all "
        f"predictors where outcomes are {shuffled} (p ≤ {SURE:g}). What is correlated with such a measure may be what "
        "counts."
    )


def _doubts(found: Prediction) -> tuple[str, ...]:
    """Why the model's choice may be chance's."""
    lines = []
    if not is_predicted(found):
        lines.append("As nobody unseen is predicted beyond chance, which measures the model retains may be chance too.")
    others = [i for i in range(len(found.names)) if i not in found.retained]
    if found.shaken is not None and others:
        share = float(np.median(found.shaken.bootstraps[others]))
        lines.append(f"For comparison: a predictor that is not retained is in {share:.0%} of the bootstraps (median).")
    if beside := [i for i in found.retained if i in found.beside]:
        lines.append(f"Retained too, and no measure: {_named(found, beside)}.")
    return tuple(lines)


def _arm(found: Prediction) -> Answer:
    question = f"Does the arm change which measures go with {found.outcome.name}?"
    kept = [place for place in found.retained if place in found.arm_terms]
    if not kept:
        return Answer(question, "open", "No product of the arm and a measure is retained.", _slope_lines(found, kept))
    beyond = [place for place in kept if _beyond_zero(found, place)]
    sure = [place for place in beyond if found.stable(place)]
    told: Verdict = _of_some(found) if sure else "open"
    products = "1 product" if len(kept) == 1 else f"{len(kept)} products"
    headline = f"{products} with the arm {'is' if len(kept) == 1 else 'are'} retained: {_named(found, kept)}."
    if not sure and found.shaken is not None:
        them = "it" if len(kept) == 1 else "them"
        seldom = "What the bootstraps tell from zero is not stable"
        headline += f" {seldom}." if beyond else f" The bootstraps do not tell {them} from zero."
    return Answer(question, told, headline, _slope_lines(found, kept))


def _slope_lines(found: Prediction, kept: Sequence[int]) -> tuple[str, ...]:
    measures = [name for place in kept for name in found.predictors.terms[place]]
    chosen = [one for one in found.slopes if one.measure in measures][:MOST]
    lines = [_slope_words(found, one) for one in chosen]
    if chosen:
        lines.append("These intervals do not allow for how the measure was chosen among others.")
    return tuple(lines)


def _slope_words(found: Prediction, one: ArmSlopes) -> str:
    unit = found.outcome.unit or found.outcome.name
    each = [
        f"{arm} {_short(slope)} [{_short(low)}, {_short(high)}]"
        for arm, slope, low, high in zip(one.arms, one.slope, one.low, one.high, strict=True)
    ]
    return f"{one.measure}: {', '.join(each)} {unit} per unit (95 % intervals)."


def _beyond_zero(found: Prediction, place: int) -> bool:
    return found.shaken is not None and bool(found.shaken.low[place] > 0 or found.shaken.high[place] < 0)


def _named(found: Prediction, places: Iterable[int]) -> str:
    """Predictors with their coefficients, the largest first; how many more there are."""
    return first_names([f"{found.names[i]} ({_per_sd(found, i)})" for i in places], MOST)


def _per_sd(found: Prediction, place: int) -> str:
    text = f"{found.published.coefficients[place]:+.3g}".replace("-", "−")
    text += f" {found.outcome.unit}" if found.outcome.unit else ""
    if found.shaken is None:
        return f"{text} per SD"
    folds = found.shaken.folds[place]
    often = f"{found.shaken.bootstraps[place]:.0%} of bootstraps"
    often += f", {folds:.0%} of folds" if np.isfinite(folds) else ""
    within = found.shaken.within
    if within is not None and np.isfinite(within.p_value[place]):
        where = " within arms" if found.has_arms else ""
        cell = shuffled_p_cell(float(within.p_value[place]), within.shuffles)
        often += f", p {cell if cell[0] in '<≤' else f'= {cell}'}{where}"
    return f"{text} per SD, {often}"


def number(value: float) -> str:
    """Two decimals, three digits where it is large; a true minus, none where it rounds to zero."""
    text = (f"{value:.2f}" if abs(value) < 10 else f"{value:.3g}").replace("-", "−")
    return text if text.strip("−0.") else text.lstrip("−")


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−") if np.isfinite(value) else "?"
