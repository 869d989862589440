"""A table and what is asked of it → predictors and outcome of the people who have both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from features import Outcome, Predictors

from ._asked import Asked, ask
from ._checks import (
    check_arms,
    check_columns,
    check_enough,
    check_features,
    check_imputations,
    check_leakage,
    check_outcome_values,
    lonely,
    standardised,
    twins,
)
from ._columns import columns_of
from ._factors import take
from ._kept import kept
from ._options import PredictOptions
from ._suspicions import suspicions


@dataclass(frozen=True, eq=False)
class Model:
    """A model before it is fitted.

    Fields:
        name: of the preset; ``formula`` where the user wrote one.
        formula: its terms as they were asked for.
        predictors, outcome: of the same people, all of whom have an outcome.
        arms: both, the first coded +1; none where the table has none.
        arm: (person,) +1 or −1; none where the table has none.
        source: what the table is called.
        left_out: who is not in the model, and why, a line each.
        notices: what else should be known, a line each.
    """

    name: str
    formula: str
    predictors: Predictors
    outcome: Outcome
    arms: tuple[str, str] | None
    arm: Float[np.ndarray, "person"] | None
    source: str
    left_out: tuple[str, ...]
    notices: tuple[str, ...]

    @property
    def by_arm(self) -> bool:
        """Whether the arm is in the model, and not only known."""
        return any(column.role == "arm" for column in self.predictors.columns)


def model_of(options: PredictOptions) -> Model:
    """The model that is asked of a table; everything that can be found wrong is found here, before any work.

    Raises `TableError` for the table and its description, `UsageError` for what is asked of them.
    """
    asked = ask(options)
    people, path = asked.people, asked.people.table.path
    score = take(people, asked.outcome, "outcome")
    columns, taken = columns_of(asked)
    there, left_out = kept(asked, columns, taken, score)
    check_enough(path, int(there.sum()), options.folds, left_out)
    outcome = Outcome(asked.outcome.text, options.unit or score.unit, score.values[there])
    predictors = Predictors(
        tuple(name for name, own in zip(people.names, there, strict=True) if own),
        columns,
        np.column_stack([one.values[there] for one in taken]),
        tuple(tuple(factor.text for factor in term) for term in asked.terms),
    )
    predictors = _checked(asked, predictors, outcome, there)
    arms = asked.arms if asked.arms is not None and not np.isnan(asked.arms.values[there]).any() else None
    coded = [line for one in (score, *taken) for line in one.notices]
    return Model(
        options.model or "formula",
        asked.formula,
        predictors,
        outcome,
        None if arms is None else arms.names,
        None if arms is None else arms.values[there],
        path.name,
        left_out,
        (
            *asked.notices,
            *coded,
            *_outcome_notices(asked, outcome, there),
            *lonely(predictors),
            *twins(predictors, outcome),
            *suspicions(predictors, outcome),
        ),
    )


def _checked(asked: Asked, predictors: Predictors, outcome: Outcome, there: np.ndarray) -> Predictors:
    """The predictors, with what was estimated over all people before."""
    path = asked.people.table.path
    check_outcome_values(path, outcome)
    if asked.by_arm and asked.arms is not None:
        check_arms(path, asked.arms.names, asked.arms.values[there])
    check_columns(path, predictors)
    check_imputations(path, predictors, asked.options)
    sources = [factor.name for factor in asked.factors if not factor.is_arm]
    predictors = check_leakage(asked.options, asked.people, predictors, sources)
    check_features(path, predictors, outcome, asked.options)
    return predictors


def _outcome_notices(asked: Asked, outcome: Outcome, there: np.ndarray) -> list[str]:
    lines = [] if asked.options.sessions is None else _order(asked, there)
    if standardised(asked.people, [asked.outcome.name]):
        lines.append(
            f"{asked.outcome.name} was standardised over people: errors and weights are in its SD, not points."
        )
    if np.unique(outcome.values).size == 2:
        lines.append(f"{outcome.name} has two values: a model of a number, not of a class, is fitted to it.")
    return lines


def _order(asked: Asked, there: np.ndarray) -> list[str]:
    """Which session is before and which after, where a person said so and the sign of the outcome hangs on it."""
    outcome, sessions = asked.outcome, asked.people.sessions
    if sessions is None or outcome.take not in ("change", "fall"):
        return []
    before, after = asked.people.numbers(outcome.name)[there].mean(axis=0)
    (first, second), sign = sessions, "after − before" if outcome.take == "change" else "before − after"
    means = f"{outcome.name} is {before:.4g} on average in {first} and {after:.4g} in {second}".replace("-", "−")
    return [f"{first} counts as before and {second} as after: {means}; {outcome.text} is {sign}."]
