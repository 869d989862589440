"""Selection over participants: closed forms, the exact evidence of small groups, sampling, and known behaviour."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_posterior import made_up_posterior
from scipy.special import betainc, gammaln, logsumexp

from dcm import Failure
from peb._model_selection import dirichlet_exceedance, fixed_effects, random_effects


def test_fixed_effects_multiply_evidences() -> None:
    F = np.array([[0.0, 1.0, 0.0], [-1000.0, -1000.5, -1003.0]])
    expected = np.exp([0.0, 0.5, -3.0]) / np.exp([0.0, 0.5, -3.0]).sum()
    np.testing.assert_allclose(fixed_effects(F), expected)


def test_exceedance_of_two_is_a_beta_integral() -> None:
    for a, b in ((1.0, 1.0), (2.5, 7.0), (300.0, 290.0), (1.0, 5000.0)):
        found = dirichlet_exceedance(np.array([a, b]))
        assert found[0] == pytest.approx(betainc(b, a, 0.5), abs=1e-10)


def test_exceedance_is_that_of_draws() -> None:
    alpha = np.array([3.2, 1.0, 6.5, 5.9])
    draws = np.random.default_rng(0).dirichlet(alpha, 400_000)
    sampled = np.bincount(draws.argmax(axis=1), minlength=4) / 400_000
    np.testing.assert_allclose(dirichlet_exceedance(alpha), sampled, atol=0.003)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1.0, 2000.0), min_size=1, max_size=12))
def test_exceedances_sum_to_one(alpha: list[float]) -> None:
    assert dirichlet_exceedance(np.array(alpha)).sum() == pytest.approx(1.0, abs=1e-9)


def test_sure_participants_are_counted() -> None:
    F = np.array([[50.0, 0.0, 0.0]] * 7 + [[0.0, 50.0, 0.0]] * 3)
    found = random_effects(F)
    np.testing.assert_allclose(found.alpha, [8.0, 4.0, 1.0], atol=1e-8)
    np.testing.assert_allclose(found.frequency, np.array([8.0, 4.0, 1.0]) / 13, atol=1e-8)
    np.testing.assert_allclose(found.participants[:7], np.tile([1.0, 0.0, 0.0], (7, 1)), atol=1e-8)


def test_one_outlier_decides_fixed_but_not_random_effects() -> None:
    """The point of Stephan et al. 2009: eleven of twelve prefer the second model, one the first by far."""
    F = np.array([[0.0, 3.0]] * 11 + [[60.0, 0.0]])
    assert fixed_effects(F)[0] > 0.999
    found = random_effects(F)
    assert found.exceedance[1] > 0.99
    assert found.frequency[1] > 0.75


def test_models_alike_are_equally_frequent_and_exceedance_is_protected() -> None:
    found = random_effects(np.zeros((20, 4)))
    np.testing.assert_allclose(found.frequency, 0.25)
    np.testing.assert_allclose(found.exceedance, 0.25, atol=1e-10)
    assert found.omnibus_risk > 0.9
    np.testing.assert_allclose(found.protected_exceedance, 0.25, atol=1e-10)


def test_chance_differences_are_mostly_protected_against() -> None:
    F = np.random.default_rng(5).normal(0, 1, (12, 3))
    found = random_effects(F)
    assert found.omnibus_risk > 0.5
    assert found.protected_exceedance.max() < found.exceedance.max()
    assert found.protected_exceedance.sum() == pytest.approx(1.0, abs=1e-9)


def exact_log_evidence(F: np.ndarray) -> float:
    """Over all assignments of participants to models, frequencies integrated out."""
    participants, models = F.shape
    terms = []
    for chosen in itertools.product(range(models), repeat=participants):
        counts = np.bincount(chosen, minlength=models)
        weight = gammaln(models) - gammaln(models + participants) + gammaln(1 + counts).sum()
        terms.append(weight + F[np.arange(participants), list(chosen)].sum())
    return float(logsumexp(terms))


@pytest.mark.parametrize("scale", [0.0, 1.0, 4.0])
def test_the_free_energy_is_a_close_bound_on_the_evidence(scale: float) -> None:
    F = np.random.default_rng(2).normal(0, scale, (6, 3))
    found, exact = random_effects(F), exact_log_evidence(F)
    assert exact - 1.5 < found.free_energy < exact + 1e-12
    sure = np.array([[200.0, 0.0, 0.0]] * 4 + [[0.0, 200.0, 0.0]] * 2)
    assert random_effects(sure).free_energy == pytest.approx(exact_log_evidence(sure), abs=1e-6)


def test_the_null_evidence_is_that_of_even_frequencies() -> None:
    F = np.random.default_rng(3).normal(0, 2, (5, 3))
    assert random_effects(F).null_free_energy == pytest.approx(np.log(np.exp(F).mean(axis=1)).sum())


def test_only_differences_within_a_participant_matter() -> None:
    F = np.random.default_rng(4).normal(0, 2, (9, 3))
    shifted = F - np.linspace(4000, 9000, 9)[:, None]
    np.testing.assert_allclose(random_effects(shifted).exceedance, random_effects(F).exceedance, atol=1e-6)
    assert random_effects(shifted).omnibus_risk == pytest.approx(random_effects(F).omnibus_risk, abs=1e-6)


def test_one_model_is_certain() -> None:
    found = random_effects(np.zeros((3, 1)))
    assert found.exceedance == pytest.approx([1.0])
    assert found.protected_exceedance == pytest.approx([1.0])


def test_a_missing_free_energy_names_its_row() -> None:
    F = np.zeros((4, 2))
    F[2, 1] = np.nan
    for select in (fixed_effects, random_effects):
        with pytest.raises(ValueError, match=r"row 2 \(participant 3\) has a free energy of nan in column 1"):
            select(F)
    with pytest.raises(ValueError, match=r"must be \(participant, model\), not \(3,\)"):
        fixed_effects(np.zeros(3))


def test_an_inversion_that_failed_is_named() -> None:
    posterior = made_up_posterior()
    models = {"large": [posterior, posterior], "small": [posterior, Failure("sub-02", "not finite")]}
    with pytest.raises(ValueError, match=r"no posterior of sub-02 \(small: not finite\); leave the participant out"):
        random_effects(models)
