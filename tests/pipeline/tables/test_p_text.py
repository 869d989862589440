"""P values in words: two digits, and a bound where shuffling can show no less."""

from __future__ import annotations

import pytest

from pipeline.tables import p_words, shuffled_p_cell, shuffled_p_words


@pytest.mark.parametrize(
    ("value", "text"), [(0.0283, "p = 0.028"), (1e-5, "p < 0.0001"), (1.0, "p = 1.0"), (float("nan"), "p = ?")]
)
def test_p_values_in_words(value: float, text: str) -> None:
    assert p_words(value) == text


@pytest.mark.parametrize(
    ("value", "shuffles", "text"),
    [
        (0.01, 99, "p ≤ 0.01, the least that 99 shuffles can show"),
        (0.005, 199, "p ≤ 0.005, the least that 199 shuffles can show"),
        (1 / 73, 72, "p ≤ 0.014, the least that 72 shuffles can show"),
        (1 / 81, 80, "p ≤ 0.013, the least that 80 shuffles can show"),
        (1e-5, 99_999, "p ≤ 1e-05, the least that 99,999 shuffles can show"),
        (0.02, 99, "p = 0.02 by 99 shuffles"),
        (0.1, 1000, "p = 0.1 by 1,000 shuffles"),
    ],
)
def test_a_p_that_no_shuffle_reaches_is_a_bound(value: float, shuffles: int, text: str) -> None:
    assert shuffled_p_words(value, shuffles) == text


@pytest.mark.parametrize(("value", "shuffles", "text"), [(0.005, 199, "≤ 0.005"), (0.0283, 199, "0.028")])
def test_a_table_has_the_bound_too(value: float, shuffles: int, text: str) -> None:
    assert shuffled_p_cell(value, shuffles) == text
