"""A check of the group's Laplace approximation: the same hierarchy, drawn from with no such approximation (NUTS).

The density is that of `_hierarchy.log_posterior`, ln p(y | β, γ) + ln p(β) + ln p(γ), over the first level's Gaussians
with the participants' own parameters integrated out exactly. It is drawn in the coordinates z in which the Laplace
approximation is a standard normal,

    (β, γ) = μ + L z,   LLᵀ = (−H)^-1 at the mode μ,

(where people are a mixture, see `_mixture_sampling`), so that steps of one size suit every effect (Hoffman & Gelman
2014; Phan et al. 2019, NumPyro).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from dcm import one_blas_thread

from ._design import Design
from ._estimate import Estimate
from ._gaussian import precision
from ._group import GroupPosterior
from ._hierarchy import Group, evaluate, log_posterior_and_gradient
from ._mixture_fit import MixtureGroup, collect_mixture, fit_mixture, prepare_mixture
from ._mixture_sampling import MixtureDensity, mixture_density
from ._peb import collect, limits, solve
from ._probability import beyond_zero
from ._second_level import prepare
from ._settings import PebError, PebSettings


@dataclass(frozen=True, eq=False)
class SamplingSettings:
    """How to draw.

    Arguments:
        chains: number of chains, run side by side; R-hat needs at least 2.
        warmup: draws of each chain in which the step size is found, not kept.
        draws: draws kept of each chain.
        seed: of all chains.
    """

    chains: int = 4
    warmup: int = 500
    draws: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("chains", 2), ("warmup", 1), ("draws", 4), ("seed", 0)):
            if getattr(self, name) < least:
                raise PebError(f"{name} must be at least {least}, not {getattr(self, name)}")


@dataclass(frozen=True, eq=False)
class SamplingComparison:
    """Draws and Laplace approximation side by side, (effect,) each.

    Fields:
        effects: names.
        sampled_mean, laplace_mean: posterior means.
        sampled_sd, laplace_sd: posterior standard deviations.
        sampled_beyond_zero, laplace_beyond_zero: P(effect > 0 | y).
        monte_carlo_error: standard error of `sampled_mean`, from the effective sample size.
        shift: (laplace_mean − sampled_mean) / sampled_sd.
        sd_ratio: laplace_sd / sampled_sd; below 1 where Laplace is too sure.
    """

    effects: tuple[str, ...]
    sampled_mean: Float[np.ndarray, "effect"]
    laplace_mean: Float[np.ndarray, "effect"]
    sampled_sd: Float[np.ndarray, "effect"]
    laplace_sd: Float[np.ndarray, "effect"]
    sampled_beyond_zero: Float[np.ndarray, "effect"]
    laplace_beyond_zero: Float[np.ndarray, "effect"]
    monte_carlo_error: Float[np.ndarray, "effect"]

    @property
    def shift(self) -> Float[np.ndarray, "effect"]:
        """How far Laplace's mean lies from the draws', in posterior standard deviations."""
        return (self.laplace_mean - self.sampled_mean) / self.sampled_sd

    @property
    def sd_ratio(self) -> Float[np.ndarray, "effect"]:
        """Laplace's standard deviation over the draws'."""
        return self.laplace_sd / self.sampled_sd


@dataclass(frozen=True, eq=False)
class SampledGroup:
    """Draws from the posterior over group effects β and log precisions γ.

    Fields:
        name: what it goes by.
        effects: names, as `GroupPosterior.effects`.
        component_names: what each γ is over.
        draws: (chain, draw, effect) of β, in Hz per unit of the covariate where the parameter is in Hz.
        noise_draws: (chain, draw, component) of γ.
        r_hat, noise_r_hat: (effect,), (component,) split R-hat; above 1.01 the chains have not met.
        sample_size, noise_sample_size: (effect,), (component,) effective sample sizes.
        divergences: number of draws at which the integrator went astray; any but a few mean that the draws are biased.
        settings: how they were drawn.
    """

    name: str
    effects: tuple[str, ...]
    component_names: tuple[str, ...]
    draws: Float[np.ndarray, "chain draw effect"]
    noise_draws: Float[np.ndarray, "chain draw component"]
    r_hat: Float[np.ndarray, "effect"]
    noise_r_hat: Float[np.ndarray, "component"]
    sample_size: Float[np.ndarray, "effect"]
    noise_sample_size: Float[np.ndarray, "component"]
    divergences: int
    settings: SamplingSettings

    def compare(
        self,
        group: GroupPosterior,
        weights: Float[np.ndarray, "new effect"] | None = None,
        names: Sequence[str] | None = None,
    ) -> SamplingComparison:
        """The draws beside the Laplace approximation of the same group.

        Arguments:
            group: what `fit` returned for the same estimates, design and settings.
            weights: (new, effect) sums of effects to compare, such as an arm's β_c + β_s×c; None for the effects.
            names: of the sums.

        Raises `PebError` where the group has other effects, or weights and names do not go together.
        """
        if group.effects != self.effects:
            raise PebError(f"{group.name} has other effects than were drawn for {self.name}; give its own fit")
        if (weights is None) != (names is None):
            raise PebError("give weights and names together, or neither")
        labels = self.effects if names is None else tuple(names)
        sums = np.eye(len(self.effects)) if weights is None else np.asarray(weights, dtype=np.float64)
        if sums.shape != (len(labels), len(self.effects)):
            raise PebError(f"weights must be ({len(labels)}, {len(self.effects)}), not {sums.shape}")
        drawn, mean = self.draws @ sums.T, sums @ group.posterior.mean
        laplace_sd = np.sqrt(np.einsum("ij,jk,ik->i", sums, group.posterior.covariance, sums))
        beyond = _beyond_zero(group, sums, mean, laplace_sd)
        sd = drawn.std(axis=(0, 1), ddof=1)
        return SamplingComparison(
            labels,
            drawn.mean(axis=(0, 1)),
            mean,
            sd,
            laplace_sd,
            (drawn > 0).mean(axis=(0, 1)),
            beyond,
            sd / np.sqrt(_diagnosed(drawn)[1]),
        )


@one_blas_thread()
def sample(
    estimates: Sequence[Estimate],
    design: Design,
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    sampling: SamplingSettings = SamplingSettings(),
    *,
    parameters: Sequence[str] | None = None,
    name: str = "group",
) -> SampledGroup:
    """Draws from the posterior that `fit` approximates, by the No-U-Turn Sampler.

    Arguments:
        estimates, design, settings, parameters, name: as for `fit`; the density drawn from is that which `fit` climbs,
            with the precision that SPM12 adds to each participant in SPM's modes; where people are a mixture, the whole
            model, with nothing fixed.
        sampling: chains, draws, seed.

    Raises `PebError` as `fit` does, and where the density has no mode from which to start.

    Source: Hoffman & Gelman 2014, J Mach Learn Res 15:1593; Phan et al. 2019, arXiv 1912.11554.
    """
    if settings.is_mixture:
        return _sample_mixture(prepare_mixture(estimates, design, settings, parameters), sampling, name)
    prepared = prepare(estimates, design, settings, parameters)
    laplace = collect(prepared, jax.device_get(solve(prepared.group, limits(settings), spm=False)), name)
    mode, factor = _coordinates(prepared.group, laplace)
    points, divergences = _chains(prepared.group, mode, factor, sampling)
    size = laplace.posterior.mean.size
    r_hat, sample_size = _diagnosed(points)
    return SampledGroup(
        name=name,
        effects=laplace.effects,
        component_names=laplace.component_names,
        draws=points[..., :size],
        noise_draws=points[..., size:],
        r_hat=r_hat[:size],
        noise_r_hat=r_hat[size:],
        sample_size=sample_size[:size],
        noise_sample_size=sample_size[size:],
        divergences=divergences,
        settings=sampling,
    )


def _sample_mixture(group: MixtureGroup, sampling: SamplingSettings, name: str) -> SampledGroup:
    fit = fit_mixture(group)
    found = collect_mixture(group, fit, name)
    density = mixture_density(group, fit, found)
    starts, key = jax.random.split(jax.random.key(sampling.seed))
    first = jax.random.normal(starts, (sampling.chains, density.centre.size))
    z, diverging = _draw_mixture(density, key, first, warmup=sampling.warmup, draws=sampling.draws)
    q, size = len(found.parameters), found.posterior.mean.size
    points = np.array(density.point(z)[..., : size + q]).swapaxes(0, 1)
    points[..., size:] = -2 * points[..., size:] - np.log(16.0)  # γ, see `collect_mixture`
    r_hat, sample_size = _diagnosed(points)
    return SampledGroup(
        name=name,
        effects=found.effects,
        component_names=found.component_names,
        draws=points[..., :size],
        noise_draws=points[..., size:],
        r_hat=r_hat[:size],
        noise_r_hat=r_hat[size:],
        sample_size=sample_size[:size],
        noise_sample_size=sample_size[size:],
        divergences=int(np.asarray(diverging).sum()),
        settings=sampling,
    )


@partial(jax.jit, static_argnames=("warmup", "draws"))
def _draw_mixture(
    density: MixtureDensity, key: Array, first: Float[Array, "chain all"], *, warmup: int, draws: int
) -> tuple[Float[Array, "draw chain all"], Bool[Array, "draw chain"]]:
    """z of every draw, and whether it diverged."""
    return _nuts(lambda z: -density.log_density(z), key, first, warmup, draws)


def _coordinates(
    group: Group, laplace: GroupPosterior
) -> tuple[Float[np.ndarray, "joint"], Float[np.ndarray, "joint joint"]]:
    """μ and L."""
    beta, gamma = laplace.posterior.mean, laplace.noise.mean
    curvature = np.asarray(_curvature(group, jnp.asarray(beta), jnp.asarray(gamma)))
    try:
        return np.concatenate([beta, gamma]), np.linalg.cholesky(precision(-curvature))
    except np.linalg.LinAlgError:
        raise PebError(f"{laplace.name}: no mode was found to start from; {laplace.status.value}") from None


@jax.jit
def _curvature(
    group: Group, beta: Float[Array, "beta"], gamma: Float[Array, "component"]
) -> Float[Array, "joint joint"]:
    return evaluate(group, beta, gamma, spm=False).curvature


def _chains(
    group: Group, mode: np.ndarray, factor: np.ndarray, sampling: SamplingSettings
) -> tuple[Float[np.ndarray, "chain draw joint"], int]:
    """All chains' (β, γ), and the number of divergences; every chain starts at a draw of the Laplace approximation."""
    starts, draws = jax.random.split(jax.random.key(sampling.seed))
    first = jax.random.normal(starts, (sampling.chains, mode.size))
    z, diverging = _draw(group, mode, factor, draws, first, warmup=sampling.warmup, draws=sampling.draws)
    return mode + np.asarray(z).swapaxes(0, 1) @ factor.T, int(np.asarray(diverging).sum())


@partial(jax.jit, static_argnames=("warmup", "draws"))
def _draw(
    group: Group,
    mode: Float[Array, "joint"],
    factor: Float[Array, "joint joint"],
    key: Array,
    first: Float[Array, "chain joint"],
    *,
    warmup: int,
    draws: int,
) -> tuple[Float[Array, "draw chain joint"], Bool[Array, "draw chain"]]:
    """z of every draw, and whether it diverged; compiled once for each shape of a group, whatever its numbers."""
    size = group.beta_mean.size

    @jax.custom_jvp
    def potential(z: Float[Array, "joint"]) -> Float[Array, ""]:
        return -here(z)[0]

    def here(z: Float[Array, "joint"]) -> tuple[Float[Array, ""], Float[Array, "joint"]]:
        point = mode + factor @ z
        height, gradient = log_posterior_and_gradient(group, point[:size], point[size:])
        return height, factor.T @ gradient

    @potential.defjvp
    def _(at: tuple[Array], along: tuple[Array]) -> tuple[Array, Array]:
        height, gradient = here(at[0])
        return -height, -gradient @ along[0]

    return _nuts(potential, key, first, warmup, draws)


def _nuts(
    potential: Callable[[Array], Array], key: Array, first: Float[Array, "chain all"], warmup: int, draws: int
) -> tuple[Float[Array, "draw chain all"], Bool[Array, "draw chain"]]:
    """z of every draw of −ln p, and whether it diverged; to be traced."""
    from numpyro.infer import NUTS  # a second to import: only for those who draw

    kernel = NUTS(potential_fn=potential)
    state = kernel.init(jax.random.split(key, len(first)), warmup, first, model_args=(), model_kwargs={})

    def step(state: Any, _: None) -> tuple[Any, tuple[Array, Array]]:
        state = kernel.sample(state, (), {})
        return state, (state.z, state.diverging)

    state = jax.lax.fori_loop(0, warmup, lambda _, state: kernel.sample(state, (), {}), state)
    found: tuple[Array, Array] = jax.lax.scan(step, state, None, length=draws)[1]
    return found


def _beyond_zero(
    group: GroupPosterior, sums: Float[np.ndarray, "new effect"], mean: np.ndarray, sd: np.ndarray
) -> Float[np.ndarray, "new"]:
    """P(sum > 0): by the mixture where people are one and a sum is of one connection's effects."""
    found = beyond_zero(mean, sd)
    if group.mixture is None:
        return found
    size = len(group.parameters)
    for row, weights in enumerate(sums.reshape(len(sums), -1, size)):
        places = np.flatnonzero(weights.any(axis=0))
        if places.size == 1:
            found[row] = group.contrast(weights[:, places[0]]).above_zero[places[0]]
    return found


def _diagnosed(draws: Float[np.ndarray, "chain draw any"]) -> tuple[np.ndarray, np.ndarray]:
    """Split R-hat and effective sample size of every quantity, the latter at least 1: its estimate may be negative."""
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    return np.asarray(split_gelman_rubin(draws)), np.maximum(effective_sample_size(draws), 1.0)
