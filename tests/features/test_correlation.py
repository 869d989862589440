"""Correlations: values and p against SciPy, intervals by what they hold, and what cannot be correlated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from features import BootstrapSettings, FeatureError, correlation, correlations, null_checks
from features._correlation import detectable_correlation, holm_adjusted

FEW = BootstrapSettings(samples=300)


def pair(r: float, participants: int = 21, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    both = np.random.default_rng(seed).multivariate_normal([0, 0], [[1, r], [r, 1]], participants)
    return both[:, 0], both[:, 1]


@pytest.mark.parametrize(("kind", "peer"), [("pearson", stats.pearsonr), ("spearman", stats.spearmanr)])
def test_r_and_p_are_scipys(kind: str, peer: object) -> None:
    x, y = pair(0.5)
    y = np.round(y)  # ties
    found = correlation(x, y, name="y", kind=kind, bootstrap=FEW)  # type: ignore[arg-type]  # a str stands for one of its words
    expected = peer(x, y)  # type: ignore[operator]  # looked up by name
    np.testing.assert_allclose([found.r, found.p_value], [expected.statistic, expected.pvalue], rtol=1e-12)


def test_the_interval_is_scipys_own_of_pearsons_r() -> None:
    x, y = pair(0.5)
    found = correlation(x, y, name="y", bootstrap=BootstrapSettings(samples=500, seed=7))
    peer = stats.bootstrap(
        (x, y),
        lambda a, b: stats.pearsonr(a, b).statistic,
        n_resamples=500,
        paired=True,
        vectorized=False,
        rng=np.random.default_rng(7),
    ).confidence_interval
    np.testing.assert_allclose([found.low, found.high], [peer.low, peer.high], rtol=1e-9)
    assert found.interval == "BCa"


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    inside = [
        one.low <= 0.5 <= one.high
        for seed in range(250)
        if (one := correlation(*pair(0.5, participants=40, seed=seed), name="y", bootstrap=FEW))
    ]
    assert 0.88 <= np.mean(inside) <= 0.99


def test_the_same_seed_gives_the_same_interval() -> None:
    x, y = pair(0.3)
    one, same, other = (correlation(x, y, name="y", bootstrap=BootstrapSettings(300, seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert (one.low, one.high) != (other.low, other.high)


def test_who_lacks_a_value_is_left_out_of_that_correlation_alone() -> None:
    x, y = pair(0.5)
    holes = y.copy()
    holes[:3] = np.nan
    first, second = correlations(x, {"whole": y, "holes": holes}, FEW)[:2]
    assert (first.participants, second.participants) == (21, 18)
    assert second.r == pytest.approx(stats.pearsonr(x[3:], y[3:]).statistic)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_the_slow_obvious_one(p_values: list[float]) -> None:
    largest, expected = 0.0, [0.0] * len(p_values)
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        expected[place] = largest
    np.testing.assert_allclose(holm_adjusted(p_values), expected)


def test_holm_is_statsmodels_own() -> None:
    p_values = [0.01, 0.04, 0.03, 0.005, 0.2]
    np.testing.assert_allclose(holm_adjusted(p_values), multipletests(p_values, method="holm")[1], rtol=1e-12)


def test_kinds_are_adjusted_apart_and_pearson_comes_first() -> None:
    x, y = pair(0.6)
    found = correlations(x, {"a": y, "b": -y}, FEW)
    assert [(result.kind, result.name) for result in found] == [
        ("pearson", "a"), ("pearson", "b"), ("spearman", "a"), ("spearman", "b")
    ]  # fmt: skip
    assert found[0].holm == pytest.approx(2 * found[0].p_value)


def test_a_correlation_that_the_arms_make_is_gone_within_them() -> None:
    rng = np.random.default_rng(0)
    arm = np.repeat([1.0, -1.0], 10)
    x, y = 3 * arm + rng.normal(size=20), 3 * arm + rng.normal(size=20)
    found = correlation(x, y, name="y", bootstrap=FEW, arm=arm)
    left = [values - np.where(arm > 0, values[arm > 0].mean(), values[arm < 0].mean()) for values in (x, y)]
    assert found.r > 0.8
    assert found.within_arms == pytest.approx(stats.pearsonr(*left).statistic)
    assert abs(found.within_arms) < 0.5


def test_within_arms_is_undefined_where_nothing_varies_there() -> None:
    arm = np.repeat([1.0, -1.0], 10)
    found = correlation(np.arange(20.0), arm * 2, name="y", bootstrap=FEW, arm=arm)
    assert found.within_arms is None


def test_a_perfect_correlation_has_an_interval_without_width() -> None:
    x, _ = pair(0.0)
    found = correlation(x, 2 * x + 1, name="y", bootstrap=FEW)
    assert (found.low, found.high) == (pytest.approx(1), pytest.approx(1))


def test_a_column_that_hangs_on_one_person_has_no_bootstrap_interval() -> None:
    x, _ = pair(0.0)
    one_differs = np.where(np.arange(21) == 0, 5.0, 6.0)
    found = correlation(x, one_differs, name="infusions", bootstrap=BootstrapSettings(500))
    assert found.interval == "Fisher"
    assert found.degenerate == pytest.approx(500 * (20 / 21) ** 21, abs=50)
    expected = stats.pearsonr(x, one_differs).confidence_interval()
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high])


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (np.full(21, 6.0), "infusions: infusions is the same for all 21 participants"),
        (np.where(np.arange(21) < 4, 1.0, np.nan), "infusions: 4 participants have both values"),
    ],
    ids=["constant", "too few"],
)
def test_what_cannot_be_correlated_is_told(y: np.ndarray, expected: str) -> None:
    with pytest.raises(FeatureError, match=expected):
        correlation(pair(0.0)[0], y, name="infusions", bootstrap=FEW)


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
