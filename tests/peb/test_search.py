"""The greedy search: against all combinations where these can be listed, and against SPM12's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reduced_groups import linear, linear_group, spm_group

from peb import Gaussian
from peb._average import average_of_switches, probabilities
from peb._comparison import every_combination
from peb._search import Search, search
from peb._switches import evidence_of_switches

TRUE = np.array([1.5, 0.0, 0.0, -1.5, 0.0, 0.0, 0.0, 1.5, 0.0, 0.0, 0.0, 0.0])


@pytest.fixture(scope="module")
def found() -> Search:
    return search(linear_group(linear(0, size=12, scans=200, true=TRUE, mean=0.0)))


def test_up_to_eight_effects_are_compared_in_all_combinations() -> None:
    group = linear_group(linear(1, true=np.ones(6)))  # all six are needed: the first round is the last
    patterns = every_combination(6)
    free_energy = evidence_of_switches(group.prior, group.posterior, patterns)
    result = search(group)
    assert len(result.rounds) == 1
    np.testing.assert_allclose(result.probability, probabilities(free_energy) @ patterns, atol=1e-10)
    np.testing.assert_allclose(
        result.average.mean, average_of_switches(group, patterns, free_energy, 8.0).mean, atol=1e-10
    )


def test_the_planted_effects_are_what_is_left(found: Search) -> None:
    np.testing.assert_array_equal(found.kept, TRUE != 0)
    assert (found.probability[TRUE != 0] > 0.99).all()
    assert (found.probability[TRUE == 0] < 0.2).all()


def test_the_end_is_the_best_of_all_combinations(found: Search) -> None:
    group = linear_group(linear(0, size=12, scans=200, true=TRUE, mean=0.0))
    patterns = every_combination(12)
    free_energy = evidence_of_switches(group.prior, group.posterior, patterns)
    np.testing.assert_array_equal(found.kept, patterns[free_energy.argmax()])
    assert found.free_energy.max() == pytest.approx(free_energy.max(), abs=1e-9)


def test_rounds_tell_what_was_dropped(found: Search) -> None:
    dropped = [name for step in found.rounds for name in step.dropped]
    assert dropped
    assert not {name for name, kept in zip(found.effects, found.kept, strict=True) if kept} & set(dropped)
    assert not found.probability[[found.effects.index(name) for name in dropped]].any()
    assert found.rounds[-1].dropped == ()
    climb = [step.free_energy for step in found.rounds]
    assert climb == sorted(climb)
    assert all((np.diff(step.missed) >= 0).all() for step in found.rounds)


def test_dropped_effects_are_exactly_zero(found: Search) -> None:
    assert not found.average.mean[found.probability == 0].any()
    assert not found.average.covariance[found.probability == 0].any()


def test_the_last_few_effects_are_compared_and_none_is_dropped() -> None:
    """Of eight effects or fewer every combination is scored once, so each has a probability of its own."""
    result = search(linear_group(linear(3, scans=200, true=np.zeros(6), mean=0.0)))
    assert not result.kept.any()
    assert len(result.rounds) == 1
    assert result.switches.shape == (64, 6)
    assert ((result.probability > 0) & (result.probability < 0.5)).all()


def test_two_searches_are_the_same_to_the_last_bit(found: Search) -> None:
    again = search(linear_group(linear(0, size=12, scans=200, true=TRUE, mean=0.0)))
    np.testing.assert_array_equal(again.average.covariance, found.average.covariance)
    np.testing.assert_array_equal(again.probability, found.probability)


def test_the_units_of_a_covariate_matter_only_by_spm12s_convention() -> None:
    group = linear_group(linear(0, size=12, scans=200, true=TRUE, mean=0.0))
    scale = np.repeat([1.0, 1e-3], 6)  # the second covariate in units a thousand times smaller

    def scaled(one: Gaussian) -> Gaussian:
        return Gaussian(one.mean * scale, one.covariance * np.outer(scale, scale))

    small = replace(group, prior=scaled(group.prior), posterior=scaled(group.posterior))
    np.testing.assert_allclose(search(small).probability, search(group).probability, atol=1e-8)
    as_spm = search(replace(small, compat="spm12"))
    assert as_spm.unseen == group.effects[6:]
    assert not as_spm.probability[6:].any()
    assert as_spm.kept[[0, 3]].all()


@pytest.fixture(scope="module")
def spm(shared_data: Path) -> tuple[Search, dict[str, Any]]:
    group, stored = spm_group(shared_data)
    return search(group), stored["search_B"]


def test_the_last_round_is_spm12s(spm: tuple[Search, dict[str, Any]]) -> None:
    """Its own table of switches is damaged in the file; its combinations are in binary order, the first the highest."""
    found, reference = spm
    places = [found.effects.index(name) + 1 for name in found.candidates]
    np.testing.assert_array_equal(places, reference["BMR"]["k"])
    np.testing.assert_allclose(found.free_energy, reference["BMR"]["F"], atol=1e-3)
    np.testing.assert_allclose(found.combination_probability, reference["BMR"]["P"], atol=1e-4)


def test_probabilities_are_spm12s(spm: tuple[Search, dict[str, Any]]) -> None:
    found, reference = spm
    np.testing.assert_allclose(found.probability, reference["Pp"], atol=1e-4)


def test_the_average_is_spm12s_within_its_sampling_error(spm: tuple[Search, dict[str, Any]]) -> None:
    found, reference = spm
    on = found.average.sd > 0
    error = found.average.sd[on] / np.sqrt(1000)
    assert (np.abs(found.average.mean - reference["Ep"])[on] < 3.3 * error).all()
    np.testing.assert_allclose(np.diag(reference["Cp"])[on], found.average.sd[on] ** 2, rtol=0.15)
    assert np.diag(reference["Cp"])[~on].max() < 2e-8  # SPM12 gives what is off a variance of 1e-8, not 0
