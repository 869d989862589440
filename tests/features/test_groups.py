"""Who is left out together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import FeatureError, assign_folds


def test_without_folds_everybody_is_left_out_alone() -> None:
    np.testing.assert_array_equal(assign_folds(7, None), np.arange(7))


@given(st.integers(6, 50), st.integers(3, 10), st.integers(0, 5))
def test_groups_differ_by_one_person_and_hold_both_arms_alike(participants: int, folds: int, seed: int) -> None:
    folds = min(folds, participants)
    arm = np.where(np.arange(participants) % 3 == 0, 1.0, -1.0)
    groups = assign_folds(participants, folds, arm, seed)
    for chosen in (groups, groups[arm > 0], groups[arm < 0]):
        counts = np.bincount(chosen, minlength=folds)
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(("participants", "folds"), [(5, None), (21, 2), (21, 22)])
def test_what_cannot_be_left_out_is_refused(participants: int, folds: int | None) -> None:
    with pytest.raises(FeatureError, match=r"too few|cannot be made"):
        assign_folds(participants, folds)
