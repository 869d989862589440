"""Tables of events: order, selection, modulators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bids import Events, conditions_of, modulator_weights, read_events
from pipeline.study import Modulator, Task
from pipeline.tables import TableError

Save = Callable[[Path, list[list[Any]]], None]
HEADER = ["onset", "duration", "trial_type", "rating"]
finite = st.floats(-1e6, 1e6)


def made(ratings: list[str]) -> Events:
    """Events of one type with ratings."""
    count = len(ratings)
    lines = tuple(range(2, count + 2))
    return Events(
        Path("x_events.tsv"), np.arange(count) * 2.0, np.ones(count), ("a",) * count, {"rating": tuple(ratings)}, lines
    )


def test_events_come_in_the_order_of_their_onsets_with_their_lines(tmp_path: Path, table: Save) -> None:
    path = tmp_path / "x_events.tsv"
    table(path, [HEADER, [9, 1, "b", 2], [3, 0, "a", 1], [3, 5, "b", "n/a"]])
    events = read_events(path)
    assert events.onset.tolist() == [3, 3, 9]
    assert events.duration.tolist() == [0, 5, 1]
    assert events.trial_type == ("a", "b", "b")
    assert events.columns["rating"] == ("1", "n/a", "2")
    assert events.lines == (3, 4, 2)
    assert events.trial_types == ("a", "b")


def test_windows_newlines_and_a_byte_order_mark_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "x_events.tsv"
    path.write_bytes(b"\xef\xbb\xbfonset\tduration\ttrial_type\r\n1.5\t2\ta\r\n")
    assert read_events(path).onset.tolist() == [1.5]


FORMS = {
    "tabs": b"onset\tduration\ttrial_type\n1.5\t2\ta\n",
    "commas": b"onset,duration,trial_type\n1.5,2,a\n",
    "semicolons and decimal commas": b"onset;duration;trial_type\n1,5;2;a\n",
    "decimal commas beside a press that is not timed": b"onset\tduration\ttrial_type\n1,5\t2\ta\nlate\t\tpress\n",
    "UTF-16": "onset\tduration\ttrial_type\n1.5\t2\ta\n".encode("utf-16"),
    "thousands in a column of no use": b"onset;duration;trial_type;x\n1,5;2;a;1.234\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_events_are_read_by_their_form(tmp_path: Path, form: str) -> None:
    path = tmp_path / "x_events.tsv"
    path.write_bytes(FORMS[form])
    chosen = read_events(path).of_trial_types(("a",))
    assert (chosen.onset.tolist(), chosen.duration.tolist()) == ([1.5], [2.0])


def test_a_missing_duration_matters_only_to_events_that_are_used(tmp_path: Path, table: Save) -> None:
    path = tmp_path / "x_events.tsv"
    table(path, [HEADER, [0, 1, "a", 1], [2, "n/a", "button", 1]])
    events = read_events(path)
    assert events.of_trial_types(("a",)).duration.tolist() == [1]
    with pytest.raises(TableError, match="line 3: duration of button is n/a"):
        events.of_trial_types(("a", "button"))


def test_every_trial_type_is_a_condition_where_none_is_named() -> None:
    events = made(["1", "2"])
    assert conditions_of(Task(), events) == {"a": ("a",)}
    assert conditions_of(Task(conditions={"both": ("a", "b")}), events) == {"both": ("a", "b")}


def test_a_modulator_weights_the_events_of_its_condition(tmp_path: Path, table: Save) -> None:
    path = tmp_path / "x_events.tsv"
    table(path, [HEADER, [0, 1, "a", 1], [2, 1, "b", 100], [4, 1, "a", 3], [6, 1, "a", "n/a"]])
    chosen, weights = modulator_weights(Modulator(condition="a", column="rating"), Task(), read_events(path))
    assert chosen.onset.tolist() == [0, 4, 6]
    assert weights.tolist() == [-1, 1, 0]


def test_durations_may_modulate(tmp_path: Path, table: Save) -> None:
    path = tmp_path / "x_events.tsv"
    table(path, [HEADER, [0, 1, "a", 1], [4, 3, "a", 3]])
    assert read_events(path).weights("duration").tolist() == [-1, 1]


@given(st.lists(st.one_of(finite, st.none()), min_size=2, max_size=30))
def test_weights_are_centred_and_nothing_is_ever_nan(values: list[float | None]) -> None:
    known = [value for value in values if value is not None]
    events = made(["n/a" if value is None else repr(value) for value in values])
    if len(set(known)) < 2:
        with pytest.raises(TableError, match="nothing to modulate"):
            events.weights("rating")
        return
    weights = events.weights("rating")
    assert np.isfinite(weights).all()
    assert abs(weights.sum()) <= 1e-9 * max(1.0, np.abs(known).max()) * len(values)
    assert all(weight == 0 for weight, value in zip(weights, values, strict=True) if value is None)
    there = [weight for weight, value in zip(weights, values, strict=True) if value is not None]
    np.testing.assert_allclose(np.diff(there), np.diff(known), rtol=1e-9, atol=1e-6)
