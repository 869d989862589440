"""Many models from the inversion of the full one: each is what its own inversion gives, nearly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_models import block_inputs

import dcm
from peb import Gaussian, check_reduction, is_nested, missing_parameters, reduce, reduce_models

BETWEEN = 1 - np.eye(2)
CHANGES = np.stack([0 * BETWEEN, BETWEEN], axis=-1)
FULL = dcm.Spec(["x", "y"], ["u", "m"], np.ones((2, 2)), CHANGES, [[1, 0], [1, 0]])
ONE_CHANGE = dcm.Spec(FULL.regions, FULL.inputs, FULL.a, CHANGES * np.tril(np.ones((2, 2)))[..., None], FULL.c)
NO_CHANGE = dcm.Spec(FULL.regions, FULL.inputs, FULL.a, 0 * CHANGES, [[1, 0], [0, 0]])
SETTINGS = dcm.Settings(integrator="bilinear", starts=1)
TRUE = {"A[y<-x]": 0.3, "B[y<-x, m]": 0.4, "C[x<-u]": 4.0}


@pytest.fixture(scope="module")
def subject() -> dcm.Subject:
    runs = [
        dcm.simulate(FULL, TRUE, block_inputs(n * 8, 0.25), 0.25, 2.0, snr=2.0, seed=n, integrator="bilinear").data
        for n in (60, 50)
    ]
    return dcm.Subject("sub-01", FULL, dcm.concatenate_runs(runs))


@pytest.fixture(scope="module")
def full(subject: dcm.Subject) -> dcm.Posterior:
    return dcm.invert(subject, SETTINGS)


def test_a_reduced_model_is_near_to_its_own_inversion(subject: dcm.Subject, full: dcm.Posterior) -> None:
    [reduced] = reduce_models(full, [ONE_CHANGE], subject)
    own = dcm.invert(replace(subject, spec=ONE_CHANGE), SETTINGS)
    assert is_nested(reduced, full)
    assert check_reduction(reduced, full).difference == pytest.approx(0, abs=1e-9)
    assert reduced.names == own.names
    assert reduced.free_energy == pytest.approx(own.free_energy, abs=0.5)
    assert (np.abs(reduced.mean[reduced.free] - own.mean[own.free]) < 0.5 * own.sd).all()
    assert np.abs(reduced.prediction - own.prediction).max() < 0.1 * np.ptp(own.prediction)
    np.testing.assert_array_equal(reduced.noise_mean, full.noise_mean)
    assert (reduced.reduced_from, own.reduced_from) == ("main", "")


def test_its_series_are_those_at_its_mean(subject: dcm.Subject, full: dcm.Posterior) -> None:
    [reduced] = reduce_models(full, [ONE_CHANGE], subject)
    data, _ = subject.data.prepared(False)
    predicted = dcm.predict_series(ONE_CHANGE, reduced.parameters, data, "bilinear") * full.data_scale
    np.testing.assert_allclose(reduced.prediction, predicted, atol=1e-9)
    whole = reduced.prediction + data.confounds @ reduced.confound_effects + reduced.residual
    np.testing.assert_allclose(whole, data.bold, atol=1e-9)


def test_the_full_model_reduces_to_itself(subject: dcm.Subject, full: dcm.Posterior) -> None:
    [same] = reduce_models(full, [FULL], subject)
    for field in ("mean", "covariance", "prediction", "residual", "confound_effects"):
        np.testing.assert_allclose(getattr(same, field), getattr(full, field), atol=1e-8)
    assert same.free_energy == pytest.approx(full.free_energy, abs=1e-8)


def test_evidence_is_that_of_the_reduction_of_its_density(subject: dcm.Subject, full: dcm.Posterior) -> None:
    free = full.free
    on = ~np.isin(free, np.setdiff1d(free, dcm.prior(NO_CHANGE).free))
    before = Gaussian(full.prior.mean[free], full.prior.covariance[np.ix_(free, free)])
    narrow = before.covariance * np.outer(on, on)
    expected = reduce(before, Gaussian(full.mean[free], full.covariance), (before.mean * on)[None], narrow[None])
    [reduced] = reduce_models(full, [NO_CHANGE], subject)
    assert reduced.free_energy - full.free_energy == pytest.approx(float(expected.delta_free_energy[0]), abs=1e-9)


def test_a_model_that_is_not_nested_is_refused(subject: dcm.Subject, full: dcm.Posterior) -> None:
    wider = dcm.Spec(FULL.regions, FULL.inputs, FULL.a, CHANGES, [[1, 0], [1, 1]])
    assert missing_parameters(FULL, wider) == ("C[y<-m]",)
    assert missing_parameters(FULL, ONE_CHANGE) == ()
    with pytest.raises(ValueError, match=r"sub-01: a model with C\[y<-m\], which the full model lacks"):
        reduce_models(full, [wider], subject)
    other = dcm.Spec(["y", "x"], FULL.inputs, FULL.a)
    with pytest.raises(ValueError, match="of the same regions and inputs"):
        reduce_models(full, [other], subject)
    with pytest.raises(ValueError, match="the posterior is of another model"):
        reduce_models(full, [ONE_CHANGE], replace(subject, spec=ONE_CHANGE))


def test_no_models_are_no_posteriors(subject: dcm.Subject, full: dcm.Posterior) -> None:
    assert reduce_models(full, [], subject) == []
