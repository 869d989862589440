"""One driven region: with two free parameters, whose posterior is known by a sum over a grid; and as SPM's file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import dcm
from dcm import Posterior, Settings, Subject
from dcm._log_density import correlation_nodes, log_likelihood, log_prior
from dcm._sampling import problem_of

SCANS = 48


@dataclass(frozen=True, eq=False)
class Case:
    """A subject, its inversion, and what that approximates."""

    subject: Subject
    settings: Settings
    posterior: Posterior
    moments: tuple[np.ndarray, np.ndarray]  # exact means and SDs
    log_evidence: float


@cache
def one_region_case() -> Case:
    """One region, one input: of its parameters only the self-inhibition and the drive are free.

    What is exact is from a sum over a grid of both, the noise being integrated out at every point of it.
    """
    spec = dcm.Spec(["region"], ["drive"], [[1]], c=[[1]])
    inputs = ((np.arange(SCANS * 2) // 16) % 2).astype(float)[:, None]
    parameters = spec.layout.to_tree(np.array([0.1, 0.0, 0.8, 0.0, 0.0, 0.0]))
    data = dcm.simulate(spec, parameters, inputs, 1.0, 2.0, snr=1.0, integrator="bilinear", seed=3).data
    standard = dcm.prior(spec)
    variance = np.where(np.isin(np.arange(6), standard.free[:2]), np.diag(standard.covariance), 0.0)
    subject = Subject("one", spec, data, replace(standard, covariance=np.diag(variance)))
    settings = Settings(integrator="bilinear", starts=1)
    posterior = dcm.invert(subject, settings)

    model, problem = problem_of(subject, posterior)
    nodes = correlation_nodes(problem, jnp.asarray(posterior.autocorrelation))

    @jax.jit
    def height(theta: jax.Array) -> jax.Array:
        parameters = model.parameters(problem.prior_vector, problem.prior_mean + theta)
        prediction = model.predict(parameters, problem.timing, problem.echo_time)
        return log_likelihood(problem, prediction, nodes) + log_prior(problem, theta)

    axes = [np.linspace(-6, 8, 57) * sd for sd in np.sqrt(np.diag(posterior.covariance))]
    offsets = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    theta = posterior.mean[posterior.free] + offsets
    heights = np.asarray(jax.lax.map(height, jnp.asarray(theta - posterior.prior.mean[posterior.free])))
    weight = np.exp(heights - heights.max())
    total = np.log(weight.sum() * np.prod([axis[1] - axis[0] for axis in axes])) + heights.max()
    mean = weight @ theta / weight.sum()
    sd = np.sqrt(weight @ (theta - mean) ** 2 / weight.sum())
    return Case(subject, settings, posterior, (mean, sd), float(total))


def specified_struct(seed: int, drive: float = 0.8) -> dict[str, Any]:
    """The DCM of one driven region, as SPM specifies it: 40 scans of 2 s."""
    scans, bins, tr = 40, 4, 2.0
    spec = dcm.Spec(["V1"], ["task"], [[1]], c=[[1]])
    inputs = ((np.arange(scans * bins) // 32) % 2).astype(float)[:, None]
    truth = spec.layout.to_tree(np.array([0.1, 0.0, drive, 0.0, 0.0, 0.0]))
    made = dcm.simulate(spec, truth, inputs, tr / bins, tr, snr=1.0, integrator="bilinear", seed=seed)
    names = np.empty((2, 1, 1), dtype=object)
    names[0, 0, 0], names[1, 0, 0] = "V1", "task"
    return {
        "a": np.ones((1, 1)),
        "b": np.zeros((1, 1, 1)),
        "c": np.ones((1, 1)),
        "d": np.zeros((1, 1, 0)),
        "U": {"dt": tr / bins, "name": names[1], "u": inputs},
        "Y": {"dt": tr, "X0": np.ones((scans, 1)), "y": made.data.bold, "name": names[0]},
        "options": {"nonlinear": 0.0, "centre": 1.0},
    }
