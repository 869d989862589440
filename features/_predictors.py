"""What a predictive model is made from: a table of participants before anything has been estimated from it, and its
terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

Role = Literal["measure", "covariate", "arm", "motion"]
Term = tuple[str, ...]  # one column, or the columns that are multiplied


class FeatureError(ValueError):
    """Features or a model that cannot be as asked: what, where and what to do, in one line."""


@dataclass(frozen=True)
class PredictorColumn:
    """One column of a table of participants.

    Fields:
        name: its own among all columns, such as ``change(gppi_faces_amygdala_from_vmPFC)``.
        role: a measure is residualised on its motion and imputed, a covariate only imputed; the arm is ±1; motion
            serves to adjust others.
        unit: of its values.
        motion: name of the column of mean framewise displacement that belongs to it; none for no adjustment.
    """

    name: str
    role: Role
    unit: str = ""
    motion: str = ""


def place_of(columns: tuple[PredictorColumn, ...], name: str) -> int:
    """The place of a column; raises `FeatureError` where there is none of that name."""
    for place, column in enumerate(columns):
        if column.name == name:
            return place
    raise FeatureError(f"there is no column {name!r}; there are {', '.join(column.name for column in columns)}")


@dataclass(frozen=True, eq=False)
class Predictors:
    """A table of participants as it was measured, and the terms of a model over it.

    Fields:
        participants: one for each row.
        columns: of the table.
        values: (participant, column) raw; NaN where missing. The arm is +1 and −1.
        terms: what enters the model, in order; ``("arm", "x")`` is the product of both columns, centred.
        whole_sample: what was estimated over all participants already, such as ``("residuals", "imputation")``; a
            nested estimate refuses it.
    """

    participants: tuple[str, ...]
    columns: tuple[PredictorColumn, ...]
    values: Float[np.ndarray, "participant column"]
    terms: tuple[Term, ...]
    whole_sample: tuple[str, ...] = ()

    def place(self, name: str) -> int:
        """Of a column; raises `FeatureError` where there is none of that name."""
        return place_of(self.columns, name)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the terms, such as ``arm × change(x)``."""
        return tuple(" × ".join(term) for term in self.terms)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What is predicted.

    Fields:
        name, unit: such as ``improvement`` in ``points``.
        values: (participant,) none missing.

    Raises `FeatureError` where one is missing or infinite.
    """

    name: str
    unit: str
    values: Float[np.ndarray, "participant"]

    def __post_init__(self) -> None:
        check_scores(self.name, self.values)

    def check_count(self, count: int) -> None:
        """Raises `FeatureError` where it is not the outcome of so many participants."""
        if self.values.shape != (count,):
            raise FeatureError(f"{self.name} has {self.values.shape} values for {count} participants")


def check_scores(name: str, values: Float[np.ndarray, "participant"]) -> None:
    """Raises `FeatureError` where values are no finite numbers in a row."""
    if values.ndim != 1 or not np.isfinite(values).all():
        raise FeatureError(f"{name} should be one finite number for each participant; leave out who has none")


def check_varies(name: str, values: Float[np.ndarray, "participant"]) -> None:
    """Raises `FeatureError` where values are the same for everybody."""
    if np.ptp(values) == 0:
        raise FeatureError(f"{name} is {values[0]:g} for everybody: there is nothing to predict")
