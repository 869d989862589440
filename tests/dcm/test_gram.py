"""Sums over scans that every noise level shares, against the matrices that they stand for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dcm import _gram
from dcm._gram import Gram, gram
from dcm._joint_density import CONFOUND_PRECISION, Problem

SCANS, REGIONS, FREE = 20, 3, 7


def sums(
    power: np.ndarray, noise: np.ndarray, jacobian: np.ndarray | None = None, usable: bool = True
) -> tuple[Gram, np.ndarray, np.ndarray]:
    """The sums around some noise, with J and X, whose columns have the powers asked for."""
    rng = np.random.default_rng(0)
    X = np.linalg.qr(rng.standard_normal((SCANS, len(power))))[0] * np.sqrt(power)
    J = rng.standard_normal((SCANS, REGIONS, FREE)) if jacobian is None else jacobian
    reported = SimpleNamespace(
        confounds=jnp.asarray(X),
        confound_power=jnp.asarray(power),
        confound_prior=jnp.full(len(power), CONFOUND_PRECISION),
        scan_mask=jnp.ones(SCANS),
        free_mask=jnp.ones(FREE),
        prior_precision=jnp.eye(FREE),
    )
    residual = jnp.asarray(rng.standard_normal((SCANS, REGIONS)))
    run = jax.jit(lambda J, noise: gram(cast(Problem, reported), residual, J, jnp.asarray(usable), noise))
    return run(jnp.asarray(J), jnp.asarray(noise)), J, X


def exact_precision(J: np.ndarray, X: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """The precision of θ once β is eliminated, region by region."""
    total = np.eye(FREE)
    for i, t in enumerate(tau):
        share = np.linalg.solve(X.T @ X + CONFOUND_PRECISION / t * np.eye(X.shape[1]), X.T @ J[:, i])
        total += t * J[:, i].T @ (J[:, i] - X @ share)
    return total


def lower(matrix: Any) -> np.ndarray:
    return np.tril(np.asarray(matrix))


@pytest.mark.parametrize("around", [-20.0, 0.0, 6.0])
def test_precision_is_exact_at_any_noise_around_which_sums_are_made(around: float) -> None:
    """For confounds of any power, from none to that of a constant."""
    noise = around + np.array([0.0, 1.0, -1.0])
    found, J, X = sums(np.array([0.0, 1e-12, 1e-9, 1.0, 200.0]), noise)
    assert np.allclose(lower(found.precision(jnp.exp(noise))), lower(exact_precision(J, X, np.exp(noise))), rtol=1e-12)


def test_precision_elsewhere_keeps_the_effect_of_the_confounds_prior() -> None:
    """Which is 1e-8 here; as much again, squared, is what is left out."""
    noise = np.array([6.0, 2.0, 0.0])
    found, J, X = sums(np.array([1.0, 200.0]), noise)
    for tau in np.exp(noise + np.array([[-8.0], [8.0]])):
        expected = exact_precision(J, X, tau)
        assert np.abs(lower(found.precision(jnp.asarray(tau)) - expected)).max() < 1e-12 * expected.max()


def test_blocks_give_what_whole_matrices_give(monkeypatch: pytest.MonkeyPatch) -> None:
    noise, tau = np.zeros(REGIONS), jnp.asarray([0.5, 2.0, 3.0])
    symmetric = jnp.asarray(np.cov(np.random.default_rng(1).standard_normal((FREE, 20))))
    whole, *_ = sums(np.array([1.0]), noise)
    monkeypatch.setattr(_gram, "WHOLE", 2)
    monkeypatch.setattr(_gram, "BLOCK", 3)
    blocks, *_ = sums(np.array([1.0]), noise)
    assert [row.shape for row in blocks.JJ.rows] == [(3, 2, 2), (3, 2, 4), (3, 3, 7)]
    assert np.allclose(lower(blocks.precision(tau)), lower(whole.precision(tau)), rtol=1e-13)
    assert np.allclose(blocks.JJ.traces(symmetric), whole.JJ.traces(symmetric), rtol=1e-13)
    expected = np.einsum("ipq,pq->i", whole.JJ.rows[0], symmetric)
    assert np.allclose(whole.JJ.traces(symmetric), expected, rtol=1e-13)


def test_a_jacobian_that_is_not_usable_leaves_the_prior() -> None:
    found, *_ = sums(np.array([1.0]), np.zeros(REGIONS), np.full((SCANS, REGIONS, FREE), np.nan), usable=False)
    assert np.array_equal(found.precision(jnp.ones(REGIONS)), np.eye(FREE))
    assert not np.any(found.Je)


def test_what_confounds_explain_wholly_leaves_a_positive_definite_precision() -> None:
    """Where the subtraction of two large sums would leave rounding of either sign."""
    X = np.linalg.qr(np.random.default_rng(0).standard_normal((SCANS, 1)))[0]  # as in `sums`
    found, *_ = sums(np.array([1.0]), np.zeros(REGIONS), 1e9 * X[:, :, None] * np.ones((1, REGIONS, FREE)))
    assert np.linalg.eigvalsh(found.precision(jnp.full(REGIONS, 1e4))).min() > 0.5
