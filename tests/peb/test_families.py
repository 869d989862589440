"""Families of models: priors that do not favour large families, and SPM12's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reduced_groups import linear, linear_group, spm_group

from peb._comparison import Comparison, compare
from peb._families import families

ON = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]])
LABELS = ("with", "with", "with", "without")


@pytest.fixture(scope="module")
def pairs() -> Comparison:
    return compare(linear_group(linear(0)), ON, ("all", "first two", "last", "none"))


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
