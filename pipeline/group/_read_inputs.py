"""Results, a table and options → what a group analysis works on, matched by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from peb import Design, DesignError, Estimate, PebError, make_design, parse_contrast

from ..common import (
    UsageError,
    describe_repeated_participants,
    describe_reversed_order,
    distinguishing_visits,
    find_repeated_participants,
    find_visit_label,
    first_names,
    shorten,
)
from ..tables import MISSING, TableError, sidecar_units
from ._design_table import FormulaOptions, RowOrder, as_text_sorts, match_design, read_design, table_remarks
from ._estimate_files import GIVEN, SPM, TAPAS, TIME_SERIES, FirstLevel
from ._estimates import pair_sessions, read_estimates
from ._group_inputs import GroupInputs, made_by, merge_left_out
from ._options import DEFAULT_FIELDS, GroupOptions
from ._visit_estimates import GatheredVisits, gather_visits

ALL_VISITS = "--of mean their average, --of visits all of them in three levels"


def read_group_inputs(options: GroupOptions, notify: Callable[[str], None]) -> GroupInputs:
    """Read, pair, match and check; each error and remark goes to `notify` as it is found.

    Raises `UsageError` where there is nothing to analyse, or participants do not match.
    """
    _check_reinversion(options)
    levels, errors = _read_first_levels(options, notify)
    every = {level.estimate.name: level for level in levels}
    try:
        taken = _take_visits(options, [level.estimate for level in levels])
        names = [estimate.name for estimate in taken.estimates]
        if not options.matched_only:
            _check_repeated_participants(options, names)
        design, left = _design(options, names)
        _check_repeated_participants(options, design.participants)
        chosen = _chosen(options, taken.estimates[0])
        contrasts = tuple(parse_contrast(text, design, name) for name, text in options.contrasts.items())
    except (DesignError, PebError, TableError, ValueError) as error:
        raise UsageError(str(error)) from error
    if options.visits is not None:
        notify(f"of: {options.visits.words}")
    if options.sessions is not None:
        notify(f"change: {options.sessions[1]} minus {options.sessions[0]}")
    left_out, order = [*taken.left_out, *left], _order(options, levels, design.participants)
    disagreement = taken.disagreement(chosen)
    notes = [
        *_notes_on_design(options, taken, design, left_out, order, disagreement),
        *_notes_on_first_levels(levels, options, chosen),
    ]
    for line in notes:
        notify(line)
    by_name = {estimate.name: estimate for estimate in taken.estimates}
    is_single = options.sessions is None and options.visits is None  # each estimate is of one file
    inputs = GroupInputs(
        tuple(by_name[name] for name in design.participants),
        design,
        levels[0].spec,
        chosen,
        options.settings,
        options.sessions,
        tuple(notes),
        tuple(errors),
        tuple(left_out),
        order,
        options.smallest_effect,
        levels[0].mode,
        tuple(every[name].path for name in design.participants) if is_single else (),
        of=options.visits.words if options.visits else "",
        participant_of=taken.participant_of,
        spm_parameters=levels[0].spm_parameters,
        has_evidence=all(level.has_evidence for level in levels),
        contrasts=contrasts,
        is_treated=options.is_treated,
        group_word=options.group_word,
        standing=_standing(options, {name: level.estimate for name, level in every.items()}, design.participants),
        contrasted=_contrasted(options, list(every)),
        warnings=disagreement,
        units={} if options.design is None else sidecar_units(options.design),
    )
    notify(f"mode: {inputs.mode}")
    return inputs


def _read_first_levels(options: GroupOptions, notify: Callable[[str], None]) -> tuple[list[FirstLevel], list[str]]:
    """Everybody's results, and a line for each that could not be read."""
    try:
        levels, errors = read_estimates(options.paths, options.gcm_column, options.reduced_model)
    except ValueError as error:
        raise UsageError(f"--gcm-column: {error}") from error
    for line in errors:
        notify(line)
    if not levels:
        raise UsageError(
            "no first-level result could be read; give the folder that effconn invert wrote, or SPM's files"
        )
    if options.gcm_column is None and not options.all_different:
        _check_columns([level.estimate.name for level in levels])
    return levels, errors


def _take_visits(options: GroupOptions, estimates: list[Estimate]) -> GatheredVisits:
    """What is asked for of each participant's visits; the estimates as they are where nothing is."""
    if options.visits is not None:
        return gather_visits(estimates, options.visits)
    lines: list[str] = []
    if options.sessions is not None:
        estimates, lines = pair_sessions(estimates, *options.sessions)
    return GatheredVisits(estimates, {}, lines, {}, {}, may_lack=False)


def _notes_on_design(
    options: GroupOptions,
    taken: GatheredVisits,
    design: Design,
    left_out: Sequence[str],
    order: RowOrder | None,
    disagreement: Sequence[str],
) -> Iterator[str]:
    """Who is in the analysis and who is not, and what was made of the table."""
    if options.sessions is not None and (turned := describe_reversed_order(*options.sessions)):
        yield turned
    yield from merge_left_out(left_out)
    if options.visits is not None:
        yield taken.count_line(design.participants)
        yield from disagreement
    if options.design is not None:
        yield from table_remarks(options.design, design)
    yield from design.remarks
    if order is not None:
        yield order.line()
        yield from _warn_of_text_order(order)


def _notes_on_first_levels(levels: Sequence[FirstLevel], options: GroupOptions, chosen: Sequence[str]) -> list[str]:
    """What the results are, where it is not the usual, not of the group's mode or not alike."""
    return [
        *_mode_note(levels[0].mode, options.settings.compat),
        *_kind_notes(levels),
        *_prior_note(levels, chosen),
    ]


def _standing(options: GroupOptions, every: Mapping[str, Estimate], names: Sequence[str]) -> tuple[Estimate, ...]:
    """Of each row, the one visit that a change or a contrast is to; nothing where it is not one visit."""
    found: dict[str, Estimate] = {}
    if options.sessions is not None:
        for name, estimate in every.items():
            label = find_visit_label(name, options.sessions)
            if label is not None and label[0] == options.sessions[1]:
                found[label[1]] = estimate
    elif options.visits is not None and options.visits.kind == "contrast":
        for participant, weights in (options.visits.members or {}).items():
            to = [every[visit] for visit, weight in weights.items() if weight > 0 and visit in every]
            if len(to) == 1:
                found[participant] = to[0]
    return tuple(found[name] for name in names) if all(name in found for name in names) else ()


def _contrasted(options: GroupOptions, names: Sequence[str]) -> tuple[str, str] | None:
    """What a contrast of two visits or levels is from and to, in words."""
    weights = options.visits.weights if options.visits is not None and options.visits.kind == "contrast" else {}
    if sorted(weights.values()) != [-1.0, 1.0]:
        return None
    first, second = sorted(weights, key=lambda name: weights[name])
    word = "in" if any(name.endswith((f"_{first}", f"_{second}")) for name in names) else "with"
    return f"{word} {first}", f"{word} {second}"


def _check_reinversion(options: GroupOptions) -> None:
    """Raises `UsageError` where participants cannot be inverted again as was asked for."""
    if options.series and not options.reinvert:
        raise UsageError("--series says where to look for --reinvert, which is not given")
    for place in options.series:
        if not place.exists():
            raise UsageError(f"--series {place} does not exist; check the path")
    if options.visits is not None and options.sessions is not None:
        raise UsageError("--of and --change each say what is taken of visits; leave one of them out")
    if options.reinvert and (options.sessions is not None or options.visits is not None):
        more = "--change two" if options.visits is None else "--of several"
        raise UsageError(f"--reinvert takes one result of each participant and {more}; leave one of them out")
    if options.visits is not None and options.visits.kind == "visits" and not options.settings.is_mixture:
        raise UsageError(
            "all visits are for the default group; leave --compat and --between out (SPM's PEB of PEBs is "
            "peb.fit_visits in Python)"
        )
    if options.reinvert and not options.settings.is_mixture:
        raise UsageError("--reinvert is for the default group; leave --compat and --between out, or --reinvert")


def _mode_note(first_level: str, group: str) -> list[str]:
    """A line where the first level is of another mode than the group: the whole is a mixture then."""
    spms = first_level == SPM and group != "none"
    if spms or first_level in (group, TAPAS, GIVEN):
        return []
    return [f"first-level results are {made_by(first_level)}, and the group is fitted in mode {group}"]


def _prior_note(levels: Sequence[FirstLevel], chosen: Sequence[str]) -> list[str]:
    """A line where participants were inverted with other priors than most, as by another version of a program."""
    priors = [level.estimate.select(chosen).prior for level in levels]
    keys = [tuple(np.concatenate([prior.mean, prior.sd]).round(6).tolist()) for prior in priors]
    usual, count = Counter(keys).most_common(1)[0]
    odd = [level.estimate.name for level, key in zip(levels, keys, strict=True) if key != usual]
    if not odd:
        return []
    others = f"the other {count}" if count > 1 else "the others"
    return [
        f"the priors of {first_names(odd)} are not those of {others}; the group's is their average: invert all of them "
        "with one program and one setting if that is not meant"
    ]


def _kind_notes(levels: Sequence[FirstLevel]) -> list[str]:
    """What kind of DCM the results are of, where it is not the usual; and whether their evidence is known."""
    notes = [f"first-level results: {levels[0].kind}"] if levels[0].kind != TIME_SERIES else []
    if unknown := [level.estimate.name for level in levels if not level.has_evidence]:
        notes.append(
            f"no free energy is given for {first_names(unknown)}: F of the group is known up to a constant, so that "
            "models of the group can be compared, but not models of participants"
        )
    return notes


def _check_columns(names: Sequence[str]) -> None:
    """Columns of a GCM are models of the same participants; raises `UsageError` where it is not said which is meant."""
    cells: dict[str, set[tuple[int, int]]] = {}
    for name in names:
        if found := re.fullmatch(r"(.*)\[([0-9]+),([0-9]+)\].*", name, re.DOTALL):
            cells.setdefault(found[1], set()).add((int(found[2]), int(found[3])))
    for file, own in cells.items():
        rows, columns = (max(numbers) for numbers in zip(*own, strict=True))
        if columns > 1:
            either = f", or --all-different if these are {columns} participants" if rows == 1 else ""
            raise UsageError(
                f"the GCM {shorten(file)} is {rows} × {columns}: its rows are participants and its columns models; say "
                f"which model to take (--gcm-column 1 to {columns}){either}"
            )


def _check_repeated_participants(options: GroupOptions, names: Sequence[str]) -> None:
    """Two files of one participant are not two participants; raises `UsageError` where names look like that."""
    taken = options.visits is not None and options.visits.kind == "visits"
    groups = () if options.all_different or taken else find_repeated_participants(names)
    if not groups:
        return
    visits = distinguishing_visits(groups)
    remedy = "give one file of each participant"
    if options.sessions is None and len(visits) == 2:
        remedy = f"--change {visits[0]},{visits[1]} analyses the change of each, {ALL_VISITS}"
    elif options.sessions is None and len(visits) > 2:
        remedy = (
            f"--change FIRST,SECOND analyses the change of each between two of {', '.join(visits[:6])}, {ALL_VISITS}"
        )
    raise UsageError(
        f"{describe_repeated_participants(groups)}; {remedy}, --all-different takes them for different participants"
    )


def _order(options: GroupOptions, levels: Sequence[FirstLevel], names: Sequence[str]) -> RowOrder | None:
    """Who each row of a design without names is for."""
    if options.design is None or not options.by_order:
        return None
    files = {level.estimate.name: level.path.name for level in levels}
    if options.sessions is not None:  # a change is of two files
        both: dict[str, list[str]] = {}
        for name, file in files.items():
            if found := find_visit_label(name, options.sessions):
                both.setdefault(found[1], []).append(file)
        files = {name: " and ".join(own) for name, own in both.items()}
    return RowOrder(options.design.name, "row", tuple(names), tuple(files.get(name, MISSING) for name in names))


def _warn_of_text_order(order: RowOrder) -> list[str]:
    if not as_text_sorts(order.things):
        return []
    return [
        f"the results are in the order of text ({', '.join(order.things[:3])}, …), as a shell's * lists them, not of "
        f"numbers; if {order.source} is by number, give the folder instead of its files"
    ]


def _design(options: GroupOptions, names: Sequence[str]) -> tuple[Design, list[str]]:
    """The design over the participants on both sides, and a line for everybody who is left out."""
    if options.design is None:
        if options.covariates or options.interactions or options.formula:
            raise UsageError("covariates need --design, the table that holds them")
        if options.matched_only or options.by_order or not options.centred:
            raise UsageError("--matched-only, --by-order and --raw say how to use --design, which is not given")
        return make_design(names, {}), []
    if options.formula is not None and (options.covariates or options.interactions or not options.centred):
        raise UsageError("--formula says it all; leave --covariates, --interactions and --raw out")
    formula = None if options.formula is None else FormulaOptions(options.formula, options.reference, options.order)
    if formula is None and (options.reference or options.order):
        raise UsageError("--reference names a level of --formula's factors, and there is no formula")
    how: Any = {
        "formula": formula,
        "covariates": options.covariates,
        "centre": options.centred,
        "interactions": options.interactions,
        "plus": options.plus,
        "named": options.named,
    }
    if not options.matched_only:
        return read_design(options.design, names, by_order=options.by_order, **how), []
    matched = match_design(options.design, names, **how)
    sides = (("no row in the design", matched.without_row), ("no result", matched.without_estimate))
    return matched.design, [f"{name}: left out, {what}" for what, who in sides for name in who]


def _chosen(options: GroupOptions, estimate: Estimate) -> tuple[str, ...]:
    """The fields and parameters asked for, all of which the models have; by default A and B, if there are any."""
    if options.fields is None and not options.parameters:
        available = tuple(field for field in DEFAULT_FIELDS if field in estimate.fields)
        if not available:
            raise PebError(
                f"the models have neither A nor B; name --fields, which are {', '.join(dict.fromkeys(estimate.fields))}"
            )
        return available
    chosen = (*(options.fields or ()), *options.parameters)
    estimate.select(chosen)
    return chosen
