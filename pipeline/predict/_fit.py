"""A model of a table, from tuning to chance."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from features import (
    ArmSlopes,
    Chance,
    FeatureError,
    Folds,
    Nested,
    Published,
    Stability,
    Tuning,
    arm_slopes,
    coarse,
    default_folds,
    groups_of,
    imputed_retention,
    make_folds,
    nested,
    published,
    stability,
)

from ..common import UsageError
from ..execution import Workers
from ._model import Model
from ._options import PredictOptions
from ._result import Prediction, Settings
from ._shuffles import Shuffling, Watch, shuffle


def fit(model: Model, options: PredictOptions, records: Path, workers: Workers, watch: Watch) -> Prediction:
    """The published model, what the same procedure is worth in people left out, and how often chance does as well.

    Arguments:
        model: predictors and outcome.
        options: how.
        records: folder in which finished shuffles are kept, so that a killed run goes on where it stopped.
        workers: who shuffles.
        watch: a context manager that is told how far a piece of work is.

    Raises `UsageError` where the table cannot be tuned on.
    """
    try:
        with threadpool_limits(limits=1):  # small matrices, and the same last digits whatever the number of cores
            return _fit(model, options, records, workers, watch)
    except FeatureError as error:
        raise UsageError(str(error)) from error


def _fit(model: Model, options: PredictOptions, records: Path, workers: Workers, watch: Watch) -> Prediction:
    options, grouped = _grouped(model, options)
    predictors, outcome, tuning = model.predictors, model.outcome, Tuning(options.alphas)
    groups = groups_of(len(predictors.people), options.folds, model.arm if model.by_arm else None, options.seed)
    with watch("tuning on all people") as bar:
        bar(0, 1)
        whole = published(predictors, outcome, groups, tuning, options.imputation, bar)
    folds, inner, by_chance = None, None, None
    if not options.published_only:
        folds, inner = _left_out(model, options, groups, watch)
        by_chance = _chance(folds, inner, model, options, records, workers, watch)
    return Prediction(
        model=model.name,
        formula=model.formula,
        outcome=outcome,
        predictors=predictors,
        published=whole,
        nested=inner,
        chance=by_chance,
        stability=_stability(model, options, whole, inner, watch),
        imputed=_imputed(model, options, groups, watch),
        slopes=_slopes(model, options, whole),
        arms=model.arms,
        arm=model.arm,
        settings=_settings(options, tuning),
        source=model.source,
        left_out=model.left_out,
        notices=(*model.notices, *grouped),
    )


def _grouped(model: Model, options: PredictOptions) -> tuple[PredictOptions, tuple[str, ...]]:
    """The options, people left out in groups where one at a time is too much and nobody said how; and that in words."""
    people = len(model.predictors.people)
    folds = options.folds or default_folds(people, len(model.predictors.names))
    if folds == options.folds:
        return options, ()
    line = (
        f"{people} people and {len(model.predictors.names)} predictors are too many to leave out one person at a time "
        f"(what is prepared grows with the cube of people), so they are left out in {folds} groups; --folds chooses."
    )
    return replace(options, folds=folds), (line,)


def _left_out(model: Model, options: PredictOptions, groups: np.ndarray, watch: Watch) -> tuple[Folds, Nested]:
    with watch("preparing predictors without every two people") as bar:
        folds = make_folds(model.predictors, groups, options.imputation, bar)
    with watch("tuning without each person") as bar:
        bar(0, 1)
        found = nested(folds, model.outcome.values, coarse(Tuning(options.alphas)), bar)
    return folds, found


def _chance(
    folds: Folds,
    found: Nested,
    model: Model,
    options: PredictOptions,
    records: Path,
    workers: Workers,
    watch: Watch,
) -> Chance | None:
    if not options.permutations:
        return None
    job = Shuffling(folds, model.outcome.values, found, coarse(Tuning(options.alphas)), options.seed)
    return shuffle(job, options.permutations, records, workers, watch)


def _stability(
    model: Model, options: PredictOptions, whole: Published, inner: Nested | None, watch: Watch
) -> Stability | None:
    if not options.bootstraps and inner is None:
        return None
    with watch("drawing people anew") as bar:
        return stability(
            model.predictors,
            model.outcome,
            whole,
            inner,
            samples=options.bootstraps,
            seed=options.seed,
            tuning=Tuning(options.alphas),
            imputation=options.imputation,
            progress=bar,
        )


def _imputed(model: Model, options: PredictOptions, groups: np.ndarray, watch: Watch) -> np.ndarray | None:
    if not options.imputations:
        return None
    with watch("filling in what is missing by chance") as bar:
        return imputed_retention(
            model.predictors,
            model.outcome,
            groups,
            count=options.imputations,
            seed=options.seed,
            tuning=Tuning(options.alphas),
            progress=bar,
        )


def _slopes(model: Model, options: PredictOptions, whole: Published) -> tuple[ArmSlopes, ...]:
    """A line in each arm for every measure whose product with the arm is retained, and that varies in both arms."""
    if model.arms is None:
        return ()
    arms = {column.name for column in model.predictors.columns if column.role == "arm"}
    found = []
    for term, kept in zip(model.predictors.terms, whole.retained, strict=True):
        others = [name for name in term if name not in arms]
        if kept and len(term) == 2 and len(others) == 1:
            with suppress(FeatureError):  # no line of what is the same within an arm; all else that was found stands
                found.append(arm_slopes(model.predictors, model.outcome, others[0], model.arms, options.imputation))
    return tuple(found)


def _settings(options: PredictOptions, tuning: Tuning) -> Settings:
    return Settings(
        alphas=tuning.alphas,
        penalties=tuning.penalties,
        nested_alphas=coarse(tuning).alphas,
        nested_penalties=coarse(tuning).penalties,
        imputation=options.imputation,
        adjust_motion=options.adjust_motion,
        folds=options.folds,
        permutations=options.permutations,
        bootstraps=options.bootstraps,
        imputations=options.imputations,
        seed=options.seed,
    )
