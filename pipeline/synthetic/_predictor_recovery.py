"""Whether predictions retained the planted predictors and predicted left-out participants: answers and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..figures import signed_number
from ..page import EFFECT, AnalysisReport, Answer, Column, Records
from ..tables import shuffled_p_words
from ..verdicts import Verdict, judge_prediction
from ._planted_effects import PlantedMeasure
from ._planted_truth import PlantedTruth


@dataclass(frozen=True)
class PlantedPredictor:
    """One planted predictor of a prediction.

    Fields:
        term: as the prediction calls it, such as ``arm × change(x)``.
        planted: the measure that it is of.
        sign: what its coefficient should have, +1 or −1.
        coefficient: of the model of all participants, per standard deviation; 0 where it is not retained.
        folds, bootstraps: share of those that retain it; None where there are none.
        called_stable: whether the prediction calls it stable; None where no bootstraps were drawn.
    """

    term: str
    planted: PlantedMeasure
    sign: float
    coefficient: float
    folds: float | None
    bootstraps: float | None
    called_stable: bool | None = None

    @property
    def sign_is_right(self) -> bool | None:
        """Whether it has the sign it should have; None where it is not retained."""
        return None if self.coefficient == 0 else self.coefficient * self.sign > 0

    @property
    def stable(self) -> bool:
        """Whether the prediction calls it stable, where it was asked."""
        return self.called_stable is not False


@dataclass(frozen=True, eq=False)
class PredictionRecovery:
    """A prediction of the study, compared with the truth.

    Fields:
        name: in the configuration.
        planted: predictors that were planted, in the order of the truth.
        others: how many more predictors it had.
        others_retained: how many of these it retained.
        r_squared: in the sample.
        q_squared: of participants left out of every step; None where none was.
        p_value, shuffles: of Q², and by how many shuffles; None where nothing was shuffled.
    """

    name: str
    planted: tuple[PlantedPredictor, ...]
    others: int
    others_retained: int
    r_squared: float
    q_squared: float | None
    p_value: float | None
    shuffles: int | None

    @property
    def effects(self) -> Mapping[str, bool]:
        """Planted effect → whether a predictor that shows it was retained with the right sign, and stably so."""
        found: dict[str, bool] = {}
        for predictor in self.planted:
            found[predictor.planted.effect] = found.get(predictor.planted.effect, False) or (
                bool(predictor.sign_is_right) and predictor.stable
            )
        return found

    @property
    def unstable(self) -> tuple[PlantedPredictor, ...]:
        """Retained with the right sign, but not in most resamples of the participants."""
        return tuple(predictor for predictor in self.planted if predictor.sign_is_right and not predictor.stable)

    @property
    def wrong(self) -> tuple[PlantedPredictor, ...]:
        """Retained with the sign that they should not have."""
        return tuple(predictor for predictor in self.planted if predictor.sign_is_right is False)


def recover_predictors(
    truth: PlantedTruth, predictions: Mapping[str, AnalysisReport]
) -> tuple[PredictionRecovery, ...]:
    """Every prediction; one whose tables are not as expected is left out."""
    return tuple(
        _prediction_recovery(truth, name, report, rows)
        for name, report in predictions.items()
        if (rows := _predictor_rows(report))
    )


def _prediction_recovery(
    truth: PlantedTruth, name: str, report: AnalysisReport, rows: Mapping[str, Mapping[str, Any]]
) -> PredictionRecovery:
    planted = tuple(_planted_predictors(truth, rows))
    known = {predictor.term for predictor in planted}
    others = [row for term, row in rows.items() if term not in known]
    nested, chance = (report.summary.get(part) or {} for part in ("nested", "chance"))
    return PredictionRecovery(
        name,
        planted,
        len(others),
        sum(row["coefficient"] != 0 for row in others),
        float(report.summary["published"]["r_squared"]),
        nested.get("q_squared"),
        chance.get("p_value"),
        chance.get("shuffles"),
    )


def _planted_predictors(truth: PlantedTruth, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[PlantedPredictor]:
    """Those of the planted predictors that the prediction was given."""
    for predictor in truth.measures:
        for term, sign in predictor.predictor_signs(truth.arms).items():
            if term in rows:
                row = rows[term]
                yield PlantedPredictor(
                    term,
                    predictor,
                    sign,
                    float(row["coefficient"]),
                    _share(row["folds"]),
                    _share(row["bootstraps"]),
                    {"yes": True, "no": False}.get(str(row.get("stable"))),
                )


def _predictor_rows(report: AnalysisReport) -> dict[str, Mapping[str, Any]]:
    """Predictor → its row; none where there is no such table."""
    tables = [records for records in report.records if records.name == "predictors"]
    return {row["predictor"]: row for records in tables for row in records.rows}


def _share(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


_SHARE = ".0%"


def prediction_answers(predictions: tuple[PredictionRecovery, ...]) -> tuple[Answer, ...]:
    """One for each prediction: of those that were given something planted, whether it was found; of others, that
    nothing was."""
    return tuple(
        _planted_answer(prediction) if prediction.planted else _nothing_planted_answer(prediction)
        for prediction in predictions
    )


def predictor_records(truth: PlantedTruth, predictions: tuple[PredictionRecovery, ...]) -> Records:
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
    rows = [
        _predictor_row(truth, prediction, predictor) for prediction in predictions for predictor in prediction.planted
    ]
    lead = (
        "Planted: change per point of improvement. Interactions of gPPI are not what was planted but show it: their "
        "slopes are those of the connection (B) that made them, and one of two that say the same may stand for both."
    )
    marked = frozenset(i for i, row in enumerate(rows) if row["right"] == "no")
    everyone = [predictor for prediction in predictions for predictor in prediction.planted]
    sure = frozenset(i for i, predictor in enumerate(everyone) if predictor.sign_is_right and predictor.stable)
    return Records("truth-predictors", "Predictors: retained and planted", lead, columns, rows, marked, sure)


def _predictor_row(truth: PlantedTruth, prediction: PredictionRecovery, predictor: PlantedPredictor) -> dict[str, Any]:
    planted, right = predictor.planted, predictor.sign_is_right
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


def _planted_answer(prediction: PredictionRecovery) -> Answer:
    recovered = [effect for effect, found in prediction.effects.items() if found]
    missed = [effect for effect, found in prediction.effects.items() if not found]
    count = f"{len(recovered)} of {len(prediction.effects)}"
    headline = f"{count} planted effects recovered with the right sign; {_quality_wording(prediction)}."
    details = [f"Recovered: {', '.join(recovered)}."] if recovered else []
    details += [f"Not recovered: {', '.join(missed)}."] if missed else []
    if prediction.unstable:
        details.append(f"Retained, but not stable: {_term_list(prediction.unstable)}.")
    details += [f"Retained with the wrong sign: {_term_list(prediction.wrong)}."] if prediction.wrong else []
    question = f"Does the prediction “{prediction.name}” retain the planted predictors?"
    return Answer(question, _verdict(prediction), headline, (*details, _others_wording(prediction)))


def _term_list(predictors: tuple[PlantedPredictor, ...]) -> str:
    return ", ".join(predictor.term for predictor in predictors)


def _verdict(prediction: PredictionRecovery) -> Verdict:
    """Yes where all effects are recovered and left-out participants are predicted, partly where some are; no where
    signs are wrong; else open."""
    recovered = sum(prediction.effects.values())
    predicted = prediction.q_squared is not None and prediction.q_squared > 0
    if recovered == len(prediction.effects) and predicted and not prediction.wrong:
        return "yes"
    if len(prediction.wrong) > recovered:
        return "no"
    return "partly" if recovered else "open"


def _nothing_planted_answer(prediction: PredictionRecovery) -> Answer:
    """Where there is nothing to find, predicting no outcome is right."""
    predicted = prediction.q_squared is not None and prediction.q_squared > 0
    beyond = (
        prediction.p_value is not None and judge_prediction(prediction.q_squared or 0.0, prediction.p_value) == "yes"
    )
    verdict: Verdict = "no" if beyond else "open" if predicted or prediction.q_squared is None else "yes"
    return Answer(
        f"Does the prediction “{prediction.name}”, for which nothing was planted, correctly predict no outcome?",
        verdict,
        f"{_quality_wording(prediction, capital=True)}.",
        (
            _others_wording(prediction),
            f"r² of the same model in the participants it was fitted to: {prediction.r_squared:.2f}.",
        ),
    )


def _quality_wording(prediction: PredictionRecovery, capital: bool = False) -> str:
    if prediction.q_squared is None:
        return "No participant was left out" if capital else "no participant was left out"
    start = "Left-out" if capital else "left-out"
    chance = ""
    if prediction.p_value is not None and prediction.shuffles is not None:
        chance = f" ({shuffled_p_words(prediction.p_value, prediction.shuffles)})"
    return f"{start} participants are predicted with Q² = {signed_number(prediction.q_squared)}{chance}"


def _others_wording(prediction: PredictionRecovery) -> str:
    if not prediction.others:
        return "Every predictor of this model was planted."
    return f"Of {prediction.others} predictors that were not planted it retains {prediction.others_retained}."
