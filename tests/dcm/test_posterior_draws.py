"""Draws from one participant's posterior, and the noise integrated out, against sums over fine grids."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from linear_models import POINT, LinearModel, linear_density

import dcm
from dcm import ChainSettings, Posterior, Settings, Subject
from dcm._log_density import log_density, log_prior
from dcm._noise_evidence import correlation_nodes, log_likelihood
from dcm._sampling import problem_of

SETTINGS = Settings(integrator="bilinear", starts=1)
SCANS = 48


@pytest.fixture(scope="module")
def subject() -> Subject:
    """One region, one input: of its parameters only the self-inhibition and the drive are free."""
    spec = dcm.Spec(["region"], ["drive"], [[1]], c=[[1]])
    inputs = ((np.arange(SCANS * 2) // 16) % 2).astype(float)[:, None]
    parameters = spec.layout.to_tree(np.array([0.1, 0.0, 0.8, 0.0, 0.0, 0.0]))
    data = dcm.simulate(spec, parameters, inputs, 1.0, 2.0, snr=1.0, seed=3).data
    standard = dcm.prior(spec, noise_variance=1.0)
    variance = np.where(np.isin(np.arange(6), standard.free[:2]), np.diag(standard.covariance), 0.0)
    return Subject("one", spec, data, replace(standard, covariance=np.diag(variance)))


@pytest.fixture(scope="module")
def posterior(subject: Subject) -> Posterior:
    return dcm.invert(subject, SETTINGS)


@pytest.fixture(scope="module")
def exact(subject: Subject, posterior: Posterior) -> tuple[np.ndarray, np.ndarray]:
    """Means and SDs by a sum over a grid of θ, the noise being integrated out at every point of it."""
    model, problem = problem_of(subject, posterior)
    nodes = correlation_nodes(problem, jnp.asarray([0.1]))

    @jax.jit
    def height(theta: jax.Array) -> jax.Array:
        parameters = model.parameters(problem.prior_vector, problem.prior_mean + theta)
        prediction = model.predict(parameters, problem.timing, problem.echo_time)
        return log_likelihood(problem, prediction, nodes) + log_prior(problem, theta)

    axes = [np.linspace(-6, 8, 57) * sd for sd in np.sqrt(np.diag(posterior.covariance))]
    offsets = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    theta = posterior.mean[posterior.free] + offsets
    heights = np.asarray(jax.lax.map(height, jnp.asarray(theta - posterior.prior.mean[posterior.free])))
    weight = np.exp(heights - heights.max())
    weight /= weight.sum()
    mean = weight @ theta
    return mean, np.sqrt(weight @ (theta - mean) ** 2)


def test_draws_have_the_moments_of_the_exact_posterior(
    subject: Subject, posterior: Posterior, exact: tuple[np.ndarray, np.ndarray]
) -> None:
    told: list[tuple[int, int]] = []
    drawn = dcm.sample_posterior(
        subject, posterior, ChainSettings(warmup=200), lambda done, total: told.append((done, total))
    )
    mean, sd = exact
    assert (drawn.r_hat < 1.02).all()
    error = sd / np.sqrt(drawn.sample_size)
    assert (np.abs(drawn.mean - mean) < 4 * error).all()
    np.testing.assert_allclose(drawn.sd, sd, rtol=0.12)
    assert sorted(told)[-1] == (2800, 2800)


def test_a_posterior_of_another_model_is_refused(subject: Subject, posterior: Posterior) -> None:
    other = replace(posterior, spec=dcm.Spec(["elsewhere"], ["drive"], [[1]], c=[[1]]))
    with pytest.raises(ValueError, match="another model or run"):
        dcm.sample_posterior(subject, other)


def test_the_noise_integrated_out_is_a_sum_over_a_fine_grid_of_it() -> None:
    problem, model = linear_density(), LinearModel()
    prediction = jnp.asarray(model.slopes @ np.asarray(problem.prior_mean + POINT.theta))
    noise, r = np.linspace(-3, 3, 121), np.linspace(-1.5, 2.5, 161)

    def height(region: int, noise: jax.Array, r: jax.Array) -> jax.Array:
        moved = POINT.noise.at[region].set(noise), POINT.correlation.at[region].set(r)
        return log_density(model, problem, POINT._replace(noise=moved[0], correlation=moved[1]))

    total, found = 0.0, []  # of both regions, each while the other is held at the point
    for region in range(2):
        grid = np.asarray(jax.jit(jax.vmap(jax.vmap(partial(height, region), (None, 0)), (0, None)))(noise, r))
        found.append(np.tanh(r[np.unravel_index(grid.argmax(), grid.shape)[1]]))
        total += np.log(np.exp(grid - grid.max()).sum() * (noise[1] - noise[0]) * (r[1] - r[0])) + grid.max()
    common = log_density(model, problem, POINT)
    expected = total - float(common) - float(log_prior(problem, POINT.theta))
    nodes = correlation_nodes(problem, jnp.asarray(found))
    assert float(log_likelihood(problem, prediction, nodes)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [({"chains": 1}, "chains must lie"), ({"draws": 30}, "multiple of 25"), ({"seed": -1}, "seed must lie")],
)
def test_settings_that_make_no_sense_are_refused(chosen: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ChainSettings(**chosen)
