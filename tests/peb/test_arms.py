"""Two arms beside each other, from the interactions of one group and from a third level over two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from group_models import estimate
from scipy.stats import norm

from peb import (
    ArmComparison,
    Design,
    Estimate,
    Gaussian,
    PebError,
    PebSettings,
    arms_from_groups,
    arms_from_interactions,
    change,
    fit,
    make_design,
)
from peb._group import GroupPosterior

ARM = "arm[midazolam]"
BOTH = ("ketamine", "midazolam")
SLOPES = {"ketamine": np.array([-0.8, 0.3, 0.0]), "midazolam": np.array([0.0, 0.3, 0.4])}
EXACT = PebSettings(between="gaussian")
ALL_THERE_ARE = PebSettings(components="none", between_ratio=1e6, between="gaussian")
NAMES = tuple(f"sub-{i + 1:02d}" for i in range(24))
ARMS = np.array(["ketamine", "midazolam"] * 12)
IMPROVEMENT = np.repeat(np.random.default_rng(5).normal(size=12), 2)  # the same in both arms
IMPROVEMENT -= IMPROVEMENT.mean()


def participants(sd: float = 0.1) -> list[Estimate]:
    rng = np.random.default_rng(1)
    slopes = [SLOPES[arm] * x for arm, x in zip(ARMS, IMPROVEMENT, strict=True)]
    return [
        estimate(name, slope + 0.2 * rng.normal(size=3), rng, sd) for name, slope in zip(NAMES, slopes, strict=True)
    ]


def design(arms: np.ndarray | None = None) -> Design:
    columns = {"arm": ARMS if arms is None else arms, "improvement": IMPROVEMENT}
    return make_design(NAMES, columns, interactions=[("arm", "improvement")], centre=False)


def arm_group(arm: str, sd: float = 0.1, settings: PebSettings = EXACT) -> GroupPosterior:
    own = [participant for participant, label in zip(participants(sd), ARMS, strict=True) if label == arm]
    names = [participant.name for participant in own]
    covariates = {"improvement": IMPROVEMENT[arm == ARMS]}
    return fit(own, make_design(names, covariates, centre=False), settings, name=arm)


@pytest.fixture(scope="module")
def group() -> GroupPosterior:
    return fit(participants(), design(), EXACT)


@pytest.fixture(scope="module")
def pair() -> tuple[GroupPosterior, GroupPosterior]:
    return arm_group("ketamine"), arm_group("midazolam")


@pytest.fixture(scope="module")
def slopes(group: GroupPosterior) -> ArmComparison:
    [found] = arms_from_interactions(group, ARM, BOTH, ["improvement"])
    return found


def test_an_arms_effect_is_the_sum_of_two_effects_with_their_covariance(
    group: GroupPosterior, slopes: ArmComparison
) -> None:
    base, product = group.places("improvement"), group.places(f"{ARM}×improvement")
    mean, covariance = group.posterior.mean, group.posterior.covariance
    assert np.allclose(slopes.second.mean, mean[base] + mean[product])
    cross = covariance[np.ix_(base, product)]
    both = covariance[np.ix_(base, base)] + covariance[np.ix_(product, product)]
    assert np.allclose(slopes.second.covariance, both + cross + cross.T)
    assert np.allclose(slopes.first.covariance, both - cross - cross.T)


def test_the_difference_is_first_minus_second_and_half_of_it_half(slopes: ArmComparison) -> None:
    assert np.allclose(slopes.difference.mean, slopes.first.mean - slopes.second.mean)
    assert np.allclose(slopes.half_difference.mean, slopes.difference.mean / 2)
    assert np.allclose(slopes.half_difference.sd, slopes.difference.sd / 2)


def test_the_planted_slopes_are_found_in_the_arm_where_they_are(slopes: ArmComparison) -> None:
    for found, arm in ((slopes.first, "ketamine"), (slopes.second, "midazolam")):
        assert (np.abs(found.mean - SLOPES[arm]) < 3 * found.sd).all()
    assert slopes.beyond_zero.difference[0] < 0.001 < 0.999 < slopes.with_v_without.difference[0]


def test_without_names_every_covariate_with_an_interaction_is_compared(group: GroupPosterior) -> None:
    found = arms_from_interactions(group, ARM, BOTH)
    assert [result.covariate for result in found] == ["mean", "improvement"]


def test_the_order_of_the_arms_turns_the_difference_round(group: GroupPosterior, slopes: ArmComparison) -> None:
    [turned] = arms_from_interactions(group, ARM, ("midazolam", "ketamine"), ["improvement"])
    assert np.allclose(turned.first.mean, slopes.second.mean)
    assert np.allclose(turned.difference.mean, -slopes.difference.mean)
    assert np.allclose(turned.beyond_zero.difference, 1 - slopes.beyond_zero.difference)
    assert np.allclose(turned.with_v_without.difference, slopes.with_v_without.difference)


def test_which_arm_is_coded_plus_one_makes_no_difference(slopes: ArmComparison) -> None:
    coded = fit(participants(), design(np.where(ARMS == "ketamine", 1.0, -1.0)), EXACT)
    [found] = arms_from_interactions(coded, "arm", BOTH, ["improvement"])
    assert np.allclose(found.first.mean, slopes.first.mean, atol=1e-6)
    assert np.allclose(found.with_v_without.first, slopes.with_v_without.first, atol=1e-6)


def savage_dickey(prior: Gaussian, posterior: Gaussian) -> np.ndarray:
    """p(with | y) from the densities at 0 of one effect at a time, which is independent of the others a priori."""
    without = norm.pdf(0, posterior.mean, posterior.sd) / norm.pdf(0, prior.mean, prior.sd)
    return 1 / (1 + without)


def test_with_v_without_is_the_ratio_of_the_densities_at_zero(group: GroupPosterior, slopes: ArmComparison) -> None:
    base, product = group.places("improvement"), group.places(f"{ARM}×improvement")
    assert np.allclose(group.prior.covariance[base, base], group.prior.covariance[product, product])
    assert np.allclose(
        slopes.with_v_without.difference, savage_dickey(group.prior.marginal(product), slopes.half_difference)
    )
    summed = Gaussian(np.zeros(3), 2 * group.prior.marginal(base).covariance)
    assert np.allclose(slopes.with_v_without.first, savage_dickey(summed, slopes.first))
    assert np.allclose(slopes.with_v_without.second, savage_dickey(summed, slopes.second))


def test_a_sure_negative_effect_is_not_beyond_zero_yet_in_the_model(slopes: ArmComparison) -> None:
    assert slopes.beyond_zero.kind == "posterior beyond zero"
    assert slopes.with_v_without.kind == "free energy, with v without"
    assert slopes.beyond_zero.first[0] < 0.001
    assert slopes.with_v_without.first[0] > 0.999


def test_an_arm_that_the_column_does_not_name_is_refused(group: GroupPosterior) -> None:
    with pytest.raises(PebError, match="says that midazolam is an arm"):
        arms_from_interactions(group, ARM, ("ketamine", "placebo"))
    with pytest.raises(PebError, match="need two names"):
        arms_from_interactions(group, ARM, ("midazolam", "midazolam"))


def test_a_covariate_without_an_interaction_is_refused(group: GroupPosterior) -> None:
    with pytest.raises(PebError, match="one for both arms"):
        arms_from_interactions(group, ARM, BOTH, [ARM])


def test_a_column_that_is_not_plus_or_minus_one_is_refused(group: GroupPosterior) -> None:
    with pytest.raises(PebError, match="must be coded −1 and \\+1"):
        arms_from_interactions(group, "improvement", BOTH)


def test_a_product_of_other_columns_is_refused(group: GroupPosterior) -> None:
    matrix = group.design.matrix.copy()
    matrix[:, -1] += 0.1
    odd = replace(group, design=replace(group.design, matrix=matrix))
    with pytest.raises(PebError, match="is not arm\\[midazolam\\] times improvement"):
        arms_from_interactions(odd, ARM, BOTH, ["improvement"])


def test_the_third_level_reports_half_the_difference(pair: tuple[GroupPosterior, GroupPosterior]) -> None:
    third = arms_from_groups(*pair, ALL_THERE_ARE)
    mean, slope = third.comparisons
    assert (mean.covariate, slope.covariate, slope.arms) == ("mean", "improvement", BOTH)
    assert third.group.design.matrix.tolist() == [[1, 1], [1, -1]]
    half = third.group.of("half difference")
    assert np.array_equal(np.concatenate([mean.half_difference.mean, slope.half_difference.mean]), half.mean)
    assert np.array_equal(slope.first.mean, pair[0].of("improvement").mean)


def test_interactions_and_third_level_agree_where_effects_are_well_identified(
    slopes: ArmComparison, pair: tuple[GroupPosterior, GroupPosterior]
) -> None:
    [third] = arms_from_groups(*pair, ALL_THERE_ARE, ["improvement"]).comparisons
    assert (np.abs(third.difference.mean - slopes.difference.mean) < 0.1 * slopes.difference.sd).all()
    assert np.allclose(third.difference.sd, slopes.difference.sd, rtol=0.15)
    assert np.allclose(third.difference.mean, third.first.mean - third.second.mean, atol=0.02)


def test_a_variance_between_arms_widens_the_difference_but_keeps_its_mean(
    pair: tuple[GroupPosterior, GroupPosterior],
) -> None:
    [alone] = arms_from_groups(*pair, ALL_THERE_ARE, ["improvement"]).comparisons
    [drawn] = arms_from_groups(*pair, EXACT, ["improvement"]).comparisons
    assert (drawn.difference.sd > 2 * alone.difference.sd).all()
    assert (np.abs(drawn.difference.mean - alone.difference.mean) < 0.1 * drawn.difference.sd).all()


def test_arms_centred_at_different_places_are_remarked_on(pair: tuple[GroupPosterior, GroupPosterior]) -> None:
    here, there = (
        replace(arm, design=replace(arm.design, centres={"improvement": place}))
        for arm, place in zip(pair, (12.5, 10.0), strict=True)
    )
    mean, slope = arms_from_groups(here, there, ALL_THERE_ARE).comparisons
    assert "centred at 12.5 in ketamine and at 10 in midazolam" in mean.remarks[0]
    assert not slope.remarks


def test_arms_of_different_covariates_are_refused(pair: tuple[GroupPosterior, GroupPosterior]) -> None:
    other = replace(pair[1], design=replace(pair[1].design, covariates=("mean", "age")))
    with pytest.raises(PebError, match="differ in their covariates"):
        arms_from_groups(pair[0], other)


def sessions() -> tuple[list[Estimate], list[Estimate]]:
    """Before and after, the change as in `participants`."""
    rng = np.random.default_rng(2)
    start = [rng.normal(scale=0.3, size=3) for _ in NAMES]
    before = [estimate(f"{name} before", at, rng, 0.1) for name, at in zip(NAMES, start, strict=True)]
    after = [
        estimate(f"{name} after", at + SLOPES[arm] * x + 0.2 * rng.normal(size=3), rng, 0.1)
        for name, at, arm, x in zip(NAMES, start, ARMS, IMPROVEMENT, strict=True)
    ]
    return before, after


def within_participant(name: str, before: Estimate, after: Estimate) -> Estimate:
    """Both sessions under one PEB that lets them be as far apart as their priors do, and no more."""
    prior = before.prior.covariance
    half, zero = prior / 2, np.zeros_like(prior)
    settings = PebSettings(
        components="none",
        between_ratio=1e8,
        prior=Gaussian(np.zeros(2 * len(prior)), np.block([[half, zero], [zero, 4 * half]])),
        between="gaussian",
    )
    matrix = np.array([[1.0, -0.5], [1.0, 0.5]])
    rows = Design((before.name, after.name), ("mean", "change"), matrix)
    return fit([before, after], rows, settings, name=name).as_estimate()


def test_a_change_within_a_participant_is_the_change_of_two_sessions() -> None:
    before, after = (side[0] for side in sessions())
    level = within_participant("sub-01", before, after).select([f"change: {name}" for name in before.parameters])
    direct = change(before, after, "sub-01")
    assert np.allclose(level.prior.covariance, direct.prior.covariance)
    assert np.allclose(level.posterior.mean, direct.posterior.mean, atol=1e-5)
    assert np.allclose(level.posterior.covariance, direct.posterior.covariance, atol=1e-6)


def test_sessions_participants_and_arms_are_one_recursion() -> None:
    """Four levels by `fit` and `as_estimate` alone end where the changes of the participants do."""
    before, after = sessions()
    chosen = [f"change: {name}" for name in before[0].parameters]
    stacked = [within_participant(*three) for three in zip(NAMES, before, after, strict=True)]
    direct = [change(*three, name) for three, name in zip(zip(before, after, strict=True), NAMES, strict=True)]
    found = []
    for estimates, parameters in ((stacked, chosen), (direct, None)):
        arms = []
        for arm in BOTH:
            own = [level for level, label in zip(estimates, ARMS, strict=True) if label == arm]
            rows = make_design(
                [participant.name for participant in own], {"improvement": IMPROVEMENT[arm == ARMS]}, centre=False
            )
            arms.append(fit(own, rows, EXACT, parameters=parameters, name=arm).as_estimate())
        top = Design(BOTH, ("commonality", "half difference"), np.array([[1.0, 1.0], [1.0, -1.0]]))
        found.append(fit(arms, top, ALL_THERE_ARE).of("half difference"))
    one, other = found
    assert (np.abs(one.mean - other.mean) < 0.05 * other.sd).all()
    assert np.allclose(one.sd, other.sd, rtol=0.05)
    planted = (SLOPES["ketamine"] - SLOPES["midazolam"]) / 2
    assert (np.abs(one.mean[3:] - planted) < 3 * one.sd[3:]).all()
