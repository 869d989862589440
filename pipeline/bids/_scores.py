"""Scores: a number for each participant, out of tables with one row a person or one a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..common import bids_label, list_names, match_labels, replace_labels
from ..study import Score, Study, is_used, meant
from ..tables import Table, TableError, read_table
from ._tabular import PARTICIPANT, SESSION, people_in

Values = dict[str, float]  # participant → number, NaN where missing


def read_scores(
    study: Study, participants_table: Path, people: Sequence[str], errors: list[str], remarks: list[str]
) -> dict[str, Values]:
    """Every score of the study for some participants, NaN where it is missing.

    Arguments:
        participants_table: where scores are that name no table.
        people: participants, with prefix.
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
            found[name] = _score(tables[path], score, study, people)
        except TableError as error:
            where = "" if path.exists() else f"{path.parent}/"
            if is_used(name, study):
                errors.append(f"[scores.{name}]: {where}{error}")
            else:
                remarks.append(f"[scores.{name}]: {where}{error}; no analysis uses it, and it is missing for all")
            found[name] = dict.fromkeys(people, np.nan)
            continue
        missing = [who for who, value in found[name].items() if np.isnan(value)]
        if people and len(missing) == len(people):
            problem = f"[scores.{name}]: {path.name} has {score.column} of nobody who takes part; check its names"
            (errors if is_used(name, study) else remarks).append(problem)
        elif missing:
            remarks.append(f"score {name} is missing for {list_names(missing)}")
    remarks += _unnamed(tables.values(), participants_table)
    return found


def _unnamed(tables: Iterable[Table], participants_table: Path) -> Iterator[str]:
    """Rows of phenotype tables that are about nobody."""
    for table in tables:
        problems = people_in(table)[1] if PARTICIPANT in table.columns and table.path != participants_table else {}
        for row, problem in [*problems.items()][:1]:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            yield f"{table.path.name}, line {table.lines[row]}: {problem}{more}; not used"


def _score(table: Table, score: Score, study: Study, people: Sequence[str]) -> Values:
    for column in (PARTICIPANT, score.column):
        if column not in table.columns:
            raise TableError(
                table.path, f"has no column {column!r}{meant(column, table.columns, 'columns')}; correct the name", 1
            )
    if score.take == "once":
        return _by_person(table, score.column, people, _all_rows(table))
    if score.take in ("before", "after"):
        return _of_session(table, score.column, people, getattr(study.sessions, score.take))
    first, second = both_sessions(table, score.column, study, people)
    sign = 1.0 if score.take == "fall" else -1.0
    return {who: sign * (first[who] - second[who]) for who in people}


def both_sessions(table: Table, column: str, study: Study, people: Sequence[str]) -> tuple[Values, Values]:
    """The numbers before and after; raises `TableError` where the table doesn't tell sessions."""
    before, after = (_of_session(table, column, people, one) for one in (study.sessions.before, study.sessions.after))
    return before, after


def _all_rows(table: Table) -> list[int]:
    return list(range(len(table.rows)))


def _of_session(table: Table, column: str, people: Sequence[str], session: str) -> Values:
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
        there = list_names(cells)
        raise TableError(table.path, f"{SESSION} is nowhere {session}; it is {there}: correct it, or [sessions]")
    return _by_person(table, column, people, rows)


def _by_person(table: Table, column: str, people: Sequence[str], rows: Sequence[int]) -> Values:
    wanted = set(people)
    places: dict[str, int] = {}
    found, _ = people_in(table)
    names = replace_labels(found, match_labels(found, people))
    for row in rows:
        name = names[row]
        if name in places and name in wanted:
            twice = f"{name} has a row in line {table.lines[places[name]]}, too"
            raise TableError(table.path, f"{twice}; give each one row, or say which session to take", table.lines[row])
        places[name] = row
    used = [name for name in people if name in places]
    values: Mapping[str, float] = dict(
        zip(used, map(float, table.numbers(column, [places[name] for name in used])), strict=True)
    )
    return {name: values.get(name, np.nan) for name in people}
