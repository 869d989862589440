"""Events compared with the study and the run: conditions that never occur, events beyond the run, modulators."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..common import did_you_mean, list_names
from ..study import Modulator, Study, Task, parse_contrast
from ..tables import MISSING, TableError
from ._events import ConstantModulatorError, Events, conditions_of, modulator_weights

ENDLESS = 3  # times the run's length from which an event is longer than anybody meant
MANY = 4  # events from which their spread over the run says something


@dataclass(frozen=True)
class EventsCheck:
    """What a run's events allow.

    Fields:
        problems: what keeps the run from being used, a line each.
        remarks: what is good to know, a line each.
        undriven: inputs of the task's DCM that have no event.
    """

    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    undriven: tuple[str, ...]


def count_events(events: Events) -> dict[str, tuple[int, float]]:
    """Trial type → how many events that have onset and duration, and their median duration, s."""
    durations = {kind: events.complete_of([kind]).duration for kind in events.trial_types}
    return {kind: (own.size, float(np.median(own)) if own.size else 0.0) for kind, own in durations.items()}


def check_events(
    events: Events, study: Study, name: str, scans: int, repetition_time: float, *, of_several: bool = False
) -> EventsCheck:
    """Events compared with what the study and the run need.

    A run without the events of some contrast keeps its others; one that nothing can be made from is of no use.

    Arguments:
        name: of the task.
        scans: number of volumes.
        repetition_time: s.
        of_several: whether the visit has other runs of the task, one of which may have what this one lacks.
    """
    task = study.tasks[name]
    conditions = conditions_of(task, events)
    problems: list[str] = []
    remarks = [*events.remarks, *_absent_trial_types(events, conditions), *_unmodelled_events(events, conditions)]
    used = {kind for kinds in conditions.values() for kind in kinds}
    usable = events.complete_of(used)
    present = {condition for condition, kinds in conditions.items() if set(kinds) & set(usable.trial_type)}
    try:
        events.of_trial_types(used)
    except TableError as error:
        problems.append(str(error))
    problems += _repeated_events(usable)
    late, early = _events_outside(usable, scans, repetition_time)
    problems += late
    remarks += early
    for label, modulator in task.modulators.items():
        if modulator.condition not in conditions and task.conditions:
            tip = did_you_mean(modulator.condition, list(conditions), "conditions")
            problems.append(f"modulator {label} is of {modulator.condition!r}, which is no condition{tip}")
        elif modulator.condition in present and not problems:
            try:
                remarks += _modulator_blanks(task, modulator, events)
                present.add(label)
            except ConstantModulatorError as error:
                remarks.append(f"no modulator {label}: {error}")
            except TableError as error:
                problems.append(str(error))
    lost, undriven = _lost_contrasts(task, present), _undriven_inputs(study, name, present)
    if not problems:
        shared = of_several and all(dcm.runs == "concatenate" for dcm in study.dcms_of(name).values())
        what = "input {} in this run" if shared else "model (its input {})"
        costs = lost | {what.format(input_name): members for input_name, members in undriven.items()}
        lines = [*_missing_condition_lines(events, conditions, costs)]
        if present and not _is_useless(study, name, lost, undriven, shared):
            remarks += lines
        else:
            problems += lines or ["no event of a condition"]
    return EventsCheck(tuple(problems), tuple(remarks), tuple(undriven))


def _modulator_blanks(task: Task, modulator: Modulator, events: Events) -> Iterator[str]:
    """Events that a modulator has no value for; raises `TableError` where its column cannot be used."""
    chosen, _ = modulator_weights(modulator, task, events)
    blank = sum(cell == MISSING for cell in chosen.columns[modulator.column])
    if blank:
        yield f"{blank} of {len(chosen.lines)} events have no {modulator.column}; they count as its mean"


def _lost_contrasts(task: Task, present: Collection[str]) -> dict[str, list[str]]:
    """Contrasts and distances that a run cannot give, and the conditions and modulators that each lacks."""
    wanted = {f"contrast {name}": [*parse_contrast(text)] for name, text in task.contrasts.items()}
    wanted |= {f"distance {name}": [*distance.between] for name, distance in task.distances.items()}
    lacking = {what: [member for member in members if member not in present] for what, members in wanted.items()}
    return {what: absent for what, absent in lacking.items() if absent}


def _undriven_inputs(study: Study, name: str, present: Collection[str]) -> dict[str, list[str]]:
    """Inputs of the DCM without a single event, and the conditions and modulators that each is made from."""
    return {label: [*members] for label, members in study.dcm_inputs(name).items() if not set(members) & set(present)}


def _is_useless(study: Study, name: str, lost: Collection[str], undriven: Collection[str], shared: bool) -> bool:
    """Whether nothing that is wanted of a run can be made of it; in a model of several runs one input is enough."""
    task = study.tasks[name]
    wanted = len(task.contrasts) + len(task.distances)
    dcms = study.dcms_of(name).values()
    unmodelled = all(set(undriven) >= set(dcm.inputs) if shared else set(undriven) & set(dcm.inputs) for dcm in dcms)
    return (wanted > 0 or bool(dcms)) and len(lost) == wanted and unmodelled


def _missing_condition_lines(
    events: Events, conditions: Mapping[str, tuple[str, ...]], lost: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """What a run lacks, and what that costs, a line for each condition."""
    costs: dict[str, list[str]] = {}
    for what, absent in lost.items():
        for member in absent:
            costs.setdefault(member, []).append(what)
    for member, names in costs.items():
        kinds = conditions.get(member, (member,))
        merged = f" (trial type {', '.join(kinds)})" if kinds != (member,) else ""
        tip = "" if set(kinds) & set(events.trial_types) else did_you_mean(kinds[0], events.trial_types, "trial types")
        yield f"no event of {member}{merged}, so no {list_names(names)}{tip}"


def _absent_trial_types(events: Events, conditions: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Trial types that a condition names and the run lacks."""
    present = set(events.trial_types)
    for name, kinds in conditions.items():
        absent = [kind for kind in kinds if kind not in present]
        if absent:
            yield f"no event of trial type {list_names(absent)}, which condition {name} names"


def _unmodelled_events(events: Events, conditions: dict[str, tuple[str, ...]]) -> Iterator[str]:
    used = {kind for kinds in conditions.values() for kind in kinds}
    unmodelled = set(events.trial_types) - used
    if unmodelled:
        yield f"events of trial type {list_names(unmodelled)} are in no condition; they are not modelled"
    blank = sum(kind == MISSING for kind in events.trial_type)
    if blank:
        yield f"{blank} events have no trial type; they are not modelled"


def _repeated_events(events: Events) -> Iterator[str]:
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
            f"{_and_more(len(repeated))}, and would count twice; delete one of them"
        )


def _events_outside(events: Events, scans: int, step: float) -> tuple[list[str], list[str]]:
    """Events that cannot belong to the run, and those of which a part lies outside it."""
    problems, remarks = [], []
    name, length = events.path.name, scans * step
    late = np.flatnonzero(events.onset >= length)
    if late.size:
        at, line = events.onset[late[0]], events.lines[late[0]]
        problems.append(
            f"{name}, line {line}: the event begins at {at:g} s, but the run ends at {length:g} s"
            f"{_and_more(late.size)}; {_unit_hint(events, scans, step)}"
        )
    early = np.flatnonzero(events.onset < -step)
    if early.size:
        at, line = events.onset[early[0]], events.lines[early[0]]
        problems.append(
            f"{name}, line {line}: the event begins at {at:g} s, more than a scan before the first"
            f"{_and_more(early.size)}; onsets must count from the first scan of the image"
        )
    endless = np.flatnonzero(events.duration > ENDLESS * length)
    if endless.size and not late.size:
        lasting, line = events.duration[endless[0]], events.lines[endless[0]]
        problems.append(
            f"{name}, line {line}: the event lasts {lasting:g} s, and the run {length:g} s{_and_more(endless.size)}; "
            f"if durations are in milliseconds, write {lasting / 1000:g}"
        )
    if ((events.onset < 0) & (events.onset >= -step)).any():
        remarks.append("an event begins just before the first scan; it is modelled from there")
    tail = (events.onset < length) & (events.onset + events.duration > length + 0.5 * step)
    if tail.any() and not problems:
        remarks.append("the last event lasts beyond the end of the run; it is cut there")
    if not problems:
        remarks += [*_crowded_events(events, scans, step), *_overlapping_events(events)]
    return problems, remarks


def _unit_hint(events: Events, scans: int, step: float) -> str:
    """What onsets beyond the end of a run may be in."""
    last = float(events.onset.max())
    if step * scans / 20 < last / 1000 < scans * step:
        return f"if onsets are in milliseconds, write {events.onset[-1] / 1000:g} for {last:g}"
    if last <= scans and _is_whole(events.onset):
        return f"if onsets are in scans, write seconds: {last * step:g} for {last:g}"
    return "check units and the repetition time, and that images and events are of one run"


def _crowded_events(events: Events, scans: int, step: float) -> Iterator[str]:
    """Events that fill only the beginning of a run, as they do in other units."""
    length = scans * step
    end = float((events.onset + events.duration).max(initial=0.0))
    if len(events.lines) < MANY or end > length / 2:
        return
    if step > 1 and 0.8 * scans <= end <= scans and _is_whole(events.onset) and _is_whole(events.duration):
        yield f"all events end within {end:g} of {length:g} s; are they in scans, of which there are {scans}?"
    elif end < length / 20:
        yield f"all events end within {end:g} of {length:g} s; are they in seconds?"


def _overlapping_events(events: Events) -> Iterator[str]:
    """Conditions each of whose events lasts until the next but one has begun, as durations in milliseconds do."""
    for kind in events.trial_types:
        own = [place for place, trial_type in enumerate(events.trial_type) if trial_type == kind]
        onset, duration = events.onset[own], events.duration[own]
        if len(own) > 2 and (onset[:-2] + duration[:-2] > onset[2:]).all():
            lasting, apart = np.median(duration), np.median(np.diff(onset))
            yield (
                f"events of {kind} last {lasting:g} s and begin {apart:.3g} s apart, so that they overlap; are their "
                "durations in seconds?"
            )


def _is_whole(values: np.ndarray) -> bool:
    return bool((values == np.round(values)).all())


def _and_more(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""
