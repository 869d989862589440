"""A group some of whose participants may be far off: a scale mixture between participants, integrated over its scale.

    θ_ij = x_i β_j + ε_ij,    ε_ij | z_ij = k ~ N(0, c_k τ_j²),    β_j ~ N([pE_j, 0 …], diag(N / Σ x²) PC_j)

for every connection j, with a grid over τ_j (`_scale_mixture`) and connections tied by what is expected of τ_j
(`_spread_prior`). What participant i's data say is the posterior divided by the prior, exp(c + hᵀθ − ½ θᵀLθ), which
knows connections apart more or less well (L has entries off its diagonal). So each connection's mixture is found with
that participant's other connections integrated out where the group has them, at N(m_i, D_i^-1), with m_i = X β̂ and
D_il the mean of 1 / (c τ_l²):

    S = (L + D)^-1,    Λ_ij = 1/S_jj − D_j,    h_ij = (S (h + D m))_j / S_jj − D_j m_j.

That takes the others' β as known. So the place and width of each mixture are then those of all effects together: with
every participant's D given, θ integrates out to M = L − L (L + D)^-1 L and

    H = P0 + Σ_i M_i ⊗ x_i x_iᵀ,    β̂ = H^-1 (P0 m0 + Σ_i (h_i − L_i (L_i + D_i)^-1 h_i) ⊗ x_i),

of which connection j has the marginal N(b_j, C_j), and by itself, by Λ_j and h_j, N(a_j, A_j). Every node's mean and
covariance are moved from the latter to the former, β → b_j + T_j (β − a_j) with T_j A_j T_jᵀ = C_j. Rounds of this are
repeated until nobody's information moves. Where first levels are diagonal Λ, h and the marginals do not depend on the
others, T = 1, and the first round is the last. Of a design from a formula T is one that does not depend on its coding.

Against Gibbs sampling of the whole model (n = 12 and 21, 2 and 4 connections, first-level correlations of 0 to 0.9 that
vary between participants, an outlier of 6 Hz; `tests/peb/test_mixture_fit.py` has some of it): means within 0.12 of a
posterior SD (0.18 and 0.24 in two cells with narrow priors), SDs 0.95–1.05 of the draws' (0.91–1.29 at n = 12 with the
narrow prior), P within 0.10. Without the last step SDs are 0.7 at a correlation of 0.6, and with the others under the
first-level prior, as marginal posteriors have them, means are off by up to 1.9 SD. So there is no correlation below
which anything is left out.

All is computed in units of √PC_j for parameters and of the root mean square for covariates, and no number depends on
anybody's units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from dcm import one_blas_thread

from ._estimate_stack import under_group
from ._gaussian import Gaussian, precision
from ._group import GroupPosterior, GroupStatus
from ._mixture_group import MixtureGroup, PerConnection, diagonals, per_connection
from ._node_mixture import NodeMixture
from ._scale_mixture import FIRST_ROUND, LATER_ROUND, KnownConnection, Mode, modes, regular_starts
from ._settings import PebError
from ._spread_prior import LAST_WEIGHT, grid, log_prior_of_one, weights

SETTLED = 0.02  # of an information's standard deviation, that it may move from round to round
MOST_ROUNDS = 40
ROWS = 16  # participants are filled up to a multiple of, so that few sizes are ever compiled


class OwnUnits(NamedTuple):
    """A group in units of its own, as modes are found."""

    connections: KnownConnection  # axes connection first
    between: Float[np.ndarray, "subject covariate"]
    scale: Float[np.ndarray, "param covariate"]  # β over its own


class JointEffects(NamedTuple):
    """All effects at once, every participant's spread about the design given."""

    mean: Float[np.ndarray, "param covariate"]
    covariance: Float[np.ndarray, "param covariate param covariate"]


@dataclass(frozen=True, eq=False)
class MixtureFit:
    """Where a group was found to be.

    Fields:
        mixture: the posterior over effects.
        joint: of which all connections' covariances are.
        influence: (N, q).
        precisions: (N, q) D, each participant's about the design.
        gain: (N,) ΔF of each participant's model under N(m, D^-1), nats.
        own: what the modes were found from.
        modes: at the nodes, in own units.
        each: of every connection.
        rounds: how many it took.
        settled: whether nothing moved any more.
    """

    mixture: NodeMixture
    joint: JointEffects
    influence: Float[np.ndarray, "subject param"]
    precisions: Float[np.ndarray, "subject param"]
    gain: Float[np.ndarray, "subject"]
    own: OwnUnits
    modes: Mode
    each: PerConnection
    rounds: int
    settled: bool


def mixture_in_own_units(
    group: MixtureGroup, each: PerConnection, between: Float[np.ndarray, "subject covariate"] | None = None
) -> OwnUnits:
    """Parameters over √PC, covariates over their root mean squares, participants filled up with empty ones."""
    X = group.design.matrix if between is None else between
    size = np.sqrt((X**2).mean(axis=0))
    unit, more = group.unit[:, None], -len(X) % ROWS
    scale = unit / size
    Lambda, pull, constant = (np.pad(part, ((0, 0), (0, more))) for part in each)
    covariance = group.prior_covariance / scale[:, :, None] / scale[:, None, :]
    connections = KnownConnection(
        Lambda * unit**2, pull * unit, constant, group.prior_mean / scale, precision(covariance)
    )
    return OwnUnits(connections, np.pad(X / size, ((0, more), (0, 0))), scale)


def joint_effects(group: MixtureGroup, precisions: Float[np.ndarray, "subject param"]) -> JointEffects:
    """All effects, with M = L − L (L + D)^-1 L of everybody."""
    L, h, X = group.data_information.matrix, group.data_information.vector, group.design.matrix
    q, K = group.prior_mean.shape
    half = np.linalg.cholesky(L + diagonals(precisions))
    spread = np.linalg.solve(half, np.concatenate([L, h[:, :, None]], axis=2))
    M = L - np.swapaxes(spread[..., :q], 1, 2) @ spread[..., :q]
    pull = h - np.einsum("sai,sa->si", spread[..., :q], spread[..., q])
    P0, place = precision(group.prior_covariance), np.arange(q)
    H = np.einsum("sij,skl->ikjl", M, X[:, :, None] * X[:, None, :], optimize=True)
    H[place, :, place] += P0
    b = pull.T @ X + np.einsum("jkl,jl->jk", P0, group.prior_mean)
    C = precision(H.reshape(q * K, q * K))
    return JointEffects((C @ b.ravel()).reshape(q, K), C.reshape(q, K, q, K))


def separate_effects(
    group: MixtureGroup, each: PerConnection, precisions: Float[np.ndarray, "subject param"]
) -> tuple[Float[np.ndarray, "param covariate"], Float[np.ndarray, "param covariate covariate"]]:
    """Mean and covariance of every connection's effects by itself, every participant's spread given."""
    X, P0 = group.design.matrix, precision(group.prior_covariance)
    shrink = 1 / (1 + each.precision / precisions.T)
    H = np.einsum("js,sk,sl->jkl", each.precision * shrink, X, X, optimize=True) + P0
    b = (each.pull * shrink) @ X + np.einsum("jkl,jl->jk", P0, group.prior_mean)
    C = precision(H)
    return np.einsum("jkl,jl->jk", C, b), C


@one_blas_thread()
def fit_mixture(group: MixtureGroup) -> MixtureFit:
    """The mixture over nodes."""
    means = group.chosen.prior.mean
    precisions = 1 / np.diagonal(group.chosen.prior.covariance, axis1=1, axis2=2)
    each, gain = per_connection(group.data_information, means, precisions)
    last: Mode | None = None
    u, rounds, moved = grid(), 0, np.inf
    while moved >= SETTLED and rounds < MOST_ROUNDS:
        own = mixture_in_own_units(group, each)
        found, u = _modes(own, u, last)
        last = found
        plain = _mixture(group, own, found, u)
        weight = plain.weight
        weight_of_each = np.asarray(found.weight)[..., : len(means)]
        precisions = np.einsum("jg,jgs,g->sj", weight, weight_of_each, np.exp(-2 * u), optimize=True) / group.unit**2
        whole = joint_effects(group, precisions)
        metric = None if group.design.prior is None else group.prior_covariance
        mixture = moved_to_joint(plain, whole, *separate_effects(group, each, precisions), metric)
        means = group.design.matrix @ np.einsum("jg,jgk->kj", weight, mixture.means)
        (before, own_gain), (each, gain) = (each, gain), per_connection(group.data_information, means, precisions)
        moved, rounds = _distance(before, each, precisions), rounds + 1
    influence = np.einsum("jg,jgs->sj", weight, weight_of_each)
    return MixtureFit(mixture, whole, influence, precisions, own_gain, own, found, before, rounds, moved < SETTLED)


def _modes(own: OwnUnits, u: np.ndarray, last: Mode | None) -> tuple[Mode, np.ndarray]:
    """The modes at all nodes; on the wide grid where the last node of the usual one has weight."""
    steps, starts = (FIRST_ROUND, regular_starts(own.connections, own.between, np.exp(u)))
    if last is not None:
        steps, starts = LATER_ROUND, last.mean
    found = Mode(*map(np.asarray, jax.device_get(modes(own.connections, own.between, np.exp(u), starts, steps))))
    if not np.isfinite(found.log_evidence).all():
        raise PebError(GroupStatus.NOT_FINITE.value)
    if u.size < grid(wide=True).size and (weights(found.log_evidence, u)[:, -1] > LAST_WEIGHT).any():
        return _modes(own, grid(wide=True), None)
    return found, u


def _mixture(group: MixtureGroup, own: OwnUnits, found: Mode, u: np.ndarray) -> NodeMixture:
    """Modes at all nodes → the mixture, in the units of the design and the parameters."""
    scale = own.scale[:, None]
    return NodeMixture(
        u,
        group.unit,
        np.asarray(found.log_evidence),
        np.asarray(found.mean) * scale,
        np.asarray(found.covariance) * scale[..., :, None] * scale[..., None, :],
        group.prior_mean,
        group.prior_covariance,
    )


def moved_to_joint(
    plain: NodeMixture, whole: JointEffects, mean: np.ndarray, covariance: np.ndarray, metric: np.ndarray | None
) -> NodeMixture:
    """Every connection's mixture moved and stretched as N(mean, covariance) is to its share of the whole."""
    place = np.arange(len(mean))
    turn = turn_from_to(covariance, whole.covariance[place, :, place], metric)
    means = whole.mean[:, None] + np.einsum("jkl,jgl->jgk", turn, plain.means - mean[:, None])
    turn = turn[:, None]
    return replace(plain, means=means, covariances=turn @ plain.covariances @ np.swapaxes(turn, -1, -2))


def turn_from_to(
    before: Float[np.ndarray, "param covariate covariate"],
    after: Float[np.ndarray, "param covariate covariate"],
    metric: Float[np.ndarray, "param covariate covariate"] | None,
) -> Float[np.ndarray, "param covariate covariate"]:
    """T with T before Tᵀ = after. Of the many the triangular one or, with the prior covariance as a metric, the
    symmetric one where that is 1, which is the same whatever columns code a design.
    """
    if metric is None:
        return np.asarray(np.linalg.cholesky(after) @ np.linalg.inv(np.linalg.cholesky(before)))
    L = np.linalg.cholesky(metric)
    white = np.linalg.inv(L)
    A, C = (white @ each @ np.swapaxes(white, 1, 2) for each in (before, after))
    half = _root(A)
    back = np.linalg.inv(half)
    return np.asarray(L @ back @ _root(half @ C @ half) @ back @ white)


def _root(matrices: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh((matrices + np.swapaxes(matrices, -1, -2)) / 2)
    return np.asarray((vectors * np.sqrt(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2))


def _distance(before: PerConnection, other: PerConnection, precisions: np.ndarray) -> float:
    """How far two informations are at most, in standard deviations of what they say of θ about the design."""
    scale = 1 / (1 + other.precision / precisions.T)
    size = np.sqrt(other.precision * scale)
    pull = np.abs(before.pull - other.pull) * scale / np.where(size > 0, size, np.inf)
    return float(max(pull.max(), (np.abs(before.precision - other.precision) / precisions.T * scale).max()))


def collect_mixture(group: MixtureGroup, fit: MixtureFit, name: str) -> GroupPosterior:
    """Where a group was found to be → the group posterior."""
    mixture, chosen = fit.mixture, group.chosen
    weight, q = mixture.weight, len(chosen.parameters)
    posterior = joint_moments(mixture, fit.joint, None if group.design.prior is None else group.prior_covariance)
    means = group.design.matrix @ posterior.mean.reshape(-1, q)
    unit = np.eye(q)
    return GroupPosterior(
        name=name,
        parameters=chosen.parameters,
        fields=chosen.fields,
        first_level=chosen.parameters,
        design=group.design,
        within=unit,
        prior=mixture.prior,
        posterior=posterior,
        components=unit[:, :, None] * unit[:, None, :] * (16 / group.unit**2),
        component_names=chosen.parameters,
        noise_prior=log_precisions(np.tile(np.exp(log_prior_of_one(mixture.u)), (q, 1)), mixture.u),
        noise=log_precisions(weight, mixture.u),
        between=np.diag(group.unit**2 * (weight @ np.exp(2 * mixture.u))),
        free_energy=mixture.total + float(fit.gain.sum()) + sum(estimate.free_energy for estimate in group.whole),
        participants=under_group(group.whole, chosen.parameters, means, diagonals(1 / fit.precisions)),
        status=GroupStatus.CONVERGED if fit.settled else GroupStatus.MAX_ROUNDS,
        iterations=fit.rounds,
        compat="none",
        mixture=mixture,
        influence=fit.influence,
    )


def joint_moments(
    mixture: NodeMixture, whole: JointEffects, metric: Float[np.ndarray, "param covariate covariate"] | None = None
) -> Gaussian:
    """The mixture's moments, connections correlated as they are in all effects at once."""
    own = mixture.posterior
    q, K = mixture.prior_mean.shape
    place = np.arange(q)
    blocks = own.covariance.reshape(K, q, K, q)[:, place, :, place]
    turn = turn_from_to(whole.covariance[place, :, place], blocks, metric)
    C = np.einsum("jab,jbkc,kdc->ajdk", turn, whole.covariance, turn, optimize=True).reshape(K * q, K * q)
    return Gaussian(own.mean, (C + C.T) / 2)


def log_precisions(weight: Float[np.ndarray, "param node"], u: Float[np.ndarray, "node"]) -> Gaussian:
    """Moments of γ = −2 u − ln 16, with which e^γ 16/PC is the precision between participants."""
    gamma = -2 * u - np.log(16.0)
    mean = weight @ gamma
    return Gaussian(mean, np.diag((weight * (gamma - mean[:, None]) ** 2).sum(axis=1)))
