"""Factors of positive definite matrices, alone, in batches and in several threads."""

from __future__ import annotations

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dcm._cholesky import LEAF, inverse, log_det, one_at_a_time


def positive_definite(size: int, count: int = 1, seed: int = 0) -> np.ndarray:
    factor = np.random.default_rng(seed).standard_normal((count, size, 2 * size)) * np.linspace(0.1, 10, size)[:, None]
    return factor @ factor.transpose(0, 2, 1)


@pytest.mark.parametrize("size", [1, 7, 2 * LEAF + 3])
def test_inverse_and_determinant_of_a_matrix(size: int) -> None:
    [matrix] = positive_definite(size)
    found = jax.jit(inverse)(jnp.asarray(matrix))
    unit = np.sqrt(np.diag(matrix))
    assert np.abs(found.matrix @ matrix - np.eye(size)).max() < 1e-9
    assert np.allclose(found.matrix * np.outer(unit, unit), np.linalg.inv(matrix / np.outer(unit, unit)), atol=1e-12)
    assert float(found.log_det) == pytest.approx(np.linalg.slogdet(matrix)[1], rel=1e-13)
    assert float(log_det(jnp.asarray(matrix))) == float(found.log_det)


def test_what_is_not_positive_definite_is_told_by_nan() -> None:
    found = inverse(jnp.asarray([[1.0, 2.0], [2.0, 1.0]]))
    assert np.isnan(found.log_det)
    assert np.isnan(found.matrix).all()


def test_a_matrix_has_the_same_bits_in_any_company() -> None:
    batched = jax.jit(jax.vmap(inverse))
    matrices = jnp.asarray(positive_definite(LEAF + 6, count=4))
    together = batched(matrices)
    for count in (1, 2):
        for alone, expected in zip(batched(matrices[:count]), together, strict=True):
            assert np.array_equal(alone, expected[:count])


def test_arguments_that_a_batch_shares_are_not_repeated() -> None:
    function = one_at_a_time(lambda scale, pair: (scale * pair["a"], pair["b"].sum()))
    first, second = jax.vmap(function, in_axes=(None, {"a": 0, "b": None}))(
        2.0, {"a": jnp.arange(3.0), "b": jnp.ones(4)}
    )
    assert np.array_equal(first, [0.0, 2.0, 4.0])
    assert np.array_equal(second, [4.0, 4.0, 4.0])


TWO_THREADS = """
import threading, jax, jax.numpy as jnp, numpy as np
jax.config.update("jax_enable_x64", True)
from dcm._cholesky import inverse
factor = np.random.default_rng(0).standard_normal((8, 300, 600))
matrices, batched = jnp.asarray(factor @ factor.transpose(0, 2, 1)), jax.jit(jax.vmap(inverse))
expected, same = np.asarray(batched(matrices).matrix), []
def work():
    for _ in range(8):
        same.append(np.array_equal(batched(matrices).matrix, expected))
threads = [threading.Thread(target=work) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert same == [True] * 16
"""


def test_two_threads_do_not_wait_for_each_other_for_ever() -> None:
    subprocess.run([sys.executable, "-c", TWO_THREADS], check=True, timeout=120)
