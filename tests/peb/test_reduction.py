"""Reduction against the closed-form evidence and posterior of linear models."""

from __future__ import annotations

import itertools

import group_models
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reduced_groups import Linear, linear
from small_models import block_inputs

import dcm
from peb import Gaussian, check_reduction, is_nested, reduce, switched
from peb._switches import evidence_lost_by_each, evidence_of_switches

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
    reported = np.linalg.inv(group_models.covariance(SIZE, 0.3, rng)) / np.outer(sd, sd)
    covariance = np.linalg.inv(np.linalg.inv(prior.covariance) + reported)
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


BETWEEN = 1 - np.eye(2)
FULL = dcm.Spec(["x", "y"], ["u", "m"], np.ones((2, 2)), np.stack([0 * BETWEEN, BETWEEN], axis=-1), [[1, 0], [0, 0]])
SMALL = dcm.Spec(FULL.regions, FULL.inputs, FULL.a, np.stack([0 * BETWEEN, np.tril(BETWEEN)], axis=-1), FULL.c)


@pytest.fixture(scope="module")
def inverted() -> tuple[dcm.Posterior, dcm.Posterior]:
    truth = dcm.Parameters(
        A=0.3 * np.tril(BETWEEN),
        B=FULL.b * 0.0,
        C=FULL.c * 0.5,
        D=np.zeros((2, 2, 2)),
        transit=np.zeros(2),
        decay=np.zeros(()),
        epsilon=np.zeros(()),
    )
    run = dcm.simulate(FULL, truth, block_inputs(60 * 8, 0.25), 0.25, 2.0, snr=2.0, seed=0, integrator="bilinear")
    both = [dcm.Subject(name, spec, run.data) for name, spec in (("s", SMALL), ("l", FULL))]
    small, large = dcm.invert_cohort(both, dcm.Settings(integrator="bilinear"))
    assert isinstance(small, dcm.Posterior)
    assert isinstance(large, dcm.Posterior)
    return small, large


def test_reduction_is_near_to_inversion_where_the_posterior_is_nearly_gaussian(
    inverted: tuple[dcm.Posterior, dcm.Posterior],
) -> None:
    found = check_reduction(*inverted)
    assert found.inverted == inverted[0].free_energy - inverted[1].free_energy
    assert abs(found.difference) < 0.5
    assert found.furthest < 0.5


def test_only_a_smaller_model_of_the_same_priors_is_nested(inverted: tuple[dcm.Posterior, dcm.Posterior]) -> None:
    small, large = inverted
    assert is_nested(small, large)
    assert not is_nested(large, small)
    assert not is_nested(small, small)
    with pytest.raises(ValueError, match="fewer free parameters"):
        check_reduction(large, small)
