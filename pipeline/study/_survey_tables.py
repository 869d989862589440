"""Tables of a dataset as far as they can be guessed: participants and their groups, visits and their dates, scores."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ..common import are_numbers, bids_label, list_folder, natural_key
from ..tables import MISSING, Table
from ._survey_tasks import read_tables

TRIAL_WORDS = ("arm", "treatment", "drug", "intervention", "allocation", "randomisation", "randomization", "randomized")
GROUP_WORDS = (
    *("group", "groups", "grp", "subgroup", "diagnosis", "diagnoses", "diag", "dx", "cohort", "patient", "patients"),
    *("case", "status", "class", "clinical", "disorder", "disease", "condition", "phenotype", "population"),
)
TRIAL_LEVELS = ("placebo", "sham", "verum", "vehicle", "waitlist", "treatment", "treated", "drug")
ORDER_WORDS = ("first", "second", "last", "then", "order", "sequence")  # of a crossover: placebo-first is no arm
DRUG_WORDS = (*TRIAL_WORDS, "condition", "stimulation", "dose")
TOTAL_WORDS = ("total", "sum", "score")
PARTICIPANTS_READ = 40  # participants whose dates and visits are looked into
ACQUIRED = "acq_time"  # the column of scans.tsv and sessions.tsv that says when
MOST_LEVELS = 12  # of a column that may name groups
MOST_COVARIATES = 12  # that are named

Times = Mapping[str, Mapping[str, datetime]]  # participant → session → when


@dataclass(frozen=True)
class SurveyedParticipants:
    """What the participants' table seems to say.

    Fields:
        table: the file; None where there is none that can be read.
        columns: but for the participants' own.
        group: the column that seems to name groups, or None.
        groups: its values.
        candidates: all columns that look like one.
        trial: whether its name or values say that groups are the arms of a trial.
        covariates: other columns with values of more than half of the participants, not the same for all; how many lack
            one is said, ``age (2 n/a)``.
    """

    table: Path | None = None
    columns: tuple[str, ...] = ()
    group: str | None = None
    groups: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    trial: bool = False
    covariates: tuple[str, ...] = ()


def survey_participants(path: Path | None, notes: list[str]) -> SurveyedParticipants:
    """The participants' table, where there is one."""
    table = next(read_tables([path], notes), None) if path is not None else None
    if path is None or table is None:
        return SurveyedParticipants()
    columns = tuple(name for name in table.columns if name != "participant_id")
    kinds = {name: _kinds(table, name) for name in columns if name not in table.repeated}
    named = [name for name in kinds if _words(name) & {*TRIAL_WORDS, *GROUP_WORDS}]
    likely = [name for name in named if 2 <= len(kinds[name]) <= min(MOST_LEVELS, max(2, len(table.rows) // 2))]
    likely = [name for place, name in enumerate(likely) if not _same_groups(table, likely[:place], name)]
    group = likely[0] if len(likely) == 1 else None
    levels = kinds[group] if group is not None else ()
    covariates = [
        f"{name} ({missing} n/a)" if (missing := table.column(name).count(MISSING)) else name
        for name in kinds
        if name not in named and _is_covariate(table, name, kinds[name])
    ]
    return SurveyedParticipants(
        path,
        columns,
        group,
        levels,
        tuple(likely),
        any(_says_trial(name, TRIAL_WORDS) for name in likely)
        or any(_says_trial(level, TRIAL_LEVELS) for name in likely for level in kinds[name]),
        tuple(covariates[:MOST_COVARIATES]),
    )


def _words(text: str) -> set[str]:
    return set(re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()))


def _says_trial(text: str, words: Sequence[str]) -> bool:
    return bool(_words(text) & {*words}) and not _words(text) & {*ORDER_WORDS}


def _kinds(table: Table, column: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell for cell in table.column(column) if cell != MISSING))


def _same_groups(table: Table, others: Sequence[str], name: str) -> bool:
    """Whether a column tells participants apart as another does, under other names."""
    own = table.column(name)
    return any(
        len(set(zip(table.column(other), own, strict=True))) == len(set(own)) == len(set(table.column(other)))
        for other in others
    )


def _is_covariate(table: Table, name: str, kinds: Sequence[str]) -> bool:
    known = 2 * table.column(name).count(MISSING) < len(table.rows) and len(kinds) > 1
    return known and (are_numbers(kinds) or len(kinds) <= MOST_LEVELS)


@dataclass(frozen=True)
class SurveyedScore:
    """A phenotype table with columns of numbers.

    Fields:
        table: the file.
        column: the one that is a total, or the only one; None where nothing tells.
        sessions: whether it has a row for each session.
        columns: all that hold numbers.
        reason: why that column.
    """

    table: Path
    column: str | None
    sessions: bool
    columns: tuple[str, ...] = ()
    reason: str = ""


def survey_scores(bids: Path, notes: list[str]) -> Iterator[SurveyedScore]:
    """Every phenotype table with a column of numbers."""
    for table in read_tables(_in_order((bids / "phenotype").glob("*.tsv")), notes):
        numeric = [name for name in table.columns if name not in ("participant_id", "session_id", *table.repeated)]
        numeric = [name for name in numeric if are_numbers(cell for cell in table.column(name) if cell != MISSING)]
        totals = [name for name in numeric if _words(name) & {*TOTAL_WORDS}]
        column, reason = None, ""
        if len(numeric) == 1:
            column, reason = numeric[0], "the only column of numbers"
        elif len(totals) == 1:
            column, reason = totals[0], "the only one called a total"
        if numeric:
            yield SurveyedScore(table.path, column, "session_id" in table.columns, tuple(numeric), reason)


@dataclass(frozen=True)
class SurveyedVisits:
    """What tables say of the visits of single participants.

    Fields:
        times: participant → session → when it was, as far as sessions.tsv and scans.tsv say so.
        levels: columns of sessions.tsv → what occurs in it, text or numbers; none where a column is the same for all.
    """

    times: Times = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def drug(self) -> str | None:
        """The column that seems to say what was given at a visit; None where there is none, or several are."""
        likely = [
            name for name, levels in self.levels.items() if _words(name) & {*DRUG_WORDS} and not are_numbers(levels)
        ]
        return likely[0] if len(likely) == 1 else None


def survey_visits(bids: Path, participants: Sequence[str], notes: list[str]) -> SurveyedVisits:
    """When the sessions of some participants were, and what differed between them."""
    times: dict[str, dict[str, datetime]] = {}
    levels: dict[str, dict[str, None]] = {}
    for participant in participants[:PARTICIPANTS_READ]:
        own: dict[str, datetime] = {}
        for session in list_folder(f"{bids}/{participant}").sessions:
            path = bids / participant / session / f"{participant}_{session}_scans.tsv"
            for table in _tables(path, "filename", notes):
                if found := [when for _, when in _dated(table, "filename")]:
                    own[session] = min(found)
        for table in _tables(bids / participant / f"{participant}_sessions.tsv", "session_id", notes):
            own |= {bids_label(session, "ses-"): when for session, when in _dated(table, "session_id")}
            for name in table.columns:
                if name not in ("session_id", "participant_id", ACQUIRED, *table.repeated):
                    levels.setdefault(name, {}).update(dict.fromkeys(_kinds(table, name)))
        if len(own) > 1:
            times[participant] = own
    return SurveyedVisits(times, {name: tuple(found) for name, found in levels.items() if len(found) > 1})


def _tables(path: Path, column: str, notes: list[str]) -> Iterator[Table]:
    """The table of a file that is there and has a column."""
    if path.is_file():
        yield from (table for table in read_tables([path], notes) if column in table.columns)


def _dated(table: Table, column: str) -> Iterator[tuple[str, datetime]]:
    """Cells of a column, and when each was, of the rows that say so."""
    if ACQUIRED not in table.columns:
        return
    for name, cell in zip(table.column(column), table.column(ACQUIRED), strict=True):
        try:
            yield name, datetime.fromisoformat(cell).replace(tzinfo=None)
        except ValueError:
            continue


def _in_order(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: natural_key(str(path)))
