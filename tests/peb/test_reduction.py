"""Reduction against the closed-form evidence and posterior of linear models."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reduced_groups import Linear, linear

from peb import Gaussian, reduce, switched
from peb._switches import evidence_of_switches

EVERY = np.array(list(itertools.product([False, True], repeat=6)))


def full(model: Linear) -> tuple[Gaussian, Gaussian]:
    return model.prior, model.posterior(model.prior)


@pytest.mark.parametrize("seed", range(3))
def test_evidence_of_every_pattern_is_exact(seed: int) -> None:
    model = linear(seed)
    means, covariances = switched(model.prior, EVERY)
    exact = [model.log_evidence(Gaussian(m, c)) for m, c in zip(means, covariances, strict=True)]
    exact = np.array(exact) - model.log_evidence(model.prior)
    np.testing.assert_allclose(reduce(*full(model), means, covariances).delta_free_energy, exact, atol=1e-8)
    np.testing.assert_allclose(evidence_of_switches(*full(model), EVERY), exact, atol=1e-8)


def test_posterior_of_every_pattern_is_exact_and_off_is_exactly_zero() -> None:
    model = linear(3)
    means, covariances = switched(model.prior, EVERY)
    found = reduce(*full(model), means, covariances)
    for i, on in enumerate(EVERY):
        exact = model.posterior(Gaussian(means[i], covariances[i]))
        np.testing.assert_allclose(found.mean[i], exact.mean, atol=1e-10)
        np.testing.assert_allclose(found.covariance[i], exact.covariance, atol=1e-10)
        assert not found.mean[i, ~on].any()
        assert not found.covariance[i, ~on].any()


def test_another_prior_than_a_switched_one_is_exact_too() -> None:
    model = linear(4)
    half = np.random.default_rng(9).normal(size=(6, 9)) / 6
    other = Gaussian(np.linspace(-1, 1, 6), half @ half.T)
    found = reduce(*full(model), other.mean[None], other.covariance[None])
    exact = model.log_evidence(other) - model.log_evidence(model.prior)
    assert found.delta_free_energy[0] == pytest.approx(exact, abs=1e-8)
    np.testing.assert_allclose(found.mean[0], model.posterior(other).mean, atol=1e-9)


def test_a_parameter_can_be_fixed_elsewhere_than_zero() -> None:
    model = linear(5)
    mean, covariance = np.array(model.prior.mean), np.array(model.prior.covariance)
    mean[2], covariance[2], covariance[:, 2] = 0.8, 0.0, 0.0
    found = reduce(*full(model), mean[None], covariance[None])
    exact = model.log_evidence(Gaussian(mean, covariance)) - model.log_evidence(model.prior)
    assert found.delta_free_energy[0] == pytest.approx(exact, abs=1e-8)
    assert found.mean[0, 2] == 0.8


def test_switching_off_is_the_limit_of_a_narrow_prior() -> None:
    model = linear(6, mean=0.0)
    off = np.array([True] * 5 + [False])
    exact = evidence_of_switches(*full(model), off[None])[0]
    gaps = []
    for variance in (1e-3, 1e-4, 1e-5):
        covariance = model.prior.covariance * (off[:, None] & off)
        covariance[5, 5] = variance
        narrow = reduce(*full(model), model.prior.mean[None], covariance[None]).delta_free_energy[0]
        gaps.append(abs(narrow - exact))
    assert gaps[0] > 5 * gaps[1] > 25 * gaps[2]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.lists(st.booleans(), min_size=6, max_size=6), st.integers(0, 5))
def test_reducing_in_two_steps_is_reducing_at_once(seed: int, on: list[bool], other: int) -> None:
    model = linear(seed)
    prior, posterior = full(model)
    first, both = np.array(on), np.array(on)
    both[other] = False
    step = reduce(prior, posterior, *switched(prior, first[None]))
    means, covariances = switched(prior, np.stack([first, both]))
    middle = Gaussian(means[0], covariances[0])
    again = reduce(middle, step.posterior(0), means[1:], covariances[1:])
    whole = evidence_of_switches(prior, posterior, both[None])[0]
    assert step.delta_free_energy[0] + again.delta_free_energy[0] == pytest.approx(whole, abs=1e-8)


def test_batches_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    model = linear(7)
    whole = evidence_of_switches(*full(model), EVERY)
    monkeypatch.setattr("peb._reduction.BYTES_AT_ONCE", 8 * 36 * 16)
    np.testing.assert_allclose(evidence_of_switches(*full(model), EVERY[:41]), whole[:41], atol=1e-12)


def test_large_batches_end() -> None:
    """jaxlib's LAPACK calls, side by side, once waited for each other for ever from some 200 such matrices on."""
    model = linear(8, size=40, scans=60)
    on = np.random.default_rng(0).random((300, 40)) < 0.5
    found = reduce(*full(model), *switched(model.prior, on)).delta_free_energy
    np.testing.assert_allclose(found, evidence_of_switches(*full(model), on), atol=1e-8)


def test_patterns_that_do_not_fit_are_refused() -> None:
    model = linear(0)
    with pytest.raises(ValueError, match=r"must be \(model, param\), not \(2, 5\)"):
        evidence_of_switches(*full(model), np.ones((2, 5), dtype=bool))
    fixed = Gaussian(np.array([0.5, 0.0]), np.diag([0.0, 1.0]))
    with pytest.raises(ValueError, match="fixes at another value than 0"):
        evidence_of_switches(fixed, fixed, np.array([[False, True]]))


def test_a_prior_too_wide_for_the_data_is_refused() -> None:
    prior = Gaussian(np.zeros(1), np.eye(1))
    vaguer = Gaussian(np.zeros(1), np.eye(1) * 2)  # L = −½: no integral under a prior of variance 4
    with pytest.raises(ValueError, match="reduced prior 0 has no posterior"):
        reduce(prior, vaguer, np.zeros((1, 1)), np.full((1, 1, 1), 4.0))
