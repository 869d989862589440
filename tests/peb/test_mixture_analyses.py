"""What is done with a group whose participants are a mixture: reductions, search, arms, levels, cross-validation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mixture_groups import mixed_group
from scipy.special import expit

from peb import (
    Design,
    DesignError,
    Estimate,
    GroupPosterior,
    PebSettings,
    are_unbalanced,
    arms_from_interactions,
    arms_from_separate_groups,
    compare,
    every_combination,
    fit,
    k_fold,
    leave_one_out,
    permutation_test,
    search,
)
from peb._spread_prior import grid

Group = tuple[list[Estimate], Design]


@pytest.fixture(scope="module")
def data() -> Group:
    return mixed_group(16, 2, seed=4, outlier=4.0)


@pytest.fixture(scope="module")
def group(data: Group) -> GroupPosterior:
    return fit(*data)


def test_a_reduction_is_the_group_fitted_without_the_effects(data: Group, group: GroupPosterior) -> None:
    on = np.ones((1, 6), dtype=bool)
    on[0, group.places("arm")] = False
    refitted = fit(data[0], data[1].columns(["mean", "score"]))
    assert group.evidence_of(on)[0] == pytest.approx(refitted.free_energy - group.free_energy, abs=0.13)
    assert group.mixture is not None
    reduced = group.mixture.switched(np.array([[True, False, True]] * 2)).posterior
    kept = np.concatenate([group.places("mean"), group.places("score")])
    np.testing.assert_allclose(reduced.mean[kept], refitted.posterior.mean, atol=0.1 * refitted.sd.max())
    assert (reduced.sd[group.places("arm")] == 0).all()


def test_what_each_effect_is_missed_by_is_the_same_one_by_one_and_all_at_once(group: GroupPosterior) -> None:
    patterns = np.ones((7, 6), dtype=bool)
    patterns[np.arange(6), np.arange(6)] = False
    each = group.evidence_of(patterns)
    np.testing.assert_allclose(group.with_v_without.T.ravel(), expit(each[-1] - each[:-1]), rtol=1e-9)


def test_search_and_comparison_find_the_effect_that_is_there() -> None:
    estimates, design = mixed_group(32, 2, seed=1, spread=0.2)
    group = fit(estimates, design)
    found = search(group)
    assert found.probability[group.places("arm")[0]] > 0.9
    assert found.probability[group.places("score")].max() < 0.5
    assert found.average.mean[group.places("arm")[0]] == pytest.approx(0.25, abs=0.12)
    models = compare(group, every_combination(2), ("none", "second", "first", "both"), covariates=["arm"])
    assert models.model_probability("arm").argmax() == 2
    assert models.probability.sum() == pytest.approx(1.0)


def test_intervals_hold_their_share_of_the_mixture(group: GroupPosterior) -> None:
    for level in (0.5, 0.9, 0.99):
        ends, one = group.interval(level), group.marginals
        for (i, k), low in np.ndenumerate(ends[..., 0]):
            inside = one[i, k].above(low) - one[i, k].above(ends[i, k, 1])
            assert inside == pytest.approx(level, abs=1e-9)
    with pytest.raises(ValueError, match="between 0 and 1"):
        group.interval(90)


def arms_of(data: Group) -> tuple[GroupPosterior, GroupPosterior]:
    estimates, design = data
    own = design.columns(["mean", "score"])
    rows = [np.flatnonzero(design.matrix[:, 1] == sign) for sign in (1, -1)]
    first, second = (
        fit([estimates[i] for i in some], own.rows([estimates[i].name for i in some]), name=name)
        for name, some in zip(("drug", "placebo"), rows, strict=True)
    )
    return first, second


def test_arms_apart_differ_as_the_interaction_says(data: Group) -> None:
    estimates, design = mixed_group(30, 2, seed=6, spread=0.2)
    together = arms_from_interactions(fit(estimates, design), "arm", ("drug", "placebo"), ["mean"])[0]
    apart = arms_from_separate_groups(*arms_of((estimates, design)))[0]
    np.testing.assert_allclose(apart.difference.mean, together.difference.mean, atol=0.5 * together.difference.sd.max())
    np.testing.assert_allclose(apart.difference.sd, together.difference.sd, rtol=0.25)
    assert ((together.beyond_zero.difference > 0.5) == (apart.beyond_zero.difference > 0.5)).all()
    low, high = apart.interval().T
    assert ((low < apart.difference.mean) & (apart.difference.mean < high)).all()
    assert 0.0 < apart.with_v_without.difference.min() < apart.with_v_without.difference.max() < 1.0


def test_an_arm_with_a_wider_grid_of_spreads_is_still_tied_to_the_other(data: Group) -> None:
    first, second = arms_of(data)
    one = second.mixture
    assert one is not None
    more = grid(wide=True).size - one.u.size
    wide = replace(
        one,
        u=grid(wide=True),
        log_evidence=np.pad(one.log_evidence, ((0, 0), (0, more)), constant_values=-50.0),
        means=np.pad(one.means, ((0, 0), (0, more), (0, 0)), mode="edge"),
        covariances=np.pad(one.covariances, ((0, 0), (0, more), (0, 0), (0, 0)), mode="edge"),
    )
    alike = arms_from_separate_groups(first, second)[0].marginals[2]
    for other in (
        arms_from_separate_groups(first, replace(second, mixture=wide)),
        arms_from_separate_groups(replace(second, mixture=wide), first),
    ):
        np.testing.assert_allclose(other[0].marginals[2].sd, alike.sd, rtol=0.01)  # 6 % were they not tied


def test_arms_are_unbalanced_from_three_to_two() -> None:
    assert are_unbalanced(15, 10)
    assert are_unbalanced(5, 16)
    assert not are_unbalanced(14, 10)


def test_a_group_is_an_estimate_of_the_level_above(data: Group) -> None:
    groups = [fit(*mixed_group(12, 2, seed=seed), name=f"site {seed}") for seed in range(5)]
    design = Design(tuple(posterior.name for posterior in groups), ("mean",), np.ones((5, 1)))
    third = fit([posterior.as_estimate() for posterior in groups], design, parameters=["mean: B0", "mean: B1"])
    assert third.mixture is not None
    mean = np.mean([posterior.mean[:, 0] for posterior in groups], axis=0)
    np.testing.assert_allclose(third.mean[:, 0], mean, atol=0.1)


@pytest.fixture(scope="module")
def score_group() -> Group:
    """A score that connection 0 varies with."""
    estimates, design = mixed_group(16, 2, seed=8, spread=0.2)
    rng = np.random.default_rng(0)
    truth = np.array([estimate.posterior.mean[0] for estimate in estimates])
    matrix = design.matrix.copy()
    matrix[:, 2] = 3 * (truth - truth.mean()) + 0.3 * rng.normal(size=16)
    return estimates, replace(design, matrix=matrix)


def test_a_covariate_that_goes_with_connections_is_predicted_by_the_others(score_group: Group) -> None:
    found = leave_one_out(*score_group, covariate="score", shuffles=99)
    assert found.correlation > 0.6
    assert found.p_value == pytest.approx(0.01)
    assert found.shuffled is not None
    assert found.shuffled.size == 99
    again = leave_one_out(*score_group, covariate="score", shuffles=99)
    np.testing.assert_array_equal(again.estimate, found.estimate)
    in_folds = k_fold(*score_group, covariate="score", folds=5, shuffles=19)
    assert in_folds.correlation > 0.5
    assert in_folds.p_value == pytest.approx(0.05)


def test_nothing_of_what_is_predicted_gets_into_its_prediction(score_group: Group) -> None:
    estimates, design = score_group
    before = leave_one_out(estimates, design, covariate="score", shuffles=1)
    matrix = design.matrix.copy()
    matrix[3, 2] += 2.0
    after = leave_one_out(estimates, replace(design, matrix=matrix), covariate="score", shuffles=1)
    assert after.estimate[3] == pytest.approx(before.estimate[3], abs=1e-9)
    assert np.abs(after.estimate - before.estimate).max() > 1e-3


def test_somebody_far_off_says_little_of_the_covariate(score_group: Group) -> None:
    estimates, design = score_group
    far = replace(
        estimates[4], posterior=replace(estimates[4].posterior, mean=estimates[4].posterior.mean + np.array([8.0, 0.0]))
    )
    found = leave_one_out([*estimates[:4], far, *estimates[5:]], design, covariate="score", shuffles=1)
    plain = leave_one_out(estimates, design, covariate="score", shuffles=1)
    assert found.variance[4] > 1.5 * plain.variance[4]


def test_a_covariate_constant_without_a_fold_is_said(score_group: Group) -> None:
    estimates, design = score_group
    matrix = design.matrix.copy()
    matrix[:, 2] = 0.0
    matrix[5, 2] = 1.0
    with pytest.raises(DesignError, match="without s5"):
        leave_one_out(estimates, replace(design, matrix=matrix), covariate="score")


def test_shuffling_finds_what_is_there_and_is_uniform_where_nothing_is(score_group: Group) -> None:
    assert permutation_test(*score_group, covariate="score", permutations=199).p_value <= 0.02
    values = [
        permutation_test(*mixed_group(14, 2, seed=seed), covariate="score", permutations=39).p_value
        for seed in range(30)
    ]
    assert 0.3 < np.mean(values) < 0.7
    assert np.mean(np.array(values) <= 0.1) < 0.3


def test_tested_effects_are_those_asked_for(score_group: Group) -> None:
    one = permutation_test(*score_group, covariate="score", effects=["B0"], permutations=19)
    assert one.effects == ("B0",)
    both = permutation_test(*score_group, covariate="score", permutations=19)
    other = permutation_test(*score_group, covariate="score", effects=["B1"], permutations=19)
    assert both.statistic == pytest.approx(one.statistic + other.statistic)


def test_an_effect_prior_that_ties_connections_needs_gaussian_people(data: Group) -> None:
    prior = fit(*data).prior
    tied = replace(prior, covariance=prior.covariance + 0.01)
    with pytest.raises(ValueError, match="independent a priori"):
        fit(*data, PebSettings(prior=tied))
