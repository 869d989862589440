"""Predictions of a score from the measures, one folder for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..common import ProgressFactory, UsageError
from ..execution import Unit, UnitRecorder, Workers, WorkFunction
from ..measures import PARTICIPANT, SESSION
from ..page import save_report
from ..predict import (
    PredictOptions,
    fit_model,
    parse_factor,
    parse_formula,
    read_model_data,
    report_elastic_net,
    uses_arm,
)
from ..study import Prediction, Study
from ._result_paths import ResultPaths
from ._stage_runner import package_versions

STAGE = "predict"
PACKAGES = ("numpy", "scipy", "scikit-learn", "matplotlib")


@dataclass(frozen=True)
class PredictionJob:
    """One prediction: its options, and the folder of its results."""

    options: PredictOptions
    folder: Path


def prediction_units(study: Study, paths: ResultPaths) -> list[Unit]:
    """A unit for every prediction of the study."""
    return [_prediction_unit(name, settings, study, paths) for name, settings in study.predict.items()]


def _prediction_unit(name: str, settings: Prediction, study: Study, paths: ResultPaths) -> Unit:
    table = paths.measures
    recipe = {
        "prediction": settings.model_dump(mode="json"),
        "groups": [study.participants.group_column, *study.participants.group_names],
        "sessions": study.sessions.pair,
        "words": study.participants.group_word,
        **package_versions(*PACKAGES),
    }
    job = PredictionJob(prediction_options(settings, study, table), paths.prediction(name))
    return Unit(STAGE, name, recipe, (table, table.with_suffix(".json")), job)


def check_formulas(study: Study) -> list[str]:
    """A line for every formula of a prediction that cannot be read, or is of groups or sessions that there are not."""
    lines = []
    for name, settings in study.predict.items():
        try:
            outcome = parse_factor(settings.outcome, "outcome")
            terms = () if settings.formula is None else parse_formula(settings.formula)
        except UsageError as error:
            lines.append(f"[predict.{name}] {error}")
            continue
        groups = len(study.participants.group_names)
        if uses_arm(terms) and groups != 2:
            lines.append(f"[predict.{name}] formula: arm is of two groups, and the study has {groups or 'none'}")
        of_two = next((factor for term in (*terms, (outcome,)) for factor in term if factor.function), None)
        if of_two is not None and study.sessions.pair is None:
            has = "one session" if len(study.sessions.labels) == 1 else "no before and after under [sessions]"
            lines.append(f"[predict.{name}] {of_two.text} is of two sessions, and the study has {has}")
    return lines


def prediction_options(settings: Prediction, study: Study, table: Path) -> PredictOptions:
    """The options of `effconn predict` by which a study's table of measures is analysed."""
    groups = study.participants.group_names
    return PredictOptions(
        table=table,
        outcome=settings.outcome,
        model=settings.model,
        formula=settings.formula,
        measures=settings.measures,
        covariates=settings.covariates,
        participant=PARTICIPANT,
        session=SESSION if study.sessions.pair is not None else None,
        sessions=study.sessions.pair,
        arm=study.participants.group_column if len(groups) == 2 else None,
        arms=(groups[0], groups[1]) if len(groups) == 2 else None,
        group_word=study.participants.group_word,
        adjust_motion=settings.adjust_motion,
        imputation=settings.imputation,
        alphas=settings.alphas,
        folds=settings.folds,
        permutations=settings.permutations,
        bootstraps=settings.bootstraps,
        imputations=settings.imputations,
        seed=settings.seed,
        all_different=True,  # the participants' table tells whose sessions are whose
    )


def make_prediction_work(records: Path, workers: Workers, progress: ProgressFactory) -> WorkFunction:
    """The work function of this stage: it runs in this process, and has shuffles done by workers.

    Arguments:
        records: folder in which finished shuffles are kept.
    """

    def predict(units: Sequence[Unit], recorder: UnitRecorder) -> None:
        for unit in units:
            job: PredictionJob = unit.payload
            try:
                found = fit_model(read_model_data(job.options), job.options, records, workers, progress)
            except (UsageError, ValueError) as error:
                recorder.failed(unit, str(error))
            else:
                recorder.done(unit, save_report(report_elastic_net(found), job.folder))

    return predict
