"""What is missing is filled in from what is there, by participants in the fold only; what is there stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import BayesianRidge
from tables_of_participants import participant_table

import features._imputation as imputation
from features import FeatureError, PredictorColumn
from features._imputation import Imputation, ImputationMethod

METHODS: tuple[ImputationMethod, ...] = ("iterative", "neighbours")


def some(gaps: int, seed: int = 0, participants: int = 21) -> tuple[tuple[PredictorColumn, ...], np.ndarray]:
    one = participant_table(participants, gaps=gaps, motion=False, seed=seed)
    return one.columns, one.values


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(METHODS), bootstrap=st.booleans())
def test_everything_is_filled_in_and_nothing_else_changes(seed: int, method: ImputationMethod, bootstrap: bool) -> None:
    columns, values = some(4, seed, participants=15)
    rng = np.random.default_rng(seed)
    rows = rng.choice(15, 15) if bootstrap else np.arange(15)
    transformer = Imputation(columns, method, ("x7",)).fit(values[rows])
    found = transformer.transform(values)
    there = ~np.isnan(values)
    assert np.isfinite(found).all()
    assert (found[there] == values[there]).all()


@pytest.mark.parametrize(("method", "within"), [("iterative", 0.01), ("neighbours", 0.25)])
def test_a_column_that_others_determine_is_found_again(method: ImputationMethod, within: float) -> None:
    rng = np.random.default_rng(0)
    source = np.linspace(-1, 1, 40) * 3
    truth = np.column_stack([source, 2 * source + 7, -source * 100, rng.normal(size=40) * 0.01])
    values = truth.copy()
    values[[5, 20, 30], 1] = np.nan
    columns = tuple(PredictorColumn(f"x{k}", "measure") for k in range(4))
    found = Imputation(columns, method).fit_transform(values)
    error = np.abs(found[:, 1] - truth[:, 1]) / truth[:, 1].std()
    assert error.max() < within


def test_one_incomplete_column_is_one_ridge_on_its_nearest_columns() -> None:
    columns, values = some(1)
    seen = ~np.isnan(values[:, 0])
    standard = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    others = np.delete(standard, 0, axis=1)
    r = [abs(np.corrcoef(column[seen], standard[seen, 0])[0, 1]) for column in others.T]
    nearest = sorted(np.argsort(r)[-5:])
    ridge = BayesianRidge().fit(others[seen][:, nearest], standard[seen, 0])
    expected = ridge.predict(others[~seen][:, nearest]) * np.nanstd(values[:, 0]) + np.nanmean(values[:, 0])
    found = Imputation(columns).fit_transform(values)
    np.testing.assert_allclose(found[~seen, 0], expected, rtol=1e-9)


def test_neighbours_are_the_five_nearest_in_what_both_have() -> None:
    columns, values = some(3)
    standard = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    expected = values.copy()
    for i, k in np.argwhere(np.isnan(values)):
        distance = np.nanmean((standard - standard[i]) ** 2, axis=1)
        distance[np.isnan(values[:, k])] = np.inf
        expected[i, k] = values[np.argsort(distance)[:5], k].mean()
    np.testing.assert_allclose(Imputation(columns, "neighbours").fit_transform(values), expected, rtol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_fitting_and_transforming_in_one_go_is_the_same(method: ImputationMethod) -> None:
    columns, values = some(4)
    once = Imputation(columns, method).fit_transform(values)
    twice = Imputation(columns, method).fit(values).transform(values)
    np.testing.assert_allclose(once, twice, rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_permuted_people_are_filled_in_alike(method: ImputationMethod) -> None:
    columns, values = some(4)
    order = np.random.default_rng(1).permutation(len(values))
    plain = Imputation(columns, method).fit_transform(values)
    permuted = Imputation(columns, method).fit_transform(values[order])
    np.testing.assert_allclose(permuted, plain[order], rtol=1e-6)


def test_the_same_input_gives_the_same_bytes() -> None:
    columns, values = some(4)
    first, second = (Imputation(columns).fit_transform(values) for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_units_of_other_columns_do_not_matter(method: ImputationMethod) -> None:
    columns, values = some(2)
    scaled = values * np.array([1, 1, 1e6, 1e-6, *[1] * 6])
    plain = Imputation(columns, method).fit_transform(values)
    np.testing.assert_allclose(Imputation(columns, method).fit_transform(scaled)[:, :2], plain[:, :2], rtol=1e-6)


def test_a_column_complete_in_the_fold_is_regressed_for_whoever_misses_it() -> None:
    columns, values = some(0)
    values[:, 1] = 2 * values[:, 0] + 1  # so that a regression would know it
    new = values[:1].copy()
    new[0, 1] = np.nan
    asked = Imputation(columns, "iterative", ("x1",)).fit(values[1:]).transform(new)
    unasked = Imputation(columns, "iterative").fit(values[1:]).transform(new)
    assert asked[0, 1] == pytest.approx(values[0, 1], rel=0.02)
    assert unasked[0, 1] == pytest.approx(values[1:, 1].mean())


def test_asking_for_a_regression_changes_nothing_about_the_people_in_the_fold() -> None:
    columns, values = some(3)
    plain = Imputation(columns).fit_transform(values)
    asked = Imputation(columns, "iterative", ("x0", "x2")).fit_transform(values)
    np.testing.assert_allclose(asked, plain, rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_column_that_nobody_has_comes_out_constant(method: ImputationMethod) -> None:
    columns, values = some(2)
    values[:, 3] = np.nan
    assert (Imputation(columns, method).fit_transform(values)[:, 3] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_column_stays_exactly_constant(method: ImputationMethod) -> None:
    columns, values = some(0)
    values[:, 3] = 0.1
    values[[2, 5], 3] = np.nan
    assert (Imputation(columns, method).fit_transform(values)[:, 3] == 0.1).all()


def test_rounds_that_do_not_settle_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, values = some(5)
    assert Imputation(columns).fit(values).converged_
    monkeypatch.setattr(imputation, "ROUNDS", 1)
    assert not Imputation(columns).fit(values).converged_


def test_draws_differ_by_seed_and_spread_about_the_mean() -> None:
    columns, values = some(1)
    gone = np.isnan(values[:, 0])
    mean = Imputation(columns).fit_transform(values)[gone, 0]
    drawn = np.array(
        [Imputation(columns, posterior=True, seed=s).fit_transform(values)[gone, 0] for s in (*range(30), 0)]
    )
    assert (drawn[0] == drawn[-1]).all()
    error = drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - mean) < 4 * error).all()
    assert (drawn.std(axis=0) > 0.1).all()


@pytest.mark.parametrize("method", METHODS)
def test_an_arm_is_never_filled_in(method: ImputationMethod) -> None:
    columns, values = some(1)
    transformer = Imputation(columns, method).fit(values)
    values[4, 8] = np.nan
    with pytest.raises(FeatureError, match="arm is missing for 1 participants"):
        transformer.transform(values)
    with pytest.raises(FeatureError, match="never filled in"):
        transformer.fit(values)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "mean"}, "no imputation 'mean'; there are iterative, neighbours"),
        ({"incomplete": ("gone",)}, "no column 'gone' to impute"),
        ({"method": "neighbours", "posterior": True}, "'iterative' only"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], message: str) -> None:
    columns, values = some(1)
    with pytest.raises(FeatureError, match=message):
        Imputation(columns, **options).fit(values)  # type: ignore[arg-type]  # options by name
