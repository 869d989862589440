"""One connection at given standard deviations within and between participants who were seen at several visits.

Participant i has visits v with design rows x_iv, a mean a_i of its own, effects s_i of its own of what differs between
its visits (z_iv, see `_visits`), and what is left of each visit:

    θ_iv = x_iv β + a_i + z_iv s_i + ε_iv,
    a_i ~ N(0, c τ_b²),    s_it ~ N(0, c' τ_t² I),    ε_iv ~ N(0, c' τ_w²),    β ~ N(m0, P0^-1)

Own effects s_it are of one or more terms t (drug, time). Where there are several, either all differ alike, τ_t = τ_s,
or one most, and the others a third as much, τ_t = τ_s / 3; which is summed over, each case with the same prior odds.
A spread of each term's own would be one more axis of nodes for each, and one for all is too small for whichever term
differs most.

Most participants are regular, c = c' = 1. Of 100, 2 may lie 3 to 30 times as far out in their mean (c), and 2 in what
differs between their visits (c'), with the scales and shares of `_scale_mixture`; both at once by one scale. With k a
class of (c, c') a participant's visits are Gaussian about X_i β, with covariance

    G_k = c τ_b² 1 1ᵀ + c' W,    W = τ_w² I + Σ_t τ_t² Z_it Z_itᵀ.

What the data say of the visits' θ_i is exp(C + hᵀθ − ½ θᵀΛθ), Λ a matrix as far as other connections tie visits. θ_i
integrates out: with Q = (G^-1 + Λ)^-1

    ln p(y_i | β, k) = C − ½ ln|I + ΛG| + ½ hᵀQh + β·Xᵀ(h − ΛQh) − ½ βᵀXᵀ(Λ − ΛQΛ)Xβ,

a quadratic in β, so that steps to the mode cost no more than sums over participants and classes. A visit that was
missed has Λ = h = 0 and takes part in nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from ._scale_mixture import SCALES, SHARES, LocalShape, SweptInverse, climb_by_newton, swept_inverse
from ._spread_prior import CASE_COLUMN

# Classes of (c, c'): regular, one of the two off, both off alike.
OF_MEAN = np.concatenate([SCALES, np.ones(5), SCALES[1:]])
OF_VISITS = np.concatenate([np.ones(6), SCALES[1:], SCALES[1:]])
CLASS_SHARES = np.concatenate([SHARES * SHARES[0], SHARES[0] * SHARES[1:], SHARES[1:] * SHARES[1:].sum()])
STEPS = (4, 16)  # of EM alone, and in all
NODES_AT_ONCE = 32
SHARE_OF_OTHERS = 1 / 3  # τ of the other terms over that of the one in whose effect participants differ most


class KnownVisits(eqx.Module):
    """What is known of one connection at every visit of everybody, or of several, in units of its own."""

    precision: Float[Any, "*any subject visit visit"]  # Λ
    pull: Float[Any, "*any subject visit"]  # h
    constant: Float[Any, "*any subject"]  # C, nats
    prior_mean: Float[Any, "*any covariate"]  # m0
    prior_precision: Float[Any, "*any covariate covariate"]  # P0


class VisitDesign(eqx.Module):
    """Who was seen when; rows of visits that were missed are 0."""

    matrix: Float[Any, "subject visit covariate"]  # X
    seen: Float[Any, "subject visit"]  # 1, and 0 where there was no visit
    own: Float[Any, "subject visit own"]  # Z
    of_term: Float[Any, "own term"]  # 1 where a column is the term's, and 0


class VisitMode(NamedTuple):
    """The effects at one node, or of several connections at several."""

    log_evidence: Float[Any, "*any"]  # ln p(y | τ), nats
    mean: Float[Any, "*any covariate"]
    covariance: Float[Any, "*any covariate covariate"]
    responsibility: Float[Any, "*any subject class"]


def _inverse(matrix: Float[Array, "visit visit"]) -> SweptInverse:
    """`swept_inverse` as a loop, which compiles sooner where participants have many visits."""
    place = jnp.arange(matrix.shape[0])

    def sweep(k: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        swept, log_det, positive = state
        column = swept[:, k]
        pivot = column[k]
        here = place == k
        row = column / pivot
        swept = jnp.where(
            here[:, None] | here[None, :],
            jnp.where(here[:, None], row[None, :], row[:, None]),
            swept - column[:, None] * row[None, :],
        )
        swept = jnp.where(here[:, None] & here[None, :], -1 / pivot, swept)
        return swept, log_det + jnp.log(jnp.abs(pivot)), positive & (pivot > 0)

    swept, log_det, positive = jax.lax.fori_loop(0, matrix.shape[0], sweep, (matrix, jnp.zeros(()), jnp.asarray(True)))
    return SweptInverse(-swept, log_det, positive)


class _Precisions(NamedTuple):
    """G_k^-1 = W^-1 / c' − κ_k w wᵀ of one participant, and ln|G_k|."""

    inverse: Float[Array, "visit visit"]  # W^-1
    toward_mean: Float[Array, "visit"]  # w = W^-1 1
    share: Float[Array, "class"]  # κ
    log_det: Float[Array, "class"]


def deviations(u: Float[np.ndarray, "node kind"], terms: int) -> Float[np.ndarray, "node deviation"]:
    """Standard deviations at nodes of u: τ_w, τ_b and, where there are own effects, τ_t of each term."""
    if terms < 2:
        return np.asarray(np.exp(u))
    case = u[:, CASE_COLUMN].astype(int)  # 0: all terms alike, t: mostly the t-th
    most = (case[:, None] == 0) | (case[:, None] == 1 + np.arange(terms))
    return np.column_stack([np.exp(u[:, :2]), np.exp(u[:, 2:3]) * np.where(most, 1.0, SHARE_OF_OTHERS)])


def _precisions(
    seen: Float[Array, "visit"],
    own: Float[Array, "visit own"],
    of_term: Float[Array, "own term"],
    tau: Float[Array, "deviation"],
) -> _Precisions:
    size = seen.shape[0]
    spread = tau[0] ** 2 * jnp.eye(size)
    if tau.shape[0] > 2:
        spread += (own * (of_term @ tau[2:] ** 2)) @ own.T
    found = _inverse(spread)
    w = found.matrix @ seen
    between = OF_MEAN * tau[1] ** 2
    more = between * (seen @ w) / OF_VISITS
    share = between / OF_VISITS**2 / (1 + more)
    return _Precisions(found.matrix, w, share, size * np.log(OF_VISITS) + found.log_det + jnp.log1p(more))


def class_precisions(
    design: VisitDesign, tau: Float[Array, "deviation"]
) -> tuple[Float[Array, "subject class visit visit"], Float[Array, "subject class"]]:
    """G_k^-1 and ln|G_k| of every participant and class, with the standard deviations of one connection."""
    prior = jax.vmap(_precisions, (0, 0, None, None))(design.seen, design.own, design.of_term, tau)
    toward = prior.toward_mean[:, None, :, None] * prior.toward_mean[:, None, None, :]
    inverse = prior.inverse[:, None] / OF_VISITS[:, None, None] - prior.share[..., None, None] * toward
    return inverse, prior.log_det


class _Quadratic(NamedTuple):
    """ln p(y_i | β, k) = height + pull·β − ½ βᵀ precision β."""

    height: Float[Array, "class"]
    pull: Float[Array, "class covariate"]
    precision: Float[Array, "class covariate covariate"]


def _quadratic(
    Lambda: Float[Array, "visit visit"],
    h: Float[Array, "visit"],
    constant: Float[Array, ""],
    X: Float[Array, "visit covariate"],
    prior: _Precisions,
) -> _Quadratic:
    def of_class(scale: Array, share: Array, log_det: Array) -> _Quadratic:
        found = _inverse(prior.inverse / scale - share * jnp.outer(prior.toward_mean, prior.toward_mean) + Lambda)
        Q, LX = found.matrix, Lambda @ X
        precision = X.T @ LX - LX.T @ Q @ LX
        height = constant - (log_det + found.log_det) / 2 + h @ Q @ h / 2
        return _Quadratic(height, X.T @ h - LX.T @ (Q @ h), (precision + precision.T) / 2)

    return jax.vmap(of_class)(jnp.asarray(OF_VISITS), prior.share, prior.log_det)


def _mode(connection: KnownVisits, design: VisitDesign, tau: Float[Array, "deviation"]) -> VisitMode:
    """The mode at one node, climbed to from where it would be were everybody regular."""
    priors = jax.vmap(_precisions, (0, 0, None, None))(design.seen, design.own, design.of_term, tau)
    each = jax.vmap(_quadratic)(connection.precision, connection.pull, connection.constant, design.matrix, priors)
    P0, m0 = connection.prior_precision, connection.prior_mean

    def at(beta: Float[Array, "covariate"]) -> LocalShape:
        log_odds = np.log(CLASS_SHARES) + each.height + each.pull @ beta - (each.precision @ beta) @ beta / 2
        total = logsumexp(log_odds, axis=1, keepdims=True)
        r = jnp.exp(log_odds - total)
        slopes = each.pull - each.precision @ beta
        slope = jnp.einsum("ik,ika->ia", r, slopes)
        spread = jnp.einsum("ik,ika,ikb->ab", r, slopes, slopes) - slope.T @ slope
        information = jnp.einsum("ik,ikab->ab", r, each.precision) + P0
        off = beta - m0
        return LocalShape(
            total.sum() - off @ P0 @ off / 2, slope.sum(axis=0) - P0 @ off, information, information - spread, (r,)
        )

    regular = swept_inverse(each.precision[:, 0].sum(axis=0) + P0).matrix
    start = regular @ (each.pull[:, 0].sum(axis=0) + P0 @ m0)
    top = climb_by_newton(at, start, P0, (jnp.asarray(STEPS[0]), jnp.asarray(STEPS[1])))
    return VisitMode(top.log_evidence, top.mean, top.covariance, top.beside[0])


def visit_modes(connections: KnownVisits, design: VisitDesign, taus: Float[np.ndarray, "node deviation"]) -> VisitMode:
    """Every connection at every node; axes connection, node. NumPy arrays."""
    filled = np.concatenate([taus, np.tile(taus[-1:], (-len(taus) % NODES_AT_ONCE, 1))])
    some = [_some_modes(connections, design, part) for part in filled.reshape(-1, NODES_AT_ONCE, taus.shape[1])]
    found = [np.concatenate(parts, axis=1)[:, : len(taus)] for parts in zip(*jax.device_get(some), strict=True)]
    return VisitMode(*found)


@jax.jit
def _some_modes(connections: KnownVisits, design: VisitDesign, taus: Float[Any, "node deviation"]) -> VisitMode:
    """A few nodes at a time: one program, however many there are."""

    def of_connection(connection: KnownVisits) -> VisitMode:
        return jax.vmap(partial(_mode, connection, design))(taus)

    found: VisitMode = jax.lax.map(of_connection, connections)
    return found


@jax.jit
def expected_precisions(
    design: VisitDesign,
    taus: Float[Any, "node deviation"],
    weight: Float[Any, "connection node"],
    responsibility: Float[Any, "connection node subject class"],
) -> Float[Array, "connection subject visit visit"]:
    """E G_k^-1 over nodes and classes, of every participant's visits about the design."""

    def add(total: Array, node: tuple[Array, Array, Array]) -> tuple[Array, None]:
        tau, w, r = node
        prior = jax.vmap(_precisions, (0, 0, None, None))(design.seen, design.own, design.of_term, tau)
        within = jnp.einsum("j,jik,k->ji", w, r, 1 / OF_VISITS)
        mean = jnp.einsum("j,jik,ik->ji", w, r, prior.share)
        toward = prior.toward_mean[:, :, None] * prior.toward_mean[:, None, :]
        return total + within[..., None, None] * prior.inverse - mean[..., None, None] * toward, None

    subjects, visits = design.seen.shape
    start = jnp.zeros((weight.shape[0], subjects, visits, visits))
    return jax.lax.scan(add, start, (taus, weight.T, jnp.swapaxes(responsibility, 0, 1)))[0]
