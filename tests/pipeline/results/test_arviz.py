"""Posteriors open in ArviZ: names, moments, reproducible draws."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_up_posterior import posterior_at

from dcm import ChainSettings, Posterior, PosteriorDraws, Prior, Spec, Status, prior
from pipeline.results import posterior_dataset, to_arviz

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)
    import arviz


@pytest.fixture
def posterior() -> Posterior:
    rng = np.random.default_rng(0)
    b = np.zeros((2, 2, 2))
    b[1, 0, 1] = 1
    spec = Spec(("a, b", "x<-y"), ("task", "faces"), np.ones((2, 2)), b, np.eye(2))
    base = prior(spec)
    half = rng.normal(size=(base.free.size,) * 2) / 8
    return posterior_at(
        spec,
        np.where(np.isin(np.arange(base.mean.size), base.free), rng.normal(size=base.mean.size), base.mean),
        half @ half.T,
        prior=Prior(base.mean, base.covariance),
        noise_mean=np.array([2.0, 4.0]),
        prediction=rng.normal(size=(30, 2)),
        residual=rng.normal(size=(30, 2)),
    )


def test_summary_has_every_free_parameter_by_name(posterior: Posterior) -> None:
    summary: Any = arviz.summary(to_arviz(posterior), round_to="none")
    assert set(summary.index) == set(posterior.names)
    for name, mean, variance in zip(
        posterior.names, posterior.mean[posterior.free], np.diag(posterior.covariance), strict=True
    ):
        assert abs(summary.loc[name, "mean"] - mean) < 5 * np.sqrt(variance / 1000)
        assert summary.loc[name, "sd"] == pytest.approx(np.sqrt(variance), rel=0.15)


def test_draws_have_the_joint_moments_of_posterior_and_prior(posterior: Posterior) -> None:
    trees = to_arviz(posterior, draws=40000)
    free = posterior.free
    for group, covariance in (("posterior", posterior.covariance), ("prior", posterior.prior.covariance)):
        columns = [
            np.asarray(array.values, dtype=float).reshape(40000, -1) for array in trees[group].data_vars.values()
        ]
        full = covariance if group == "posterior" else covariance[np.ix_(free, free)]
        scale = np.sqrt(np.outer(np.diag(full), np.diag(full)))
        assert np.abs((np.cov(np.hstack(columns).T) - full) / scale).max() < 0.05


def test_connections_are_found_by_label(posterior: Posterior) -> None:
    b = to_arviz(posterior)["posterior"]["B"]
    assert b.sel(B_of="x<-y<-a, b, faces").shape == (4, 250)
    assert list(b.coords) == ["chain", "draw", "B_of"]  # ArviZ 1's summary fails on any other


def test_data_and_prediction_share_a_name(posterior: Posterior) -> None:
    trees = to_arviz(posterior, draws=4000)
    predicted, observed = trees["posterior_predictive"]["bold"], trees["observed_data"]["bold"]
    assert predicted.dims == ("chain", "draw", *observed.dims)
    np.testing.assert_array_equal(observed, posterior.prediction + posterior.residual)
    np.testing.assert_allclose(predicted.std(("chain", "draw", "scan")).sel(region="x<-y") > 0, True)
    residual = predicted - trees["constant_data"]["prediction"]
    np.testing.assert_allclose(residual.std(("chain", "draw", "scan")), np.exp([-1.0, -2.0]), rtol=0.02)


def test_predicted_series_are_correlated_from_scan_to_scan_as_the_noise_is(posterior: Posterior) -> None:
    trees = to_arviz(replace(posterior, autocorrelation=np.array([0.8, -0.3])), draws=4000)
    noise = np.asarray(trees["posterior_predictive"]["bold"] - trees["constant_data"]["prediction"]).reshape(-1, 30, 2)
    later, earlier = noise[:, 1:], noise[:, :-1]
    np.testing.assert_allclose(
        (later * earlier).mean(axis=(0, 1)) / (noise**2).mean(axis=(0, 1)), [0.8, -0.3], atol=0.02
    )
    first = np.exp([-1.0, -2.0]) / np.sqrt(1 - np.array([0.8, -0.3]) ** 2)
    np.testing.assert_allclose(noise[:, 0].std(axis=0), first, rtol=0.05)


def test_a_dataset_gives_what_its_posterior_gives_and_seeds_decide(posterior: Posterior) -> None:
    one = to_arviz(posterior, seed=1)["posterior"]
    assert one.equals(to_arviz(posterior_dataset(posterior, name="x", attrs={}), seed=1)["posterior"])
    assert not one.equals(to_arviz(posterior, seed=2)["posterior"])


@pytest.mark.parametrize("draws", [0, 3, 1001])
def test_draws_must_fill_the_chains(posterior: Posterior, draws: int) -> None:
    with pytest.raises(ValueError, match=f"multiple of 4 .* not {draws}"):
        to_arviz(posterior, draws=draws)


def test_draws_of_a_sampler_keep_their_chains(posterior: Posterior) -> None:
    values = np.random.default_rng(1).normal(size=(2, 30, posterior.free.size))
    noise = np.zeros((2, 30, 2))
    drawn = PosteriorDraws(
        posterior.names,
        values,
        noise,
        noise,
        np.ones(values.shape[2]),
        np.ones(values.shape[2]),
        1.0,
        0,
        0,
        ChainSettings(),
    )
    summary: Any = arviz.summary(to_arviz(drawn), round_to="none")
    assert list(summary["mean"][list(posterior.names)]) == pytest.approx(list(values.mean(axis=(0, 1))))


@pytest.mark.parametrize("draws", ["8", 4.0, None])
def test_a_number_of_draws_that_is_none_is_named(posterior: Posterior, draws: Any) -> None:
    with pytest.raises(ValueError, match="positive multiple of 4"):
        to_arviz(posterior, draws)


def test_a_failed_inversion_has_nothing_to_draw_from(posterior: Posterior) -> None:
    with pytest.raises(ValueError, match="no posterior to draw from: the inversion failed"):
        to_arviz(replace(posterior, status=Status.NOT_FINITE))
