"""Tables of participants for the predictive models' tests."""

from __future__ import annotations

import numpy as np

from features import Outcome, PredictorColumn, Predictors


def predictors_of(values: np.ndarray, missing: float = 0.0, seed: int = 0) -> Predictors:
    """Plain predictors x1, x2, … with these values, a share of them missing."""
    participants, columns = values.shape
    holes = np.random.default_rng(seed).random(values.shape) < missing
    names = [f"x{place + 1}" for place in range(columns)]
    return Predictors(
        participants=tuple(f"sub-{number + 1:02d}" for number in range(participants)),
        columns=tuple(PredictorColumn(name, "covariate") for name in names),
        values=np.where(holes, np.nan, values),
        terms=tuple((name,) for name in names),
    )


def made_up(participants: int, columns: int, effect: float, seed: int) -> tuple[Predictors, Outcome]:
    """Noise, and an outcome to which the first two columns add `effect` each, in units of its noise."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(participants, columns))
    outcome = 10 + 4 * (effect * values[:, :2].sum(axis=1) + rng.normal(size=participants))
    return predictors_of(values), Outcome("improvement", "points", outcome)
