"""What the data allow of group analyses: their participants, visits, covariates and problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peb import Design, DesignError, make_design, parse_contrast

from ..common import (
    NUMBER,
    did_you_mean,
    list_names,
    merge_remarks,
    read_number,
    sorted_names,
    write_bytes,
    write_json,
)
from ..study import (
    Dcm,
    GroupAnalysis,
    Study,
    VisitSelection,
    formula_names,
    is_control,
    select_visits,
)
from ..tables import MISSING, Table, TableError, formula_frame, number_cell, sidecar_units, tab_separated
from ._inventory import Inventory, Participant, Run, Visit
from ._participants import participants_table
from ._scores import PARTICIPANT, SESSION, known_columns

LEAST_OF_GROUP = 3  # participants of a group analysis, and of each of two groups that are compared


@dataclass(frozen=True)
class GroupRows:
    """The design of a group analysis as text, one row for each estimate.

    Fields:
        names: of the estimates: ``sub-01`` where several visits make one, ``sub-01_ses-1`` where a row is of a visit.
        participants: whom each row is of.
        columns: the group under its column's name, then the covariates; a cell for each name, none of them missing.
        visits: of each row, visit → weight: 1 for a visit by itself and for all that are averaged.
        left_out: participants, or visits, who are not in it, and why, a line each.
    """

    names: tuple[str, ...]
    participants: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    visits: tuple[Mapping[str, float], ...]
    left_out: tuple[str, ...]


def modelled_runs(study: Study, inventory: Inventory, name: str) -> dict[str, list[Run]]:
    """Visit → the runs that a DCM of the study is a model of; visits that lack an input are not among them.

    Where runs are concatenated, one of them must have an event of each input, and all one repetition time; where they
    are averaged, each of them must have an event of each input. `unmodelled_visits` says who is not among them.
    """
    dcm = study.dcms[name]
    found: dict[str, list[Run]] = {}
    for run in inventory.runs:
        if run.task == dcm.task and (dcm.runs == "concatenate" or not set(run.undriven) & set(dcm.inputs)):
            found.setdefault(run.visit, []).append(run)
    return {visit: runs for visit, runs in found.items() if not _why_no_model(dcm, runs)}


def unmodelled_visits(study: Study, inventory: Inventory) -> list[str]:
    """A line for every cause for which runs of visits, each of which can be used, make no model together."""
    lines = []
    for name, dcm in study.dcms.items():
        of_visits: dict[str, list[Run]] = {}
        for run in inventory.runs:
            if run.task == dcm.task:
                of_visits.setdefault(run.visit, []).append(run)
        several = {visit: runs for visit, runs in of_visits.items() if len(runs) > 1 and dcm.runs == "concatenate"}
        heading = f"[dcm.{name}]" if name else "[dcm]"
        causes = [(visit, _why_no_model(dcm, runs)) for visit, runs in several.items()]
        lines += [
            f"{heading}: {line}" for line in merge_remarks((visit, f"no model, {why}") for visit, why in causes if why)
        ]
    return lines


def _why_no_model(dcm: Dcm, runs: Sequence[Run]) -> str:
    """Why some runs of a visit make no model; empty where they do."""
    undriven = set.intersection(*(set(run.undriven) for run in runs)) & set(dcm.inputs)
    if undriven:
        return f"none of its runs has an event of {list_names(sorted(undriven))}"
    times = sorted({round(run.repetition_time, 4) for run in runs})
    if dcm.runs == "concatenate" and len(times) > 1:
        what = " and ".join(f"{time:g} s" for time in times)
        return f'its runs have repetition times of {what}, which cannot be concatenated; take runs = "average"'
    return ""


def group_rows(study: Study, inventory: Inventory, analysis: GroupAnalysis) -> GroupRows:
    """Every participant, or visit, who has what an analysis takes of visits, and every covariate."""
    selection = select_visits(study, analysis)
    column = next(iter(columns_of_levels(selection, inventory)), None)
    found = study.dcm_of(analysis)
    modelled = set() if found is None else set(modelled_runs(study, inventory, found[0]))
    task = "" if found is None else f"{found[1].task} of "
    wanted = design_columns(study, analysis)
    names, whom, rows, visits, left_out = [], [], [], [], []
    for participant in inventory.participants:
        own = [visit for visit in inventory.visits if visit.participant == participant.name]
        there = [visit for visit in own if visit.label in modelled]
        chosen, lacking = _weighted(selection, own, there, column)
        if lacking:
            left_out.append(f"{participant.name}: left out, no {task if selection.of_sessions else ''}{lacking}")
            continue
        for label, weights, visit in _estimates_of(selection, participant.name, chosen):
            cells = {name: _design_cell(study, participant, visit, name) for name in wanted}
            missing = [name for name, cell in cells.items() if cell == MISSING]
            if missing:
                left_out.append(f"{label}: left out, no {list_names(missing)}")
                continue
            names.append(label)
            whom.append(participant.name)
            visits.append(weights)
            rows.append(cells)
    columns = {name: tuple(row[name] for row in rows) for name in wanted}
    return GroupRows(tuple(names), tuple(whom), columns, tuple(visits), tuple(left_out))


def _weighted(
    selection: VisitSelection, own: list[Visit], there: list[Visit], column: str | None
) -> tuple[dict[Visit, float], str]:
    """A participant's visits with their weights, and what is lacking, in words; empty where nothing is.

    Arguments:
        column: of the table of visits, where the weights are of its levels.
    """
    if selection.kind in ("mean", "visits"):
        return dict.fromkeys(there, 1.0), "" if there else "visit"
    chosen: dict[Visit, float] = {}
    lacking = []
    for name, weight in selection.weights.items():
        wanted = {visit.label for visit in own if _is_named(visit, name, selection, column)}
        found = [visit for visit in there if visit.label in wanted]
        if weight and not found:
            lacking.append(name or "the participant")
        for visit in found:
            chosen[visit] = chosen.get(visit, 0.0) + weight / len(found)
    return chosen, " and ".join(lacking)


def _estimates_of(
    selection: VisitSelection, participant: str, chosen: Mapping[Visit, float]
) -> Iterator[tuple[str, Mapping[str, float], Visit | None]]:
    """Each estimate of a participant: its name, its visits with their weights, and the visit, where it is of one."""
    if selection.kind in ("visit", "visits"):
        for visit in chosen:
            yield visit.label, {visit.label: 1.0}, visit
    else:
        yield participant, {visit.label: weight for visit, weight in chosen.items()}, None


def _is_named(visit: Visit, name: str, selection: VisitSelection, column: str | None) -> bool:
    return name == ((visit.session or "") if selection.of_sessions else visit.values.get(column or ""))


def columns_of_levels(selection: VisitSelection, inventory: Inventory) -> list[str]:
    """The columns of the table of visits that have every level of a contrast; none where it is of sessions."""
    levels = {name: {visit.values[name] for visit in inventory.visits} for name in inventory.visit_columns}
    of_sessions = selection.of_sessions
    return [] if of_sessions else [name for name, own in levels.items() if own >= set(selection.weights)]


def design_columns(study: Study, analysis: GroupAnalysis) -> list[str]:
    """The columns that the design of an analysis is made from, in order; the group's first where it has one."""
    column = study.participants.group_column
    if analysis.design is not None:
        return formula_names(analysis.design)
    first = [] if column is None else [column]
    return [*first, *_covariates(study, analysis)]


def is_group_column(study: Study, name: str, columns: Container[str]) -> bool:
    """Whether a column is the group's; a formula may say group for it where no other column is called so."""
    column = study.participants.group_column
    return column is not None and (name == column or (name == "group" and name not in columns))


def _design_cell(study: Study, participant: Participant, visit: Visit | None, name: str) -> str:
    """A score in full, a column as its table has it, of the visit where a row is of one; ``n/a`` where missing."""
    if is_group_column(study, name, participant.values):
        return participant.group or MISSING
    if visit is not None:
        if name == SESSION or (name == "session" and name not in visit.values):
            return visit.session or MISSING
        if name in visit.values:
            return visit.values[name]
    return participant_cell(participant, name)


def write_design(study: Study, inventory: Inventory, analysis: GroupAnalysis, path: Path) -> Path:
    """The table of `group_rows`, whole or not at all; its path. A file that says the same stays as it is.

    Units of its columns, where tables of participants or visits have them, are in a JSON file beside it.
    """
    rows = group_rows(study, inventory, analysis)
    table = [(PARTICIPANT, *rows.columns), *zip(rows.names, *rows.columns.values(), strict=True)]
    content = tab_separated(table).encode()
    if not path.is_file() or path.read_bytes() != content:
        write_bytes(path, content)
    units = {name: {"Units": unit} for name, unit in column_units(study).items() if name in rows.columns}
    if units:
        write_json(path.with_suffix(".json"), units)
    else:
        path.with_suffix(".json").unlink(missing_ok=True)
    return path


def column_units(study: Study) -> dict[str, str]:
    """Column of the tables of participants and visits → its unit, as the JSON files beside them say it."""
    visits = study.visits.table or (study.study.bids / "sessions.tsv" if study.study.bids is not None else None)
    tables = [table for table in (visits, participants_table(study)) if table is not None]
    units: dict[str, str] = {}
    for table in tables:
        units |= sidecar_units(table)
    return {name: unit for name, unit in units.items() if name not in study.scores}


def check_groups(study: Study, inventory: Inventory) -> list[str]:
    """A line for everything in `[group]` that the data do not allow: names, kinds and numbers of participants."""
    return [
        f"[group.{name}]: {problem}"
        for name, analysis in study.group.items()
        for problem in _group_problems(study, inventory, analysis)
    ]


def _group_problems(study: Study, inventory: Inventory, analysis: GroupAnalysis) -> Iterator[str]:
    selection = select_visits(study, analysis)
    of_visits = selection.kind in ("visit", "visits")
    known = [*known_columns(study, inventory), *((*inventory.visit_columns, "session") if of_visits else ())]
    unknown = [
        name
        for name in design_columns(study, analysis)
        if name not in known and not is_group_column(study, name, known)
    ]
    tables = "participants' table or that of visits" if of_visits else "participants' table"
    for name in unknown:
        if name in inventory.visit_columns:
            yield f'{name!r} differs between visits, and a row is of several; take of = "visits", or one session'
        else:
            yield f"{name!r} is no score and no column of the {tables}{did_you_mean(name, known, 'covariates')}"
    if not selection.of_sessions:
        levels = sorted_names({cell for visit in inventory.visits for cell in visit.values.values()} - {MISSING})
        strangers = [name for name in selection.weights if name not in levels]
        unknown += strangers
        for name in strangers:
            known = [label for label in study.sessions.labels if label is not None]
            known += [level for level in levels if not NUMBER.fullmatch(level)]
            yield f"of: {name!r} is no session and in no column of [visits]{did_you_mean(name, known, 'known')}"
        if not strangers and len(found := columns_of_levels(selection, inventory)) != 1:
            unknown += found or [""]
            names = list_names(selection.weights)
            if found:
                yield f"of: {names} are in the columns {list_names(found)} of [visits]; rename them in all but one"
            else:
                yield f"of: no column of [visits] has all of {names}; name levels of one column"
    if unknown:
        return
    rows = group_rows(study, inventory, analysis)
    few = _too_few_for_group(study, analysis, rows)
    if few:
        yield few
        return
    try:
        design = analysis_design(study, analysis, rows)
    except DesignError as error:
        yield str(error)
        return
    for name, text in analysis.contrasts.items():
        try:
            parse_contrast(text, design, name)
        except DesignError as error:
            yield f"contrasts.{name}: {error}"


def _too_few_for_group(study: Study, analysis: GroupAnalysis, rows: GroupRows) -> str:
    """Why there are too few participants; nothing where there are enough."""
    named = study.dcm_of(analysis)
    of = analysis.of or ("change" if select_visits(study, analysis).is_change else "visit")
    wanted = f"{of} of {named[1].task}" if named else of
    hint = f" ({len(rows.left_out)} are left out, such as {rows.left_out[0]})" if rows.left_out else ""
    participants = len(set(rows.participants))
    if participants < LEAST_OF_GROUP:
        return f"{participants} participants have the {wanted} and every covariate; it takes {LEAST_OF_GROUP}{hint}"
    if analysis.analysis != "arms":
        return ""
    counts = Counter(rows.columns[study.participants.group_column or ""])
    few = [f"{counts[name]} of {name}" for name in study.participants.group_names if counts[name] < LEAST_OF_GROUP]
    if not few:
        return ""
    article = study.participants.one_group
    return f"{' and '.join(few)} have the {wanted} and every covariate; {article} takes {LEAST_OF_GROUP}{hint}"


def analysis_design(study: Study, analysis: GroupAnalysis, rows: GroupRows) -> Design:
    """The design of a group analysis, as it will be fitted where every visit has a posterior.

    Raises `DesignError` where it, or that of one group alone where two are compared, cannot be fitted.
    """
    if analysis.design is not None:
        return _design_from_formula(study, analysis, analysis.design, rows)
    group, names = study.participants.group_column or "", study.participants.group_names
    wanted = _covariates(study, analysis)
    used = [group, *wanted] if analysis.analysis == "arms" or group in _named_covariates(analysis) else wanted
    values = {name: _values(rows, name, is_text=name == group) for name in used}
    pairs = [
        (first.strip(), other.strip()) for first, _, other in (text.partition(":") for text in analysis.interactions)
    ]
    if analysis.analysis == "arms":
        pairs += [(group, name) for name in wanted if {group, name} not in [set(pair) for pair in pairs]]
    make_design(rows.names, values)
    own = [pair for pair in pairs if group not in pair]
    for kind in names if analysis.analysis == "arms" else ():
        places = np.flatnonzero(np.array(rows.columns[group]) == kind)
        try:
            make_design(
                [rows.names[i] for i in places], {name: values[name][places] for name in wanted}, interactions=own
            )
        except DesignError as error:
            raise DesignError(f"among {kind} alone, {error}") from None
    # last: what is wrong with a product is harder to see
    return make_design(rows.names, values, interactions=pairs, plus=names[:1])


@dataclass(frozen=True)
class LevelOrder:
    """Of factors of a formula, all levels in their order, and the one that others are taken from.

    Fields:
        guessed: references that are neither named nor the study's own, but guessed from their names.
    """

    order: Mapping[str, tuple[str, ...]]
    reference: Mapping[str, str]
    guessed: Mapping[str, str]


def level_order(study: Study, analysis: GroupAnalysis, rows: GroupRows) -> LevelOrder:
    """What a study says of the levels in a design: differences are from the last group, and from the first session.

    Of other factors the reference is the one named, else the one that is called like one (placebo, control, sham).
    """
    sessions = [label for label in study.sessions.labels if label is not None]
    order: dict[str, tuple[str, ...]] = {}
    reference: dict[str, str] = {}
    guessed: dict[str, str] = {}
    for name, cells in rows.columns.items():
        is_group = is_group_column(study, name, ()) and set(cells) <= set(study.participants.group_names)
        if not is_group and not set(cells) <= set(sessions):
            controls = [level for level in sorted(set(cells)) if is_control(level) and read_number(level) is None]
            if len(controls) == 1 and name not in analysis.reference:
                guessed[name] = controls[0]
            continue
        names = study.participants.group_names if is_group else sessions
        if found := tuple(level for level in names if level in set(cells)):
            order[name], reference[name] = found, found[-1 if is_group else 0]
    return LevelOrder(order, {**reference, **guessed, **analysis.reference}, guessed)


def _design_from_formula(study: Study, analysis: GroupAnalysis, formula: str, rows: GroupRows) -> Design:
    levels = level_order(study, analysis, rows)
    named = [name for name in rows.columns if name in levels.order or name in levels.reference]
    columns = {name: _values(rows, name, is_text=name in named) for name in rows.columns}
    frame = formula_frame({PARTICIPANT: rows.names, **columns}, named)
    return Design.from_formula(frame, formula, participant=PARTICIPANT, reference=levels.reference, order=levels.order)


def _values(rows: GroupRows, name: str, *, is_text: bool = False) -> np.ndarray:
    """A column as the group level will read it; raises `DesignError`, naming the participant, where it cannot."""
    cells = rows.columns[name]
    if is_text:
        return np.array(cells, dtype=str)
    table = Table(Path("design.tsv"), (name,), tuple((cell,) for cell in cells), tuple(range(len(cells))))
    try:
        return table.values(name, range(len(cells)))
    except TableError as error:
        problem = str(error).partition(": ")[2]
        raise DesignError(f"{problem} (of {rows.names[error.line or 0]})") from None


def _covariates(study: Study, analysis: GroupAnalysis) -> list[str]:
    """Covariates besides the group, in order."""
    return [name for name in dict.fromkeys(_named_covariates(analysis)) if name != study.participants.group_column]


def _named_covariates(analysis: GroupAnalysis) -> list[str]:
    return [*analysis.covariates, *([analysis.predict] if analysis.predict is not None else [])]


def participant_cell(participant: Participant, name: str) -> str:
    """A covariate as text: a score by that name, or else a column."""
    if name in participant.scores:
        return number_cell(participant.scores[name])
    return participant.values.get(name, MISSING)
