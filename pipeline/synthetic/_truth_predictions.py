"""Whether predictions retained what was planted and predicted people left out: an answer for each, and a table."""

from __future__ import annotations

from typing import Any

from ..figures import signed
from ..page import EFFECT, Answer, Column, Records
from ..tables import shuffled_p_words
from ..verdicts import Verdict, judge_prediction
from ._retained import Predicted, Retained
from ._truth import Truth

_SHARE = ".0%"


def prediction_answers(predictions: tuple[Predicted, ...]) -> tuple[Answer, ...]:
    """One for each prediction: of those that were given something planted, whether it was found; of others, that
    nothing was."""
    return tuple(_found(one) if one.planted else _nothing_planted(one) for one in predictions)


def predictor_records(truth: Truth, predictions: tuple[Predicted, ...]) -> Records:
    """One row a planted predictor of a prediction, retained or not."""
    columns = (
        Column("prediction", "Prediction"),
        Column("predictor", "Planted predictor"),
        Column("quantity", "Planted in", where="file"),
        *(Column(f"slope_{arm}", f"Planted, {arm}", EFFECT) for arm in truth.arms),
        Column("unit", "Unit"),
        Column("retained", "Retained"),
        Column("coefficient", "Points per SD", EFFECT),
        Column("right", "Sign right"),
        Column("folds", "In folds", _SHARE),
        Column("bootstraps", "In bootstraps", _SHARE),
    )
    rows = [_row(truth, one, predictor) for one in predictions for predictor in one.planted]
    lead = (
        "Planted: change per point of improvement. Interactions of gPPI are not what was planted but show it: their "
        "slopes are those of the connection (B) that made them, and one of two that say the same may stand for both."
    )
    marked = frozenset(i for i, row in enumerate(rows) if row["right"] == "no")
    everyone = [predictor for one in predictions for predictor in one.planted]
    sure = frozenset(i for i, predictor in enumerate(everyone) if predictor.right and predictor.stable)
    return Records("truth-predictors", "Predictors: retained and planted", lead, columns, rows, marked, sure)


def _row(truth: Truth, one: Predicted, predictor: Retained) -> dict[str, Any]:
    planted, right = predictor.planted, predictor.right
    return {
        "prediction": one.name,
        "predictor": predictor.term,
        "quantity": planted.quantity,
        **{f"slope_{arm}": planted.slopes[arm] for arm in truth.arms},
        "unit": f"{planted.unit} per point",
        "retained": "no" if right is None else "yes",
        "coefficient": predictor.coefficient,
        "right": "–" if right is None else "yes" if right else "no",
        "folds": predictor.folds,
        "bootstraps": predictor.bootstraps,
    }


def _found(one: Predicted) -> Answer:
    there = [effect for effect, found in one.effects.items() if found]
    absent = [effect for effect, found in one.effects.items() if not found]
    headline = f"{len(there)} of {len(one.effects)} planted effects found with the right sign; {_quality(one)}."
    details = [f"Found: {', '.join(there)}."] if there else []
    details += [f"Not found: {', '.join(absent)}."] if absent else []
    if one.unstable:
        details.append(f"Retained, but not stable: {_terms(one.unstable)}.")
    details += [f"Retained with the wrong sign: {_terms(one.wrong)}."] if one.wrong else []
    question = f"Does the prediction “{one.name}” retain what was planted?"
    return Answer(question, _verdict(one), headline, (*details, _others(one)))


def _terms(predictors: tuple[Retained, ...]) -> str:
    return ", ".join(one.term for one in predictors)


def _verdict(one: Predicted) -> Verdict:
    """Yes where all of it is found and people left out are predicted, partly where some of it is; no where signs are
    the wrong way round; else the data do not tell."""
    there = sum(one.effects.values())
    predicted = one.q_squared is not None and one.q_squared > 0
    if there == len(one.effects) and predicted and not one.wrong:
        return "yes"
    if len(one.wrong) > there:
        return "no"
    return "partly" if there else "open"


def _nothing_planted(one: Predicted) -> Answer:
    """Where there is nothing to find, predicting nobody is right."""
    predicted = one.q_squared is not None and one.q_squared > 0
    beyond = one.p_value is not None and judge_prediction(one.q_squared or 0.0, one.p_value) == "yes"
    verdict: Verdict = "no" if beyond else "open" if predicted or one.q_squared is None else "yes"
    return Answer(
        f"Does the prediction “{one.name}”, for which nothing was planted, rightly predict nobody?",
        verdict,
        f"{_quality(one, capital=True)}.",
        (_others(one), f"r² of the same model in the people it was fitted to: {one.r_squared:.2f}."),
    )


def _quality(one: Predicted, capital: bool = False) -> str:
    if one.q_squared is None:
        return "Nobody was left out" if capital else "nobody was left out"
    start = "People" if capital else "people"
    chance = ""
    if one.p_value is not None and one.shuffles is not None:
        chance = f" ({shuffled_p_words(one.p_value, one.shuffles)})"
    return f"{start} left out are predicted with Q² = {signed(one.q_squared)}{chance}"


def _others(one: Predicted) -> str:
    if not one.others:
        return "Every predictor that it was given was planted."
    return f"Of {one.others} predictors that were not planted it retains {one.others_retained}."
