"""What a BIDS folder seems to hold, as far as a configuration can be guessed from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from ..common import NUMBER, JsonError, UsageError, are_numbers, bids_label, natural_key, read_json, sorted_names
from ..tables import MISSING, Table, TableError, read_table
from ._guesses import TRIAL_TYPE, likely_condition_columns

EVENT_FILES_READ = 40  # event files of each task that are looked into

_TASK = re.compile(r"(?:^|_)task-([A-Za-z0-9]+)")
_RUN = re.compile(r"_run-([A-Za-z0-9]+)")
_ABOVE = ("", "sub-*/", "sub-*/ses-*/")  # folders above func, whose files are inherited

SPACES = ("MNI152NLin2009cAsym", "MNI152NLin6Asym")  # in the order of preference
ARM_WORDS = ("arm", "group", "treatment", "drug", "intervention", "allocation", "randomisation", "randomization")
TOTAL_WORDS = ("total", "sum", "score")
PARTICIPANTS_READ = 40  # participants whose dates are looked into
ACQUIRED = "acq_time"  # the column of scans.tsv and sessions.tsv that says when
_SPACE = re.compile(r"_space-([A-Za-z0-9]+)")
_RESOLUTION = re.compile(r"_res-([A-Za-z0-9]+)")


@dataclass(frozen=True)
class SurveyedTask:
    """A task by its bare name.

    Fields:
        trial_types: in the order in which they come up; none where no events were found.
        runs: labels of a session's runs, where there are several.
        column: that holds the trial types.
        candidates: columns that may hold them, where events have no trial_type and more than one column may.
        incomplete: trial types of which some event has no onset or no duration, so that they cannot be modelled.
    """

    name: str
    trial_types: tuple[str, ...]
    runs: tuple[str, ...] = ()
    column: str = TRIAL_TYPE
    candidates: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()

    @property
    def rest(self) -> bool:
        """Whether it looks like a rest run."""
        return not self.trial_types


def survey_tasks(bids: Path, raw: Sequence[Path], names: Sequence[str], notes: list[str]) -> Iterator[SurveyedTask]:
    """Every task that has an image or confounds, in natural order.

    Arguments:
        bids: root of the dataset.
        raw: files in its func folders.
        names: of these and of the derivatives' files.
        notes: to which a line is added for every table that cannot be read.
    """
    events: dict[str, list[Path]] = {}
    for path in (*raw, *(path for place in _ABOVE for path in sorted(bids.glob(f"{place}*task-*_events.tsv")))):
        if path.name.endswith("_events.tsv") and (found := _TASK.search(path.name)):
            events.setdefault(found[1], []).append(path)
    images = [name for name in names if re.search(r"_bold\.(nii|nii\.gz|json)$|_desc-confounds_", name)]
    for name in sorted_names(_entity_labels(_TASK, images)):
        files = [] if "rest" in name.lower() else events.get(name, [])[:EVENT_FILES_READ]
        runs = sorted_names(_entity_labels(_RUN, (image for image in images if f"_task-{name}_" in image)))
        yield _with_events(SurveyedTask(name, (), tuple(runs) if len(runs) > 1 else ()), _read_tables(files, notes))


def _entity_labels(pattern: re.Pattern[str], names: Iterable[str]) -> set[str]:
    return {found[1] for name in names if (found := pattern.search(name))}


def _read_tables(files: Iterable[Path], notes: list[str]) -> Iterator[Table]:
    """The tables that can be read; a line in `notes` for each of the others."""
    for path in files:
        try:
            yield read_table(path)
        except TableError as error:
            notes.append(str(error))


def _with_events(task: SurveyedTask, tables: Iterable[Table]) -> SurveyedTask:
    """With the trial types of its events; where no table has that column, of the one column that may hold them."""
    read = [table for table in tables if table.rows]
    column = TRIAL_TYPE
    if not any(TRIAL_TYPE in table.columns for table in read):
        candidates = dict.fromkeys(name for table in read for name in likely_condition_columns(table))
        if len(candidates) != 1:
            return replace(task, candidates=tuple(candidates))
        (column,) = candidates
    holding = [table for table in read if column in table.columns and column not in table.repeated]
    kinds = dict.fromkeys(cell for table in holding for cell in table.column(column) if cell != MISSING)
    incomplete = {kind for table in holding for kind in _incomplete(table, column)}
    return replace(
        task, trial_types=tuple(kinds), column=column, incomplete=tuple(kind for kind in kinds if kind in incomplete)
    )


def _incomplete(table: Table, column: str) -> Iterator[str]:
    """Trial types of events without an onset, or without a duration of 0 or more."""
    if not {"onset", "duration"} <= set(table.columns) - set(table.repeated):
        return
    for kind, *times in zip(*(table.column(name) for name in (column, "onset", "duration")), strict=True):
        if not all(map(NUMBER.fullmatch, times)) or times[1].startswith("-"):
            yield kind


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


@dataclass(frozen=True)
class DatasetSurvey:
    """What there is.

    Fields:
        bids: root of the dataset.
        name: of the dataset.
        derivatives: fMRIPrep's folder, or None.
        other_derivatives: more folders that look like fMRIPrep's.
        participants: labels with a folder.
        arm: column of the participants' table that seems to hold the arms, or None.
        arm_candidates: all columns that look like one.
        arms: its values.
        columns: of the participants' table, but for the participants' own.
        sessions: labels, in natural order.
        times: participant → session → when it was, as far as sessions.tsv and scans.tsv say so.
        tasks: by name.
        spaces: of the preprocessed images, the one to take first.
        resolutions: res- labels in that space.
        scores: phenotype tables with columns of numbers.
        notes: what could not be read, a line each.
    """

    bids: Path
    name: str
    derivatives: Path | None
    participants: tuple[str, ...]
    arm: str | None = None
    arms: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    tasks: tuple[SurveyedTask, ...] = ()
    spaces: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    scores: tuple[SurveyedScore, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    other_derivatives: tuple[Path, ...] = ()
    arm_candidates: tuple[str, ...] = ()
    times: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)


def survey_dataset(bids: Path) -> DatasetSurvey:
    """Look at a BIDS dataset and its derivatives; by names and small text files only.

    Raises `UsageError` where it is no folder, or has no participants.
    """
    participants = _participants(bids)
    derivatives, *others = _derivatives(bids) or [None]
    raw = list(_functional(bids))
    made = list(_functional(derivatives)) if derivatives else []
    names = [path.name for path in (*raw, *made)]
    spaces = _spaces(path.name for path in made)
    notes: list[str] = []
    columns, likely, arms = _arms(bids, notes)
    sessions = {part for path in (*raw, *made) for part in path.parts if part.startswith("ses-")}
    return DatasetSurvey(
        bids=bids,
        name=_name(bids),
        derivatives=derivatives,
        participants=participants,
        arm=likely[0] if len(likely) == 1 else None,
        arms=arms,
        columns=columns,
        sessions=tuple(sorted_names(sessions)),
        tasks=tuple(survey_tasks(bids, raw, names, notes)),
        spaces=spaces,
        resolutions=_labels(_RESOLUTION, (path.name for path in made if f"_space-{spaces[0]}_" in path.name))
        if spaces
        else (),
        scores=tuple(_scores(bids, notes)),
        notes=tuple(notes),
        other_derivatives=tuple(folder for folder in others if folder is not None),
        arm_candidates=likely,
        times=_times(bids, participants, notes) if len(sessions) > 1 else {},
    )


def _participants(bids: Path) -> tuple[str, ...]:
    if not bids.is_dir():
        raise UsageError(f"{bids} is {'no folder' if bids.exists() else 'not there'}; give the root of a BIDS dataset")
    found = tuple(sorted_names(path.name for path in bids.glob("sub-*") if path.is_dir()))
    if not found:
        raise UsageError(f"{bids} holds no folder sub-…; give the root of a BIDS dataset")
    return found


def _name(bids: Path) -> str:
    try:
        described = read_json(bids / "dataset_description.json")
        name = described.get("Name") if isinstance(described, dict) else None
    except JsonError:
        name = None
    name = name.replace("\0", "").strip() if isinstance(name, str) else ""
    return name or bids.absolute().name


def _derivatives(bids: Path) -> list[Path | None]:
    """Folders that have preprocessed images or confounds, those called fMRIPrep's first."""
    folders = [path for path in _in_order((bids / "derivatives").glob("*")) if path.is_dir()]
    folders.sort(key=lambda path: not path.name.lower().startswith("fmriprep"))
    return [path for path in folders if any("_desc-confounds_" in file.name for file in _functional(path))]


def _in_order(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: natural_key(str(path)))


def _functional(root: Path) -> Iterator[Path]:
    """Everything in the func folders of a dataset, in natural order."""
    for pattern in ("sub-*/func", "sub-*/ses-*/func"):
        for folder in _in_order(root.glob(pattern)):
            yield from _in_order(folder.iterdir())


def _labels(pattern: re.Pattern[str], names: Iterable[str]) -> tuple[str, ...]:
    """The labels of an entity, the most frequent first."""
    count = Counter(found[1] for name in names if (found := pattern.search(name)))
    return tuple(sorted(count, key=lambda label: (-count[label], natural_key(label))))


def _spaces(names: Iterable[str]) -> tuple[str, ...]:
    found = _labels(_SPACE, (name for name in names if "_desc-preproc_bold" in name))
    return tuple(
        sorted(found, key=lambda name: (*(name != preferred for preferred in SPACES), not name.startswith("MNI")))
    )


def _times(bids: Path, participants: Sequence[str], notes: list[str]) -> dict[str, dict[str, datetime]]:
    """When sessions were, by sessions.tsv and scans.tsv of some participants."""
    times: dict[str, dict[str, datetime]] = {}
    for participant in participants[:PARTICIPANTS_READ]:
        own: dict[str, datetime] = {}
        for path in _in_order((bids / participant).glob(f"ses-*/{participant}_ses-*_scans.tsv")):
            found = [when for _, when in _dated(path, "filename", notes)]
            if found:
                own[path.parent.name] = min(found)
        for session, when in _dated(bids / participant / f"{participant}_sessions.tsv", "session_id", notes):
            own[bids_label(session, "ses-")] = when
        if len(own) > 1:
            times[participant] = own
    return times


def _dated(path: Path, column: str, notes: list[str]) -> Iterator[tuple[str, datetime]]:
    """Cells of a column, and when each was, of the rows that say so."""
    if not path.is_file():
        return
    try:
        table = read_table(path)
        if not {column, ACQUIRED} <= set(table.columns):
            return
        cells = list(zip(table.column(column), table.column(ACQUIRED), strict=True))
    except TableError as error:
        notes.append(str(error))
        return
    for name, cell in cells:
        try:
            yield name, datetime.fromisoformat(cell).replace(tzinfo=None)
        except ValueError:
            continue


def _arms(bids: Path, notes: list[str]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Columns of the participants' table; those that seem to be the arm; values of the only one there is."""
    table = next(_read_tables([bids / "participants.tsv"], notes), None)
    if table is None:
        return (), (), ()
    columns = tuple(name for name in table.columns if name != "participant_id")
    likely = [name for name in columns if set(re.split(r"[^a-z]+", name.lower())) & set(ARM_WORDS)]
    of_two = [name for name in likely if len(_kinds(table, name)) == 2]
    chosen = tuple(of_two or likely)
    return columns, chosen, _kinds(table, chosen[0]) if len(chosen) == 1 else ()


def _kinds(table: Table, column: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell for cell in table.column(column) if cell != MISSING))


def _scores(bids: Path, notes: list[str]) -> Iterator[SurveyedScore]:
    for table in _read_tables(_in_order((bids / "phenotype").glob("*.tsv")), notes):
        numeric = [name for name in table.columns if name not in ("participant_id", "session_id")]
        numeric = [name for name in numeric if are_numbers(cell for cell in table.column(name) if cell != MISSING)]
        totals = [name for name in numeric if set(re.split(r"[^a-z]+", name.lower())) & set(TOTAL_WORDS)]
        column, reason = None, ""
        if len(numeric) == 1:
            column, reason = numeric[0], "the only column of numbers"
        elif len(totals) == 1:
            column, reason = totals[0], "the only one called a total"
        if numeric:
            yield SurveyedScore(table.path, column, "session_id" in table.columns, tuple(numeric), reason)
