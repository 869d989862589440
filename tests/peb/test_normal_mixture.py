"""Probabilities of a mixture are probabilities, whatever its weights add up to in the last digit."""

from __future__ import annotations

import numpy as np

from peb import NormalMixture, verdict


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
