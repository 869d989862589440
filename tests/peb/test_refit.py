"""Participants inverted again under what the group says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from small_models import block_inputs

import dcm
from peb import Design, Estimate, Gaussian, PebError, PebSettings
from peb import _refit as refit
from peb._refit import Refit, RefitStatus, fit_with_reinversion

NAMES = tuple(f"sub-{i + 1}" for i in range(6))
IMPROVEMENT = np.linspace(-1, 1, 6)
DESIGN = Design(NAMES, ("mean", "improvement"), np.column_stack([np.ones(6), IMPROVEMENT]))
SETTINGS = PebSettings(between="gaussian")
FIRST_LEVEL = replace(refit.FIRST_LEVEL, integrator="bilinear", starts=1)  # which is compiled and inverted sooner
SPEC = dcm.Spec(
    ["one", "two"],
    ["task", "drug"],
    np.ones((2, 2), dtype=bool),
    np.array([[[False, False], [False, False]], [[False, True], [False, False]]]),
    np.array([[True, False], [False, False]]),
)


def subject(name: str, x: float, seed: int) -> dcm.Subject:
    planted = SPEC.layout.to_tree(dcm.prior(SPEC).mean)
    A, B, C = (np.array(getattr(planted, field)) for field in ("A", "B", "C"))
    A[1, 0], A[0, 1], B[1, 0, 1], C[0, 0] = 0.3, 0.1, 0.4 + 0.3 * x, 0.5
    run = dcm.simulate(
        SPEC,
        replace(planted, A=A, B=B, C=C),
        block_inputs(640, 0.25),
        0.25,
        2.0,
        snr=2.0,
        integrator="bilinear",
        seed=seed,
    )
    return dcm.Subject(name, SPEC, run.data)


@pytest.fixture(scope="module")
def subjects() -> list[dcm.Subject]:
    return [subject(name, x, seed) for seed, (name, x) in enumerate(zip(NAMES, IMPROVEMENT, strict=True))]


@pytest.fixture(scope="module")
def found(subjects: list[dcm.Subject]) -> Refit:
    return fit_with_reinversion(
        subjects, DESIGN, SETTINGS, parameters=["A", "B"], first_level=FIRST_LEVEL, tolerance=0.01
    )


def test_rounds_end_where_the_group_stays(found: Refit) -> None:
    assert found.status is RefitStatus.CONVERGED
    assert 2 < len(found.rounds) < 60
    assert found.rounds[-1].moved < 0.01 < found.rounds[1].moved
    assert np.array_equal(found.group.mean, found.rounds[-1].mean)
    assert found.rounds[-1].inverted_free_energy > found.rounds[0].inverted_free_energy + 0.01


def test_at_the_end_inversion_and_reduction_agree(found: Refit) -> None:
    error = [abs(step.inverted_free_energy - step.free_energy) for step in found.rounds]
    assert error[-1] < min(0.05, error[0] / 5)
    for inverted, reduced in zip(found.posteriors, found.group.participants, strict=True):
        again = Estimate.from_dcm(reduced.name, inverted)
        assert again.parameters == reduced.parameters
        assert (np.abs(again.posterior.mean - reduced.posterior.mean) < 0.05 * reduced.posterior.sd).all()
        assert np.allclose(again.prior.covariance, reduced.prior.covariance, rtol=1e-6, atol=1e-12)


def test_a_rounds_evidence_is_that_of_the_inversions_under_its_priors(subjects: list[dcm.Subject]) -> None:
    only = fit_with_reinversion(
        subjects, DESIGN, SETTINGS, parameters=["A", "B"], first_level=FIRST_LEVEL, max_rounds=1
    )
    assert only.status is RefitStatus.MAX_ROUNDS
    plain = dcm.invert_cohort(subjects, FIRST_LEVEL)
    assert [estimate.free_energy for estimate in only.estimates] == [alone.free_energy for alone in plain]
    difference = 0.0
    for participant, start, reduced in zip(subjects, plain, only.group.participants, strict=True):
        free, full = start.free, np.zeros((SPEC.layout.size,) * 2)
        full[np.ix_(free, free)] = reduced.prior.covariance
        mean = start.prior.mean.copy()
        mean[free] = reduced.prior.mean
        under = replace(participant, prior=dcm.Prior(mean, full), start=start.mean)
        difference += dcm.invert(under, FIRST_LEVEL).free_energy - reduced.free_energy
    [round_] = only.rounds
    assert round_.inverted_free_energy - round_.free_energy == pytest.approx(difference, abs=1e-5)


def test_estimates_are_under_the_original_priors(found: Refit) -> None:
    original = dcm.prior(SPEC)
    for estimate, inverted in zip(found.estimates, found.posteriors, strict=True):
        assert np.array_equal(estimate.prior.mean, original.mean[original.free])
        assert np.array_equal(estimate.prior.covariance, original.covariance[np.ix_(original.free, original.free)])
        assert not np.allclose(inverted.prior.covariance, original.covariance)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_what_data_say_is_averaged_point_by_point(share: float) -> None:
    first, second = (random_gaussian(i) for i in range(2))
    wide, tight = Gaussian(np.zeros(3), np.eye(3)), Gaussian(np.full(3, 0.1), 0.01 * np.eye(3))
    last = Estimate("one", ("a", "b", "c"), ("A", "A", "B"), wide, first, -10.0)
    again = Estimate("one", last.parameters, last.fields, wide, second, -12.0).under(tight)
    made = refit._average(last, again, {"one": wide}, share)
    for point in np.random.default_rng(0).standard_normal((5, 3)):
        reported = [log_likelihood(posterior, point) for posterior in (last, again, made)]
        assert reported[2] == pytest.approx((1 - share) * reported[0] + share * reported[1], abs=1e-9)


def random_gaussian(seed: int) -> Gaussian:
    random = np.random.default_rng(seed)
    root = random.standard_normal((3, 3))
    return Gaussian(random.standard_normal(3), np.linalg.inv(2 * np.eye(3) + root @ root.T))


def log_likelihood(one: Estimate, point: np.ndarray) -> float:
    """ln p(y | θ) = F + ln q(θ) − ln p(θ)."""
    densities = (multivariate_normal(each.mean, each.covariance) for each in (one.posterior, one.prior))
    after, before = (density.logpdf(point) for density in densities)
    return float(one.free_energy + after - before)


def test_the_way_to_another_prior_and_back_changes_nothing(found: Refit) -> None:
    for estimate, reduced in zip(found.estimates, found.group.participants, strict=True):
        back = reduced.under(estimate.prior)
        assert back.free_energy == pytest.approx(estimate.free_energy, abs=1e-6)
        assert np.allclose(back.posterior.mean, estimate.posterior.mean, atol=1e-8)
        assert np.allclose(back.posterior.covariance, estimate.posterior.covariance, atol=1e-10)


def failing(monkeypatch: pytest.MonkeyPatch, name: str, call: int) -> None:
    """Have one participant fail in one call of the cohort's inversion."""
    invert_cohort, calls = dcm.invert_cohort, []

    def sometimes(subjects: Sequence[dcm.Subject], settings: dcm.Settings) -> list[dcm.Posterior | dcm.Failure]:
        calls.append(None)
        results = invert_cohort(subjects, settings)
        gone = dcm.Failure(name, "failed on purpose")
        return [
            gone if participant.name == name and len(calls) == call else r
            for participant, r in zip(subjects, results, strict=True)
        ]

    monkeypatch.setattr(dcm, "invert_cohort", sometimes)


def test_who_fails_is_named_and_keeps_the_last_posterior(
    subjects: list[dcm.Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = dcm.invert_cohort(subjects, FIRST_LEVEL)
    failing(monkeypatch, "sub-3", call=2)
    only = fit_with_reinversion(
        subjects, DESIGN, SETTINGS, parameters=["A", "B"], first_level=FIRST_LEVEL, max_rounds=1
    )
    assert [failure.name for failure in only.rounds[0].failures] == ["sub-3"]
    assert np.allclose(only.posteriors[2].mean, plain[2].mean)
    assert not np.allclose(only.posteriors[3].mean, plain[3].mean)


def test_who_fails_at_first_ends_it(subjects: list[dcm.Subject], monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "sub-5", call=1)
    with pytest.raises(PebError, match="sub-5: failed on purpose"):
        fit_with_reinversion(subjects, DESIGN, SETTINGS, first_level=FIRST_LEVEL)


def test_a_round_in_which_everybody_fails_ends_it(subjects: list[dcm.Subject], monkeypatch: pytest.MonkeyPatch) -> None:
    given, asked = iter([dcm.invert_cohort(subjects, FIRST_LEVEL)]), []

    def failing_later(participants: Sequence[dcm.Subject], settings: dcm.Settings) -> list[dcm.Posterior | dcm.Failure]:
        asked.append(settings)
        return next(given, [dcm.Failure(participant.name, "no") for participant in participants])

    monkeypatch.setattr(dcm, "invert_cohort", failing_later)
    with pytest.raises(PebError, match="nobody could be inverted under the group's empirical priors: no"):
        fit_with_reinversion(subjects, DESIGN, SETTINGS, parameters=["A", "B"])
    assert asked == [refit.FIRST_LEVEL] * 2  # without another, the full equations


def test_spm12s_steps_on_the_noise_are_refused(subjects: list[dcm.Subject]) -> None:
    with pytest.raises(PebError, match="noise='ar1'"):
        fit_with_reinversion(subjects, DESIGN, SETTINGS, first_level=dcm.Settings("spm12"))


def test_subjects_without_a_row_are_refused_before_any_inversion(
    subjects: list[dcm.Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(dcm, "invert_cohort")
    with pytest.raises(PebError, match="sub-1"):
        fit_with_reinversion(subjects[1:], DESIGN, SETTINGS)
    with pytest.raises(PebError, match="sub-2"):
        fit_with_reinversion([subjects[1], *subjects[1:]], DESIGN, SETTINGS)
    with pytest.raises(PebError, match="max_rounds"):
        fit_with_reinversion(subjects, DESIGN, SETTINGS, max_rounds=0)
