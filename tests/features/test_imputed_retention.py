"""Models on tables that chance filled in."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_predictors import made_up, predictors_of

from features import FeatureError, Outcome, Tuning, assign_folds, imputed_retention

TUNING = Tuning((1.0,), 10, 1e-4)


def test_what_is_complete_and_strong_is_retained_whatever_is_filled_in() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 4))
    y = Outcome("y", "", 5 * x[:, 0] + rng.normal(size=20))
    table = predictors_of(x)
    table.values[2:5, 3] = np.nan
    share = imputed_retention(table, y, assign_folds(20, None), count=4, seed=0, tuning=TUNING)
    assert share[0] == 1
    assert ((share >= 0) & (share <= 1)).all()


def test_with_nothing_missing_there_is_nothing_to_draw() -> None:
    predictors, outcome = made_up(10, 3, 1.0, seed=0)
    with pytest.raises(FeatureError, match="nothing is missing"):
        imputed_retention(predictors, outcome, assign_folds(10, None), count=2, seed=0, tuning=TUNING)
