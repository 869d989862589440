"""A study → what it has on disk, and everything that is missing, before anything runs."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import median

from ..common import (
    NOT_HERE,
    FileName,
    describe_reversed_order,
    did_you_mean,
    list_names,
    merge_remarks,
    nearest_name,
    sorted_names,
)
from ..study import Study, parse_contrast
from ._inventory import Absence, Inventory, Run
from ._locate_files import DatasetFolders, image_space, preprocessed_images
from ._participants import StudyParticipants, read_participants
from ._readable_files import EMPTY, DataError
from ._validate_run import RunValidation, validate_runs
from ._visits import read_visits

# Files on a network answer late, and it pays to wait for several at once; on a disk nearby threads only queue for
# Python's lock, which doubles the time.
THREADS = 8
PROBED = 24  # runs after which it is clear which of the two it is
WAITING = 4.0  # elapsed over busy time from which it is the network
Cell = tuple[str, str | None, str]  # participant, session, task


def check_folders(study: Study) -> Iterator[str]:
    """Folders that are not there, or hold no participants."""
    for key, folder in (("bids", study.study.bids), ("derivatives", study.study.derivatives)):
        if folder is None:
            continue
        if not folder.is_dir():
            problem = "is a file, not a folder" if folder.exists() else "does not exist"
            remedy = "run fMRIPrep, or correct the path" if key == "derivatives" else "correct the path"
            yield f"[study] {key}: {folder} {problem}; {remedy}"
            continue
        if key == "derivatives" and not DatasetFolders(folder).participants():
            inside = [name for name in DatasetFolders(folder).folders() if DatasetFolders(folder / name).participants()]
            tip = f"; did you mean {folder / inside[0]}?" if inside else "; give the folder that fMRIPrep wrote"
            yield f"[study] derivatives: {folder} holds no sub-* folder{tip}"


def check_layout(study: Study, table: StudyParticipants, derivatives: DatasetFolders) -> Iterator[str]:
    """Sessions and tasks that no participant has."""
    names = _listable([participant.name for participant in table.participants], study, derivatives)
    sessions = Counter(
        name for participant in names for name in derivatives.folders(participant) if name.startswith("ses-")
    )
    labels = study.sessions.labels
    if not set(names) & set(derivatives.folders()):
        participants = list_names(derivatives.participants())
        yield f"[study] derivatives: {derivatives.root} holds no participant of the table; it has {participants}"
        return
    if labels == (None,) and sessions and not any(_images(derivatives, name, None) for name in names):
        found = sorted_names(sessions)
        order = ", ".join(f'"{name}"' for name in found)
        many = ", the first first" if len(found) > 1 else ""
        yield f"[sessions]: the data are in sessions ({list_names(found)}); add order = [{order}]{many}"
        return
    if labels != (None,) and not sessions:
        yield f"[sessions]: {derivatives.root} has no ses-* folders; leave [sessions] empty, or correct derivatives"
        return
    for label in labels:
        if label is not None and label not in sessions:
            tip = did_you_mean(label, list(sessions), "sessions")
            yield f"[sessions] {_session_key(study, label)}: no participant has {label!r} in {derivatives.root}{tip}"
    tasks = {
        str(file.label("task"))
        for participant in names
        for session in labels
        for file in _images(derivatives, participant, session)
    } - {"None"}
    for task in study.tasks:
        if task not in tasks and all(label is None or label in sessions for label in labels):
            tip = did_you_mean(task, sorted_names(tasks), "tasks")
            yield f"[tasks] {task}: no participant has an image of this task{tip}"
    yield from _spaces(study, names, derivatives)


def _images(derivatives: DatasetFolders, participant: str, session: str | None) -> list[FileName]:
    return [file for kind in ("nii.gz", "nii") for file in derivatives.functional(participant, session, ("bold", kind))]


def _session_key(study: Study, label: str) -> str:
    """The setting that names a session."""
    if label in study.sessions.order:
        return "order"
    return "before" if label == study.sessions.before else "after"


def _listable(names: Sequence[str], study: Study, derivatives: DatasetFolders) -> list[str]:
    """Participants whose folders can be read; what is wrong with others is reported with their runs.

    Raises `DataError` where it is wrong with all of them.
    """
    found, problem = [], None
    for participant in names:
        try:
            derivatives.folders(participant)
            for session in study.sessions.labels:
                derivatives.functional(participant, session, ("bold", "nii"))
        except DataError as error:
            problem = problem or error
        else:
            found.append(participant)
    if problem is not None and not found:
        raise problem
    return found


def _spaces(study: Study, names: Sequence[str], derivatives: DatasetFolders) -> Iterator[str]:
    """A space that no image is in, said once and not for each run."""
    spaces = {
        image_space(file)
        for participant in names
        for session in study.sessions.labels
        for task in study.tasks
        for file in preprocessed_images(derivatives, participant, session, task)
    }
    if spaces and study.study.space not in spaces:
        tip = did_you_mean(study.study.space, sorted_names(spaces), "spaces")
        yield f"[study] space: no image is in {study.study.space!r}{tip}"


def collect_inventory(study: Study, on_progress: Callable[[int, int], None] | None = None) -> Inventory:
    """What the study has on disk: tables in full, of images the headers only.

    What is wrong with one run makes an `Absence`, and the study goes on without; what is wrong with the study makes an
    error. Nothing is raised.

    Arguments:
        on_progress: called with the number of runs that have been checked, and of all.
    """
    try:
        errors = [*check_folders(study)]
        if errors:
            return Inventory((), (), (), tuple(errors))
        table = read_participants(study)
        inventory = _collect_runs(study, table, on_progress) if table.participants else _inventory(table, [], [], [])
        return replace(inventory, **read_visits(study, inventory))
    except DataError as error:
        return Inventory((), (), (), (str(error),))


def _collect_runs(study: Study, table: StudyParticipants, on_progress: Callable[[int, int], None] | None) -> Inventory:
    """The runs of those who are in the study."""
    derivatives, bids = DatasetFolders(study.study.derivatives), DatasetFolders(study.study.bids)
    errors = [*check_layout(study, table, derivatives)]
    if errors:
        return _inventory(table, [], errors, [])
    cells = [
        (participant.name, session, task)
        for participant in table.participants
        for session in study.sessions.labels
        for task in study.tasks
    ]
    of_cells = _validate_cells(study, derivatives, bids, cells, on_progress)
    remarks = [*_unlisted_participants(table, derivatives)]
    without = any(_is_without_content(validation) for own in of_cells for validation in own)
    absent = [*_absent_content(derivatives, bids)] if without else []
    return assemble_inventory(study, table, cells, of_cells, remarks, absent)


def assemble_inventory(
    study: Study,
    table: StudyParticipants,
    cells: Sequence[Cell],
    of_cells: Sequence[Sequence[RunValidation]],
    remarks: Sequence[str],
    absent: Sequence[str] = (),
) -> Inventory:
    """Runs that were looked at one by one, compared with each other and with the study.

    Arguments:
        cells: participant, session and task.
        of_cells: what there is of the runs of each.
        remarks: of the study as a whole, a line each.
        absent: files whose content is elsewhere, a line each; what explains that no run of a task can be used.
    """
    found = [validation for own in of_cells for validation in own]
    unusable = [*_unusable(study, found)]
    if unusable and absent:
        found = [_summed_up(validation) for validation in found]
    errors = [*_unknown_trial_types(study, found), *(absent if unusable and absent else unusable)]
    labelled_remarks = [
        (_label(cell, validation), text)
        for cell, own in zip(cells, of_cells, strict=True)
        for validation in own
        for text in validation.remarks
    ]
    runs = [validation.run for validation in found if validation.run is not None]
    return _inventory(
        table,
        found,
        errors,
        [
            *_session_order(study),
            *([] if unusable else absent),
            *remarks,
            *merge_remarks(labelled_remarks),
            *_mixed_repetition_times(runs),
            *_unusual_events(study, found),
        ],
    )


def _inventory(
    table: StudyParticipants, found: Sequence[RunValidation], errors: list[str], remarks: list[str]
) -> Inventory:
    return Inventory(
        table.participants,
        tuple(validation.run for validation in found if validation.run is not None),
        tuple(validation.absence for validation in found if validation.absence is not None),
        (*table.errors, *errors),
        (*table.remarks, *remarks),
        tuple(table.left_out),
    )


def _label(cell: Cell, validation: RunValidation) -> str:
    participant, session, task = cell
    return validation.run.label if validation.run is not None else Absence(participant, session, task, "").label


def _validate_cells(
    study: Study,
    derivatives: DatasetFolders,
    bids: DatasetFolders,
    cells: Sequence[Cell],
    on_progress: Callable[[int, int], None] | None,
) -> list[list[RunValidation]]:
    """The runs of every cell in turn; several cells at once where the files are slow to answer."""
    found: list[list[RunValidation]] = []

    def collect(validations: Iterable[list[RunValidation]]) -> None:
        for own in validations:
            found.append(own)
            if on_progress is not None:
                on_progress(len(found), len(cells))

    def validate(cell: Cell) -> list[RunValidation]:
        return validate_runs(study, derivatives, bids, *cell)

    since, busy_since = time.perf_counter(), time.process_time()
    collect(map(validate, cells[:PROBED]))
    waited = time.perf_counter() - since > WAITING * (time.process_time() - busy_since)
    with ThreadPoolExecutor(THREADS if waited else 1) as pool:
        collect(pool.map(validate, cells[PROBED:]))
    return found


def _session_order(study: Study) -> Iterator[str]:
    if study.sessions.pair and (line := describe_reversed_order(*study.sessions.pair)):
        yield f"[sessions] {line}"


def _unknown_trial_types(study: Study, found: Sequence[RunValidation]) -> Iterator[str]:
    """Trial types of conditions, or of contrasts and inputs where trial types are the conditions, that no run has.

    One of several that a condition merges may be nowhere, if it can't be a slip for a type that is in no condition.
    """
    seen: dict[str, set[str]] = defaultdict(set)
    for validation in found:
        place = validation.run or validation.absence
        if place is not None:
            seen[place.task] |= validation.events.keys()
    for name, task in study.tasks.items():
        loose = seen[name] - {kind for kinds in task.conditions.values() for kind in kinds}
        for condition, kinds in task.conditions.items():
            for kind in kinds:
                harmless = seen[name] & {*kinds} and nearest_name(kind, loose) is None
                if seen[name] and kind not in seen[name] and not harmless:
                    tip = did_you_mean(kind, sorted_names(seen[name]), "trial types")
                    yield f"[tasks.{name}.conditions] {condition}: no run has the trial type {kind!r}{tip}"
        if seen[name] and not task.conditions:
            yield from _unknown_members(study, name, seen[name])


def _unknown_members(study: Study, name: str, seen: set[str]) -> Iterator[str]:
    task = study.tasks[name]
    wanted = {f"[tasks.{name}] contrast {key}": (*parse_contrast(text),) for key, text in task.contrasts.items()}
    wanted |= {f"[dcm] input {key}": members for key, members in study.dcm_inputs(name).items()}
    for what, members in wanted.items():
        for member in members:
            if member not in seen and member not in task.modulators:
                tip = did_you_mean(member, sorted_names(seen), "trial types")
                yield f"{what}: no run has the trial type {member!r}{tip}"


def _is_without_content(validation: RunValidation) -> bool:
    """Whether files of a run have names and no content."""
    problem = validation.absence.problem if validation.absence is not None else ""
    return NOT_HERE in problem or EMPTY in problem


def _summed_up(validation: RunValidation) -> RunValidation:
    """Without the names of files that have no content, where it is so of many."""
    if validation.absence is None or not _is_without_content(validation):
        return validation
    return replace(validation, absence=replace(validation.absence, problem="its files have no content here"))


def _absent_content(derivatives: DatasetFolders, bids: DatasetFolders) -> Iterator[str]:
    """That files are links whose content DataLad has not fetched, or empty, and how many."""
    for folders in (derivatives, bids):
        links, empty = folders.count_absent(images=folders is derivatives)
        if links:
            what = f"{links} file{'s are links' if links > 1 else ' is a link'} to content that is not here"
            yield f"{folders.root}: {what}; fetch it: datalad get {folders.root}"
        if empty:
            what = f"{empty} file{'s are' if empty > 1 else ' is'} empty (0 bytes)"
            yield f"{folders.root}: {what}, names without content; copy or fetch them"


def _unusable(study: Study, found: Sequence[RunValidation]) -> Iterator[str]:
    """Tasks without a single run that can be used, with the most frequent reason."""
    for task in study.tasks:
        if not any(validation.run is not None and validation.run.task == task for validation in found):
            reasons = Counter(
                validation.absence.problem
                for validation in found
                if validation.absence and validation.absence.task == task
            )
            reason, _ = reasons.most_common(1)[0]
            yield f"[tasks] {task}: no run can be used; one reason is: {reason}"


def _unlisted_participants(table: StudyParticipants, derivatives: DatasetFolders) -> Iterator[str]:
    known = {participant.name for participant in table.participants} | {name for name, _ in table.left_out}
    unlisted = set(derivatives.participants()) - known
    if unlisted and not table.errors:
        yield f"{list_names(unlisted)}: in the derivatives, but not in the participants' table; not used"


def _mixed_repetition_times(runs: Sequence[Run]) -> Iterator[str]:
    """Runs whose repetition time is not that of most runs of their task; each keeps its own."""
    for task in dict.fromkeys(run.task for run in runs):
        times = Counter(round(run.repetition_time, 4) for run in runs if run.task == task)
        usual = times.most_common(1)[0][0]
        for run in runs:
            if run.task == task and round(run.repetition_time, 4) != usual:
                yield (
                    f"{run.label}: mixed repetition times: {run.repetition_time:g} s, where most runs of {task} have "
                    f"{usual:g} s; it keeps its own"
                )


def _unusual_events(study: Study, found: Sequence[RunValidation]) -> Iterator[str]:
    """Runs whose events of a trial type are more than twice, or less than half, as many or as long as in most runs."""
    usable = [(validation.run, validation.events) for validation in found if validation.run is not None]
    for task in dict.fromkeys(run.task for run, _ in usable):
        runs = [(run, events) for run, events in usable if run.task == task]
        named = {kind for kinds in study.tasks[task].conditions.values() for kind in kinds}
        for kind in dict.fromkeys(kind for _, events in runs for kind in events if not named or kind in named):
            counted = [events[kind] for _, events in runs if kind in events]
            usual = tuple(float(median(values)) for values in zip(*counted, strict=True))
            for run, events in runs:
                for value, typical, what in zip(events.get(kind, usual), usual, ("{:g} events", "{:g} s"), strict=True):
                    if not typical / 2 <= value <= typical * 2:
                        own, most = what.format(value), what.format(typical)
                        yield f"{run.label}: {own} of {kind}, where most runs of {task} have {most}; check its events"
