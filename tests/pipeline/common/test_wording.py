"""Names and remarks in sentences."""

from __future__ import annotations

import pytest

from pipeline.common import error_line, first_names, join_words, list_names, merge_remarks


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
