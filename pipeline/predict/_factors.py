"""A factor of a formula → one value per person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..common import UsageError, did_you_mean, first_names
from ..tables import TableError
from ._formula import Factor, misread
from ._people import People


@dataclass(frozen=True, eq=False)
class Taken:
    """A factor's values.

    Fields:
        values: (person,) NaN where missing.
        unit: of the column.
        notices: how text was coded.
    """

    values: Float[np.ndarray, "person"]
    unit: str
    notices: tuple[str, ...] = ()


def take(people: People, factor: Factor, what: str) -> Taken:
    """The values of a factor for everybody.

    Arguments:
        what: the factor is for, in errors.

    Raises `TableError` where the column cannot be used so, `UsageError` where there is none.
    """
    name = factor.name
    if name not in people.table.columns:
        hint = misread(name, people.table.columns) or did_you_mean(name, people.table.columns, "columns")
        raise UsageError(f"{what} {factor.text!r}: {people.table.path.name} has no column {name!r}{hint}")
    if name in (people.person, people.session):
        raise TableError(people.table.path, f"{name} names people or sessions and is no {what}; name another column")
    unit = people.sidecar.units.get(name, "")
    if not factor.take and people.kind(name) == "texts":
        return _coded(people, name, what)
    if factor.take and people.sessions is None:
        raise TableError(
            people.table.path,
            f"{factor.text} needs two sessions, and the table has one row per person; write {name} for what it holds, "
            "or say which column names sessions (--session COLUMN --sessions BEFORE,AFTER)",
        )
    values = people.numbers(name)
    return Taken(_bare(people, name, values, what) if not factor.take else _of_sessions(factor, values), unit)


def _of_sessions(factor: Factor, values: Float[np.ndarray, "person session"]) -> Float[np.ndarray, "person"]:
    before, after = values[:, 0], values[:, 1]
    if factor.take == "before":
        return before
    if factor.take == "after":
        return after
    return after - before if factor.take == "change" else before - after


def _bare(people: People, name: str, values: np.ndarray, what: str) -> Float[np.ndarray, "person"]:
    """The one value that a person has, in whichever sessions have it."""
    there = ~np.isnan(values)
    first = values[np.arange(len(values)), there.argmax(axis=1)]
    differs = (there & (values != first[:, None])).any(axis=1)
    if differs.any():
        who = int(np.flatnonzero(differs)[0])
        pair = " and ".join(f"{value:g}" for value in values[who])
        raise TableError(
            people.table.path,
            f"{name} differs between the sessions of {people.names[who]} ({pair}); as {what} write change({name}), "
            f"before({name}), after({name}) or fall({name})",
            people.line(who),
        )
    return first


def _coded(people: People, name: str, what: str) -> Taken:
    """Text of two kinds as −1 and +1."""
    cells = people.texts(name)
    for who, own in enumerate(cells):
        if len(set(own)) > 1:
            raise TableError(
                people.table.path, f"{name} of {people.names[who]} is {' and '.join(own)}; correct it", people.line(who)
            )
    kinds = sorted({cell for own in cells for cell in own})
    if len(kinds) != 2:
        raise TableError(
            people.table.path,
            f"{name} holds text of {len(kinds)} kinds ({first_names(kinds)}); as {what} give it numbers, or two kinds",
        )
    code = {kinds[0]: -1.0, kinds[1]: 1.0}
    values = np.array([code[own[0]] if own else np.nan for own in cells])
    return Taken(values, "", (f"{name} is text: {kinds[0]} counts as −1, {kinds[1]} as +1.",))
