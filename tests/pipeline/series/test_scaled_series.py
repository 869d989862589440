"""Series from files in the unit of the priors, with a regressor for every scan that has no value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.images import cosine_drifts
from pipeline.series import RegionSeries, SeriesError, read_series, subject_from_series
from pipeline.series._scaled_series import scaled_series

Writer = Callable[..., Path]
SIGNAL = np.random.default_rng(0).normal(size=(60, 2))
EVENTS = pd.DataFrame({"onset": [0.0, 40.0], "duration": [20.0, 20.0], "trial_type": ["faces", "faces"]})


def held(values: np.ndarray, **fields: object) -> RegionSeries:
    return RegionSeries(Path("x.tsv"), "table", values, ("a", "b"), **fields)  # type: ignore[arg-type]  # any fields


def test_raw_series_become_percent_of_their_own_mean() -> None:
    means = np.array([800.0, 12_000.0])
    found = scaled_series(held(means * (1 + SIGNAL / 100)), unit="raw")
    np.testing.assert_allclose(found.values, 100 * ((1 + SIGNAL / 100) / (1 + SIGNAL / 100).mean(axis=0) - 1))


def test_series_in_any_unit_are_the_same_once_they_range_over_four() -> None:
    first, second = (scaled_series(held(factor * SIGNAL), unit="arbitrary") for factor in (1.0, 37.0))
    np.testing.assert_allclose(first.values, second.values)
    assert np.ptp(first.values) == pytest.approx(4)


def test_the_number_in_a_scan_without_value_makes_no_difference_to_what_is_left() -> None:
    gone = SIGNAL.copy()
    gone[[10, 11, 40]] = np.nan
    found = scaled_series(held(gone), unit="percent")
    rest = np.eye(60) - found.spikes @ np.linalg.pinv(found.spikes)
    np.testing.assert_allclose((rest @ found.values)[[10, 11, 40]], 0, atol=1e-12)
    np.testing.assert_allclose(np.delete(found.values, [10, 11, 40], axis=0), np.delete(SIGNAL, [10, 11, 40], axis=0))


def test_a_subject_has_what_the_file_says(tmp_path: Path, write_xcpd: Writer) -> None:
    outliers = np.isin(np.arange(60), [7, 20])
    path = write_xcpd(tmp_path, "sub-01_task-faces", SIGNAL, ("PFC_1", "Amy"), outliers=outliers, censored=True)
    regions = {"vmPFC": ("PFC_1",), "amygdala": (2,)}
    data = subject_from_series(read_series(path), EVENTS, regions=regions, c={"faces": ["vmPFC"]}).data
    assert data.repetition_time == 2.0
    spikes = np.zeros((60, 2))
    spikes[[7, 20], [0, 1]] = 1
    np.testing.assert_allclose(data.confounds, np.column_stack([spikes, cosine_drifts(60, 2.0, 100.0)]))


def test_the_mean_of_columns_leaves_out_those_without_value_and_says_so() -> None:
    values = np.column_stack([SIGNAL[:, 0], np.full(60, np.nan)])
    found = scaled_series(held(values), {"both": ("a", "b")}, unit="percent")
    np.testing.assert_allclose(found.values[:, 0], SIGNAL[:, 0])
    assert found.remarks == ("both: 1 of its 2 columns have no value; mean of the others",)


@pytest.mark.parametrize(
    ("regions", "unit", "problem"),
    [
        ({"x": ("c",)}, "percent", "has no region 'c'"),
        ({"x": (3,)}, "percent", "has no column 3; it has 2, counted from 1"),
        ({"x": ("a",)}, "raw", "the mean of x is not positive"),
    ],
)
def test_what_cannot_be_scaled_is_named(regions: dict[str, tuple[str | int, ...]], unit: str, problem: str) -> None:
    with pytest.raises(SeriesError, match=problem):
        scaled_series(held(SIGNAL - 1), regions, unit)  # type: ignore[arg-type]  # a unit as text


@pytest.mark.parametrize(
    ("column", "problem"),
    [(np.full(60, np.nan), "b has no value in this run"), (np.ones(60), "region x is constant")],
)
def test_a_region_without_signal_is_named(column: np.ndarray, problem: str) -> None:
    series = held(np.column_stack([SIGNAL[:, 0], column]))
    with pytest.raises(SeriesError, match=problem):
        scaled_series(series, {"x": ("b",)}, unit="percent")
