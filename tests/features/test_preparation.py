"""What comes before the elastic net lives inside a fold, as scikit-learn has it, and doesn't see who is left out."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_set_params,
)
from tables_of_participants import participant_table

from features import FeatureError, PredictorColumn, Predictors
from features._imputation import Imputation, ImputationMethod
from features._motion import MotionResiduals
from features._preparation import ProductTerms, preparation_pipeline

FULL = participant_table(gaps=3)
COMPLETE = participant_table(motion=False)


def transformers() -> list[BaseEstimator]:
    kept = COMPLETE.columns
    return [
        MotionResiduals(FULL.columns, ("x0", "arm")),
        Imputation(kept, "iterative", ("x0",)),
        Imputation(kept, "neighbours"),
        ProductTerms(kept, (("x0",), ("arm", "x1"))),
    ]


def table_of(transformer: BaseEstimator) -> np.ndarray:
    return participant_table().values[:, : len(transformer.columns)]


@pytest.mark.parametrize("transformer", transformers(), ids=lambda one: type(one).__name__)
def test_each_step_behaves_as_scikit_learn_asks(transformer: BaseEstimator) -> None:
    name, X = type(transformer).__name__, table_of(transformer)
    check_no_attributes_set_in_init(name, transformer)
    check_get_params_invariance(name, transformer)
    check_set_params(name, transformer)
    copy = clone(transformer)
    assert copy.get_params() == transformer.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(X)
    before = X.copy()
    found = copy.fit(X).transform(X)
    assert copy.n_features_in_ == X.shape[1]
    assert (before == X).all()
    assert found.shape == (len(X), len(copy.get_feature_names_out()))
    np.testing.assert_array_equal(copy.fit(X).transform(X), found)
    np.testing.assert_array_equal(copy.transform(X[3:4]), found[3:4])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(copy)).transform(X), found)
    with pytest.raises(ValueError, match="features"):
        copy.transform(X[:, 1:])


@pytest.mark.parametrize("transformer", transformers(), ids=lambda one: type(one).__name__)
def test_each_step_takes_a_data_frame_and_refuses_one_in_another_order(transformer: BaseEstimator) -> None:
    names = [column.name for column in transformer.columns]
    frame = pd.DataFrame(table_of(transformer), columns=names)
    found = clone(transformer).set_output(transform="pandas").fit_transform(frame)
    plain = clone(transformer).fit_transform(frame.to_numpy())
    np.testing.assert_allclose(found.to_numpy(), plain)
    assert list(found.columns) == list(clone(transformer).fit(frame).get_feature_names_out(names))
    with pytest.raises(FeatureError, match="order them alike"):
        clone(transformer).fit(frame[names[::-1]])


def test_steps_are_there_where_there_is_something_to_do() -> None:
    assert list(preparation_pipeline(FULL, "iterative").named_steps) == ["motion", "imputation", "terms"]
    assert list(preparation_pipeline(participant_table(), "iterative").named_steps) == ["motion", "terms"]
    assert list(preparation_pipeline(participant_table(gaps=1, motion=False), "iterative").named_steps) == [
        "imputation",
        "terms",
    ]
    assert list(preparation_pipeline(COMPLETE, "iterative").named_steps) == ["terms"]


def test_predictors_come_out_in_the_order_and_by_the_names_of_the_terms() -> None:
    terms = (("score",), ("arm", "x3"), ("x1",), ("m0",))
    one = replace(participant_table(), terms=terms)
    fitted = preparation_pipeline(one, "iterative").fit(one.values)
    assert tuple(fitted.get_feature_names_out()) == one.names == ("score", "arm × x3", "x1", "m0")
    found = fitted.transform(one.values)
    np.testing.assert_array_equal(found[:, [0, 3]], one.values[:, [one.place("score"), one.place("m0")]])


def test_steps_are_those_of_a_slow_obvious_version() -> None:
    one = participant_table(terms=(("x0",), ("arm", "x1")))
    x, m = one.values[:, :2], one.values[:, [one.place("m0"), one.place("m1")]]
    clean = np.column_stack(
        [x[:, k] - np.polyval(np.polyfit(m[:, k], x[:, k], 1), m[:, k]) + x[:, k].mean() for k in (0, 1)]
    )
    arm = one.values[:, one.place("arm")]
    expected = np.column_stack([clean[:, 0], (arm - arm.mean()) * (clean[:, 1] - clean[:, 1].mean())])
    np.testing.assert_allclose(preparation_pipeline(one, "iterative").fit_transform(one.values), expected, atol=1e-12)


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 1000),
    method=st.sampled_from(("iterative", "neighbours")),
    left=st.lists(st.integers(0, 20), min_size=1, max_size=2, unique=True),
)
def test_who_is_left_out_changes_nobody_else(seed: int, method: ImputationMethod, left: list[int]) -> None:
    one = participant_table(gaps=2, seed=seed)
    changed = one.values.copy()
    measures = changed[left, :8]
    changed[left, :8] = np.where(np.isnan(measures), np.nan, 100 * measures - 7)  # the same gaps, other values
    other = replace(one, values=changed)
    rest = [k for k in range(21) if k not in left]
    first, second = (preparation_pipeline(p, method).fit(p.values[rest]) for p in (one, other))
    np.testing.assert_array_equal(first.transform(one.values[rest]), second.transform(changed[rest]))


def test_who_is_left_out_is_prepared_alone_as_in_company() -> None:
    fitted = preparation_pipeline(FULL, "iterative").fit(FULL.values[2:])
    together = fitted.transform(FULL.values)
    alone = np.concatenate([fitted.transform(FULL.values[k : k + 1]) for k in range(21)])
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)
    assert np.isfinite(alone).all()


def test_somebody_who_alone_misses_a_measure_can_be_left_out() -> None:
    one = participant_table()
    one.values[4, 2] = np.nan
    rest = np.delete(np.arange(21), 4)
    found = preparation_pipeline(one, "iterative").fit(one.values[rest]).transform(one.values[[4]])
    assert np.isfinite(found).all()


@pytest.mark.parametrize("method", ["iterative", "neighbours"])
def test_permuted_people_give_permuted_predictors(method: ImputationMethod) -> None:
    order = np.random.default_rng(0).permutation(21)
    plain = preparation_pipeline(FULL, method).fit_transform(FULL.values)
    permuted = preparation_pipeline(FULL, method).fit_transform(FULL.values[order])
    np.testing.assert_allclose(permuted, plain[order], rtol=1e-5, atol=1e-7)


def test_a_fold_of_scikit_learn_is_a_fold_by_hand() -> None:
    y = np.random.default_rng(0).normal(size=21)
    model = make_pipeline(preparation_pipeline(FULL, "neighbours"), StandardScaler(), Ridge())
    found = cross_val_predict(model, FULL.values, y, cv=LeaveOneOut())
    for k in (0, 7, 20):
        rest = np.delete(np.arange(21), k)
        prepared = preparation_pipeline(FULL, "neighbours").fit(FULL.values[rest])
        ridge = make_pipeline(StandardScaler(), Ridge()).fit(prepared.transform(FULL.values[rest]), y[rest])
        assert found[k] == pytest.approx(ridge.predict(prepared.transform(FULL.values[[k]]))[0], rel=1e-12)


def test_a_fold_of_one_arm_has_exactly_constant_terms() -> None:
    one = participant_table(terms=(("arm",), ("arm", "x0"), ("x0",)))
    rows = one.values[:, one.place("arm")] > 0
    spread = np.ptp(preparation_pipeline(one, "iterative").fit_transform(one.values[rows]), axis=0)
    assert list(spread > 0) == [False, False, True]


def _with(place: tuple[int | slice, int], value: float) -> Predictors:
    one = participant_table()
    one.values[place] = value
    return one


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (replace(COMPLETE, values=COMPLETE.values[:, 1:]), r"21 participants and 10 columns"),
        (
            replace(COMPLETE, columns=(*COMPLETE.columns[:-1], PredictorColumn("x0", "covariate"))),
            "x0: there is more than one",
        ),
        (_with((0, 3), np.inf), "x3: a value is infinite"),
        (replace(COMPLETE, terms=()), "no terms"),
        (replace(COMPLETE, terms=(("x0",), ())), "an empty one"),
        (replace(COMPLETE, terms=(("x0", "gone"),)), "no column 'gone'"),
        (_with((5, 8), np.nan), r"arm is neither \+1 nor −1 for sub-05"),
        (_with((5, 8), 0.0), r"arm is neither \+1 nor −1 for sub-05"),
        (_with((slice(4, None), 2), np.nan), r"x2 \(4 with motion\): of 21 participants too few"),
        (_with((slice(3, None), 10), np.nan), r"x0 \(3 with motion\), x2 \(3 with motion\)"),
        (_with((slice(None), 9), np.nan), r"score \(0\): of 21"),
    ],
)
def test_tables_that_would_fail_in_some_fold(table: Predictors, message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        preparation_pipeline(table, "iterative")


def test_an_imputation_that_is_not_there() -> None:
    with pytest.raises(FeatureError, match="no imputation 'mean'"):
        preparation_pipeline(COMPLETE, "mean")  # type: ignore[arg-type]  # a word of the parameters


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
