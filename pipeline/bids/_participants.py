"""The participants' table → who is in the study, in which group, and who is not and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..common import (
    ambiguous_labels,
    bids_label,
    describe_repeated_participants,
    did_you_mean,
    find_repeated_participants,
    first_names,
    ignored_folders,
    list_names,
    match_labels,
    read_number,
    replace_labels,
)
from ..study import Study, is_used_in_analyses
from ..tables import MISSING, Table, TableError, missing_codes, read_table
from ._inventory import Participant
from ._locate_files import DatasetFolders
from ._scores import PARTICIPANT, participant_labels, read_scores


@dataclass
class StudyParticipants:
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


def read_participants(study: Study, names: Sequence[str] | None = None) -> StudyParticipants:
    """Every participant of the table, with group and scores; everything that is wrong is reported.

    Where the study has no groups and there is no table, participants are those of the folders.

    Arguments:
        names: of those who have data; those who have a folder where None.
    """
    folders = _folders(study) if names is None else list(names)
    result = StudyParticipants()
    table_path = participants_table(study)
    if table_path is None and study.participants.group_column is not None:
        word = study.participants.group_word
        result.errors.append(
            f'[participants] {word} is a column of a table, and there is none; name it, as table = "participants.tsv"'
        )
        return result
    try:
        table = _table_of_folders(study, folders, result) if table_path is None else read_table(table_path)
        result.remarks += table.remarks
        rows = _rows(table, study, folders, result)
        groups = _groups(table, study, rows, result)
    except TableError as error:
        result.errors.append(f"{_folder_if_absent(error.path)}{error}")
        return result
    scores = read_scores(study, table.path, list(groups), result.errors, result.remarks)
    result.participants = tuple(
        Participant(
            name,
            group,
            _values(table, rows[name], study.participants.group_column),
            {score: values[name] for score, values in scores.items()},
        )
        for name, group in groups.items()
    )
    result.remarks += _code_remarks(study, result.participants)
    return result


def participants_table(study: Study) -> Path | None:
    """The table of participants: the one named, else that of the dataset or its derivatives; None where none is there.

    Where groups are asked for, it is the one that ought to be there.
    """
    if study.participants.table is not None:
        return study.participants.table
    places = [folder / "participants.tsv" for folder in (study.study.bids, study.study.derivatives) if folder]
    there = next((path for path in places if path.is_file()), None)
    return there if there is not None or study.participants.group_column is None else next(iter(places), None)


def _table_of_folders(study: Study, folders: Sequence[str], found: StudyParticipants) -> Table:
    """A table of everybody who has data, where nobody has written one."""
    names = list(dict.fromkeys(folders))
    kept = "whose series were found" if study.series is not None else "folders"
    found.remarks.append(f"there is no participants.tsv; participants are the {len(names)} {kept}")
    path = (study.study.derivatives or study.study.bids or Path()) / "participants.tsv"
    return Table(path, (PARTICIPANT,), tuple((name,) for name in names), tuple(range(2, len(names) + 2)))


def _folder_if_absent(path: Path) -> str:
    """The folder of a table that is not there; one that is there is known by its name."""
    return "" if path.exists() else f"{path.parent}/"


def _folders(study: Study) -> list[str]:
    """Every participant who has a folder, in the dataset or its derivatives, but for those that .bidsignore names."""
    places = [place for place in (study.study.bids, study.study.derivatives) if place is not None]
    names = [name for place in places for name in DatasetFolders(place).participants()]
    ignored = {name for place in places for name in ignored_folders(place, names)}
    return [name for name in names if name not in ignored]


def _rows(table: Table, study: Study, folders: Sequence[str], found: StudyParticipants) -> dict[str, int]:
    """Participant, as folders are called → row.

    Raises `TableError` where two rows are about the same participant, or the row of a participant names none.
    """
    cells, problems = participant_labels(table)
    apart = _rows_of_others(table, study, cells)
    _check_zeros(table, [name for row, name in enumerate(cells) if name and row not in apart], folders)
    labels = match_labels([name for name in cells if name], folders)
    if labels:
        renamed = [f"{name} is {label}" for name, label in labels.items()]
        found.remarks.append(f"{table.path.name}: by the folders, {first_names(renamed)}")
    rows: dict[str, int] = {}
    for row, (name, line) in enumerate(zip(replace_labels(cells, labels), table.lines, strict=True)):
        if row in problems and row not in apart:
            raise TableError(table.path, problems[row], line)
        if row in problems:
            found.remarks.append(f"{table.path.name}, line {line}: {problems[row]}; not used")
        elif name in rows and row not in apart:
            first = table.lines[rows[name]]
            raise TableError(table.path, f"{PARTICIPANT} is {name}, as in line {first}; give each one row", line)
        else:
            rows.setdefault(name, row)
    bare = [cell for row, cell in enumerate(table.column(PARTICIPANT)) if cells[row] and not cell.startswith("sub-")]
    if bare:
        taken = replace_labels((bids_label(bare[0]),), labels)[0]
        found.remarks.append(f"{table.path.name}: {list_names(bare)} lack sub- in front; they are taken as {taken} …")
    if not rows:
        raise TableError(table.path, "has a header but no row; give every participant one")
    return rows


def _rows_of_others(table: Table, study: Study, names: Sequence[str]) -> set[int]:
    """Rows of those who do not participate, whatever else is wrong with them."""
    column = study.participants.group_column
    excluded = {bids_label(name) for name in study.participants.exclude}
    others = {row for row, name in enumerate(names) if name in excluded}
    if column is None or column not in table.columns:
        return others if column is None else set()
    return others | {row for row, cell in enumerate(table.column(column)) if cell == MISSING}


def _check_zeros(table: Table, names: Sequence[str], folders: Sequence[str]) -> None:
    """Raises `TableError` where labels differ in leading zeros alone, so that participants cannot be told apart."""
    for first, other in (*ambiguous_labels(names), *ambiguous_labels(folders)):
        if not {first, other}.isdisjoint(names):
            where = "" if {first, other} <= set(names) else "; there are folders of both"
            raise TableError(
                table.path, f"{first} and {other} differ in leading zeros alone{where}; rename one of them"
            )


def _groups(table: Table, study: Study, rows: Mapping[str, int], found: StudyParticipants) -> dict[str, str | None]:
    """The group of every participant of the study; None where the study has no groups."""
    column, groups, word = (
        study.participants.group_column,
        study.participants.group_names,
        study.participants.group_word,
    )
    if column is not None and column not in table.columns:
        raise TableError(
            table.path,
            f"has no column {column!r}, which [participants] {word} names"
            f"{did_you_mean(column, table.columns, 'columns')}",
            1,
        )
    cells = table.column(column) if column is not None else ()
    excluded = {bids_label(name): why for name, why in study.participants.exclude.items()}
    labels = match_labels(excluded, rows)
    excluded = {labels.get(name, name): why for name, why in excluded.items()}
    for name in excluded.keys() - rows.keys():
        found.errors.append(f"[participants] exclude names {name}, who is not in {table.path.name}; correct the name")
    kept: dict[str, str | None] = {}
    unknown_groups: dict[str, list[str]] = {}
    for name, row in rows.items():
        group = cells[row] if column is not None else None
        if name in excluded:
            found.left_out.append((name, excluded[name]))
        elif group == MISSING:
            found.left_out.append((name, f"has no {column} in {table.path.name}, line {table.lines[row]}"))
        elif group is not None and group not in groups:
            unknown_groups.setdefault(group, []).append(f"{name} (line {table.lines[row]})")
        else:
            kept[name] = group
    for group, strangers in unknown_groups.items():
        found.errors.append(
            f"{table.path.name}: {column} is {group!r} for {list_names(strangers)}, which is no {word} of the study"
            f"{did_you_mean(group, groups, f'{word}s')}; correct it, or name them under [participants] exclude"
        )
    found.errors += [
        f"{table.path.name}: no participant has {column} {group}; check [participants] {word}s and exclude"
        for group in groups
        if group not in kept.values()
    ]
    found.remarks += [f"{name} is left out: {why}" for name, why in found.left_out]
    if not study.participants.all_different and (repeated := find_repeated_participants(list(kept))):
        found.errors.append(
            f"{table.path.name}: {describe_repeated_participants(repeated)}; make them sessions of one, or under "
            "[participants] exclude all but one, or write all_different = true"
        )
    return kept


def _values(table: Table, row: int, group: str | None) -> dict[str, str]:
    """The other columns of a row; a number whose points may separate thousands is marked, and so is none."""
    values = {}
    for name, cell in zip(table.columns, table.rows[row], strict=True):
        if name not in (PARTICIPANT, group, *table.repeated):
            values[name] = f"{cell} (thousands?)" if name in table.ambiguous and "." in cell else cell
    return values


def _code_remarks(study: Study, participants: Sequence[Participant]) -> Iterator[str]:
    """Scores and columns that analyses name whose values look like codes for missing."""
    columns = participants[0].values if participants else ()
    for name in dict.fromkeys((*study.scores, *(column for column in columns if is_used_in_analyses(column, study)))):
        values = {participant.name: _number(participant, name) for participant in participants}
        for code in missing_codes([*values.values()]):
            labels = list_names(participant for participant, value in values.items() if value == code)
            yield f"{name} is {code:g} for {labels}; is it a code for missing? then leave the cell empty"


def _number(participant: Participant, name: str) -> float:
    if name in participant.scores:
        return participant.scores[name]
    value = read_number(participant.values.get(name, ""))
    return float("nan") if value is None else value
