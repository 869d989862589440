"""What a predictive model is made from: a table of people before anything has been estimated from it, and its terms."""

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
class Column:
    """One column of a table of people.

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


@dataclass(frozen=True, eq=False)
class Predictors:
    """A table of people as it was measured, and the terms of a model over it.

    Fields:
        people: one for each row.
        columns: of the table.
        values: (person, column) raw; NaN where missing. The arm is +1 and −1.
        terms: what enters the model, in order; ``("arm", "x")`` is the product of both columns, centred.
        whole_sample: what was estimated over all people already, such as ``("residuals", "imputation")``; a nested
            estimate refuses it.
    """

    people: tuple[str, ...]
    columns: tuple[Column, ...]
    values: Float[np.ndarray, "person column"]
    terms: tuple[Term, ...]
    whole_sample: tuple[str, ...] = ()

    def place(self, name: str) -> int:
        """Of a column; raises `FeatureError` where there is none of that name."""
        for place, column in enumerate(self.columns):
            if column.name == name:
                return place
        raise FeatureError(f"there is no column {name!r}; there are {', '.join(one.name for one in self.columns)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the terms, such as ``arm × change(x)``."""
        return tuple(" × ".join(term) for term in self.terms)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What is predicted.

    Fields:
        name, unit: such as ``improvement`` in ``points``.
        values: (person,) none missing.
    """

    name: str
    unit: str
    values: Float[np.ndarray, "person"]
