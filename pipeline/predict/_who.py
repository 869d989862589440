"""Which columns of a table name people and sessions, and which session comes first."""

from __future__ import annotations

from collections.abc import Sequence

from ..common import UsageError, did_you_mean, first_names, name_key
from ..tables import Table, TableError
from ._cells import is_missing
from ._options import PredictOptions
from ._sidecar import Sidecar

PARTICIPANT = "participant_id"  # as BIDS has it
PEOPLE = (
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


def participant_column(table: Table, options: PredictOptions) -> str | None:
    """The column that names people: as asked, as BIDS calls it, or what looks like it; None where nothing does.

    Raises `TableError` where there is no such column, or more than one could be it.
    """
    if options.person is not None:
        return known(table, options.person, "person")
    if PARTICIPANT in table.columns:
        return PARTICIPANT
    like = [name for name in table.columns if name.casefold() in (PARTICIPANT, *PEOPLE)]
    if len(like) > 1:
        raise TableError(table.path, f"people could be named by {' or '.join(like)}; say which (--person COLUMN)", 1)
    return like[0] if like else None


def session_column(table: Table, options: PredictOptions, person: str | None) -> str | None:
    """The column that names sessions; None where the table has one row per person.

    Raises `TableError` where people have several rows, or sessions were asked for, and no column names them.
    """
    if options.session is not None:
        return known(table, options.session, "session")
    like = [name for name in table.columns if name.casefold() in SESSIONS]
    if len(like) == 1 and (options.sessions is not None or _repeated(table, person)):
        return like[0]
    if options.sessions is not None:
        others = first_names([name for name in table.columns if name != person])
        raise TableError(table.path, f"say which column names sessions (--session COLUMN): {others}", 1)
    if person is not None and (twice := _repeated(table, person)):
        first, second = twice
        raise TableError(
            table.path,
            f"{person} is {table.column(person)[second]}, as in line {table.lines[first]}; give each person one row, "
            "or, where rows are sessions, say which column names them (--session COLUMN --sessions BEFORE,AFTER)",
            table.lines[second],
        )
    return None


def session_pair(table: Table, options: PredictOptions, session: str, sidecar: Sidecar) -> tuple[str, str]:
    """Before and after, as the table's cells have them.

    Raises `TableError` where a session is in no row, `UsageError` where nothing says which comes first.
    """
    there = tuple(dict.fromkeys(cell for cell in table.column(session) if not is_missing(cell)))
    levels = sidecar.levels.get(session, ())
    pair = options.sessions or (levels if len(levels) == 2 else None)
    if pair is None:
        raise UsageError(
            f"{table.path.name}: {session} is {first_names(there) or 'empty'}; say which is before and which after "
            "(--sessions BEFORE,AFTER)"
        )
    before, after = (_as_written(table, session, name, there) for name in pair)
    return before, after


def known(table: Table, name: str, what: str) -> str:
    """The name of a column; raises `TableError` where there is none of that name."""
    if name not in table.columns:
        raise TableError(
            table.path, f"has no column {name!r} for {what}{did_you_mean(name, table.columns, 'columns')}", 1
        )
    return name


def _as_written(table: Table, column: str, session: str, there: Sequence[str]) -> str:
    """The session as cells have it, whose ``ses-`` may be there or not."""
    bare = session.removeprefix("ses-")
    for cell in (session, bare, f"ses-{bare}"):
        if cell in there:
            alike = [one for one in there if one != cell and _session_key(one) == _session_key(cell)]
            if alike:
                raise TableError(
                    table.path, f"{column} is {cell} and {alike[0]}, which seem to be one; write one of them"
                )
            return cell
    hint = did_you_mean(session, there, "sessions")
    raise TableError(table.path, f"{column} is nowhere {session}{hint}; say which two it is (--sessions BEFORE,AFTER)")


def _session_key(session: str) -> str:
    return name_key(session).removeprefix("ses ")


def _repeated(table: Table, person: str | None) -> tuple[int, int] | None:
    """Two rows of the same person; None where there are none."""
    first: dict[str, int] = {}
    for row, cell in enumerate(table.column(person) if person is not None else ()):
        if cell in first:
            return first[cell], row
        first[cell] = row
    return None
