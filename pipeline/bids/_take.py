"""A study → what it has on disk, and everything that is missing, before anything runs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from ..study import Study
from ..study._nearest import meant
from ._examine import Examined, examine
from ._find import images_of, space_of
from ._inventory import Inventory, Run
from ._people import People, read_people
from ._tree import Tree
from ._words import gathered, listed

THREADS = 8  # files on a network answer late; waiting for several at once costs nothing
Cell = tuple[str, str, str]  # participant, session, task


def take_inventory(study: Study, on_progress: Callable[[int, int], None] | None = None) -> Inventory:
    """What the study has on disk: tables in full, of images the headers only.

    What is wrong with one run makes an `Absence`, and the study goes on without; what is wrong with the study makes an
    error. Nothing is raised.

    Arguments:
        on_progress: told how many of all runs have been looked at.
    """
    errors = [*_places(study)]
    if errors:
        return Inventory((), (), (), tuple(errors))
    people = read_people(study)
    if not people.participants:
        return _inventory(people, [], [], [])
    derivatives, bids = Tree(study.study.derivatives), Tree(study.study.bids)
    errors = [*_layout(study, people, derivatives)]
    if errors:
        return _inventory(people, [], errors, [])
    cells = [
        (who.name, session, task)
        for who in people.participants
        for session in (study.sessions.before, study.sessions.after)
        for task in study.tasks
    ]
    found = _look(study, derivatives, bids, cells, on_progress)
    errors = [*_nowhere(study, found), *_unusable(study, found)]
    said = [(_label(cell), text) for cell, one in zip(cells, found, strict=True) for text in one.remarks]
    runs = [one.run for one in found if one.run is not None]
    return _inventory(people, found, errors, [*_strangers(people, derivatives), *gathered(said), *_mixed(runs)])


def _inventory(people: People, found: Sequence[Examined], errors: list[str], remarks: list[str]) -> Inventory:
    return Inventory(
        people.participants,
        tuple(one.run for one in found if one.run is not None),
        tuple(one.absence for one in found if one.absence is not None),
        (*people.errors, *errors),
        (*people.remarks, *remarks),
        tuple(people.left_out),
    )


def _label(cell: Cell) -> str:
    return "{}_{}_task-{}".format(*cell)


def _look(
    study: Study, derivatives: Tree, bids: Tree, cells: Sequence[Cell], on_progress: Callable[[int, int], None] | None
) -> list[Examined]:
    """Every cell in turn, several at once."""
    found = []
    with ThreadPoolExecutor(THREADS) as pool:
        for one in pool.map(lambda cell: examine(study, derivatives, bids, *cell), cells):
            found.append(one)
            if on_progress is not None:
                on_progress(len(found), len(cells))
    return found


def _places(study: Study) -> Iterator[str]:
    """Folders that are not there, or hold no participants."""
    for key, folder in (("bids", study.study.bids), ("derivatives", study.study.derivatives)):
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.exists() else "does not exist"
            yield f"[study] {key}: {folder} {what}; correct the path"
            continue
        if key == "derivatives" and not _participants(Tree(folder)):
            inside = [name for name in Tree(folder).folders() if _participants(Tree(folder / name))]
            tip = f"; did you mean {folder / inside[0]}?" if inside else "; give the folder that fMRIPrep wrote"
            yield f"[study] derivatives: {folder} holds no sub-* folder{tip}"


def _participants(tree: Tree) -> list[str]:
    return [name for name in tree.folders() if name.startswith("sub-")]


def _layout(study: Study, people: People, derivatives: Tree) -> Iterator[str]:
    """Sessions and tasks that nobody has."""
    names = [who.name for who in people.participants]
    sessions = Counter(name for who in names for name in derivatives.folders(who) if name.startswith("ses-"))
    if not sessions:
        if not any(derivatives.folders(who) for who in names):
            there = listed(_participants(derivatives))
            yield f"[study] derivatives: {derivatives.root} has nobody of the participants' table; it has {there}"
        else:
            yield f"[study] derivatives: {derivatives.root} has no ses-* folders; a study has a before and an after"
        return
    for key, session in (("before", study.sessions.before), ("after", study.sessions.after)):
        if session not in sessions:
            tip = meant(session, list(sessions), "sessions")
            yield f"[sessions] {key}: nobody has {session!r} in {derivatives.root}{tip}"
    tasks = {
        str(file.label("task"))
        for who in names
        for session in (study.sessions.before, study.sessions.after)
        for kind in ("nii.gz", "nii")
        for file in derivatives.functional(who, session, ("bold", kind))
    } - {"None"}
    for task in study.tasks:
        if task not in tasks and {study.sessions.before, study.sessions.after} <= sessions.keys():
            yield f"[tasks] {task}: nobody has an image of this task{meant(task, sorted(tasks), 'tasks')}"
    yield from _spaces(study, names, derivatives)


def _spaces(study: Study, names: Sequence[str], derivatives: Tree) -> Iterator[str]:
    """A space that no image is in, said once and not for each run."""
    sessions = (study.sessions.before, study.sessions.after)
    spaces = {
        space_of(file)
        for who in names
        for session in sessions
        for task in study.tasks
        for file in images_of(derivatives, who, session, task)
    }
    if spaces and study.study.space not in spaces:
        yield f"[study] space: no image is in {study.study.space!r}{meant(study.study.space, sorted(spaces), 'spaces')}"


def _nowhere(study: Study, found: Sequence[Examined]) -> Iterator[str]:
    """Trial types of conditions that no run of their task has."""
    seen: dict[str, set[str]] = defaultdict(set)
    for one in found:
        place = one.run or one.absence
        if place is not None:
            seen[place.task] |= one.trial_types
    for name, task in study.tasks.items():
        for condition, kinds in task.conditions.items():
            for kind in kinds:
                if seen[name] and kind not in seen[name]:
                    tip = meant(kind, sorted(seen[name]), "trial types")
                    yield f"[tasks.{name}.conditions] {condition}: no run has the trial type {kind!r}{tip}"


def _unusable(study: Study, found: Sequence[Examined]) -> Iterator[str]:
    """Tasks without a single run that can be used, with the most frequent reason."""
    for task in study.tasks:
        if not any(one.run is not None and one.run.task == task for one in found):
            reasons = Counter(one.absence.problem for one in found if one.absence and one.absence.task == task)
            reason, _ = reasons.most_common(1)[0]
            yield f"[tasks] {task}: no run can be used; one reason is: {reason}"


def _strangers(people: People, derivatives: Tree) -> Iterator[str]:
    known = {who.name for who in people.participants} | {name for name, _ in people.left_out}
    strangers = set(_participants(derivatives)) - known
    if strangers:
        yield f"{listed(strangers)}: in the derivatives, but not in the participants' table; not used"


def _mixed(runs: Sequence[Run]) -> Iterator[str]:
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
