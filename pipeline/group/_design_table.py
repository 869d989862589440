"""A table of participants → the design of a group; and who its rows are for where order decides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from peb import MEAN, Design, formula_columns, make_design

from ..common import first_names, match_labels, name_key, natural_key, nearest_name, split_visit, visible_text
from ..matlab import FieldProblem, Fields, MatFileError, load_mat
from ..page import Column, Records
from ..tables import MISSING, Table, TableError, formula_frame, missing_codes, read_table

PARTICIPANT_COLUMN = "participant_id"  # as BIDS has it
LABELS = ("labels", "Xnames", "names")
SHOWN = 12  # pairs in a line, before the middle is left out
ENDS = (6, 2)  # pairs at both ends that are said where there are more
# Of shells: by code point, also where folders are joined to names; and by letters and digits alone.
COLLATIONS: tuple[Callable[[str], str], ...] = (
    lambda name: name,
    lambda name: re.sub(r"[^0-9A-Za-z]", " ", name),
    lambda name: re.sub(r"[^0-9A-Za-z]", "", name).casefold(),
)


@dataclass(frozen=True, eq=False)
class Matched:
    """A design of those who have both an estimate and a row.

    Fields:
        design: one row for each of them, in the order of the estimates.
        without_row: estimates that no row is for.
        without_estimate: rows that no estimate is for.
    """

    design: Design
    without_row: tuple[str, ...]
    without_estimate: tuple[str, ...]


@dataclass(frozen=True)
class FormulaOptions:
    """A design's formula, and what is said of its factors; see `peb.Design.from_formula`."""

    text: str
    reference: Mapping[str, str] = field(default_factory=dict)
    order: Mapping[str, Sequence[str]] = field(default_factory=dict)


def read_design(
    path: str | Path,
    names: Sequence[str],
    covariates: Sequence[str] | None = None,
    *,
    centre: bool | Sequence[str] = True,
    interactions: Sequence[tuple[str, str]] = (),
    plus: Sequence[str] = (),
    named: Sequence[str] = (),
    formula: FormulaOptions | None = None,
    participant_column: str = PARTICIPANT_COLUMN,
    by_order: bool = False,
) -> Design:
    """The design of the participants `names`, in their order, from a table or an SPM design.

    Arguments:
        path: a table in text (.tsv, .csv) with a header, one row per participant; or a .mat file with a matrix ``X``
            (and ``labels``), whose rows have no names.
        names: of the estimates.
        covariates: the columns to use, in order; None for all of them. A column of two kinds of text becomes −1 and +1.
        centre, interactions, plus: as in `peb.make_design`; a number column is centred over those in the design.
        named: columns of a table whose cells are names even where they are numbers, such as arms called 0 and 1.
        formula: in the place of covariates, interactions, centre and plus; see `peb.Design.from_formula`.
        participant_column: the column that holds the participants' names.
        by_order: that row i of a .mat file is for ``names[i]``; only for such a file, and needed for it.

    Raises `TableError` where the file is not in order or somebody is on one side only (`match_design` leaves those
    out), `peb.DesignError` where the design cannot be used.
    """
    path = Path(path)
    if path.suffix.lower() == ".mat":
        if formula is not None:
            raise TableError(path, "holds a matrix; a formula is of a table's columns, so give a table (.tsv)")
        _check_names(path, names)
        return _from_mat(path, names, covariates, centre, interactions, by_order)
    if by_order:
        raise TableError(
            path,
            f"is a table, whose rows go by name, by their {participant_column}; leave --by-order (by_order=True) out, "
            "which is for a .mat design",
        )
    table, both, without_row, without_estimate = _sides(path, names, participant_column)
    sides = (("no row is for", without_row), ("there is no estimate of", without_estimate))
    problems = [f"{what} {first_names(labels)}" for what, labels in sides if labels]
    if problems:
        raise TableError(path, f"{'; '.join(problems)}; {_hint(without_row, without_estimate)}")
    if formula is not None:
        return _design_by_formula(table, both, participant_column, formula, named)
    return _design(table, both, participant_column, covariates, centre, interactions, plus, named)


def match_design(
    path: str | Path,
    names: Sequence[str],
    covariates: Sequence[str] | None = None,
    *,
    centre: bool | Sequence[str] = True,
    interactions: Sequence[tuple[str, str]] = (),
    plus: Sequence[str] = (),
    named: Sequence[str] = (),
    formula: FormulaOptions | None = None,
    participant_column: str = PARTICIPANT_COLUMN,
) -> Matched:
    """As `read_design`, of the participants who are on both sides of a table, with the others by name.

    Raises `TableError` where the file is not in order, nobody is on both sides or some differ in leading zeros alone,
    `peb.DesignError` where the design cannot be used.
    """
    table, both, without_row, without_estimate = _sides(Path(path), names, participant_column)
    if _unpadded(without_row, without_estimate):
        raise TableError(table.path, _hint(without_row, without_estimate))
    if formula is not None:
        design = _design_by_formula(table, both, participant_column, formula, named)
    else:
        design = _design(table, both, participant_column, covariates, centre, interactions, plus, named)
    return Matched(design, without_row, without_estimate)


def table_remarks(path: Path, design: Design) -> tuple[str, ...]:
    """What was inferred of a design's file, and which of its values may stand for missing ones, a line each."""
    inferred = () if path.suffix.lower() == ".mat" else tuple(read_table(path).remarks)
    return (*inferred, *_codes(design))


def _codes(design: Design) -> Iterator[str]:
    for name, column in zip(design.covariates, design.matrix.T, strict=True):
        centre = design.centres.get(name, 0.0)
        values = np.array([float(f"{value:.9g}") for value in column + centre])  # as before they were centred
        for code in missing_codes(values):
            whose = first_names(
                [participant for participant, value in zip(design.participants, values, strict=True) if value == code]
            )
            yield f"{name} is {code:g} for {whose}; is it a code for missing? then leave these rows out"


def _sides(
    path: Path, names: Sequence[str], column: str
) -> tuple[Table, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The table; who is in it and has an estimate, who has an estimate alone, who a row alone."""
    _check_names(path, names)
    if path.suffix.lower() == ".mat":
        raise TableError(path, "has no names in its rows to match by; give a table (.tsv)")
    table = read_table(path)
    rows = table.names(column)
    both = tuple(name for name in names if name in rows)
    if not both:
        raise TableError(
            path,
            f"{column} holds {first_names(rows) or 'nobody'}, the estimates are of {first_names(names) or 'nobody'}: "
            f"nobody is in both; {_hint(names, rows)}",
        )
    return (
        table,
        both,
        tuple(name for name in names if name not in rows),
        tuple(name for name in rows if name not in names),
    )


def _design(
    table: Table,
    names: Sequence[str],
    participant_column: str,
    covariates: Sequence[str] | None,
    centre: bool | Sequence[str],
    interactions: Sequence[tuple[str, str]],
    plus: Sequence[str],
    named: Sequence[str],
) -> Design:
    rows = table.names(participant_column)
    places = [rows.index(name) for name in names]
    values = {name: table.values(name, places) for name in _chosen(table, covariates, participant_column)}
    for name in set(named) & values.keys():
        values[name] = np.array([table.column(name)[place] for place in places], dtype=str)
    return make_design(names, values, interactions=interactions, centre=centre, plus=plus)


def _design_by_formula(
    table: Table, names: Sequence[str], participant_column: str, formula: FormulaOptions, named: Sequence[str]
) -> Design:
    """The columns that a formula names, numbers as numbers, and the design of them."""
    rows = table.names(participant_column)
    places = [rows.index(name) for name in names]
    used = formula_columns(formula.text)
    if participant_column in used:
        raise TableError(table.path, f"{participant_column} names the participants, and explains nothing of them", 1)
    levels = [name for name in used if name in {*named, *formula.order, *formula.reference}]
    columns: dict[str, Any] = {participant_column: list(names)}
    for name in used:
        if name not in table.columns:
            others = [column for column in table.columns if column != participant_column]
            near = nearest_name(name, others)
            meant = f"did you mean {near}?" if near else f"it has {', '.join(others) or 'none'}"
            raise TableError(table.path, f"has no column {name!r}; {meant}", 1)
        is_name = name in levels
        columns[name] = [table.column(name)[place] for place in places] if is_name else table.values(name, places)
        if is_name and MISSING in columns[name]:
            raise TableError(table.path, f"{name} is {MISSING} for {names[columns[name].index(MISSING)]}; fill it in")
    return Design.from_formula(
        formula_frame(columns, levels),
        formula.text,
        participant=participant_column,
        reference=formula.reference,
        order=formula.order,
    )


def _check_names(path: Path, names: Sequence[str]) -> None:
    repeated = [name for i, name in enumerate(names) if name in names[:i]]
    if repeated:
        raise TableError(path, f"is to give {repeated[0]} a row, who is among the estimates twice; give each once")


def _chosen(table: Table, covariates: Sequence[str] | None, participant_column: str) -> list[str]:
    others = [name for name in table.columns if name != participant_column]
    if covariates is None:
        if table.unnamed:
            raise TableError(table.path, f"column {table.unnamed[0]} has no name; name it, or say which to use", 1)
        return others
    for name in covariates:
        if name not in others:
            raise TableError(table.path, f"has no covariate {name!r}; it has {', '.join(others) or 'none'}", 1)
    return list(covariates)


def _unpadded(names: Sequence[str], rows: Sequence[str]) -> tuple[str, str] | None:
    """A row and the estimate that it seems to be of: the same but for leading zeros, and a sub- that is left out."""
    for row in rows:
        for label in (row, f"sub-{row}"):
            if name := match_labels([label], names).get(label):
                return row, name
    return None


def _hint(names: Sequence[str], rows: Sequence[str]) -> str:
    """What to do about names of estimates without a row, and of rows without an estimate."""
    bare = [row for row in rows if f"sub-{row}" in names]
    if bare:
        return f"write sub-{bare[0]} for {bare[0]} in the table, as BIDS does"
    if any(f"sub-{name}" in rows for name in names):
        return "the estimates' names lack the table's sub- in front; rename one side"
    if unpadded := _unpadded(names, rows):
        return "{} in the table seems to be {}: write the same on both sides".format(*unpadded)
    labels = set(map(name_key, rows))
    sessions = [name for name in names if (split := split_visit(name)).visit and split.participant in labels]
    if sessions:
        return f"{sessions[0]} is one session: analyse the change (--change BEFORE,AFTER), or give each session a row"
    return "add what is missing, or leave them out (--matched-only)"


def _from_mat(
    path: Path,
    names: Sequence[str],
    covariates: Sequence[str] | None,
    centre: bool | Sequence[str],
    interactions: Sequence[tuple[str, str]],
    by_order: bool,
) -> Design:
    if not by_order:
        raise TableError(
            path, "has no names in its rows; say --by-order (by_order=True) if row i is for the i-th estimate"
        )
    labels, matrix = _mat_columns(path)
    if len(matrix) != len(names):
        raise TableError(path, f"X has {len(matrix)} rows, but there are {len(names)} estimates; give a row for each")
    ones = [label for label, column in zip(labels, matrix.T, strict=True) if (column == 1).all()]
    if not ones:
        raise TableError(path, "X has no column of ones, which the mean needs; add it in front")
    columns: Mapping[str, np.ndarray] = {
        label: column for label, column in zip(labels, matrix.T, strict=True) if label != ones[0]
    }
    for name in covariates or ():
        if name not in columns:
            raise TableError(path, f"X has no covariate {name!r}; it has {', '.join(columns) or 'none'} besides {MEAN}")
    used = {name: columns[name] for name in (columns if covariates is None else covariates)}
    return make_design(names, used, interactions=interactions, centre=centre)


def _mat_columns(path: Path) -> tuple[list[str], np.ndarray]:
    try:
        content = Fields(load_mat(path))
        matrix = content.matrix("X", "save the design matrix as X, one row per participant")
        if matrix.ndim != 2:
            raise content.problem("X", f"has {matrix.ndim} axes; give a row per participant and a column per covariate")
        key = next((key for key in LABELS if content.has(key)), None)
        found = content.names(key) if key else None
    except MatFileError as error:
        raise TableError(path, str(error)) from error
    except FieldProblem as error:
        raise TableError(path, str(error)) from error
    labels = found or [f"covariate {i + 1}" for i in range(matrix.shape[1])]
    if len(labels) != matrix.shape[1] or len(set(labels)) < len(labels):
        raise TableError(path, f"{key} must hold {matrix.shape[1]} names that differ, one per column of X")
    return labels, matrix


@dataclass(frozen=True)
class RowOrder:
    """What the rows of a file stand for, by nothing but their order.

    Fields:
        source: the file without names, such as ``X.mat``.
        place: what is counted in it, such as ``row``.
        things: what each of them is for, in order, such as participants.
        files: where each of these is from; none where they are from no files.
        name: of the table that it is written to.
    """

    source: str
    place: str
    things: tuple[str, ...]
    files: tuple[str, ...] = ()
    name: str = "order"

    def line(self) -> str:
        """``X.mat goes by order: row 1 is for sub-1, row 2 for sub-2, … row 12 for sub-12``."""
        pairs = [f"{self.place} {i} for {visible_text(thing)}" for i, thing in enumerate(self.things, start=1)]
        if len(pairs) > SHOWN:
            pairs = [*pairs[: ENDS[0]], f"… {pairs[-ENDS[1]]}", *pairs[1 - ENDS[1] :]]
        return f"{self.source} goes by order: {', '.join(pairs)}"

    def records(self) -> Records:
        """Every pair, as a table."""
        columns = (Column("row", self.place.capitalize()), Column("name", "Is for"), Column("file", "From"))
        rows: list[Mapping[str, Any]] = [
            {"row": i, "name": thing, "file": self.files[i - 1] if self.files else MISSING}
            for i, thing in enumerate(self.things, start=1)
        ]
        lead = f"{self.source} has no names in it, so its order decides."
        return Records(self.name, f"What the order of {self.source} decides", lead, columns, rows, brief=False)


def as_text_sorts(names: Sequence[str]) -> bool:
    """Whether names are in the order of text, as a shell's ``*`` has them, and that is not the order of numbers."""
    given = list(names)
    return given != sorted(names, key=natural_key) and any(given == sorted(names, key=key) for key in COLLATIONS)
