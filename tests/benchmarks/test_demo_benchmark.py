"""The demo's benchmark counts what a report says, and finds pages that contradict each other."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.demo import contradictions, measure, report

ARMS, TRUTH = "Do the arms differ in the change?", "Does treatment change the connection differently, as planted?"
SLOPES = "Do the arms differ in the effect of improvement on the change?"


def answers(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"question": question, "verdict": verdict} for question, verdict in pairs]


@pytest.mark.parametrize(
    ("said", "count"),
    [
        (answers((ARMS, "yes"), (TRUTH, "yes")), 0),
        (answers((ARMS, "yes"), (TRUTH, "open")), 0),  # the other connection may be the one that is called
        (answers((ARMS, "open"), (TRUTH, "yes")), 1),
        (answers((ARMS, "open"), (ARMS, "yes"), (TRUTH, "open")), 1),
        (answers((SLOPES, "open"), (TRUTH, "yes")), 0),
        (answers((SLOPES, "open"), ("Is that change related to improvement under a only, as planted?", "yes")), 1),
    ],
)
def test_a_planted_difference_that_is_called_on_one_page_only_is_a_contradiction(
    said: list[dict[str, str]], count: int
) -> None:
    assert len(contradictions(said)) == count


def test_coverage_is_counted_by_participant() -> None:
    connectivity = [
        {"visit": f"sub-0{participant}_ses-{session}", "parameter": name, "inside": "yes" if participant == 1 else held}
        for participant in (1, 2)
        for session in (1, 2)
        for name, held in (("A[b<-a]", "yes"), ("B[b<-a, faces]", "no"))
    ]
    effects = [{"low": -1.0, "high": 1.0, "planted_difference": value} for value in (0.0, 2.0)]
    questions = [(f"Question {i}, as planted?", verdict) for i, verdict in enumerate(("yes", "open", "no"))]
    content: dict[str, Any] = {
        "truth-connectivity": connectivity,
        "truth-arms": effects,
        "answers": answers(*questions),
    }
    row = measure(content) | {"seed": 0}
    assert row["people"] == [100.0, 50.0]
    assert row["faces"] == 50.0
    text = report([row, row | {"seed": 1}])
    assert "75.0 % (14.4) over visits" in text
    assert "group's differences 2 of 4" in text
    assert "a wrong sign in 2 of 6 answers" in text
