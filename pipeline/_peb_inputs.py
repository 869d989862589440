"""What `effconn peb` works on: first-level estimates and a design, matched by name; and what was done to get there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dcm import Spec
from peb import Design, DesignError, Estimate, PebError, PebSettings, make_design

from ._design_table import match_design, read_design
from ._estimates import pair_sessions, read_estimates
from ._runtime import UsageError
from ._table import TableError

DEFAULT_FIELDS = ("A", "B")  # as SPM12
BETWEEN_PRIORS = {"spm12": 1 / 16, "wide": 1.0}  # prior variance of the log precisions γ


@dataclass(frozen=True)
class GroupOptions:
    """What a person asked for.

    Fields:
        paths: files or folders of first-level results.
        design: table of participants; None for the mean alone.
        covariates: its columns to use, in order; None for all.
        interactions: pairs of covariates to multiply.
        centred: whether numbers are centred.
        plus: kinds of participants that are coded +1, see `peb.make_design`.
        fields: fields of the DCM that the group explains; None for A and B as far as there are any.
        parameters: single parameters, by name; instead of fields where none are named.
        sessions: (before, after) to analyse the change from one session to another; None for the estimates as they are.
        matched_only: whether participants who are on one side only are left out (and named) instead of refused.
        by_order: whether row i of the design is for result i, by name sorted; for an SPM design, which has no names.
        settings: of the group fit.
    """

    paths: Sequence[Path]
    design: Path | None = None
    covariates: Sequence[str] | None = None
    interactions: Sequence[tuple[str, str]] = ()
    centred: bool = True
    plus: Sequence[str] = ()
    fields: Sequence[str] | None = None
    parameters: Sequence[str] = ()
    sessions: tuple[str, str] | None = None
    matched_only: bool = False
    by_order: bool = False
    settings: PebSettings = field(default_factory=PebSettings)


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


def read_group(options: GroupOptions, say: Callable[[str], None]) -> GroupInputs:
    """Read, pair, match and check; every error and remark is said as it is found.

    Raises `UsageError` where there is nothing to analyse, or participants do not match.
    """
    levels, errors = read_estimates(options.paths)
    for line in errors:
        say(line)
    if not levels:
        raise UsageError(
            "no first-level result could be read; give the folder that effconn invert wrote, or SPM's files"
        )
    estimates = [one.estimate for one in levels]
    lines: list[str] = []
    try:
        if options.sessions is not None:
            estimates, lines = pair_sessions(estimates, *options.sessions)
        _check_sessions(options, estimates)
        design, left = _design(options, [one.name for one in estimates])
        chosen = _chosen(options, estimates[0])
    except (DesignError, PebError, TableError, ValueError) as error:
        raise UsageError(str(error)) from error
    if options.sessions is not None:
        say(f"change: {options.sessions[1]} less {options.sessions[0]}")
    left_out = [*lines, *left]
    notes = [*left_out, *design.remarks]
    for line in notes:
        say(line)
    by_name = {one.name: one for one in estimates}
    return GroupInputs(
        tuple(by_name[name] for name in design.participants),
        design,
        levels[0].spec,
        chosen,
        options.settings,
        options.sessions,
        tuple(notes),
        tuple(errors),
        tuple(left_out),
    )


def _check_sessions(options: GroupOptions, estimates: Sequence[Estimate]) -> None:
    """Two sessions of one participant are not two participants; without a design nobody has said that they count."""
    people: dict[str, str] = {}
    for one in estimates:
        who = one.name.split("_ses-")[0]
        if "_ses-" in one.name and who in people and options.design is None:
            raise UsageError(
                f"{people[who]} and {one.name} are sessions of one person; give --change BEFORE,AFTER, or --design "
                "with a row for each session"
            )
        people[who] = one.name


def _design(options: GroupOptions, names: Sequence[str]) -> tuple[Design, list[str]]:
    """The design over the participants on both sides, and a line for everybody who is left out."""
    if options.design is None:
        if options.covariates or options.interactions:
            raise UsageError("covariates need --design, the table that holds them")
        if options.matched_only or options.by_order or not options.centred:
            raise UsageError("--matched-only, --by-order and --raw say how to use --design, which is not given")
        return make_design(names, {}), []
    how: Any = {
        "covariates": options.covariates,
        "centre": options.centred,
        "interactions": options.interactions,
        "plus": options.plus,
    }
    if not options.matched_only:
        return read_design(options.design, names, by_order=options.by_order, **how), []
    matched = match_design(options.design, names, **how)
    sides = (("no row in the design", matched.without_row), ("no result", matched.without_estimate))
    return matched.design, [f"{name}: left out, {what}" for what, who in sides for name in who]


def _chosen(options: GroupOptions, one: Estimate) -> tuple[str, ...]:
    """The fields and parameters asked for, all of which the models have; by default A and B, if there are any."""
    if options.fields is None and not options.parameters:
        there = tuple(field for field in DEFAULT_FIELDS if field in one.fields)
        if not there:
            raise PebError(
                f"the models have neither A nor B; name --fields, which are {', '.join(dict.fromkeys(one.fields))}"
            )
        return there
    chosen = (*(options.fields or ()), *options.parameters)
    one.select(chosen)
    return chosen
