"""Participants as a scale mixture: against brute-force integration, against sampling, and what an outlier does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mixture_groups import mixed_group
from scipy.special import logsumexp
from scipy.stats import norm
from scipy.stats import t as student

from peb import Estimate, Gaussian, PebError, PebSettings, SamplingSettings, fit, sample

C, PI = np.array([1.0, 9.0, 30.0, 100.0, 300.0, 1000.0]), np.array([0.98, *[0.004] * 5])


def by_brute_force(estimates: list[Estimate], X: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """P(β > 0), SDs and ln p(y) of one connection with two covariates, β summed on a fine grid at every τ."""
    y, s2 = np.array(
        [
            (e.posterior.mean[0] / e.posterior.covariance[0, 0] * s, s)
            for e in estimates
            for s in [1 / (1 / e.posterior.covariance[0, 0] - 1 / e.prior.covariance[0, 0])]
        ]
    ).T
    pc = estimates[0].prior.covariance[0, 0]
    b = [np.linspace(-1.625, 2.225, 78)] * 2  # 0 lies between two of them
    grid = np.stack(np.meshgrid(*b, indexing="ij"), -1).reshape(-1, 2)
    prior = norm.logpdf(grid, 0, np.sqrt(pc / (X**2).mean(axis=0))).sum(axis=1)
    off = y - grid @ X.T
    heights = []
    for tau in np.exp(u) * np.sqrt(pc):
        v = s2[:, None] + C * tau**2
        each = np.log(PI) - np.log(2 * np.pi * v) / 2 - off[:, :, None] ** 2 / v / 2
        heights.append(prior + logsumexp(each, axis=2).sum(axis=1))
    typical = student.logpdf(np.exp(u) / 0.5, 4) + u
    own = -(((u - u[:, None]) / 0.6) ** 2) / 2
    p_u = logsumexp((typical - logsumexp(typical))[:, None] + own - logsumexp(own, axis=1, keepdims=True), axis=0)
    joint = np.array(heights) + p_u[:, None]
    cell = np.log(np.prod([bounds[1] - bounds[0] for bounds in b]))
    weight = np.exp(joint - logsumexp(joint)).sum(axis=0)
    mean = weight @ grid
    return weight @ (grid > 0), np.sqrt(weight @ (grid - mean) ** 2), float(logsumexp(joint) + cell)


@pytest.mark.parametrize(("participants", "outlier"), [(12, 6.0), (21, 3.0)])
def test_it_is_the_sum_over_effects_and_spreads(participants: int, outlier: float) -> None:
    estimates, design = mixed_group(participants, 1, seed=participants, outlier=outlier, covariates=2)
    found = fit(estimates, design)
    assert found.mixture is not None
    above, sd, evidence = by_brute_force(estimates, design.matrix, found.mixture.u)
    np.testing.assert_allclose(found.probability[0], above, atol=0.01)
    np.testing.assert_allclose(found.sd[0], sd, rtol=0.02)
    # a first level's F here is ln N(y; 0, s² + pC)
    alone = sum(estimate.free_energy for estimate in estimates)
    assert found.free_energy - alone == pytest.approx(evidence - alone, abs=0.03)


@pytest.mark.parametrize(("correlation", "outlier"), [(0.0, 6.0), (0.6, 0.0)])
def test_sampling_of_the_whole_model_says_the_same(correlation: float, outlier: float) -> None:
    estimates, design = mixed_group(16, 2, seed=3, outlier=outlier, correlation=correlation)
    # A chain may stick where spreads are small, and which does hangs on a machine's last digits: the better of two.
    few = SamplingSettings(chains=2, warmup=300, draws=700)
    both = [sample(estimates, design, sampling=replace(few, seed=seed)) for seed in (0, 1)]
    drawn = min(both, key=lambda one: float(one.r_hat.max()))
    assert drawn.r_hat.max() < 1.03
    beside = drawn.compare(fit(estimates, design))
    assert np.abs(beside.shift).max() < 0.2
    assert np.abs(np.log(beside.sd_ratio)).max() < np.log(1.15)
    assert np.abs(beside.sampled_beyond_zero - beside.laplace_beyond_zero).max() < 0.06


def test_an_outlier_is_not_heeded_and_is_named() -> None:
    plain = fit(*mixed_group(21, 2, seed=0))
    far = fit(*mixed_group(21, 2, seed=0, outlier=6.0))
    gaussian = fit(*mixed_group(21, 2, seed=0, outlier=6.0), PebSettings(between="gaussian", noise_variance=1.0))
    assert np.abs(far.mean - plain.mean).max() < 0.5 * np.abs(gaussian.mean - plain.mean).max()
    assert plain.influence is not None
    assert far.influence is not None
    assert far.influence[0, 0] < 0.1 < 0.9 < plain.influence[0, 0]
    assert not plain.remarks
    assert len(far.remarks) == 1
    assert "s0 lies so far" in far.remarks[0]


def test_a_posterior_wider_than_its_prior_is_no_information() -> None:
    estimates, design = mixed_group(14, 2, seed=1, correlation=0.4)
    worse = replace(estimates[3], posterior=Gaussian(np.array([5.0, -5.0]), 2.5 * np.eye(2)))
    with_it = fit([*estimates[:3], worse, *estimates[4:]], design)
    without = fit(
        [estimate for estimate in estimates if estimate is not estimates[3]],
        design.rows([e.name for e in estimates if e is not estimates[3]]),
    )
    assert np.abs(with_it.mean - without.mean).max() < 0.02
    assert np.isfinite(with_it.free_energy)


def test_a_slope_that_hardly_curves_is_no_far_optimum() -> None:
    """0.1 prior SD away by the posterior, ten million SD by the parabola at its mode."""
    estimates, design = mixed_group(14, 2, seed=1, correlation=0.4)
    prior, variances = Gaussian(np.zeros(2), np.eye(2)), 1 / (1 + np.array([1e-8, 40.0]))
    level, sloping = (
        replace(estimates[3], prior=prior, posterior=Gaussian(variances * [slope, 20.0], np.diag(variances)))
        for slope in (0.0, 0.1)
    )
    plain, found = (fit([*estimates[:3], changed, *estimates[4:]], design) for changed in (level, sloping))
    assert np.abs(found.mean - plain.mean).max() < 0.1 * plain.sd.min()
    assert found.free_energy == pytest.approx(plain.free_energy, abs=0.1)
    assert found.participants[3].free_energy < sloping.free_energy + 1


def test_units_of_covariates_and_parameters_do_not_matter() -> None:
    estimates, design = mixed_group(14, 2, seed=2, correlation=0.5)
    unit = np.diag([1e3, 1e-3])
    other = [
        replace(estimate, prior=estimate.prior.transformed(unit), posterior=estimate.posterior.transformed(unit))
        for estimate in estimates
    ]
    scaled = replace(design, matrix=design.matrix * [1.0, 1e-5, 1e4])
    plain, found = fit(estimates, design), fit(other, scaled)
    np.testing.assert_allclose(found.probability, plain.probability, atol=1e-8)
    np.testing.assert_allclose(found.mean * [1.0, 1e-5, 1e4], np.diag(unit)[:, None] * plain.mean, rtol=1e-6)
    assert found.free_energy == pytest.approx(plain.free_energy, abs=1e-6)


def test_the_grid_widens_where_people_differ_by_more_than_their_prior() -> None:
    usual, design = mixed_group(14, 1, seed=2)
    wild = [replace(cell, prior=Gaussian(np.zeros(1), np.eye(1) / 64)) for cell in usual]
    sharp = [replace(estimate, posterior=Gaussian(estimate.posterior.mean * 2, np.eye(1) / 1e4)) for estimate in wild]
    found = fit(sharp, design)
    assert found.mixture is not None
    assert found.mixture.u.size > fit(usual, design).mixture.u.size  # type: ignore[union-attr]  # a mixture has one
    assert found.mixture.weight[:, -1].max() < 1e-3


def test_a_shuffled_order_of_participants_changes_nothing_but_rounding() -> None:
    estimates, design = mixed_group(14, 2, seed=5, correlation=0.5)
    backwards = design.rows(design.participants[::-1])
    np.testing.assert_allclose(fit(estimates, backwards).mean, fit(estimates, design).mean, rtol=1e-9, atol=1e-12)


def test_somebody_without_a_posterior_under_the_group_is_named() -> None:
    """Posteriors wider than their prior along 1, −1, in a group whose participants differ by more."""
    estimates, design = mixed_group(16, 2, seed=1)
    tied = Gaussian(np.zeros(2), 2 * np.array([[1, 0.95], [0.95, 1]]))
    with pytest.raises(PebError, match=r"s\d+ has a posterior that is wider than its prior .*; invert it again"):
        fit([replace(estimate, prior=tied) for estimate in estimates], design)
