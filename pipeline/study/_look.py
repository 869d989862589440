"""What a BIDS folder seems to hold, as far as a configuration can be guessed from it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .._runtime import UsageError
from .._table import MISSING, Table, TableError, read_table

SPACES = ("MNI152NLin2009cAsym", "MNI152NLin6Asym")  # in the order of preference
ARM_WORDS = ("arm", "group", "treatment", "drug", "intervention", "allocation", "randomisation", "randomization")
TOTAL_WORDS = ("total", "sum", "score")
READ = 40  # event files of each task that are looked into

_TASK = re.compile(r"_task-([A-Za-z0-9]+)")
_SPACE = re.compile(r"_space-([A-Za-z0-9]+)")
_RESOLUTION = re.compile(r"_res-([A-Za-z0-9]+)")


@dataclass(frozen=True)
class FoundTask:
    """A task by its bare name; `trial_types` in the order in which they come up, none where no events were found."""

    name: str
    trial_types: tuple[str, ...]

    @property
    def rest(self) -> bool:
        """Whether it looks like a rest run."""
        return not self.trial_types


@dataclass(frozen=True)
class FoundScore:
    """A column of numbers in a phenotype table; `sessions` where the table has a row for each session."""

    table: Path
    column: str
    sessions: bool


@dataclass(frozen=True)
class Found:
    """What there is.

    Fields:
        bids: root of the dataset.
        name: of the dataset.
        derivatives: fMRIPrep's folder, or None.
        participants: labels with a folder.
        arm: column of the participants' table that seems to hold the arms, or None.
        arms: its values.
        columns: of the participants' table, but for the participants' own.
        sessions: labels, sorted.
        tasks: by name.
        spaces: of the preprocessed images, the one to take first.
        resolutions: res- labels in that space.
        scores: one of each phenotype table.
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
    tasks: tuple[FoundTask, ...] = ()
    spaces: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    scores: tuple[FoundScore, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)


def look(bids: Path) -> Found:
    """Look at a BIDS dataset and its derivatives; by names and small text files only.

    Raises `UsageError` where it is no folder, or has no participants.
    """
    participants = _participants(bids)
    derivatives = _derivatives(bids)
    raw = list(_functional(bids))
    made = list(_functional(derivatives)) if derivatives else []
    names = [path.name for path in (*raw, *made)]
    spaces = _spaces(path.name for path in made)
    notes: list[str] = []
    columns, arm, arms = _arms(bids, notes)
    return Found(
        bids=bids,
        name=_name(bids),
        derivatives=derivatives,
        participants=participants,
        arm=arm,
        arms=arms,
        columns=columns,
        sessions=tuple(sorted({part for path in (*raw, *made) for part in path.parts if part.startswith("ses-")})),
        tasks=tuple(_tasks(names, raw, notes)),
        spaces=spaces,
        resolutions=_labels(_RESOLUTION, (path.name for path in made if f"_space-{spaces[0]}_" in path.name))
        if spaces
        else (),
        scores=tuple(_scores(bids, notes)),
        notes=tuple(notes),
    )


def _participants(bids: Path) -> tuple[str, ...]:
    if not bids.is_dir():
        raise UsageError(f"{bids} is {'no folder' if bids.exists() else 'not there'}; give the root of a BIDS dataset")
    found = tuple(sorted(path.name for path in bids.glob("sub-*") if path.is_dir()))
    if not found:
        raise UsageError(f"{bids} holds no folder sub-…; give the root of a BIDS dataset")
    return found


def _name(bids: Path) -> str:
    try:
        described = json.loads((bids / "dataset_description.json").read_text(encoding="utf-8-sig"))
        name = described.get("Name") if isinstance(described, dict) else None
    except (OSError, ValueError, RecursionError):
        name = None
    name = name.replace("\0", "").strip() if isinstance(name, str) else ""
    return name or bids.absolute().name


def _derivatives(bids: Path) -> Path | None:
    """fMRIPrep's folder: by its name, or else the first that has preprocessed images or confounds."""
    folders = sorted(path for path in (bids / "derivatives").glob("*") if path.is_dir())
    folders.sort(key=lambda path: not path.name.lower().startswith("fmriprep"))
    return next((path for path in folders if any("_desc-confounds_" in one.name for one in _functional(path))), None)


def _functional(root: Path) -> Iterator[Path]:
    """Everything in the func folders of a dataset, sorted."""
    for pattern in ("sub-*/func", "sub-*/ses-*/func"):
        for folder in sorted(root.glob(pattern)):
            yield from sorted(folder.iterdir())


def _labels(pattern: re.Pattern[str], names: Iterable[str]) -> tuple[str, ...]:
    """The labels of an entity, the most frequent first."""
    count = Counter(found[1] for name in names if (found := pattern.search(name)))
    return tuple(sorted(count, key=lambda label: (-count[label], label)))


def _spaces(names: Iterable[str]) -> tuple[str, ...]:
    found = _labels(_SPACE, (name for name in names if "_desc-preproc_bold" in name))
    return tuple(sorted(found, key=lambda name: (*(name != one for one in SPACES), not name.startswith("MNI"))))


def _tasks(names: Iterable[str], raw: Iterable[Path], notes: list[str]) -> Iterator[FoundTask]:
    events: dict[str, list[Path]] = {}
    for path in raw:
        if path.name.endswith("_events.tsv") and (found := _TASK.search(path.name)):
            events.setdefault(found[1], []).append(path)
    images = (name for name in names if re.search(r"_bold\.(nii|nii\.gz|json)$|_desc-confounds_", name))
    for name in sorted(_labels(_TASK, images)):
        files = [] if "rest" in name.lower() else events.get(name, [])[:READ]
        yield FoundTask(name, tuple(_trial_types(files, notes)))


def _trial_types(files: Iterable[Path], notes: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for path in files:
        try:
            table = read_table(path)
            cells = table.column("trial_type") if "trial_type" in table.columns else ()
        except TableError as error:
            notes.append(str(error))
            continue
        found.update(dict.fromkeys(cell for cell in cells if cell not in ("", MISSING)))
    return list(found)


def _arms(bids: Path, notes: list[str]) -> tuple[tuple[str, ...], str | None, tuple[str, ...]]:
    """Columns of the participants' table; the one that seems to be the arm, and its values."""
    try:
        table = read_table(bids / "participants.tsv")
    except TableError as error:
        notes.append(str(error))
        return (), None, ()
    columns = tuple(name for name in table.columns if name != "participant_id")
    likely = [name for name in columns if set(re.split(r"[^a-z]+", name.lower())) & set(ARM_WORDS)]
    likely.sort(key=lambda name: len(_kinds(table, name)) != 2)
    arm = likely[0] if likely else None
    return columns, arm, _kinds(table, arm) if arm else ()


def _kinds(table: Table, column: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell for cell in table.column(column) if cell not in ("", MISSING)))


def _scores(bids: Path, notes: list[str]) -> Iterator[FoundScore]:
    for path in sorted((bids / "phenotype").glob("*.tsv")):
        try:
            table = read_table(path)
        except TableError as error:
            notes.append(str(error))
            continue
        numeric = [name for name in table.columns if name not in ("participant_id", "session_id")]
        numeric = [name for name in numeric if _is_numeric(table.column(name))]
        numeric.sort(key=lambda name: not any(word in name.lower() for word in TOTAL_WORDS))
        if numeric:
            yield FoundScore(path, numeric[0], "session_id" in table.columns)


def _is_numeric(cells: Iterable[str]) -> bool:
    there = [cell for cell in cells if cell not in ("", MISSING)]
    return bool(there) and all(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", cell) for cell in there)
