"""Small tables of participants with measures, motion, an arm and gaps, for the tests of what is made from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features import PredictorColumn, Predictors, Term


def participant_table(
    participants: int = 21,
    measures: int = 8,
    *,
    gaps: int = 0,
    motion: bool = True,
    terms: Sequence[Term] | None = None,
    seed: int = 0,
) -> Predictors:
    """Measures that share two sources and go with motion (two columns in turn); one value in five missing in `gaps`."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(participants, 2)) @ rng.normal(size=(2, measures))
    moved = rng.gamma(2.0, 0.1, size=(participants, 2))
    x = shared + rng.normal(size=(participants, measures)) + 3 * moved[:, np.arange(measures) % 2] + 5
    for place in range(gaps):
        x[rng.choice(participants, participants // 5, replace=False), place] = np.nan
    arm = np.where(np.arange(participants) % 2 == 0, 1.0, -1.0)
    score = rng.normal(30, 5, size=participants)
    names = [f"x{k}" for k in range(measures)]
    columns = [PredictorColumn(name, "measure", "a.u.", f"m{k % 2}" if motion else "") for k, name in enumerate(names)]
    columns += [PredictorColumn("arm", "arm"), PredictorColumn("score", "covariate", "points")]
    values = [x, arm[:, None], score[:, None]]
    if motion:
        columns += [PredictorColumn(f"m{k}", "motion", "mm") for k in (0, 1)]
        values.append(moved)
    chosen = tuple(terms) if terms else (*((n,) for n in names), ("arm",), ("arm", "x0"), ("score",))
    labels = tuple(f"sub-{k:02}" for k in range(participants))
    return Predictors(labels, tuple(columns), np.concatenate(values, axis=1), chosen)
