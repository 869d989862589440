"""What the data say about θ under AR(1) noise of any strength and correlation, summed over scans once.

The precision of a region's noise e_t = ρ e_{t−1} + innovation, over that of its innovations τ, is

    K(ρ) = I − ρ (S + Sᵀ) + ρ² D,    |K| = 1 − ρ²,

with S the shift by one scan and D the identity without its first and last entry. So with Z = [J X ε], the Jacobian, the
confounds and the residual, Zᵀ K(ρ) Z follows from three matrices at any ρ; the third is the first without the first and
the last scan:

    Zᵀ K Z = (1 + ρ²) ZᵀZ − ρ Zᵀ(S + Sᵀ)Z − ρ² (z_1 z_1ᵀ + z_v z_vᵀ)

Of several runs, whose noise is independent, K is block-diagonal: S shifts within runs, each has two ends, and |K| is
(1 − ρ²)^runs.

Effects of confounds have a flat prior and are integrated out: G̃ = G − G_·X G_XX⁻¹ G_X·.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import linalg
from jaxtyping import Array, Bool, Float

from ._cholesky import one_at_a_time
from ._gram import SymmetricMatrices, lower_blocks
from ._joint_density import Problem


class LaggedSums(eqx.Module):
    """Zᵀ K(ρ) Z of each region for any ρ, by blocks of Z = [J W] with W = [X ε]."""

    JJ: SymmetricMatrices  # JᵀJ
    JJ_lagged: SymmetricMatrices  # Jᵀ(S + Sᵀ)J
    WJ: Float[Array, "lag region column free"]  # WᵀJ, Wᵀ(S + Sᵀ)J
    WW: Float[Array, "lag region column column"]
    J_ends: Float[Array, "end region free"]  # first and last row of each run
    W_ends: Float[Array, "end region column"]


class Projected(eqx.Module):
    """G̃ and its derivative by ρ at one ρ per region, all but the large blocks of J with J."""

    weight: Float[Array, "*region weight"]  # of JJ, JJ_lagged and the ends in K: 1 + ρ², −ρ, −ρ²
    slope: Float[Array, "*region weight"]  # the same in ∂K/∂ρ
    left: Float[Array, "*region column free"]  # Y with G̃_JJ = G_JJ − YᵀY
    effect: Float[Array, "*region column free"]  # P = G_XX⁻¹ G_XJ
    effect_slope: Float[Array, "*region column free"]  # ½ XX' P − XJ', so that G̃'_JJ = G'_JJ + PᵀE + EᵀP
    Je: Float[Array, "*region free"]
    Je_slope: Float[Array, "*region free"]
    ee: Float[Array, "*region"]
    ee_slope: Float[Array, "*region"]
    log_det: Float[Array, "*region"]  # ln|G_XX|
    log_det_slope: Float[Array, "*region"]


def lagged_sums(
    problem: Problem,
    residual: Float[Array, "scan region"],
    jacobian: Float[Array, "scan region free"],
    usable: Bool[Array, ""],
) -> LaggedSums:
    """The sums over scans; without a Jacobian where it is not `usable`.

    What confounds explain is taken out of J and ε first, which changes nothing once they are integrated out, so that
    no digits are lost to large means or drifts.
    """
    X, n = problem.confounds, problem.bold.shape[1]
    last = jnp.maximum(problem.scan_mask.sum().astype(int) - 1, 0)
    ends, follows = jnp.stack([jnp.zeros_like(last), last]), None
    if problem.run_starts is not None:
        ends = jnp.concatenate([problem.run_starts, problem.run_starts[1:] - 1, last[None]])
        follows = jnp.where(problem.begins, 0.0, 1.0)
    masks = (problem.scan_mask, problem.free_mask, follows)

    @one_at_a_time  # a region's Jacobian fits in a core's cache
    def of_region(
        i: Array,
        jacobian: Array,
        usable: Array,
        residual: Array,
        X: Array,
        ends: Array,
        masks: tuple[Array, Array, Array | None],
    ) -> tuple[Any, ...]:
        scan_mask, free_mask, follows = masks
        J = jax.lax.dynamic_index_in_dim(jacobian, i, axis=1, keepdims=False) * scan_mask[:, None]
        J = jnp.where(usable, J * free_mask, 0.0).T  # scans last: sums over them run along memory
        J = J - (J @ X) @ X.T
        e = residual[:, i]
        W = jnp.concatenate([X, (e - X @ (X.T @ e))[:, None]], axis=1).T
        J_lagged, W_lagged = _neighbours(J, follows), _neighbours(W, follows)
        WJ = jnp.stack([W @ J.T, W_lagged @ J.T])
        WW = jnp.stack([W @ W.T, W_lagged @ W.T])
        JJ, JJ_lagged = lower_blocks(J, J), lower_blocks(J_lagged, J)
        return JJ, JJ_lagged, WJ, WW, J[:, ends].T, W[:, ends].T

    shared = (jacobian, usable, residual, X, ends, masks)
    found = jax.vmap(of_region, in_axes=(0, *[None] * len(shared)))(jnp.arange(n), *shared)
    JJ, JJ_lagged, *small = found
    small = [jnp.moveaxis(sums, 1, 0) for sums in small]
    return LaggedSums(SymmetricMatrices(JJ), SymmetricMatrices(JJ_lagged), *small)


def _neighbours(rows: Float[Array, "row scan"], follows: Float[Array, "scan"] | None) -> Float[Array, "row scan"]:
    """(S + Sᵀ) of every row: the sum of the scans before and after; 0 in `follows` where a run begins."""
    padded = jnp.pad(rows, ((0, 0), (1, 1)))
    if follows is None:
        return padded[:, :-2] + padded[:, 2:]
    return padded[:, :-2] * follows + padded[:, 2:] * jnp.append(follows[1:], 0.0)


def project(problem: Problem, sums: LaggedSums, rho: Float[Array, "region"]) -> Projected:
    """G̃ at one ρ per region, without the blocks of J with J."""
    absent = jnp.diag(1 - problem.confound_mask)  # padding: a column of nothing, with a 1 on the diagonal
    axes = (0, None, 1, 1, 1, 1)
    return jax.vmap(_project, in_axes=axes)(rho, absent, sums.WJ, sums.WW, sums.J_ends, sums.W_ends)


@one_at_a_time
def _project(rho: Array, absent: Array, WJ: Array, WW: Array, J_ends: Array, W_ends: Array) -> Projected:
    """Of one region."""
    weight, slope = jnp.stack([1 + rho**2, -rho, -(rho**2)]), jnp.stack([2 * rho, -jnp.ones_like(rho), -2 * rho])
    of_J = jnp.concatenate([WJ, (W_ends.T @ J_ends)[None]])
    of_W = jnp.concatenate([WW, (W_ends.T @ W_ends)[None]])
    columns = jnp.concatenate([of_J, of_W[:, :, -1:]], axis=-1)  # of J and of ε side by side
    at, at_slope = jnp.tensordot(weight, columns, 1), jnp.tensordot(slope, columns, 1)
    XX, XX_slope = jnp.tensordot(weight, of_W, 1)[:-1, :-1], jnp.tensordot(slope, of_W, 1)[:-1, :-1]
    factor = linalg.cholesky(XX + absent, symmetrize_input=False)
    half = partial(linalg.triangular_solve, factor, left_side=True, lower=True)
    left = half(at[:-1])
    effect = half(left, transpose_a=True)
    effect_slope = XX_slope @ effect / 2 - at_slope[:-1]
    e, e_effect, e_slope = left[:, -1], effect[:, -1], effect_slope[:, -1]
    return Projected(
        weight=weight,
        slope=slope,
        left=left[:, :-1],
        effect=effect[:, :-1],
        effect_slope=effect_slope[:, :-1],
        Je=at[-1, :-1] - e @ left[:, :-1],
        Je_slope=at_slope[-1, :-1] + e_slope @ effect[:, :-1] + e_effect @ effect_slope[:, :-1],
        ee=at[-1, -1] - e @ e,
        ee_slope=at_slope[-1, -1] + 2 * e_effect @ e_slope,
        log_det=2 * jnp.log(jnp.diag(factor)).sum(),
        log_det_slope=jnp.trace(half(half(XX_slope).T)),
    )


def precision(
    problem: Problem, sums: LaggedSums, at: Projected, tau: Float[Array, "region"]
) -> Float[Array, "free free"]:
    """Π = Π0 + Σ_i τ_i G̃_JJ,i."""
    free = problem.prior_precision.shape[0]
    ends = ((at.weight[:, 1] * jnp.sqrt(tau))[None, :, None] * sums.J_ends).reshape(-1, free)
    left = (jnp.sqrt(tau)[:, None, None] * at.left).reshape(-1, free)
    low_rank = jnp.concatenate([ends, left])
    found = (
        problem.prior_precision
        + sums.JJ.weighted_sum(tau * at.weight[:, 0])
        + sums.JJ_lagged.weighted_sum(tau * at.weight[:, 1])
        - low_rank.T @ low_rank
    )
    if len(sums.JJ.rows) == 1:
        return found
    return jnp.tril(found) + jnp.tril(found, -1).T  # sums of blocks have the lower triangle only


def traces(
    sums: LaggedSums, at: Projected, matrix: Float[Array, "free free"]
) -> tuple[Float[Array, "region"], Float[Array, "region"]]:
    """tr(G̃_JJ M) and tr(G̃'_JJ M) of each region, for a symmetric M."""
    whole = jnp.stack(
        [sums.JJ.traces(matrix), sums.JJ_lagged.traces(matrix), _quadratic(sums.J_ends, matrix).sum(axis=0)]
    )
    left = _quadratic(at.left, matrix).sum(axis=1)
    turned = (2 * at.effect * _times(at.effect_slope, matrix)).sum(axis=(1, 2))
    return (at.weight.T * whole).sum(axis=0) - left, (at.slope.T * whole).sum(axis=0) + turned


def _times(rows: Float[Array, "*row free"], matrix: Float[Array, "free free"]) -> Float[Array, "*row free"]:
    return (rows.reshape(-1, rows.shape[-1]) @ matrix).reshape(rows.shape)


def _quadratic(rows: Float[Array, "*row free"], matrix: Float[Array, "free free"]) -> Float[Array, "*row"]:
    """rᵀ M r of every row."""
    return (_times(rows, matrix) * rows).sum(axis=-1)
