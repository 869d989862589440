"""What is wrong with a table of people before anything is made of it, and what should be known of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from features import (
    Column,
    FeatureError,
    Outcome,
    Predictors,
    groups_of,
    outcome_in_disguise,
    preparation,
    standardised_columns,
)

from ..common import first_names
from ..tables import TableError
from ._options import PredictOptions
from ._people import ABSENT, People

MOST = 4  # people whom an error names
FEWEST_OF_AN_ARM = 3  # so that each is there when two people are left out


def check_enough(path: Path, people: int, folds: int | None, left_out: Sequence[str]) -> None:
    """Raises `TableError` where too few people are left to leave some out and learn from the others."""
    try:
        groups_of(people, folds)
    except FeatureError as error:
        why = f"; not in the model: {'; '.join(left_out[:MOST])}" if left_out else ""
        raise TableError(path, f"{error}{why}") from error


def check_arms(path: Path, names: tuple[str, str], values: Float[np.ndarray, "person"]) -> None:
    """Raises `TableError` where an arm could be gone when people are left out."""
    for name, code in zip(names, (1, -1), strict=True):
        count = int((values == code).sum())
        if count < FEWEST_OF_AN_ARM:
            have = "person has" if count == 1 else "people have"
            raise TableError(
                path,
                f"{count} {have} arm {name} and all else that is needed; a model with arms takes {FEWEST_OF_AN_ARM} of "
                "each: leave the arm out of the model",
            )


def check_outcome_values(path: Path, outcome: Outcome) -> None:
    """Raises `TableError` where there is nothing to predict."""
    if np.ptp(outcome.values) == 0:
        raise TableError(path, f"{outcome.name} is {outcome.values[0]:g} for everybody: there is nothing to predict")


def check_columns(path: Path, predictors: Predictors) -> None:
    """Raises `TableError` for columns of a model that hold nothing, or the same for everybody."""
    empty, constant = [], []
    for column, values in zip(predictors.columns, predictors.values.T, strict=True):
        known = values[~np.isnan(values)]
        if known.size == 0 and column.role == "motion":
            raise TableError(path, f"{column.name}: missing for everybody; correct it, or do not adjust (--no-motion)")
        if known.size == 0:
            empty.append(column.name)
        elif np.ptp(known) == 0 and column.role != "motion":
            constant.append(f"{column.name} ({known[0]:g})")
    count = len(predictors.people)
    if empty:
        raise TableError(
            path, f"{first_names(empty)}: missing for all {count} people; leave it out of the model (measures *, !NAME)"
        )
    if constant:
        raise TableError(
            path,
            f"{first_names(constant)}: the same for all {count} people; leave it out of the model (measures *, !NAME)",
        )


def lonely(predictors: Predictors) -> tuple[str, ...]:
    """Columns that are the same for all but one person, in a line."""
    found = []
    for column, values in zip(predictors.columns, predictors.values.T, strict=True):
        kinds, counts = np.unique(values[~np.isnan(values)], return_counts=True)
        if kinds.size == 2 and counts.min() == 1:
            found.append(column.name)
    return (f"The same for all but one person: {first_names(found)}.",) if found else ()


def twins(predictors: Predictors, outcome: Outcome) -> tuple[str, ...]:
    """People who have all values in common, in a line: perhaps one person under two names."""
    rows = np.column_stack([outcome.values, predictors.values])
    first: dict[bytes, str] = {}
    pairs = []
    for name, row in zip(predictors.people, rows, strict=True):
        other = first.setdefault(row.tobytes(), name)
        if other != name:
            pairs.append(f"{other} and {name}")
    if not pairs:
        return ()
    return (f"The outcome and all predictors are the same: {first_names(pairs)}; is it one person under two names?",)


def standardised(people: People, columns: Iterable[str]) -> tuple[str, ...]:
    """Columns of a table that were z-scored over all its rows, or over those of a session."""
    names = [name for name in dict.fromkeys(columns) if people.kind(name) == "numbers"]
    if not names:
        return ()
    sets = [np.arange(people.rows.size), *np.arange(people.rows.size).reshape(people.rows.shape).T]
    values = np.column_stack([people.numbers(name).ravel() for name in names])
    there = people.rows.ravel() != ABSENT
    found: set[str] = set()
    for rows in sets:
        own = rows[there[rows]]
        table = Predictors(
            tuple(str(row) for row in own), tuple(Column(name, "measure") for name in names), values[own], ()
        )
        found |= set(standardised_columns(table))
    return tuple(name for name in names if name in found)


def check_leakage(
    options: PredictOptions, people: People, predictors: Predictors, sources: Iterable[str]
) -> Predictors:
    """The predictors, with what was estimated over all people already.

    Raises `TableError` where that would feed predictions of people left out.
    """
    path, done = people.table.path, list(people.sidecar.whole_sample)
    if done and not options.published_only:
        where = people.sidecar.path.name if people.sidecar.path else ""
        raise TableError(
            path,
            f"{first_names(done)} were estimated over all people ({where}): those left out have shaped what predicts "
            "them; give raw measures, or ask for the in-sample numbers alone (--published-only)",
        )
    scored = standardised(people, sources)
    if scored and not options.published_only:
        raise TableError(
            path,
            f"{first_names(scored)}: standardised over all rows (mean 0, SD 1), so that those left out have shaped "
            "what predicts them; give raw values, leave them out, or ask for the in-sample numbers "
            "alone (--published-only)",
        )
    done += [f"standardisation of {first_names(scored)}"] if scored else []
    return replace(predictors, whole_sample=tuple(done))


def check_imputations(path: Path, predictors: Predictors, options: PredictOptions) -> None:
    """Raises `TableError` where what is missing is to be drawn, and nothing is."""
    if options.imputations and not any(
        np.isnan(values).any()
        for column, values in zip(predictors.columns, predictors.values.T, strict=True)
        if column.role != "motion"
    ):
        raise TableError(
            path,
            f"no value of a predictor is missing, so that {options.imputations} imputations would be the same; leave "
            "imputations out (--imputations)",
        )


def check_features(path: Path, predictors: Predictors, outcome: Outcome, options: PredictOptions) -> None:
    """Raises `TableError` for what would fail, or mislead, once the model is fitted."""
    try:
        preparation(predictors, options.imputation)
        disguised = outcome_in_disguise(predictors, outcome)
    except FeatureError as error:
        raise TableError(path, str(error)) from error
    if disguised:
        raise TableError(
            path,
            f"{first_names(disguised)}: the outcome {outcome.name} under another name, alone or together; leave it out",
        )
