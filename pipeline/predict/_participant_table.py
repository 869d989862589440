"""A table as participants: the columns that name them and their sessions, the row of each, and what cells hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from ..common import (
    NUMBER,
    UsageError,
    describe_repeated_participants,
    did_you_mean,
    find_repeated_participants,
    first_names,
    name_key,
    number_advice,
)
from ..tables import INFINITE, MISSING, Table, TableError, read_table
from ._options import PredictOptions
from ._sidecar import Sidecar, parse_sidecar, read_table_sidecar

CellKind = Literal["numbers", "texts", "mixed", "empty"]
LARGEST = 1e100  # beyond it squares, which everything here is made of, leave the range of a double


def is_missing(cell: str) -> bool:
    """Whether nothing is there."""
    return cell == MISSING


def kind_of(table: Table, column: str, rows: Sequence[int]) -> CellKind:
    """What a column holds in some rows; ``mixed`` is numbers and something else, or what was meant as numbers."""
    cells = table.column(column)
    known = [cells[row] for row in rows if cells[row] != MISSING]
    if not known:
        return "empty"
    numeric = sum(NUMBER.fullmatch(cell) is not None for cell in known)
    if numeric == len(known):
        return "numbers"
    meant = any(number_advice(cell) or INFINITE.fullmatch(cell) for cell in known)
    return "mixed" if numeric or meant else "texts"


def numbers(table: Table, column: str, rows: Sequence[int]) -> Float[np.ndarray, "row"]:
    """(row,) values of some rows, NaN where nothing is there.

    Raises `TableError`, with the line, for a cell that is no number, or one too large or too small to compute with.
    """
    found = table.numbers(column, rows)
    for place in np.flatnonzero(np.abs(found) > LARGEST):
        row = rows[int(place)]
        problem = f"{column} is {table.column(column)[row]}, too large to compute with; correct it, or its unit"
        raise TableError(table.path, problem, table.lines[row])
    if 0 < np.abs(found[np.isfinite(found)]).max(initial=0.0) < 1 / LARGEST:
        raise TableError(table.path, f"{column} holds numbers too small to compute with; change its unit")
    return found


PARTICIPANT = "participant_id"  # as BIDS has it
PARTICIPANTS = (
    "participant",
    "subject",
    "subject_id",
    "subject_nr",
    "sub",
    "patient",
    "patient_id",
    "id",
    "rid",
    "record_id",
)
SESSIONS = ("session", "session_id")


def find_participant_column(table: Table, options: PredictOptions) -> str | None:
    """The column that names participants: as asked, as BIDS calls it, or what looks like it; None where nothing does.

    Raises `TableError` where there is no such column, or more than one could be it.
    """
    if options.participant is not None:
        return check_column(table, options.participant, "participant")
    if PARTICIPANT in table.columns:
        return PARTICIPANT
    like = [name for name in table.columns if name.casefold() in (PARTICIPANT, *PARTICIPANTS)]
    if len(like) > 1:
        raise TableError(
            table.path, f"participants could be named by {' or '.join(like)}; say which (--participant COLUMN)", 1
        )
    return like[0] if like else None


def session_column(table: Table, options: PredictOptions, participant: str | None) -> str | None:
    """The column that names sessions; None where the table has one row per participant.

    Raises `TableError` where participants have several rows, or sessions were asked for, and no column names them.
    """
    if options.session is not None:
        return check_column(table, options.session, "session")
    like = [name for name in table.columns if name.casefold() in SESSIONS]
    if len(like) == 1 and (options.sessions is not None or _repeated(table, participant)):
        return like[0]
    if options.sessions is not None:
        others = first_names([name for name in table.columns if name != participant])
        raise TableError(table.path, f"say which column names sessions (--session COLUMN): {others}", 1)
    if participant is not None and (twice := _repeated(table, participant)):
        first, second = twice
        raise TableError(
            table.path,
            f"{participant} is {table.column(participant)[second]}, as in line {table.lines[first]}; give each "
            "participant one row, or, where rows are sessions, say which column names them (--session COLUMN "
            "--sessions BEFORE,AFTER)",
            table.lines[second],
        )
    return None


def session_pair(table: Table, options: PredictOptions, session: str, sidecar: Sidecar) -> tuple[str, str]:
    """Before and after, as the table's cells have them.

    Raises `TableError` where a session is in no row, `UsageError` where nothing says which comes first.
    """
    labels = tuple(dict.fromkeys(cell for cell in table.column(session) if not is_missing(cell)))
    levels = sidecar.levels.get(session, ())
    pair = options.sessions or (levels if len(levels) == 2 else None)
    if pair is None:
        raise UsageError(
            f"{table.path.name}: {session} is {first_names(labels) or 'empty'}; say which is before and which after "
            "(--sessions BEFORE,AFTER)"
        )
    before, after = (_as_written(table, session, name, labels) for name in pair)
    return before, after


def check_column(table: Table, name: str, what: str) -> str:
    """The name of a column; raises `TableError` where there is none of that name."""
    if name not in table.columns:
        raise TableError(
            table.path, f"has no column {name!r} for {what}{did_you_mean(name, table.columns, 'columns')}", 1
        )
    return name


def _as_written(table: Table, column: str, session: str, labels: Sequence[str]) -> str:
    """The session as cells have it, whose ``ses-`` may be there or not."""
    bare = session.removeprefix("ses-")
    for cell in (session, bare, f"ses-{bare}"):
        if cell in labels:
            alike = [other for other in labels if other != cell and _session_key(other) == _session_key(cell)]
            if alike:
                raise TableError(
                    table.path, f"{column} is {cell} and {alike[0]}, which seem to be one; write one of them"
                )
            return cell
    hint = did_you_mean(session, labels, "sessions")
    raise TableError(
        table.path, f"no row has {column} {session!r}{hint}; say which two it is (--sessions BEFORE,AFTER)"
    )


def _session_key(session: str) -> str:
    return name_key(session).removeprefix("ses ")


def _repeated(table: Table, participant: str | None) -> tuple[int, int] | None:
    """Two rows of the same participant; None where there are none."""
    first: dict[str, int] = {}
    for row, cell in enumerate(table.column(participant) if participant is not None else ()):
        if cell in first:
            return first[cell], row
        first[cell] = row
    return None


ABSENT = -1  # for a row that isn't there


@dataclass(frozen=True, eq=False)
class ParticipantTable:
    """A table, and which of its rows are about whom.

    Fields:
        table, sidecar: the files.
        names: of the participants, in the order of the table.
        participant, session: the columns that name them; none where rows have no names, or there is one row per
            participant.
        sessions: before and after, as the table has them; none with one row per participant.
        rows: (participant, session) their rows, −1 where there is none; one column with one row per participant.
        unused: sessions that are neither.
    """

    table: Table
    sidecar: Sidecar
    names: tuple[str, ...]
    participant: str | None
    session: str | None
    sessions: tuple[str, str] | None
    rows: np.ndarray
    unused: tuple[str, ...] = ()

    @property
    def used(self) -> list[int]:
        """Rows that are somebody's."""
        return [int(row) for row in self.rows.ravel() if row != ABSENT]

    def kind(self, column: str) -> CellKind:
        """What a column holds."""
        return kind_of(self.table, column, self.used)

    def numbers(self, column: str) -> Float[np.ndarray, "participant session"]:
        """Values of a column, NaN where they are missing; raises `TableError` where one is no number."""
        found = np.full(self.rows.shape, np.nan)
        found[self.rows != ABSENT] = numbers(self.table, column, [int(row) for row in self.rows[self.rows != ABSENT]])
        return found

    def texts(self, column: str) -> list[tuple[str, ...]]:
        """For each participant the cells that are there, one for each session that has one."""
        cells = self.table.column(column)
        return [tuple(cells[row] for row in rows if row != ABSENT and not is_missing(cells[row])) for rows in self.rows]

    def line(self, participant: int) -> int:
        """A line of the file that is about a participant."""
        return self.table.lines[max(int(row) for row in self.rows[participant])]

    def lacks(self, participant: int) -> str:
        """Which session a participant has no row of, in words; empty where there are all."""
        if self.sessions is None:
            return ""
        gone = [name for name, row in zip(self.sessions, self.rows[participant], strict=True) if row == ABSENT]
        return f"no row of {gone[0]}" if gone else ""


def read_participant_table(options: PredictOptions) -> ParticipantTable:
    """The table that is asked about, with its description.

    Raises `TableError`, or `UsageError` where nothing says which session comes first.
    """
    table = options.table if isinstance(options.table, Table) else read_table(options.table)
    if not table.rows:
        raise TableError(table.path, "has a header and no rows; write a row for each participant", 1)
    sidecar = _description(table, options)
    participant = find_participant_column(table, options)
    session = session_column(table, options, participant)
    if session is None:
        return _wide(table, sidecar, participant, options)
    if participant is None:
        raise TableError(
            table.path, f"say which column names participants (--participant COLUMN): {', '.join(table.columns)}", 1
        )
    if participant == session:
        raise TableError(
            table.path, f"{participant} cannot name both participants and sessions; say which column is which", 1
        )
    found = _long(table, sidecar, participant, session, session_pair(table, options, session, sidecar))
    if not options.all_different:
        _check_different(table, participant, found.names)
    return found


def _description(table: Table, options: PredictOptions) -> Sidecar:
    """What is known of the columns: of a table that was read, what was given with it."""
    if isinstance(options.table, Table):
        return parse_sidecar(table, options.description or {}, Path("description"))
    return read_table_sidecar(table)


def _check_different(table: Table, participant: str, names: Sequence[str]) -> None:
    """Raises `TableError` where names look like visits of one participant, who would be predicted from themselves."""
    if groups := find_repeated_participants(names):
        raise TableError(
            table.path,
            f"{participant}: {describe_repeated_participants(groups)}; give visits a column of their own (--session "
            "COLUMN --sessions BEFORE,AFTER), or say --all-different if they are different participants",
        )


def _wide(table: Table, sidecar: Sidecar, participant: str | None, options: PredictOptions) -> ParticipantTable:
    count = len(table.rows)
    names = _row_names(table) if participant is None else table.names(participant)
    if participant is not None and not options.all_different:
        _check_different(table, participant, names)
    return ParticipantTable(table, sidecar, names, participant, None, None, np.arange(count)[:, None])


def _row_names(table: Table) -> tuple[str, ...]:
    """Names by number; raises `TableError` for a row that is there twice: nothing says that it is another
    participant."""
    first: dict[tuple[str, ...], int] = {}
    for row, line in zip(table.rows, table.lines, strict=True):
        if row in first:
            raise TableError(
                table.path,
                f"is the same as line {first[row]}, and a participant twice is predicted from themselves; remove one, "
                "or name participants in a column participant_id",
                line,
            )
        first[row] = line
    return tuple(f"row-{place + 1}" for place in range(len(table.rows)))


def _long(
    table: Table, sidecar: Sidecar, participant: str, session: str, sessions: tuple[str, str]
) -> ParticipantTable:
    rows: dict[str, list[int]] = {}
    names, visits = table.column(participant), table.column(session)
    for row, line in enumerate(table.lines):
        _check_named(table, {participant: names[row], session: visits[row]}, line)
        if visits[row] not in sessions:
            continue
        own = rows.setdefault(names[row], [ABSENT, ABSENT])
        place = sessions.index(visits[row])
        if own[place] != ABSENT:
            before = f"{names[row]} has {visits[row]} in line {table.lines[own[place]]} already"
            raise TableError(table.path, f"{before}; give each participant one row for each session", line)
        own[place] = row
    found = np.array(list(rows.values()))
    if not (found != ABSENT).all(axis=1).any():
        raise TableError(
            table.path, f"nobody has a row of {sessions[0]} and one of {sessions[1]}; check how participants are named"
        )
    return ParticipantTable(
        table, sidecar, tuple(rows), participant, session, sessions, found, _other_sessions(visits, sessions)
    )


def _check_named(table: Table, cells: dict[str, str], line: int) -> None:
    for column, cell in cells.items():
        if is_missing(cell):
            raise TableError(
                table.path, f"{column} is empty; say in every row whom and which session it is about", line
            )


def _other_sessions(visits: Sequence[str], sessions: tuple[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(session for session in visits if session not in sessions))
