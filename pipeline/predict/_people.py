"""A table as people: who they are, and the row of each session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..common import describe_repeated_participants, find_repeated_participants
from ..tables import Table, TableError, read_table
from ._cells import Kind, is_missing, kind_of, numbers
from ._options import PredictOptions
from ._sidecar import Sidecar, read_sidecar
from ._who import participant_column, session_column, session_pair

ABSENT = -1  # for a row that isn't there


@dataclass(frozen=True, eq=False)
class People:
    """A table, and which of its rows are about whom.

    Fields:
        table, sidecar: the files.
        names: of the people, in the order of the table.
        person, session: the columns that name them; none where rows have no names, or there is one row per person.
        sessions: before and after, as the table has them; none with one row per person.
        rows: (person, session) their rows, −1 where there is none; one column with one row per person.
        unused: sessions that are neither.
    """

    table: Table
    sidecar: Sidecar
    names: tuple[str, ...]
    person: str | None
    session: str | None
    sessions: tuple[str, str] | None
    rows: np.ndarray
    unused: tuple[str, ...] = ()

    @property
    def used(self) -> list[int]:
        """Rows that are somebody's."""
        return [int(row) for row in self.rows.ravel() if row != ABSENT]

    def kind(self, column: str) -> Kind:
        """What a column holds."""
        return kind_of(self.table, column, self.used)

    def numbers(self, column: str) -> Float[np.ndarray, "person session"]:
        """Values of a column, NaN where they are missing; raises `TableError` where one is no number."""
        found = np.full(self.rows.shape, np.nan)
        found[self.rows != ABSENT] = numbers(self.table, column, [int(row) for row in self.rows[self.rows != ABSENT]])
        return found

    def texts(self, column: str) -> list[tuple[str, ...]]:
        """For each person the cells that are there, one for each session that has one."""
        cells = self.table.column(column)
        return [tuple(cells[row] for row in rows if row != ABSENT and not is_missing(cells[row])) for rows in self.rows]

    def line(self, person: int) -> int:
        """A line of the file that is about a person."""
        return self.table.lines[max(int(row) for row in self.rows[person])]

    def lacks(self, person: int) -> str:
        """Which session a person has no row of, in words; empty where there are all."""
        if self.sessions is None:
            return ""
        gone = [name for name, row in zip(self.sessions, self.rows[person], strict=True) if row == ABSENT]
        return f"no row of {gone[0]}" if gone else ""


def read_people(options: PredictOptions) -> People:
    """The table that is asked about, with its description.

    Raises `TableError`, or `UsageError` where nothing says which session comes first.
    """
    table = read_table(options.table)
    if not table.rows:
        raise TableError(table.path, "has a header and no rows; write a row for each person", 1)
    sidecar = read_sidecar(table)
    person = participant_column(table, options)
    session = session_column(table, options, person)
    if session is None:
        return _wide(table, sidecar, person, options)
    if person is None:
        raise TableError(table.path, f"say which column names people (--person COLUMN): {', '.join(table.columns)}", 1)
    if person == session:
        raise TableError(table.path, f"{person} cannot name both people and sessions; say which column is which", 1)
    found = _long(table, sidecar, person, session, session_pair(table, options, session, sidecar))
    if not options.all_different:
        _check_different(table, person, found.names)
    return found


def _check_different(table: Table, person: str, names: Sequence[str]) -> None:
    """Raises `TableError` where names look like visits of one person, who would be predicted from themselves."""
    if groups := find_repeated_participants(names):
        raise TableError(
            table.path,
            f"{person}: {describe_repeated_participants(groups)}; give visits a column of their own (--session COLUMN "
            "--sessions BEFORE,AFTER), or say --all-different if they are different people",
        )


def _wide(table: Table, sidecar: Sidecar, person: str | None, options: PredictOptions) -> People:
    count = len(table.rows)
    names = _row_names(table) if person is None else table.names(person)
    if person is not None and not options.all_different:
        _check_different(table, person, names)
    return People(table, sidecar, names, person, None, None, np.arange(count)[:, None])


def _row_names(table: Table) -> tuple[str, ...]:
    """Names by number; raises `TableError` for a row that is there twice: nothing says that it is another person."""
    first: dict[tuple[str, ...], int] = {}
    for row, line in zip(table.rows, table.lines, strict=True):
        if row in first:
            raise TableError(
                table.path,
                f"is the same as line {first[row]}, and a person twice is predicted from themselves; remove one, "
                "or name people in a column participant_id",
                line,
            )
        first[row] = line
    return tuple(f"row-{place + 1}" for place in range(len(table.rows)))


def _long(table: Table, sidecar: Sidecar, person: str, session: str, sessions: tuple[str, str]) -> People:
    rows: dict[str, list[int]] = {}
    who, when = table.column(person), table.column(session)
    for row, line in enumerate(table.lines):
        _check_named(table, {person: who[row], session: when[row]}, line)
        if when[row] not in sessions:
            continue
        own = rows.setdefault(who[row], [ABSENT, ABSENT])
        place = sessions.index(when[row])
        if own[place] != ABSENT:
            before = f"{who[row]} has {when[row]} in line {table.lines[own[place]]} already"
            raise TableError(table.path, f"{before}; give each person one row for each session", line)
        own[place] = row
    found = np.array(list(rows.values()))
    if not (found != ABSENT).all(axis=1).any():
        raise TableError(
            table.path, f"nobody has a row of {sessions[0]} and one of {sessions[1]}; check how people are named"
        )
    return People(table, sidecar, tuple(rows), person, session, sessions, found, _others(when, sessions))


def _check_named(table: Table, cells: dict[str, str], line: int) -> None:
    for column, cell in cells.items():
        if is_missing(cell):
            raise TableError(
                table.path, f"{column} is empty; say in every row whom and which session it is about", line
            )


def _others(when: Sequence[str], sessions: tuple[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in when if one not in sessions))
