"""Named models compared: against closed-form evidence, and against SPM12's 28 × 28 models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reduced_groups import linear, linear_group, spm_group

from peb import Gaussian
from peb._comparison import Comparison, compare, every_combination
from peb._families import families

MODELS = ("all", "first two", "last", "none")
ON = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]])


@pytest.fixture(scope="module")
def pairs() -> Comparison:
    return compare(linear_group(linear(0)), ON, MODELS)


def test_every_pair_has_its_exact_evidence(pairs: Comparison) -> None:
    model = linear(0)
    for i, first in enumerate(ON):
        for j, second in enumerate(ON):
            k = np.concatenate([first, second])
            reduced = Gaussian(k * model.prior.mean, model.prior.covariance * np.outer(k, k))
            exact = model.log_evidence(reduced) - model.log_evidence(model.prior)
            assert pairs.free_energy[i, j] == pytest.approx(exact, abs=1e-8)


def test_the_full_model_is_the_zero_of_free_energy(pairs: Comparison) -> None:
    assert abs(pairs.free_energy[0, 0]) < 1e-10
    assert pairs.probability.sum() == pytest.approx(1.0, abs=1e-12)


def test_one_covariate_leaves_the_effects_of_the_others(pairs: Comparison) -> None:
    group = linear_group(linear(0))
    np.testing.assert_allclose(
        compare(group, ON, MODELS, covariates=["mean"]).free_energy, pairs.free_energy[:, 0], atol=1e-10
    )
    np.testing.assert_allclose(
        compare(group, ON, MODELS, covariates=["age"]).free_energy, pairs.free_energy[0], atol=1e-10
    )


def test_axes_follow_the_covariates_asked_for(pairs: Comparison) -> None:
    turned = compare(linear_group(linear(0)), ON, MODELS, covariates=["age", "mean"])
    np.testing.assert_allclose(turned.free_energy, pairs.free_energy.T, atol=1e-10)
    np.testing.assert_allclose(turned.model_probability("age"), pairs.model_probability("age"), atol=1e-12)


def test_a_design_of_one_column_has_one_axis() -> None:
    found = compare(linear_group(linear(1), ("mean",)), np.ones((1, 6)), ["all"])
    assert (found.covariates, found.free_energy.shape) == (("mean",), (1,))


def test_three_covariates_have_three_axes() -> None:
    found = compare(
        linear_group(linear(1), ("mean", "age", "dose")), np.eye(2), ["a", "b"], covariates=["mean", "age", "dose"]
    )
    assert found.free_energy.shape == (2, 2, 2)
    assert found.model_probability("dose") == pytest.approx(found.probability.sum(axis=(0, 1)))


def test_parameter_probability_weighs_with_against_without_alike() -> None:
    """Two models with a parameter and one without: where all fit alike, it is as likely there as not."""
    comparison = compare(linear_group(linear(0)), ON[:3], MODELS[:3], covariates=["mean"])
    p = comparison.model_probability("mean")
    by_hand = (p[0] + p[1]) / 2 / ((p[0] + p[1]) / 2 + p[2])
    assert comparison.parameter_probability("mean")[0] == pytest.approx(by_hand)


def test_a_parameter_of_every_model_is_sure_and_of_none_is_not() -> None:
    found = compare(linear_group(linear(0)), [[1, 0, 1], [1, 0, 0]], ["a", "b"])
    np.testing.assert_array_equal(found.parameter_probability("age")[:2], [1.0, 0.0])


def test_models_that_lack_a_planted_effect_are_ruled_out() -> None:
    true = np.array([1.5, -1.5, 0.0, 0.0, 0.0, 1.5])
    found = compare(linear_group(linear(2, scans=200, true=true, mean=0.0)), ON, MODELS)
    have_it = found.probability[np.ix_([0, 1], [0, 2])]  # the mean's first two effects, and age's last
    assert have_it.sum() == pytest.approx(1.0, abs=1e-9)
    assert found.probability[1, 2] == found.probability.max()  # with nothing else
    np.testing.assert_allclose(found.average.mean, true, atol=0.2)


def test_every_combination_is_there_once() -> None:
    found = every_combination(4)
    assert found.shape == (16, 4)
    assert len({tuple(row) for row in found.tolist()}) == 16
    assert not found[0].any()
    assert found[-1].all()
    assert every_combination(0).shape == (1, 0)


def test_what_cannot_be_compared_is_refused() -> None:
    group = linear_group(linear(0))
    with pytest.raises(ValueError, match=r"4 models of 3 parameters need switches \(4, 3\), not \(4, 2\)"):
        compare(group, ON[:, :2], MODELS)
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        compare(group, ON * 0.5, MODELS)
    with pytest.raises(ValueError, match="the model a is there twice"):
        compare(group, ON[:2], ["a", "a"])
    with pytest.raises(ValueError, match="the design has no covariate 'dose'"):
        compare(group, ON, MODELS, covariates=["dose"])
    with pytest.raises(ValueError, match="different covariates, not for mean, mean"):
        compare(group, ON, MODELS, covariates=["mean", "mean"])
    with pytest.raises(ValueError, match="models were not compared for 'age', but for mean"):
        compare(group, ON, MODELS, covariates=["mean"]).model_probability("age")


def test_too_many_combinations_are_refused_before_they_are_scored() -> None:
    group = linear_group(linear(0), ("mean", "age", "dose"))
    with pytest.raises(ValueError, match="100 models for each of 3 covariates are 1,000,000 combinations"):
        compare(group, np.ones((100, 2)), [f"m{i}" for i in range(100)], covariates=["mean", "age", "dose"])
    with pytest.raises(ValueError, match="18 parameters are too many to list"):
        every_combination(18)


@pytest.fixture(scope="module")
def spm(shared_data: Path) -> tuple[Comparison, dict[str, np.ndarray]]:
    group, stored = spm_group(shared_data)
    reference = stored["bmc"]
    return compare(group, reference["K"], [f"m{i}" for i in range(28)]), reference


def test_free_energies_scatter_about_ours_as_rounding_of_spm12s_log_determinant(
    spm: tuple[Comparison, dict[str, np.ndarray]],
) -> None:
    """SPM12's F of a pair is off by up to 0.32 nats, but without bias and not where its product is well conditioned."""
    found, reference = spm
    off = found.free_energy - reference["F"]
    assert np.abs(off).max() < 0.35
    assert np.abs(off).std() < 0.05
    assert abs(np.median(off)) < 2e-3
    assert np.abs(off[:, 0]).max() < 1e-4  # the second covariate's effects all there


def test_probabilities_are_spm12s(spm: tuple[Comparison, dict[str, np.ndarray]]) -> None:
    found, reference = spm
    np.testing.assert_allclose(found.probability, reference["P"], atol=0.005)
    np.testing.assert_allclose(found.parameter_probability("mean"), reference["Pw"], atol=0.005)
    np.testing.assert_allclose(found.parameter_probability("LI"), reference["Px"], atol=0.01)


def test_the_average_is_spm12s_within_its_sampling_error(spm: tuple[Comparison, dict[str, np.ndarray]]) -> None:
    found, reference = spm
    seen = np.array([name not in found.unseen for name in found.effects])
    off = (found.average.mean - reference["Ep"])[seen]
    error = found.average.covariance[np.ix_(seen, seen)] / 1000  # of a mean of 1,000 draws
    assert off @ np.linalg.solve(error, off) < 51.2  # the 99.9 % point of χ² with 24 degrees of freedom
    ratio = reference["Cp"][seen] / found.average.sd[seen] ** 2
    assert np.median(np.abs(ratio - 1)) < 2 * np.sqrt(2 / 1000)
    assert not reference["Ep"][~seen].any()
    assert not found.average.mean[~seen].any()


def test_covariates_that_spm12_does_not_see_are_refused(shared_data: Path) -> None:
    group, stored = spm_group(shared_data)
    with pytest.raises(ValueError, match="do not see the effects of handedness"):
        compare(group, stored["bmc"]["K"], [f"m{i}" for i in range(28)], covariates=["handedness"])


LABELS = ("with", "with", "with", "without")


def test_the_prior_is_even_over_families_and_within_them(pairs: Comparison) -> None:
    found = families(pairs, LABELS)
    one = np.array([1 / 6, 1 / 6, 1 / 6, 1 / 2])
    np.testing.assert_allclose(found.model_prior, np.outer(one, one))
    np.testing.assert_allclose(found.family_prior, np.full((2, 2), 0.25))


def test_probabilities_are_the_slow_sums(pairs: Comparison) -> None:
    found = families(pairs, LABELS)
    weight = np.exp(pairs.free_energy) * found.model_prior
    weight /= weight.sum()
    np.testing.assert_allclose(found.model_probability, weight, atol=1e-12)
    assert found.family_probability[0, 1] == pytest.approx(weight[:3, 3].sum())
    assert found.family_probability[1, 0] == pytest.approx(weight[3, :3].sum())
    assert found.of_families("mean")["without"] == pytest.approx(weight[3].sum())
    np.testing.assert_allclose(found.of_models("age"), weight.sum(axis=0))


def test_families_of_one_model_each_are_the_comparison_itself(pairs: Comparison) -> None:
    found = families(pairs, ("a", "b", "c", "d"))
    np.testing.assert_allclose(found.family_probability, pairs.probability, atol=1e-12)


def test_one_family_is_certain(pairs: Comparison) -> None:
    found = families(pairs, ["all"] * 4)
    assert found.family_probability == pytest.approx(np.ones((1, 1)))
    np.testing.assert_allclose(found.model_probability, pairs.probability, atol=1e-12)


def test_families_may_differ_between_covariates(pairs: Comparison) -> None:
    found = families(pairs, {"age": ("a", "b", "c", "a"), "mean": LABELS})
    assert found.names == (("with", "without"), ("a", "b", "c"))
    assert found.family_probability.shape == (2, 3)
    assert found.family_prior == pytest.approx(np.full((2, 3), 1 / 6))


def test_labels_that_do_not_fit_are_refused(pairs: Comparison) -> None:
    with pytest.raises(ValueError, match="3 family labels for mean, but 4 models"):
        families(pairs, LABELS[:3])
    with pytest.raises(ValueError, match="families are given for mean, but models were compared for mean, age"):
        families(pairs, {"mean": LABELS})


@pytest.mark.parametrize("name", ["task", "dv", "lr"])
def test_families_are_spm12s(shared_data: Path, name: str) -> None:
    group, stored = spm_group(shared_data)
    reference = stored[f"fam_{name}"]
    comparison = compare(group, stored["bmc"]["K"], [f"m{i}" for i in range(28)])
    found = families(comparison, [str(int(label)) for label in reference["famdef"]])
    np.testing.assert_allclose(found.family_probability, reference["family"]["post"], atol=0.005)
    np.testing.assert_allclose(found.family_prior.sum(axis=1), reference["family"]["prior"], atol=1e-12)
    np.testing.assert_allclose(found.model_prior, reference["model"]["prior"], atol=1e-12)
    np.testing.assert_allclose(found.model_probability, reference["model"]["post"], atol=0.005)
    np.testing.assert_allclose(found.of_models("mean"), reference["model"]["Pw"], atol=0.005)
    np.testing.assert_allclose(found.of_models("LI"), reference["model"]["Px"], atol=0.005)
