"""The numbers that are shown of a group's effects: those that its verdicts are from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from peb import GroupPosterior

from ..results import LEVEL
from ..verdicts import CovariateVerdict


@dataclass(frozen=True, eq=False)
class EffectNumbers:
    """Of every effect.

    Fields:
        mean, sd: of its posterior.
        interval: from, to.
        above_zero: P(effect > 0).
        with_v_without: the probability of the model that has it beside the model that lacks it alone.
    """

    mean: Float[np.ndarray, "param covariate"]
    sd: Float[np.ndarray, "param covariate"]
    interval: Float[np.ndarray, "param covariate 2"]
    above_zero: Float[np.ndarray, "param covariate"]
    with_v_without: Float[np.ndarray, "param covariate"]


def effect_numbers(group: GroupPosterior, judged: Mapping[str, CovariateVerdict]) -> EffectNumbers:
    """The group's numbers; of a difference that a group of each kind answers, half of it, as it is coded."""
    shown = EffectNumbers(
        group.mean.copy(),
        group.sd.copy(),
        group.interval(LEVEL).copy(),
        group.probability.copy(),
        group.with_v_without.copy(),
    )
    for k, covariate in enumerate(group.design.covariates):
        one = judged[covariate].kinds if covariate in judged else None
        if one is not None:
            shown.mean[:, k], shown.sd[:, k] = one.half_difference.mean, one.half_difference.sd
            shown.interval[:, k] = one.interval(LEVEL) / 2
            shown.above_zero[:, k] = one.beyond_zero.difference
            shown.with_v_without[:, k] = one.with_v_without.difference
    return shown
