"""Scores at both sessions and columns of people, out of the study's tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.bids import DataError, participant_column, participant_numbers, session_scores

Small = Any  # the conftest's SmallStudy, which tests cannot import


def test_both_sessions_of_a_score_are_read_whatever_it_takes(small: Small) -> None:
    small.set("scores.later", table=small.bids / "phenotype" / "caps5.tsv", column="total", take="after")
    inventory = small.inventory()
    found = session_scores(small.study(), inventory, ["caps", "later"])
    for one in found:
        np.testing.assert_array_equal(one.before, [35.0 - i for i in range(6)])
        np.testing.assert_array_equal(one.after, [30.0 - 2 * i for i in range(6)])
        assert one.unit == "points"
    fall = np.array([one.scores["caps"] for one in inventory.participants])
    np.testing.assert_array_equal(found[0].before - found[0].after, fall)


def test_a_missing_session_is_not_a_number(small: Small) -> None:
    small.edit(small.bids / "phenotype" / "caps5.tsv", "sub-03\tses-2\t26\n", "")
    (found,) = session_scores(small.study(), small.inventory(), ["caps"])
    assert np.isnan(found.after[2])
    assert found.before[2] == 33


def test_a_score_of_one_number_has_no_sessions(small: Small) -> None:
    with pytest.raises(DataError, match=r"improvement is one number a participant; .* in \[scores.improvement\] give"):
        session_scores(small.study(), small.inventory(), ["improvement"])


def test_columns_are_numbers_or_kinds(small: Small) -> None:
    small.edit(small.bids / "participants.tsv", "sub-02\tketamine\t31\tF", "sub-02\tketamine\tn/a\tn/a")
    inventory = small.inventory()
    np.testing.assert_array_equal(participant_column(inventory, "age"), [30, np.nan, 34, 39, 46, 55])
    assert participant_column(inventory, "sex") == ("M", "", "M", "F", "M", "F")
    np.testing.assert_array_equal(participant_numbers(inventory, "caps"), [5.0 + i for i in range(6)])


def test_text_among_numbers_names_the_participant(small: Small) -> None:
    small.edit(small.bids / "participants.tsv", "\t34\t", "\tyoung\t")
    with pytest.raises(DataError, match=r"age is 'young', where other rows hold numbers.*\(of sub-03\)"):
        participant_column(small.inventory(), "age")
