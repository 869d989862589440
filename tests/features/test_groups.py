"""Who is left out together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import FeatureError, groups_of


def test_without_folds_everybody_is_left_out_alone() -> None:
    np.testing.assert_array_equal(groups_of(7, None), np.arange(7))


@given(st.integers(6, 50), st.integers(3, 10), st.integers(0, 5))
def test_groups_differ_by_one_person_and_hold_both_arms_alike(people: int, folds: int, seed: int) -> None:
    folds = min(folds, people)
    arm = np.where(np.arange(people) % 3 == 0, 1.0, -1.0)
    groups = groups_of(people, folds, arm, seed)
    for chosen in (groups, groups[arm > 0], groups[arm < 0]):
        counts = np.bincount(chosen, minlength=folds)
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(("people", "folds"), [(5, None), (21, 2), (21, 22)])
def test_what_cannot_be_left_out_is_refused(people: int, folds: int | None) -> None:
    with pytest.raises(FeatureError, match=r"too few|cannot be made"):
        groups_of(people, folds)
