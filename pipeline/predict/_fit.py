"""A model of a table, from tuning to chance."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from features import (
    ArmSlopes,
    FeatureError,
    NestedEstimate,
    PermutationTest,
    PreparedFolds,
    Stability,
    Tuning,
    WholeSampleFit,
    arm_slopes,
    assign_folds,
    coarse_tuning,
    default_folds,
    fit_whole_sample,
    imputed_retention,
    nested_cross_validation,
    prepare_folds,
    selection_stability,
)

from ..common import ProgressFactory, UsageError
from ..execution import Workers
from ._model_data import ModelData
from ._options import PredictOptions
from ._permutations import PermutationJob, permute_outcome
from ._result import ElasticNetResult, ElasticNetSettings


def fit_model(
    model: ModelData, options: PredictOptions, records: Path, workers: Workers, watch: ProgressFactory
) -> ElasticNetResult:
    """The published model, what the same procedure is worth in participants left out, and how often chance does as
    well.

    Arguments:
        model: predictors and outcome.
        options: how.
        records: folder in which finished shuffles are kept, so that a killed run goes on where it stopped.
        workers: processes that shuffle.
        watch: a context manager that reports how far a piece of work is.

    Raises `UsageError` where the table cannot be tuned on.
    """
    try:
        with threadpool_limits(limits=1):  # small matrices, and the same last digits whatever the number of cores
            return _fit(model, options, records, workers, watch)
    except FeatureError as error:
        raise UsageError(str(error)) from error


def _fit(
    model: ModelData, options: PredictOptions, records: Path, workers: Workers, watch: ProgressFactory
) -> ElasticNetResult:
    options, grouped = _grouped(model, options)
    predictors, outcome, tuning = model.predictors, model.outcome, Tuning(options.alphas)
    groups = assign_folds(
        len(predictors.participants), options.folds, model.arm if model.by_arm else None, options.seed
    )
    with watch("tuning on all participants") as bar:
        bar(0, 1)
        whole = fit_whole_sample(predictors, outcome, groups, tuning, options.imputation, bar)
    folds, inner, by_chance = None, None, None
    if not options.in_sample_only:
        folds, inner = _left_out(model, options, groups, watch)
        by_chance = _chance(folds, inner, model, options, records, workers, watch)
    return ElasticNetResult(
        model=model.name,
        formula=model.formula,
        outcome=outcome,
        predictors=predictors,
        in_sample=whole,
        nested=inner,
        permutation=by_chance,
        stability=_stability(model, options, whole, inner, watch),
        imputed=_imputed(model, options, groups, watch),
        slopes=_slopes(model, options, whole),
        arms=model.arms,
        arm=model.arm,
        settings=_settings(options, tuning),
        source=model.source,
        excluded=model.excluded,
        notices=(*model.notices, *grouped),
        group_word=options.group_word,
    )


def _grouped(model: ModelData, options: PredictOptions) -> tuple[PredictOptions, tuple[str, ...]]:
    """The options, participants left out in groups where one at a time is too much and nobody said how; and that in
    words."""
    participants = len(model.predictors.participants)
    folds = options.folds or default_folds(participants, len(model.predictors.names))
    if folds == options.folds:
        return options, ()
    line = (
        f"{participants} participants and {len(model.predictors.names)} predictors are too many to leave out one "
        "participant at a time (what is prepared grows with the cube of participants), so they are left out in "
        f"{folds} groups; --folds "
        "chooses."
    )
    return replace(options, folds=folds), (line,)


def _left_out(
    model: ModelData, options: PredictOptions, groups: np.ndarray, watch: ProgressFactory
) -> tuple[PreparedFolds, NestedEstimate]:
    with watch("preparing predictors without every two participants") as bar:
        folds = prepare_folds(model.predictors, groups, options.imputation, bar)
    with watch("tuning without each participant") as bar:
        bar(0, 1)
        found = nested_cross_validation(folds, model.outcome.values, coarse_tuning(Tuning(options.alphas)), bar)
    return folds, found


def _chance(
    folds: PreparedFolds,
    found: NestedEstimate,
    model: ModelData,
    options: PredictOptions,
    records: Path,
    workers: Workers,
    watch: ProgressFactory,
) -> PermutationTest | None:
    if not options.permutations:
        return None
    job = PermutationJob(folds, model.outcome.values, found, coarse_tuning(Tuning(options.alphas)), options.seed)
    return permute_outcome(job, options.permutations, records, workers, watch)


def _stability(
    model: ModelData,
    options: PredictOptions,
    whole: WholeSampleFit,
    inner: NestedEstimate | None,
    watch: ProgressFactory,
) -> Stability | None:
    if not options.bootstraps and inner is None:
        return None
    with watch("drawing participants anew") as bar:
        return selection_stability(
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


def _imputed(
    model: ModelData, options: PredictOptions, groups: np.ndarray, watch: ProgressFactory
) -> np.ndarray | None:
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


def _slopes(model: ModelData, options: PredictOptions, whole: WholeSampleFit) -> tuple[ArmSlopes, ...]:
    """A line in each arm for every measure whose product with the arm is retained, and that varies in both arms."""
    if model.arms is None:
        return ()
    arms = {column.name for column in model.predictors.columns if column.role == "arm"}
    found = []
    for term, kept in zip(model.predictors.terms, whole.retained, strict=True):
        others = [name for name in term if name not in arms]
        if kept and len(term) == 2 and len(others) == 1:
            with suppress(FeatureError):  # no line of what is the same within an arm; the other results are kept
                found.append(arm_slopes(model.predictors, model.outcome, others[0], model.arms, options.imputation))
    return tuple(found)


def _settings(options: PredictOptions, tuning: Tuning) -> ElasticNetSettings:
    return ElasticNetSettings(
        alphas=tuning.alphas,
        penalties=tuning.penalties,
        nested_alphas=coarse_tuning(tuning).alphas,
        nested_penalties=coarse_tuning(tuning).penalties,
        imputation=options.imputation,
        adjust_motion=options.adjust_motion,
        folds=options.folds,
        permutations=options.permutations,
        bootstraps=options.bootstraps,
        imputations=options.imputations,
        seed=options.seed,
    )
