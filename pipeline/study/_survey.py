"""What a BIDS folder and its derivatives seem to hold, as far as a configuration can be guessed from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..common import UsageError, first_names, list_folder, list_names, natural_key, sorted_names
from ._survey_files import (
    DatasetFiles,
    FunctionalFile,
    dataset_facts,
    find_derivatives,
    find_raw_dataset,
    has_old_names,
    is_derivative,
    list_dataset,
)
from ._survey_tables import (
    SurveyedParticipants,
    SurveyedScore,
    SurveyedVisits,
    survey_participants,
    survey_scores,
    survey_visits,
)
from ._survey_tasks import SurveyedTask, survey_tasks

SPACES = ("MNI152NLin2009cAsym", "MNI152NLin6Asym")  # in the order of preference


@dataclass(frozen=True)
class DatasetSurvey:
    """What there is.

    Fields:
        bids: root of the dataset; None where there are derivatives alone.
        name: of the dataset.
        derivatives: folder of preprocessed images, or None.
        other_derivatives: more folders that look like one.
        participants: labels with a folder.
        table: what the participants' table says.
        sessions: labels, in natural order.
        visits: what tables say of single visits.
        tasks: by name.
        spaces: of the preprocessed images, the one to take first.
        resolutions: res- labels in that space.
        scores: phenotype tables with columns of numbers.
        series: whether derivatives hold series of regions and no preprocessed images, as XCP-D's do.
        problems: what is missing for an analysis, a line each.
        notes: what could not be read or is passed over, a line each.
    """

    bids: Path | None
    name: str
    derivatives: Path | None
    participants: tuple[str, ...]
    table: SurveyedParticipants = field(default_factory=SurveyedParticipants)
    sessions: tuple[str, ...] = ()
    visits: SurveyedVisits = field(default_factory=SurveyedVisits)
    tasks: tuple[SurveyedTask, ...] = ()
    spaces: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    scores: tuple[SurveyedScore, ...] = ()
    series: bool = False
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    other_derivatives: tuple[Path, ...] = ()


def survey_dataset(bids: Path | None, derivatives: Path | None = None) -> DatasetSurvey:
    """Look at a BIDS dataset and its derivatives; by names and small text files only.

    Arguments:
        bids: root of the dataset, or of derivatives. None: it is looked for within and above the derivatives.
        derivatives: folder of preprocessed images; None: it is looked for in the dataset and beside it.

    Raises `UsageError` where a folder is none, or has no participants.
    """
    for folder in (bids, derivatives):
        if folder is not None:
            _check_folder(folder)
    if bids is not None and derivatives is None and is_derivative(bids):
        bids, derivatives = None, bids
    if bids is None and derivatives is not None:
        bids = find_raw_dataset(derivatives)
    folders = [derivatives] if derivatives is not None else find_derivatives(bids) if bids is not None else []
    raw = list_dataset(bids) if bids is not None else DatasetFiles(Path())
    made = list_dataset(folders[0]) if folders else DatasetFiles(Path())
    root = bids if bids is not None else made.root
    preprocessed = [file for file in made.functional if file.is_preprocessed]
    spaces = _spaces(found.file.space for found in preprocessed)
    participants = raw.participants or made.participants
    functional = made.functional or raw.functional
    notes: list[str] = []
    sessions = _sessions(functional, notes)
    tables = (folder / "participants.tsv" for folder in (root, *folders[:1]))
    table = survey_participants(next((path for path in tables if path.is_file()), None), notes)
    tasks = tuple(survey_tasks(raw, made, notes))
    scores = tuple(survey_scores(root, notes))
    visits = survey_visits(root, participants, notes) if len(sessions) > 1 else SurveyedVisits()
    return DatasetSurvey(
        bids=bids,
        name=_name(root),
        derivatives=folders[0] if folders else None,
        participants=participants,
        table=table,
        sessions=tuple(sorted_names(sessions)),
        visits=visits,
        tasks=tasks,
        spaces=spaces,
        resolutions=_most_frequent(
            label
            for found in preprocessed
            if spaces and found.file.space == spaces[0] and (label := found.file.label("res")) is not None
        ),
        scores=scores,
        series=not preprocessed and any(file.is_series for file in made.functional),
        problems=tuple(_problems(root, raw, made, bool(folders))),
        notes=(*notes, *_other_spaces(preprocessed, spaces), *_passed_over(raw, made)),
        other_derivatives=tuple(folders[1:]),
    )


def _sessions(functional: Sequence[FunctionalFile], notes: list[str]) -> set[str]:
    """Labels of sessions; none, and a note, where fewer participants have sessions than have none."""
    labels: dict[bool, set[str]] = {True: set(), False: set()}  # of participants with sessions, and without
    for file in functional:
        if file.task is not None:
            labels[file.session is not None].add(file.participant)
    within, without = labels[True], labels[False] - labels[True]
    if within and without:
        counts = f"participants with sessions: {len(within)}, without: {len(without)}"
        few = within if len(within) < len(without) else without
        notes.append(
            f"{counts}; a study has sessions for all or for nobody, so that this one goes without "
            f"{first_names(sorted_names(few))}"
        )
    if len(within) < len(without):
        return set()
    return {file.session for file in functional if file.session is not None and file.task is not None}


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        problem = "is no folder" if folder.exists() else "is not there"
        raise UsageError(f"{folder} {problem}; give the root of a BIDS dataset, or of derivatives")
    try:
        participants = list_folder(str(folder)).participants
    except OSError as error:
        raise UsageError(f"{folder} cannot be listed ({error.strerror}); check its permissions") from None
    if not participants:
        raise UsageError(f"{folder} holds no folder sub-…; give the root of a BIDS dataset, or of derivatives")


def _name(root: Path) -> str:
    """The dataset's own name; of derivatives their folder's, as theirs is that of the program which made them."""
    facts = dataset_facts(root)
    name = None if facts.get("DatasetType") == "derivative" else facts.get("Name")
    name = name.replace("\0", "").strip() if isinstance(name, str) else ""
    return name or root.absolute().name


def _most_frequent(labels: Iterable[str]) -> tuple[str, ...]:
    """Labels, the most frequent first."""
    count = Counter(labels)
    return tuple(sorted(count, key=lambda label: (-count[label], natural_key(label))))


def _spaces(names: Iterable[str | None]) -> tuple[str, ...]:
    """Spaces, those of a template first."""
    found = _most_frequent(name for name in names if name is not None)
    return tuple(
        sorted(found, key=lambda name: (*(name != preferred for preferred in SPACES), not name.startswith("MNI")))
    )


def _problems(root: Path, raw: DatasetFiles, made: DatasetFiles, found: bool) -> Iterator[str]:
    """What is missing for an analysis."""
    ready = any(file.is_preprocessed or file.is_series for file in made.functional)
    if not ready and has_old_names(made.root if found else root):
        place = made.root if found else root
        yield f"{place} has images called as by fMRIPrep before 1.2 (…_preproc.nii.gz): run a newer one"
    elif not any(file.task for file in (*raw.functional, *made.functional)):
        yield f"{root} has no functional images by their names (task-…_bold.nii.gz in func)"
    elif not found:
        yield (
            "there are no preprocessed images in the dataset or beside it: run fMRIPrep, or give its folder by "
            "--derivatives"
        )
    elif not ready:
        yield f"{made.root} has no preprocessed images (…_desc-preproc_bold.nii.gz){_what_else(made)}"
    for files in (raw, made):
        absent, count = files.absent
        if absent:
            share = f"{absent} of {count} files in {files.root}"
            yield f"{share} are links to content that is not here; fetch it: datalad get {files.root}"


def _what_else(made: DatasetFiles) -> str:
    if any(file.is_denoised for file in made.functional):
        return " but denoised ones, without confounds and masks: give the fMRIPrep folder that they were made from"
    return ": give another folder by --derivatives"


def _other_spaces(preprocessed: Sequence[FunctionalFile], spaces: Sequence[str]) -> Iterator[str]:
    """Visits that have no image in the space of most, such as infants of several ages."""
    having = {(found.participant, found.session) for found in preprocessed if found.file.space in spaces[:1]}
    lacking = {(found.participant, found.session) for found in preprocessed} - having
    if spaces and lacking:
        example = next(found for found in preprocessed if (found.participant, found.session) in lacking)
        yield (
            f"{len(lacking)} of {len(having) + len(lacking)} visits have no image in {spaces[0]}, such as "
            f"{example.file.path.name}; a study is in one space"
        )


def _passed_over(raw: DatasetFiles, made: DatasetFiles) -> Iterator[str]:
    for files in (raw, made):
        if files.passed_over:
            yield (
                f"{files.root}: {list_names(files.passed_over)}: not looked at, as .bidsignore names them or they are "
                "not sub- and letters or digits"
            )
