"""Participants computed all at once, against one at a time and in any order."""

from __future__ import annotations

from dataclasses import replace

import group_models
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from peb import Design, Estimate, Gaussian, PebSettings, fit
from peb._estimate_stack import stack_estimates, under_group
from peb._prepare_group import make_components
from peb._settings import Components


def wider(one: Estimate) -> Estimate:
    """The same with a parameter more, in front, that the data hardly tell, and one that is fixed."""
    size = len(one.parameters) + 2
    own = np.arange(1, size - 1)

    def grown(density: Gaussian, variance: float) -> Gaussian:
        mean, covariance = np.full(size, 0.3), np.zeros((size, size))
        mean[own], covariance[np.ix_(own, own)], covariance[0, 0] = density.mean, density.covariance, variance
        return Gaussian(mean, covariance)

    names = ("C[x]", *one.parameters, "D[x]")
    return Estimate(
        one.name, names, ("C", *one.fields, "D"), grown(one.prior, 1.0), grown(one.posterior, 0.9), one.free_energy
    )


def test_participants_under_a_group_are_those_reduced_one_by_one() -> None:
    estimates, _ = group_models.group(4)
    estimates[1] = wider(estimates[1])
    estimates[3] = wider(estimates[3])
    rng = np.random.default_rng(0)
    means, between = rng.normal(size=(4, 2)), group_models.covariance(2, 0.3, rng)
    between = (between + between.T) / 2
    found = under_group(estimates, ("A[x<-y]", "B[y<-x, drug]"), means, between)
    for estimate, together, mean in zip(estimates, found, means, strict=True):
        places = np.array([estimate.parameters.index(name) for name in ("A[x<-y]", "B[y<-x, drug]")])
        expected, covariance = estimate.prior.mean.copy(), estimate.prior.covariance.copy()
        covariance[places] = covariance[:, places] = 0.0
        expected[places], covariance[np.ix_(places, places)] = mean, between
        alone = estimate.under(Gaussian(expected, covariance))
        assert together.name == estimate.name
        np.testing.assert_array_equal(together.prior.covariance, alone.prior.covariance)
        np.testing.assert_allclose(together.posterior.mean, alone.posterior.mean, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(together.posterior.covariance, alone.posterior.covariance, rtol=1e-11, atol=1e-13)
        assert together.free_energy == pytest.approx(alone.free_energy, abs=1e-10)


@pytest.mark.parametrize("compat", ["spm12", "none"])
def test_the_order_of_participants_changes_nothing_but_rounding(compat: str) -> None:
    estimates, design = group_models.group()
    settings = PebSettings(components="fields", compat=compat, between="gaussian")  # type: ignore[arg-type]  # a str stands for one of its words
    first, again = fit(estimates, design, settings), fit(estimates, design, settings)
    assert first.posterior.mean.tobytes() == again.posterior.mean.tobytes()
    backwards = Design(design.participants[::-1], design.covariates, design.matrix[::-1])
    other = fit(estimates, backwards, settings)
    assert other.iterations == first.iterations
    assert other.free_energy == pytest.approx(first.free_energy, abs=1e-9)
    np.testing.assert_allclose(other.posterior.mean, first.posterior.mean, rtol=1e-9, atol=1e-10)
    assert other.participants[0].name == first.participants[-1].name


@pytest.mark.parametrize(
    "choice", ["single", "fields", "all", "none", np.array([np.ones((3, 3)), np.diag([2.0, 0, 0])])]
)
def test_factors_of_components_multiply_to_the_components(choice: Components) -> None:
    estimates, _ = group_models.group(2)
    expected = np.array([[16.0, 4.0, 1.0], [4.0, 20.0, 0.5], [1.0, 0.5, 8.0]])
    found = make_components(choice, stack_estimates(estimates, None), expected)
    made = np.einsum("pr,qr,rj->jpq", found.root, found.root, found.membership)
    np.testing.assert_allclose(made, found.matrices, atol=1e-13)


def test_participants_with_the_same_parameters_in_another_order_are_refused() -> None:
    estimates, _ = group_models.group(3)
    odd = replace(estimates[2], parameters=estimates[2].parameters[::-1])
    with pytest.raises(ValueError, match="sub-03 and sub-01 differ in their order"):
        stack_estimates([*estimates[:2], odd], None)


def test_threads_of_blas_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def prepare(*_: object) -> None:
        seen.append(blas_threads())
        raise RuntimeError("enough")

    monkeypatch.setattr("peb._fit.prepare_mixture", prepare)
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with pytest.raises(RuntimeError, match="enough"):
            fit(*group_models.group(2))
        assert blas_threads() == before
    assert set(seen[0]) == {1}


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
