"""Factors of symmetric positive definite matrices, so that several threads may run them side by side.

Under `vmap`, jaxlib's LAPACK calls on a CPU spread the matrices of a batch over one pool of threads and wait for it;
two computations that do so at once can wait for each other for ever. There, and only there, what is in here
therefore takes the matrices one after the other: as fast, and no result depends on how many there are, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jax.lax import linalg
from jaxtyping import Array, Float

LEAF, LEAVES = 64, 8  # LAPACK inverts up to 64 rows, or an eighth of them; the rest is in matrix products


class Inverse(NamedTuple):
    """What a Cholesky factor gives."""

    matrix: Float[Array, "row row"]
    log_det: Float[Array, ""]  # of the matrix that was inverted


def inverse(matrix: Float[Array, "row row"]) -> Inverse:
    """A⁻¹ and ln|A| of a symmetric positive definite A = LLᵀ, of which the lower triangle is read.

    Both results are NaN where A is not positive definite.
    """
    return _inverse(matrix)


def log_det(matrix: Float[Array, "row row"]) -> Float[Array, ""]:
    """ln|A| of a symmetric positive definite A, of which the lower triangle is read; NaN where it is not."""
    return _log_det(matrix)


def one_at_a_time(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, which on a CPU takes the members of a batch one after the other, and all at once elsewhere.

    All traced values that it needs are its arguments; JAX loses those that it finds around it.
    """

    @custom_vmap
    def in_turn(*arguments: Any) -> Any:
        return function(*arguments)

    @in_turn.def_vmap
    def _(size: int, batched: list[Any], *arguments: Any) -> tuple[Any, Any]:
        leaves, tree = jax.tree.flatten(list(arguments))
        varies = jax.tree.leaves(batched)

        def member(own: list[Array]) -> Any:
            each = iter(own)
            merged = [next(each) if v else leaf for v, leaf in zip(varies, leaves, strict=True)]
            return in_turn(*jax.tree.unflatten(tree, merged))

        own = [leaf for v, leaf in zip(varies, leaves, strict=True) if v]
        if size == 1:  # without a loop, whose steps would copy what they take
            results = jax.tree.map(lambda leaf: leaf[None], member([leaf[0] for leaf in own]))
        else:
            results = jax.lax.map(member, own)
        return results, jax.tree.map(lambda _: True, results)

    def by_platform(*arguments: Any) -> Any:
        if jax.default_backend() == "cpu":  # nothing else is there; to trace both would take twice as long
            return in_turn(*arguments)
        return jax.lax.platform_dependent(*arguments, cpu=in_turn, default=function)

    return by_platform


@one_at_a_time
def _inverse(matrix: Float[Array, "row row"]) -> Inverse:
    factor = linalg.cholesky(matrix, symmetrize_input=False)
    return Inverse(_inverse_of(factor, max(LEAF, -(-len(factor) // LEAVES))), _log_det_of(factor))


@one_at_a_time
def _log_det(matrix: Float[Array, "row row"]) -> Float[Array, ""]:
    return _log_det_of(linalg.cholesky(matrix, symmetrize_input=False))


def _log_det_of(factor: Float[Array, "row row"]) -> Float[Array, ""]:
    return 2 * jnp.log(jnp.diag(factor)).sum()


def _inverse_of(lower: Float[Array, "row row"], leaf: int) -> Float[Array, "row row"]:
    """(LLᵀ)⁻¹ by halves: with L = [[A, 0], [B, C]] and Z = B A⁻¹,

    [[(AAᵀ)⁻¹ + Zᵀ(CCᵀ)⁻¹Z, −Zᵀ(CCᵀ)⁻¹], [−(CCᵀ)⁻¹Z, (CCᵀ)⁻¹]].
    """
    size = lower.shape[0]
    if size <= leaf:
        half = linalg.triangular_solve(lower, jnp.eye(size), left_side=True, lower=True, transpose_a=True)
        return half @ half.T
    cut = size // 2
    first, last = _inverse_of(lower[:cut, :cut], leaf), _inverse_of(lower[cut:, cut:], leaf)
    z = linalg.triangular_solve(lower[:cut, :cut], lower[cut:, :cut].T, left_side=True, lower=True, transpose_a=True)
    cross = z @ last
    return jnp.block([[first + cross @ z.T, -cross], [-cross.T, last]])
