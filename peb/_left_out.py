"""The covariate of a participant whom the group has not seen, from that participant's connectivity.

The group of the others gives the effects Ep (param × covariate) and the covariance between participants Ce. For the one
left out, with design row x whose entry u is unknown,

    θ = Ep x + ε,    ε ~ N(0, Ce),    x_u ~ N(0, v),

and what the participant's data added to the first-level prior, exp(hᵀθ − ½ θᵀLθ), is the likelihood of θ. Linear and
Gaussian, so x_u has an exact posterior (`closed_form`). Its prior mean is 0 for everybody: the mean of the others would
lie across the mean of all from the one left out, and draw estimates away from the actual values.

SPM12 (`four_passes`) climbs to it instead. It gives all of x a prior, the known entries at their values: in pass
i = 0 … 3 with variance e^-i each, to which 4 times the variance of the covariate is added for x_u, whose prior mean is
what the pass before found. Every pass uses the data again, and the climb, which SPM12 ends early, does not arrive.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ._ascent import Limits, climb
from ._hierarchy import Group, inverse
from ._reduction import Information

PASSES = 4
SPREAD = 4.0  # prior variance of the unknown covariate over its variance in the group


class LeftOut(NamedTuple):
    """One participant who is left out."""

    added: Information  # L, h: what the data added, not widened
    loadings: Float[Array, "param covariate"]  # Ep
    precision: Float[Array, "param param"]  # Ce^-1
    row: Float[Array, "covariate"]  # x, 0 at the unknown entry
    variance: Float[Array, ""]  # of the covariate in the group


class Told(NamedTuple):
    """What the data tell of the unknown covariate."""

    estimate: Float[Array, ""]  # posterior mean
    variance: Float[Array, ""]  # posterior variance
    prior_mean: Float[Array, ""]  # of the last pass
    prior_variance: Float[Array, ""]


def closed_form(one: LeftOut, unknown: Int[Array, ""]) -> Told:
    """The posterior of x_u where all other covariates are known: N(0, v) times the likelihood, θ integrated out."""
    L, h, R = one.added.matrix, one.added.vector, one.precision
    w = one.loadings[:, unknown]
    o = one.loadings @ one.row  # what the known covariates predict
    C = inverse(L + R)
    m, v = jnp.zeros(()), SPREAD * one.variance
    information = w @ (R - R @ C @ R) @ w
    variance = 1 / (1 / v + information)
    estimate = variance * (m / v + w @ R @ (C @ (h + R @ o) - o))
    return Told(estimate, variance, m, v)


def four_passes(one: LeftOut, unknown: Int[Array, ""], limits: Limits) -> Told:
    """SPM12's posterior of x_u; m is 0 at first."""
    size = one.row.size
    here = jnp.arange(size) == unknown

    def step(mean: Float[Array, "covariate"], i: Int[Array, ""]) -> tuple[Float[Array, "covariate"], Told]:
        variances = jnp.exp(-i) + jnp.where(here, SPREAD * one.variance, 0.0)
        end = climb(_alone(one, mean, variances), limits, spm=True)
        variance = jnp.diag(inverse(-end.last.curvature))[unknown]
        told = Told(end.beta[unknown], variance, mean[unknown], variances[unknown])
        return jnp.where(here, end.beta, one.row), told

    passes = jax.lax.scan(step, one.row, jnp.arange(float(PASSES)))[1]
    return jax.tree.map(lambda each: each[-1], passes)


def _alone(one: LeftOut, mean: Float[Array, "covariate"], variances: Float[Array, "covariate"]) -> Group:
    """A group of one participant, whose effects are the covariates: X = 1, W = Ep, Σ = Ce."""
    size = one.precision.shape[0]
    return Group(
        added=jax.tree.map(lambda array: array[None], one.added),
        weight=jnp.ones(1),
        between=jnp.ones((1, 1)),
        within=one.loadings,
        components=jnp.zeros((0, size, size)),
        root=jnp.zeros((size, 0)),
        membership=jnp.zeros((0, 0)),
        floor=one.precision,
        beta_mean=mean,
        beta_precision=jnp.diag(1 / variances),
        gamma_mean=jnp.zeros(0),
        gamma_precision=jnp.zeros((0, 0)),
    )
