"""glmnet's and scikit-learn's ways to write one penalty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import ElasticNet

from features import FeatureError, glmnet_penalty, scikit_penalty
from features._elastic_net_path import fit_path, standardise

POSITIVE = st.floats(0.01, 100)


@given(POSITIVE, st.floats(0.01, 1), POSITIVE)
def test_there_and_back_is_the_same_penalty(penalty: float, alpha: float, spread: float) -> None:
    back = glmnet_penalty(*scikit_penalty(penalty, alpha, spread), spread)
    assert back == pytest.approx((penalty, alpha), rel=1e-9)


@given(st.floats(0.05, 1), st.floats(0.1, 20))
def test_scikit_learn_on_the_raw_outcome_has_the_path_coefficients(alpha: float, spread: float) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(20, 8)), rng.normal(size=20)
    y = 3 + (y - y.mean()) / y.std() * spread
    sample = standardise(x)
    path = fit_path(sample, y, alpha, 10, 1e-12)
    arguments = scikit_penalty(float(path.penalties[5]), alpha, spread)
    model = ElasticNet(alpha=arguments.alpha, l1_ratio=arguments.l1_ratio, tol=1e-12, max_iter=100_000)
    model.fit(sample.values, y)
    np.testing.assert_allclose(path.coefficients[5], model.coef_, atol=1e-6 * spread)


@pytest.mark.parametrize(("penalty", "alpha", "spread"), [(0, 0.5, 1), (1, 1.5, 1), (1, 0.5, 0), (np.nan, 0.5, 1)])
def test_what_is_no_penalty_is_refused(penalty: float, alpha: float, spread: float) -> None:
    with pytest.raises(FeatureError, match="no elastic net"):
        scikit_penalty(penalty, alpha, spread)
    with pytest.raises(FeatureError, match="no elastic net"):
        glmnet_penalty(penalty, alpha, spread)
