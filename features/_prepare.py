"""From raw measures to predictors, in an order that can be repeated in every fold: motion, imputation, terms."""

from __future__ import annotations

import numpy as np
from sklearn.pipeline import Pipeline

from ._design import Column, FeatureError, Predictors
from ._imputation import Imputation, ImputationMethod, check_method
from ._motion import MotionResiduals
from ._products import Products

LEFT_OUT = 2  # at most: one whose outcome is predicted, and one more while the penalty is chosen
FEWEST = 3  # with a value in a fold: two lie on every line

Steps = list[tuple[str, MotionResiduals | Imputation | Products]]


def preparation(predictors: Predictors, imputation: ImputationMethod = "iterative") -> Pipeline:
    """The scikit-learn pipeline from raw (person, column) values to unscaled (person, term) predictors, not yet fitted.

    Steps ``motion`` (`MotionResiduals`), ``imputation`` (`Imputation`), ``terms`` (`Products`); the first two only
    where they have something to do in this table. Whether anybody misses a value is asked of all people: that
    decides which columns get a regression, and tells a fold nothing about the values of those it leaves out. Columns
    that no term uses help to impute; those of motion don't.

    A term that is the same for everybody in a fold comes out exactly constant.

    Arguments:
        predictors: the table, its values raw, and the terms.
        imputation: see `Imputation`.

    Raises `FeatureError` for a table that isn't what it says: shapes, names, infinite values, an arm other than ±1,
    columns with values (and motion, where it is adjusted for) in fewer than five people, of whom a fold that
    leaves two out may have less than three; and for an imputation that isn't there.
    """
    steps, columns = cleaning(predictors, imputation)
    return Pipeline([*steps, ("terms", Products(columns, predictors.terms))])


def cleaning(
    predictors: Predictors, imputation: ImputationMethod, *, posterior: bool = False, seed: int = 0
) -> tuple[Steps, tuple[Column, ...]]:
    """The steps before terms are made, and the columns that they leave; see `preparation`."""
    check_table(predictors)
    check_method(imputation)
    used = {name for term in predictors.terms for name in term}
    kept = tuple(one for one in predictors.columns if one.role != "motion" or one.name in used)
    steps: Steps = []
    if len(kept) < len(predictors.columns) or any(one.motion for one in kept):
        steps.append(("motion", MotionResiduals(predictors.columns, tuple(one.name for one in kept))))
    incomplete = tuple(one.name for one in kept if np.isnan(predictors.values[:, predictors.place(one.name)]).any())
    if incomplete:
        steps.append(("imputation", Imputation(kept, imputation, incomplete, posterior, seed)))
    return steps, kept


def check_table(predictors: Predictors) -> None:
    """Raises `FeatureError` for what would fail, or mislead, in some fold."""
    _check_shape(predictors)
    _check_terms(predictors)
    _check_arm(predictors)
    _check_missing(predictors)


def _check_shape(predictors: Predictors) -> None:
    shape = (len(predictors.people), len(predictors.columns))
    if predictors.values.shape != shape:
        raise FeatureError(
            f"values are {predictors.values.shape} where {shape[0]} people and {shape[1]} columns are named"
        )
    names = [one.name for one in predictors.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FeatureError(f"{', '.join(twice)}: there is more than one column of that name")
    infinite = [name for name, bad in zip(names, np.isinf(predictors.values).any(axis=0), strict=True) if bad]
    if infinite:
        raise FeatureError(f"{', '.join(infinite)}: a value is infinite; leave it empty if it is missing")


def _check_terms(predictors: Predictors) -> None:
    if not predictors.terms or not all(predictors.terms):
        raise FeatureError("the model has no terms, or an empty one: name columns, or products of them")
    for name in [name for term in predictors.terms for name in term]:
        predictors.place(name)


def _check_arm(predictors: Predictors) -> None:
    for place, one in enumerate(predictors.columns):
        values = predictors.values[:, place]
        if one.role == "arm" and not np.isin(values, (-1.0, 1.0)).all():
            who = [name for name, value in zip(predictors.people, values, strict=True) if value not in (-1.0, 1.0)]
            raise FeatureError(f"{one.name} is neither +1 nor −1 for {', '.join(who)}: leave out who has no known arm")


def _check_missing(predictors: Predictors) -> None:
    there = ~np.isnan(predictors.values)
    few = []
    for place, one in enumerate(predictors.columns):
        if one.role == "motion":
            continue
        counted = there[:, place] & (there[:, predictors.place(one.motion)] if one.motion else True)
        if counted.sum() < FEWEST + LEFT_OUT:
            few.append(f"{one.name} ({counted.sum()}{' with motion' if one.motion else ''})")
    if few:
        raise FeatureError(
            f"{', '.join(few)}: of {len(predictors.people)} people too few have a value; {FEWEST + LEFT_OUT} must, so "
            f"that {FEWEST} are left when {LEFT_OUT} are left out: leave out such columns"
        )
