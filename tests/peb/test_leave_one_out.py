"""Leave-one-out and k-fold: against a grid, against SPM12, and that nothing of who is left out gets in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import group_models
import numpy as np
import pytest
from scipy.stats import norm, t

from peb import Design, DesignError, Estimate, Gaussian, PebError, PebSettings, fit, make_design
from peb._cross_validation import CrossValidation, draw_folds, k_fold, leave_one_out
from peb._gaussian import precision
from pipeline.matlab import load_mat
from pipeline.spm import read_dcms

EXACT = PebSettings(between="gaussian")
SPM = PebSettings(compat="spm12")
Group = tuple[list[Estimate], Design]


@pytest.fixture(scope="module")
def group() -> Group:
    return group_models.group()


@pytest.fixture(scope="module")
def exact(group: Group) -> CrossValidation:
    return leave_one_out(*group, EXACT, covariate="improvement")


@pytest.fixture(scope="module")
def trial() -> Group:
    """Two arms, and improvement that varies with connectivity in one of them only."""
    rng = np.random.default_rng(5)
    names = [f"sub-{i + 1:02d}" for i in range(14)]
    arm = np.repeat(["drug", "placebo"], 7)
    improvement = rng.normal(size=14)
    design = make_design(names, {"arm": arm, "improvement": improvement}, interactions=[("arm", "improvement")])
    effects = np.array([[0.3, 0.0, 0.1], [0.1, 0.4, 0.0], [0.4, 0.0, -0.3], [-0.4, 0.0, 0.3]])
    truth = design.matrix @ effects + 0.1 * rng.normal(size=(14, 3))
    return [group_models.estimate(name, row, rng, 0.1) for name, row in zip(names, truth, strict=True)], design


def on_a_grid(one: Estimate, loadings: np.ndarray, known: np.ndarray, between: np.ndarray, prior: Gaussian) -> Gaussian:
    """Moments of the unknown covariate by summing over its values; θ̂ is what the data alone say."""
    information = precision(one.posterior.covariance) - precision(one.prior.covariance)
    noise = np.linalg.inv(information)
    data = noise @ (precision(one.posterior.covariance) @ one.posterior.mean)  # the prior mean is 0
    x = np.linspace(-12, 12, 200_001)
    off = data - known - x[:, None] * loadings
    log_density = -0.5 * (off @ np.linalg.inv(noise + between) * off).sum(axis=1) - x_distance(x, prior)
    weight = np.exp(log_density - log_density.max())
    weight /= weight.sum()
    mean = weight @ x
    return Gaussian(np.array([mean]), np.array([[weight @ (x - mean) ** 2]]))


def x_distance(x: np.ndarray, prior: Gaussian) -> np.ndarray:
    return (x - prior.mean[0]) ** 2 / (2 * prior.covariance[0, 0])


def test_exact_estimates_are_those_of_a_fit_to_the_others_and_a_grid(group: Group, exact: CrossValidation) -> None:
    estimates, design = group
    for i in (0, 7):
        others = [name for name in design.participants if name != design.participants[i]]
        found = fit([estimate for estimate in estimates if estimate.name in others], design.rows(others), EXACT)
        values = design.rows(others).matrix[:, 1]
        prior = Gaussian(np.zeros(1), np.array([[4 * values.var(ddof=1)]]))
        expected = on_a_grid(estimates[i], found.mean[:, 1], found.mean[:, 0], found.between, prior)
        assert exact.estimate[i] == pytest.approx(expected.mean[0], abs=1e-5)
        assert exact.variance[i] == pytest.approx(expected.covariance[0, 0], rel=1e-5)


def test_agrees_with_spm12_on_real_participants(shared_data: Path) -> None:
    folder = shared_data / "spm12_visual_language"
    files, errors = read_dcms(sorted((folder / "estimated").glob("*.mat")))
    assert not errors
    reference = load_mat(folder / "peb30.mat")
    estimates = []
    for file in files:
        one, layout = file.estimate, file.spec.layout
        place = one.free
        estimates.append(
            Estimate(
                file.name,
                tuple(file.spec.parameter_names[i] for i in place),
                tuple(layout.field_of(int(i)) for i in place),
                Gaussian(one.prior_mean[place], one.prior_covariance[np.ix_(place, place)]),
                Gaussian(one.mean[place], one.free_covariance),
                one.free_energy,
            )
        )
    design = Design(
        tuple(estimate.name for estimate in estimates),
        ("mean", "LI", "handedness", "sex", "age"),
        reference["PEB_B"]["M"]["X"],
    )
    found = leave_one_out(
        estimates,
        design,
        PebSettings(components="all", max_iterations=64, compat="spm12"),
        covariate="LI",
        parameters=["B[rdF<-rdF, Words]"],
    )
    np.testing.assert_allclose(found.estimate, reference["loo"]["qE"].ravel(), rtol=1e-4)
    np.testing.assert_allclose(found.variance, reference["loo"]["qC"].ravel(), rtol=1e-5)
    np.testing.assert_allclose(found.probability, reference["loo"]["Q"].T, atol=1e-5)
    assert found.correlation == pytest.approx(0.3523, abs=1e-4)


@pytest.mark.parametrize("settings", [EXACT, SPM])
def test_nothing_of_what_is_predicted_gets_into_its_prediction(trial: Group, settings: PebSettings) -> None:
    estimates, design = trial
    before = leave_one_out(estimates, design, settings, covariate="improvement")
    matrix = design.matrix.copy()
    matrix[3, 2] += 2.0
    matrix[3, 3] = matrix[3, 1] * matrix[3, 2]
    after = leave_one_out(estimates, replace(design, matrix=matrix), settings, covariate="improvement")
    assert after.estimate[3] == pytest.approx(before.estimate[3], abs=1e-12)
    assert after.actual[3] == before.actual[3] + 2.0
    assert np.abs(after.estimate - before.estimate).max() > 1e-3  # the others' groups saw it


def test_finds_the_covariate_in_the_arm_where_connectivity_tells_it(trial: Group) -> None:
    found = leave_one_out(*trial, EXACT, covariate="improvement")
    drug = trial[1].matrix[:, 1] < 0
    assert np.corrcoef(found.estimate[drug], found.actual[drug])[0, 1] > 0.9
    assert found.variance[~drug].min() > 3 * found.variance[drug].max()


def test_p_is_that_of_a_positive_correlation(exact: CrossValidation) -> None:
    r, freedom = np.corrcoef(exact.estimate, exact.actual)[0, 1], exact.actual.size - 2
    assert exact.correlation == pytest.approx(r)
    assert exact.p_value == pytest.approx(t.sf(r * np.sqrt(freedom / (1 - r**2)), freedom))


def test_levels_are_weighed_by_the_posterior_less_the_prior(group: Group, exact: CrossValidation) -> None:
    np.testing.assert_array_equal(exact.levels, np.unique(group[1].matrix[:, 1]))
    values = np.delete(exact.actual, 4)
    prior = norm.logpdf(exact.levels, 0.0, 2 * values.std(ddof=1))
    odds = np.exp(norm.logpdf(exact.levels, exact.estimate[4], np.sqrt(exact.variance[4])) - prior)
    np.testing.assert_allclose(exact.probability[4], odds / odds.sum(), rtol=1e-9)
    assert exact.accuracy is None


def test_accuracy_counts_the_arms_that_were_told(trial: Group) -> None:
    found = leave_one_out(*trial, EXACT, covariate="arm[placebo]")
    nearest = found.levels[found.probability.argmax(axis=1)]
    assert found.accuracy == (nearest == found.actual).mean()
    assert found.accuracy > 0.9


def test_as_many_folds_as_participants_is_leave_one_out(group: Group, exact: CrossValidation) -> None:
    found = k_fold(*group, EXACT, covariate="improvement", folds=12, seed=3)
    np.testing.assert_allclose(found.estimate, exact.estimate, rtol=1e-12)
    assert sorted(found.fold) == list(range(12))


def test_a_fold_is_predicted_by_the_group_without_all_of_it(group: Group) -> None:
    estimates, design = group
    before = k_fold(estimates, design, EXACT, covariate="improvement", folds=3, seed=1)
    mates = before.fold == before.fold[0]
    matrix = design.matrix.copy()
    matrix[mates, 1] = matrix[mates, 1][::-1] + 1.0
    after = k_fold(estimates, replace(design, matrix=matrix), EXACT, covariate="improvement", folds=3, seed=1)
    np.testing.assert_allclose(after.estimate[mates], before.estimate[mates], atol=1e-12)
    assert np.abs(after.estimate[~mates] - before.estimate[~mates]).min() > 1e-6


def test_folds_share_out_the_arms_and_follow_the_seed(trial: Group) -> None:
    design = trial[1]
    fold = draw_folds(design, 7, seed=0)
    for k in range(7):
        assert sorted(design.matrix[fold == k, 1]) == [-1.0, 1.0]
    np.testing.assert_array_equal(fold, draw_folds(design, 7, seed=0))
    assert (fold != draw_folds(design, 7, seed=1)).any()


def test_what_cannot_be_predicted_is_refused(trial: Group, group: Group) -> None:
    with pytest.raises(DesignError, match="mean is the same for every participant"):
        leave_one_out(*group, covariate="mean")
    with pytest.raises(DesignError, match="is the product of covariates that are known"):
        leave_one_out(*trial, covariate="arm[placebo]×improvement")
    estimates, design = trial
    spoiled = design.matrix.copy()
    spoiled[0, 3] += 1.0
    with pytest.raises(DesignError, match="not the product of its factors"):
        leave_one_out(estimates, replace(design, matrix=spoiled), covariate="improvement")


def test_a_fold_whose_group_cannot_be_told_apart_is_named(group: Group) -> None:
    estimates, design = group
    only = np.zeros(12)
    only[4] = 1.0
    matrix = np.column_stack([design.matrix, only])
    wider = Design(design.participants, (*design.covariates, "site"), matrix)
    with pytest.raises(DesignError, match="without sub-05: site is 0 for every participant"):
        leave_one_out(estimates, wider, EXACT, covariate="improvement")


@pytest.mark.parametrize("folds", [1, 13])
def test_folds_that_cannot_be_are_refused(group: Group, folds: int) -> None:
    with pytest.raises(PebError, match=f"12 participants make 2 to 12 folds, not {folds}"):
        k_fold(*group, covariate="improvement", folds=folds)
