"""Participants called 1, 2, 10: matched to their folders where that is unambiguous, and told; refused otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.bids._participants import ParticipantTable, read_participants
from pipeline.common import ambiguous_labels, match_labels
from pipeline.study import Study

Trial = Callable[..., Study]


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    """A study of nothing but folders, a table of participants and one of scores."""

    def make(folders: list[str], names: list[str], scored: list[str] | None = None, **settings: Any) -> Study:
        bids = tmp_path / "bids"
        for name in folders:
            (bids / "derivatives" / name / "ses-01" / "func").mkdir(parents=True)
        rows = [f"{name}\t{('drug', 'placebo')[i % 2]}\n" for i, name in enumerate(names)]
        (bids / "participants.tsv").write_text("participant_id\tarm\n" + "".join(rows))
        scores = [f"{name}\t1\t{10 * i}\n" for i, name in enumerate(scored or names)]
        (bids / "scores.tsv").write_text("participant_id\tsession_id\tscore\n" + "".join(scores))
        return Study.model_validate(
            {
                "study": {"name": "x", "bids": bids, "derivatives": bids / "derivatives"},
                "participants": {"arms": ("drug", "placebo"), **settings},
                "sessions": {"before": "ses-01", "after": "ses-02"},
                "scores": {"score": {"table": bids / "scores.tsv", "column": "score", "take": "before"}},
                "tasks": {"rest": {"rest": True}},
                "regions": {"a": {"sphere": {"centre": (0, 0, 0), "radius": 5}}},
            }
        )

    return make


def names(found: ParticipantTable) -> list[str]:
    return [one.name for one in found.participants]


@pytest.mark.parametrize(
    ("folders", "written"),
    [
        (["sub-01", "sub-02", "sub-10"], ["1", "2", "10"]),
        (["sub-001", "sub-002", "sub-010"], ["01", "02", "10"]),
        (["sub-1", "sub-2", "sub-10"], ["sub-01", "sub-02", "sub-10"]),
        (["sub-P01", "sub-P02", "sub-P10"], ["P1", "P2", "P10"]),
        (["sub-1", "sub-2", "sub-10"], ["1", "2", "10"]),
    ],
)
def test_people_are_matched_to_folders_that_differ_in_leading_zeros(
    trial: Trial, folders: list[str], written: list[str]
) -> None:
    found = read_participants(
        trial(folders, written, scored=[f"sub-{name.removeprefix('sub-')}" for name in written[::-1]])
    )
    assert found.errors == []
    assert names(found) == folders
    np.testing.assert_array_equal([one.scores["score"] for one in found.participants], [20, 10, 0])
    assert any("by the folders" in line for line in found.remarks) == (f"sub-{written[0]}" not in folders)


@pytest.mark.parametrize(
    ("folders", "written"),
    [
        (["sub-01", "sub-02"], ["1", "01", "2"]),
        (["sub-01", "sub-1", "sub-02"], ["1", "2"]),
        (["sub-1", "sub-01"], ["sub-1", "sub-01"]),
    ],
)
def test_labels_that_differ_in_leading_zeros_alone_are_refused(
    trial: Trial, folders: list[str], written: list[str]
) -> None:
    found = read_participants(trial(folders, written))
    assert found.participants == ()
    (line,) = found.errors
    assert "differ in leading zeros alone" in line
    assert {"sub-1", "sub-01"} <= set(line.replace(";", "").split())


def test_who_is_excluded_is_so_by_either_name(trial: Trial) -> None:
    found = read_participants(trial(["sub-01", "sub-02", "sub-03"], ["1", "2", "3"], exclude={"sub-2": "withdrew"}))
    assert (names(found), found.errors) == (
        ["sub-01", "sub-03"],
        ["participants.tsv: no participant has arm placebo; check [participants] arms and exclude"],
    )


def test_labels_of_one_person_before_and_after_are_not_two_participants(trial: Trial) -> None:
    people = ["sub-01pre", "sub-02pre", "sub-01post", "sub-02post"]
    (line,) = read_participants(trial(people, people)).errors
    assert "sub-01pre and sub-01post seem to be of one participant (and 1 more like them)" in line
    assert "all_different = true" in line


def test_people_who_only_look_like_visits_take_part_when_that_is_said(trial: Trial) -> None:
    people = ["sub-01pre", "sub-01post"]
    assert read_participants(trial(people, people, all_different=True)).errors == []


def test_labels_are_matched_by_their_numbers_only() -> None:
    assert match_labels(["sub-1", "sub-10", "sub-3"], ["sub-01", "sub-10", "sub-003", "sub-03"]) == {"sub-1": "sub-01"}
    assert ambiguous_labels(["a1", "a01", "a10", "a1"]) == (("a1", "a01"),)
