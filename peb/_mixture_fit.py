"""A group some of whose people may be far off: a scale mixture between people, integrated over its scale.

    θ_ij = x_i β_j + ε_ij,    ε_ij | z_ij = k ~ N(0, c_k τ_j²),    β_j ~ N([pE_j, 0 …], diag(N / Σ x²) PC_j)

for every connection j, with a grid over τ_j (`_scale_mixture`) and connections tied by what is expected of τ_j
(`_shared_spread`). What person i's data say is the posterior divided by the prior, exp(c + hᵀθ − ½ θᵀLθ), which knows
connections apart more or less well (L has entries off its diagonal). So each connection's mixture is found with that
person's other connections integrated out where the group has them, at N(m_i, D_i^-1), with m_i = X β̂ and D_il the mean
of 1 / (c τ_l²):

    S = (L + D)^-1,    Λ_ij = 1/S_jj − D_j,    h_ij = (S (h + D m))_j / S_jj − D_j m_j.

That takes the others' β as known. So the place and width of each mixture are then those of all effects together: with
everybody's D given, θ integrates out to M = L − L (L + D)^-1 L and

    H = P0 + Σ_i M_i ⊗ x_i x_iᵀ,    β̂ = H^-1 (P0 m0 + Σ_i (h_i − L_i (L_i + D_i)^-1 h_i) ⊗ x_i),

of which connection j has the marginal N(b_j, C_j), and by itself, by Λ_j and h_j, N(a_j, A_j). Every node's mean and
covariance are moved from the latter to the former, β → b_j + T_j (β − a_j) with T_j A_j T_jᵀ = C_j. Rounds of this are
repeated until nobody's information moves. Where first levels are diagonal Λ, h and the marginals do not depend on the
others, T = 1, and the first round is the last.

Against Gibbs sampling of the whole model (n = 12 and 21, 2 and 4 connections, first-level correlations of 0 to 0.9 that
vary between people, an outlier of 6 Hz; `tests/peb/test_mixture_fit.py` has some of it): means within 0.12 of a
posterior SD (0.18 and 0.24 in two cells with narrow priors), SDs 0.95–1.05 of the draws' (0.91–1.29 at n = 12 with the
narrow prior), P within 0.10. Without the last step SDs are 0.7 at a correlation of 0.6, and with the others under the
first-level prior, as marginal posteriors have them, means are off by up to 1.9 SD. So there is no correlation below
which anything is left out.

All is computed in units of √PC_j for parameters and of the root mean square for covariates, and no number depends on
anybody's units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from dcm import one_blas_thread, require_64_bit

from ._design import Design
from ._estimate import Estimate
from ._gaussian import Gaussian, precision
from ._group import GroupPosterior, GroupStatus
from ._node_mixture import NodeMixture
from ._reduction import Information, information
from ._scale_mixture import FIRST_ROUND, LATER_ROUND, Connection, Mode, modes, regular_starts
from ._second_level import default_prior, match
from ._settings import PebError, PebSettings
from ._shared_spread import LAST_WEIGHT, grid, log_prior_of_one, weights
from ._stack import EstimateStack, stack_estimates, under_group

SETTLED = 0.02  # of an information's standard deviation, that it may move from round to round
MOST_ROUNDS = 12
LEAST_INFORMATION = 1e-9  # of prior precision, below which nothing was measured
ROWS = 16  # participants are filled up to a multiple of, so that few sizes are ever compiled


@dataclass(frozen=True, eq=False)
class MixtureGroup:
    """A group ready to be fitted.

    Fields (N participants, q connections, K covariates):
        whole: every parameter of every participant, in the order of the design.
        chosen: those that the group explains.
        said: (N, …) what data added, nowhere less than nothing.
        unit: (q,) √PC.
        prior_mean, prior_covariance: (q, K), (q, K, K) of the effects.
    """

    whole: tuple[Estimate, ...]
    chosen: EstimateStack
    said: Information
    design: Design
    unit: Float[np.ndarray, "param"]
    prior_mean: Float[np.ndarray, "param covariate"]
    prior_covariance: Float[np.ndarray, "param covariate covariate"]


class PerConnection(NamedTuple):
    """What each person's data say of each connection: ln p(y_i | θ_ij) = constant + pull θ − ½ precision θ²."""

    precision: Float[np.ndarray, "param subject"]
    pull: Float[np.ndarray, "param subject"]
    constant: Float[np.ndarray, "param subject"]


class OwnUnits(NamedTuple):
    """A group in units of its own, as modes are found."""

    connections: Connection  # axes connection first
    between: Float[np.ndarray, "subject covariate"]
    scale: Float[np.ndarray, "param covariate"]  # β over its own


class Together(NamedTuple):
    """All effects at once, everybody's spread about the design given."""

    mean: Float[np.ndarray, "param covariate"]
    covariance: Float[np.ndarray, "param covariate param covariate"]


@dataclass(frozen=True, eq=False)
class MixtureFit:
    """Where a group was found to be.

    Fields:
        mixture: the posterior over effects.
        together: of which all connections' covariances are.
        influence: (N, q).
        precisions: (N, q) D, each person's about the design.
        gain: (N,) ΔF of each person's model under N(m, D^-1), nats.
        own: what the modes were found from.
        modes: at the nodes, in own units.
        each: of every connection.
        rounds: how many it took.
        settled: whether nothing moved any more.
    """

    mixture: NodeMixture
    together: Together
    influence: Float[np.ndarray, "subject param"]
    precisions: Float[np.ndarray, "subject param"]
    gain: Float[np.ndarray, "subject"]
    own: OwnUnits
    modes: Mode
    each: PerConnection
    rounds: int
    settled: bool


def prepare_mixture(
    estimates: Sequence[Estimate], design: Design, settings: PebSettings, parameters: Sequence[str] | None = None
) -> MixtureGroup:
    """Checks, and everything that a fit is told."""
    require_64_bit()
    whole = match(estimates, design)
    chosen = stack_estimates(whole, parameters)
    average = chosen.prior.average()
    q, K = len(chosen.parameters), design.matrix.shape[1]
    variance = np.diag(average.covariance)
    prior = settings.prior or default_prior(
        average.mean, np.diag(variance), design.matrix, np.eye(q), settings.prior_ratio
    )
    if prior.mean.size != q * K or prior.free.size != q * K:
        raise PebError(f"the prior must be over all {q * K} effects and fix none, not over {prior.mean.size}")
    blocks = prior.covariance.reshape(K, q, K, q)
    own = blocks[:, np.arange(q), :, np.arange(q)]
    if np.count_nonzero(own) < np.count_nonzero(blocks):
        raise PebError('effects on different connections must be independent a priori; or give between="gaussian"')
    return MixtureGroup(whole, chosen, measured(chosen), design, np.sqrt(variance), prior.mean.reshape(K, q).T, own)


def measured(chosen: EstimateStack) -> Information:
    """What data added to each person's prior; a direction in which a posterior is wider than its prior adds nothing."""
    said = information(chosen.prior, chosen.posterior)
    sd = np.sqrt(np.diagonal(chosen.prior.covariance, axis1=1, axis2=2))
    values, vectors = np.linalg.eigh(said.matrix * sd[:, :, None] * sd[:, None, :])
    told = values > LEAST_INFORMATION
    if told.all():
        return said
    L = (vectors * np.where(told, values, 0.0)[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    h = np.einsum("sia,sa,sja,sj->si", vectors, told.astype(float), vectors, said.vector * sd)
    part = Information(L / sd[:, :, None] / sd[:, None, :], h / sd, np.zeros(len(h)))
    gain = _under(part, chosen.prior.mean, precision(chosen.prior.covariance))[2]  # under the prior F is F
    constant = np.where(told.all(axis=1), said.constant, -gain)
    return Information(part.matrix, part.vector, constant)


def per_connection(
    said: Information, means: Float[np.ndarray, "subject param"], precisions: Float[np.ndarray, "subject param"]
) -> tuple[PerConnection, Float[np.ndarray, "subject"]]:
    """What each person's data say of each connection, the others at N(mean, 1 / precision); and ΔF under that prior."""
    found, S, gain = _under(said, means, _diagonals(precisions))
    after = np.diagonal(S, axis1=1, axis2=2)
    Lambda, pull = 1 / after - precisions, found / after - precisions * means
    constant = (-np.log(precisions * after) + means**2 * precisions - found**2 / after) / 2
    told = Lambda > LEAST_INFORMATION * precisions
    return PerConnection(*(np.where(told, part, 0.0).T for part in (Lambda, pull, constant))), gain


def in_own_units(
    group: MixtureGroup, each: PerConnection, between: Float[np.ndarray, "subject covariate"] | None = None
) -> OwnUnits:
    """Parameters over √PC, covariates over their root mean squares, participants filled up with people of no data."""
    X = group.design.matrix if between is None else between
    size = np.sqrt((X**2).mean(axis=0))
    unit, more = group.unit[:, None], -len(X) % ROWS
    scale = unit / size
    Lambda, pull, constant = (np.pad(part, ((0, 0), (0, more))) for part in each)
    covariance = group.prior_covariance / scale[:, :, None] / scale[:, None, :]
    connections = Connection(Lambda * unit**2, pull * unit, constant, group.prior_mean / scale, precision(covariance))
    return OwnUnits(connections, np.pad(X / size, ((0, more), (0, 0))), scale)


def together(group: MixtureGroup, precisions: Float[np.ndarray, "subject param"]) -> Together:
    """All effects, with M = L − L (L + D)^-1 L of everybody."""
    L, h, X = group.said.matrix, group.said.vector, group.design.matrix
    q, K = group.prior_mean.shape
    half = np.linalg.cholesky(L + _diagonals(precisions))
    spread = np.linalg.solve(half, np.concatenate([L, h[:, :, None]], axis=2))
    M = L - np.swapaxes(spread[..., :q], 1, 2) @ spread[..., :q]
    pull = h - np.einsum("sai,sa->si", spread[..., :q], spread[..., q])
    P0, place = precision(group.prior_covariance), np.arange(q)
    H = np.einsum("sij,skl->ikjl", M, X[:, :, None] * X[:, None, :], optimize=True)
    H[place, :, place] += P0
    b = pull.T @ X + np.einsum("jkl,jl->jk", P0, group.prior_mean)
    C = precision(H.reshape(q * K, q * K))
    return Together((C @ b.ravel()).reshape(q, K), C.reshape(q, K, q, K))


def apart(
    group: MixtureGroup, each: PerConnection, precisions: Float[np.ndarray, "subject param"]
) -> tuple[Float[np.ndarray, "param covariate"], Float[np.ndarray, "param covariate covariate"]]:
    """Mean and covariance of every connection's effects by itself, everybody's spread given."""
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
    each, gain = per_connection(group.said, means, precisions)
    last: Mode | None = None
    u, rounds, moved = grid(), 0, np.inf
    while moved >= SETTLED and rounds < MOST_ROUNDS:
        own = in_own_units(group, each)
        found, u = _modes(own, u, last)
        last = found
        plain = _mixture(group, own, found, u)
        weight = plain.weight
        heeded = np.asarray(found.weight)[..., : len(means)]
        precisions = np.einsum("jg,jgs,g->sj", weight, heeded, np.exp(-2 * u), optimize=True) / group.unit**2
        whole = together(group, precisions)
        mixture = _moved(plain, whole, *apart(group, each, precisions))
        means = group.design.matrix @ np.einsum("jg,jgk->kj", weight, mixture.means)
        (before, own_gain), (each, gain) = (each, gain), per_connection(group.said, means, precisions)
        moved, rounds = _distance(before, each, precisions), rounds + 1
    influence = np.einsum("jg,jgs->sj", weight, heeded)
    return MixtureFit(mixture, whole, influence, precisions, own_gain, own, found, before, rounds, moved < SETTLED)


def _under(said: Information, means: np.ndarray, precisions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Everybody's mean, covariance and ΔF under the prior N(mean, precision^-1)."""
    q = means.shape[1]
    half, prior_half = np.linalg.cholesky(said.matrix + precisions), np.linalg.cholesky(precisions)
    spread = np.linalg.solve(half, np.broadcast_to(np.eye(q), half.shape))
    S = np.swapaxes(spread, 1, 2) @ spread
    pull = np.einsum("sij,sj->si", precisions, means)
    found = np.einsum("sij,sj->si", S, said.vector + pull)
    log_dets = np.log(np.diagonal(prior_half, axis1=1, axis2=2)) - np.log(np.diagonal(half, axis1=1, axis2=2))
    gain = said.constant + log_dets.sum(axis=1) + ((found * (said.vector + pull)) - means * pull).sum(axis=1) / 2
    return found, S, gain


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


def _moved(plain: NodeMixture, whole: Together, mean: np.ndarray, covariance: np.ndarray) -> NodeMixture:
    """Every connection's mixture moved and stretched as N(mean, covariance) is to its share of the whole."""
    place = np.arange(len(mean))
    wanted = whole.covariance[place, :, place]
    turn = np.linalg.cholesky(wanted) @ np.linalg.inv(np.linalg.cholesky(covariance))
    means = whole.mean[:, None] + np.einsum("jkl,jgl->jgk", turn, plain.means - mean[:, None])
    turn = turn[:, None]
    return replace(plain, means=means, covariances=turn @ plain.covariances @ np.swapaxes(turn, -1, -2))


def _distance(one: PerConnection, other: PerConnection, precisions: np.ndarray) -> float:
    """How far two informations are at most, in standard deviations of what they say of θ about the design."""
    scale = 1 / (1 + other.precision / precisions.T)
    size = np.sqrt(other.precision * scale)
    pull = np.abs(one.pull - other.pull) * scale / np.where(size > 0, size, np.inf)
    return float(max(pull.max(), (np.abs(one.precision - other.precision) / precisions.T * scale).max()))


def _diagonals(values: np.ndarray) -> np.ndarray:
    return np.asarray(values[:, :, None] * np.eye(values.shape[1]))


def collect_mixture(group: MixtureGroup, fit: MixtureFit, name: str) -> GroupPosterior:
    """Where a group was found to be → the group posterior."""
    mixture, chosen = fit.mixture, group.chosen
    weight, q = mixture.weight, len(chosen.parameters)
    posterior = joint_moments(mixture, fit.together)
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
        noise_prior=_log_precisions(np.tile(np.exp(log_prior_of_one(mixture.u)), (q, 1)), mixture.u),
        noise=_log_precisions(weight, mixture.u),
        between=np.diag(group.unit**2 * (weight @ np.exp(2 * mixture.u))),
        free_energy=mixture.total + float(fit.gain.sum()) + sum(one.free_energy for one in group.whole),
        participants=under_group(group.whole, chosen.parameters, means, _diagonals(1 / fit.precisions)),
        status=GroupStatus.CONVERGED if fit.settled else GroupStatus.MAX_ROUNDS,
        iterations=fit.rounds,
        compat="none",
        mixture=mixture,
        influence=fit.influence,
    )


def joint_moments(mixture: NodeMixture, whole: Together) -> Gaussian:
    """The mixture's moments, connections correlated as they are in all effects at once."""
    own = mixture.posterior
    q, K = mixture.prior_mean.shape
    place = np.arange(q)
    blocks = own.covariance.reshape(K, q, K, q)[:, place, :, place]
    turn = np.linalg.cholesky(blocks) @ np.linalg.inv(np.linalg.cholesky(whole.covariance[place, :, place]))
    C = np.einsum("jab,jbkc,kdc->ajdk", turn, whole.covariance, turn, optimize=True).reshape(K * q, K * q)
    return Gaussian(own.mean, (C + C.T) / 2)


def _log_precisions(weight: Float[np.ndarray, "param node"], u: Float[np.ndarray, "node"]) -> Gaussian:
    """Moments of γ = −2 u − ln 16, with which e^γ 16/PC is the precision between people."""
    gamma = -2 * u - np.log(16.0)
    mean = weight @ gamma
    return Gaussian(mean, np.diag((weight * (gamma - mean[:, None]) ** 2).sum(axis=1)))
