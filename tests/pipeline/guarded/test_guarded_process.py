"""What kills, hangs or fills the process that reads a content ends that process alone, and the next one is read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from pipeline.guarded import GuardedError, GuardedProcess, from_bytes, to_bytes


@pytest.fixture(scope="module")
def process() -> Iterator[GuardedProcess]:
    guarded = GuardedProcess("guarded_work:obey", seconds=0.5)
    yield guarded
    guarded.close()


@pytest.mark.parametrize(
    ("order", "how", "says"),
    [
        (b"crash", "signal", "SIGSEGV"),
        (b"hang", "time", "longer than"),
        (b"fill", "memory", "more memory"),
        (b"raise", "raised", "no"),
    ],
)
def test_a_content_that_misbehaves_is_told_and_the_next_one_read(
    process: GuardedProcess, order: bytes, how: str, says: str
) -> None:
    with pytest.raises(GuardedError, match=says) as caught:
        process.run(order)
    assert caught.value.how == how
    assert "\n" not in str(caught.value)
    assert process.run(b"abc") == b"cba"


def test_one_child_reads_many_contents_of_any_size(process: GuardedProcess) -> None:
    for content in (b"", b"chat", bytes(range(256)) * 5000):
        assert process.run(content) == content[::-1]


def test_the_name_of_the_error_raised_is_told(process: GuardedProcess) -> None:
    with pytest.raises(GuardedError) as caught:
        process.run(b"raise")
    assert caught.value.kind == "KeyError"


def test_work_that_cannot_be_imported_is_told() -> None:
    with pytest.raises(GuardedError, match="did not start") as caught:
        GuardedProcess("no_such_module:work").run(b"")
    assert caught.value.how == "start"


def test_values_come_back_from_bytes() -> None:
    cells = np.empty((1, 2), dtype=object)
    cells[0, 0], cells[0, 1] = {"x": None}, np.array(["a", "\ud800b"])
    value = {"n": [1, 2.5, True, None, "t\n"], "a": np.arange(6.0).reshape(2, 3), "z": np.array(1j), "cells": cells}
    again = from_bytes(to_bytes(value))
    assert again["n"] == value["n"]
    np.testing.assert_array_equal(again["a"], value["a"])
    assert again["z"].shape == ()
    assert again["z"] == 1j
    assert again["cells"].shape == (1, 2)
    assert again["cells"][0, 0] == {"x": None}
    assert again["cells"][0, 1].tolist() == ["a", "\ud800b"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        (40).to_bytes(8, "little") + b"[" * 40,
        to_bytes(np.arange(9))[:-1],
        to_bytes("x").replace(b'"x"', b"{} "),
        to_bytes(np.arange(9)).replace(b"<i8", b"|O8"),
    ],
    ids=["nothing", "nonsense", "nested", "cut", "of no kind", "objects"],
)
def test_bytes_that_are_no_values_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no values"):
        from_bytes(content)
