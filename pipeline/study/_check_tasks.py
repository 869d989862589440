"""Tasks that contradict themselves: conditions, modulators, contrasts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..common import time_problem
from ._collisions import collisions
from ._contrast import parse_contrast
from ._lines import Keys
from ._nearest import meant
from ._problem import Problem
from ._study import Study, Task

_LABEL = re.compile(r"[A-Za-z0-9]+")


def check_tasks(study: Study) -> Iterator[Problem]:
    """Every mistake in `[tasks]` that its shape alone does not show."""
    yield from collisions(("tasks",), study.tasks, "tasks")
    for name, task in study.tasks.items():
        path: Keys = ("tasks", name)
        if not _LABEL.fullmatch(name):
            bare = name.removeprefix("task-")
            tip = f"; did you mean {bare!r}?" if _LABEL.fullmatch(bare) else ""
            yield Problem(path, f"{name!r} cannot be the NAME of task-NAME, which is letters and digits only{tip}")
        yield from _rest(path, task) if task.rest else _events(path, task)
        if task.repetition_time is not None and (problem := time_problem(task.repetition_time, "repetition time")):
            yield Problem((*path, "repetition_time"), problem)


def _rest(path: Keys, task: Task) -> Iterator[Problem]:
    if "condition_column" in task.model_fields_set:
        yield Problem((*path, "condition_column"), "a rest run has no events; remove it, or rest = true")
    for key in ("conditions", "modulators", "contrasts"):
        if getattr(task, key):
            yield Problem((*path, key), "a rest run has no events to make them from; remove it, or rest = true")


def _events(path: Keys, task: Task) -> Iterator[Problem]:
    yield from _conditions((*path, "conditions"), task)
    for name, modulator in task.modulators.items():
        here = (*path, "modulators", name)
        if name in task.conditions:
            yield Problem(here, f"{name!r} is a condition, too; give the modulator another name")
        if task.conditions and modulator.condition not in task.conditions:
            tip = meant(modulator.condition, list(task.conditions), "conditions")
            yield Problem((*here, "condition"), f"{modulator.condition!r} is no condition of this task{tip}")
    yield from collisions((*path, "contrasts"), task.contrasts, "contrasts")
    for name, text in task.contrasts.items():
        yield from _contrast((*path, "contrasts", name), text, task)


def _conditions(path: Keys, task: Task) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for name, kinds in task.conditions.items():
        if not kinds:
            yield Problem((*path, name), "merges no trial types; name at least one")
        for place, kind in enumerate(kinds):
            here = (*path, name, place)
            if kind in owner and owner[kind] == name:
                yield Problem(here, f"names the trial type {kind!r} twice; name it once")
            elif kind in owner:
                yield Problem(
                    here, f"the trial type {kind!r} is in {owner[kind]!r} already; its events would count twice"
                )
            owner.setdefault(kind, name)


def _contrast(path: Keys, text: str, task: Task) -> Iterator[Problem]:
    try:
        weights = parse_contrast(text)
    except ValueError as error:
        yield Problem(path, str(error))
        return
    known = [*task.conditions, *task.modulators]
    for name in weights if task.conditions else ():
        if name in known:
            continue
        parts = name.split("-")
        tip = meant(name, known, "conditions")
        if len(parts) > 1 and all(part in known for part in parts):
            tip = f"; put spaces around the sign: {' - '.join(parts)!r}"
        yield Problem(path, f"{text!r} names {name!r}, which is no condition of this task{tip}")
