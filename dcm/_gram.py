"""What the data say about θ at any noise, summed over scans once: each region's JᵀJ without what confounds explain.

What is left of the precision of θ and β once β is eliminated is, with τ_i the noise precision of region i,

    Λ(τ) = Π + Σ_i τ_i J_iᵀ (I − X (XᵀX + κ/τ_i)⁻¹ Xᵀ) J_i,

in which all but the tiny κ is linear in τ. So let B_i = (XᵀX + κ/τ_i)⁻¹ XᵀJ_i be the confounds' share of J_i by ridge
regression at the τ where the steps on the noise begin, and J⊥_i = J_i − X B_i the rest. Then

    Λ(τ) = Π + κ Σ_i B_iᵀB_i + Σ_i τ_i J⊥_iᵀJ⊥_i,

exact in value and slope at that τ (B_i minimises it) and elsewhere to (κ / τ XᵀX)² of the confounds' share. With κ =
1e-8 that is nothing, but for a confound in a unit in which its power is below 1e-9 or so, whose F is then exact only
once λ has come to rest.
No confound's power is divided by, and everything is a sum of squares, so Λ stays positive definite.
"""

from __future__ import annotations

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ._cholesky import one_at_a_time
from ._joint_density import CONFOUND_PRECISION, Problem

WHOLE = 256  # parameters up to which matrices are kept whole: products of their blocks would be too small to be fast
BLOCK = 128  # rows of a block of larger ones, of which only those on and below the diagonal are kept


class SymmetricMatrices(eqx.Module):
    """A symmetric matrix for every region, as rows of blocks, each from the first column to the block on the diagonal.

    Nearly half of the memory, which at 32 regions is more than any cache, need not be read in every step on the noise.
    """

    rows: tuple[Float[Array, "region row column"], ...]

    def weighted_sum(self, weight: Float[Array, "region"]) -> Float[Array, "free free"]:
        """Σ_i w_i S_i; of several blocks the lower triangle only, and zeros above the blocks on the diagonal."""
        size = self.rows[-1].shape[-1]
        sums = [(weight @ row.reshape(len(row), -1)).reshape(row.shape[1:]) for row in self.rows]
        return jnp.concatenate([jnp.pad(block, ((0, 0), (0, size - block.shape[1]))) for block in sums])

    def traces(self, matrix: Float[Array, "free free"]) -> Float[Array, "region"]:
        """tr(S_i M) of a symmetric M."""
        total, begin = jnp.zeros(len(self.rows[0])), 0
        for row in self.rows:
            height, width = row.shape[1:]
            twice = jnp.where(jnp.arange(width) < begin, 2.0, 1.0)  # once more for the blocks above the diagonal
            part = matrix[begin : begin + height, :width] * twice
            total, begin = total + row.reshape(len(row), -1) @ part.ravel(), begin + height
        return total


class Gram(eqx.Module):
    """Sums over scans that every λ shares; X the confounds, ε the residual."""

    fixed: Float[Array, "free free"]  # Π + κ Σ BᵀB
    JJ: SymmetricMatrices  # J⊥ᵀJ⊥ of each region
    XJ: Float[Array, "region confound free"]
    Je: Float[Array, "region free"]
    Xe: Float[Array, "region confound"]
    ee: Float[Array, "region"]

    def precision(self, tau: Float[Array, "region"]) -> Float[Array, "free free"]:
        """Λ(τ); of large ones the lower triangle only."""
        return self.fixed + self.JJ.weighted_sum(tau)


def gram(
    problem: Problem,
    residual: Float[Array, "scan region"],
    jacobian: Float[Array, "scan region free"],
    usable: Bool[Array, ""],
    noise: Float[Array, "region"],
) -> Gram:
    """The sums for noise log-precisions around λ = `noise`; without a Jacobian where it is not `usable`."""
    X, n = problem.confounds, len(noise)
    ridge = problem.confound_power + problem.confound_prior * jnp.exp(-noise)[:, None]
    masks = (problem.scan_mask, problem.free_mask)

    @one_at_a_time  # a region's Jacobian fits in a core's cache
    def of_region(
        i: Array, jacobian: Array, usable: Array, residual: Array, X: Array, ridge: Array, masks: tuple[Array, Array]
    ) -> tuple[Array, ...]:
        scan_mask, free_mask = masks
        J = jax.lax.dynamic_index_in_dim(jacobian, i, axis=1, keepdims=False) * scan_mask[:, None]
        J = jnp.where(usable, J * free_mask, 0.0).T  # scans last: sums over them run along memory
        JX = J @ X
        B = JX / ridge[i]
        rest = J - (X @ B.T).T
        return JX.T, B.T, J @ residual[:, i], *lower_blocks(rest, rest)

    shared = (jacobian, usable, residual, X, ridge, masks)
    XJ, B, Je, *rows = jax.vmap(of_region, in_axes=(0, *[None] * len(shared)))(jnp.arange(n), *shared)
    flat = B.reshape(-1, B.shape[-1])
    return Gram(
        fixed=problem.prior_precision + CONFOUND_PRECISION * flat.T @ flat,
        JJ=SymmetricMatrices(tuple(rows)),
        XJ=XJ,
        Je=Je,
        Xe=jnp.einsum("vc,vi->ic", X, residual),
        ee=jnp.einsum("vi,vi->i", residual, residual),
    )


def lower_blocks(left: Float[Array, "free scan"], right: Float[Array, "free scan"]) -> tuple[Array, ...]:
    """L Rᵀ, which is symmetric, row of blocks by row of blocks as `SymmetricMatrices` keeps them."""
    free = len(left)
    count = 1 if free <= WHOLE else -(-free // BLOCK)
    ends = [free * k // count for k in range(count + 1)]
    return tuple(left[begin:end] @ right[:end].T for begin, end in itertools.pairwise(ends))
