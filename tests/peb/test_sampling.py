"""Draws from the group's posterior, against densities that are known without drawing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from group_models import estimate

from peb import Design, Estimate, Gaussian, PebError, PebSettings, fit, make_design
from peb._group import GroupPosterior
from peb._hierarchy import evaluate, log_posterior
from peb._prepare_group import prepare
from peb._sampling import SampledGroup, SamplingSettings, _draw, sample

EXACT = PebSettings(between="gaussian")
FEW = SamplingSettings(chains=2, warmup=100, draws=200)


def trial() -> tuple[list[Estimate], Design]:
    """The size of the study: 21 participants, two parameters, mean, arm, improvement and their product."""
    rng = np.random.default_rng(4)
    arms = np.array(["ketamine"] * 11 + ["midazolam"] * 10)
    improvement = rng.normal(size=21)
    names = tuple(f"sub-{i + 1:02d}" for i in range(21))
    slopes = np.where(arms == "ketamine", -0.5, 0.0)[:, None] * improvement[:, None] * [1.0, 0.0]
    truth = slopes + 0.3 * rng.normal(size=(21, 2))
    estimates = [estimate(name, row, rng, 0.3) for name, row in zip(names, truth, strict=True)]
    return estimates, make_design(
        names, {"arm": arms, "improvement": improvement}, interactions=[("arm", "improvement")]
    )


@pytest.fixture(scope="module")
def laplace() -> GroupPosterior:
    return fit(*trial(), EXACT)


@pytest.fixture(scope="module")
def drawn() -> SampledGroup:
    return sample(*trial(), EXACT)


def integrated() -> tuple[np.ndarray, np.ndarray]:
    """Mean and SD of every effect: exact over β for each γ (a Gaussian), and by a sum over a fine grid of γ."""
    group = prepare(*trial(), EXACT).group

    @jax.jit
    def at(gamma: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        size = group.beta_mean.size
        here = evaluate(group, group.beta_mean, gamma, spm=False)
        covariance = jnp.linalg.inv(-here.curvature[:size, :size])
        mean = group.beta_mean + covariance @ here.gradient[:size]
        return mean, covariance, log_posterior(group, mean, gamma) + jnp.linalg.slogdet(covariance)[1] / 2

    grid = jnp.linspace(-1.5, 1.5, 301)[:, None]
    means, covariances, weights = (np.asarray(part) for part in jax.lax.map(at, grid))
    share = np.exp(weights - weights.max())
    share /= share.sum()
    assert share[0] < 1e-6
    assert share[-1] < 1e-6
    mean = share @ means
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    return mean, np.sqrt(share @ (variances + (means - mean) ** 2))


def test_draws_have_the_moments_of_the_integral_over_the_noise(drawn: SampledGroup, laplace: GroupPosterior) -> None:
    mean, sd = integrated()
    beside = drawn.compare(laplace)
    assert (np.abs(beside.sampled_mean - mean) < 5 * beside.monte_carlo_error).all()
    assert np.allclose(beside.sampled_sd, sd, rtol=0.06)


def test_the_chains_met_and_nothing_diverged(drawn: SampledGroup) -> None:
    assert drawn.draws.shape == (4, 1000, 8)
    assert drawn.noise_draws.shape == (4, 1000, 1)
    assert drawn.r_hat.max() < 1.01
    assert drawn.noise_r_hat.max() < 1.01
    assert drawn.sample_size.min() > 1000
    assert drawn.divergences == 0


@pytest.mark.parametrize("compat", ["spm12", "none"])
def test_laplace_tells_the_arms_apart_as_the_draws_do(drawn: SampledGroup, compat: str) -> None:
    settings = PebSettings(compat="spm12") if compat == "spm12" else EXACT
    beside = drawn.compare(fit(*trial(), settings))
    arms = [i for i, name in enumerate(beside.effects) if name.startswith("arm[midazolam]")]
    assert len(arms) == 4
    assert (np.abs(beside.shift[arms]) < 0.1).all()
    assert (np.abs(beside.sd_ratio[arms] - 1) < 0.15).all()
    assert np.allclose(beside.laplace_beyond_zero, beside.sampled_beyond_zero, atol=0.05)


def test_sums_of_effects_are_compared_too(drawn: SampledGroup, laplace: GroupPosterior) -> None:
    weights = np.zeros((2, 8))
    weights[0, 4], weights[0, 6] = 1.0, -1.0  # improvement of the first parameter in the arm coded −1
    weights[1] = 2 * weights[0]
    beside = drawn.compare(laplace, weights, ["ketamine", "twice"])
    assert beside.sampled_mean[0] == pytest.approx((drawn.draws[..., 4] - drawn.draws[..., 6]).mean())
    assert beside.laplace_sd[0] == pytest.approx(laplace.posterior.transformed(weights[:1]).sd[0])
    assert beside.laplace_sd[1] == pytest.approx(2 * beside.laplace_sd[0])
    assert beside.shift[1] == pytest.approx(beside.shift[0])


def test_with_a_known_covariance_the_laplace_approximation_is_exact() -> None:
    known = PebSettings(components="none", between="gaussian")
    beside = sample(*trial(), known, FEW).compare(fit(*trial(), known))
    assert (np.abs(beside.laplace_mean - beside.sampled_mean) < 5 * beside.monte_carlo_error).all()
    assert np.allclose(beside.sd_ratio, 1, atol=0.2)


def test_a_seed_gives_the_same_draws_and_another_gives_others(drawn: SampledGroup) -> None:
    same, other = (sample(*trial(), EXACT, SamplingSettings(seed=seed)) for seed in (drawn.settings.seed, 4))
    assert drawn.draws.tobytes() == same.draws.tobytes()
    assert not np.allclose(drawn.draws, other.draws)


def test_other_data_of_the_same_shape_are_drawn_from_without_compiling_anew(drawn: SampledGroup) -> None:
    estimates, design = trial()
    compiled = _draw._cache_size()
    others = [
        replace(level, posterior=Gaussian(2 * level.posterior.mean, level.posterior.covariance)) for level in estimates
    ]
    found = sample(others, design, EXACT, replace(drawn.settings, seed=1))
    assert np.isfinite(found.draws).all()
    assert _draw._cache_size() == compiled


def test_another_groups_fit_is_refused(drawn: SampledGroup, laplace: GroupPosterior) -> None:
    with pytest.raises(PebError, match="other effects than were drawn"):
        drawn.compare(replace(laplace, parameters=("one", "two")))
    with pytest.raises(PebError, match="weights and names together"):
        drawn.compare(laplace, np.eye(8))


def test_one_chain_is_refused() -> None:
    with pytest.raises(PebError, match="chains must be at least 2"):
        SamplingSettings(chains=1)


def test_importing_peb_imports_no_sampler() -> None:
    code = "import sys, peb, peb._sampling; print(sorted(m for m in ('numpyro', 'tqdm') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
