"""A table and what is asked of it → predictors and outcome of the participants who have both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from features import Outcome, PredictorColumn, Predictors

from ..tables import TableError
from ._factor_values import FactorValues, columns_of, factor_values
from ._options import PredictOptions
from ._request import ModelRequest, resolve_request
from ._table_checks import (
    check_arms,
    check_enough,
    check_features,
    check_imputations,
    check_leakage,
    check_outcome_values,
    check_predictor_columns,
    duplicate_participants,
    find_standardised,
    single_exceptions,
    suspicious_values,
)


def complete_cases(
    request: ModelRequest, columns: Sequence[PredictorColumn], taken: Sequence[FactorValues], outcome: FactorValues
) -> tuple[Bool[np.ndarray, "participant"], tuple[str, ...]]:
    """(participant,) who is in the model; a line for everybody else, with the reason.

    Raises `TableError` where nobody has an outcome.
    """
    if np.isnan(outcome.values).all():
        raise TableError(
            request.participants.table.path, f"{request.outcome.text} is missing for everybody: nothing to predict"
        )
    empty = _without_measures(columns, taken)
    found, lines = [], []
    for index, name in enumerate(request.participants.names):
        why = _why_not(request, index, outcome, empty)
        found.append(not why)
        if why:
            lacks = request.participants.lacks(index)
            lines.append(f"{name}: {why}{f' ({lacks})' if lacks else ''}")
    return np.array(found), tuple(lines)


def _why_not(request: ModelRequest, index: int, outcome: FactorValues, empty: Bool[np.ndarray, "participant"]) -> str:
    if np.isnan(outcome.values[index]):
        return f"no {request.outcome.text}"
    if request.by_arm and request.arms is not None and np.isnan(request.arms.values[index]):
        word, cell = request.options.group_word, request.arms.cells[index]
        return f"in {word} {cell}" if cell else f"no {word}"
    return "no value of any measure" if empty[index] else ""


def _without_measures(
    columns: Sequence[PredictorColumn], taken: Sequence[FactorValues]
) -> Bool[np.ndarray, "participant"]:
    """Who has nothing that predicts: all of it would be made up."""
    values: Float[np.ndarray, "column participant"] = np.stack([factor.values for factor in taken])
    places = [i for i, column in enumerate(columns) if column.role == "measure"]
    places = places or [i for i, column in enumerate(columns) if column.role == "covariate"]
    if not places:
        return np.zeros(values.shape[1], dtype=bool)
    empty = np.isnan(values[places]).all(axis=0)
    # Where everybody has nothing it is a matter of the columns, and reported as such.
    return np.zeros_like(empty) if empty.all() else empty


@dataclass(frozen=True, eq=False)
class ModelData:
    """A model before it is fitted.

    Fields:
        name: of the preset; ``formula`` where the user wrote one.
        formula: its terms as they were asked for.
        predictors, outcome: of the same participants, all of whom have an outcome.
        arms: both, the first coded +1; none where the table has none.
        arm: (participant,) +1 or −1; none where the table has none.
        source: name of the table's file; empty for a table that was read before.
        excluded: who is not in the model, and why, a line each.
        notices: what else should be known, a line each.
    """

    name: str
    formula: str
    predictors: Predictors
    outcome: Outcome
    arms: tuple[str, str] | None
    arm: Float[np.ndarray, "participant"] | None
    source: str
    excluded: tuple[str, ...]
    notices: tuple[str, ...]

    @property
    def by_arm(self) -> bool:
        """Whether the arm is in the model, and not only known."""
        return any(column.role == "arm" for column in self.predictors.columns)


def read_model_data(options: PredictOptions) -> ModelData:
    """The model that is asked of a table; everything that can be found wrong is found here, before any work.

    Raises `TableError` for the table and its description, `UsageError` for what is asked of them.
    """
    request = resolve_request(options)
    participants, path = request.participants, request.participants.table.path
    score = factor_values(participants, request.outcome, "outcome")
    columns, taken = columns_of(request)
    complete, left_out = complete_cases(request, columns, taken, score)
    check_enough(path, int(complete.sum()), options.folds, left_out)
    outcome = Outcome(request.outcome.text, options.unit or score.unit, score.values[complete])
    predictors = Predictors(
        tuple(name for name, own in zip(participants.names, complete, strict=True) if own),
        columns,
        np.column_stack([factor.values[complete] for factor in taken]),
        tuple(tuple(factor.text for factor in term) for term in request.terms),
    )
    predictors = _checked(request, predictors, outcome, complete)
    arms = request.arms if request.arms is not None and not np.isnan(request.arms.values[complete]).any() else None
    coded = [line for factor in (score, *taken) for line in factor.notices]
    return ModelData(
        options.model or "formula",
        request.formula,
        predictors,
        outcome,
        None if arms is None else arms.names,
        None if arms is None else arms.values[complete],
        path.name if isinstance(options.table, Path) else "",
        left_out,
        (
            *request.notices,
            *coded,
            *_outcome_notices(request, outcome, complete),
            *single_exceptions(predictors),
            *duplicate_participants(predictors, outcome),
            *suspicious_values(predictors, outcome),
        ),
    )


def _checked(request: ModelRequest, predictors: Predictors, outcome: Outcome, complete: np.ndarray) -> Predictors:
    """The predictors, with what was estimated over all participants before."""
    path = request.participants.table.path
    check_outcome_values(path, outcome)
    if request.by_arm and request.arms is not None:
        check_arms(path, request.arms.names, request.arms.values[complete], request.options.group_word)
    check_predictor_columns(path, predictors)
    check_imputations(path, predictors, request.options)
    sources = [factor.name for factor in request.factors if not factor.is_arm]
    predictors = check_leakage(request.options, request.participants, predictors, sources)
    check_features(path, predictors, outcome, request.options)
    return predictors


def _outcome_notices(request: ModelRequest, outcome: Outcome, complete: np.ndarray) -> list[str]:
    lines = [] if request.options.sessions is None else _order(request, complete)
    if find_standardised(request.participants, [request.outcome.name]):
        lines.append(
            f"{request.outcome.name} was standardised over participants: errors and weights are in its SD, not points."
        )
    if np.unique(outcome.values).size == 2:
        lines.append(f"{outcome.name} has two values: a model of a number, not of a class, is fitted to it.")
    return lines


def _order(request: ModelRequest, complete: np.ndarray) -> list[str]:
    """Which session is before and which after, where a participant said so and the outcome's sign depends on it."""
    outcome, sessions = request.outcome, request.participants.sessions
    if sessions is None or outcome.function not in ("change", "fall"):
        return []
    before, after = request.participants.numbers(outcome.name)[complete].mean(axis=0)
    (first, second), sign = sessions, "after − before" if outcome.function == "change" else "before − after"
    means = f"{outcome.name} is {before:.4g} on average in {first} and {after:.4g} in {second}".replace("-", "−")
    return [f"{first} counts as before and {second} as after: {means}; {outcome.text} is {sign}."]
