"""Verdicts on effects, and the mixtures of normal densities whose probabilities they are from."""

from __future__ import annotations

import numpy as np
import pytest

from peb import NormalMixture, two_sided_probability, verdict


def test_yes_names_the_sure_effects_the_surest_first() -> None:
    found = verdict(np.array([0.99, 0.6, 0.001]), np.array([0.0, 0.9, 0.0]))
    assert (found.kind, found.which) == ("yes", (2,))
    assert verdict(np.array([0.995, 0.6, 0.001]), np.zeros(3)).which == (2, 0)


def test_the_number_of_questions_counts() -> None:
    above, within = np.array([0.98]), np.array([0.5])
    assert verdict(above, within).kind == "yes"
    assert verdict(above, within, questions=2).kind == "open"


@pytest.mark.parametrize(("within", "kind"), [([0.96, 0.95], "no difference"), ([0.99, 0.94], "open")])
def test_no_difference_is_said_of_all_or_none(within: list[float], kind: str) -> None:
    assert verdict(np.array([0.6, 0.3]), np.array(within)).kind == kind


def test_doubt_does_not_know_the_sign() -> None:
    np.testing.assert_allclose(two_sided_probability(np.array([0.01, 0.99, 0.5])), [0.02, 0.02, 1.0])


@pytest.mark.parametrize(
    ("above", "within", "questions", "message"),
    [
        ([0.5], [0.5, 0.5], None, "of one length"),
        ([1.5], [0.5], None, "not between 0 and 1"),
        ([np.nan], [0.5], None, "not between 0 and 1"),
        ([0.5, 0.5], [0.5, 0.5], 1, "2 effects were asked about, not 1"),
        ([], [], None, "of one length"),
    ],
)
def test_what_is_no_probability_is_refused(above: list, within: list, questions: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        verdict(np.array(above), np.array(within), questions=questions)


def test_what_is_sure_is_no_more_than_sure() -> None:
    weight = np.full((1, 10), 0.1)
    weight[0, 0] += 4e-16
    sure = NormalMixture(weight, np.full((1, 10), 0.2), np.full((1, 10), 1e-3))
    assert sure.weight.sum() > 1
    assert sure.within(0.5) == 1
    assert sure.above_zero == 1
    assert verdict(sure.above_zero, sure.within(0.5)).kind == "yes"


def test_what_is_fixed_has_no_density() -> None:
    fixed = NormalMixture.normal(np.array([0.0, 1.0]), np.array([0.0, 2.0]))
    np.testing.assert_allclose(fixed.density(np.array([1.0]))[:, 0], [0.0, 1 / np.sqrt(8 * np.pi)])
