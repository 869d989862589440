"""Contrasts and averages of visits, against a linear model of all data at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from peb import Estimate, Gaussian, average_visits, change, combine_visits, heterogeneity

NAMES = ("A", "B", "C")


def data_of(visits: int, *, seed: int = 0, apart: float = 0.0) -> tuple[list[np.ndarray], list[np.ndarray], Gaussian]:
    """X and y of every visit of one linear model, y = X θ + e with e ~ N(0, 1), and the prior of θ."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(3, 3))
    prior = Gaussian(rng.normal(size=3), root @ root.T + np.eye(3))
    theta = rng.normal(size=3)
    X = [rng.normal(size=(12, 3)) for _ in range(visits)]
    y = [own @ (theta + apart * rng.normal(size=3)) + rng.normal(size=12) for own in X]
    return X, y, prior


def inverted(name: str, X: np.ndarray, y: np.ndarray, prior: Gaussian) -> Estimate:
    P0 = np.linalg.inv(prior.covariance)
    C = np.linalg.inv(P0 + X.T @ X)
    evidence = multivariate_normal.logpdf(y, X @ prior.mean, X @ prior.covariance @ X.T + np.eye(len(y)))
    mean = C @ (X.T @ y + P0 @ prior.mean)
    return Estimate(name, NAMES, ("A",) * 3, prior, Gaussian(mean, (C + C.T) / 2), float(evidence))


def visits(count: int, **how: float) -> list[Estimate]:
    X, y, prior = data_of(count, **how)  # type: ignore[arg-type]  # seed is whole
    return [inverted(f"ses-{v + 1}", *pair, prior) for v, pair in enumerate(zip(X, y, strict=True))]


def test_an_average_is_the_inversion_of_all_data_at_once() -> None:
    X, y, prior = data_of(4)
    whole = inverted("sub-01", np.concatenate(X), np.concatenate(y), prior)
    found = average_visits([inverted("v", *pair, prior) for pair in zip(X, y, strict=True)], "sub-01")
    np.testing.assert_allclose(found.posterior.mean, whole.posterior.mean, atol=1e-12)
    np.testing.assert_allclose(found.posterior.covariance, whole.posterior.covariance, atol=1e-12)
    assert found.free_energy == pytest.approx(whole.free_energy, abs=1e-10)
    assert found.prior is whole.prior


def test_an_average_has_the_precisions_of_all_and_the_prior_once() -> None:
    each = visits(3, seed=2)
    P = [np.linalg.inv(estimate.posterior.covariance) for estimate in each]
    P0 = np.linalg.inv(each[0].prior.covariance)
    C = np.linalg.inv(sum(P) - 2 * P0)
    pull = sum(own @ estimate.posterior.mean for own, estimate in zip(P, each, strict=True))
    pull = pull - 2 * P0 @ each[0].prior.mean
    found = average_visits(each, "sub-01")
    np.testing.assert_allclose(found.posterior.covariance, C, atol=1e-12)
    np.testing.assert_allclose(found.posterior.mean, C @ pull, atol=1e-12)


def test_one_visit_is_its_own_average() -> None:
    (only,) = visits(1)
    found = average_visits([only], "sub-01")
    np.testing.assert_allclose(found.posterior.mean, only.posterior.mean, atol=1e-12)
    assert found.free_energy == pytest.approx(only.free_energy, abs=1e-10)


def test_what_the_prior_fixes_stays_fixed_in_an_average() -> None:
    each = []
    for estimate in visits(2):
        prior, posterior = (
            Gaussian(np.append(d.mean, 0.5), np.pad(d.covariance, (0, 1))) for d in (estimate.prior, estimate.posterior)
        )
        each.append(Estimate(estimate.name, (*NAMES, "D"), ("A",) * 4, prior, posterior, estimate.free_energy))
    found, plain = average_visits(each, "sub-01"), average_visits(visits(2), "sub-01")
    np.testing.assert_allclose(found.posterior.mean, [*plain.posterior.mean, 0.5], atol=1e-12)
    assert found.posterior.covariance[3].tolist() == [0.0] * 4


def test_a_contrast_is_that_of_independent_densities() -> None:
    each, w = visits(3), np.array([-0.5, -0.5, 1.0])
    found = combine_visits(each, w, "sub-01")
    for kind in ("prior", "posterior"):
        means = np.concatenate([getattr(estimate, kind).mean for estimate in each])
        block = np.zeros((9, 9))
        for v, estimate in enumerate(each):
            block[3 * v : 3 * v + 3, 3 * v : 3 * v + 3] = getattr(estimate, kind).covariance
        turn = np.kron(w, np.eye(3))
        np.testing.assert_allclose(getattr(found, kind).mean, turn @ means, atol=1e-12)
        np.testing.assert_allclose(getattr(found, kind).covariance, turn @ block @ turn.T, atol=1e-12)
    assert found.free_energy == sum(estimate.free_energy for estimate in each)


def test_a_change_is_the_contrast_of_after_and_before() -> None:
    before, after = visits(2)
    found, contrast = change(before, after, "sub-01"), combine_visits([before, after], [-1, 1], "sub-01")
    np.testing.assert_array_equal(found.posterior.mean, after.posterior.mean - before.posterior.mean)
    np.testing.assert_array_equal(found.prior.covariance, before.prior.covariance + after.prior.covariance)
    np.testing.assert_array_equal(found.posterior.covariance, contrast.posterior.covariance)


def test_heterogeneity_is_distributed_as_it_says_and_sees_visits_that_differ() -> None:
    same = [heterogeneity(visits(3, seed=seed)) for seed in range(400)]
    assert {found.freedom for found in same} == {6}
    assert np.mean([found.chi_square for found in same]) == pytest.approx(6, abs=0.5)
    assert np.mean([found.p_value < 0.1 for found in same]) == pytest.approx(0.1, abs=0.045)
    assert sum(bool(found.remark) for found in same) < 12
    apart = heterogeneity(visits(3, apart=2.0))
    assert "visits disagree by more than their uncertainty" in apart.remark
    assert not heterogeneity(visits(1)).remark


def test_visits_that_cannot_be_averaged_are_named() -> None:
    first, second = visits(2)
    other = Gaussian(first.prior.mean, 2 * first.prior.covariance)
    with pytest.raises(ValueError, match="ses-1 and ses-2 have different priors of A; an average"):
        average_visits([first, replace(second, prior=other)], "sub-01")
    with pytest.raises(ValueError, match="ses-1 and ses-2 differ in C; give visits of one model"):
        average_visits([first, replace(second, parameters=("A", "B", "D"))], "sub-01")
    wide = replace(second, posterior=Gaussian(second.posterior.mean, 100 * second.prior.covariance))
    bare = replace(first, posterior=first.prior)
    with pytest.raises(ValueError, match="sub-01: the visits have no posterior together"):
        average_visits([bare, wide, wide], "sub-01")
    with pytest.raises(ValueError, match="no visit to average"):
        average_visits([], "sub-01")


def test_weights_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="2 visits need as many weights"):
        combine_visits(visits(2), [1.0], "sub-01")
    with pytest.raises(ValueError, match="finite numbers, one of them not 0"):
        combine_visits(visits(2), [0.0, 0.0], "sub-01")
