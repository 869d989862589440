"""Draws from one participant's posterior, and posteriors refined by weighted draws, against closed forms and grids."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from linear_models import POINT, LinearModel, linear_density
from one_region import one_region_case
from scipy.special import digamma, gammaln, polygamma
from scipy.stats import genpareto

import dcm
from dcm import ChainSettings, Settings
from dcm._importance import Moments, fit_pareto, importance_moments, smooth_weights
from dcm._log_density import correlation_nodes, log_density, log_likelihood, log_prior


def test_draws_have_the_moments_of_the_exact_posterior() -> None:
    case, reported = one_region_case(), []
    drawn = dcm.sample_posterior(
        case.subject, case.posterior, ChainSettings(draws=400), lambda *progress: reported.append(progress)
    )
    mean, sd = case.moments
    assert (drawn.r_hat < 1.02).all()
    error = sd / np.sqrt(drawn.sample_size)
    assert (np.abs(drawn.mean - mean) < 4 * error).all()
    np.testing.assert_allclose(drawn.sd, sd, rtol=0.12)
    assert sorted(reported)[-1] == (2800, 2800)


def test_the_free_energy_is_close_to_the_exact_log_evidence() -> None:
    case = one_region_case()
    assert case.posterior.free_energy == pytest.approx(case.log_evidence, abs=0.1)


def test_a_posterior_of_another_model_is_refused() -> None:
    case = one_region_case()
    other = replace(case.posterior, spec=dcm.Spec(["elsewhere"], ["drive"], [[1]], c=[[1]]))
    with pytest.raises(ValueError, match="another model or run"):
        dcm.sample_posterior(case.subject, other)


def test_the_noise_integrated_out_is_a_sum_over_a_fine_grid_of_it() -> None:
    problem, model = linear_density(), LinearModel()
    prediction = jnp.asarray(model.slopes @ np.asarray(problem.prior_mean + POINT.theta))
    noise, r = np.linspace(-3, 3, 121), np.linspace(-1.5, 2.5, 161)

    @jax.jit
    @partial(jax.vmap, in_axes=(None, 0, None))
    @partial(jax.vmap, in_axes=(None, None, 0))
    def heights(region: jax.Array, noise: jax.Array, r: jax.Array) -> jax.Array:
        moved = POINT.noise.at[region].set(noise), POINT.correlation.at[region].set(r)
        return log_density(model, problem, POINT._replace(noise=moved[0], correlation=moved[1]))

    total, found = 0.0, []  # of both regions, each while the other is held at the point
    for region in range(2):
        grid = np.asarray(heights(jnp.asarray(region), noise, r))
        found.append(np.tanh(r[np.unravel_index(grid.argmax(), grid.shape)[1]]))
        total += np.log(np.exp(grid - grid.max()).sum() * (noise[1] - noise[0]) * (r[1] - r[0])) + grid.max()
    common = jax.jit(partial(log_density, model))(problem, POINT)
    expected = total - float(common) - float(jax.jit(log_prior)(problem, POINT.theta))
    nodes = jax.jit(correlation_nodes)(problem, jnp.asarray(found))
    assert float(jax.jit(log_likelihood)(problem, prediction, nodes)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [({"chains": 1}, "chains must lie"), ({"draws": 30}, "multiple of 25"), ({"seed": -1}, "seed must lie")],
)
def test_settings_that_make_no_sense_are_refused(chosen: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ChainSettings(**chosen)


DIMENSIONS = 4
STANDARD = Moments(np.full(DIMENSIONS, 2.0), 0.25 * np.eye(DIMENSIONS))


def normal(mean: np.ndarray, covariance: np.ndarray, mass: float = 1.0):
    """ln of a normal density times a mass."""
    precision, half = np.linalg.inv(covariance), np.linalg.slogdet(2 * np.pi * covariance)[1] / 2
    return lambda theta: np.log(mass) - half - np.einsum("di,ij,dj->d", theta - mean, precision, theta - mean) / 2


@pytest.mark.parametrize("wider", [0.6, 1.0, 1.5])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_another_gaussian_is_found_from_the_one_assumed(wider: float, shift: float) -> None:
    root = np.eye(DIMENSIONS) + 0.4 * np.eye(DIMENSIONS, k=-1)
    mean = STANDARD.mean + shift * 0.5
    covariance = 0.25 * wider**2 * root @ root.T
    found = importance_moments(normal(mean, covariance, 3.0), STANDARD, seed=1)
    sd = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((found.moments.mean - mean) / sd, 0, atol=0.1)
    np.testing.assert_allclose(found.moments.covariance / np.outer(sd, sd), covariance / np.outer(sd, sd), atol=0.12)
    assert found.log_evidence == pytest.approx(np.log(3), abs=0.1)
    assert found.effective_sample > 250


def test_skewed_densities_have_their_own_moments() -> None:
    """The log of a gamma variate: its mode and its curvature there are a Gaussian of another mean and width."""
    shape = 4.0

    def log_density(theta: np.ndarray) -> np.ndarray:
        return (shape * theta - np.exp(theta) - gammaln(shape)).sum(axis=1)

    at_mode = Moments(np.full(3, np.log(shape)), np.eye(3) / shape)
    found = importance_moments(log_density, at_mode, seed=0)
    mean, sd = digamma(shape), np.sqrt(polygamma(1, shape))
    np.testing.assert_allclose((found.moments.mean - mean) / sd, 0, atol=0.08)  # the mode is 0.25 off
    np.testing.assert_allclose(np.sqrt(np.diag(found.moments.covariance)) / sd, 1, atol=0.06)
    assert found.log_evidence == pytest.approx(0, abs=0.05)


def test_where_there_is_no_density_the_gaussian_stays() -> None:
    found = importance_moments(lambda theta: np.full(len(theta), np.nan), STANDARD, seed=0)
    assert found.effective_sample == 0
    np.testing.assert_array_equal(found.moments.mean, STANDARD.mean)


def test_moments_are_those_of_the_exact_posterior() -> None:
    case = one_region_case()
    [refined] = dcm.invert_cohort([case.subject], replace(case.settings, refine="sampling"))
    assert isinstance(refined, dcm.Posterior)
    found = refined.refinement
    assert found is not None
    assert found.used
    np.testing.assert_array_equal(found.gaussian_mean, case.posterior.mean)
    mean, sd = case.moments
    np.testing.assert_allclose(refined.mean[refined.free], mean, atol=0.1 * sd.min())
    np.testing.assert_allclose(np.sqrt(np.diag(refined.covariance)), sd, rtol=0.08)
    assert found.log_evidence == pytest.approx(case.log_evidence, abs=0.05)
    assert refined.free_energy == case.posterior.free_energy


def test_failures_stay_failures_and_progress_counts_the_refinement() -> None:
    case = one_region_case()
    settings = replace(case.settings, refine="sampling")
    bad = replace(case.subject, name="bad", prior=replace(case.posterior.prior, covariance=np.zeros((6, 6))))
    reported: list[tuple[int, int]] = []
    failed, refined = dcm.invert_cohort([bad, case.subject], settings, lambda *how: reported.append(how))
    alone = dcm.invert(case.subject, settings)
    assert isinstance(failed, dcm.Failure)
    assert isinstance(refined, dcm.Posterior)
    np.testing.assert_array_equal(refined.mean, alone.mean)
    np.testing.assert_array_equal(refined.covariance, alone.covariance)
    assert reported == [(1, 2), (2, 2)]


def test_too_few_draws_leave_the_gaussian_and_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcm._importance.LEAST_EFFECTIVE", np.inf)
    case = one_region_case()
    kept = dcm.invert(case.subject, replace(case.settings, refine="sampling"))
    np.testing.assert_array_equal(kept.mean, case.posterior.mean)
    np.testing.assert_array_equal(kept.covariance, case.posterior.covariance)
    assert any("too few to refine" in warning for warning in dcm.diagnose(kept).warnings)


@pytest.mark.parametrize("chosen", [{"compat": "spm12"}, {"noise": "spm25"}])
def test_spms_modes_are_not_refined(chosen: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="refine='sampling' is for our own noise models"):
        Settings(**chosen, refine="sampling")


@pytest.mark.parametrize("spread", [0.01, 0.5, 1.0, 2.0, 4.0, 30.0])
def test_weights_are_those_of_arviz(spread: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # ArviZ 0.23 announces ArviZ 1 when imported
        import arviz
    ratios = spread * np.random.default_rng(0).standard_normal(800)
    expected, k = arviz.psislw(ratios)
    found = smooth_weights(ratios)
    np.testing.assert_allclose(np.log(found.weights), expected, rtol=1e-9, atol=1e-9)
    assert found.k == pytest.approx(float(k), rel=1e-9)


@pytest.mark.parametrize("k", [0.2, 0.5, 1.0])
def test_the_shape_of_a_pareto_tail_is_found(k: float) -> None:
    draws = np.sort(genpareto(k, scale=2.0).rvs(4000, random_state=1))
    shape, scale = fit_pareto(draws)
    assert shape == pytest.approx(k, abs=0.06)
    assert scale == pytest.approx(2.0, rel=0.06)


def test_equal_weights_are_as_many_draws_as_there_are() -> None:
    found = smooth_weights(np.zeros(100))
    assert found.effective_sample == pytest.approx(100)


def test_draws_without_a_density_weigh_nothing() -> None:
    ratios = np.random.default_rng(0).standard_normal(200)
    ratios[:50] = -np.inf
    found = smooth_weights(ratios)
    assert (found.weights[:50] == 0).all()
    assert found.weights.sum() == pytest.approx(1)
