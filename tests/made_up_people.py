"""Tables of people for the predictive models' tests."""

from __future__ import annotations

import numpy as np

from features import Column, Outcome, Predictors


def people_of(values: np.ndarray, missing: float = 0.0, seed: int = 0) -> Predictors:
    """Plain predictors x1, x2, … with these values, a share of them missing."""
    people, columns = values.shape
    holes = np.random.default_rng(seed).random(values.shape) < missing
    names = [f"x{place + 1}" for place in range(columns)]
    return Predictors(
        people=tuple(f"sub-{number + 1:02d}" for number in range(people)),
        columns=tuple(Column(name, "covariate") for name in names),
        values=np.where(holes, np.nan, values),
        terms=tuple((name,) for name in names),
    )


def made_up(people: int, columns: int, effect: float, seed: int) -> tuple[Predictors, Outcome]:
    """Noise, and an outcome to which the first two columns add `effect` each, in units of its noise."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(people, columns))
    outcome = 10 + 4 * (effect * values[:, :2].sum(axis=1) + rng.normal(size=people))
    return people_of(values), Outcome("improvement", "points", outcome)
