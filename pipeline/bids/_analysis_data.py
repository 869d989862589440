"""What the data allow of group analyses, predictions and statistics: their participants, covariates and problems."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peb import DesignError, make_design

from ..common import did_you_mean, list_names, write_bytes
from ..study import GroupAnalysis, Prediction, Statistics, Study
from ..tables import MISSING, Table, TableError, number_cell, tab_separated
from ._inventory import Inventory, Participant
from ._readable_files import DataError
from ._scores import PARTICIPANT, known_columns, participant_column, participant_numbers, session_scores

LEAST_OF_GROUP = 3  # participants of an arm

LEAST_PREDICTED = 6  # participants with the outcome
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # a name by itself, not change(NAME)
LEAST_OF_ARM = 3  # participants of an arm with both sessions of an outcome
LEAST_PAIRS = 5  # participants with a number that something is correlated with


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
    """Every participant who has the sessions and every covariate of an analysis."""
    arm = study.participants.arm
    wanted = _covariates(study, analysis)
    sessions = _sessions(study, analysis)
    modelled = [run for run in inventory.runs if study.dcm and run.task == study.dcm.task and not run.undriven]
    visits = {(run.participant, run.session) for run in modelled}
    names, rows, left_out = [], [], []
    for participant in inventory.participants:
        cells = {arm: participant.arm} | {name: _cell(participant, name) for name in wanted}
        lacking = [session for session in sessions if (participant.name, session) not in visits]
        missing = [name for name, cell in cells.items() if cell == MISSING]
        if lacking and study.dcm is not None:
            left_out.append(f"{participant.name}: left out, no {study.dcm.task} of {' and '.join(lacking)}")
        elif missing:
            left_out.append(f"{participant.name}: left out, no {list_names(missing)}")
        else:
            names.append(participant.name if analysis.of == "change" else f"{participant.name}_{sessions[0]}")
            rows.append(cells)
    columns = {name: tuple(row[name] for row in rows) for name in (arm, *wanted)}
    return GroupRows(tuple(names), columns, tuple(left_out))


def write_design(study: Study, inventory: Inventory, analysis: GroupAnalysis, path: Path) -> Path:
    """The table of `group_rows`, whole or not at all; its path. A file that says the same stays as it is."""
    rows = group_rows(study, inventory, analysis)
    table = [(PARTICIPANT, *rows.columns), *zip(rows.names, *rows.columns.values(), strict=True)]
    content = tab_separated(table).encode()
    if not path.is_file() or path.read_bytes() != content:
        write_bytes(path, content)
    return path


def check_groups(study: Study, inventory: Inventory) -> list[str]:
    """A line for everything in `[group]` that the data do not allow: names, kinds and numbers of participants."""
    return [
        f"[group.{name}]: {problem}"
        for name, analysis in study.group.items()
        for problem in _group_problems(study, inventory, analysis)
    ]


def group_remarks(study: Study, inventory: Inventory) -> list[str]:
    """A line for every analysis that goes on without participants who lack a covariate."""
    lines = []
    for name, analysis in study.group.items():
        wanted = _covariates(study, analysis)
        lacking = [
            participant.name
            for participant in inventory.participants
            if any(_cell(participant, covariate) == MISSING for covariate in wanted)
        ]
        if lacking:
            lines.append(f"[group.{name}]: {list_names(lacking)}: left out, for want of {' or '.join(wanted)}")
    return lines


def _group_problems(study: Study, inventory: Inventory, analysis: GroupAnalysis) -> Iterator[str]:
    known = [*study.scores, *(inventory.participants[0].values if inventory.participants else ())]
    unknown = [name for name in _covariates(study, analysis) if name not in known]
    for name in unknown:
        yield f"{name!r} is no score and no column of the participants' table{did_you_mean(name, known, 'covariates')}"
    if unknown:
        return
    rows = group_rows(study, inventory, analysis)
    few = _too_few_for_group(study, analysis, rows)
    if few:
        yield few
        return
    try:
        _check_design(study, analysis, rows)
    except DesignError as error:
        yield str(error)


def _too_few_for_group(study: Study, analysis: GroupAnalysis, rows: GroupRows) -> str:
    """Why there are too few participants; nothing where there are enough."""
    wanted = f"{analysis.of} of {study.dcm.task}" if study.dcm else analysis.of
    hint = f" ({len(rows.left_out)} are left out, such as {rows.left_out[0]})" if rows.left_out else ""
    if len(rows.names) < LEAST_OF_GROUP:
        return f"{len(rows.names)} participants have the {wanted} and every covariate; it takes {LEAST_OF_GROUP}{hint}"
    counts = Counter(rows.columns[study.participants.arm])
    few = [f"{counts[arm]} of {arm}" for arm in study.participants.arms if counts[arm] < LEAST_OF_GROUP]
    if analysis.analysis == "arms" and few:
        return f"{' and '.join(few)} have the {wanted} and every covariate; an arm takes {LEAST_OF_GROUP}{hint}"
    return ""


def _check_design(study: Study, analysis: GroupAnalysis, rows: GroupRows) -> None:
    """Raises `DesignError` where the design, or that of an arm alone where arms are compared, cannot be fitted."""
    arm = study.participants.arm
    wanted = _covariates(study, analysis)
    used = [arm, *wanted] if analysis.analysis == "arms" or arm in _named_covariates(analysis) else wanted
    values = {name: _values(rows, name) for name in used}
    pairs = [
        (first.strip(), other.strip()) for first, _, other in (text.partition(":") for text in analysis.interactions)
    ]
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
    return [name for name in dict.fromkeys(_named_covariates(analysis)) if name != study.participants.arm]


def _named_covariates(analysis: GroupAnalysis) -> list[str]:
    return [*analysis.covariates, *([analysis.predict] if analysis.predict is not None else [])]


def _sessions(study: Study, analysis: GroupAnalysis) -> list[str]:
    before, after = study.sessions.before, study.sessions.after
    return {"before": [before], "after": [after]}.get(analysis.of, [before, after])


def _cell(participant: Participant, name: str) -> str:
    """A covariate as text: a score by that name, or else a column."""
    if name in participant.scores:
        return number_cell(participant.scores[name])
    return participant.values.get(name, MISSING)


def check_predictions(study: Study, inventory: Inventory) -> list[str]:
    """A line for everything in `[predict]` that the data do not allow.

    Measures are known only once they have been taken, so that their names are checked when they are used.
    """
    return [
        f"[predict.{name}] {problem}"
        for name, prediction in study.predict.items()
        for problem in _prediction_problems(study, inventory, prediction)
    ]


def _prediction_problems(study: Study, inventory: Inventory, prediction: Prediction) -> Iterator[str]:
    known = known_columns(study, inventory)
    for key, names in (("outcome", (prediction.outcome,)), ("covariates", prediction.covariates)):
        for name in names:
            if _PLAIN.fullmatch(name) and name not in known:
                tip = did_you_mean(name, known, key)
                yield f"{key}: {name!r} is no score and no column of the participants' table{tip}"
    if prediction.outcome in known:
        yield from _outcome_problems(inventory, prediction.outcome)


def _outcome_problems(inventory: Inventory, name: str) -> Iterator[str]:
    try:
        values = participant_numbers(inventory, name)
    except DataError as error:
        yield f"outcome: {error}"
        return
    known = values[np.isfinite(values)]
    if known.size < LEAST_PREDICTED:
        yield f"outcome: {known.size} participants have {name}; leaving some out takes {LEAST_PREDICTED}"
    elif not np.ptp(known) > 0:
        yield f"outcome: {name} is {known[0]:g} for every participant; there is nothing to predict"


def check_statistics(study: Study, inventory: Inventory) -> list[str]:
    """A line for everything in `[statistics]` that the data do not allow.

    Measures are known only once they have been taken, so that their names are checked when they are used.
    """
    how = study.statistics
    if how is None:
        return []
    lines = [f"[statistics]{problem}" for problem in _ignored_settings(how)]
    for key in ("outcomes", "subscales", "null_checks", "cohort"):
        names: Sequence[str] = getattr(how, key)
        lines += [f"[statistics] {key}: {problem}" for problem in _statistics_problems(study, inventory, key, names)]
    return lines


def _ignored_settings(how: Statistics) -> Iterator[str]:
    """What would be ignored."""
    if not (how.outcomes or how.measures or how.cohort or how.subscales or how.null_checks):
        yield ": asks for nothing; give outcomes, measures with subscales, or cohort, or remove it"
    if how.measures and not (how.subscales or how.null_checks):
        yield " measures: are correlated with nothing; name subscales or null_checks, or remove them"
    if how.subscales and not (how.measures or how.null_checks):
        yield " subscales: are correlated with nothing; name measures or null_checks, or remove them"
    if how.null_checks and not (how.measures or how.subscales):
        yield " null_checks: there is nothing to check; name measures or subscales, or remove them"
    if both := [name for name in how.null_checks if name in how.subscales]:
        yield f" null_checks: {both[0]!r} is among the subscales too; name it once"


def _statistics_problems(study: Study, inventory: Inventory, key: str, names: Sequence[str]) -> Iterator[str]:
    known = list(study.scores) if key == "outcomes" else known_columns(study, inventory)
    for place, name in enumerate(names):
        if name in names[:place]:
            yield f"names {name!r} twice; name it once"
        elif name not in known:
            kind = "scores" if key == "outcomes" else "columns"
            what = "no score" if key == "outcomes" else "no score and no column of the participants' table"
            yield f"{name!r} is {what}{did_you_mean(name, known, kind)}"
        else:
            yield from _column_problems(study, inventory, key, name)


def _column_problems(study: Study, inventory: Inventory, key: str, name: str) -> Iterator[str]:
    try:
        if key == "outcomes":
            yield from _too_few_for_outcome(study, inventory, name)
        elif key == "cohort":
            participant_column(inventory, name)
        else:
            yield from _correlation_problems(name, participant_numbers(inventory, name))
    except DataError as error:
        yield str(error)


def _too_few_for_outcome(study: Study, inventory: Inventory, name: str) -> Iterator[str]:
    (score,) = session_scores(study, inventory, [name])
    both = np.isfinite(score.before) & np.isfinite(score.after)
    arm_of = np.array([participant.arm for participant in inventory.participants])
    counts = {arm: int((both & (arm_of == arm)).sum()) for arm in study.participants.arms}
    few = [f"{count} of {arm}" for arm, count in counts.items() if count < LEAST_OF_ARM]
    if few:
        yield f"{' and '.join(few)} have {name} in both sessions; an arm takes {LEAST_OF_ARM}"


def _correlation_problems(name: str, values: np.ndarray) -> Iterator[str]:
    known = values[np.isfinite(values)]
    if known.size < LEAST_PAIRS:
        yield f"{known.size} participants have {name}; a correlation takes {LEAST_PAIRS}"
    elif not np.ptp(known) > 0:
        yield f"{name} is {known[0]:g} for every participant; nothing can correlate with it"
