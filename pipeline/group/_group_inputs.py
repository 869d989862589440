"""What a group analysis works on: first-level estimates and a design matched by name, and what was done for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from dcm import Spec
from peb import (
    SMALLEST_EFFECT,
    Contrast,
    Design,
    DesignError,
    Estimate,
    GroupPosterior,
    PebError,
    PebSettings,
    make_design,
    parse_contrast,
)

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
from ..tables import MISSING, TableError
from ._design_table import FormulaOptions, RowOrder, as_text_sorts, match_design, read_design, table_remarks
from ._estimate_files import GIVEN, SPM, TAPAS, TIME_SERIES, FirstLevel
from ._estimates import pair_sessions, read_estimates
from ._options import DEFAULT_FIELDS, GroupOptions, mode_words
from ._visit_estimates import GatheredVisits, gather_visits

ALL_VISITS = "--of mean their average, --of visits all of them in three levels"


@dataclass(frozen=True, eq=False)
class Reinversion:
    """What inverting participants again, under the group's empirical priors, came to.

    Fields:
        before: the group's effects from the first inversions.
        rounds: how many there were.
        status: how they ended, in words.
        warnings: where they did not settle, or somebody could not be inverted.
    """

    before: Float[np.ndarray, "param covariate"]
    rounds: int
    status: str
    warnings: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """How it was done, and how it ended."""
        return f"inverted again under the group's empirical priors, {self.rounds} rounds; {self.status}"


@dataclass(frozen=True, eq=False)
class GroupInputs:
    """Everything that a group analysis needs.

    Fields:
        estimates: one per row of the design, in its order.
        design: the covariates.
        spec: the model of the first level; None where the names are those of a level above.
        chosen: fields and names of the parameters that the group explains.
        settings: of the fit.
        change: (before, after) where the estimates are changes.
        notes: what was done to get here, a line each.
        left_out: who or which session is not in the analysis, and why, a line each.
        errors: what could not be read, a line each.
        order: which row of the design is for whom, where order decides.
        smallest_effect: below which an effect counts as none.
        contrasts: sums of levels or columns that are to be answered.
        first_level: the mode of the estimates; empty where it is not known.
        files: the file of each estimate; empty where an estimate is of two.
        reinversion: what came of it, where participants were inverted again.
        of: what the estimates are of each participant's visits, in words; empty where these were not asked for.
        participant_of: visit → participant, where rows of the design are visits; empty otherwise.
        spm_parameters: parameter → SPM's name and place, of DCMs of which `spec` does not say it.
        has_evidence: whether every participant's free energy is known.
        is_treated: whether treatment lies between the two visits of a change.
        group_word: what two groups that are compared are called, arm or group.
        standing: of each row the visit that a change or contrast is to, whose connections have signs of their own;
            empty where that is the estimate itself, or is of several visits.
        contrasted: of a contrast of two visits or levels, what is taken away and what it is taken from: ``with
            placebo``, ``with ketamine``.
        warnings: those of the notes that must not be overlooked.
    """

    estimates: tuple[Estimate, ...]
    design: Design
    spec: Spec | None
    chosen: tuple[str, ...]
    settings: PebSettings
    change: tuple[str, str] | None
    notes: tuple[str, ...]
    errors: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    order: RowOrder | None = None
    smallest_effect: float = SMALLEST_EFFECT
    first_level: str = ""
    files: tuple[Path, ...] = ()
    reinversion: Reinversion | None = None
    contrasts: tuple[Contrast, ...] = ()
    of: str = ""
    participant_of: Mapping[str, str] = field(default_factory=dict)
    spm_parameters: Mapping[str, tuple[str, int]] | None = None
    has_evidence: bool = True
    is_treated: bool = False
    group_word: str = "arm"
    standing: tuple[Estimate, ...] = ()
    contrasted: tuple[str, str] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def spm_names(self) -> dict[str, str] | None:
        """Parameter → SPM's name, where `spec` does not say it."""
        return None if self.spm_parameters is None else {key: name for key, (name, _) in self.spm_parameters.items()}

    def spm_places(self, group: GroupPosterior) -> dict[str, Any]:
        """How `write_peb` and `write_bma` find a group's parameters in SPM's vectors."""
        if self.spm_parameters is None:
            return {"spec": self.spec}
        found = [self.spm_parameters[name] for name in group.first_level]
        return {"names": [name for name, _ in found], "indices": [place for _, place in found]}

    @property
    def participants(self) -> tuple[str, ...]:
        """Who is in the analysis; a row of the design is a visit where `participant_of` says whose."""
        return tuple(dict.fromkeys(self.participant_of.get(name, name) for name in self.design.participants))

    def require_rows_of_participants(self, analysis: str) -> None:
        """Raises `UsageError` where rows are visits, of which an analysis is not."""
        if self.participant_of:
            raise UsageError(
                f"{analysis} is of participants, and {self.of} were taken; take their mean, a contrast or one visit of "
                "each, or fit"
            )

    @property
    def mode(self) -> str:
        """The mode of the group and of its first level, in words."""
        first = f"; first-level results {_made_by(self.first_level)}" if self.first_level else ""
        return mode_words(self.settings) + first


def read_group_inputs(options: GroupOptions, notify: Callable[[str], None]) -> GroupInputs:
    """Read, pair, match and check; each error and remark goes to `notify` as it is found.

    Raises `UsageError` where there is nothing to analyse, or participants do not match.
    """
    _check_reinversion(options)
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
    estimates = [level.estimate for level in levels]
    lines: list[str] = []
    gathered: GatheredVisits | None = None
    try:
        if options.sessions is not None:
            estimates, lines = pair_sessions(estimates, *options.sessions)
        if options.visits is not None:
            gathered = gather_visits(estimates, options.visits)
            estimates, lines = gathered.estimates, gathered.left_out
        if not options.matched_only:
            _check_repeated_participants(options, [estimate.name for estimate in estimates])
        design, left = _design(options, [estimate.name for estimate in estimates])
        _check_repeated_participants(options, design.participants)
        chosen = _chosen(options, estimates[0])
        contrasts = tuple(parse_contrast(text, design, name) for name, text in options.contrasts.items())
    except (DesignError, PebError, TableError, ValueError) as error:
        raise UsageError(str(error)) from error
    if options.visits is not None:
        notify(f"of: {options.visits.words}")
    if options.sessions is not None:
        notify(f"change: {options.sessions[1]} minus {options.sessions[0]}")
    left_out = [*lines, *left]
    turned = describe_reversed_order(*options.sessions) if options.sessions is not None else ""
    order = _order(options, levels, design.participants)
    inferred = () if options.design is None else table_remarks(options.design, design)
    disagreement = gathered.disagreement(chosen) if gathered else ()
    notes = [
        *([turned] if turned else []),
        *merge_left_out(left_out),
        *((gathered.count_line(design.participants), *disagreement) if gathered else ()),
        *inferred,
        *design.remarks,
        *([order.line(), *_warn_of_text_order(order)] if order else []),
        *_mode_note(levels[0].mode, options.settings.compat),
        *_kind_notes(levels),
        *_prior_note(levels, chosen),
    ]
    for line in notes:
        notify(line)
    by_name = {estimate.name: estimate for estimate in estimates}
    files = {level.estimate.name: level.path for level in levels}
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
        tuple(files[name] for name in design.participants)
        if options.sessions is None and options.visits is None
        else (),
        of=options.visits.words if options.visits else "",
        participant_of=gathered.participant_of if gathered else {},
        spm_parameters=levels[0].spm_parameters,
        has_evidence=all(level.has_evidence for level in levels),
        contrasts=contrasts,
        is_treated=options.is_treated,
        group_word=options.group_word,
        standing=_standing(options, {level.estimate.name: level.estimate for level in levels}, design.participants),
        contrasted=_contrasted(options, [level.estimate.name for level in levels]),
        warnings=disagreement,
    )
    notify(f"mode: {inputs.mode}")
    return inputs


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
    return [f"first-level results are {_made_by(first_level)}, and the group is fitted in mode {group}"]


def _prior_note(levels: Sequence[FirstLevel], chosen: Sequence[str]) -> list[str]:
    """A line where participants were inverted with other priors than most, as by another version of a program."""
    priors = [level.estimate.select(chosen).prior for level in levels]
    keys = [np.concatenate([prior.mean, prior.sd]).round(6).tobytes() for prior in priors]
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


def _made_by(first_level: str) -> str:
    makers = {SPM: "SPM's estimates", TAPAS: "TAPAS's estimates", GIVEN: "given as posteriors"}
    return makers.get(first_level, f"of mode {first_level}")


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


def merge_left_out(lines: Iterable[str]) -> list[str]:
    """One line for all names of which lines such as ``sub-01: left out, no result`` say the same."""
    about: dict[str, list[str]] = {}
    for line in lines:
        name, colon, why = line.partition(": ")
        about.setdefault(f"{colon}{why}", []).append(name)
    return [f"{', '.join(names)}{why}" for why, names in about.items()]


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


def design_column(inputs: GroupInputs, covariate: str, option: str = "--covariate") -> str:
    """The column of the design that a covariate became; raises `UsageError` where there is none."""
    wanted = covariate.replace(":", "×").split("×")
    for name in inputs.design.covariates:
        parts = name.split("×")
        factors = () if inputs.design.form is None else inputs.design.form.factors
        coded = {part for part in parts if part in inputs.design.kinds or part.split("[")[0] in factors}
        bare = [part.split("[")[0] if part in coded else part for part in parts]
        if name == covariate or bare == wanted:
            return name
    raise UsageError(
        f"{option} {covariate!r} is no covariate of the design; it has {', '.join(inputs.design.covariates)}"
    )
