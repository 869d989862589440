"""Simulated studies of the predictive arm: so many participants and predictors, with an effect or none."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from features import Outcome, PredictorColumn, Predictors

SIZE = (21, 30)  # participants and predictors of the ketamine study, about


def simulated(rng: np.random.Generator, effect: float, size: tuple[int, int] = SIZE) -> tuple[Predictors, Outcome]:
    """Predictors without relation to each other, and an outcome.

    Arguments:
        rng: of everything drawn.
        effect: what each of the first two adds to the outcome, over the standard deviation of the noise; 0 for none.
            The largest r² that there can be is 2 effect² / (1 + 2 effect²).
        size: how many participants, and predictors.
    """
    values = rng.standard_normal(size)
    noise = rng.standard_normal(size[0])
    return _predictors(values), Outcome("improvement", "points", 10 + 4 * (effect * values[:, :2].sum(axis=1) + noise))


def _predictors(values: Float[np.ndarray, "participant predictor"]) -> Predictors:
    participants, count = values.shape
    names = [f"x{place + 1}" for place in range(count)]
    return Predictors(
        participants=tuple(f"sub-{number + 1:02d}" for number in range(participants)),
        columns=tuple(PredictorColumn(name, "covariate") for name in names),
        values=values,
        terms=tuple((name,) for name in names),
    )
