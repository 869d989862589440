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
    return tuple(
        _found(prediction) if prediction.planted else _nothing_planted(prediction) for prediction in predictions
    )


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
    rows = [_row(truth, prediction, predictor) for prediction in predictions for predictor in prediction.planted]
    lead = (
        "Planted: change per point of improvement. Interactions of gPPI are not what was planted but show it: their "
        "slopes are those of the connection (B) that made them, and one of two that say the same may stand for both."
    )
    marked = frozenset(i for i, row in enumerate(rows) if row["right"] == "no")
    everyone = [predictor for prediction in predictions for predictor in prediction.planted]
    sure = frozenset(i for i, predictor in enumerate(everyone) if predictor.right and predictor.stable)
    return Records("truth-predictors", "Predictors: retained and planted", lead, columns, rows, marked, sure)


def _row(truth: Truth, prediction: Predicted, predictor: Retained) -> dict[str, Any]:
    planted, right = predictor.planted, predictor.right
    return {
        "prediction": prediction.name,
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


def _found(prediction: Predicted) -> Answer:
    there = [effect for effect, found in prediction.effects.items() if found]
    absent = [effect for effect, found in prediction.effects.items() if not found]
    headline = (
        f"{len(there)} of {len(prediction.effects)} planted effects found with the right sign; {_quality(prediction)}."
    )
    details = [f"Found: {', '.join(there)}."] if there else []
    details += [f"Not found: {', '.join(absent)}."] if absent else []
    if prediction.unstable:
        details.append(f"Retained, but not stable: {_terms(prediction.unstable)}.")
    details += [f"Retained with the wrong sign: {_terms(prediction.wrong)}."] if prediction.wrong else []
    question = f"Does the prediction “{prediction.name}” retain what was planted?"
    return Answer(question, _verdict(prediction), headline, (*details, _others(prediction)))


def _terms(predictors: tuple[Retained, ...]) -> str:
    return ", ".join(predictor.term for predictor in predictors)


def _verdict(prediction: Predicted) -> Verdict:
    """Yes where all of it is found and people left out are predicted, partly where some of it is; no where signs are
    the wrong way round; else the data do not tell."""
    there = sum(prediction.effects.values())
    predicted = prediction.q_squared is not None and prediction.q_squared > 0
    if there == len(prediction.effects) and predicted and not prediction.wrong:
        return "yes"
    if len(prediction.wrong) > there:
        return "no"
    return "partly" if there else "open"


def _nothing_planted(prediction: Predicted) -> Answer:
    """Where there is nothing to find, predicting nobody is right."""
    predicted = prediction.q_squared is not None and prediction.q_squared > 0
    beyond = (
        prediction.p_value is not None and judge_prediction(prediction.q_squared or 0.0, prediction.p_value) == "yes"
    )
    verdict: Verdict = "no" if beyond else "open" if predicted or prediction.q_squared is None else "yes"
    return Answer(
        f"Does the prediction “{prediction.name}”, for which nothing was planted, rightly predict nobody?",
        verdict,
        f"{_quality(prediction, capital=True)}.",
        (_others(prediction), f"r² of the same model in the people it was fitted to: {prediction.r_squared:.2f}."),
    )


def _quality(prediction: Predicted, capital: bool = False) -> str:
    if prediction.q_squared is None:
        return "Nobody was left out" if capital else "nobody was left out"
    start = "People" if capital else "people"
    chance = ""
    if prediction.p_value is not None and prediction.shuffles is not None:
        chance = f" ({shuffled_p_words(prediction.p_value, prediction.shuffles)})"
    return f"{start} left out are predicted with Q² = {signed(prediction.q_squared)}{chance}"


def _others(prediction: Predicted) -> str:
    if not prediction.others:
        return "Every predictor that it was given was planted."
    return f"Of {prediction.others} predictors that were not planted it retains {prediction.others_retained}."
