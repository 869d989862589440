"""Arms checked by sampling: the draws beside the Laplace approximation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from peb import MEAN, ArmComparison, SampledGroup, SamplingComparison

from ..page import EFFECT, PROBABILITY, SPREAD, Column, Records
from ._arms import Arms

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

DISAGREES = (0.1, 0.15)  # posterior SDs and share of an SD from which draws and Laplace are said to differ
MET = 1.01  # R-hat below which chains agree


def sampling_records(arms: Arms) -> Records:
    """The Laplace approximation beside NUTS: the effects of the one group, and the differences between arms."""
    sampled, beside = _sampled(arms), _beside(arms)
    r_hat = np.concatenate([sampled.r_hat, np.full(len(beside.effects) - len(sampled.effects), np.nan)])
    size = np.concatenate([sampled.sample_size, np.full(len(beside.effects) - len(sampled.effects), np.nan)])
    named = ("laplace_mean", "sampled_mean", "laplace_sd", "sampled_sd", "laplace_beyond_zero", "sampled_beyond_zero")
    rows: list[dict[str, Any]] = [
        {
            "effect": effect,
            **{name: float(getattr(beside, name)[i]) for name in named},
            "r_hat": float(r_hat[i]),
            "sample_size": float(size[i]),
        }
        for i, effect in enumerate(beside.effects)
    ]
    shift, ratio = DISAGREES
    lead = (
        f"The same hierarchy drawn from by NUTS, {sampled.draws.shape[0]} chains of {sampled.draws.shape[1]} draws, "
        f"{sampled.divergences} divergent; R-hat below {MET:g} says that the chains agree. Marked: means more than "
        f"{shift:g} SD apart, SDs by more than {100 * ratio:.0f} %, or chains that do not agree."
    )
    odd = (np.abs(beside.shift) > shift) | (np.abs(beside.sd_ratio - 1) > ratio) | (r_hat > MET)
    return Records(
        "sampling", "Checked by sampling", lead, SAMPLING_COLUMNS, rows, frozenset(np.flatnonzero(odd).tolist())
    )


def sampling_warnings(arms: Arms) -> tuple[str, ...]:
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


def _beside(arms: Arms) -> SamplingComparison:
    """Every effect of the one group, and every difference between the arms."""
    group = arms.group
    weights, names = [np.eye(group.posterior.mean.size)], list(group.effects)
    for one in arms.together:
        apart = group.places(_apart(arms, one))
        weights.append(2 * arms.sign * np.eye(group.posterior.mean.size)[apart])
        names += [f"{one.arms[0]} − {one.arms[1]}, {one.covariate}: {name}" for name in one.parameters]
    return _sampled(arms).compare(group, np.concatenate(weights), names)


def _sampled(arms: Arms) -> SampledGroup:
    if arms.sampled is None:
        raise ValueError("these arms were not sampled; ask compare_arms for it")
    return arms.sampled


def _apart(arms: Arms, one: ArmComparison) -> str:
    """The column of the one group's design that tells the arms apart in a covariate's effect."""
    return arms.column if one.covariate == MEAN else f"{arms.column}×{one.covariate}"


def draws_of(arms: Arms, one: ArmComparison, i: int) -> Sequence[np.ndarray | None]:
    """NUTS draws of an effect in the first arm, the second, and of the difference."""
    if arms.sampled is None:
        return (None, None, None)
    places = (arms.group.places(name)[i] for name in (one.covariate, _apart(arms, one)))
    common, half = (arms.sampled.draws[..., place].ravel() for place in places)
    return (common + arms.sign * half, common - arms.sign * half, 2 * arms.sign * half)
