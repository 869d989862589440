"""How the standard deviations between participants of several connections are expected to go together.

    u_j = ln(τ_j / √PC_j) ~ N(μ, 0.6²),    e^μ ~ half-t_4(0.5)

with PC_j the prior variance of connection j: how far participants differ is of the size of what was thought possible of
one participant, alike in all connections within a factor of about two, and left to the data otherwise (Gelman 2006 for
the half-t). u and μ live on one grid, over which both densities sum to 1. Given p(y_j | u_g) of every connection,

    S_j(μ) = Σ_g p(y_j | u_g) N(u_g | μ),    p(y) = Σ_μ p(μ) Π_j S_j(μ),
    p(u_j = u_g | y) ∝ p(y_j | u_g) Σ_μ p(μ) N(u_g | μ) Π_{j' ≠ j} S_j'(μ).

Where there are visits within participants (`_visit_mixture`), there are two or three standard deviations of each
connection. Each kind has a μ of its own and the same densities, and nodes are all combinations: u is (node, kind). A
fourth column says which term the third is of most: cases of the same prior odds, each connection by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import log_ndtr, logsumexp
from scipy.stats import t as student

LOWEST, HIGHEST, NODES, MORE_NODES = 0.014, 2.8, 22, 12  # of τ / √PC; nodes added above where the last has weight
ALIKE = 0.6  # SD of u about μ
ARMS_ALIKE = 1.0  # SD of the μ of an arm about that of both, where arms have groups of their own
FREEDOM, TYPICAL = 4.0, 0.5  # of the half-t over e^μ
CASE_COLUMN = 3  # of u: it numbers cases, and columns before are spreads
LAST_WEIGHT = 1e-3  # of the last node, from which the grid is widened, and if it is, from which a fit warns


def grid(wide: bool = False) -> Float[np.ndarray, "node"]:
    """u, evenly spaced; to 2.8 √PC, and with `wide` to 58."""
    step = np.log(HIGHEST / LOWEST) / (NODES - 1)
    return np.asarray(np.log(LOWEST) + step * np.arange(NODES + MORE_NODES * wide))


def log_prior_of_typical(u: Float[np.ndarray, "node"]) -> Float[np.ndarray, "node"]:
    """ln p(μ) on the grid, its density over ln e^μ."""
    density = student.logpdf(np.exp(u) / TYPICAL, FREEDOM) + u
    return np.asarray(density - logsumexp(density))


def log_prior_of_each(u: Float[np.ndarray, "node"], alike: float = ALIKE) -> Float[np.ndarray, "typical node"]:
    """ln N(u_g | μ) on the grid."""
    density = -(((u - u[:, None]) / alike) ** 2) / 2
    return np.asarray(density - logsumexp(density, axis=1, keepdims=True))


class KindOfSpread(NamedTuple):
    """What is expected of one kind of standard deviation."""

    log_typical: Float[np.ndarray, "typical"]  # ln p(μ)
    each: Float[np.ndarray, "typical node"]  # p(u_g | μ)


def kinds_of_spread(u: Float[np.ndarray, "node"] | Float[np.ndarray, "node kind"]) -> tuple[KindOfSpread, ...]:
    """Of every kind that nodes have; the first alone where u is (node,)."""
    if u.ndim == 1:
        return (KindOfSpread(log_prior_of_typical(u), np.exp(log_prior_of_each(u))),)
    spreads = [_kind_on_its_own_grid(np.unique(u[:, kind])) for kind in range(min(u.shape[1], CASE_COLUMN))]
    cases = np.unique(u[:, CASE_COLUMN:]).size
    return (*spreads, *([KindOfSpread(np.zeros(1), np.full((1, cases), 1 / cases))] if cases else []))


def _kind_on_its_own_grid(u: Float[np.ndarray, "node"]) -> KindOfSpread:
    """Nodes wherever data put them: the shares of N(μ, 0.6²) about each, what is below `LOWEST` with the first."""
    mu = grid()[::2]
    edges = np.concatenate([[-np.inf], (u[1:] + u[:-1]) / 2, [np.inf]])
    if u.size > 1:
        edges[0] = -np.inf if u[0] < np.log(LOWEST) + 1e-9 else u[0] - (u[1] - u[0]) / 2
        edges[-1] = u[-1] + (u[-1] - u[-2]) / 2
    below = np.exp(log_ndtr((edges - mu[:, None]) / ALIKE))
    return KindOfSpread(log_prior_of_typical(mu), np.maximum(np.diff(below, axis=1), np.finfo(float).tiny))


def log_prior_of_all_typical(u: np.ndarray) -> Float[np.ndarray, "typical"]:
    """ln p(μ), of every combination of the kinds' μ."""
    total = np.zeros(1)
    for kind in kinds_of_spread(u):
        total = (total[:, None] + kind.log_typical).ravel()
    return total


def log_averages(log_evidence: Float[np.ndarray, "*any node"], u: np.ndarray) -> np.ndarray:
    """ln S(μ), the axis of nodes replaced by that of μ."""
    top = log_evidence.max(axis=-1, keepdims=True)
    return np.asarray(top + np.log(_along_kinds(np.exp(log_evidence - top), [k.each.T for k in kinds_of_spread(u)])))


def _along_kinds(values: Float[np.ndarray, "*any from"], matrices: list[np.ndarray]) -> Float[np.ndarray, "*any to"]:
    """Each kind's axis of nodes, of which the last axis is all combinations, times its matrix."""
    lead = values.shape[:-1]
    found = values.reshape(*lead, *(matrix.shape[0] for matrix in matrices))
    for matrix in matrices:  # the first axis goes, and comes back as the last
        found = np.tensordot(found, matrix, (len(lead), 0))
    return found.reshape(*lead, -1)


def log_total(log_average: Float[np.ndarray, "*any connection typical"], u: np.ndarray) -> np.ndarray:
    """ln p(y), from ln S of all connections."""
    return np.asarray(logsumexp(log_average.sum(axis=-2) + log_prior_of_all_typical(u), axis=-1))


def weights(
    log_evidence: Float[np.ndarray, "*any connection node"],
    u: np.ndarray,
    log_typical: Float[np.ndarray, "typical"] | None = None,
) -> Float[np.ndarray, "*any connection node"]:
    """p(u_j = u_g | y); sums to 1 over nodes. Other prior knowledge of μ may be given."""
    log_typical = log_prior_of_all_typical(u) if log_typical is None else log_typical
    averages = log_averages(log_evidence, u)
    others = averages.sum(axis=-2, keepdims=True) - averages + log_typical
    top = others.max(axis=-1, keepdims=True)
    back = _along_kinds(np.exp(others - top), [kind.each for kind in kinds_of_spread(u)])
    log_weight = log_evidence + top + np.log(back)
    return np.asarray(np.exp(log_weight - logsumexp(log_weight, axis=-1, keepdims=True)))


def weight_of_kinds(
    weight: Float[np.ndarray, "connection node"], u: Float[np.ndarray, "node kind"]
) -> list[Float[np.ndarray, "connection own"]]:
    """The weights of each kind's own nodes, the other kinds summed out."""
    sizes = [np.unique(u[:, kind]).size for kind in range(u.shape[1])]
    whole = weight.reshape(-1, *sizes)
    every = range(1, len(sizes) + 1)
    return [whole.sum(axis=tuple(axis for axis in every if axis != kind)) for kind in every]


def weights_in_groups(
    log_evidence: Sequence[Float[np.ndarray, "connection node"]], u: Float[np.ndarray, "node"]
) -> list[Float[np.ndarray, "connection node"]]:
    """`weights` in groups of their own, μ of each about one of all: μ_a ~ N(M, 1), M as μ elsewhere."""
    about = log_prior_of_each(u, ARMS_ALIKE)  # (M, μ)
    each = [logsumexp(about + log_averages(own, u).sum(axis=0), axis=1) for own in log_evidence]

    def told_by_others(place: int) -> np.ndarray:
        both = log_prior_of_typical(u) + sum(told for i, told in enumerate(each) if i != place)
        return np.asarray(logsumexp(both[:, None] + about, axis=0))

    return [weights(own, u, told_by_others(i)) for i, own in enumerate(log_evidence)]


def log_prior_of_one(u: Float[np.ndarray, "node"]) -> Float[np.ndarray, "node"]:
    """ln p(u_j), μ summed out."""
    return np.asarray(logsumexp(log_prior_of_typical(u)[:, None] + log_prior_of_each(u), axis=0))
