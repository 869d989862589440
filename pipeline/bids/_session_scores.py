"""A score as it was before and after treatment, and columns of people as numbers or kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..common import NUMBER
from ..study import Study
from ..tables import MISSING, Table, TableError, read_table
from ._error import DataError
from ._inventory import Inventory
from ._scores import both_sessions


@dataclass(frozen=True, eq=False)
class SessionScores:
    """A score's values at both sessions.

    Fields:
        name, unit: of the score.
        before, after: (person,) in the order of the inventory; NaN where missing.
    """

    name: str
    unit: str
    before: Float[np.ndarray, "person"]
    after: Float[np.ndarray, "person"]


def session_scores(study: Study, inventory: Inventory, names: Sequence[str]) -> tuple[SessionScores, ...]:
    """Scores before and after treatment, whatever `take` makes of the two elsewhere.

    Raises `DataError` where a score has no table with a row for each session, or the table cannot be read.
    """
    people = [one.name for one in inventory.participants]
    found = []
    for name in names:
        score = study.scores[name]
        if score.table is None or score.take == "once":
            raise DataError(
                f"{name} is one number a participant; an outcome has one in both sessions: in [scores.{name}] give "
                "table, with a column session_id, and take = 'fall' or 'rise'"
            )
        try:
            before, after = both_sessions(read_table(score.table), score.column, study, people)
        except TableError as error:
            raise DataError(str(error)) from error
        first, second = (np.array([values[who] for who in people]) for values in (before, after))
        found.append(SessionScores(name, score.unit, first, second))
    return tuple(found)


def known_columns(study: Study, inventory: Inventory) -> list[str]:
    """Scores, then the columns of the participants' table; a score hides a column of its name."""
    columns = inventory.participants[0].values if inventory.participants else ()
    return list(dict.fromkeys((*study.scores, *columns)))


def person_numbers(inventory: Inventory, name: str) -> Float[np.ndarray, "person"]:
    """A score, or a column of the participants' table, as numbers; NaN where missing.

    Raises `DataError`, naming the participant, where a cell is text.
    """
    people = inventory.participants
    if all(name in one.scores for one in people):
        return np.array([one.scores[name] for one in people], dtype=np.float64)
    cells = [one.values.get(name, MISSING) for one in people]
    table = Table(Path("participants.tsv"), (name,), tuple((cell,) for cell in cells), tuple(range(len(cells))))
    try:
        return table.numbers(name)
    except TableError as error:
        raise DataError(f"{str(error).partition(': ')[2]} (of {people[error.line or 0].name})") from error


def person_column(inventory: Inventory, name: str) -> Float[np.ndarray, "person"] | tuple[str, ...]:
    """The same, or texts with "" where missing if no cell is a number; raises `DataError` where both are mixed."""
    cells = [one.values.get(name, MISSING) for one in inventory.participants if name not in one.scores]
    known = [cell for cell in cells if cell != MISSING]
    if known and not any(map(NUMBER.fullmatch, known)):
        return tuple("" if cell == MISSING else cell for cell in cells)
    return person_numbers(inventory, name)
