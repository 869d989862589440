"""Draws from one participant's posterior, and the noise integrated out, against sums over fine grids."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from linear_models import POINT, LinearModel, linear_density
from one_region import one_region_case

import dcm
from dcm import ChainSettings
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
