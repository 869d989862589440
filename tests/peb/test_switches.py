"""What patterns share is computed once, and changes nothing: against every pattern reduced by itself."""

from __future__ import annotations

import group_models
import numpy as np
import pytest

from peb import Gaussian, reduce, switched
from peb._switches import evidence_lost_by_each, evidence_of_switches

SIZE = 9
COUPLED = {"none": (), "two that vary": ((0, 1),), "one that varies with others": ((0, 6), (6, 7))}


def densities(coupled: tuple[tuple[int, int], ...]) -> tuple[Gaussian, Gaussian]:
    """A prior of variances over eight orders of magnitude, some of its parameters dependent, and a posterior."""
    rng = np.random.default_rng(len(coupled))
    sd = np.logspace(-2, 2, SIZE)
    correlation = np.eye(SIZE)
    for i, j in coupled:
        correlation[i, j] = correlation[j, i] = 0.4
    prior = Gaussian(rng.normal(size=SIZE) * sd / 2, correlation * np.outer(sd, sd))
    told = np.linalg.inv(group_models.covariance(SIZE, 0.3, rng)) / np.outer(sd, sd)
    covariance = np.linalg.inv(np.linalg.inv(prior.covariance) + told)
    return prior, Gaussian(rng.normal(size=SIZE) * sd, (covariance + covariance.T) / 2)


@pytest.mark.parametrize("coupled", COUPLED.values(), ids=COUPLED.keys())
def test_evidence_of_patterns_that_share_much_is_that_of_each_reduction(coupled: tuple[tuple[int, int], ...]) -> None:
    prior, posterior = densities(coupled)
    patterns = np.ones((8, SIZE), dtype=bool)
    patterns[:, :3] = (np.arange(8)[:, None] >> np.arange(3)) & 1
    patterns[:, 4] = False
    expected = reduce(prior, posterior, *switched(prior, patterns)).delta_free_energy
    np.testing.assert_allclose(evidence_of_switches(prior, posterior, patterns), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("coupled", COUPLED.values(), ids=COUPLED.keys())
def test_what_each_is_missed_by_is_the_difference_of_two_reductions(coupled: tuple[tuple[int, int], ...]) -> None:
    prior, posterior = densities(coupled)
    on = np.ones(SIZE, dtype=bool)
    on[[3, 8]] = False
    dropped = np.array([0, 1, 5, 6])
    patterns = np.tile(on, (5, 1))
    patterns[np.arange(4), dropped] = False
    delta = reduce(prior, posterior, *switched(prior, patterns)).delta_free_energy
    found = evidence_lost_by_each(prior, posterior, on, dropped)
    np.testing.assert_allclose(found, delta[-1] - delta[:-1], rtol=1e-9, atol=1e-9)


def test_one_pattern_that_keeps_everything_changes_nothing() -> None:
    prior, posterior = densities(())
    np.testing.assert_allclose(evidence_of_switches(prior, posterior, np.ones((1, SIZE), dtype=bool)), 0.0, atol=1e-9)
