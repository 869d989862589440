"""One DCM a run and their Bayesian average, beside one DCM of all runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_models import block_inputs

import dcm
from peb import Estimate, average_runs, average_visits

SPEC = dcm.Spec(["x"], ["task"], np.ones((1, 1)), c=[[1]])
SETTINGS = dcm.Settings(integrator="bilinear", starts=1)
TRUE = {"C[x<-task]": 6.0}


@pytest.fixture(scope="module")
def runs() -> tuple[list[dcm.Subject], list[dcm.Posterior]]:
    made = [
        dcm.simulate(SPEC, TRUE, block_inputs(n * 16, 0.125, 1), 0.125, 2.0, snr=1.5, seed=n, integrator="bilinear")
        for n in (80, 70)
    ]
    subjects = [dcm.Subject(f"run-{k}", SPEC, run.data) for k, run in enumerate(made)]
    return subjects, posteriors_of(subjects)


def posteriors_of(subjects: list[dcm.Subject]) -> list[dcm.Posterior]:
    """Of both runs in one batch, whose code is compiled once."""
    found = dcm.invert_cohort(subjects, SETTINGS)
    assert all(isinstance(own, dcm.Posterior) for own in found)
    return found  # type: ignore[return-value]  # none failed


def test_the_average_is_that_of_the_densities(runs: tuple[list[dcm.Subject], list[dcm.Posterior]]) -> None:
    subjects, posteriors = runs
    found = average_runs(posteriors, subjects, "sub-01")
    expected = average_visits([Estimate.from_dcm("run", own) for own in posteriors], "sub-01")
    np.testing.assert_array_equal(found.mean[found.free], expected.posterior.mean)
    np.testing.assert_array_equal(found.covariance, expected.posterior.covariance)
    assert found.free_energy == expected.free_energy
    assert found.averaged_runs == 2
    assert found.run_starts == (0, 80)


def test_it_is_near_to_one_model_of_all_runs(runs: tuple[list[dcm.Subject], list[dcm.Posterior]]) -> None:
    """Whose noise is the same in both, as it is here."""
    subjects, posteriors = runs
    found = average_runs(posteriors, subjects, "sub-01")
    one = dcm.invert(dcm.Subject("x", SPEC, dcm.concatenate_runs([own.data for own in subjects])), SETTINGS)
    assert (np.abs(found.mean - one.mean)[one.free] < one.sd).all()
    np.testing.assert_allclose(found.prediction, one.prediction, atol=0.2 * np.ptp(one.prediction))
    np.testing.assert_allclose(found.noise_mean, one.noise_mean, atol=0.3)


def test_its_series_are_those_of_every_run_in_one_unit(runs: tuple[list[dcm.Subject], list[dcm.Posterior]]) -> None:
    """The second run's series are ten times as large, and were scaled down more."""
    subjects, _ = runs
    louder = replace(subjects[1].data, bold=10 * subjects[1].data.bold)
    both = [subjects[0], replace(subjects[1], data=louder)]
    found = average_runs(posteriors_of(both), both, "sub-01")
    parts = [own.data.bold - own.data.bold.mean(axis=0) for own in both]
    constants = np.repeat(np.eye(2), (80, 70), axis=0)
    whole = found.prediction + found.residual + constants @ found.confound_effects
    np.testing.assert_allclose(whole, found.data_scale * np.concatenate(parts), atol=1e-9)


def test_runs_of_another_model_are_refused(runs: tuple[list[dcm.Subject], list[dcm.Posterior]]) -> None:
    subjects, posteriors = runs
    other = replace(posteriors[1], settings=dcm.Settings(starts=1))
    with pytest.raises(ValueError, match="sub-01: runs were inverted with different models or settings"):
        average_runs([posteriors[0], other], subjects, "sub-01")
    with pytest.raises(ValueError, match="2 posteriors are of 1 runs"):
        average_runs(posteriors, subjects[:1], "sub-01")
    assert average_runs(posteriors[:1], subjects[:1], "sub-01") is posteriors[0]
