"""Participants, sessions, scores, tasks, regions and settings that contradict themselves, or would be ignored."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..common import PATTERN_FIELDS, comparable_label, did_you_mean, time_problem
from ._expressions import parse_contrast
from ._mistakes import Keys, Mistake, check_names, names_differing_in_case
from ._model_specs import inversion_settings
from ._study import TARGET_CIRCUIT, Box, Region, Study, Task

_LABEL = re.compile(r"[A-Za-z0-9]+")
# Which part of the strategy each setting is about.
_STRATEGY_PART = {
    "motion": "motion",
    "wm_csf": "wm_csf",
    "global_signal": "global_signal",
    "compcor": "compcor",
    "n_compcor": "compcor",
}
SHORTEST = 20.0  # s; a filter that cuts off here takes blocks and slow designs out with the drifts
LONGEST = 36_000.0  # s; no run lasts ten hours
NARROWEST, WIDEST = 1.0, 30.0  # mm, of a smoothing kernel
SOURCES = ("mask", "sphere", "atlas", "preset")


def check_participants(study: Study) -> Iterator[Mistake]:
    """Every mistake in `[participants]`, `[sessions]` and `[scores]` that their shape alone does not show."""
    yield from _groups(study)
    yield from _sessions(study)
    yield from _scores(study)


def _groups(study: Study) -> Iterator[Mistake]:
    participants = study.participants
    key = "arms" if participants.is_trial else "groups"
    names, word = participants.group_names, participants.group_word
    if participants.is_trial and (participants.group is not None or participants.groups):
        other = "group" if participants.group is not None else "groups"
        yield Mistake(("participants", other), "says the same as the arms of a trial; keep one of the two")
    elif participants.group_column is not None and not names:
        where = ("participants", "arm" if participants.is_trial else "group")
        yield Mistake(where, f"names a column, but {key} is missing; add all {key}, the reference last")
    elif participants.groups and participants.group is None:
        yield Mistake(("participants", "groups"), "needs group, the column of the participants' table that names them")
    if len(names) == 1:
        yield Mistake(("participants", key), f"is {names[0]!r} alone; name two at least, or remove it")
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Mistake(("participants", key, place), f"names {name!r} twice; name two that differ")
    if "" in names:
        yield Mistake(("participants", key), f"one {word} has no name; write it as in the participants' table")
    for name, reason in participants.exclude.items():
        path = ("participants", "exclude", name)
        if not name.startswith("sub-"):
            yield Mistake(path, f"{name!r} is no participant's label; did you mean {'sub-' + name!r}?")
        if not reason:
            yield Mistake(path, 'gives no reason; the report names it, such as "withdrew consent"')


def _sessions(study: Study) -> Iterator[Mistake]:
    sessions = study.sessions
    given = {key: getattr(sessions, key) for key in ("before", "after") if getattr(sessions, key) is not None}
    if len(given) == 1:
        ((key, label),) = given.items()
        missing = "after" if key == "before" else "before"
        yield Mistake(("sessions", key), f"needs {missing}; add it, or write order = [{label!r}] for one session")
    if len(given) == 2 and sessions.before == sessions.after:
        yield Mistake(("sessions", "after"), f"before and after are both {sessions.after!r}; name two that differ")
    for key, label in given.items():
        yield from _session_label(("sessions", key), label)
        if sessions.order and label not in sessions.order:
            tip = did_you_mean(label, sessions.order, "sessions")
            yield Mistake(("sessions", key), f"{label!r} is not in order{tip}")
    if len(given) == 2 and set(given.values()) <= set(sessions.order) and sessions.pair is not None:
        before, after = (sessions.order.index(label) for label in sessions.pair)
        if before > after:
            text = f"{sessions.before!r} comes after {sessions.after!r} in order; exchange them in one of the two"
            yield Mistake(("sessions", "before"), text)
    for place, label in enumerate(sessions.order):
        yield from _session_label(("sessions", "order", place), label)
        if label in sessions.order[:place]:
            yield Mistake(("sessions", "order", place), f"names {label!r} twice; name it once")
    if study.visits.table is not None and sessions.labels == (None,):
        yield Mistake(("visits", "table"), "is of several visits a participant; name their [sessions], or remove it")


def _session_label(path: Keys, label: str) -> Iterator[Mistake]:
    if not label.removeprefix("ses-").isalnum() or not label.startswith("ses-"):
        tip = f"; did you mean {'ses-' + label!r}?" if label.isalnum() else ""
        yield Mistake(path, f"{label!r} is no session's label, such as ses-1{tip}")


def _scores(study: Study) -> Iterator[Mistake]:
    yield from names_differing_in_case(("scores",), study.scores, "scores")
    for name, score in study.scores.items():
        if name == study.participants.group_column:
            word = study.participants.group_word
            text = f"{name!r} is the column of the {word}s ([participants] {word}); call the score something else"
            yield Mistake(("scores", name), text, (("participants",),))
        if score.take != "once" and study.sessions.pair is None:
            text = f"takes {score.take!r}, which is of two sessions; name before and after under [sessions]"
            yield Mistake(("scores", name, "take"), text, (("sessions",),))
        elif score.take != "once" and score.table is None:
            text = (
                f"takes {score.take!r}, which needs a table with a row for each session, and the participants' table "
                "has one for each participant; add table = a phenotype table with a column session_id"
            )
            yield Mistake(("scores", name, "take"), text)


def check_tasks(study: Study) -> Iterator[Mistake]:
    """Every mistake in `[tasks]` that its shape alone does not show."""
    yield from names_differing_in_case(("tasks",), study.tasks, "tasks")
    for name, task in study.tasks.items():
        path: Keys = ("tasks", name)
        if not _LABEL.fullmatch(name):
            bare = name.removeprefix("task-")
            tip = f"; did you mean {bare!r}?" if _LABEL.fullmatch(bare) else ""
            yield Mistake(path, f"{name!r} cannot be the NAME of task-NAME, which is letters and digits only{tip}")
        yield from _rest(path, task) if task.rest else _events(path, task)
        if task.run is not None and task.runs:
            yield Mistake((*path, "run"), "is one of the runs; keep run or runs")
        yield from _runs(path, task)
        step = task.repetition_time
        if isinstance(step, float) and (problem := time_problem(step, "repetition time")):
            yield Mistake((*path, "repetition_time"), problem)


def _runs(path: Keys, task: Task) -> Iterator[Mistake]:
    """Runs that are no labels, or the same one twice."""
    labels = [comparable_label(run) for run in task.chosen_runs]
    for place, (run, label) in enumerate(zip(task.chosen_runs, labels, strict=True)):
        where = (*path, "run") if task.run is not None else (*path, "runs", place)
        if not _LABEL.fullmatch(run):
            yield Mistake(where, f"{run!r} cannot be the label of run-LABEL, which is letters and digits only")
        elif label in labels[:place]:
            yield Mistake(where, f"names run {run!r} twice; name it once")
    if "runs" in task.model_fields_set and not task.runs:
        yield Mistake((*path, "runs"), "names no run; name some, or remove it for all")


def _rest(path: Keys, task: Task) -> Iterator[Mistake]:
    if "condition_column" in task.model_fields_set:
        yield Mistake((*path, "condition_column"), "a rest run has no events; remove it, or rest = true")
    if task.events is not None:
        yield Mistake((*path, "events"), "a rest run has no events; remove it, or rest = true")
    for key in ("conditions", "modulators", "contrasts"):
        if getattr(task, key):
            yield Mistake((*path, key), "a rest run has no events to make them from; remove it, or rest = true")


def _events(path: Keys, task: Task) -> Iterator[Mistake]:
    for name in re.findall(r"\{([^{}]*)\}", task.events or ""):
        if name not in PATTERN_FIELDS:
            known = ", ".join(f"{{{field}}}" for field in PATTERN_FIELDS)
            yield Mistake((*path, "events"), f"names the field {{{name}}}; those are {known}")
    yield from _conditions((*path, "conditions"), task)
    for name, modulator in task.modulators.items():
        here = (*path, "modulators", name)
        if name in task.conditions:
            yield Mistake(here, f"{name!r} is a condition, too; give the modulator another name")
        if task.conditions and modulator.condition not in task.conditions:
            tip = did_you_mean(modulator.condition, list(task.conditions), "conditions")
            yield Mistake((*here, "condition"), f"{modulator.condition!r} is no condition of this task{tip}")
    yield from names_differing_in_case((*path, "contrasts"), task.contrasts, "contrasts")
    for name, text in task.contrasts.items():
        yield from _contrast((*path, "contrasts", name), text, task)


def _conditions(path: Keys, task: Task) -> Iterator[Mistake]:
    owner: dict[str, str] = {}
    for name, kinds in task.conditions.items():
        if not kinds:
            yield Mistake((*path, name), "merges no trial types; name at least one")
        for place, kind in enumerate(kinds):
            here = (*path, name, place)
            if kind in owner and owner[kind] == name:
                yield Mistake(here, f"names the trial type {kind!r} twice; name it once")
            elif kind in owner:
                yield Mistake(
                    here, f"the trial type {kind!r} is in {owner[kind]!r} already; its events would count twice"
                )
            owner.setdefault(kind, name)


def _contrast(path: Keys, text: str, task: Task) -> Iterator[Mistake]:
    try:
        weights = parse_contrast(text)
    except ValueError as error:
        yield Mistake(path, str(error))
        return
    known = [*task.conditions, *task.modulators]
    for name in weights if task.conditions else ():
        if name in known:
            continue
        parts = name.split("-")
        tip = did_you_mean(name, known, "conditions")
        if len(parts) > 1 and all(part in known for part in parts):
            tip = f"; put spaces around the sign: {' - '.join(parts)!r}"
        yield Mistake(path, f"{text!r} names {name!r}, which is no condition of this task{tip}")


def check_settings(study: Study) -> Iterator[Mistake]:
    """Every setting that others make useless, or that was given in another unit."""
    yield from _confounds(study)
    if study.glm.high_pass < SHORTEST:
        text = f"is {study.glm.high_pass:g} s, which takes the task out with the drifts; 1/128 Hz is high_pass = 128"
        yield Mistake(("glm", "high_pass"), text)
    smoothing = study.glm.smoothing
    if smoothing is not None and not NARROWEST <= smoothing <= WIDEST:
        text = f"is {smoothing:g} mm, where {NARROWEST:g} to {WIDEST:g} is meant; it is the full width at half maximum"
        yield Mistake(("glm", "smoothing"), text)
    if study.glm.high_pass > LONGEST:
        seconds = study.glm.high_pass / 1000
        text = f"is {study.glm.high_pass:g} s, longer than any run; {seconds:g} if it was in ms, {LONGEST:g} for none"
        yield Mistake(("glm", "high_pass"), text)
    drawn = study.outputs.maps and any(task.contrasts for task in study.tasks.values())
    if smoothing is not None and not drawn:
        yield Mistake(("glm", "smoothing"), "is of contrast maps, and none are made; remove it")
    if study.outputs.spm and not study.dcms:
        yield Mistake(("outputs", "spm"), "is of inverted models, and there is no [dcm]; remove it")
    for name, dcm in study.dcms.items():
        path: Keys = ("dcm", name) if name else ("dcm",)
        try:
            starts = inversion_settings(dcm).starts
        except ValueError as error:  # of settings that do not go together
            yield Mistake(path, str(error))
            continue
        if "seed" in dcm.model_fields_set and starts == 1:
            yield Mistake((*path, "seed"), "would be ignored, as one start is not drawn; raise starts, or remove it")


def _confounds(study: Study) -> Iterator[Mistake]:
    """Settings of `[confounds]` that its strategy does not heed."""
    confounds = study.confounds
    for key, part in _STRATEGY_PART.items():
        if key in confounds.model_fields_set and part not in confounds.strategy:
            text = f"would be ignored, as strategy does not name {part!r}; add it to strategy, or remove {key}"
            yield Mistake(("confounds", key), text)
    yield from check_names(("confounds", "strategy"), confounds.strategy)


def check_region_settings(study: Study) -> Iterator[Mistake]:
    """Every mistake in `[regions]` that its shape alone does not show."""
    yield from names_differing_in_case(("regions",), study.regions, "regions")
    for name, region in study.regions.items():
        path: Keys = ("regions", name)
        given = [source for source in SOURCES if getattr(region, source) is not None]
        if len(given) != 1:
            problem = f"has {' and '.join(given)}, which exclude each other" if given else "says nowhere where it lies"
            yield Mistake(path, f"{problem}; give exactly one of {', '.join(SOURCES)}")
            continue
        yield from _options(path, region, given[0])
        if region.preset is not None and circuit_region(name) is None:
            tip = did_you_mean(name, TARGET_CIRCUIT, "its regions")
            yield Mistake(path, f"{name!r} is no region of the preset {region.preset!r}{tip}")
        if region.box is not None:
            yield from _box((*path, "box"), region.box)


def circuit_region(name: str) -> str | None:
    """The region of the target circuit that a name means; it may end in a side: ``amygdala-left``."""
    bare = name
    for side in ("left", "right"):
        bare = bare.removesuffix(f"-{side}").removesuffix(f"_{side}")
    return bare if bare in TARGET_CIRCUIT else None


def _options(path: Keys, region: Region, source: str) -> Iterator[Mistake]:
    if source == "atlas" and not region.labels:
        yield Mistake(path, "takes an atlas, but no labels of it; add labels")
    if source != "atlas" and region.labels:
        yield Mistake((*path, "labels"), f"only an atlas has labels, and this region is a {source}; remove them")
    if region.threshold is not None and source == "sphere":
        yield Mistake((*path, "threshold"), "a sphere has no threshold, so it would be ignored; remove it")
    if region.threshold is not None and region.threshold < 0:
        yield Mistake((*path, "threshold"), f"must not be negative, and is {region.threshold:g}")
    yield from check_names((*path, "labels"), region.labels)


def _box(path: Keys, box: Box) -> Iterator[Mistake]:
    limits = {axis: span for axis in ("x", "y", "z") if (span := getattr(box, axis)) is not None}
    if not limits:
        yield Mistake(path, "limits no axis; give x, y or z a list [from, to] in mm, or remove it")
    for axis, (low, high) in limits.items():
        if low >= high:
            yield Mistake((*path, axis), f"goes from {low:g} to {high:g}; the first must be less than the second")
