"""Events held against the study and the run: conditions that never occur, events beyond the run, modulators."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._table import MISSING, TableError
from ..study import Modulator, Study, Task, parse_contrast
from ..study._nearest import meant
from ._events import Events, conditions_of, modulator_weights
from ._words import listed


def check_events(
    events: Events, study: Study, name: str, scans: int, repetition_time: float
) -> tuple[list[str], list[str]]:
    """What keeps a run of a task from being used, and what is good to know; one line each.

    Arguments:
        name: of the task.
        scans: number of volumes.
        repetition_time: s.
    """
    task = study.tasks[name]
    conditions = conditions_of(task, events)
    problems = [*_absent(events, conditions, _needed(study, name))]
    remarks = [*_never(events, conditions), *_loose(events, conditions)]
    used = {kind for kinds in conditions.values() for kind in kinds}
    problems += _twice(events.of(used))
    try:
        late, early = _outside(events.of(used), scans * repetition_time, repetition_time)
        problems += late
        remarks += early
    except TableError as error:
        problems.append(str(error))
    for label, modulator in task.modulators.items():
        if modulator.condition not in conditions:
            tip = meant(modulator.condition, list(conditions), "conditions")
            problems.append(f"modulator {label} is of {modulator.condition!r}, which is no condition{tip}")
            continue
        try:
            remarks += _blanks(task, modulator, events)
        except TableError as error:
            problems.append(str(error))
    return problems, remarks


def _blanks(task: Task, modulator: Modulator, events: Events) -> Iterator[str]:
    """Events that a modulator has no value for; raises `TableError` where its column cannot be used."""
    chosen, _ = modulator_weights(modulator, task, events)
    blank = sum(cell == MISSING for cell in chosen.columns[modulator.column])
    if blank:
        yield f"{blank} of {len(chosen.lines)} events have no {modulator.column}; they count as its mean"


def _needed(study: Study, name: str) -> set[frozenset[str]]:
    """What contrasts, modulators and the DCM's inputs are made from; of a set, one condition at least must occur."""
    task = study.tasks[name]
    needed = {frozenset((one,)) for text in task.contrasts.values() for one in parse_contrast(text)}
    needed |= {frozenset((modulator.condition,)) for modulator in task.modulators.values()}
    if study.dcm is not None and study.dcm.task == name:
        needed |= {frozenset(members) for members in study.dcm.inputs.values()}
    return {members for members in needed if not members & task.modulators.keys()}


def _absent(events: Events, conditions: dict[str, tuple[str, ...]], needed: set[frozenset[str]]) -> Iterator[str]:
    """Needed conditions without a single event."""
    there = events.trial_types
    for members in sorted(needed, key=sorted):
        kinds = [kind for name in sorted(members) for kind in conditions.get(name, (name,))]
        if not set(kinds) & set(there):
            merged = f" (trial type {', '.join(kinds)})" if set(kinds) != members else ""
            yield f"{events.path.name} has no event of {listed(members)}{merged}{meant(kinds[0], there, 'trial types')}"


def _never(events: Events, conditions: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Trial types that a condition names and the run lacks."""
    there = set(events.trial_types)
    for name, kinds in conditions.items():
        absent = [kind for kind in kinds if kind not in there]
        if absent:
            yield f"no event of trial type {listed(absent)}, which condition {name} names"


def _loose(events: Events, conditions: dict[str, tuple[str, ...]]) -> Iterator[str]:
    used = {kind for kinds in conditions.values() for kind in kinds}
    loose = set(events.trial_types) - used
    if loose:
        yield f"events of trial type {listed(loose)} are in no condition; they are not modelled"
    blank = sum(kind == MISSING for kind in events.trial_type)
    if blank:
        yield f"{blank} events have no trial type; they are not modelled"


def _twice(events: Events) -> Iterator[str]:
    """Events of one trial type that begin together: boxes add up, so the condition would count twice."""
    first: dict[tuple[str, float], int] = {}
    repeated = []
    for kind, onset, line in zip(events.trial_type, events.onset.tolist(), events.lines, strict=True):
        if (before := first.setdefault((kind, onset), line)) != line:
            repeated.append((line, before, kind, onset))
    if repeated:
        line, before, kind, onset = repeated[0]
        yield (
            f"{events.path.name}, line {line}: {kind} begins at {onset:g} s as in line {before}"
            f"{_more(len(repeated))}, and would count twice; delete one of them"
        )


def _outside(events: Events, length: float, step: float) -> tuple[list[str], list[str]]:
    """Events that cannot belong to the run, and those of which a part lies outside it."""
    problems, remarks = [], []
    name = events.path.name
    late = np.flatnonzero(events.onset >= length)
    if late.size:
        at, line = events.onset[late[0]], events.lines[late[0]]
        problems.append(
            f"{name}, line {line}: the event begins at {at:g} s, but the run ends at {length:g} s"
            f"{_more(late.size)}; check units, and that images and events are of one run"
        )
    early = np.flatnonzero(events.onset < -step)
    if early.size:
        at, line = events.onset[early[0]], events.lines[early[0]]
        problems.append(
            f"{name}, line {line}: the event begins at {at:g} s, more than a scan before the first"
            f"{_more(early.size)}; onsets must count from the first scan of the image"
        )
    if ((events.onset < 0) & (events.onset >= -step)).any():
        remarks.append("an event begins just before the first scan; it is modelled from there")
    tail = (events.onset < length) & (events.onset + events.duration > length + 0.5 * step)
    if tail.any():
        remarks.append("the last event lasts beyond the end of the run; it is cut there")
    return problems, remarks


def _more(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""
