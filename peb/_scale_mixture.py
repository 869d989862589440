"""One connection at one standard deviation τ between participants, some of whom may be far off: the mode of its
effects.

    θ_i = x_i β + ε_i,    ε_i | z_i = k ~ N(0, c_k τ²),    P(z_i = k) = π_k,    β ~ N(m0, P0^-1)

A scale mixture of normals (Andrews & Mallows 1974): 98 of 100 participants are regular (c = 1), the others lie 3 to 30
times as far out. What participant i's data say of θ_i is exp(C_i + h_i θ − ½ Λ_i θ²), the posterior divided by the
prior. With m = x_i β, v_k = c_k τ² and a_k = 1 / (1 + Λ v_k), θ_i integrates out:

    ln p(y_i | β, k) = C + h m − ½ Λ m² + ½ ln a_k + ½ v_k a_k (h − Λ m)²

whose slope in m is a_k (h − Λ m) and whose bend is −Λ a_k. With responsibilities r_k ∝ π_k p(y_i | β, k) the mixture
has slope E(a) (h − Λ m) and bend −[Λ E(a) − (h − Λ m)² Var(a)]. Where Λ = h = 0 nothing was measured, and nothing
happens: a participant without information, or one who is left out, weighs nothing.

The mode is found by steps of Newton where they raise the density and of EM (which always do) where not; around it

    ln p(y | τ) ≈ ln p(y, β̂ | τ) + ½ d ln 2π − ½ ln |H|,    p(β | y, τ) ≈ N(β̂, H^-1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

SCALES = np.array([1.0, 9.0, 30.0, 100.0, 300.0, 1000.0])  # c: variances, in units of τ²
SHARES = np.array([0.98, *[0.004] * 5])  # π
FIRST_ROUND, LATER_ROUND = (5, 20), (0, 8)  # steps of EM alone, and in all


class KnownConnection(eqx.Module):
    """What is known of one connection in everybody, or of several, in units of its own (see `_mixture_fit`)."""

    precision: Float[Any, "*any subject"]  # Λ
    pull: Float[Any, "*any subject"]  # h
    constant: Float[Any, "*any subject"]  # C, nats
    prior_mean: Float[Any, "*any covariate"]  # m0
    prior_precision: Float[Any, "*any covariate covariate"]  # P0


class Mode(NamedTuple):
    """The effects at one τ, or of several connections at several."""

    log_evidence: Float[Any, "*any"]  # ln p(y | τ), nats
    mean: Float[Any, "*any covariate"]  # β̂
    covariance: Float[Any, "*any covariate covariate"]  # H^-1
    weight: Float[Any, "*any subject"]  # Σ r_k / c_k: 1 for a regular participant, 0 for one far off
    attenuation: Float[Any, "*any subject"]  # E(a)


class SweptInverse(NamedTuple):
    matrix: Float[Array, "row row"]
    log_det: Float[Array, ""]  # of what was inverted
    is_positive: Bool[Array, ""]


class LocalShape(NamedTuple):
    """The density at one β, and its shape there."""

    height: Float[Array, ""]  # ln p(y, β | τ) but for the prior's constant
    gradient: Float[Array, "covariate"]
    information: Float[Array, "covariate covariate"]  # EM's
    curvature: Float[Array, "covariate covariate"]  # H
    beside: tuple[Array, ...]  # what else is known there


class ModeShape(NamedTuple):
    """Where a density is highest, and what is around it."""

    mean: Float[Array, "covariate"]  # β̂
    covariance: Float[Array, "covariate covariate"]  # H^-1
    log_evidence: Float[Array, ""]
    beside: tuple[Array, ...]


def mode(
    connection: KnownConnection,
    between: Float[Array, "subject covariate"],
    tau: Float[Array, ""],
    start: Float[Array, "covariate"],
    steps: tuple[Int[Array, ""], Int[Array, ""]],
) -> Mode:
    """The mode from `start`, and what is around it; `steps` are those of EM alone, and all."""
    variance = tau**2 * SCALES
    shrink = 1 / (1 + connection.precision[:, None] * variance)  # a
    pairs = between[:, :, None] * between[:, None, :]

    def at(beta: Float[Array, "covariate"]) -> LocalShape:
        m = between @ beta
        left = connection.pull - connection.precision * m
        log_odds = np.log(SHARES) + (jnp.log(shrink) + variance * shrink * left[:, None] ** 2) / 2
        top = log_odds.max(axis=1, keepdims=True)
        each = jnp.exp(log_odds - top)
        total = each.sum(axis=1, keepdims=True)
        r = each / total
        log_likelihood = (
            connection.constant + connection.pull * m - connection.precision * m**2 / 2 + (top + jnp.log(total))[:, 0]
        )
        a = (r * shrink).sum(axis=1)
        spread = (r * (shrink - a[:, None]) ** 2).sum(axis=1)
        off = beta - connection.prior_mean
        toward = connection.prior_precision @ off
        information = jnp.tensordot(connection.precision * a, pairs, 1) + connection.prior_precision
        curvature = information - jnp.tensordot(left**2 * spread, pairs, 1)
        gradient = between.T @ (a * left) - toward
        height = log_likelihood.sum() - off @ toward / 2
        return LocalShape(height, gradient, information, curvature, (r @ (1 / SCALES), a))

    top = climb_by_newton(at, start, connection.prior_precision, steps)
    return Mode(top.log_evidence, top.mean, top.covariance, *top.beside)


def climb_by_newton(
    at: Callable[[Float[Array, "covariate"]], LocalShape],
    start: Float[Array, "covariate"],
    prior_precision: Float[Array, "covariate covariate"],
    steps: tuple[Int[Array, ""], Int[Array, ""]],
) -> ModeShape:
    """The mode from `start`, by Newton where its steps rise and by EM where not; `steps` are EM's alone, and all."""
    unevaluated = at(start)._replace(height=jnp.asarray(-jnp.inf))

    def step(i: Array, state: tuple[Array, Array, LocalShape, Array]) -> tuple[Array, Array, LocalShape, Array]:
        beta, best, best_local, em_step = state
        here = at(beta)
        rose = here.height >= best_local.height
        exact, safe = swept_inverse(here.curvature), swept_inverse(here.information)
        by_em = safe.matrix @ here.gradient
        newton = (i >= steps[0]) & exact.is_positive
        move = jnp.where(newton, exact.matrix @ here.gradient, by_em)
        # where a step of Newton fell, EM's from before it
        beta, best = jnp.where(rose, beta + move, best + em_step), jnp.where(rose, beta, best)
        best_local = jax.tree.map(lambda new, old: jnp.where(rose, new, old), here, best_local)
        return beta, best, best_local, jnp.where(rose, by_em, em_step)

    _, best, best_local, _ = jax.lax.fori_loop(0, steps[1], step, (start, start, unevaluated, jnp.zeros_like(start)))
    exact, safe = swept_inverse(best_local.curvature), swept_inverse(best_local.information)
    covariance = jnp.where(exact.is_positive, exact.matrix, safe.matrix)
    log_det = jnp.where(exact.is_positive, exact.log_det, safe.log_det)
    prior = swept_inverse(prior_precision)
    return ModeShape(best, covariance, best_local.height + (prior.log_det - log_det) / 2, best_local.beside)


def regular_start(
    connection: KnownConnection, between: Float[Array, "subject covariate"], tau: Float[Array, ""]
) -> Float[Array, "covariate"]:
    """The mode were everybody regular."""
    shrink = 1 / (1 + connection.precision * tau**2)
    information = (between.T * (connection.precision * shrink)) @ between + connection.prior_precision
    return swept_inverse(information).matrix @ (
        between.T @ (connection.pull * shrink) + connection.prior_precision @ connection.prior_mean
    )


def swept_inverse(matrix: Float[Array, "row row"]) -> SweptInverse:
    """Of a small symmetric matrix by the sweep operator, in plain arithmetic: what is batched runs side by side."""
    swept, log_det, positive = matrix, jnp.zeros(()), jnp.asarray(True)
    for k in range(matrix.shape[0]):
        pivot = swept[k, k]
        positive &= pivot > 0
        log_det += jnp.log(jnp.abs(pivot))
        row = swept[k] / pivot
        here = jnp.arange(matrix.shape[0]) == k
        swept = jnp.where(
            here[:, None] | here[None, :],
            jnp.where(here[:, None], row[None, :], row[:, None]),
            swept - swept[:, k][:, None] * row[None, :],
        )
        swept = swept.at[k, k].set(-1 / pivot)
    return SweptInverse(-swept, log_det, positive)


@jax.jit
def modes(
    connections: KnownConnection,
    between: Float[Any, "subject covariate"],
    taus: Float[Any, "node"],
    starts: Float[Any, "connection node covariate"],
    steps: tuple[Int[Any, ""], Int[Any, ""]],
) -> Mode:
    """Every connection at every τ; axes connection, node."""

    def at_node(connection: KnownConnection, tau: Float[Array, ""], start: Float[Array, "covariate"]) -> Mode:
        return mode(connection, between, tau, start, steps)

    return jax.vmap(jax.vmap(at_node, (None, 0, 0)), (0, None, 0))(connections, taus, starts)


@jax.jit
def regular_starts(
    connections: KnownConnection, between: Float[Any, "subject covariate"], taus: Float[Any, "node"]
) -> Float[Array, "connection node covariate"]:
    """`regular_start` of every connection at every τ."""
    return jax.vmap(jax.vmap(regular_start, (None, None, 0)), (0, None, None))(connections, between, taus)
