"""Terms come out in order, products of columns centred by the participants of the fold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import FeatureError, PredictorColumn
from features._preparation import ProductTerms

COLUMNS = (PredictorColumn("arm", "arm"), PredictorColumn("x", "measure"), PredictorColumn("y", "covariate"))


def some(seed: int = 0, participants: int = 11) -> np.ndarray:
    rng = np.random.default_rng(seed)
    arm = np.where(rng.permutation(participants) < participants // 2, 1.0, -1.0)
    return np.column_stack([arm, rng.normal(3, 2, size=(participants, 2))])


def test_a_term_is_a_column_or_a_product_of_centred_columns_in_order() -> None:
    arm, x, y = some().T
    found = ProductTerms(COLUMNS, (("y",), ("arm", "x"), ("arm", "x", "y"), ("arm",))).fit_transform(some())
    da, dx, dy = arm - arm.mean(), x - x.mean(), y - y.mean()
    np.testing.assert_allclose(found, np.column_stack([y, da * dx, da * dx * dy, arm]), atol=1e-14)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-100, 100))
def test_a_product_does_not_depend_on_where_zero_is(seed: int, shift: float) -> None:
    terms = (("arm", "x"),)
    plain = ProductTerms(COLUMNS, terms).fit_transform(some(seed))
    moved = ProductTerms(COLUMNS, terms).fit_transform(some(seed) + np.array([0, shift, 0]))
    np.testing.assert_allclose(moved, plain, atol=1e-11)


def test_new_people_are_centred_by_the_means_of_the_old() -> None:
    old, new = some(1), some(2)
    found = ProductTerms(COLUMNS, (("arm", "x"),)).fit(old).transform(new)
    expected = (new[:, 0] - old[:, 0].mean()) * (new[:, 1] - old[:, 1].mean())
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("constant", [0.1, 1.0, -1.0, 1 / 3])
def test_a_product_with_a_constant_is_exactly_zero(constant: float) -> None:
    values = some(participants=19)
    values[:, 1] = constant
    assert (ProductTerms(COLUMNS, (("x", "y"),)).fit_transform(values) == 0).all()


def test_names_say_what_terms_are() -> None:
    transformer = ProductTerms(COLUMNS, (("x",), ("arm", "x"))).fit(some())
    assert list(transformer.get_feature_names_out()) == ["x", "arm × x"]


def test_a_missing_value_and_an_unknown_column_are_refused() -> None:
    values = some()
    values[2, 1] = np.nan
    with pytest.raises(FeatureError, match="x: a value is missing"):
        ProductTerms(COLUMNS, (("arm",),)).fit(values)
    with pytest.raises(FeatureError, match="no column 'z' for a term; there are arm, x, y"):
        ProductTerms(COLUMNS, (("arm", "z"),)).fit(some())
