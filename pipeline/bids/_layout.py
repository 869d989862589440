"""What a study's folders hold at all: sessions, tasks and spaces that nobody has are the study's mistakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..common import list_names, sorted_names
from ..study import Study, meant
from ._error import DataError
from ._find import images_of, space_of
from ._people import People
from ._tree import Tree


def check_places(study: Study) -> Iterator[str]:
    """Folders that are not there, or hold no participants."""
    for key, folder in (("bids", study.study.bids), ("derivatives", study.study.derivatives)):
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.exists() else "does not exist"
            yield f"[study] {key}: {folder} {what}; correct the path"
            continue
        if key == "derivatives" and not Tree(folder).participants():
            inside = [name for name in Tree(folder).folders() if Tree(folder / name).participants()]
            tip = f"; did you mean {folder / inside[0]}?" if inside else "; give the folder that fMRIPrep wrote"
            yield f"[study] derivatives: {folder} holds no sub-* folder{tip}"


def check_layout(study: Study, people: People, derivatives: Tree) -> Iterator[str]:
    """Sessions and tasks that nobody has."""
    names = _listable([who.name for who in people.participants], study, derivatives)
    sessions = Counter(name for who in names for name in derivatives.folders(who) if name.startswith("ses-"))
    if not sessions:
        if not any(derivatives.folders(who) for who in names):
            there = list_names(derivatives.participants())
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
            yield f"[tasks] {task}: nobody has an image of this task{meant(task, sorted_names(tasks), 'tasks')}"
    yield from _spaces(study, names, derivatives)


def _listable(names: Sequence[str], study: Study, derivatives: Tree) -> list[str]:
    """Participants whose folders can be read; what is wrong with others is said of their runs.

    Raises `DataError` where it is wrong with everybody.
    """
    found, problem = [], None
    for who in names:
        try:
            derivatives.folders(who)
            for session in (study.sessions.before, study.sessions.after):
                derivatives.functional(who, session, ("bold", "nii"))
        except DataError as error:
            problem = problem or error
        else:
            found.append(who)
    if problem is not None and not found:
        raise problem
    return found


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
        tip = meant(study.study.space, sorted_names(spaces), "spaces")
        yield f"[study] space: no image is in {study.study.space!r}{tip}"
