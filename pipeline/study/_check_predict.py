"""Predictions, measures and distances that contradict themselves, or say what would be ignored."""

from __future__ import annotations

from collections.abc import Iterator

from ._collisions import collisions
from ._lines import Keys
from ._nearest import meant
from ._predictive import Prediction
from ._problem import Problem
from ._study import Study

WITH_COVARIATES = ("change-by-arm-and-covariates", "baseline")


def check_predict(study: Study) -> Iterator[Problem]:
    """Every mistake in `[predict]`, `[measures]` and `distances` that its shape alone does not show."""
    yield from collisions(("predict",), study.predict, "predictions")
    for name, prediction in study.predict.items():
        yield from _model(("predict", name), prediction)
        yield from _numbers(("predict", name), prediction)
    low, high = study.measures.rest_band
    if not 0 <= low < high:
        yield Problem(
            ("measures", "rest_band"), f"{low:g} to {high:g} Hz is no band; give a lower and a higher frequency"
        )
    for task, how in study.tasks.items():
        for name, distance in how.distances.items():
            here: Keys = ("tasks", task, "distances", name)
            if how.rest:
                yield Problem(here, "a rest run has no conditions; remove it, or rest = true")
                continue
            for place, condition in enumerate(distance.between):
                if how.conditions and condition not in how.conditions:
                    tip = meant(condition, list(how.conditions), "conditions")
                    yield Problem((*here, "between", place), f"{condition!r} is no condition of this task{tip}")
            if distance.between[0] == distance.between[1]:
                yield Problem((*here, "between"), f"names {distance.between[0]!r} twice; name two conditions")


def _model(path: Keys, prediction: Prediction) -> Iterator[Problem]:
    if prediction.model is None and prediction.formula is None:
        yield Problem(path, "has neither model nor formula; add model, such as 'change-by-arm'")
    if prediction.model is not None and prediction.formula is not None:
        yield Problem((*path, "formula"), "would be ignored beside model; remove one of them")
    if prediction.formula is not None and prediction.covariates:
        yield Problem((*path, "covariates"), "belong to a model; with a formula, write them into it")
    if prediction.formula is not None and "measures" in prediction.model_fields_set:
        yield Problem((*path, "measures"), "belong to a model; with a formula, write them into it")
    if prediction.covariates and prediction.model is not None and prediction.model not in WITH_COVARIATES:
        yield Problem(
            (*path, "covariates"), f"{prediction.model} has none; remove them, or take {' or '.join(WITH_COVARIATES)}"
        )
    if prediction.model == "change-by-arm-and-covariates" and not prediction.covariates:
        yield Problem(path, "change-by-arm-and-covariates lacks covariates; add them, or take change-by-arm")


def _numbers(path: Keys, prediction: Prediction) -> Iterator[Problem]:
    for key in ("alphas", "measures", "covariates"):
        values = getattr(prediction, key)
        for place, value in enumerate(values):
            if value in values[:place]:
                yield Problem((*path, key, place), f"names {value!r} twice; name it once")
