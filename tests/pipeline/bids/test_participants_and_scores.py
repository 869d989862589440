"""The participants' table and tables of scores: labels however they are written, arms, sessions, and mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.bids import DataError, participant_column, participant_numbers, session_scores
from pipeline.bids._participants import StudyParticipants, read_participants
from pipeline.common import ambiguous_labels, match_labels
from pipeline.study import Study

Small = Any  # the conftest's SmallStudy, which tests cannot import
Spoil = Callable[[Small], Any]


def people(old: str, new: str) -> Spoil:
    return lambda small: small.edit(small.bids / "participants.tsv", old, new)


def caps(old: str, new: str) -> Spoil:
    return lambda small: small.edit(small.bids / "phenotype" / "caps5.tsv", old, new)


def appended(where: str, text: str) -> Spoil:
    def spoil(small: Small) -> None:
        path = small.bids / where
        path.write_text(path.read_text() + text)

    return spoil


def column(name: str, cell: str) -> Spoil:
    """One more column of the participants' table, its first cell another."""

    def spoil(small: Small) -> None:
        path = small.bids / "participants.tsv"
        header, *rows = path.read_text().splitlines()
        lines = [f"{header}\t{name}", *(f"{row}\t{cell if i == 0 else i}" for i, row in enumerate(rows))]
        path.write_text("\n".join(lines) + "\n")

    return spoil


def european(small: Small) -> None:
    path = small.bids / "phenotype" / "caps5.tsv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *(f"{row},0" for row in rows)]).replace("\t", ";") + "\n")


HARMLESS: dict[str, tuple[Spoil, str]] = {
    "a column of text and numbers": (column("notes", "see file; 3,4"), ""),
    "a column without a name": (column("", "x"), "participants.tsv: column 6 without a name; not read"),
    "a column twice": (column("sex", "x"), "participants.tsv has two columns called sex; neither can be used"),
    "thousands or decimals that nothing needs": (column("volume", "1,234"), ""),
    "digits of another script that nothing needs": (column("volume", "١٢"), ""),
    "a person who takes no part and has no label": (
        people("sub-06\tmidazolam", "pilot one\tn/a"),
        "line 7: participant",
    ),
    "a person who takes no part twice": (
        appended("participants.tsv", "sub-07\tNA\t\t\t\nsub-07\tNA\t\t\t\n"),
        "",
    ),
    "a score's table by its form": (european, "caps5.tsv: semicolons, decimal commas"),
    "a row about nobody in a score's table": (
        appended("phenotype/caps5.tsv", "\tses-1\t3\npilot 1\tses-1\t3\n"),
        "caps5.tsv, line 14: participant_id is empty; give every row a name (and 1 more); not used",
    ),
    "text in a score's row of a session that nothing needs": (
        appended("phenotype/caps5.tsv", "sub-01\tses-9\tlost\n"),
        "",
    ),
    "a broken score that no analysis names": (
        caps("sub-02\tses-1\t34", "sub-02\tses-1\thigh"),
        "total is 'high', where other rows hold numbers; correct it, or write n/a; no analysis uses it",
    ),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_nothing_needs_in_a_table_of_people_never_stops_a_study(case: str, small: Small) -> None:
    spoil, remark = HARMLESS[case]
    spoil(small)
    inventory = small.inventory()
    assert (inventory.errors, inventory.absences) == ((), ())
    assert len(inventory.runs) >= 20
    assert any(remark in line for line in (*inventory.remarks, *([] if remark else [""]))), inventory.remarks
    assert inventory.participants[0].scores["improvement"] == 0


@pytest.mark.parametrize("cell", ["NA", "", "nan", ".", "N/A", "#N/A"])
def test_whatever_is_written_for_a_missing_score_is_missing(small: Small, cell: str) -> None:
    people("31\tF\t4", f"31\tF\t{cell}")(small)
    inventory = small.inventory()
    assert inventory.errors == ()
    assert inventory.remarks == ("score improvement is missing for sub-02",)


def test_a_code_for_missing_is_suspected(small: Small) -> None:
    people("31\tF\t4", "31\tF\t-999")(small)
    assert small.inventory().remarks == (
        "improvement is -999 for sub-02; is it a code for missing? then leave the cell empty",
    )


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


def names(found: StudyParticipants) -> list[str]:
    return [participant.name for participant in found.participants]


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
    np.testing.assert_array_equal([participant.scores["score"] for participant in found.participants], [20, 10, 0])
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


def test_both_sessions_of_a_score_are_read_whatever_it_takes(small: Small) -> None:
    small.set("scores.later", table=small.bids / "phenotype" / "caps5.tsv", column="total", take="after")
    inventory = small.inventory()
    found = session_scores(small.study(), inventory, ["caps", "later"])
    for result in found:
        np.testing.assert_array_equal(result.before, [35.0 - i for i in range(6)])
        np.testing.assert_array_equal(result.after, [30.0 - 2 * i for i in range(6)])
        assert result.unit == "points"
    fall = np.array([participant.scores["caps"] for participant in inventory.participants])
    np.testing.assert_array_equal(found[0].before - found[0].after, fall)


def test_a_missing_session_is_not_a_number(small: Small) -> None:
    small.edit(small.bids / "phenotype" / "caps5.tsv", "sub-03\tses-2\t26\n", "")
    (found,) = session_scores(small.study(), small.inventory(), ["caps"])
    assert np.isnan(found.after[2])
    assert found.before[2] == 33


def test_a_score_of_one_number_has_no_sessions(small: Small) -> None:
    with pytest.raises(DataError, match=r"improvement is one number a participant; .* in \[scores.improvement\] give"):
        session_scores(small.study(), small.inventory(), ["improvement"])


def test_columns_are_numbers_or_kinds(small: Small) -> None:
    small.edit(small.bids / "participants.tsv", "sub-02\tketamine\t31\tF", "sub-02\tketamine\tn/a\tn/a")
    inventory = small.inventory()
    np.testing.assert_array_equal(participant_column(inventory, "age"), [30, np.nan, 34, 39, 46, 55])
    assert participant_column(inventory, "sex") == ("M", "", "M", "F", "M", "F")
    np.testing.assert_array_equal(participant_numbers(inventory, "caps"), [5.0 + i for i in range(6)])


def test_text_among_numbers_names_the_participant(small: Small) -> None:
    small.edit(small.bids / "participants.tsv", "\t34\t", "\tyoung\t")
    with pytest.raises(DataError, match=r"age is 'young', where other rows hold numbers.*\(of sub-03\)"):
        participant_column(small.inventory(), "age")
