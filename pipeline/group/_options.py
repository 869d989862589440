"""What a group analysis is asked for: the files, the design, the parameters, the settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from peb import (
    SMALLEST_EFFECT,
    Compat,
    PebSettings,
)

from ..common import (
    UsageError,
)
from ._visit_estimates import VisitsAsked

DEFAULT_FIELDS = ("A", "B")  # as SPM12
BETWEEN_PRIORS = {"spm12": 1 / 16, "wide": 1.0}  # prior variance of the log precisions γ
COMPATS = ("none", "spm12", "spm25")
EXACT_IS_GONE = "what was 'exact' is now 'none' with between = 'gaussian' (--between gaussian)"


@dataclass(frozen=True)
class GroupOptions:
    """What is asked for.

    Fields:
        paths: files or folders of first-level results.
        design: table of participants; None for the mean alone.
        covariates: its columns to use, in order; None for all.
        interactions: pairs of covariates to multiply.
        centred: whether numbers are centred.
        formula: of the design, in the place of covariates, interactions and `centred`; None where these say it.
        reference: of a formula's factors, the level that the others are taken from.
        order: of a formula's factors, all levels in their order.
        contrasts: name → sums of levels or columns to answer, such as ``ketamine - midazolam``.
        plus: kinds of participants that are coded +1, see `peb.make_design`.
        named: columns whose cells are names even where they are numbers, such as arms called 0 and 1.
        fields: fields of the DCM that the group explains; None for A and B as far as there are any.
        parameters: single parameters, by name; instead of fields where none are named.
        sessions: (before, after) to analyse the change from one session to another; None for the estimates as they are.
        visits: what else is taken of each participant's visits; None for the estimates as they are.
        is_treated: whether treatment lies between the two sessions of a change.
        group_word: what two groups that are compared are called, arm or group.
        matched_only: whether participants who are on one side only are left out (and named) instead of refused.
        by_order: whether row i of the design is for result i, numbers in the names of a folder's files as numbers; for
            an SPM design, which has no names.
        gcm_column: which column, a model, to take of GCMs that have several; None where none has.
        reduced_model: which to take of the models that a study has reduced from its main one; None where there is none.
        all_different: whether every estimate counts as somebody of their own, though names look like visits of one.
        settings: of the group fit.
        smallest_effect: below which an effect counts as none, in Hz (per SD of a covariate that is a number).
        reinvert: whether participants are inverted again under what the group says of them.
        series: where to look for what results were made from, beside where they are.
    """

    paths: Sequence[Path]
    design: Path | None = None
    covariates: Sequence[str] | None = None
    interactions: Sequence[tuple[str, str]] = ()
    centred: bool = True
    formula: str | None = None
    reference: Mapping[str, str] = field(default_factory=dict)
    order: Mapping[str, Sequence[str]] = field(default_factory=dict)
    contrasts: Mapping[str, str] = field(default_factory=dict)
    plus: Sequence[str] = ()
    named: Sequence[str] = ()
    fields: Sequence[str] | None = None
    parameters: Sequence[str] = ()
    sessions: tuple[str, str] | None = None
    visits: VisitsAsked | None = None
    is_treated: bool = False
    group_word: str = "arm"
    matched_only: bool = False
    by_order: bool = False
    gcm_column: int | None = None
    reduced_model: str | None = None
    all_different: bool = False
    settings: PebSettings = field(default_factory=PebSettings)
    smallest_effect: float = SMALLEST_EFFECT
    reinvert: bool = False
    series: Sequence[Path] = ()


def split_pair(text: str, option: str) -> tuple[str, str]:
    """The sides of ``group=controls``; raises `UsageError` where it has not two."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise UsageError(f"{option} is a name, = and a value, such as group=controls, not {text!r}")
    return name, value


def named_contrasts(texts: Sequence[str]) -> dict[str, str]:
    """Name → contrast, of ``drug=ketamine - midazolam``; one without a name is called by its text.

    Raises `UsageError` where a name is there twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, value = split_pair(text, "--contrast") if "=" in text else (text.strip(), text)
        if name in found:
            raise UsageError(f"--contrast {name} is there twice; give each a name of its own")
        found[name] = value
    return found


def group_settings(
    compat: str = "none",
    between: str | None = None,
    components: str | None = None,
    between_prior: str | None = None,
) -> PebSettings:
    """How a group is fitted, from what was asked for; None leaves it to the mode.

    Raises `UsageError` where that does not go together.
    """
    if compat not in COMPATS:
        more = f"; {EXACT_IS_GONE}" if compat == "exact" else ""
        raise UsageError(f"--compat must be one of {', '.join(COMPATS)}, not {compat!r}{more}")
    given = {"components": components, "between-prior": between_prior}
    asked = [name for name, value in given.items() if value is not None]
    if compat == "none" and between != "gaussian":
        if asked:
            raise UsageError(
                f"--{asked[0]} is for Gaussian participants, and by default each connection has a spread of its own, "
                "found from the data; leave it out, or give --between gaussian"
            )
        return PebSettings()
    if between == "mixture":
        raise UsageError(f"--compat {compat} has SPM's Gaussian participants; leave --between mixture out")
    variance = BETWEEN_PRIORS[between_prior or ("wide" if compat == "none" else "spm12")]
    return PebSettings(
        compat=cast(Compat, compat),
        between="gaussian",
        components=cast(Any, components or "single"),
        noise_variance=variance,
    )


def check_smallest_effect(size: float) -> float:
    """The size itself; raises `UsageError` where it is none."""
    if not (math.isfinite(size) and size > 0):
        raise UsageError(f"--smallest-effect must be a size in Hz above 0, such as 0.5, not {size:g}")
    return size


def mode_words(settings: PebSettings) -> str:
    """A mode, such as ``compat none, participants a mixture``."""
    return f"compat {settings.compat}, participants {'a mixture' if settings.is_mixture else 'Gaussian'}"


def add_arm_interactions(options: GroupOptions, arm: str) -> GroupOptions:
    """The options with products of the arm and every other covariate that is asked for."""
    if options.design is None:
        raise UsageError("arms need --design, a table with a column of the arm")
    if options.formula is not None or options.contrasts:
        raise UsageError("arms are a comparison of their own; give --formula and --contrast to effconn peb fit")
    if options.covariates is None:
        from ..tables import TableError, read_table

        try:
            columns = read_table(options.design).columns
        except TableError as error:
            raise UsageError(str(error)) from error
        others = [name for name in columns if name not in ("participant_id", arm)]
    else:
        others = [name for name in options.covariates if name != arm]
    made = {frozenset(pair) for pair in options.interactions}
    more = [(arm, name) for name in others if frozenset((arm, name)) not in made]
    pairs = [*options.interactions, *more]
    return replace(options, covariates=[arm, *others], interactions=pairs, named=[*options.named, arm])


def include_covariate(options: GroupOptions, covariate: str) -> GroupOptions:
    """The options, where the covariate is among those used.

    Raises `UsageError` where participants would be inverted again under a group that knows the covariate.
    """
    if options.reinvert:
        raise UsageError("--reinvert would tell everybody's inversion of the covariate that is tested; leave it out")
    if options.design is None:
        raise UsageError("this needs --design, the table that holds the covariate")
    if options.formula is None and options.covariates is not None and covariate not in options.covariates:
        return replace(options, covariates=[*options.covariates, covariate])
    return options
