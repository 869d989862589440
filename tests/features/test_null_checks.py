"""Null checks: what so few participants could have seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from features import BootstrapSettings, FeatureError, null_checks
from features._correlation import detectable_correlation


def test_the_detectable_correlation_is_found_in_eight_of_ten_simulated_studies() -> None:
    participants, studies = 21, 4000
    r = detectable_correlation(participants)
    rng = np.random.default_rng(0)
    x, e = rng.normal(size=(2, studies, participants))
    y = r * x + np.sqrt(1 - r**2) * e
    x, y = (values - values.mean(axis=1, keepdims=True) for values in (x, y))
    found = (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    t = found * np.sqrt((participants - 2) / (1 - found**2))
    power = np.mean(np.abs(t) > stats.t.ppf(0.975, participants - 2))
    assert power == pytest.approx(0.8, abs=0.025)


def test_29_people_detect_a_correlation_of_one_half() -> None:
    assert detectable_correlation(29) == pytest.approx(0.5, abs=0.002)  # Cohen's table


def test_more_people_detect_less() -> None:
    found = [detectable_correlation(participants) for participants in (10, 21, 100, 1000)]
    assert found == sorted(found, reverse=True)


def test_each_check_knows_its_own_people() -> None:
    rng = np.random.default_rng(1)
    x, days = rng.normal(size=(2, 21))
    holes = np.where(np.arange(21) < 6, np.nan, days)
    first, second, *_ = null_checks(x, {"days": days, "holes": holes}, BootstrapSettings(200))
    assert (first.detectable, second.detectable) == (detectable_correlation(21), detectable_correlation(15))
    assert first.correlation.r == pytest.approx(stats.pearsonr(x, days).statistic)


def test_three_people_detect_nothing() -> None:
    with pytest.raises(FeatureError, match="3 participants are too few"):
        detectable_correlation(3)
