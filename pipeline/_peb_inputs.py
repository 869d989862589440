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
        fields: fields of the DCM that the group explains.
        parameters: single parameters instead, by name.
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
    fields: Sequence[str] = DEFAULT_FIELDS
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
        design, left = _design(options, [one.name for one in estimates])
        chosen = tuple(options.parameters) or _fields_there(options.fields, estimates[0])
    except (DesignError, PebError, TableError, ValueError) as error:
        raise UsageError(str(error)) from error
    notes = [*lines, *left, *design.remarks]
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
    )


def _design(options: GroupOptions, names: Sequence[str]) -> tuple[Design, list[str]]:
    """The design over the participants on both sides, and a line for everybody who is left out."""
    if options.design is None:
        if options.covariates or options.interactions:
            raise UsageError("covariates need --design, the table that holds them")
        return make_design(names, {}), ["no --design was given: the group mean alone is estimated"]
    how: Any = {"covariates": options.covariates, "centre": options.centred, "interactions": options.interactions}
    if not options.matched_only:
        return read_design(options.design, names, by_order=options.by_order, **how), []
    matched = match_design(options.design, names, **how)
    sides = (("no row in the design", matched.without_row), ("no result", matched.without_estimate))
    return matched.design, [f"{name}: left out, {what}" for what, who in sides for name in who]


def _fields_there(fields: Sequence[str], one: Estimate) -> tuple[str, ...]:
    """The fields that the model has; none of those asked for is an error."""
    there = tuple(field for field in fields if field in one.fields)
    if not there:
        raise PebError(f"the models have no {' or '.join(fields)}; they have {', '.join(dict.fromkeys(one.fields))}")
    return there
