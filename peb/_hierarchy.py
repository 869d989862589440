"""The second level for given group effects and between-participant precision: evidence, gradient, curvature.

    θ_i = (x_i ⊗ W) β + ε_i,    ε_i ~ N(0, Σ),    Σ^-1 = R = floor + Σ_j e^{γ_j} Q_j,    β ~ N(βE, βC),  γ ~ N(γE, γC)

For given (β, γ) participant i has the empirical prior N(m_i, Σ), m_i = (x_i ⊗ W) β, and reduction gives its density
N(sE_i, sC_i) and the change ΔF_i. What is climbed (Friston et al. 2016; spec: "PEB") is

    F(β, γ) = Σ_i (F_i + ΔF_i) − ½ βᵀ βP β − ½ γᵀ γP γ + ½ ln|blkdiag(βP, γP) Cp|

with Cp the inverse of minus the curvature. β is stacked covariate by covariate, parameters fastest.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._reduction import Information, Reduced, reduced_by_precision

SPM_TOLERANCE = 1e-8  # that SPM12 adds to every variance before it inverts a covariance in a reduction


class Group(eqx.Module):
    """Everything that a fit is told, all of it traced."""

    added: Information  # (subject, …), what each participant's data added
    weight: Float[Array, "subject"]  # 1, or 0 for a participant who is left out
    between: Float[Array, "subject covariate"]  # X
    within: Float[Array, "param effect"]  # W
    components: Float[Array, "component param param"]  # Q
    floor: Float[Array, "param param"]  # the precision that is always there
    beta_mean: Float[Array, "beta"]
    beta_precision: Float[Array, "beta beta"]
    gamma_mean: Float[Array, "component"]
    gamma_precision: Float[Array, "component component"]


class Evaluation(NamedTuple):
    """F and its local shape at one (β, γ)."""

    free_energy: Float[Array, ""]  # without Σ F_i
    log_posterior: Float[Array, ""]  # F without the determinants: what the gradient and curvature are of
    gradient: Float[Array, "joint"]  # over β, then γ
    curvature: Float[Array, "joint joint"]


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
    R = between_precision(group, gamma)
    if spm:
        R = inverse(inverse(R) + SPM_TOLERANCE * jnp.eye(R.shape[0]))
    each = jax.vmap(reduced_by_precision, in_axes=(0, 0, None))
    return each(group.added, empirical_means(group, beta), R)


def inverse(matrix: Float[Array, "param param"]) -> Float[Array, "param param"]:
    """The inverse of a positive-definite matrix, symmetric."""
    half = jax.scipy.linalg.solve_triangular(jnp.linalg.cholesky(matrix), jnp.eye(matrix.shape[0]), lower=True)
    return half.T @ half


def log_posterior(group: Group, beta: Float[Array, "beta"], gamma: Float[Array, "component"]) -> Float[Array, ""]:
    """ln p(y | β, γ) − Σ F_i + ln p(β) + ln p(γ) up to a constant: what F is a Laplace approximation around."""
    evidence = group.weight @ re_estimate(group, beta, gamma).delta
    b, c = beta - group.beta_mean, gamma - group.gamma_mean
    return evidence - (b @ group.beta_precision @ b + c @ group.gamma_precision @ c) / 2


def evaluate(group: Group, beta: Float[Array, "beta"], gamma: Float[Array, "component"], *, spm: bool) -> Evaluation:
    """F, gradient and curvature; with `spm`, F has βᵀ βP β and γᵀ γP γ, without the prior means."""
    Q, W, X, weight = group.components, group.within, group.between, group.weight
    R = between_precision(group, gamma)
    Sigma = inverse(R)
    sE, sC, delta = re_estimate(group, beta, gamma, spm=spm)
    d = sE - empirical_means(group, beta)
    scale = jnp.exp(gamma)

    pulled = jnp.einsum("s,sk,sp->kp", weight, X, d @ R) @ W
    db = pulled.ravel() - group.beta_precision @ (beta - group.beta_mean)
    shape = W.T @ (R @ sC @ R - R) @ W  # (subject, effect, effect)
    dbb = jnp.einsum("s,sk,sl,sab->kalb", weight, X, X, shape).reshape(db.size, db.size) - group.beta_precision

    Qd = jnp.einsum("jpq,sq->sjp", Q, d)
    spread = jnp.einsum("spq,jqr->sjpr", sC, Q)  # sC Q_j
    wide = jnp.einsum("pq,jqr->jpr", Sigma, Q)  # Σ Q_j
    traces = jnp.trace(wide, axis1=1, axis2=2) - jnp.trace(spread, axis1=2, axis2=3)
    each = scale / 2 * (traces - jnp.einsum("sp,sjp->sj", d, Qd))
    dg = weight @ each - group.gamma_precision @ (gamma - group.gamma_mean)
    pairs = (
        weight.sum() * jnp.einsum("kpq,jqp->jk", wide, wide) - jnp.einsum("s,skpq,sjqp->jk", weight, spread, spread)
    ) / 2 - jnp.einsum("s,skp,spq,sjq->jk", weight, Qd, sC, Qd)
    dgg = jnp.diag(weight @ each) - scale[:, None] * scale * pairs - group.gamma_precision

    toward = Qd - jnp.einsum("pq,sqr,sjr->sjp", R, sC, Qd)
    dbg = jnp.einsum("s,sk,sjp,pa,j->kaj", weight, X, toward, W, scale).reshape(db.size, dg.size)

    curvature = jnp.block([[dbb, dbg], [dbg.T, dgg]])
    curvature = (curvature + curvature.T) / 2
    b, c = (beta, gamma) if spm else (beta - group.beta_mean, gamma - group.gamma_mean)
    quadratic = b @ group.beta_precision @ b + c @ group.gamma_precision @ c
    log_dets = jnp.linalg.slogdet(group.beta_precision)[1] + jnp.linalg.slogdet(group.gamma_precision)[1]
    height = weight @ delta - quadratic / 2
    free_energy = height + (log_dets - jnp.linalg.slogdet(-curvature)[1]) / 2
    return Evaluation(free_energy, height, jnp.concatenate([db, dg]), curvature)
