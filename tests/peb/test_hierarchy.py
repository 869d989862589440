"""The second level's derivatives against automatic ones, and its evidence against the marginal likelihood."""

from __future__ import annotations

import group_models
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from peb import Estimate, Gaussian, PebSettings, _hierarchy
from peb._hierarchy import Group, between_precision
from peb._prepare_group import prepare

SIZE = 6  # of β: three parameters, two covariates

# Compiled whole: operation by operation takes ten times as long.
evaluate = jax.jit(_hierarchy.evaluate, static_argnames="spm")
log_posterior = jax.jit(_hierarchy.log_posterior)
log_posterior_and_gradient = jax.jit(_hierarchy.log_posterior_and_gradient)


@jax.jit
def automatic(group: Group, joint: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """`log_posterior`, its gradient and its curvature."""

    def height(joint: jax.Array) -> jax.Array:
        return _hierarchy.log_posterior(group, joint[:SIZE], joint[SIZE:])

    return height(joint), jax.grad(height)(joint), jax.hessian(height)(joint)


@pytest.fixture(scope="module")
def group() -> Group:
    estimates, design = group_models.group()
    return prepare(estimates, design, PebSettings(components="all", compat="spm12")).group


@pytest.fixture(scope="module")
def point() -> np.ndarray:
    return np.random.default_rng(1).normal(size=SIZE + 3) * 0.3


@pytest.fixture(scope="module")
def overlapping() -> Group:
    """Three components, one of which overlaps the others and none of which has full rank."""
    line = np.array([1.0, -0.5, 0.2])
    given = np.stack([np.diag([9.0, 4.0, 0.0]), np.diag([0.0, 0.0, 5.0]), 7.0 * np.outer(line, line)])
    estimates, design = group_models.group()
    return prepare(estimates, design, PebSettings(components=given, compat="spm12")).group


@pytest.mark.parametrize("kind", ["group", "overlapping"])
def test_gradient_and_curvature_are_those_of_the_log_posterior(
    kind: str, point: np.ndarray, request: pytest.FixtureRequest
) -> None:
    group: Group = request.getfixturevalue(kind)
    height, slope, curvature = automatic(group, jnp.asarray(point))
    found = evaluate(group, jnp.asarray(point[:SIZE]), jnp.asarray(point[SIZE:]), spm=False)
    np.testing.assert_allclose(found.gradient, slope, atol=1e-10)
    np.testing.assert_allclose(found.curvature, curvature, atol=1e-9)
    value, gradient = log_posterior_and_gradient(group, jnp.asarray(point[:SIZE]), jnp.asarray(point[SIZE:]))
    np.testing.assert_allclose(value, height, rtol=1e-12)
    np.testing.assert_allclose(gradient, found.gradient, rtol=1e-12, atol=1e-12)


def test_evidence_is_the_marginal_likelihood_of_the_participants_data() -> None:
    """With linear-Gaussian first levels, ln p(data | β, γ) has a closed form: N(data; X̃β, noise + Σ)."""
    rng = np.random.default_rng(3)
    estimates, design = group_models.group(4)
    rows = []
    likelihood = []
    for i, estimate in enumerate(estimates):
        noise = group_models.covariance(3, 0.2, rng)
        data = rng.normal(size=3)
        precision = np.linalg.inv(noise)
        posterior = np.linalg.inv(precision + np.eye(3))
        mean = posterior @ precision @ data
        rows.append(
            Estimate(
                estimate.name,
                estimate.parameters,
                estimate.fields,
                estimate.prior,
                Gaussian(mean, _even(posterior)),
                0.0,
            )
        )
        likelihood.append((data, noise, i))
    prepared = prepare(rows, design, PebSettings(components="single", between="gaussian")).group
    beta, gamma = jnp.asarray(rng.normal(size=SIZE) * 0.2), jnp.asarray([0.3])
    sigma = np.linalg.inv(np.asarray(between_precision(prepared, gamma)))
    expected = 0.0
    for data, noise, i in likelihood:
        centre = (np.asarray(beta).reshape(2, 3).T) @ design.matrix[i]
        expected += _log_density(data, centre, noise + sigma) - _log_density(data, np.zeros(3), noise + np.eye(3))
    b = np.asarray(beta - prepared.beta_mean)
    c = np.asarray(gamma - prepared.gamma_mean)
    expected -= (b @ np.asarray(prepared.beta_precision) @ b + c @ np.asarray(prepared.gamma_precision) @ c) / 2
    assert float(log_posterior(prepared, beta, gamma)) == pytest.approx(expected, abs=1e-9)


def test_a_participant_of_weight_zero_is_not_there(group: Group, point: np.ndarray) -> None:
    without = jax.tree.map(lambda part: part[1:], (group.added, group.weight, group.between))
    smaller = Group(*without, *(getattr(group, name) for name in list(Group.__dataclass_fields__)[3:]))
    muted = Group(
        group.added,
        group.weight.at[0].set(0.0),
        *(getattr(group, name) for name in list(Group.__dataclass_fields__)[2:]),
    )
    beta, gamma = jnp.asarray(point[:SIZE]), jnp.asarray(point[SIZE:])
    for one, other in zip(
        evaluate(smaller, beta, gamma, spm=True), evaluate(muted, beta, gamma, spm=True), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


def _even(matrix: np.ndarray) -> np.ndarray:
    return (matrix + matrix.T) / 2


def _log_density(x: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    left = x - mean
    size = x.size * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1]
    return float(-0.5 * (size + left @ np.linalg.solve(covariance, left)))
