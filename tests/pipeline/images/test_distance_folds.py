"""Events → folds: which events belong together, and which folds are held against each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from pipeline.bids import Events
from pipeline.images._pattern_distance import APART, FoldError, divide_into_folds
from pipeline.study import Distance, Task

TASK = Task(conditions={"fear": ("fear",), "neutral": ("neutral",), "shapes": ("shapes",)})
HALVES = Distance(between=("fear", "neutral"), folds="halves")
BLOCKS = Distance(between=("fear", "neutral"), folds="blocks")


def events_of(*rows: tuple[float, float, str]) -> Events:
    onset, duration, kind = zip(*sorted(rows), strict=True)
    return Events(Path("events.tsv"), np.array(onset), np.array(duration), kind, {}, tuple(range(2, len(kind) + 2)))


def blocks_of(kinds: str, every: float, length: float = 6.0) -> Events:
    """One block of three events for each letter: f, n or s."""
    names = {"f": "fear", "n": "neutral", "s": "shapes"}
    return events_of(
        *(
            (place * every + k * length / 3, length / 3, names[kind])
            for place, kind in enumerate(kinds)
            for k in range(3)
        )
    )


def test_halves_leave_out_what_reaches_over_the_middle() -> None:
    events = events_of(*((onset, 4.0, kind) for onset in range(10, 200, 20) for kind in ("fear", "neutral")))
    found = divide_into_folds(HALVES, TASK, events, 200.0)
    end, onset = (found.onset + found.duration)[found.place == 0], found.onset[found.place == 1]
    assert onset.min() - end.max() >= APART
    assert found.pairs == ((0, 1),)
    assert not found.adjacent
    left = found.onset[found.place < 0]
    assert left.size
    assert (np.abs(left + 2 - 100) < APART / 2 + 2).all()


def test_halves_keep_the_middle_where_a_condition_would_be_gone() -> None:
    events = events_of((40, 4, "fear"), (95, 4, "neutral"), (101, 4, "neutral"), (150, 4, "fear"))
    found = divide_into_folds(HALVES, TASK, events, 200.0)
    np.testing.assert_array_equal(found.place, [0, 0, 1, 1])
    assert found.adjacent


def test_blocks_are_events_of_a_condition_that_follow_each_other() -> None:
    found = divide_into_folds(BLOCKS, TASK, blocks_of("fnsfn", 30.0), 200.0)
    np.testing.assert_array_equal(found.place, [0] * 6 + [1] * 6)
    np.testing.assert_array_equal(found.second, ([False] * 3 + [True] * 3) * 2)


def test_a_pause_ends_a_block_and_an_event_of_no_condition_does_not() -> None:
    rows = [(0.0, 3.0, "fear"), (4.0, 0.5, "button"), (5.0, 3.0, "fear"), (30.0, 3.0, "fear")]
    rows += [(onset + 60, duration, "neutral") for onset, duration, kind in rows if kind == "fear"]
    found = divide_into_folds(BLOCKS, TASK, events_of(*rows), 200.0)
    np.testing.assert_array_equal(found.place, [0, 0, 1, 0, 0, 1])


def test_neighbouring_blocks_are_not_compared_where_others_can_be() -> None:
    found = divide_into_folds(BLOCKS, TASK, blocks_of("fnfnfnfn", 10.0), 200.0)
    assert set(found.pairs) == {(0, 2), (0, 3), (1, 3)}
    assert not found.adjacent


def test_two_blocks_that_touch_are_compared_all_the_same() -> None:
    found = divide_into_folds(BLOCKS, TASK, blocks_of("fnfn", 10.0), 200.0)
    assert found.pairs == ((0, 1),)
    assert found.adjacent


def test_a_block_without_its_like_in_the_other_condition_is_in_no_fold() -> None:
    found = divide_into_folds(BLOCKS, TASK, blocks_of("fsnsfsnsf", 30.0), 300.0)
    np.testing.assert_array_equal(found.place, [0] * 6 + [1] * 6 + [-1] * 3)


@pytest.mark.parametrize(
    ("distance", "kinds", "said"),
    [
        (HALVES, "ffnf", "neutral is in one half only"),
        (BLOCKS, "fsfsn", "neutral is in one block only"),
        (BLOCKS, "fsfs", "neutral is in no block"),
    ],
)
def test_a_condition_in_one_fold_only_is_an_error(distance: Distance, kinds: str, said: str) -> None:
    with pytest.raises(FoldError, match=said):
        divide_into_folds(distance, TASK, blocks_of(kinds, 40.0), 200.0)


@given(
    some.lists(
        some.tuples(some.integers(0, 300), some.sampled_from("fns")),
        min_size=4,
        max_size=30,
        unique_by=lambda one: one[0],
    )
)
def test_folds_that_are_compared_are_apart_or_all_are_told_adjacent(chosen: list[tuple[int, str]]) -> None:
    names = {"f": "fear", "n": "neutral", "s": "shapes"}
    events = events_of(*((float(onset), 1.0, names[kind]) for onset, kind in chosen))
    for distance in (HALVES, BLOCKS):
        try:
            found = divide_into_folds(distance, TASK, events, 301.0)
        except FoldError:
            continue
        for fold in range(found.count):
            assert {False, True} == set(found.second[found.place == fold].tolist())
        for one, other in () if found.adjacent else found.pairs:
            starts, others = found.onset[found.place == one], found.onset[found.place == other]
            assert np.abs(starts[:, None] - others).min() >= APART
