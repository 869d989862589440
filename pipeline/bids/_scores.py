"""Scores: a number for each participant, out of tables with one row a participant or one a session."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..common import NUMBER, bids_label, did_you_mean, list_names, match_labels, replace_labels
from ..study import Score, Study, is_used_in_analyses
from ..tables import MISSING, Table, TableError, read_table
from ._inventory import Inventory
from ._readable_files import DataError

PARTICIPANT, SESSION = "participant_id", "session_id"
_LABEL = re.compile(r"sub-[A-Za-z0-9+]+")

Values = dict[str, float]  # participant → number, NaN where missing


def participant_labels(table: Table) -> tuple[tuple[str, ...], dict[int, str]]:
    """Whom each row is about, with the prefix, empty where it is no BIDS label; and for such a row what is wrong."""
    names, problems = [], {}
    for row, cell in enumerate(table.column(PARTICIPANT)):
        name = bids_label(cell)
        if cell == MISSING:
            problems[row] = f"{PARTICIPANT} is empty; give every row a name"
        elif not _LABEL.fullmatch(name):
            problems[row] = f"{PARTICIPANT} is {cell!r}, which is no BIDS label; write sub- and letters or digits"
        names.append("" if row in problems else name)
    return tuple(names), problems


def read_scores(
    study: Study, participants_table: Path, participants: Sequence[str], errors: list[str], remarks: list[str]
) -> dict[str, Values]:
    """Every score of the study for some participants, NaN where it is missing.

    Arguments:
        participants_table: where scores are that name no table.
        participants: participants, with prefix.
        errors, remarks: lines that are added to.
    """
    tables: dict[Path, Table] = {}
    found: dict[str, Values] = {}
    for name, score in study.scores.items():
        path = score.table or participants_table
        try:
            if path not in tables:
                tables[path] = read_table(path)
                remarks += [] if path == participants_table else tables[path].remarks
            found[name] = _score(tables[path], score, study, participants)
        except TableError as error:
            where = "" if path.exists() else f"{path.parent}/"
            if is_used_in_analyses(name, study):
                errors.append(f"[scores.{name}]: {where}{error}")
            else:
                remarks.append(f"[scores.{name}]: {where}{error}; no analysis uses it, and it is missing for all")
            found[name] = dict.fromkeys(participants, np.nan)
            continue
        missing = [participant for participant, value in found[name].items() if np.isnan(value)]
        if participants and len(missing) == len(participants):
            problem = f"[scores.{name}]: {path.name} has {score.column} of no participant; check its names"
            (errors if is_used_in_analyses(name, study) else remarks).append(problem)
        elif missing:
            remarks.append(f"score {name} is missing for {list_names(missing)}")
    remarks += _unnamed(tables.values(), participants_table)
    return found


def _unnamed(tables: Iterable[Table], participants_table: Path) -> Iterator[str]:
    """Rows of phenotype tables that name no participant."""
    for table in tables:
        problems = (
            participant_labels(table)[1] if PARTICIPANT in table.columns and table.path != participants_table else {}
        )
        for row, problem in [*problems.items()][:1]:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            yield f"{table.path.name}, line {table.lines[row]}: {problem}{more}; not used"


def _score(table: Table, score: Score, study: Study, participants: Sequence[str]) -> Values:
    for column in (PARTICIPANT, score.column):
        if column not in table.columns:
            raise TableError(
                table.path,
                f"has no column {column!r}{did_you_mean(column, table.columns, 'columns')}; correct the name",
                1,
            )
    if score.take == "once":
        return _by_participant(table, score.column, participants, _all_rows(table))
    if score.take in ("before", "after"):
        return _of_session(table, score.column, participants, scored_sessions(study)[score.take == "after"])
    first, second = both_sessions(table, score.column, study, participants)
    sign = 1.0 if score.take == "fall" else -1.0
    return {participant: sign * (first[participant] - second[participant]) for participant in participants}


def both_sessions(table: Table, column: str, study: Study, participants: Sequence[str]) -> tuple[Values, Values]:
    """The numbers before and after; raises `TableError` where the table doesn't tell sessions."""
    before, after = (_of_session(table, column, participants, session) for session in scored_sessions(study))
    return before, after


def scored_sessions(study: Study) -> tuple[str, str]:
    """The sessions before and after, which scores that change need; `read_study` sees to it that there are two."""
    if study.sessions.pair is None:
        raise DataError("scores of two sessions need before and after under [sessions]; add them")
    return study.sessions.pair


def _all_rows(table: Table) -> list[int]:
    return list(range(len(table.rows)))


def _of_session(table: Table, column: str, participants: Sequence[str], session: str) -> Values:
    """The numbers of one session, whose label may lack its prefix in the table."""
    if SESSION not in table.columns:
        raise TableError(
            table.path, f"has no column {SESSION}, by which take tells sessions; add it, or write take = 'once'", 1
        )
    cells = table.column(SESSION)
    labels = [bids_label(cell, "ses-") for cell in cells]
    labels = list(replace_labels(labels, match_labels(labels, [bids_label(session, "ses-")])))
    rows = [row for row in _all_rows(table) if labels[row] == bids_label(session, "ses-")]
    if not rows:
        sessions_found = list_names(cells)
        raise TableError(
            table.path, f"no row has {SESSION} {session!r}; there are {sessions_found}: correct it, or [sessions]"
        )
    return _by_participant(table, column, participants, rows)


def _by_participant(table: Table, column: str, participants: Sequence[str], rows: Sequence[int]) -> Values:
    wanted = set(participants)
    places: dict[str, int] = {}
    found, _ = participant_labels(table)
    names = replace_labels(found, match_labels(found, participants))
    for row in rows:
        name = names[row]
        if name in places and name in wanted:
            twice = f"{name} has a row in line {table.lines[places[name]]}, too"
            raise TableError(table.path, f"{twice}; give each one row, or say which session to take", table.lines[row])
        places[name] = row
    used = [name for name in participants if name in places]
    values: Mapping[str, float] = dict(
        zip(used, map(float, table.numbers(column, [places[name] for name in used])), strict=True)
    )
    return {name: values.get(name, np.nan) for name in participants}


@dataclass(frozen=True, eq=False)
class SessionScores:
    """A score's values at both sessions.

    Fields:
        name, unit: of the score.
        before, after: (participant,) in the order of the inventory; NaN where missing.
    """

    name: str
    unit: str
    before: Float[np.ndarray, "participant"]
    after: Float[np.ndarray, "participant"]


def session_scores(study: Study, inventory: Inventory, names: Sequence[str]) -> tuple[SessionScores, ...]:
    """Scores before and after treatment, whatever `take` makes of the two elsewhere.

    Raises `DataError` where a score has no table with a row for each session, or the table cannot be read.
    """
    participants = [participant.name for participant in inventory.participants]
    found = []
    for name in names:
        score = study.scores[name]
        if score.table is None or score.take == "once":
            raise DataError(
                f"{name} is one number a participant; an outcome has one in both sessions: in [scores.{name}] give "
                "table, with a column session_id, and take = 'fall' or 'rise'"
            )
        try:
            before, after = both_sessions(read_table(score.table), score.column, study, participants)
        except TableError as error:
            raise DataError(str(error)) from error
        first, second = (np.array([values[participant] for participant in participants]) for values in (before, after))
        found.append(SessionScores(name, score.unit, first, second))
    return tuple(found)


def known_columns(study: Study, inventory: Inventory) -> list[str]:
    """Scores, then the columns of the participants' table; a score hides a column of its name."""
    columns = inventory.participants[0].values if inventory.participants else ()
    return list(dict.fromkeys((*study.scores, *columns)))


def participant_numbers(inventory: Inventory, name: str) -> Float[np.ndarray, "participant"]:
    """A score, or a column of the participants' table, as numbers; NaN where missing.

    Raises `DataError`, naming the participant, where a cell is text.
    """
    participants = inventory.participants
    if all(name in participant.scores for participant in participants):
        return np.array([participant.scores[name] for participant in participants], dtype=np.float64)
    cells = [participant.values.get(name, MISSING) for participant in participants]
    table = Table(Path("participants.tsv"), (name,), tuple((cell,) for cell in cells), tuple(range(len(cells))))
    try:
        return table.numbers(name)
    except TableError as error:
        raise DataError(f"{str(error).partition(': ')[2]} (of {participants[error.line or 0].name})") from error


def participant_column(inventory: Inventory, name: str) -> Float[np.ndarray, "participant"] | tuple[str, ...]:
    """The same, or texts with "" where missing if no cell is a number; raises `DataError` where both are mixed."""
    cells = [
        participant.values.get(name, MISSING)
        for participant in inventory.participants
        if name not in participant.scores
    ]
    known = [cell for cell in cells if cell != MISSING]
    if known and not any(map(NUMBER.fullmatch, known)):
        return tuple("" if cell == MISSING else cell for cell in cells)
    return participant_numbers(inventory, name)
