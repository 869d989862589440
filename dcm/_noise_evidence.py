"""The likelihood of one participant's parameters with the noise integrated out by quadrature.

At given θ the regions are independent, and each has two unknowns that its residual depends on smoothly: λ and ρ =
tanh r. With q(ρ) and M(ρ) as in `_log_density`,

    p(y | θ) = Π_i ∫ N(r; 0, ¼) √((1 − ρ²) / |M(ρ)|) ∫ N(λ; hE, hC) (e^λ / 2π)^{(v − c)/2} e^{−e^λ q(ρ)/2} dλ dr.

The integral over λ is Gauss–Hermite's about its maximum, that over r a sum at equal distances, both right to more
digits than are needed: they are of densities that are nearly Gaussian.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from ._ar_noise import PRIOR_SD
from ._joint_density import Problem
from ._log_density import LOG_2PI, degrees_of_freedom, residual_of, whitened_fit

HERMITE = 7  # nodes over λ
REACH, SPACING = 7.2, 0.8  # of the nodes over r, in posterior SDs: right to 1e-5 nats or so
NEWTON = 7  # steps to λ's maximum


def correlation_nodes(problem: Problem, rho: Float[Array, "region"]) -> Float[Array, "node region"]:
    """Nodes over r, wide of where ρ has been found."""
    sd = (degrees_of_freedom(problem) * (1 - rho**2) + 1 / PRIOR_SD**2) ** -0.5
    steps = np.arange(-REACH, REACH + SPACING / 2, SPACING)
    return jnp.arctanh(rho) + steps[:, None] * sd


def log_likelihood(
    problem: Problem, prediction: Float[Array, "scan region"], nodes: Float[Array, "node region"]
) -> Float[Array, ""]:
    """ln p(y | θ).

    Arguments:
        nodes: over r, at equal distances; a single one where ρ is known: at r = 0 the noise is white.
    """
    degrees = degrees_of_freedom(problem)
    residual = residual_of(problem, prediction)

    def at_node(r: Float[Array, "region"]) -> Float[Array, "region"]:
        rho = jnp.tanh(r)
        fit = jax.vmap(partial(whitened_fit, problem), in_axes=(1, 0))(residual, rho)
        over_noise = jax.vmap(partial(_over_noise, problem))(fit.squares)
        return over_noise + (jnp.log1p(-(rho**2)) - fit.log_det - degrees * LOG_2PI) / 2

    heights = jax.vmap(at_node)(nodes)
    if len(nodes) == 1:
        return heights.sum()
    sd = PRIOR_SD
    heights = heights - (LOG_2PI + 2 * jnp.log(sd) + (nodes / sd) ** 2) / 2
    return (logsumexp(heights, axis=0) + jnp.log(nodes[1] - nodes[0])).sum()


def _over_noise(problem: Problem, squares: Float[Array, ""]) -> Float[Array, ""]:
    """ln ∫ N(λ; hE, hC) exp(½ ν λ − ½ e^λ q) dλ, with ν = v − c.

    The maximum solves ½ ν − ½ q e^λ = (λ − hE) / hC: with w = ½ hC q e^λ, w + ln w = ln(½ hC q) + hE + ½ hC ν. Newton's
    steps on that rise to w from below.
    """
    mean, precision, degrees = problem.noise_mean, problem.noise_precision, degrees_of_freedom(problem)
    sum_ = jnp.log(squares / 2 / precision) + mean + degrees / 2 / precision
    w = jnp.where(sum_ > 1, sum_ - jnp.log(jnp.maximum(sum_, 1.0)), jax.nn.sigmoid(sum_))
    for _ in range(NEWTON):
        w = w * (1 + sum_ - jnp.log(w)) / (1 + w)
    centre = mean + degrees / 2 / precision - w
    sd = (precision * (1 + w)) ** -0.5
    at, weights = np.polynomial.hermite_e.hermegauss(HERMITE)
    noise = centre + sd * at
    heights = (degrees * noise - jnp.exp(noise) * squares - precision * (noise - mean) ** 2) / 2
    heights = heights + np.log(weights) + at**2 / 2
    return logsumexp(heights) + jnp.log(sd) + (jnp.log(precision) - LOG_2PI) / 2
