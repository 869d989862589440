"""The model average against sampling, and parameters that some or all models lack."""

from __future__ import annotations

import numpy as np
import pytest
from reduced_groups import linear, linear_group

from peb import Gaussian, reduce, switched
from peb._average import average, average_of_switches
from peb._switches import evidence_of_switches

ON = np.array([[1, 1, 0, 1, 0, 1], [1, 0, 0, 1, 1, 1], [1, 1, 0, 0, 0, 1]], dtype=bool)


def densities() -> tuple[list[Gaussian], np.ndarray]:
    model = linear(0)
    found = reduce(model.prior, model.posterior(model.prior), *switched(model.prior, ON))
    return [found.posterior(i) for i in range(3)], np.log([0.5, 0.3, 0.2])


def test_moments_are_those_of_draws_from_the_mixture() -> None:
    models, log_p = densities()
    rng = np.random.default_rng(1)
    draws = np.concatenate(
        [
            rng.multivariate_normal(m.mean, m.covariance, int(4e5 * p))
            for m, p in zip(models, np.exp(log_p), strict=True)
        ]
    )
    found = average(models, log_p)
    np.testing.assert_allclose(found.mean, draws.mean(axis=0), atol=5e-3)
    np.testing.assert_allclose(found.covariance, np.cov(draws.T), atol=5e-3)


def test_a_parameter_off_in_every_model_is_off_in_the_average() -> None:
    found = average(*densities())
    assert found.mean[2] == 0
    assert not found.covariance[2].any()
    assert set(found.free) == {0, 1, 3, 4, 5}


def test_one_model_is_its_own_average() -> None:
    models, _ = densities()
    found = average(models[:1], np.array([-1234.5]))
    np.testing.assert_array_equal(found.mean, models[0].mean)
    np.testing.assert_array_equal(found.covariance, models[0].covariance)


def test_models_outside_the_window_do_not_count() -> None:
    models, _ = densities()
    free_energy = np.array([0.0, -1.0, -8.1])
    within, all_of_them = average(models, free_energy), average(models, free_energy, window=9.0)
    np.testing.assert_array_equal(within.mean, average(models[:2], free_energy[:2]).mean)
    assert np.abs(within.mean - all_of_them.mean).max() > 1e-6
    np.testing.assert_array_equal(average(models, free_energy, window=0.0).mean, models[0].mean)


def test_only_differences_of_free_energy_matter() -> None:
    models, log_p = densities()
    np.testing.assert_allclose(average(models, log_p - 1e5).mean, average(models, log_p).mean, atol=1e-9)


def test_a_large_common_mean_costs_no_precision() -> None:
    two = [Gaussian(np.array([1e6 + shift]), np.array([[1e-4]])) for shift in (0.0, 0.02)]
    assert average(two, np.zeros(2)).covariance[0, 0] == pytest.approx(1e-4 + 0.01**2, rel=1e-6)


def test_the_average_of_reductions_in_batches_is_the_average(monkeypatch: pytest.MonkeyPatch) -> None:
    group = linear_group(linear(0))
    free_energy = evidence_of_switches(group.prior, group.posterior, ON)
    found = reduce(group.prior, group.posterior, *switched(group.prior, ON))
    expected = average([found.posterior(i) for i in range(3)], free_energy, window=50.0)
    monkeypatch.setattr("peb._average.BYTES_AT_ONCE", 8 * 36 * 2)
    got = average_of_switches(group, ON, free_energy, 50.0)
    np.testing.assert_allclose(got.mean, expected.mean, atol=1e-12)
    np.testing.assert_allclose(got.covariance, expected.covariance, atol=1e-12)


def test_what_cannot_be_averaged_is_refused() -> None:
    models, log_p = densities()
    with pytest.raises(ValueError, match="3 densities need as many free energies"):
        average(models, log_p[:2])
    with pytest.raises(ValueError, match="there is no model to average"):
        average([], np.zeros(0))
    with pytest.raises(ValueError, match="free energy of model 2 is not finite"):
        average(models, np.array([0.0, np.nan, 0.0]))
    with pytest.raises(ValueError, match="window must be 0 nats or more"):
        average(models, log_p, window=-1.0)
    with pytest.raises(ValueError, match="models of the same parameters"):
        average([models[0], models[1].marginal(np.arange(3)), models[2]], log_p)
