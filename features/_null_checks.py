"""Null checks: correlations that should not be there, and how large one would have to be for so few people to show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from ._correlation import Correlation, correlations
from ._correlation_interval import DRAWN, Resampling
from ._design import FeatureError

POWER = 0.8


@dataclass(frozen=True)
class NullCheck:
    """A correlation with a nuisance variable.

    Fields:
        found: the correlation; its interval tells which are compatible with the data.
        detectable: the least |r| in the population that so many people show with the power `power`: a check that finds
            nothing says nothing about smaller ones. Equivalence to zero is not tested.
        power: of the two-sided test at 1 − level.
    """

    found: Correlation
    detectable: float
    power: float


def null_checks(
    x: Float[np.ndarray, "person"],
    columns: Mapping[str, Float[np.ndarray, "person"]],
    how: Resampling = DRAWN,
    arm: Float[np.ndarray, "person"] | None = None,
    power: float = POWER,
) -> tuple[NullCheck, ...]:
    """`correlations` of a column with nuisance variables, each with the least one that could have been seen."""
    return tuple(
        NullCheck(one, detectable_correlation(one.people, 1 - how.level, power), power)
        for one in correlations(x, columns, how, arm)
    )


def detectable_correlation(people: int, alpha: float = 0.05, power: float = POWER) -> float:
    """The least |r| that a two-sided test at `alpha` finds with a given power: ``tanh((z₁₋α/₂ + z_power) / √(n − 3))``.

    Raises `FeatureError` for fewer than four people.

    Source: Fisher 1921, Metron 1 (the transformation); Cohen 1988, Statistical Power Analysis, ch. 3.
    """
    if people < 4:
        raise FeatureError(f"{people} people are too few for a correlation to be found; it takes 4")
    z = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    return math.tanh(z / math.sqrt(people - 3))
