"""A group whose people are a mixture, drawn from with nothing fixed, on a grid or Gaussian: β, u_j, μ and every θ_i.

    ln p = Σ_i (h_iᵀθ_i − ½ θ_iᵀL_iθ_i) + Σ_ij ln Σ_k π_k N(θ_ij − x_i β_j; 0, c_k τ_j²) + ln p(β)
           + Σ_j ln N(u_j; μ, 0.6²) + ln half-t_4(e^μ / 0.5) + μ,    u_j = ln(τ_j / √PC_j)

in units of `_mixture_fit`, with u and μ anywhere, not only on the grid. Coordinates are those in which the fit is a
standard normal: β by its moments, u_j by those of its weights, θ_i by its mean and standard deviations in the group.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._group import GroupPosterior
from ._mixture_fit import MixtureFit
from ._mixture_group import MixtureGroup
from ._scale_mixture import SCALES, SHARES
from ._shared_spread import ALIKE, FREEDOM, TYPICAL


class MixtureDensity(eqx.Module):
    """The log density over (β, u, μ, θ) of a group, and the coordinates it is drawn in."""

    precision: Float[Array, "subject param param"]  # L
    pull: Float[Array, "subject param"]  # h
    between: Float[Array, "subject covariate"]
    unit: Float[Array, "param"]
    prior_mean: Float[Array, "beta"]
    prior_sd: Float[Array, "beta"]
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
        return said + apart + spread - (((beta - self.prior_mean) / self.prior_sd) ** 2).sum() / 2


def mixture_density(group: MixtureGroup, fit: MixtureFit, posterior: GroupPosterior) -> MixtureDensity:
    """The density of a group, in the coordinates of its fit."""
    weight, u = fit.mixture.weight, fit.mixture.u
    centre = weight @ u
    sd = np.sqrt((weight * (u - centre[:, None]) ** 2).sum(axis=1))
    names = group.chosen.parameters
    people = [one.select(names).posterior for one in posterior.participants]
    theta, spread = np.stack([one.mean for one in people]), np.stack([one.sd for one in people])
    prior = posterior.prior
    return MixtureDensity(
        precision=jnp.asarray(group.said.matrix),
        pull=jnp.asarray(group.said.vector),
        between=jnp.asarray(group.design.matrix),
        unit=jnp.asarray(group.unit),
        prior_mean=jnp.asarray(prior.mean),
        prior_sd=jnp.asarray(prior.sd),
        centre=jnp.asarray(np.concatenate([posterior.posterior.mean, centre, [centre.mean()], theta.ravel()])),
        factor=jnp.asarray(np.linalg.cholesky(posterior.posterior.covariance)),
        scale=jnp.asarray(np.concatenate([sd, [ALIKE], spread.ravel()])),
    )
