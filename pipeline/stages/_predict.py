"""Predictions of a score from the measures, one folder for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..common import UsageError, release
from ..execution import Unit, UnitRecorder, Workers, WorkFunction
from ..measures import PARTICIPANT, SESSION
from ..page import store_delivery
from ..predict import PredictOptions, deliver_prediction, fit, model_of, parse_formula
from ..study import Prediction, Study
from ._layout import Layout
from ._options import Watch

STAGE = "predict"
PACKAGES = ("effconn", "numpy", "scipy", "scikit-learn", "matplotlib")


@dataclass(frozen=True)
class Predicting:
    """One prediction: what is asked of the table of measures, and where its results go."""

    options: PredictOptions
    folder: Path


def predict_units(study: Study, layout: Layout) -> list[Unit]:
    """A unit for every prediction of the study."""
    return [_unit(name, how, study, layout) for name, how in study.predict.items()]


def _unit(name: str, how: Prediction, study: Study, layout: Layout) -> Unit:
    table = layout.measures
    recipe = {
        "prediction": how.model_dump(mode="json"),
        "arm": [study.participants.arm, *study.participants.arms],
        "sessions": [study.sessions.before, study.sessions.after],
        **{package: release(package) for package in PACKAGES},
    }
    job = Predicting(options_of(how, study, table), layout.prediction(name))
    return Unit(STAGE, name, recipe, (table, table.with_suffix(".json")), job)


def check_formulas(study: Study) -> list[str]:
    """A line for every formula of a prediction that cannot be read."""
    lines = []
    for name, how in study.predict.items():
        try:
            for text in (how.formula, how.outcome):
                if text is not None:
                    parse_formula(text)
        except UsageError as error:
            lines.append(f"[predict.{name}] {error}")
    return lines


def options_of(how: Prediction, study: Study, table: Path) -> PredictOptions:
    """What a study asks of its table of measures, as `effconn predict` would be asked."""
    return PredictOptions(
        table=table,
        outcome=how.outcome,
        model=how.model,
        formula=how.formula,
        measures=how.measures,
        covariates=how.covariates,
        person=PARTICIPANT,
        session=SESSION,
        sessions=(study.sessions.before, study.sessions.after),
        arm=study.participants.arm,
        arms=study.participants.arms,
        adjust_motion=how.adjust_motion,
        imputation=how.imputation,
        alphas=how.alphas,
        folds=how.folds,
        permutations=how.permutations,
        bootstraps=how.bootstraps,
        imputations=how.imputations,
        seed=how.seed,
        all_different=True,  # whose sessions are whose is the participants' table's to say
    )


def predictor(records: Path, workers: Workers, watch: Watch) -> WorkFunction:
    """The work of this stage: in this process, with shuffles by workers.

    Arguments:
        records: folder in which finished shuffles are kept.
    """

    def predict(units: Sequence[Unit], recorder: UnitRecorder) -> None:
        for unit in units:
            job: Predicting = unit.payload
            try:
                found = fit(model_of(job.options), job.options, records, workers, watch)
            except (UsageError, ValueError) as error:
                recorder.failed(unit, str(error))
            else:
                recorder.done(unit, store_delivery(deliver_prediction(found), job.folder))

    return predict
