"""Numbers and times as people write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common import TimeKind, number_advice, read_number, read_whole_number, time_problem


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


@pytest.mark.parametrize(
    ("seconds", "kind", "said"),
    [
        (2000.0, "repetition time", "is 2000 s, longer than any repetition time; if these are milliseconds write 2"),
        (720.0, "repetition time", "if these are milliseconds write 0.72"),
        (2e6, "repetition time", "if these are microseconds write 2"),
        (0.002, "repetition time", "shorter than any repetition time"),
        (125.0, "microtime bin", "if these are milliseconds write 0.125"),
        (30.0, "echo time", "if these are milliseconds write 0.03"),
        (0.0, "repetition time", "is 0 s; give the repetition time in seconds"),
        (float("nan"), "repetition time", "give the repetition time in seconds"),
        (float("inf"), "echo time", "give seconds"),
    ],
)
def test_a_time_that_cannot_be_in_seconds_is_told_with_the_value_to_write(
    seconds: float, kind: TimeKind, said: str
) -> None:
    assert said in str(time_problem(seconds, kind))


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [
        (0.05, "repetition time"),
        (20.0, "repetition time"),
        (0.72 / 16, "microtime bin"),
        (0.012, "echo time"),
        (0.0, "delay"),
    ],
)
def test_times_of_real_scans_pass(seconds: float, kind: TimeKind) -> None:
    assert time_problem(seconds, kind) is None
