"""What varies with motion is taken out by the participants' own straight line, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables_of_participants import participant_table

from features import FeatureError, PredictorColumn
from features._motion import MotionResiduals

COLUMNS = (
    PredictorColumn("x", "measure", "a.u.", "m"),
    PredictorColumn("z", "covariate"),
    PredictorColumn("m", "motion", "mm"),
)


def some(seed: int, participants: int = 12, gaps: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    m = rng.gamma(2.0, 0.1, size=participants)
    x = 4 + 10 * m + rng.normal(size=participants)
    x[rng.choice(participants, gaps, replace=False)] = np.nan
    m[rng.choice(participants, gaps, replace=False)] = np.nan
    return np.column_stack([x, rng.normal(size=participants), m])


def test_residuals_and_mean_of_a_straight_line() -> None:
    table = some(0)
    x, z, m = table.T
    slope, intercept = np.polyfit(m, x, 1)
    found = MotionResiduals(COLUMNS).fit_transform(table)
    np.testing.assert_allclose(found[:, 0], x - slope * m - intercept + x.mean(), rtol=1e-12)
    assert (found[:, 1] == z).all()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), gaps=st.integers(0, 3))
def test_residuals_are_orthogonal_to_motion_and_keep_their_mean(seed: int, gaps: int) -> None:
    table = some(seed, gaps=gaps)
    both = ~np.isnan(table[:, [0, 2]]).any(axis=1)
    x, m = MotionResiduals(COLUMNS).fit_transform(table)[both, 0], table[both, 2]
    assert abs((m - m.mean()) @ x) < 1e-10
    assert x.mean() == pytest.approx(table[both, 0].mean(), abs=1e-10)


def test_new_people_are_adjusted_by_the_line_of_the_old() -> None:
    old, new = some(1), some(2)
    slope = np.polyfit(old[:, 2], old[:, 0], 1)[0]
    found = MotionResiduals(COLUMNS).fit(old).transform(new)
    np.testing.assert_allclose(found[:, 0], new[:, 0] - slope * (new[:, 2] - old[:, 2].mean()), rtol=1e-12)


def test_a_missing_measure_stays_missing_and_missing_motion_adjusts_nothing() -> None:
    table = some(3)
    table[0, 0], table[1, 2] = np.nan, np.nan
    found = MotionResiduals(COLUMNS).fit_transform(table)
    assert np.isnan(found[0, 0])
    assert np.isfinite(found[1:]).all()
    assert found[1, 0] == table[1, 0]


@pytest.mark.parametrize("motion", [0.0, 0.1, 0.3])
def test_constant_motion_adjusts_nothing(motion: float) -> None:
    table = some(4)
    table[:, 2] = motion
    transformer = MotionResiduals(COLUMNS).fit(table)
    moved = table.copy()
    moved[:, 2] = 1.0
    assert (transformer.transform(moved)[:, 0] == table[:, 0]).all()


def test_a_measure_that_motion_explains_wholly_comes_out_exactly_constant() -> None:
    table = some(5)
    table[:, 0] = 0.7 + 3.1 * table[:, 2]
    transformer = MotionResiduals(COLUMNS).fit(table)
    assert transformer.explained_[0]
    assert np.ptp(transformer.transform(table)[:, 0]) == 0


@pytest.mark.parametrize("there", [0, 1, 2])
def test_a_fold_with_too_few_values_leaves_nothing_but_a_constant(there: int) -> None:
    table = some(6)
    table[there:, 0] = np.nan
    found = MotionResiduals(COLUMNS).fit_transform(table)[:, 0]
    assert np.isnan(found[there:]).all()
    assert len(set(found[:there])) == min(there, 1)


def test_every_measure_goes_with_the_motion_it_names() -> None:
    one = participant_table(measures=4)
    found = MotionResiduals(one.columns).fit_transform(one.values)
    for k in range(4):
        m = one.values[:, one.place(f"m{k % 2}")]
        assert abs(np.corrcoef(found[:, k], m)[0, 1]) < 1e-12


def test_motion_that_is_itself_a_predictor_is_kept_on_request() -> None:
    transformer = MotionResiduals(COLUMNS, keep=("m", "x")).fit(some(7))
    assert list(transformer.get_feature_names_out()) == ["m", "x"]
    np.testing.assert_array_equal(transformer.transform(some(7))[:, 0], some(7)[:, 2])


@pytest.mark.parametrize(
    ("columns", "keep", "message"),
    [
        ((PredictorColumn("x", "measure", motion="gone"), *COLUMNS[1:]), None, "no column 'gone'"),
        ((COLUMNS[0], PredictorColumn("z", "covariate", motion="m"), COLUMNS[2]), None, "z is no measure"),
        (COLUMNS, ("y",), "no column 'y'"),
        (COLUMNS[:2], None, "3 columns; 2 are described"),
    ],
)
def test_columns_that_are_not_as_described(
    columns: tuple[PredictorColumn, ...], keep: tuple[str], message: str
) -> None:
    with pytest.raises(FeatureError, match=message):
        MotionResiduals(columns, keep).fit(some(0))
