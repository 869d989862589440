"""Small groups whose truth is known, for tests of the group level."""

from __future__ import annotations

import numpy as np

from peb import Design, Estimate, Gaussian

PARAMETERS = ("A[x<-y]", "A[y<-x]", "B[y<-x, drug]")
FIELDS = ("A", "A", "B")


def covariance(size: int, scale: float, rng: np.random.Generator) -> np.ndarray:
    """A well-conditioned covariance with standard deviations of about `scale`."""
    mixed = np.eye(size) + 0.3 * rng.normal(size=(size, size))
    return scale**2 * mixed @ mixed.T


def estimate(name: str, truth: np.ndarray, rng: np.random.Generator, sd: float = 0.2) -> Estimate:
    """An estimate as a linear model with data of precision about 1/sd² around `truth` would give it."""
    size = truth.size
    prior = Gaussian(np.zeros(size), np.eye(size))
    noise = covariance(size, sd, rng)
    data = rng.multivariate_normal(truth, noise)
    precision = np.linalg.inv(noise)
    posterior = np.linalg.inv(precision + np.eye(size))
    mean = posterior @ precision @ data
    free_energy = -0.5 * (size * np.log(2 * np.pi) + np.linalg.slogdet(noise + np.eye(size))[1])
    free_energy -= 0.5 * data @ np.linalg.solve(noise + np.eye(size), data)
    return Estimate(
        name, PARAMETERS[:size], FIELDS[:size], prior, Gaussian(mean, (posterior + posterior.T) / 2), free_energy
    )


def group(
    participants: int = 12, *, effects: np.ndarray | None = None, between: float = 0.3, seed: int = 0
) -> tuple[list[Estimate], Design]:
    """Participants whose parameters are X · effects (covariate, param) plus scatter, and their design."""
    rng = np.random.default_rng(seed)
    names = tuple(f"sub-{i + 1:02d}" for i in range(participants))
    covariate = rng.normal(size=participants)
    matrix = np.column_stack([np.ones(participants), covariate - covariate.mean()])
    effects = np.array([[0.4, -0.2, 0.0], [0.0, 0.3, -0.3]]) if effects is None else effects
    truth = matrix @ effects + between * rng.normal(size=(participants, effects.shape[1]))
    estimates = [estimate(name, row, rng) for name, row in zip(names, truth, strict=True)]
    return estimates, Design(names, ("mean", "improvement"), matrix)
