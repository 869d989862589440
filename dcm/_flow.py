"""How far to go along the gradient: the flow of F integrated for a while instead of a Newton jump.

    Δ = (expm(τH) − I) H⁻¹ g = τ φ(−τH) g,    φ(x) = (1 − e⁻ˣ) / x

With −H positive definite, φ is expanded in a rational function of the curvature that costs one Cholesky factor,

    W = (I − γτH)⁻¹,    φ(−τH) = Σ_j c_j T_j(2W − I) W,

T_j the Chebyshev polynomials. W's eigenvalues w = 1 / (1 + γx) lie between 0, where F is stiff, and 1, where it is
flat, so c_j are the Chebyshev coefficients of φ(x) / w over 0 … 1 with x = (1/w − 1) / γ, smooth up to both ends (it
tends to γ where x → ∞). 32 terms give φ to 2e-13 of itself at any x ≥ 0, so that no direction loses digits to another.

Sources: van den Eshof & Hochbruck (2006, SIAM J. Sci. Comput. 27, 1438) for one shifted inverse instead of many and for
γ; Trefethen (2013, Approximation Theory and Approximation Practice, chapters 3, 8 and 18) for the series and its sum.

SPM25's step: the flow of F with a part of it turned to the side.

    Δ = (expm(τ (I − R) H) − I) H⁻¹ g,    R = (L − Lᵀ) / (8 ‖L − Lᵀ‖₂),    L the lower triangle of H

with the parameters in order of decreasing prior variance, the confounds' effects first. R is antisymmetric, so the
flow still climbs, on a path that is bent by an eighth of the largest coupling at most.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import expm
from jaxtyping import Array, Float, Int

from ._cholesky import inverse, one_at_a_time

TERMS = 32
POLE = 0.0513  # γ, at which the last coefficients are smallest


class Curvature(eqx.Module):
    """−H over θ and the confound effects β of each region, by blocks.

        −H = [[precision + crossᵀ diag(beta)⁻¹ cross, crossᵀ], [cross, diag(beta)]]

    `precision` is what is left of the block of θ once β is eliminated; of it the lower triangle is read.
    """

    precision: Float[Array, "free free"]
    cross: Float[Array, "region confound free"]
    beta: Float[Array, "region confound"]


class Gradient(eqx.Module):
    """∂F/∂θ and ∂F/∂β."""

    theta: Float[Array, "free"]
    beta: Float[Array, "region confound"]

    def dot(self, other: Gradient) -> Float[Array, ""]:
        """Inner product over both blocks."""
        return self.theta @ other.theta + (self.beta * other.beta).sum()


def _coefficients(nodes: int = 4096) -> np.ndarray:
    """c_j, by the trapezoidal rule in the angle."""
    angle = np.pi * (np.arange(nodes) + 0.5) / nodes
    w = np.cos(angle / 2) ** 2
    x = np.tan(angle / 2) ** 2 / POLE
    values = -np.expm1(-x) / x / w
    sums = np.cos(np.outer(np.arange(TERMS), angle)) @ values * 2 / nodes
    sums[0] /= 2
    return sums


COEFFICIENTS = _coefficients()


def flow_step(gradient: Gradient, curvature: Curvature, time: Float[Array, ""]) -> Gradient:
    """Δ = (expm(τH) − I) H⁻¹ g for the flow time τ."""
    return _flow_step(gradient, curvature, time)


def dense_flow_step(
    gradient: Float[Array, "free"], curvature: Float[Array, "free free"], time: Float[Array, ""]
) -> Float[Array, "free"]:
    """Δ for a curvature −H, positive definite, that is one block."""
    none = jnp.zeros((0, 0))
    whole = Curvature(precision=curvature, cross=jnp.zeros((0, 0, gradient.size)), beta=none)
    return flow_step(Gradient(gradient, none), whole, time).theta


@one_at_a_time
def _flow_step(gradient: Gradient, curvature: Curvature, time: Float[Array, ""]) -> Gradient:
    shape, free = gradient.beta.shape, gradient.theta.shape[0]
    # W by blocks. β is eliminated again, I + γτ diag(beta) now in the place of diag(beta), as a sum of squares.
    step, stiff = POLE * time, curvature.beta.ravel()
    cross, flat = curvature.cross.reshape(-1, free), 1 / (1 + step * stiff)
    scaled = (step * flat)[:, None] * cross
    schur = jnp.eye(free) + step * curvature.precision + (scaled / stiff[:, None]).T @ cross
    of_theta = inverse(schur).matrix

    def apply(theta: Array, beta: Array) -> tuple[Array, Array]:
        moved = of_theta @ (theta - beta @ scaled)
        return moved, flat * beta - scaled @ moved

    def term(carry: tuple[Array, Array, Array, Array], c: Array) -> tuple[tuple[Array, Array, Array, Array], None]:
        """Clenshaw's recurrence: b_j = c_j v + 2 (2W − I) b_{j+1} − b_{j+2} with v = W g."""
        theta, beta, theta_after, beta_after = carry
        moved = apply(theta, beta)
        return (
            c * start[0] + 4 * moved[0] - 2 * theta - theta_after,
            c * start[1] + 4 * moved[1] - 2 * beta - beta_after,
            theta,
            beta,
        ), None

    start = apply(gradient.theta, gradient.beta.ravel())
    nothing = (jnp.zeros(free), jnp.zeros_like(start[1]))
    (theta, beta, theta_after, beta_after), _ = jax.lax.scan(
        term, (*nothing, *nothing), jnp.asarray(COEFFICIENTS[:0:-1])
    )
    moved = apply(theta, beta)
    return Gradient(
        theta=time * (COEFFICIENTS[0] * start[0] + 2 * moved[0] - theta - theta_after),
        beta=(time * (COEFFICIENTS[0] * start[1] + 2 * moved[1] - beta - beta_after)).reshape(shape),
    )


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
