"""Groups with participants far off, and first levels that know connections apart more or less well."""

from __future__ import annotations

import numpy as np
from scipy.stats import multivariate_normal

from peb import Design, Estimate, Gaussian


def mixed_group(
    people: int,
    connections: int,
    *,
    seed: int,
    outlier: float = 0.0,
    correlation: float = 0.0,
    covariates: int = 3,
    prior_sd: float = 2.0**0.5,
    spread: float = 0.35,
) -> tuple[list[Estimate], Design]:
    """The mean, an arm and a score; connection 0 differs by the arm. `outlier` is added to the first participant's.

    Arguments:
        correlation: of first-level errors, about which participants vary unless it is 0.
        spread: SD between participants.
    """
    rng = np.random.default_rng(seed)
    score = rng.normal(size=people)
    X = np.column_stack([np.ones(people), np.where(np.arange(people) % 2, 1.0, -1.0), score - score.mean()])
    X = X[:, :covariates]
    effects = np.zeros((covariates, connections))
    effects[0], effects[1, 0] = 0.4 * (-1.0) ** np.arange(connections), 0.25
    truth = X @ effects + spread * rng.normal(size=(people, connections))
    truth[0, 0] += outlier
    prior = Gaussian(np.zeros(connections), prior_sd**2 * np.eye(connections))
    estimates = []
    for i in range(people):
        sd = 0.3 * np.exp(0.4 * rng.normal(size=connections))
        r = np.clip(correlation + 0.1 * rng.normal(), -0.2, 0.9) if correlation else 0.0
        noise = np.outer(sd, sd) * ((1 - r) * np.eye(connections) + r)
        data = rng.multivariate_normal(truth[i], noise)
        covariance = np.linalg.inv(np.linalg.inv(noise) + np.linalg.inv(prior.covariance))
        estimates.append(
            Estimate(
                f"s{i}",
                tuple(f"B{j}" for j in range(connections)),
                ("B",) * connections,
                prior,
                Gaussian(covariance @ np.linalg.solve(noise, data), (covariance + covariance.T) / 2),
                float(multivariate_normal.logpdf(data, np.zeros(connections), noise + prior.covariance)),
            )
        )
    return estimates, Design(tuple(f"s{i}" for i in range(people)), ("mean", "arm", "score")[:covariates], X)
