"""The table of visits → what differs between the visits of one participant: drug, dose, period, days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

from ..common import bids_label, first_names, list_names, match_labels, replace_labels
from ..study import Study
from ..tables import MISSING, Table, TableError, read_table
from ._inventory import Inventory, Visit, visit_label
from ._scores import PARTICIPANT, SESSION, participant_labels


class InventoryPart(TypedDict):
    """The fields of an `Inventory` that visits are about."""

    visits: tuple[Visit, ...]
    errors: tuple[str, ...]
    remarks: tuple[str, ...]


def read_visits(study: Study, inventory: Inventory) -> InventoryPart:
    """Every participant in every session, with what the table of visits says, beside what is wrong in it.

    Without a table, each participant's ``sub-*_sessions.tsv`` of the BIDS dataset is read where there is one.
    """
    names = [participant.name for participant in inventory.participants]
    errors, remarks = list(inventory.errors), list(inventory.remarks)
    values: dict[tuple[str, str | None], dict[str, str]] = {}
    for path, participant in _tables(study, names):
        try:
            table = read_table(path)
            remarks += table.remarks if participant is None else []
            whom = names if participant is None else [participant]
            values |= _rows(table, whom, study, participant, remarks, inventory.left_out)
        except TableError as error:
            where = "" if path.exists() else f"{path.parent}/"
            (errors if participant is None else remarks).append(f"[visits]: {where}{error}")
    columns = list(dict.fromkeys(name for own in values.values() for name in own))
    visits = tuple(
        Visit(
            participant,
            session,
            {name: values.get((participant, session), {}).get(name, MISSING) for name in columns},
        )
        for participant in names
        for session in study.sessions.labels
    )
    if study.visits.table is not None and values:
        lacking = [visit.label for visit in visits if (visit.participant, visit.session) not in values]
        remarks += [f"[visits]: {study.visits.table.name} has no row for {list_names(lacking)}"] if lacking else []
    return {"visits": visits, "errors": tuple(errors), "remarks": tuple(remarks)}


def _tables(study: Study, names: Sequence[str]) -> Iterator[tuple[Path, str | None]]:
    """Files to read, and of whom each is; None for everybody."""
    if study.visits.table is not None:
        yield study.visits.table, None
    elif study.study.bids is not None and study.sessions.labels != (None,):
        for name in names:
            path = study.study.bids / name / f"{name}_sessions.tsv"
            if path.is_file():
                yield path, name


def _rows(
    table: Table,
    names: Sequence[str],
    study: Study,
    participant: str | None,
    remarks: list[str],
    left_out: Sequence[tuple[str, str]],
) -> dict[tuple[str, str | None], dict[str, str]]:
    """(participant, session) → the cells of its row.

    Arguments:
        remarks: lines that are added to.
        left_out: participants of the table of participants who are not in the study, and why.

    Raises `TableError` where a column is missing, a row names nobody, or two rows are of one visit.
    """
    for column in (SESSION,) if participant is not None else (PARTICIPANT, SESSION):
        if column not in table.columns:
            raise TableError(table.path, f"has no column {column}, by which visits are told apart; add it", 1)
    if participant is None:
        found, problems = participant_labels(table)
        for row, problem in problems.items():
            raise TableError(table.path, problem, table.lines[row])
        whom = replace_labels(found, match_labels(found, names))
    else:
        whom = (participant,) * len(table.rows)
    sessions = [bids_label(cell, "ses-") for cell in table.column(SESSION)]
    known = [label for label in study.sessions.labels if label is not None]
    sessions = list(replace_labels(sessions, match_labels(sessions, known)))
    taken: dict[tuple[str, str | None], int] = {}
    values: dict[tuple[str, str | None], dict[str, str]] = {}
    for row, key in enumerate(zip(whom, sessions, strict=True)):
        if key[0] not in names or key[1] not in known:
            continue
        if key in taken:
            first = table.lines[taken[key]]
            raise TableError(table.path, f"{visit_label(*key)} has a row in line {first}, too", table.lines[row])
        taken[key] = row
        cells = zip(table.columns, table.rows[row], strict=True)
        values[key] = {name: cell for name, cell in cells if name not in (PARTICIPANT, SESSION, *table.repeated)}
    strangers = sorted({name for name in whom if name not in (*names, *(name for name, _ in left_out))})
    if strangers and participant is None:
        remarks.append(f"{table.path.name}: rows of {first_names(strangers)} are of no participant; not used")
    others = sorted(set(sessions) - set(known))
    if others and participant is None:
        remarks.append(f"{table.path.name}: rows of {first_names(others)} are of no session of the study; not used")
    return values
