"""The second level for given group effects and between-participant precision: evidence, gradient, curvature.

    θ_i = (x_i ⊗ W) β + ε_i,    ε_i ~ N(0, Σ),    Σ^-1 = R = floor + Σ_j e^{γ_j} Q_j,    β ~ N(βE, βC),  γ ~ N(γE, γC)

For given (β, γ) participant i has the empirical prior N(m_i, Σ), m_i = (x_i ⊗ W) β, and reduction gives its density
N(sE_i, sC_i) and the change ΔF_i. What is climbed (Friston et al. 2016) is

    F(β, γ) = Σ_i (F_i + ΔF_i) − ½ βᵀ βP β − ½ γᵀ γP γ + ½ ln|blkdiag(βP, γP) Cp|

with Cp the inverse of minus the curvature. β is stacked covariate by covariate, parameters fastest.

Components come as Q_j = Σ_{a in j} f_a f_aᵀ, F the columns f_a (see `_prepare_group`). With d_i = sE_i − m_i,
u_i = Fᵀ d_i and M_i = Fᵀ sC_i F, all that gradient and curvature need of the participants are sums over them:

    Σ x_i d_iᵀ,   Σ x_i x_iᵀ ⊗ sC_i,   Σ diag M_i,   Σ u_i²,   Σ M_i ∘ (½ M_i + u_i u_iᵀ),   Σ x_i ⊗ sC_i F diag(u_i).
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ._reduction import Information, Reduced, reduced_by_precision

SPM_TOLERANCE = 1e-8  # that SPM12 adds to every variance before it inverts a covariance in a reduction


class Group(eqx.Module):
    """Everything that a fit is given, all of it traced."""

    added: Information  # (subject, …), what each participant's data added
    weight: Float[Array, "subject"]  # 1, or 0 for a participant who is left out
    between: Float[Array, "subject covariate"]  # X
    within: Float[Array, "param effect"]  # W
    components: Float[Array, "component param param"]  # Q
    root: Float[Array, "param rank"]  # F
    membership: Float[Array, "rank component"]  # E
    floor: Float[Array, "param param"]  # the precision that is always there
    beta_mean: Float[Array, "beta"]
    beta_precision: Float[Array, "beta beta"]
    gamma_mean: Float[Array, "component"]
    gamma_precision: Float[Array, "component component"]


class GroupEvaluation(NamedTuple):
    """F and its local shape at one (β, γ)."""

    free_energy: Float[Array, ""]  # without Σ F_i
    log_posterior: Float[Array, ""]  # F without the determinants: what the gradient and curvature are of
    gradient: Float[Array, "joint"]  # over β, then γ
    curvature: Float[Array, "joint joint"]  # H
    log_det: Float[Array, ""]  # ln|det H|
    is_concave: Bool[Array, ""]  # whether H is negative definite


def between_precision(group: Group, gamma: Float[Array, "component"]) -> Float[Array, "param param"]:
    """R = Σ^-1."""
    return group.floor + jnp.tensordot(jnp.exp(gamma), group.components, 1)


def empirical_means(group: Group, beta: Float[Array, "beta"]) -> Float[Array, "subject param"]:
    """(x_i ⊗ W) β of every participant."""
    covariates, effects = group.between.shape[1], group.within.shape[1]
    return group.between @ beta.reshape(covariates, effects) @ group.within.T


def re_estimate(
    group: Group, beta: Float[Array, "beta"], gamma: Float[Array, "component"], *, spm: bool = False
) -> Reduced:
    """Every participant's density and ΔF under the empirical prior; with `spm`, its variances are 1e-8 wider."""
    return _re_estimate(group, beta, *_between(group, gamma), spm=spm)


def _between(
    group: Group, gamma: Float[Array, "component"]
) -> tuple[Float[Array, "param param"], Float[Array, "param param"]]:
    """R and Σ."""
    R = between_precision(group, gamma)
    return R, inverse(R)


def _re_estimate(
    group: Group,
    beta: Float[Array, "beta"],
    R: Float[Array, "param param"],
    Sigma: Float[Array, "param param"],
    *,
    spm: bool,
) -> Reduced:
    # 0 · Σ makes the participants' factorisations wait for that of R
    wider = inverse(Sigma + SPM_TOLERANCE * jnp.eye(R.shape[0])) if spm else R + 0 * Sigma
    return reduced_by_precision(group.added, empirical_means(group, beta), wider)


def inverse(matrix: Float[Array, "param param"]) -> Float[Array, "param param"]:
    """The inverse of a positive-definite matrix, symmetric."""
    half = jax.scipy.linalg.solve_triangular(jnp.linalg.cholesky(matrix), jnp.eye(matrix.shape[0]), lower=True)
    return half.T @ half


def log_posterior(group: Group, beta: Float[Array, "beta"], gamma: Float[Array, "component"]) -> Float[Array, ""]:
    """ln p(y | β, γ) − Σ F_i + ln p(β) + ln p(γ) up to a constant: what F is a Laplace approximation around."""
    evidence = group.weight @ re_estimate(group, beta, gamma).delta
    b, c = beta - group.beta_mean, gamma - group.gamma_mean
    return evidence - (b @ group.beta_precision @ b + c @ group.gamma_precision @ c) / 2


class _GroupSlope(NamedTuple):
    """F's gradient at one (β, γ), and what the curvature needs of it."""

    height: Float[Array, ""]  # ln p(y | β, γ) − Σ F_i
    beta: Float[Array, "beta"]
    gamma: Float[Array, "component"]
    precision: Float[Array, "param param"]  # R
    wide: Float[Array, "rank rank"]  # Fᵀ Σ F
    covariance: Float[Array, "subject param param"]  # sC
    sCF: Float[Array, "subject param rank"]  # sC F
    Xw: Float[Array, "subject covariate"]  # weighted
    Xd: Float[Array, "covariate param"]  # Σ x_i d_iᵀ
    u: Float[Array, "subject rank"]  # dᵀ F


def _slope(group: Group, beta: Float[Array, "beta"], gamma: Float[Array, "component"], *, spm: bool) -> _GroupSlope:
    F, weight = group.root, group.weight
    R, Sigma = _between(group, gamma)
    sE, sC, delta = _re_estimate(group, beta, R, Sigma, spm=spm)
    d = sE - empirical_means(group, beta)
    Xw = group.between * weight[:, None]
    Xd = Xw.T @ d
    u = d @ F
    sCF = (sC.reshape(-1, F.shape[0]) @ F).reshape(*d.shape, F.shape[1])
    wide = F.T @ Sigma @ F
    traces = weight.sum() * jnp.diag(wide) - weight @ ((sCF * F).sum(axis=1) + u**2)
    return _GroupSlope(
        weight @ delta,
        (Xd @ R @ group.within).ravel(),
        jnp.exp(gamma) / 2 * (traces @ group.membership),
        *(R, wide, sC, sCF, Xw, Xd, u),
    )


def log_posterior_and_gradient(
    group: Group, beta: Float[Array, "beta"], gamma: Float[Array, "component"]
) -> tuple[Float[Array, ""], Float[Array, "joint"]]:
    """`log_posterior`, and its gradient over β, then γ."""
    slope, b, c = _slope(group, beta, gamma, spm=False), beta - group.beta_mean, gamma - group.gamma_mean
    pull_beta, pull_gamma = group.beta_precision @ b, group.gamma_precision @ c
    height = slope.height - (b @ pull_beta + c @ pull_gamma) / 2
    return height, jnp.concatenate([slope.beta - pull_beta, slope.gamma - pull_gamma])


def evaluate(
    group: Group,
    beta: Float[Array, "beta"],
    gamma: Float[Array, "component"],
    *,
    spm: bool,
    log_det_prior: Float[Array, ""] | None = None,
) -> GroupEvaluation:
    """F, gradient and curvature; with `spm`, F has βᵀ βP β and γᵀ γP γ, without the prior means.

    What `log_det_of_prior` finds is the same at every point; None to find it here.
    """
    log_det_prior = log_det_of_prior(group) if log_det_prior is None else log_det_prior
    F, E, W, X, weight = group.root, group.membership, group.within, group.between, group.weight
    covariates, rank = X.shape[1], F.shape[1]
    slope = _slope(group, beta, gamma, spm=spm)
    R, wide, sC, sCF, Xw, Xd, u = slope[3:]
    participants, parameters = sC.shape[:2]
    scale = jnp.exp(gamma)
    db = slope.beta - group.beta_precision @ (beta - group.beta_mean)
    dg = slope.gamma - group.gamma_precision @ (gamma - group.gamma_mean)

    pairs = (Xw[:, :, None] * X[:, None, :]).reshape(participants, -1)
    xxC = (pairs.T @ sC.reshape(participants, -1)).reshape(covariates, covariates, parameters, parameters)
    RW = R @ W
    dbb = jnp.einsum("pa,klpq,qb->kalb", RW, xxC, RW) - jnp.einsum("kl,ab->kalb", Xw.T @ X, W.T @ RW)
    dbb = dbb.reshape(db.size, db.size) - group.beta_precision

    products = weight.sum() / 2 * wide**2 - _products(F, sCF, u, weight)
    dgg = jnp.diag(slope.gamma) - scale[:, None] * scale * (E.T @ products @ E) - group.gamma_precision

    xCFu = (Xw.T @ (sCF * u[:, None, :]).reshape(participants, -1)).reshape(covariates, parameters, rank)
    toward = F * (Xd @ F)[:, None, :] - R @ xCFu
    dbg = jnp.einsum("kpr,pa,rj->kaj", toward, W, E * scale).reshape(db.size, dg.size)

    curvature = jnp.block([[dbb, dbg], [dbg.T, dgg]])
    curvature = (curvature + curvature.T) / 2
    b, c = (beta, gamma) if spm else (beta - group.beta_mean, gamma - group.gamma_mean)
    quadratic = b @ group.beta_precision @ b + c @ group.gamma_precision @ c
    height = slope.height - quadratic / 2
    log_det, is_concave = log_det_of_curvature(curvature)
    free_energy = height + (log_det_prior - log_det) / 2
    return GroupEvaluation(free_energy, height, jnp.concatenate([db, dg]), curvature, log_det, is_concave)


def _products(
    F: Float[Array, "param rank"],
    sCF: Float[Array, "subject param rank"],
    u: Float[Array, "subject rank"],
    weight: Float[Array, "subject"],
) -> Float[Array, "rank rank"]:
    """Σ M_i ∘ (½ M_i + u_i u_iᵀ); where F has more columns than rows, with one M_i at a time in memory."""
    if F.shape[1] <= F.shape[0]:
        M = jnp.einsum("pa,spb->sab", F, sCF)
        return jnp.einsum("s,sab->ab", weight, M * (M / 2 + u[:, :, None] * u[:, None, :]))

    def add(
        total: Float[Array, "rank rank"], participant: tuple[Array, Array, Array]
    ) -> tuple[Float[Array, "rank rank"], None]:
        M = F.T @ participant[0]
        return total + participant[2] * M * (M / 2 + jnp.outer(participant[1], participant[1])), None

    return jax.lax.scan(add, jnp.zeros((F.shape[1], F.shape[1])), (sCF, u, weight))[0]


def log_det_of_prior(group: Group) -> Float[Array, ""]:
    """ln|blkdiag(βP, γP)|."""
    return jnp.linalg.slogdet(group.beta_precision)[1] + jnp.linalg.slogdet(group.gamma_precision)[1]


def log_det_of_curvature(curvature: Float[Array, "joint joint"]) -> tuple[Float[Array, ""], Bool[Array, ""]]:
    """ln|det H|, and whether H is negative definite."""
    log_det = 2 * jnp.log(jnp.diag(jnp.linalg.cholesky(-curvature))).sum()
    is_concave = jnp.isfinite(log_det)
    return jax.lax.cond(is_concave, lambda: log_det, lambda: jnp.linalg.slogdet(curvature)[1]), is_concave
