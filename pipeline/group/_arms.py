"""`effconn peb arms`: each connection in two arms, and how surely it differs, by two roads and if asked by sampling."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from peb import (
    MEAN,
    ArmComparison,
    DesignError,
    GroupPosterior,
    PebError,
    SampledGroup,
    SamplingSettings,
    are_unbalanced,
    arms_from_groups,
    arms_from_interactions,
    arms_from_separate_groups,
    fit_each_level,
    sample,
)

from ..common import UsageError
from ..study import guess_arms
from ..verdicts import KindComparisons
from ._estimation import fit_group
from ._inputs import GroupInputs, GroupOptions

TOGETHER, APART, LEVELS = "one group", "a group per arm", "third level"
LEAST = 3  # participants of an arm


@dataclass(frozen=True, eq=False)
class Arms:
    """Two arms compared.

    Fields:
        column: of the design that codes the arm.
        group: one PEB over everybody, with interactions.
        together: comparisons from it, one for each covariate.
        separate: comparisons from a group of each arm, one for each covariate.
        third: the level over the two that these are from; None where they are taken for all there are.
        sampled: draws of the same hierarchy as `group`; None where not asked for.
        warnings: what should be known before it is trusted.
    """

    column: str
    group: GroupPosterior
    together: tuple[ArmComparison, ...]
    separate: tuple[ArmComparison, ...]
    third: GroupPosterior | None
    sampled: SampledGroup | None
    warnings: tuple[str, ...]

    @property
    def names(self) -> tuple[str, str]:
        """Of the arms; differences are the first less the second."""
        return self.together[0].arms

    @property
    def other_road(self) -> str:
        """What `separate` is called."""
        return APART if self.third is None else LEVELS

    @property
    def answering(self) -> tuple[ArmComparison, ...]:
        """The comparisons that answers are from: by a group of each arm, unless people are Gaussian."""
        return self.separate if self.apart else self.together

    @property
    def apart(self) -> bool:
        """Whether answers are from a group of each arm."""
        return self.third is None

    @property
    def sign(self) -> float:
        """How the design codes the first arm: −1 or +1."""
        return 1.0 if self.group.design.kinds[self.column][1] == self.names[0] else -1.0


def add_arm_interactions(options: GroupOptions, arm: str) -> GroupOptions:
    """The options with products of the arm and every other covariate that is asked for."""
    if options.design is None:
        raise UsageError("arms need --design, a table with a column of the arm")
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


def compare_arms(
    inputs: GroupInputs,
    arm: str,
    sampling: SamplingSettings | None = None,
    order: tuple[str, str] | None = None,
) -> Arms:
    """Both roads, and draws of the first with `sampling`; raises `UsageError` where the design has no two arms.

    Arguments:
        arm: column of the design.
        sampling: how to draw, where the result is to be checked by sampling.
        order: both arms, the one that the other is taken from first; None to have the one that is called like a
            reference (placebo, control) second, or else the later in the alphabet.
    """
    column = next((name for name in inputs.design.kinds if name.startswith(f"{arm}[")), None)
    if column is None:
        raise UsageError(f"{arm} must be a column of the design with two names in it, one for each arm")
    signs = dict(zip(inputs.design.kinds[column], (-1.0, 1.0), strict=True))
    kinds = inputs.design.kinds[column]
    names = order or guess_arms(kinds).names or kinds
    if set(names) != set(signs):
        raise UsageError(f"{arm} holds {' and '.join(signs)}, but the arms to compare are {' and '.join(names)}")
    few = [name for name in names if _members(inputs, column, signs[name]).size < LEAST]
    if few:
        raise UsageError(f"{' and '.join(few)} has fewer than {LEAST} participants; arms cannot be compared")
    group, warnings = fit_group(inputs, "all-participants")
    together = arms_from_interactions(group, column, names)
    try:
        each = _each_kind(inputs, column)
    except (DesignError, PebError) as error:
        raise UsageError(f"a group of one arm alone cannot be fitted: {error}") from error
    each = each if signs[names[0]] > 0 else each[::-1]
    chosen, third = [one.covariate for one in together], None
    if inputs.settings.is_mixture:
        separate = arms_from_separate_groups(each[0], each[1], chosen)
    else:
        # Two arms have effects of such different precision that SPM12's climb stops far from the optimum.
        levels = arms_from_groups(each[0], each[1], replace(inputs.settings, compat="none"), chosen)
        separate, third = levels.comparisons, levels.group
    sampled = None
    if sampling is not None:
        sampled = sample(inputs.estimates, inputs.design, inputs.settings, sampling, parameters=inputs.chosen)
    return Arms(column, group, together, separate, third, sampled, warnings)


def compare_kinds(inputs: GroupInputs) -> KindComparisons:
    """Covariates that tell two kinds of participants apart, each by a group of each kind; none of Gaussian people.

    One whose kinds cannot be fitted alone is left to the group of both where these are about as many, and is None else.
    """
    found: dict[str, ArmComparison | None] = {}
    if not inputs.settings.is_mixture:
        return found
    for column in inputs.design.kinds:
        about = {_other(name, column): name for name in inputs.design.covariates if _is_of(name, column, inputs)}
        sizes = [_members(inputs, column, sign).size for sign in (1.0, -1.0)]
        each: dict[str, ArmComparison] = {}
        if about and min(sizes) >= LEAST:
            with suppress(DesignError, PebError):
                each = {
                    one.covariate: one for one in arms_from_separate_groups(*_each_kind(inputs, column), list(about))
                }
        if each or are_unbalanced(*sizes):
            found |= {name: each.get(other) for other, name in about.items()}
    return found


def unbalanced_kinds(inputs: GroupInputs, covariate: str) -> tuple[int, int] | None:
    """How many participants are of either kind, where a covariate of the design is of two and they are unbalanced."""
    if covariate not in inputs.design.kinds:
        return None
    first, second = (_members(inputs, covariate, sign).size for sign in (1.0, -1.0))
    return (first, second) if are_unbalanced(first, second) else None


def _is_of(covariate: str, column: str, inputs: GroupInputs) -> bool:
    """Whether a covariate is a column coded ±1, or its product with numbers whose own effect the design has."""
    others = [part for part in covariate.split("×") if part != column]
    if len(others) == len(covariate.split("×")) or any(part in inputs.design.kinds for part in others):
        return False
    return _other(covariate, column) in inputs.design.covariates


def _other(covariate: str, column: str) -> str:
    """What a product with a column is of; the mean, of the column itself."""
    return "×".join(part for part in covariate.split("×") if part != column) or MEAN


def _members(inputs: GroupInputs, column: str, sign: float) -> np.ndarray:
    """The rows of one arm."""
    return np.flatnonzero(inputs.design.matrix[:, inputs.design.column(column)] == sign)


def _each_kind(inputs: GroupInputs, column: str) -> tuple[GroupPosterior, GroupPosterior]:
    return fit_each_level(inputs.estimates, inputs.design, column, inputs.settings, parameters=inputs.chosen)
