"""What is a number, wherever numbers are read: ASCII digits and a decimal point."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common import number_advice, read_number, read_whole_number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_that_python_writes_comes_back(value: float) -> None:
    assert read_number(repr(value)) == value
    assert number_advice(repr(value)) == "" or "." in repr(value)


@pytest.mark.parametrize(
    "text", ["", "١", "１２", "²", "½", "1_000", "0x1f", "inf", "nan", "1,5", "1 0", "1e999", "−1"]
)
def test_python_s_other_numbers_are_none(text: str) -> None:
    assert read_number(text) is None
    assert read_whole_number(text) is None


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("8,5", "a number with a decimal comma; write 8.5"),
        ("-,5e-3", "a number with a decimal comma; write -.5e-3"),
        ("1,234", "which may mean 1234 or 1.234; write 1234, or 1.2340"),
        ("1,234.5", "a number with thousands separators; write 1234.5"),
        ("1.234,5", "a number with thousands separators; write 1234.5"),
        ("1.234.567", "a number with thousands separators; write 1234567"),
        ("1 234,5", "a number with thousands separators; write 1234.5"),
        ("1'234", "a number with thousands separators; write 1234"),
        ("1\u202f234", "a number with thousands separators; write 1234"),
        ("1_000", "a number with underscores; write 1000"),
        ("١٢", "a number in digits that are not 0 to 9; write 12"),
        ("１.５", "a number in digits that are not 0 to 9; write 1.5"),
        ("−3", "a number with a minus sign that is no hyphen; write -3"),
        ("−٣", "a number in digits that are not 0 to 9; write -3"),
        ("0,150", "a number with a decimal comma; write 0.150"),
    ],
)
def test_what_looks_like_a_number_gets_the_number_to_write(text: str, advice: str) -> None:
    assert number_advice(text) == advice
    assert math.isfinite(read_number(advice.rpartition("write ")[2].partition(",")[0]) or math.nan)


@pytest.mark.parametrize("text", ["faces", "1_0", "a,b", "2024-01-05", "1;2", "ses-1", "", "twenty"])
def test_a_text_gets_none(text: str) -> None:
    assert number_advice(text) == ""
