"""SPM25's step: the flow of F with a part of it turned to the side.

    Δ = (expm(τ (I − R) H) − I) H⁻¹ g,    R = (L − Lᵀ) / (8 ‖L − Lᵀ‖₂),    L the lower triangle of H

with the parameters in order of decreasing prior variance, the confounds' effects first. R is antisymmetric, so the
flow still climbs, on a path that is bent by an eighth of the largest coupling at most.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax.scipy.linalg import expm
from jaxtyping import Array, Float, Int

from ._cholesky import one_at_a_time
from ._flow import Curvature, Gradient

SHARE = 1 / 8


def mixed_flow_step(
    gradient: Gradient,
    curvature: Curvature,
    time: Float[Array, ""],
    order: Int[Array, "free"],
    rotation: Float[Array, "confound confound"],
) -> Gradient:
    """Δ for the flow time τ.

    Arguments:
        order: of θ by decreasing prior variance.
        rotation: V with X = X0 V, since the order of parameters is that of X0's columns.
    """
    return _mixed_flow_step(gradient, curvature, time, order, rotation)


@one_at_a_time
def _mixed_flow_step(gradient: Gradient, curvature: Curvature, time: Array, order: Array, rotation: Array) -> Gradient:
    regions, confounds = gradient.beta.shape
    effects = regions * confounds
    lower = jnp.tril(curvature.precision)
    cross = jnp.einsum("kc,icp->ikp", rotation, curvature.cross).reshape(effects, -1)[:, order]
    blocks = jnp.einsum("kc,ic,lc->ikl", rotation, curvature.beta, rotation)
    own = (jnp.eye(regions)[:, None, :, None] * blocks[:, :, None, :]).reshape(effects, effects)
    scaled = curvature.cross / curvature.beta[..., None]
    theta = lower + jnp.tril(lower, -1).T + jnp.einsum("icp,icq->pq", curvature.cross, scaled)
    theta = theta[order][:, order]
    hessian = -jnp.block([[own, cross], [cross.T, theta]])
    turned = jnp.concatenate([(gradient.beta @ rotation.T).ravel(), gradient.theta[order]])
    lower = jnp.tril(hessian, -1)
    antisymmetric = lower - lower.T
    size = jnp.linalg.norm(antisymmetric, 2)
    mix = jnp.eye(len(turned)) - SHARE * antisymmetric / jnp.where(size > 0, size, 1.0)
    mixed = jnp.concatenate([(mix @ turned)[:, None], mix @ hessian], axis=1)
    generator = time * jnp.pad(mixed, ((1, 0), (0, 0)))  # d(1, Δ)/dt, so that its exponential has Δ in the first column
    move = expm(generator, max_squarings=64)[1:, 0]
    return Gradient(
        theta=jnp.zeros_like(gradient.theta).at[order].set(move[effects:]),
        beta=move[:effects].reshape(regions, confounds) @ rotation,
    )
