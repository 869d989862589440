"""The participants' table → who is in the study, in which arm, and who is not and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from peb import some

from .._table import MISSING, Table, TableError, read_table
from ..common import ambiguous_labels, describe_same_person, match_labels, relabelled, same_person
from ..study import Study
from ..study._nearest import meant
from ._inventory import Participant
from ._scores import read_scores
from ._tabular import PARTICIPANT, people_in, prefixed
from ._tree import Tree
from ._words import listed


@dataclass
class People:
    """What the participants' table says, with everything that is wrong in it.

    Fields:
        participants: of the study, in the order of the table.
        left_out: (participant, why).
        errors, remarks: a line each.
    """

    participants: tuple[Participant, ...] = ()
    left_out: list[tuple[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_people(study: Study) -> People:
    """Everybody in the participants' table, with arm and scores; what is wrong is told, all of it."""
    found = People()
    table_path = study.participants.table or study.study.bids / "participants.tsv"
    try:
        table = read_table(table_path)
        rows = _rows(table, _folders(study), found)
        arms = _arms(table, study, rows, found)
    except TableError as error:
        found.errors.append(f"{_folder(error.path)}{error}")
        return found
    scores = read_scores(study, table_path, list(arms), found.errors, found.remarks)
    found.participants = tuple(
        Participant(
            name,
            arm,
            _values(table, rows[name], study.participants.arm),
            {score: values[name] for score, values in scores.items()},
        )
        for name, arm in arms.items()
    )
    return found


def _folder(path: Path) -> str:
    """The folder of a table that is not there; one that is there is known by its name."""
    return "" if path.exists() else f"{path.parent}/"


def _folders(study: Study) -> list[str]:
    """Everybody who has a folder, in the dataset or its derivatives."""
    places = (study.study.bids, study.study.derivatives)
    return [name for place in places for name in Tree(place).folders() if name.startswith("sub-")]


def _rows(table: Table, folders: Sequence[str], found: People) -> dict[str, int]:
    """Participant, as folders are called → row; raises `TableError` where two rows are about one."""
    rows: dict[str, int] = {}
    names = people_in(table)
    labels = match_labels(names, folders)
    for one, other in (*ambiguous_labels(names), *ambiguous_labels(folders)):
        if not {one, other}.isdisjoint(names):
            where = "" if {one, other} <= set(names) else "; there are folders of both"
            raise TableError(table.path, f"{one} and {other} differ in leading zeros alone{where}; rename one of them")
    if labels:
        said = [f"{name} is {label}" for name, label in labels.items()]
        found.remarks.append(f"{table.path.name}: by the folders, {some(said)}")
    for row, (name, line) in enumerate(zip(relabelled(names, labels), table.lines, strict=True)):
        if name in rows:
            first = table.lines[rows[name]]
            raise TableError(table.path, f"{PARTICIPANT} is {name}, as in line {first}; give each one row", line)
        rows[name] = row
    cells = table.column(PARTICIPANT)
    bare = [cell for cell in cells if not cell.startswith("sub-")]
    if bare:
        taken = relabelled((prefixed(bare[0]),), labels)[0]
        found.remarks.append(f"{table.path.name}: {listed(bare)} lack sub- in front; they are taken as {taken} …")
    if not rows:
        raise TableError(table.path, "has a header but no row; give every participant one")
    return rows


def _arms(table: Table, study: Study, rows: Mapping[str, int], found: People) -> dict[str, str]:
    """The arm of everybody who is in the study."""
    column, arms = study.participants.arm, study.participants.arms
    if column not in table.columns:
        raise TableError(
            table.path,
            f"has no column {column!r}, which [participants] arm names{meant(column, table.columns, 'columns')}",
            1,
        )
    cells = table.column(column)
    excluded = {prefixed(name): why for name, why in study.participants.exclude.items()}
    labels = match_labels(excluded, rows)
    excluded = {labels.get(name, name): why for name, why in excluded.items()}
    for name in excluded.keys() - rows.keys():
        found.errors.append(f"[participants] exclude names {name}, who is not in {table.path.name}; correct the name")
    kept: dict[str, str] = {}
    strangers: dict[str, list[str]] = {}
    for name, row in rows.items():
        arm = cells[row]
        if name in excluded:
            found.left_out.append((name, excluded[name]))
        elif arm in ("", MISSING):
            found.left_out.append((name, f"has no {column} in {table.path.name}, line {table.lines[row]}"))
        elif arm not in arms:
            strangers.setdefault(arm, []).append(f"{name} (line {table.lines[row]})")
        else:
            kept[name] = arm
    for arm, who in strangers.items():
        found.errors.append(
            f"{table.path.name}: {column} is {arm!r} for {listed(who)}, which is no arm of the study"
            f"{meant(arm, arms, 'arms')}; correct it, or name them under [participants] exclude"
        )
    found.errors += [
        f"{table.path.name}: nobody who takes part has {column} {arm}; check [participants] arms and exclude"
        for arm in arms
        if arm not in kept.values()
    ]
    found.remarks += [f"{name} is left out: {why}" for name, why in found.left_out]
    if not study.participants.all_different and (groups := same_person(list(kept))):
        found.errors.append(
            f"{table.path.name}: {describe_same_person(groups)}; make them sessions of one, or under [participants] "
            "exclude all but one, or write all_different = true"
        )
    return kept


def _values(table: Table, row: int, arm: str) -> dict[str, str]:
    """The other columns of a row."""
    return {
        name: cell or MISSING
        for name, cell in zip(table.columns, table.rows[row], strict=True)
        if name not in (PARTICIPANT, arm)
    }
