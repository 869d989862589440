"""Text as terminals, pages and sentences have it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common import (
    error_line,
    first_names,
    join_words,
    list_names,
    merge_remarks,
    message_line,
    name_parts,
    natural_key,
    shorten,
    visible_text,
)
from pipeline.tables._table_form import cell_text, spreadsheet_cell


def test_numbers_in_names_sort_as_numbers() -> None:
    names = ["sub-1", "sub-2", "sub-10", "sub-10_ses-2", "sub-10_ses-10", "sub-A2", "sub-a10"]
    mixed = names.copy()
    random.Random(0).shuffle(mixed)
    assert sorted(mixed, key=natural_key) == names


@given(st.lists(st.text(), max_size=6))
def test_the_order_of_names_does_not_depend_on_the_order_given(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(names, key=natural_key) == sorted(backwards, key=natural_key)


@given(st.text())
def test_shown_text_has_only_printable_characters_and_is_short(text: str) -> None:
    assert visible_text(text).isprintable()
    assert len(shorten(text)) <= 80


def test_an_escape_sequence_is_shown_and_not_obeyed() -> None:
    assert visible_text("sub\x1b[2J\u202e01") == r"sub\x1b[2J\u202e01"


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1"])
def test_a_formula_is_quoted(cell: str) -> None:
    assert spreadsheet_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["-0.5", "+1e-5", "-inf", "sub-01", "n/a", "", "a=b"])
def test_numbers_and_plain_text_stay(cell: str) -> None:
    assert spreadsheet_cell(cell) == cell


@given(st.text(alphabet="'=+-@\t\r\n1.,ae x\uff1d"))
def test_a_quoted_cell_is_read_back_as_it_was(text: str) -> None:
    assert cell_text(spreadsheet_cell(text)) == text


def test_a_message_is_one_line_that_no_value_floods() -> None:
    long = f"people.tsv, line 3: arm is '{'x y ' * 3000}', not {'z' * 9000}\nin {'/deep' * 60}; write n/a"
    line = message_line(long)
    assert line.isprintable()
    assert len(line) < 800
    assert line.startswith("people.tsv, line 3: arm is 'x y")
    assert line.endswith(f"in {'/deep' * 60}; write n/a")


@given(st.text())
def test_the_parts_of_a_name_are_the_name(text: str) -> None:
    assert "".join(name_parts(text)) == text


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("change(gppi_faces-a_from_vmPFC)", ["change", "(gppi_", "faces-a_", "from_", "vmPFC)"]),
        ("arm[ketamine]×improvement", ["arm", "[ketamine]×", "improvement"]),
        ("−0.25 to +1,000.5", ["−0.25 to +1,000.5"]),
    ],
)
def test_a_name_is_broken_between_its_words(name: str, parts: list[str]) -> None:
    assert name_parts(name) == parts


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c"], "a, b and 1 more"),
        (["two\nlines", "tab\there"], "two lines, tab here"),
    ],
)
def test_some_names_are_one_line(names: list[str], words: str) -> None:
    assert first_names(names, 2) == words


def test_listed_names_are_in_natural_order_each_once() -> None:
    assert list_names(["sub-10", "sub-2", "sub-10"]) == "sub-2, sub-10"
    assert list_names([]) == "none"


@pytest.mark.parametrize(("names", "words"), [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b and c")])
def test_joined_names_are_all_there(names: list[str], words: str) -> None:
    assert join_words(names) == words


def test_a_remark_on_many_is_said_once() -> None:
    assert merge_remarks([("one", "short"), ("two", "long"), ("three", "short")]) == ["one, three: short", "two: long"]


def test_an_error_is_one_line_and_says_its_kind_where_it_says_nothing() -> None:
    assert error_line(ValueError("a\n  b")) == "a b"
    assert error_line(KeyError()) == "KeyError"
