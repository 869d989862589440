"""Who is in a model: those with an outcome, an arm where it matters, and any measure at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from features import Column

from ..tables import TableError
from ._asked import Asked
from ._factors import Taken


def kept(
    asked: Asked, columns: Sequence[Column], taken: Sequence[Taken], outcome: Taken
) -> tuple[Bool[np.ndarray, "person"], tuple[str, ...]]:
    """(person,) who is in the model; a line for everybody else, with the reason.

    Raises `TableError` where nobody has an outcome.
    """
    if np.isnan(outcome.values).all():
        raise TableError(asked.people.table.path, f"{asked.outcome.text} is missing for everybody: nothing to predict")
    empty = _without_measures(columns, taken)
    found, lines = [], []
    for who, name in enumerate(asked.people.names):
        why = _why_not(asked, who, outcome, empty)
        found.append(not why)
        if why:
            lacks = asked.people.lacks(who)
            lines.append(f"{name}: {why}{f' ({lacks})' if lacks else ''}")
    return np.array(found), tuple(lines)


def _why_not(asked: Asked, who: int, outcome: Taken, empty: Bool[np.ndarray, "person"]) -> str:
    if np.isnan(outcome.values[who]):
        return f"no {asked.outcome.text}"
    if asked.by_arm and asked.arms is not None and np.isnan(asked.arms.values[who]):
        return f"in arm {asked.arms.cells[who]}" if asked.arms.cells[who] else "no arm"
    return "no value of any measure" if empty[who] else ""


def _without_measures(columns: Sequence[Column], taken: Sequence[Taken]) -> Bool[np.ndarray, "person"]:
    """Who has nothing that predicts: all of it would be made up."""
    values: Float[np.ndarray, "column person"] = np.stack([one.values for one in taken])
    places = [i for i, one in enumerate(columns) if one.role == "measure"]
    places = places or [i for i, one in enumerate(columns) if one.role == "covariate"]
    if not places:
        return np.zeros(values.shape[1], dtype=bool)
    empty = np.isnan(values[places]).all(axis=0)
    # Where everybody has nothing it is a matter of the columns, which is told as such.
    return np.zeros_like(empty) if empty.all() else empty
