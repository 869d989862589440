"""The arm of each person: +1 for the first, −1 for the second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..common import UsageError, did_you_mean, first_names
from ..tables import TableError
from ._formula import ARM
from ._options import PredictOptions
from ._people import People
from ._who import known


@dataclass(frozen=True, eq=False)
class Arms:
    """Two arms.

    Fields:
        column: that names them.
        names: both, the first coded +1.
        values: (person,) +1, −1, or NaN for who is in neither.
        cells: (person,) what the table says, empty where nothing.
    """

    column: str
    names: tuple[str, str]
    values: Float[np.ndarray, "person"]
    cells: tuple[str, ...]


def arm_column(people: People, options: PredictOptions) -> str | None:
    """The column of the arms: as asked, as the table's description has it, or one called ``arm``."""
    if options.arm is not None:
        return known(people.table, options.arm, ARM)
    described = people.sidecar.of("arm")
    if len(described) == 1:
        return described[0]
    return ARM if ARM in people.table.columns else None


def find_arms(people: People, options: PredictOptions, needed: bool) -> Arms | None:
    """The arms; None where the model is not about them and nothing says which they are.

    Raises `TableError` where people's arms are not in order, `UsageError` where nothing says which arm is +1.
    """
    column = arm_column(people, options)
    if column is None:
        if not needed and options.arms is None:
            return None
        raise UsageError(
            f"{people.table.path.name}: say which column names the arms (--arm COLUMN --arms FIRST,SECOND); there are "
            f"{first_names(people.table.columns)}"
        )
    if column in (people.person, people.session):
        raise TableError(people.table.path, f"{column} names people or sessions and is no arm; name another column", 1)
    cells = _cells(people, column)
    there = tuple(dict.fromkeys(cell for cell in cells if cell))
    names = _names(people, options, column, there, needed)
    if names is None:
        return None
    if options.arms is None and len(there) > 2:
        raise TableError(
            people.table.path, f"{column} names {len(there)} arms ({first_names(there)}); say which two (--arms A,B)"
        )
    code = {names[0]: 1.0, names[1]: -1.0}
    return Arms(column, names, np.array([code.get(cell, np.nan) for cell in cells]), cells)


def _cells(people: People, column: str) -> tuple[str, ...]:
    found = []
    for who, own in enumerate(people.texts(column)):
        if len(set(own)) > 1:
            problem = (
                f"{people.names[who]} is in {own[0]} and in {own[1]}; an arm is the same in both sessions: correct it"
            )
            raise TableError(people.table.path, problem, people.line(who))
        found.append(own[0] if own else "")
    return tuple(found)


def _names(
    people: People, options: PredictOptions, column: str, there: tuple[str, ...], needed: bool
) -> tuple[str, str] | None:
    levels = people.sidecar.levels.get(column, ())
    names = options.arms or (levels if len(levels) == 2 else None)
    if names is None:
        if not needed and options.arm is None:
            return None
        if len(there) > 2:
            raise TableError(
                people.table.path,
                f"{column} names {len(there)} arms ({first_names(there)}); say which two, the first is +1 (--arms A,B)",
            )
        raise UsageError(
            f"{people.table.path.name}: {column} is {first_names(there) or 'empty'}; say which arm is +1 and which −1 "
            "(--arms FIRST,SECOND)"
        )
    for name in names:
        if name not in there:
            hint = did_you_mean(name, there, "arms")
            raise TableError(
                people.table.path, f"{column} is nowhere {name}{hint}; say which two (--arms FIRST,SECOND)"
            )
    return names[0], names[1]
