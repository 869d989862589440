"""Nothing that a group says depends on the unit of a covariate: effects differ by the factor, all else is the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from peb import (
    Design,
    Estimate,
    Gaussian,
    PebSettings,
    arms_from_groups,
    arms_from_interactions,
    compare,
    every_combination,
    fit,
    leave_one_out,
    make_design,
    permutation_test,
    search,
)

EXACT = PebSettings(between="gaussian")
PEOPLE, NAMES = 12, ("A[y<-x]", "B[y<-x, u]")
FACTORS = (1e-12, 1e-6, 1e-3, 1e6)

Numbers = tuple[np.ndarray, np.ndarray]  # what is per unit of the score, and what must not depend on it


def cohort() -> tuple[list[Estimate], np.ndarray, list[str]]:
    rng = np.random.default_rng(3)
    score, arm = rng.normal(3.0, 1.0, PEOPLE), ["drug", "placebo"] * (PEOPLE // 2)
    prior = Gaussian(np.zeros(2), np.diag([1 / 64, 1.0]))
    estimates = []
    for i, value in enumerate(score):
        effect = np.array([0.1, 0.3 + (0.2 if i % 2 else 0.05) * (value - score.mean())])
        posterior = Gaussian(effect + rng.normal(scale=0.05, size=2), np.diag([0.002, 0.004]))
        estimates.append(Estimate(f"sub-{i + 1:02d}", NAMES, ("A", "B"), prior, posterior, -100.0))
    return estimates, score, arm


ESTIMATES, SCORE, ARM = cohort()


def design(factor: float, **more: list[str]) -> Design:
    participants = [estimate.name for estimate in ESTIMATES]
    pairs = [("arm", "score")] if more else []
    return make_design(participants, {"score": factor * SCORE, **more}, interactions=pairs)


def fitted(factor: float) -> Numbers:
    group = fit(ESTIMATES, design(factor), EXACT)
    others = [*group.mean[:, 0], *group.probability.ravel(), *group.as_estimate().with_v_without]
    within = [*others, group.free_energy, *group.between.ravel(), group.iterations]
    return np.array([group.mean[:, 1], group.sd[:, 1]]), np.array(within)


def searched(factor: float) -> Numbers:
    found = search(fit(ESTIMATES, design(factor), EXACT))
    return found.average.mean[2:], np.array([*found.probability, *found.combination_probability, *found.kept])


def compared(factor: float) -> Numbers:
    group = fit(ESTIMATES, design(factor), EXACT)
    found = compare(group, every_combination(2), ["none", "B", "A", "both"])
    return found.average.mean[2:], found.probability


def left_out(factor: float) -> Numbers:
    found = leave_one_out(ESTIMATES, design(factor), EXACT, covariate="score")
    return 1 / found.estimate, np.array([found.correlation, found.p_value])


def permuted(factor: float) -> Numbers:
    found = permutation_test(ESTIMATES, design(factor), EXACT, covariate="score", permutations=9)
    return np.array([1 / factor]), np.array([found.statistic, *found.null])


def by_interactions(factor: float) -> Numbers:
    group = fit(ESTIMATES, design(factor, arm=ARM), EXACT)
    _, found = arms_from_interactions(group, "arm[placebo]", ("placebo", "drug"))
    return found.difference.mean, np.array([found.beyond_zero.difference, found.with_v_without.first])


def by_third_level(factor: float) -> Numbers:
    both = []
    for arm in ("placebo", "drug"):
        own = [estimate for estimate, name in zip(ESTIMATES, ARM, strict=True) if name == arm]
        both.append(fit(own, design(factor).rows([outcome.name for outcome in own]), EXACT, name=arm))
    third = arms_from_groups(*both, EXACT)
    _, found = third.comparisons
    return found.difference.mean, np.array([*found.beyond_zero.difference, third.group.free_energy])


MODELS = (fitted, searched, compared, left_out, permuted, by_interactions, by_third_level)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_effects_differ_by_the_factor_and_probabilities_not_at_all(
    model: Callable[[float], Numbers],
) -> None:
    per_unit, others = model(1.0)
    for factor in FACTORS:
        scaled, same = model(factor)
        assert scaled * factor == pytest.approx(per_unit, rel=1e-5)
        assert same == pytest.approx(others, rel=1e-5, abs=1e-7)
