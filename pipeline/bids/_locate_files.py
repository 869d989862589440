"""Which files of a dataset are one run's: folders are listed once, and BIDS file names taken apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..common import (
    PATTERN_FIELDS,
    FileName,
    FolderContent,
    Kind,
    PatternError,
    comparable_entities,
    comparable_label,
    fill_pattern,
    ignored_folders,
    list_folder,
    list_names,
    read_whole_number,
)
from ..study import Study, Task
from ._readable_files import DataError

NATIVE = "the participant's own (no space- in the name)"
_ADDED_ENTITIES = ("space", "cohort", "res", "den", "desc")  # parts of a name that fMRIPrep adds
_IMAGES = ("nii.gz", "nii")
_CONFOUNDS = ("timeseries", "regressors")  # since fMRIPrep 20.2, and before


class DatasetFolders:
    """A dataset, listed as it is asked about; every folder is read once.

    Every method raises `DataError` where a folder may not be listed.
    """

    def __init__(self, root: Path | None) -> None:
        self.root = root  # None for a dataset that the study has none of
        self._listings: dict[str, FolderContent] = {}

    def folders(self, within: str = "") -> tuple[str, ...]:
        """Names of the folders in a folder, in natural order; none where it does not exist."""
        return self._listed(within).folders

    def participants(self) -> list[str]:
        """Names of the participants' folders, but for those that .bidsignore names."""
        names = self._listed("").participants
        ignored = ignored_folders(self.root, names) if self.root is not None else ()
        return [name for name in names if name not in ignored]

    def functional(self, participant: str, session: str | None, kind: Kind) -> list[FileName]:
        """A session's functional files of one kind, by name; a participant's where there are no sessions."""
        folder = session_folder(participant, session)
        places = (folder, f"{folder}/func") if kind[1] in _IMAGES or kind[0] in _CONFOUNDS else (f"{folder}/func",)
        return [file for place in places for file in self._listed(place).files.get(kind, ())]

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
            fit = [file for file in self._listed(within).files.get(kind, ()) if file.indexed.items() <= wanted.items()]
            yield from sorted(fit, key=lambda file: -len(file.entities))

    def count_absent(self, *, images: bool) -> tuple[int, int]:
        """How many of the files that have been looked at are links to content that is not here, and how many empty.

        Arguments:
            images: whether images count; those of raw data nobody reads.
        """
        listed = (kind for content in self._listings.values() for kind in content.files.items())
        paths = [file.path for kind, files in listed for file in files if images or kind[1] not in _IMAGES]
        here = [path for path in paths if path.exists()]
        return len(paths) - len(here), sum(path.stat().st_size == 0 for path in here)

    def _listed(self, within: str) -> FolderContent:
        if self.root is None:
            return FolderContent()
        if within not in self._listings:
            folder = f"{self.root}/{within}" if within else str(self.root)
            try:
                self._listings[within] = list_folder(folder)
            except OSError as error:
                raise DataError(f"{folder} cannot be listed ({error.strerror}); check its permissions") from None
        return self._listings[within]


def session_folder(participant: str, session: str | None) -> str:
    """Such as ``sub-01/ses-1``; ``sub-01`` where there are no sessions."""
    return participant if session is None else f"{participant}/{session}"


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
    return file.space or NATIVE


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
    images = _in_space(images, study)
    there = [file.label("run") for file in images]
    absent = [run for run in task.chosen_runs if not any(_is_same_label(label, run) for label in there)]
    found: list[RunFiles | RunProblem] = []
    for run, bold, remarks in _choose_images(images, task):
        try:
            found.append(_run_files(run, bold, remarks, task, derivatives, bids, participant, session, name))
        except DataError as error:
            found.append(RunProblem(run, str(error)))
    return found + [RunProblem(None, _no_such_run(run, there)) for run in absent]


def _run_files(
    run: str | None,
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
    absent = []
    events = None
    try:
        events = None if task.rest else _find_events(task, source, bids, derivatives, participant, session)
    except DataError as error:
        absent.append(str(error))
    if not masks:
        absent.append(f"{bold.path.name.replace('_desc-preproc_bold', '_desc-brain_mask')} is missing")
    if not tables:
        absent.append(f"{head}_desc-confounds_timeseries.tsv is missing")
    if len(tables) > 1:
        absent.append(f"there are {tables[0].name} and {tables[1].name}; keep one of them")
    if events is None and not task.rest and task.events is None:
        absent.append(_no_events(bids, participant, session, name, head))
    if absent:
        raise DataError("; ".join(absent))
    derived = derivatives.inherited(participant, session, bold.entities, ("bold", "json"))
    # fMRIPrep's images are magnitudes, and of several echoes their combination.
    raw = bids.inherited(participant, session, {"part": "mag", "echo": "1", **source}, ("bold", "json"))
    return RunFiles(
        run,
        bold.path,
        masks[0],
        tables[0],
        events,
        tuple(file.path for file in derived),
        tuple(file.path for file in raw),
        tuple(remarks),
    )


def _find_events(
    task: Task,
    source: Mapping[str, str],
    bids: DatasetFolders,
    derivatives: DatasetFolders,
    participant: str,
    session: str | None,
) -> Path | None:
    """The events of a run: by the task's pattern, or by BIDS's names in the dataset, then in its derivatives.

    Raises `DataError` where the pattern has not one file.
    """
    if task.events is None:
        places = (tree.inherited(participant, session, source, ("events", "tsv")) for tree in (bids, derivatives))
        return next((file.path for files in places for file in files), None)
    labels = {field: source[entity] for field, entity in PATTERN_FIELDS.items() if entity in source}
    return events_by_pattern(task.events, labels)


def events_by_pattern(pattern: str, labels: Mapping[str, str]) -> Path:
    """The one file of events that a pattern has for a run; raises `DataError` where there is not one.

    Arguments:
        labels: of the run, by the fields of patterns.
    """
    try:
        files = fill_pattern(pattern, labels)
    except PatternError as error:
        raise DataError(f"events: {error}") from None
    if not files:
        raise DataError(f"there are no events by {pattern}; correct the pattern")
    if len(files) > 1:
        name = Path(pattern).name
        raise DataError(
            f"{len(files)} files match the events {name}; write fields such as {{participant}} where names differ"
        )
    return files[0]


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
    if session is None and sessions:
        return f"{participant} has sessions ({list_names(sessions)}), the study has none"
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


def _choose_images(images: list[FileName], task: Task) -> list[tuple[str | None, FileName, list[str]]]:
    """Each run, the image to take of it among those of one task, session and space, and what was left of it.

    Runs with both directions of phase encoding are two: dir-AP_run-1 is called AP1.
    """
    usable = [file for file in images if file.label("echo") is None and file.label("part") in (None, "mag")]
    if not usable:
        raise DataError("there are only images of single echoes or phases; give fMRIPrep's combined one")
    if task.acquisition is not None:
        usable = _labelled(usable, "acq", task.acquisition.removeprefix("acq-"), "acquisition")
    if task.chosen_runs:
        of_runs = [file for run in task.chosen_runs for file in usable if _is_same_label(file.label("run"), run)]
        if not of_runs:
            raise DataError(_no_such_run(task.chosen_runs[0], [file.label("run") for file in usable]))
        usable = of_runs
    both = len({file.label("dir") for file in usable}) > 1
    runs: dict[tuple[str, str | None], list[FileName]] = {}
    for file in sorted(usable, key=_order):
        run = file.label("run")
        direction = (file.label("dir") or "") if both else ""
        runs.setdefault((direction, None if run is None else comparable_label(run)), []).append(file)
    chosen: list[tuple[str | None, FileName, list[str]]] = []
    for (direction, _), (first, *others) in runs.items():
        left = [_distinct_labels(file) for file in others]
        remark = f"{_distinct_labels(first)} is taken, {list_names(left)} is left; [tasks] acquisition says which"
        label = f"{direction}{first.label('run') or ''}" or None
        chosen.append((label, first, [remark] if others else []))
    return chosen


def _labelled(images: list[FileName], entity: str, wanted: str, key: str) -> list[FileName]:
    fit = [file for file in images if _is_same_label(file.label(entity), wanted)]
    if not fit:
        labels = _list_labels(entity, {file.label(entity) for file in images})
        raise DataError(f"there is no {entity}-{wanted}; there is {labels}: see {key} of the task")
    return fit


def _no_such_run(run: str, there: Iterable[str | None]) -> str:
    return f"there is no run-{run}; there is {_list_labels('run', set(there))}: see run of the task"


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
