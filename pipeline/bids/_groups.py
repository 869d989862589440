"""Group analyses: who is in one, the table of its covariates, and what is wrong with it before anything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peb import DesignError, make_design

from ..common import list_names, write_bytes
from ..study import GroupAnalysis, Study, meant
from ..tables import MISSING, Table, TableError, number_cell, tab_separated
from ._inventory import Inventory, Participant
from ._tabular import PARTICIPANT

LEAST = 3  # participants of an arm


@dataclass(frozen=True)
class GroupRows:
    """The design of a group analysis as text, one row for each estimate.

    Fields:
        names: of the estimates: ``sub-01`` where the change is analysed, ``sub-01_ses-1`` where one session is.
        columns: the arm under its column's name, then the covariates; a cell for each name, none of them missing.
        left_out: participants who are not in it, and why, a line each.
    """

    names: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...]


def group_rows(study: Study, inventory: Inventory, analysis: GroupAnalysis) -> GroupRows:
    """Everybody who has the sessions and every covariate of an analysis."""
    arm = study.participants.arm
    wanted = _covariates(study, analysis)
    sessions = _sessions(study, analysis)
    modelled = [run for run in inventory.runs if study.dcm and run.task == study.dcm.task and not run.undriven]
    visits = {(run.participant, run.session) for run in modelled}
    names, rows, left = [], [], []
    for who in inventory.participants:
        cells = {arm: who.arm} | {name: _cell(who, name) for name in wanted}
        lacking = [session for session in sessions if (who.name, session) not in visits]
        missing = [name for name, cell in cells.items() if cell == MISSING]
        if lacking and study.dcm is not None:
            left.append(f"{who.name}: left out, no {study.dcm.task} of {' and '.join(lacking)}")
        elif missing:
            left.append(f"{who.name}: left out, no {list_names(missing)}")
        else:
            names.append(who.name if analysis.of == "change" else f"{who.name}_{sessions[0]}")
            rows.append(cells)
    columns = {name: tuple(row[name] for row in rows) for name in (arm, *wanted)}
    return GroupRows(tuple(names), columns, tuple(left))


def write_design(study: Study, inventory: Inventory, analysis: GroupAnalysis, path: Path) -> Path:
    """The table of `group_rows`, whole or not at all; its path. A file that says the same stays as it is."""
    rows = group_rows(study, inventory, analysis)
    table = [(PARTICIPANT, *rows.columns), *zip(rows.names, *rows.columns.values(), strict=True)]
    content = tab_separated(table).encode()
    if not path.is_file() or path.read_bytes() != content:
        write_bytes(path, content)
    return path


def check_groups(study: Study, inventory: Inventory) -> list[str]:
    """A line for everything in `[group]` that the data do not allow: names, kinds and numbers of people."""
    return [
        f"[group.{name}]: {problem}"
        for name, analysis in study.group.items()
        for problem in _problems(study, inventory, analysis)
    ]


def group_remarks(study: Study, inventory: Inventory) -> list[str]:
    """A line for every analysis that goes on without somebody who lacks a covariate."""
    lines = []
    for name, analysis in study.group.items():
        wanted = _covariates(study, analysis)
        lacking = [who.name for who in inventory.participants if any(_cell(who, one) == MISSING for one in wanted)]
        if lacking:
            lines.append(f"[group.{name}]: {list_names(lacking)}: left out, for want of {' or '.join(wanted)}")
    return lines


def _problems(study: Study, inventory: Inventory, analysis: GroupAnalysis) -> Iterator[str]:
    known = [*study.scores, *(inventory.participants[0].values if inventory.participants else ())]
    unknown = [name for name in _covariates(study, analysis) if name not in known]
    for name in unknown:
        yield f"{name!r} is no score and no column of the participants' table{meant(name, known, 'covariates')}"
    if unknown:
        return
    rows = group_rows(study, inventory, analysis)
    few = _few(study, analysis, rows)
    if few:
        yield few
        return
    try:
        _check_design(study, analysis, rows)
    except DesignError as error:
        yield str(error)


def _few(study: Study, analysis: GroupAnalysis, rows: GroupRows) -> str:
    """Why there are too few people; nothing where there are enough."""
    what = f"{analysis.of} of {study.dcm.task}" if study.dcm else analysis.of
    hint = f" ({len(rows.left_out)} are left out, such as {rows.left_out[0]})" if rows.left_out else ""
    if len(rows.names) < LEAST:
        return f"{len(rows.names)} participants have the {what} and every covariate; it takes {LEAST}{hint}"
    counts = Counter(rows.columns[study.participants.arm])
    few = [f"{counts[arm]} of {arm}" for arm in study.participants.arms if counts[arm] < LEAST]
    if analysis.analysis == "arms" and few:
        return f"{' and '.join(few)} have the {what} and every covariate; an arm takes {LEAST}{hint}"
    return ""


def _check_design(study: Study, analysis: GroupAnalysis, rows: GroupRows) -> None:
    """Raises `DesignError` where the design, or that of an arm alone where arms are compared, cannot be fitted."""
    arm = study.participants.arm
    wanted = _covariates(study, analysis)
    used = [arm, *wanted] if analysis.analysis == "arms" or arm in _named(analysis) else wanted
    values = {name: _values(rows, name) for name in used}
    pairs = [(one.strip(), other.strip()) for one, _, other in (text.partition(":") for text in analysis.interactions)]
    if analysis.analysis == "arms":
        pairs += [(arm, name) for name in wanted if {arm, name} not in [set(pair) for pair in pairs]]
    make_design(rows.names, values)
    own = [pair for pair in pairs if arm not in pair]
    for kind in study.participants.arms if analysis.analysis == "arms" else ():
        places = np.flatnonzero(np.array(rows.columns[arm]) == kind)
        try:
            make_design(
                [rows.names[i] for i in places], {name: values[name][places] for name in wanted}, interactions=own
            )
        except DesignError as error:
            raise DesignError(f"among {kind} alone, {error}") from None
    make_design(rows.names, values, interactions=pairs)  # last: what is wrong with a product is harder to see


def _values(rows: GroupRows, name: str) -> np.ndarray:
    """A column as the group level will read it; raises `DesignError`, naming the participant, where it cannot."""
    cells = rows.columns[name]
    table = Table(Path("design.tsv"), (name,), tuple((cell,) for cell in cells), tuple(range(len(cells))))
    try:
        return table.values(name, range(len(cells)))
    except TableError as error:
        problem = str(error).partition(": ")[2]
        raise DesignError(f"{problem} (of {rows.names[error.line or 0]})") from None


def _covariates(study: Study, analysis: GroupAnalysis) -> list[str]:
    """Covariates besides the arm, in order."""
    return [name for name in dict.fromkeys(_named(analysis)) if name != study.participants.arm]


def _named(analysis: GroupAnalysis) -> list[str]:
    return [*analysis.covariates, *([analysis.predict] if analysis.predict is not None else [])]


def _sessions(study: Study, analysis: GroupAnalysis) -> list[str]:
    before, after = study.sessions.before, study.sessions.after
    return {"before": [before], "after": [after]}.get(analysis.of, [before, after])


def _cell(who: Participant, name: str) -> str:
    """A covariate as text: a score by that name, or else a column."""
    if name in who.scores:
        return number_cell(who.scores[name])
    return who.values.get(name, MISSING)
