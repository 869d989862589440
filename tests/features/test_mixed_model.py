"""Session × arm: the mixed model against closed forms, and the exact tests beside it."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from features import FeatureError, MixedModel, change_scores, mixed_model

ARMS = ("ketamine", "midazolam")
ARM = np.repeat([1.0, -1.0], (11, 10))


def of(sign: float) -> np.ndarray:
    """Who is in one arm."""
    return np.sign(ARM) == sign


def simulated(alike: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Before and after; `alike` is the correlation of a participant's two values."""
    rng = np.random.default_rng(seed)
    both = rng.multivariate_normal([37, 30], 64 * np.array([[1, alike], [alike, 1]]), ARM.size)
    both[:, 1] -= 6 * (ARM > 0)
    return both[:, 0], both[:, 1]


def model(before: np.ndarray, after: np.ndarray) -> MixedModel:
    return mixed_model(before, after, ARM, ARMS)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 0.95), st.sampled_from([1e-4, 1.0, 1e5]))
def test_the_interaction_of_complete_data_is_the_difference_of_mean_changes(
    seed: int, alike: float, size: float
) -> None:
    before, after = (size * values for values in simulated(alike, seed))
    found = model(before, after)
    change = after - before
    exact = stats.ttest_ind(change[ARM > 0], change[ARM < 0])
    difference = change[ARM > 0].mean() - change[ARM < 0].mean()
    np.testing.assert_allclose(found.interaction.estimate, difference, rtol=1e-9, atol=1e-9 * size)
    if not found.notes:
        np.testing.assert_allclose(found.interaction.se, difference / exact.statistic, rtol=1e-6)


def test_main_effects_weigh_arms_and_sessions_alike() -> None:
    before, after = simulated(0.6)
    session, arm, _ = model(before, after).effects
    means = np.array([[scores[of(sign)].mean() for scores in (before, after)] for sign in (1, -1)])
    assert session.estimate == pytest.approx(np.diff(means, axis=1).mean())
    assert arm.estimate == pytest.approx(means[0].mean() - means[1].mean())


def test_variances_are_those_of_the_analysis_of_variance() -> None:
    before, after = simulated(0.6)
    found = model(before, after)
    change, level = after - before, (before + after) / 2
    within = sum(((change[of(sign)] - change[of(sign)].mean()) ** 2).sum() for sign in (1, -1)) / 19 / 2
    between = sum(((level[of(sign)] - level[of(sign)].mean()) ** 2).sum() for sign in (1, -1)) / 19
    assert found.within**2 == pytest.approx(within, rel=1e-6)
    assert found.between**2 == pytest.approx(between - within / 2, rel=1e-6)


def test_walds_p_is_that_of_the_normal_distribution() -> None:
    found = model(*simulated(0.6)).interaction
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(found.estimate / found.se)))
    assert found.high - found.low == pytest.approx(2 * stats.norm.ppf(0.975) * found.se)


def test_people_with_one_session_stay_in_the_model_and_out_of_the_t_test() -> None:
    before, after = simulated(0.6)
    after[[0, 20]], before[5] = np.nan, np.nan
    found = model(before, after)
    assert (found.participants, found.complete) == (21, 18)
    assert [cell.participants for cell in found.cells] == [10, 10, 10, 9]
    assert found.change.difference.df == 16
    np.testing.assert_allclose(
        [effect.estimate for effect in found.effects],
        _generalised(before, after, found.between / found.within),
        rtol=1e-8,
    )


def _generalised(before: np.ndarray, after: np.ndarray, ratio: float) -> np.ndarray:
    """Generalised least squares, participant by participant, the slow obvious way."""
    power, product = np.zeros((4, 4)), np.zeros(4)
    for first, second, arm in zip(before, after, ARM, strict=True):
        there = np.isfinite([first, second])
        x = np.array([[1, s, arm / 2, s * arm / 2] for s in (-0.5, 0.5)])[there]
        weight = np.linalg.inv(np.eye(there.sum()) + ratio**2)
        power += x.T @ weight @ x
        product += x.T @ weight @ np.array([first, second])[there]
    return np.linalg.solve(power, product)[1:]


def test_no_variance_between_people_is_told() -> None:
    before, after = simulated(-0.5)
    found = model(before, after)
    (note,) = found.notes
    assert "no variance between participants" in note
    assert found.between == 0
    assert found.interaction.estimate == pytest.approx(found.change.difference.estimate)
    values = np.column_stack([before, after])
    left = sum(
        ((values[of(sign), place] - values[of(sign), place].mean()) ** 2).sum() for sign in (1, -1) for place in (0, 1)
    )
    assert found.within**2 == pytest.approx(left / 38)


def test_the_arms_swapped_turn_the_sign() -> None:
    before, after = simulated(0.6)
    one, other = model(before, after), mixed_model(before, after, -ARM, ARMS[::-1])
    assert other.interaction.estimate == pytest.approx(-one.interaction.estimate)
    assert other.effects[0].estimate == pytest.approx(one.effects[0].estimate)
    assert other.change.effect_size.low == pytest.approx(-one.change.effect_size.high)


def test_changes_and_their_difference_are_students() -> None:
    before, after = simulated(0.6)
    change = after - before
    found = change_scores(change, ARM, ARMS)
    for sign, arm in zip((1, -1), found.arms, strict=True):
        paired = stats.ttest_rel(after[of(sign)], before[of(sign)])
        interval = paired.confidence_interval()
        np.testing.assert_allclose(
            [arm.mean.t, arm.mean.p_value, arm.mean.low, arm.mean.high],
            [paired.statistic, paired.pvalue, interval.low, interval.high],
        )
    exact = stats.ttest_ind(change[ARM > 0], change[ARM < 0])
    interval = exact.confidence_interval()
    np.testing.assert_allclose(
        [
            found.difference.t,
            found.difference.p_value,
            found.difference.low,
            found.difference.high,
            found.difference.df,
        ],
        [exact.statistic, exact.pvalue, interval.low, interval.high, 19],
    )


def test_hedges_g_is_unbiased_and_its_interval_holds_the_truth() -> None:
    rng = np.random.default_rng(4)
    truth, found = 0.8, []
    for _ in range(400):
        change = rng.normal(0, 1, 21) + truth * (ARM > 0)
        found.append(change_scores(change, ARM, ARMS).effect_size)
    assert np.mean([result.g for result in found]) == pytest.approx(truth, abs=0.07)  # three standard errors
    assert np.mean([result.low <= truth <= result.high for result in found]) == pytest.approx(0.95, abs=0.035)


def test_hedges_correction_is_the_known_one() -> None:
    change = np.concatenate([np.arange(11.0), np.arange(10.0) - 3])
    found = change_scores(change, ARM, ARMS)
    d = found.difference.t * math.sqrt(1 / 11 + 1 / 10)
    assert found.effect_size.g / d == pytest.approx(1 - 3 / (4 * 19 - 1), rel=3e-4)  # Hedges' approximation


@pytest.mark.parametrize("t", [-2500.0, -999.0, -40.0, 0.0, 3.0, 999.0, 2500.0])
def test_the_interval_of_g_is_that_of_the_noncentral_t(t: float) -> None:
    change = np.concatenate([np.linspace(-1, 1, 11), np.linspace(-1, 1, 10)])
    width = change_scores(change, ARM, ARMS).difference.high / stats.t.ppf(0.975, 19)  # standard error
    found = change_scores(change + t * width * (ARM > 0), ARM, ARMS)
    scale = found.effect_size.g / found.difference.t if t else math.sqrt(1 / 11 + 1 / 10) * (1 - 3 / 75)
    s = stats.chi(19, scale=1 / math.sqrt(19)).ppf((np.arange(20_000) + 0.5) / 20_000)  # T ≤ t where Z ≤ t s − δ
    for end, share in ((found.effect_size.low, 0.975), (found.effect_size.high, 0.025)):
        assert stats.norm.cdf(t * s - end / scale).mean() == pytest.approx(share, abs=3e-4)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (np.arange(21.0), np.where(ARM > 0, np.nan, 3.0), "0 of ketamine have both sessions"),
        (np.arange(21.0), np.arange(21.0) + 2, "the change is the same for everybody"),
    ],
    ids=["nobody of an arm", "all change alike"],
)
def test_what_cannot_be_modelled_is_told(before: np.ndarray, after: np.ndarray, expected: str) -> None:
    with pytest.raises(FeatureError, match=expected):
        model(before, after)


def test_a_real_trial(shared_data: Path) -> None:
    with (shared_data / "sudmex_tms" / "data2w.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    cells = {(row["rid"], row["stage"]): float(row["vas"]) for row in rows}
    arm_of = {row["rid"]: 1.0 if row["group"] == "ACTIVE" else -1.0 for row in rows}
    arm = np.array(list(arm_of.values()))
    before, after = (np.array([cells[participant, stage] for participant in arm_of]) for stage in ("T0", "T1"))
    found = mixed_model(before, after, arm, ("ACTIVE", "SHAM"))
    exact = stats.ttest_ind((after - before)[arm > 0], (after - before)[arm < 0])
    assert found.participants == found.complete == 44
    assert not found.notes
    assert found.interaction.z == pytest.approx(exact.statistic, rel=1e-6)
    assert found.interaction.p_value < found.change.difference.p_value
