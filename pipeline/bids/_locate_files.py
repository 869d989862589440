"""Which files of a dataset are one run's: folders are listed once, and BIDS file names taken apart."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..common import list_names, natural_key, read_whole_number
from ..study import Study, Task
from ._readable_files import DataError

Kind = tuple[str, str]  # suffix and extension, such as ("bold", "nii.gz")
_INDICES = ("run", "echo", "flip", "inv", "split")  # entities whose values are numbers, by BIDS
_READ = {"bold", "mask", "timeseries", "regressors", "events"}  # suffixes of files that a study is made from

NATIVE = "the participant's own (no space- in the name)"
_ADDED_ENTITIES = ("space", "cohort", "res", "den", "desc")  # parts of a name that fMRIPrep adds
_IMAGES = ("nii.gz", "nii")
_CONFOUNDS = ("timeseries", "regressors")  # since fMRIPrep 20.2, and before


@dataclass(frozen=True)
class FileName:
    """A file with its name taken apart: ``sub-01_task-faces_bold.nii.gz`` has entities, a suffix and an extension.

    Fields:
        indexed: the entities, by which names of one run are the same: ``run-1`` is ``run-01``.
    """

    where: str
    entities: Mapping[str, str]
    kind: Kind
    indexed: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "indexed", comparable_entities(self.entities))

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.where)

    def label(self, entity: str) -> str | None:
        """Such as ``faces`` for ``task``; None where the name has no such part."""
        return self.entities.get(entity)


def comparable_entities(entities: Mapping[str, str]) -> dict[str, str]:
    """Entities with BIDS's indices as numbers, without leading zeros; labels of all others are text."""
    return {key: comparable_label(label) if key in _INDICES else label for key, label in entities.items()}


def comparable_label(label: str) -> str:
    """``1`` for ``01``; a label that is no number as it is."""
    return label.lstrip("0") or "0" if label.isascii() and label.isdecimal() else label


FolderContent = tuple[tuple[str, ...], dict[Kind, list[FileName]]]  # of a folder: its folders, its files


def parse_file_name(folder: str, name: str) -> FileName | None:
    """A file's name in its parts; None where it is no BIDS name of a kind that a study reads."""
    *parts, last = name.split("_")
    suffix, dot, extension = last.partition(".")
    if not dot or suffix not in _READ:
        return None
    pairs = [part.partition("-") for part in parts]
    if not all(key and dash and label for key, dash, label in pairs):
        return None
    return FileName(f"{folder}/{name}", {key: label for key, _, label in pairs}, (suffix, extension))


class DatasetFolders:
    """A dataset, listed as it is asked about; every folder is read once.

    Every method raises `DataError` where a folder may not be listed.
    """

    def __init__(self, root: Path | None) -> None:
        self.root = root  # None for a dataset that the study has none of
        self._listings: dict[str, FolderContent] = {}

    def folders(self, within: str = "") -> tuple[str, ...]:
        """Names of the folders in a folder, in natural order; none where it does not exist."""
        return self._listed(within)[0]

    def participants(self) -> list[str]:
        """Names of the participants' folders."""
        return [name for name in self.folders() if name.startswith("sub-")]

    def functional(self, participant: str, session: str | None, kind: Kind) -> list[FileName]:
        """A session's functional files of one kind, by name; a participant's where there are no sessions."""
        return self._listed(f"{session_folder(participant, session)}/func")[1].get(kind, [])

    def inherited(
        self, participant: str, session: str | None, entities: Mapping[str, str], kind: Kind
    ) -> Iterator[FileName]:
        """Files of a kind that hold for a run, the most particular first.

        By BIDS's inheritance principle: those beside the run or in a folder above it whose name has no part that the
        run's name has not.
        """
        wanted = comparable_entities(entities)
        folder = session_folder(participant, session)
        for within in dict.fromkeys((f"{folder}/func", folder, participant, "")):
            fit = [file for file in self._listed(within)[1].get(kind, []) if file.indexed.items() <= wanted.items()]
            yield from sorted(fit, key=lambda file: -len(file.entities))

    def _listed(self, within: str) -> FolderContent:
        if self.root is None:
            return (), {}
        if within not in self._listings:
            self._listings[within] = _scan(f"{self.root}/{within}" if within else str(self.root))
        return self._listings[within]


def session_folder(participant: str, session: str | None) -> str:
    """Such as ``sub-01/ses-1``; ``sub-01`` where there are no sessions."""
    return participant if session is None else f"{participant}/{session}"


def _scan(folder: str) -> FolderContent:
    """Folders and BIDS files in a folder. A link whose target is absent is a file: it is named as such later."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(
                ((entry.name, _is_folder(entry)) for entry in entries), key=lambda pair: natural_key(pair[0])
            )
    except (FileNotFoundError, NotADirectoryError):
        found = []
    except OSError as error:
        raise DataError(f"{folder} cannot be listed ({error.strerror}); check its permissions") from None
    files: dict[Kind, list[FileName]] = {}
    for name, is_folder in found:
        if not is_folder and (file := parse_file_name(folder, name)) is not None:
            files.setdefault(file.kind, []).append(file)
    return tuple(name for name, is_folder in found if is_folder), files


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself
        return False


@dataclass(frozen=True)
class RunFiles:
    """The files of one run, all of them there by name.

    Fields:
        run: its label, None where the names have none.
        bold, brain_mask, confounds, events: as in `Run`.
        derived, raw: sidecars of the image, the most particular first.
        remarks: what was chosen among several.
    """

    run: str | None
    bold: Path
    brain_mask: Path
    confounds: Path
    events: Path | None
    derived: tuple[Path, ...]
    raw: tuple[Path, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class RunProblem:
    """A run that cannot be used, by its label, and why, naming the files expected."""

    run: str | None
    problem: str


def image_space(file: FileName) -> str:
    """The space that an image is in, with its cohort where it has one."""
    space, cohort = file.label("space"), file.label("cohort")
    return NATIVE if space is None else space if cohort is None else f"{space}_cohort-{cohort}"


def preprocessed_images(
    derivatives: DatasetFolders, participant: str, session: str | None, task: str
) -> list[FileName]:
    """Every preprocessed image of a task in a session, in whatever space."""
    found = [file for kind in _IMAGES for file in derivatives.functional(participant, session, ("bold", kind))]
    return [file for file in found if file.label("desc") == "preproc" and file.label("task") == task]


def locate_files(
    study: Study, derivatives: DatasetFolders, bids: DatasetFolders, participant: str, session: str | None, name: str
) -> list[RunFiles | RunProblem]:
    """The files of every run of a task in one participant's session, run 1 first.

    Raises `DataError`, naming the files expected, where there is no run at all, or none as the study asks for.
    """
    task = study.tasks[name]
    images = preprocessed_images(derivatives, participant, session, name)
    if not images:
        raise DataError(_why_no_image(derivatives, participant, session, name))
    found: list[RunFiles | RunProblem] = []
    for bold, remarks in _choose_images(_in_space(images, study), task):
        try:
            found.append(_run_files(bold, remarks, task, derivatives, bids, participant, session, name))
        except DataError as error:
            found.append(RunProblem(bold.label("run"), str(error)))
    return found


def _run_files(
    bold: FileName,
    remarks: list[str],
    task: Task,
    derivatives: DatasetFolders,
    bids: DatasetFolders,
    participant: str,
    session: str | None,
    name: str,
) -> RunFiles:
    """What belongs to an image; raises `DataError`, naming the files expected, where one is missing."""
    source = {key: label for key, label in bold.entities.items() if key not in _ADDED_ENTITIES}
    grid = {key: label for key, label in bold.entities.items() if key != "desc"}
    head = "_".join(f"{key}-{label}" for key, label in source.items())
    masks = [
        file.path
        for kind in _IMAGES
        for file in derivatives.functional(participant, session, ("mask", kind))
        if file.indexed == comparable_entities(grid | {"desc": "brain"})
    ]
    tables = [
        file.path
        for suffix in _CONFOUNDS
        for file in derivatives.functional(participant, session, (suffix, "tsv"))
        if file.indexed == comparable_entities(source | {"desc": "confounds"})
    ]
    kind, events = ("events", "tsv"), None
    if not task.rest:
        places = (tree.inherited(participant, session, source, kind) for tree in (bids, derivatives))
        events = next((file for files in places for file in files), None)
    absent = []
    if not masks:
        absent.append(f"{bold.path.name.replace('_desc-preproc_bold', '_desc-brain_mask')} is missing")
    if not tables:
        absent.append(f"{head}_desc-confounds_timeseries.tsv is missing")
    if len(tables) > 1:
        absent.append(f"there are {tables[0].name} and {tables[1].name}; keep one of them")
    if events is None and not task.rest:
        absent.append(_no_events(bids, participant, session, name, head))
    if absent:
        raise DataError("; ".join(absent))
    derived = derivatives.inherited(participant, session, bold.entities, ("bold", "json"))
    raw = bids.inherited(participant, session, source, ("bold", "json"))
    return RunFiles(
        bold.label("run"),
        bold.path,
        masks[0],
        tables[0],
        None if events is None else events.path,
        tuple(file.path for file in derived),
        tuple(file.path for file in raw),
        tuple(remarks),
    )


def _no_events(bids: DatasetFolders, participant: str, session: str | None, task: str, head: str) -> str:
    """That there are no events, and those of the task that are another run's by their name."""
    found = bids.functional(participant, session, ("events", "tsv"))
    others = [file.path.name for file in found if file.label("task") == task]
    others_found = f"; there is {list_names(others)}, whose name is not that of the image" if others else ""
    folder = session_folder(participant, session)
    return f"{folder}/func/{head}_events.tsv is missing in the BIDS dataset{others_found}"


def _why_no_image(derivatives: DatasetFolders, participant: str, session: str | None, task: str) -> str:
    """Why there is no image: no participant, no session, no run."""
    if not derivatives.folders(participant) and participant not in derivatives.folders():
        return f"there is no folder {participant} in the derivatives"
    sessions = [name for name in derivatives.folders(participant) if name.startswith("ses-")]
    folder = session_folder(participant, session)
    if session is not None and session not in sessions:
        return f"there is no folder {folder} in the derivatives (sessions: {list_names(sessions)})"
    head = folder.replace("/", "_")
    return f"{folder}/func/{head}_task-{task}…_desc-preproc_bold.nii.gz is missing"


def _in_space(images: list[FileName], study: Study) -> list[FileName]:
    place = study.study
    fit = [file for file in images if image_space(file) == place.space]
    if not fit:
        spaces = list_names(image_space(file) for file in images)
        raise DataError(f"there is no image in space {place.space}; the spaces are {spaces}: see [study] space")
    resolutions = {file.label("res") for file in fit}
    if place.resolution is not None:
        fit = [file for file in fit if file.label("res") == place.resolution]
        if not fit:
            raise DataError(
                f"there is no image with res-{place.resolution}; there is {_list_labels('res', resolutions)}: "
                "see [study] resolution"
            )
    elif len(resolutions) > 1:
        raise DataError(f"there are images {_list_labels('res', resolutions)}; say which by [study] resolution")
    return fit


def _choose_images(images: list[FileName], task: Task) -> list[tuple[FileName, list[str]]]:
    """The image of each run to take among those of one task, session and space; and what was left of it."""
    usable = [file for file in images if file.label("echo") is None and file.label("part") in (None, "mag")]
    if not usable:
        raise DataError("there are only images of single echoes or phases; give fMRIPrep's combined one")
    if task.acquisition is not None:
        usable = _labelled(usable, "acq", task.acquisition.removeprefix("acq-"), "acquisition")
    if task.chosen_runs:
        usable = [file for run in task.chosen_runs for file in _labelled(usable, "run", run, "run")]
    runs: dict[str | None, list[FileName]] = {}
    for file in sorted(usable, key=_order):
        label = file.label("run")
        runs.setdefault(None if label is None else comparable_label(label), []).append(file)
    chosen = []
    for first, *others in runs.values():
        left = [_distinct_labels(file) for file in others]
        remark = f"{_distinct_labels(first)} is taken, {list_names(left)} is left; [tasks] acquisition says which"
        chosen.append((first, [remark] if others else []))
    return chosen


def _labelled(images: list[FileName], entity: str, wanted: str, key: str) -> list[FileName]:
    fit = [file for file in images if _is_same_label(file.label(entity), wanted)]
    if not fit:
        labels = _list_labels(entity, {file.label(entity) for file in images})
        raise DataError(f"there is no {entity}-{wanted}; there is {labels}: see {key} of the task")
    return fit


def _is_same_label(label: str | None, wanted: str) -> bool:
    return label is not None and comparable_label(label) == comparable_label(wanted)


def _list_labels(entity: str, labels: Iterable[str | None]) -> str:
    return list_names(f"one without {entity}-" if label is None else f"{entity}-{label}" for label in labels)


def _order(file: FileName) -> tuple[tuple[tuple[str, int, str], ...], str]:
    """By labels, run-2 before run-10, what is compressed before what is not."""
    labels = ((key, label) for key, label in file.entities.items() if key not in _ADDED_ENTITIES)
    return tuple((key, _number(label), label) for key, label in labels), file.where[::-1]


def _number(label: str) -> int:
    return read_whole_number(label) or 0


def _distinct_labels(file: FileName) -> str:
    """What tells a file from others of its task and session."""
    own = ("acq", "ce", "rec", "dir", "run")
    parts = [f"{key}-{file.entities[key]}" for key in own if key in file.entities]
    return "_".join(parts) or f"the {file.kind[1]} without run-"
