"""Two arms compared: each connection in each, and how surely it differs, by two methods and if asked by sampling."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from peb import (
    MEAN,
    ArmComparison,
    DesignError,
    GroupPosterior,
    PebError,
    SampledGroup,
    SamplingComparison,
    SamplingSettings,
    are_unbalanced,
    arms_from_groups,
    arms_from_interactions,
    arms_from_separate_groups,
    cells_of_contrast,
    column_contrast,
    fit_each_level,
    is_mean_over_levels,
    sample,
)

from ..common import UsageError
from ..page import EFFECT, PROBABILITY, SPREAD, Column, Records
from ..study import guess_arms
from ..verdicts import KindComparisons
from ._contrasts import compare_levels
from ._fit import fit_group
from ._group_inputs import GroupInputs

ONE_GROUP, GROUP_PER_ARM, THIRD_LEVEL = "one group", "a group per arm", "third level"
MIN_ARM_SIZE = 3  # participants of an arm
SAMPLING_COLUMNS = (
    Column("effect", "Effect"),
    Column("laplace_mean", "Mean", EFFECT),
    Column("sampled_mean", "sampled", EFFECT),
    Column("laplace_sd", "SD", SPREAD),
    Column("sampled_sd", "sampled", SPREAD),
    Column("laplace_beyond_zero", "P(> 0)", PROBABILITY),
    Column("sampled_beyond_zero", "sampled", PROBABILITY),
    Column("r_hat", "R-hat", ".3f"),
    Column("sample_size", "ESS", ".0f"),
)
DISAGREEMENT = (0.1, 0.15)  # posterior SDs and share of an SD from which draws and Laplace are said to differ
CONVERGED_R_HAT = 1.01  # R-hat below which chains agree


@dataclass(frozen=True, eq=False)
class ArmAnalysis:
    """Two arms compared.

    Fields:
        column: of the design that codes the arm.
        group: one PEB over everybody, with interactions.
        by_interactions: comparisons from it, one for each covariate.
        by_groups: comparisons from a group of each arm, one for each covariate.
        third: the level over the two that these are from; None where they are taken for all there are.
        sampled: draws of the same hierarchy as `group`; None where not asked for.
        warnings: what should be known before it is trusted.
    """

    column: str
    group: GroupPosterior
    by_interactions: tuple[ArmComparison, ...]
    by_groups: tuple[ArmComparison, ...]
    third: GroupPosterior | None
    sampled: SampledGroup | None
    warnings: tuple[str, ...]

    @property
    def names(self) -> tuple[str, str]:
        """Of the arms; differences are the first minus the second."""
        return self.by_interactions[0].arms

    @property
    def second_method(self) -> str:
        """What `by_groups` is called."""
        return GROUP_PER_ARM if self.third is None else THIRD_LEVEL

    @property
    def judged(self) -> tuple[ArmComparison, ...]:
        """The comparisons that answers are from: by a group of each arm, unless participants are Gaussian."""
        return self.by_groups if self.by_separate_groups else self.by_interactions

    @property
    def by_separate_groups(self) -> bool:
        """Whether answers are from a group of each arm."""
        return self.third is None

    @property
    def sign(self) -> float:
        """How the design codes the first arm: −1 or +1."""
        return 1.0 if self.group.design.kinds[self.column][1] == self.names[0] else -1.0


def compare_arms(
    inputs: GroupInputs,
    arm: str,
    sampling: SamplingSettings | None = None,
    order: tuple[str, str] | None = None,
) -> ArmAnalysis:
    """Compare two arms by both methods, and with `sampling` by draws of the first.

    Raises `UsageError` where the design has no two arms.

    Arguments:
        arm: column of the design.
        sampling: how to draw, where the result is to be checked by sampling.
        order: both arms, the one that the other is taken from first; None to have the one that is called like a
            reference (placebo, control) second, or else the later in the alphabet.
    """
    word = inputs.group_word
    inputs.require_rows_of_participants(f"a comparison of {word}s")
    column = next((name for name in inputs.design.kinds if name.startswith(f"{arm}[")), None)
    if column is None:
        raise UsageError(f"{arm} must be a column of the design with two names in it, one for each {word}")
    signs = dict(zip(inputs.design.kinds[column], (-1.0, 1.0), strict=True))
    kinds = inputs.design.kinds[column]
    names = order or guess_arms(kinds) or kinds
    if set(names) != set(signs):
        raise UsageError(f"{arm} holds {' and '.join(signs)}, but the {word}s to compare are {' and '.join(names)}")
    few = [name for name in names if _members(inputs, column, signs[name]).size < MIN_ARM_SIZE]
    if few:
        raise UsageError(f"{' and '.join(few)} has fewer than {MIN_ARM_SIZE} participants; {word}s cannot be compared")
    group, warnings = fit_group(inputs, "all-participants")
    by_interactions = arms_from_interactions(group, column, names)
    try:
        each = _each_kind(inputs, column)
    except (DesignError, PebError) as error:
        alone = "a group of one arm" if word == "arm" else "one group"
        raise UsageError(f"{alone} alone cannot be fitted: {error}") from error
    each = each if signs[names[0]] > 0 else each[::-1]
    chosen, third = [comparison.covariate for comparison in by_interactions], None
    if inputs.settings.is_mixture:
        by_groups = arms_from_separate_groups(each[0], each[1], chosen)
    else:
        # Two arms have effects of such different precision that SPM12's climb stops far from the optimum.
        levels = arms_from_groups(each[0], each[1], replace(inputs.settings, compat="none"), chosen)
        by_groups, third = levels.comparisons, levels.group
    sampled = None
    if sampling is not None:
        sampled = sample(inputs.estimates, inputs.design, inputs.settings, sampling, parameters=inputs.chosen)
    return ArmAnalysis(column, group, by_interactions, by_groups, third, sampled, warnings)


def compare_kinds(inputs: GroupInputs) -> KindComparisons:
    """Covariates that tell two kinds of participants apart, each by a group of each kind; none in a Gaussian group.

    One whose kinds cannot be fitted alone is left to the group of both where these are about as many, and is None else.
    """
    if inputs.design.form is not None:
        return compare_levels(inputs)
    found: dict[str, ArmComparison | None] = {}
    if not inputs.settings.is_mixture or inputs.participant_of:  # of visits, kinds may be within participants
        return found
    for column in inputs.design.kinds:
        about = {_other_factor(name, column): name for name in inputs.design.covariates if _is_of(name, column, inputs)}
        sizes = [_members(inputs, column, sign).size for sign in (1.0, -1.0)]
        each: dict[str, ArmComparison] = {}
        if about and min(sizes) >= MIN_ARM_SIZE:
            with suppress(DesignError, PebError):
                each = {
                    comparison.covariate: comparison
                    for comparison in arms_from_separate_groups(*_each_kind(inputs, column), list(about))
                }
        if each or are_unbalanced(*sizes):
            found |= {name: each.get(other) for other, name in about.items()}
    return found


def unbalanced_kinds(inputs: GroupInputs, covariate: str) -> tuple[int, int] | None:
    """How many participants are of either kind, where a covariate of the design is of two and they are unbalanced."""
    if inputs.design.form is not None:
        contrast = column_contrast(inputs.design, covariate)
        if is_mean_over_levels(inputs.design, contrast):
            return None
        sizes = [len(cell.rows) for cell in cells_of_contrast(inputs.design, contrast)]
        least, most = min(sizes, default=0), max(sizes, default=0)
        return (most, least) if sizes and are_unbalanced(most, least) else None
    if covariate not in inputs.design.kinds:
        return None
    first, second = (_members(inputs, covariate, sign).size for sign in (1.0, -1.0))
    return (first, second) if are_unbalanced(first, second) else None


def _is_of(covariate: str, column: str, inputs: GroupInputs) -> bool:
    """Whether a covariate is a column coded ±1, or its product with numbers whose own effect the design has."""
    others = [part for part in covariate.split("×") if part != column]
    if len(others) == len(covariate.split("×")) or any(part in inputs.design.kinds for part in others):
        return False
    return _other_factor(covariate, column) in inputs.design.covariates


def _other_factor(covariate: str, column: str) -> str:
    """What a product with a column is of; the mean, of the column itself."""
    return "×".join(part for part in covariate.split("×") if part != column) or MEAN


def _members(inputs: GroupInputs, column: str, sign: float) -> np.ndarray:
    """The rows of one arm."""
    return np.flatnonzero(inputs.design.matrix[:, inputs.design.column(column)] == sign)


def _each_kind(inputs: GroupInputs, column: str) -> tuple[GroupPosterior, GroupPosterior]:
    return fit_each_level(inputs.estimates, inputs.design, column, inputs.settings, parameters=inputs.chosen)


def sampling_records(arms: ArmAnalysis) -> Records:
    """The Laplace approximation beside NUTS: the effects of the one group, and the differences between arms."""
    sampled, compared = _sampled(arms), _compare_to_laplace(arms)
    r_hat = np.concatenate([sampled.r_hat, np.full(len(compared.effects) - len(sampled.effects), np.nan)])
    size = np.concatenate([sampled.sample_size, np.full(len(compared.effects) - len(sampled.effects), np.nan)])
    named = ("laplace_mean", "sampled_mean", "laplace_sd", "sampled_sd", "laplace_beyond_zero", "sampled_beyond_zero")
    rows: list[dict[str, Any]] = [
        {
            "effect": effect,
            **{name: float(getattr(compared, name)[i]) for name in named},
            "r_hat": float(r_hat[i]),
            "sample_size": float(size[i]),
        }
        for i, effect in enumerate(compared.effects)
    ]
    shift, ratio = DISAGREEMENT
    lead = (
        f"The same hierarchy drawn from by NUTS, {sampled.draws.shape[0]} chains of {sampled.draws.shape[1]} draws, "
        f"{sampled.divergences} divergent; R-hat below {CONVERGED_R_HAT:g} says that the chains agree. "
        f"Marked: means more than {shift:g} SD apart, SDs by more than {100 * ratio:.0f} %, or chains that do not "
        "agree."
    )
    odd = (np.abs(compared.shift) > shift) | (np.abs(compared.sd_ratio - 1) > ratio) | (r_hat > CONVERGED_R_HAT)
    return Records(
        "sampling", "Checked by sampling", lead, SAMPLING_COLUMNS, rows, frozenset(np.flatnonzero(odd).tolist())
    )


def sampling_warnings(arms: ArmAnalysis) -> tuple[str, ...]:
    """Where the draws cannot be trusted, or say something else than the Laplace approximation."""
    if arms.sampled is None:
        return ()
    odd = sampling_records(arms).marked
    said = []
    if arms.sampled.divergences:
        said.append(f"{arms.sampled.divergences} draws diverged: the check by sampling may be biased.")
    if odd:
        said.append(f"Sampling and the Laplace approximation differ in {len(odd)} effects; see the table of the check.")
    return tuple(said)


def _compare_to_laplace(arms: ArmAnalysis) -> SamplingComparison:
    """Every effect of the one group, and every difference between the arms."""
    group = arms.group
    weights, names = [np.eye(group.posterior.mean.size)], list(group.effects)
    for comparison in arms.by_interactions:
        places = group.places(_arm_column(arms, comparison))
        weights.append(2 * arms.sign * np.eye(group.posterior.mean.size)[places])
        names += [
            f"{comparison.arms[0]} − {comparison.arms[1]}, {comparison.covariate}: {name}"
            for name in comparison.parameters
        ]
    return _sampled(arms).compare(group, np.concatenate(weights), names)


def _sampled(arms: ArmAnalysis) -> SampledGroup:
    if arms.sampled is None:
        raise ValueError("these arms were not sampled; ask compare_arms for it")
    return arms.sampled


def _arm_column(arms: ArmAnalysis, comparison: ArmComparison) -> str:
    """The column of the one group's design that tells the arms apart in a covariate's effect."""
    return arms.column if comparison.covariate == MEAN else f"{arms.column}×{comparison.covariate}"


def draws_of(arms: ArmAnalysis, comparison: ArmComparison, i: int) -> Sequence[np.ndarray | None]:
    """NUTS draws of an effect in the first arm, the second, and of the difference."""
    if arms.sampled is None:
        return (None, None, None)
    places = (arms.group.places(name)[i] for name in (comparison.covariate, _arm_column(arms, comparison)))
    common, half = (arms.sampled.draws[..., place].ravel() for place in places)
    return (common + arms.sign * half, common - arms.sign * half, 2 * arms.sign * half)
