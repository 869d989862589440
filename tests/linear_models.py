"""A model that is linear in its parameters, whose posterior is known, and a joint density of it."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dcm import Data, Settings, Spec, Subject, prior
from dcm._batch import make_batches
from dcm._joint_density import Problem
from dcm._log_density import Unknowns
from dcm._subject import prepare

SCANS, REGIONS, FREE = 40, 2, 3


@dataclass(frozen=True)
class LinearModel:
    """g(θ) = G θ in every region: a model whose posterior is known."""

    seed: int = 0

    @property
    def slopes(self) -> np.ndarray:
        """(scan, region, free)"""
        return np.random.default_rng(self.seed).standard_normal((SCANS, REGIONS, FREE)).cumsum(axis=0) / 8

    def parameters(self, mean: jax.Array, free: jax.Array) -> jax.Array:
        return free

    def predict(self, parameters: jax.Array, timing: object, echo_time: object) -> jax.Array:
        return self.slopes @ parameters

    def predict_with_jacobian(
        self, mean: jax.Array, free: jax.Array, timing: object, echo_time: object
    ) -> tuple[jax.Array, jax.Array]:
        return self.slopes @ free, jnp.asarray(self.slopes)


def linear_density(gain: float = 0.7) -> Problem:
    rng = np.random.default_rng(1)
    spec = Spec(["left", "right"], ["drive"], np.ones((2, 2)), c=[[1], [1]])
    confounds = np.column_stack([np.ones(SCANS), np.linspace(-1, 1, SCANS), np.linspace(-1, 1, SCANS) ** 2])
    data = Data(rng.standard_normal((SCANS, REGIONS)), rng.random((SCANS, 1)), 2.0, 2.0, confounds)
    [batch] = make_batches(
        [prepare(Subject("one", spec, data, prior(spec, noise_variance=1.0)), Settings())], Settings()
    )
    problem: Problem = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), batch.problems)
    root = rng.standard_normal((FREE, FREE))
    prior_mean, precision = rng.standard_normal(FREE), root @ root.T + np.eye(FREE)
    return eqx.tree_at(
        lambda one: (one.prior_mean, one.prior_precision, one.free_mask, one.gain),
        problem,
        (jnp.asarray(prior_mean), jnp.asarray(precision), jnp.ones(FREE), jnp.asarray(gain)),
    )


POINT = Unknowns(jnp.asarray([0.3, -0.2, 0.5]), jnp.asarray([0.4, -0.6]), jnp.arctanh(jnp.asarray([0.35, -0.2])))
