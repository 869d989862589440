"""Models that contradict the rest of the study, or themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..common import did_you_mean
from ._expressions import parse_connection
from ._mistakes import Keys, Mistake, check_names, names_differing_in_case
from ._model_specs import MAIN, merge_structures, model_specs, prior_names, switch_labels
from ._study import Dcm, NamedStructure, Structure, Study

MOST_SWITCHES = 8  # 256 models


def check_dcm(study: Study) -> Iterator[Mistake]:
    """Every mistake in `[dcm]`, or in each `[dcm.NAME]`, that its shape alone does not show."""
    yield from names_differing_in_case(("dcm",), study.dcms, "DCMs")
    for name in study.dcms:
        if name in Dcm.model_fields:
            yield Mistake(("dcm", name), f"{name!r} is a setting of [dcm]; call this DCM something else")
    for name, dcm in study.dcms.items():
        yield from _one_dcm(study, dcm, ("dcm", name) if name else ("dcm",))
    yield from _inputs_of_one_task(study)


def _one_dcm(study: Study, dcm: Dcm, at: Keys) -> Iterator[Mistake]:
    found = [*_task(study, dcm, at), *_regions(study, dcm, at), *_inputs(study, dcm, at), *_names(dcm, at)]
    for name, structure in {MAIN: dcm, **dcm.models}.items():
        found += check_structure(at if structure is dcm else (*at, "models", name), dcm, structure)
    if not found:
        found += [*_switches(dcm, at)]
    yield from found
    if not found:
        yield from _unused_or_repeated(dcm, at)
        yield from _not_nested(dcm, at)


def _switches(dcm: Dcm, at: Keys) -> Iterator[Mistake]:
    """What is switched, and is not in the main model; or too much of it."""
    if dcm.switch is None:
        return
    path, given = (*at, "switch"), dcm.switch
    if given.a == "full":
        yield Mistake((*path, "a"), 'names connections, as ["vmPFC <- amygdala"], not "full"')
        return
    wrong = [*check_connections((*path, "a"), given.a or (), dcm.regions)]
    for name, connections in (given.b or {}).items():
        wrong += check_connections((*path, "b", name), connections, dcm.regions)
    yield from wrong
    if wrong:
        return
    labels = switch_labels(given)
    main = set(prior_names(model_specs(dcm.model_copy(update={"switch": None}))[MAIN]))
    for label in labels:
        if label not in main:
            yield Mistake(path, f"{label} is not in the main model, so that it cannot be switched off; add it to [dcm]")
        if labels.count(label) > 1:
            yield Mistake(path, f"{label} is there twice; name it once")
    if not labels or len(labels) > MOST_SWITCHES:
        count = f"{len(labels)} connections are" if labels else "nothing is"
        yield Mistake(path, f"{count} switched; give 1 to {MOST_SWITCHES}, which makes 2 to {2**MOST_SWITCHES} models")
    if dcm.models:
        spaces = [name for name in dcm.models if name.startswith("switch-")]
        for name in spaces:
            yield Mistake((*at, "models", name), "is called as the models of switch are; call it something else")


def _not_nested(dcm: Dcm, at: Keys) -> Iterator[Mistake]:
    """Alternatives that have what the main model lacks, where they are reduced from it."""
    main = set(prior_names(model_specs(dcm)[MAIN]))
    for name in dcm.models if dcm.invert == "reduce" else ():
        more = [label for label in prior_names(model_specs(dcm)[name]) if label not in main]
        if more:
            which = ", ".join(more[:3]) + (f" and {len(more) - 3} more" if len(more) > 3 else "")
            text = f'has {which}, which main lacks; add it to main, or say invert = "each" under [dcm]'
            yield Mistake((*at, "models", name), text)


def _inputs_of_one_task(study: Study) -> Iterator[Mistake]:
    """Inputs of one name that two DCMs of a task make of different conditions: a run has one of each name."""
    owners: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}
    for name, dcm in study.dcms.items():
        for key, members in dcm.inputs.items():
            other, theirs = owners.setdefault((dcm.task, key), (name, members))
            if set(theirs) != set(members):
                text = f"is {', '.join(members)} here and {', '.join(theirs)} in [dcm.{other}]; give it another name"
                yield Mistake(("dcm", name, "inputs", key), text)


def _task(study: Study, dcm: Dcm, at: Keys) -> Iterator[Mistake]:
    path = (*at, "task")
    events = [name for name, task in study.tasks.items() if not task.rest]
    if dcm.task not in study.tasks:
        yield Mistake(path, f"{dcm.task!r} is no task{did_you_mean(dcm.task, events, 'tasks')}", (("tasks", dcm.task),))
    elif study.tasks[dcm.task].rest:
        yield Mistake(path, f"{dcm.task!r} is a rest run, which has no inputs", (("tasks", dcm.task),))


def _regions(study: Study, dcm: Dcm, at: Keys) -> Iterator[Mistake]:
    for place, name in enumerate(dcm.regions):
        here = (*at, "regions", place)
        if name in dcm.regions[:place]:
            yield Mistake(here, f"names {name!r} twice; name it once")
        elif name not in study.region_names:
            tip = did_you_mean(name, list(study.region_names), "regions")
            yield Mistake(here, f"{name!r} is no region of this study{tip}", (("regions", name), ("series",)))


def _inputs(study: Study, dcm: Dcm, at: Keys) -> Iterator[Mistake]:
    if not dcm.inputs:
        yield Mistake((*at, "inputs"), 'has no input; give at least one, such as task = ["faces", "shapes"]')
    task, about = study.tasks.get(dcm.task), (("tasks", dcm.task),)
    known = [] if task is None or task.rest or not task.conditions else [*task.conditions, *task.modulators]
    for name, members in dcm.inputs.items():
        if not members:
            yield Mistake((*at, "inputs", name), "adds up nothing; name conditions, or a modulator")
        unknown = f"no condition or modulator of the task {dcm.task!r}"
        path = (*at, "inputs", name)
        yield from check_names(path, members, known or None, unknown, "conditions and modulators", about)


def _names(dcm: Dcm, at: Keys) -> Iterator[Mistake]:
    yield from names_differing_in_case((*at, "models"), dcm.models, "models")
    for name in dcm.models:
        if name.casefold() == MAIN:
            yield Mistake((*at, "models", name), f"{MAIN!r} is the model of [dcm] itself; call this one something else")


def check_structure(path: Keys, dcm: NamedStructure, structure: Structure) -> list[Mistake]:
    """Mistakes in the connections of one model: of `dcm` itself, or of an alternative to it."""
    found: list[Mistake] = []
    complete = merge_structures(dcm, structure)
    free = _free_connections(complete, dcm)
    if isinstance(structure.a, tuple):
        found += check_connections((*path, "a"), structure.a, dcm.regions)
    for key, given in (("b", structure.b), ("c", structure.c)):
        found += _input_names((*path, key), given or {}, dcm)
    for name, connections in (structure.b or {}).items():
        found += check_connections((*path, "b", name), connections, dcm.regions)
    for name, regions in (structure.c or {}).items():
        found += check_names((*path, "c", name), regions, dcm.regions, "no region of the model", "regions of the model")
    found += _changes_of_absent(path, structure, complete, free, dcm)
    if not any((complete.c or {}).values()) and (structure.c is not None or structure is dcm):
        where = (*path, "c") if structure.c is not None else path
        found.append(Mistake(where, 'no input drives a region; add c, such as c = { task = ["amygdala"] }'))
    return found


def _input_names(path: Keys, given: Mapping[str, Sequence[str]], dcm: NamedStructure) -> Iterator[Mistake]:
    for name in given:
        if name not in dcm.inputs:
            yield Mistake(
                (*path, name), f"{name!r} is no input of the model{did_you_mean(name, list(dcm.inputs), 'inputs')}"
            )


def check_connections(path: Keys, connections: Sequence[str], regions: Sequence[str]) -> Iterator[Mistake]:
    """Mistakes in a list of connections between regions."""
    seen: set[tuple[str, str]] = set()
    for place, text in enumerate(connections):
        here = (*path, place)
        try:
            pair = parse_connection(text)
        except ValueError as error:
            yield Mistake(here, str(error))
            continue
        for name in dict.fromkeys(pair):
            if name not in regions:
                tip = did_you_mean(name, regions, "regions of the model")
                yield Mistake(here, f"{text!r} names {name!r}, which is no region of the model{tip}")
        if pair in seen:
            yield Mistake(here, f"{text!r} is there twice; name it once")
        seen.add(pair)


def _changes_of_absent(
    path: Keys, structure: Structure, whole: Structure, free: set[tuple[str, str]] | None, dcm: NamedStructure
) -> Iterator[Mistake]:
    """Connections that an input changes, but that are not there."""
    if free is None or (structure.a is None and structure.b is None):
        return
    for name, connections in (whole.b or {}).items():
        for place, text in enumerate(connections):
            absent = _known_pairs((text,), dcm.regions) - free
            if any(to != source for to, source in absent):  # self-connections are always there
                where = (*path, "b", name, place) if structure.b is not None else (*path, "a")
                yield Mistake(where, f"{name!r} changes {text!r}, which is not among the connections of a; add it to a")


def _free_connections(structure: Structure, dcm: NamedStructure) -> set[tuple[str, str]] | None:
    """The connections that there are; None for all of them, or where a is not in order."""
    if not isinstance(structure.a, tuple) or [*check_connections((), structure.a, dcm.regions)]:
        return None
    return _known_pairs(structure.a, dcm.regions)


def _known_pairs(connections: Sequence[str], regions: Sequence[str]) -> set[tuple[str, str]]:
    """The connections that can be read, between known regions."""
    pairs = set()
    for text in connections:
        try:
            pairs.add(parse_connection(text))
        except ValueError:
            continue
    return {pair for pair in pairs if set(pair) <= set(regions)}


def _unused_or_repeated(dcm: Dcm, at: Keys) -> Iterator[Mistake]:
    """Inputs that do nothing in any model, and models that are the same."""
    specs = model_specs(dcm)
    for place, name in enumerate(dcm.inputs):
        if not any(spec.b[:, :, place].any() or spec.c[:, place].any() for spec in specs.values()):
            text = "drives no region (c) and changes no connection (b) in any model; use it, or remove it"
            yield Mistake((*at, "inputs", name), text)
    first: dict[object, str] = {}
    for name, spec in specs.items():
        if (other := first.setdefault(spec, name)) == name:
            continue
        if name not in dcm.models:
            yield Mistake((*at, "models", other), "is among the models that switch makes; remove it")
        else:
            which = f"[{'.'.join(map(str, at))}] itself" if other == MAIN else repr(other)
            yield Mistake((*at, "models", name), f"is the same model as {which}; change it, or remove it")
