"""Many models from the inversion of the full one: each is what its own inversion gives, nearly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_models import block_inputs

import dcm
from peb import Estimate, Gaussian, average_runs, check_reduction, is_nested, missing_parameters, reduce, reduce_models

BETWEEN = 1 - np.eye(2)
CHANGES = np.stack([0 * BETWEEN, BETWEEN], axis=-1)
FULL = dcm.Spec(["x", "y"], ["u", "m"], np.ones((2, 2)), CHANGES, [[1, 0], [1, 0]])
ONE_CHANGE = dcm.Spec(FULL.regions, FULL.inputs, FULL.a, CHANGES * np.tril(np.ones((2, 2)))[..., None], FULL.c)
NO_CHANGE = dcm.Spec(FULL.regions, FULL.inputs, FULL.a, 0 * CHANGES, [[1, 0], [0, 0]])
SETTINGS = dcm.Settings(integrator="bilinear", starts=1)
TRUE = {"A[y<-x]": 0.3, "B[y<-x, m]": 0.4, "C[x<-u]": 4.0}


@pytest.fixture(scope="module")
def runs() -> list[dcm.Data]:
    return [
        dcm.simulate(FULL, TRUE, block_inputs(n * 8, 0.25), 0.25, 2.0, snr=2.0, seed=n, integrator="bilinear").data
        for n in (60, 50)
    ]


@pytest.fixture(scope="module")
def subject(runs: list[dcm.Data]) -> dcm.Subject:
    return dcm.Subject("sub-01", FULL, dcm.concatenate_runs(runs))


@pytest.fixture(scope="module")
def full(subject: dcm.Subject) -> dcm.Posterior:
    return dcm.invert(subject, SETTINGS)


def test_a_reduced_model_is_near_to_its_own_inversion(subject: dcm.Subject, full: dcm.Posterior) -> None:
    reduced = reduce_models(full, [ONE_CHANGE]).posterior("1", subject)
    both = [subject, replace(subject, spec=ONE_CHANGE)]  # in one batch with the full model's compiled code
    [(_, own)] = dcm.invert_each(both, SETTINGS, wanted=[1])
    assert isinstance(own, dcm.Posterior)
    assert is_nested(reduced, full)
    assert is_nested(own, replace(full, settings=replace(SETTINGS, starts=3)))  # however the optimum was searched for
    assert check_reduction(reduced, full).difference == pytest.approx(0, abs=1e-9)
    assert reduced.names == own.names
    assert reduced.free_energy == pytest.approx(own.free_energy, abs=0.5)
    assert (np.abs(reduced.mean[reduced.free] - own.mean[own.free]) < 0.5 * own.sd).all()
    assert np.abs(reduced.prediction - own.prediction).max() < 0.1 * np.ptp(own.prediction)
    np.testing.assert_array_equal(reduced.noise_mean, full.noise_mean)
    assert (reduced.reduced_from, own.reduced_from) == ("main", "")


def test_its_series_are_those_at_its_mean(subject: dcm.Subject, full: dcm.Posterior) -> None:
    reduced = reduce_models(full, [ONE_CHANGE]).posterior("1", subject)
    data, _ = subject.data.prepared(False)
    predicted = dcm.predict_series(ONE_CHANGE, reduced.parameters, data, "bilinear") * full.data_scale
    np.testing.assert_allclose(reduced.prediction, predicted, atol=1e-9)
    whole = reduced.prediction + data.confounds @ reduced.confound_effects + reduced.residual
    np.testing.assert_allclose(whole, data.bold, atol=1e-9)


def test_the_full_model_reduces_to_itself(subject: dcm.Subject, full: dcm.Posterior) -> None:
    same = reduce_models(full, [FULL]).posterior("1", subject)
    for field in ("mean", "covariance", "prediction", "residual", "confound_effects"):
        np.testing.assert_allclose(getattr(same, field), getattr(full, field), atol=1e-8)
    assert same.free_energy == pytest.approx(full.free_energy, abs=1e-8)


def test_evidence_is_that_of_the_reduction_of_its_density(subject: dcm.Subject, full: dcm.Posterior) -> None:
    free = full.free
    on = ~np.isin(free, np.setdiff1d(free, dcm.prior(NO_CHANGE).free))
    before = Gaussian(full.prior.mean[free], full.prior.covariance[np.ix_(free, free)])
    narrow = before.covariance * np.outer(on, on)
    expected = reduce(before, Gaussian(full.mean[free], full.covariance), (before.mean * on)[None], narrow[None])
    reduced = reduce_models(full, [NO_CHANGE])
    assert reduced.delta_free_energy == pytest.approx(expected.delta_free_energy, abs=1e-9)


def test_the_group_level_takes_a_model_as_it_takes_an_inversion(subject: dcm.Subject, full: dcm.Posterior) -> None:
    reduced = reduce_models(full, [NO_CHANGE, ONE_CHANGE], ["none", "one"])
    found, own = reduced.estimate("one", "sub-01"), Estimate.from_dcm("sub-01", reduced.posterior("one", subject))
    assert (found.name, found.parameters, found.fields) == (own.name, own.parameters, own.fields)
    assert found.free_energy == own.free_energy == reduced.free_energy[1]
    for field in ("mean", "covariance"):
        np.testing.assert_array_equal(getattr(found.posterior, field), getattr(own.posterior, field))
        np.testing.assert_array_equal(getattr(found.prior, field), getattr(own.prior, field))


def test_the_reduction_of_an_average_is_the_average_of_reductions(runs: list[dcm.Data]) -> None:
    subjects = [dcm.Subject(f"run-{k}", FULL, data) for k, data in enumerate(runs)]
    posteriors = [own for own in dcm.invert_cohort(subjects, SETTINGS) if isinstance(own, dcm.Posterior)]
    average = average_runs(posteriors, subjects, "sub-01")
    each = [
        reduce_models(own, [NO_CHANGE]).posterior("1", subject)
        for own, subject in zip(posteriors, subjects, strict=True)
    ]
    expected, found = (
        average_runs(each, subjects, "sub-01"),
        reduce_models(average, [NO_CHANGE]).estimate("1", "sub-01"),
    )
    np.testing.assert_allclose(found.posterior.mean, expected.mean[expected.free], atol=1e-8)
    np.testing.assert_allclose(found.posterior.covariance, expected.covariance, atol=1e-8)
    assert found.free_energy == pytest.approx(expected.free_energy, abs=1e-6)
    with pytest.raises(ValueError, match="run-0: is an average over runs; reduce each run's posterior"):
        reduce_models(average, [NO_CHANGE]).posterior("1", subjects[0])


def test_a_model_that_is_not_nested_is_refused(subject: dcm.Subject, full: dcm.Posterior) -> None:
    wider = dcm.Spec(FULL.regions, FULL.inputs, FULL.a, CHANGES, [[1, 0], [1, 1]])
    assert missing_parameters(FULL, wider) == ("C[y<-m]",)
    assert missing_parameters(FULL, ONE_CHANGE) == ()
    with pytest.raises(ValueError, match=r"a model \(wider\) with C\[y<-m\], which the full model lacks"):
        reduce_models(full, [wider], ["wider"])
    other = dcm.Spec(["y", "x"], FULL.inputs, FULL.a)
    with pytest.raises(ValueError, match="of the same regions and inputs"):
        reduce_models(full, [other])
    with pytest.raises(ValueError, match="the posterior is of another model"):
        reduce_models(full, [ONE_CHANGE]).posterior("1", replace(subject, spec=ONE_CHANGE))


def test_a_name_is_of_one_model(subject: dcm.Subject, full: dcm.Posterior) -> None:
    with pytest.raises(ValueError, match="2 models and 1 name; give each its own"):
        reduce_models(full, [ONE_CHANGE, NO_CHANGE], ["same", "same"])
    with pytest.raises(ValueError, match="'two' is none of the models: one"):
        reduce_models(full, [ONE_CHANGE], ["one"]).estimate("two", "sub-01")


def test_no_model_is_refused(full: dcm.Posterior) -> None:
    with pytest.raises(ValueError, match="there is no model to reduce"):
        reduce_models(full, [])
