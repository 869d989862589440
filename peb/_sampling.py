"""A check of the group's Laplace approximation: the same hierarchy, drawn from with no such approximation (NUTS).

The density is that of `_hierarchy.log_posterior`, ln p(y | β, γ) + ln p(β) + ln p(γ), over the first level's Gaussians
with the participants' own parameters integrated out exactly. It is drawn in the coordinates z in which the Laplace
approximation is a standard normal,

    (β, γ) = μ + L z,   LLᵀ = (−H)^-1 at the mode μ,

so that steps of one size suit every effect (Hoffman & Gelman
2014; Phan et al. 2019, NumPyro).

A group whose participants are a mixture is drawn from with nothing fixed, on a grid or Gaussian: β, u_j, μ, every θ_i.

    ln p = Σ_i (h_iᵀθ_i − ½ θ_iᵀL_iθ_i) + Σ_ij ln Σ_k π_k N(θ_ij − x_i β_j; 0, c_k τ_j²) + ln p(β)
           + Σ_j ln N(u_j; μ, 0.6²) + ln half-t_4(e^μ / 0.5) + μ,    u_j = ln(τ_j / √PC_j)

in units of `_mixture_fit`, with u and μ anywhere, not only on the grid. Coordinates are those in which the fit is a
standard normal: β by its moments, u_j by those of its weights, θ_i by its mean and standard deviations in the group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from dcm import one_blas_thread

from ._design import Design
from ._estimate import Estimate
from ._fit import collect, limits, solve
from ._gaussian import precision
from ._group import GroupPosterior
from ._hierarchy import Group, evaluate, log_posterior_and_gradient
from ._mixture_fit import MixtureFit, collect_mixture, fit_mixture
from ._mixture_group import MixtureGroup, prepare_mixture
from ._prepare_group import prepare
from ._sampled_group import SampledGroup, SamplingSettings, diagnosed
from ._scale_mixture import SCALES, SHARES
from ._settings import PebError, PebSettings
from ._spread_prior import ALIKE, FREEDOM, TYPICAL


class MixtureDensity(eqx.Module):
    """The log density over (β, u, μ, θ) of a group, and the coordinates it is drawn in."""

    precision: Float[Array, "subject param param"]  # L
    pull: Float[Array, "subject param"]  # h
    between: Float[Array, "subject covariate"]
    unit: Float[Array, "param"]
    prior_mean: Float[Array, "beta"]
    prior_root: Float[Array, "beta beta"]  # of β's prior precision, R with RᵀR
    centre: Float[Array, "all"]
    factor: Float[Array, "beta beta"]  # of β's covariance
    scale: Float[Array, "rest"]

    def point(self, z: Float[Array, "*draw all"]) -> Float[Array, "*draw all"]:
        """(β, u, μ, θ) of coordinates."""
        size = self.prior_mean.size
        moved = jnp.concatenate([z[..., :size] @ self.factor.T, z[..., size:] * self.scale], axis=-1)
        return self.centre + moved

    def log_density(self, z: Float[Array, "all"]) -> Float[Array, ""]:
        """At one point, but for a constant."""
        (N, q), K = self.pull.shape, self.between.shape[1]
        beta, u, mu, theta = jnp.split(self.point(z), np.cumsum([K * q, q, 1]))
        theta = theta.reshape(N, q)
        said = (self.pull * theta).sum() - jnp.einsum("si,sij,sj->", theta, self.precision, theta) / 2
        v = (jnp.exp(u) * self.unit)[:, None] ** 2 * SCALES
        off = (theta - self.between @ beta.reshape(K, q))[:, :, None]
        apart = jax.nn.logsumexp(np.log(SHARES) - (jnp.log(v) + off**2 / v) / 2, axis=2).sum()
        typical = -(FREEDOM + 1) / 2 * jnp.log1p((jnp.exp(mu) / TYPICAL) ** 2 / FREEDOM) + mu
        spread = -(((u - mu) / ALIKE) ** 2).sum() / 2 + typical.sum()
        return said + apart + spread - ((self.prior_root @ (beta - self.prior_mean)) ** 2).sum() / 2


def mixture_density(group: MixtureGroup, fit: MixtureFit, posterior: GroupPosterior) -> MixtureDensity:
    """The density of a group, in the coordinates of its fit."""
    weight, u = fit.mixture.weight, fit.mixture.u
    centre = weight @ u
    sd = np.sqrt((weight * (u - centre[:, None]) ** 2).sum(axis=1))
    names = group.chosen.parameters
    participants = [estimate.select(names).posterior for estimate in posterior.participants]
    theta, spread = (
        np.stack([density.mean for density in participants]),
        np.stack([density.sd for density in participants]),
    )
    prior = posterior.prior
    return MixtureDensity(
        precision=jnp.asarray(group.data_information.matrix),
        pull=jnp.asarray(group.data_information.vector),
        between=jnp.asarray(group.design.matrix),
        unit=jnp.asarray(group.unit),
        prior_mean=jnp.asarray(prior.mean),
        prior_root=jnp.asarray(np.linalg.cholesky(precision(prior.covariance)).T),
        centre=jnp.asarray(np.concatenate([posterior.posterior.mean, centre, [centre.mean()], theta.ravel()])),
        factor=jnp.asarray(np.linalg.cholesky(posterior.posterior.covariance)),
        scale=jnp.asarray(np.concatenate([sd, [ALIKE], spread.ravel()])),
    )


@one_blas_thread()
def sample(
    estimates: Sequence[Estimate],
    design: Design,
    settings: PebSettings = PebSettings(),  # noqa: B008 - frozen
    sampling: SamplingSettings = SamplingSettings(),  # noqa: B008 - frozen
    *,
    parameters: Sequence[str] | None = None,
    name: str = "group",
) -> SampledGroup:
    """Draws from the posterior that `fit` approximates, by the No-U-Turn Sampler.

    Arguments:
        estimates, design, settings, parameters, name: as for `fit`; the density drawn from is that which `fit` climbs,
            with the precision that SPM12 adds to each participant in SPM's modes; where participants are a mixture, the
            whole model, with nothing fixed.
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
    return _sampled(name, laplace, points, divergences, sampling)


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
    return _sampled(name, found, points, int(np.asarray(diverging).sum()), sampling)


def _sampled(
    name: str,
    found: GroupPosterior,
    points: Float[np.ndarray, "chain draw value"],
    divergences: int,
    sampling: SamplingSettings,
) -> SampledGroup:
    """Draws of effects, and after them of the noise, with what tells whether chains agree."""
    size = found.posterior.mean.size
    r_hat, sample_size = diagnosed(points)
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
        divergences=divergences,
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
