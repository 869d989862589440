"""What is wrong with a study as a whole is an error, in one line that says where and what to do."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Small = Any  # the conftest's SmallStudy, which tests cannot import
Spoil = Callable[[Small], None]


def people(old: str, new: str) -> Spoil:
    return lambda small: small.edit(small.bids / "participants.tsv", old, new)


def caps(old: str, new: str) -> Spoil:
    return lambda small: small.edit(small.bids / "phenotype" / "caps5.tsv", old, new)


def setting(part: str, **changes: Any) -> Spoil:
    return lambda small: small.set(part, **changes)


def no_sessions(small: Small) -> None:
    for participant in sorted(small.derivatives.glob("sub-*")):
        (participant / "ses-1" / "func").rename(participant / "func")
        for session in ("ses-1", "ses-2"):
            shutil.rmtree(participant / session)


def renamed_tables(small: Small) -> None:
    shutil.move(small.bids / "participants.tsv", small.bids / "people.tsv")


ERRORS: dict[str, tuple[Spoil, str]] = {
    "no BIDS folder": (setting("study", bids=Path("/nowhere")), r"\[study\] bids: /nowhere does not exist"),
    "derivatives a folder too high": (
        lambda small: small.set("study", derivatives=small.bids / "derivatives"),
        r"holds no sub-\* folder; did you mean .*/derivatives/fmriprep\?",
    ),
    "derivatives are a file": (
        lambda small: small.set("study", derivatives=small.bids / "participants.tsv"),
        r"participants\.tsv is a file, not a folder",
    ),
    "no participants' table": (renamed_tables, r"participants\.tsv: does not exist"),
    "table without rows": (
        lambda small: (small.bids / "participants.tsv").write_text("participant_id\tgroup\timprovement\n"),
        "has a header but no row",
    ),
    "a participant twice": (people("sub-02", "sub-01"), r"line 3: participant_id is sub-01, as in line 2"),
    "twice, once without sub-": (people("sub-02", "01"), r"line 3: participant_id is sub-01, as in line 2"),
    "a name that is no label": (
        people("sub-02", "sub-<b>"),
        r"line 3: participant_id is 'sub-<b>', which is no BIDS label",
    ),
    "a name that leaves the folder": (people("sub-02", "sub-../x"), "no BIDS label"),
    "no name": (people("sub-02", "n/a"), "line 3: participant_id is empty"),
    "no column of the arm": (
        setting("participants", arm="grop"),
        r"has no column 'grop', which \[participants\] arm names; did you mean 'group'\?",
    ),
    "an unknown arm": (
        people("sub-02\tketamine", "sub-02\tketamin"),
        r"group is 'ketamin' for sub-02 \(line 3\), which is no arm .*did you mean 'ketamine'\?",
    ),
    "an arm of nobody": (
        setting("participants", exclude={f"sub-0{i}": "moved" for i in (4, 5, 6)}),
        "no participant has group midazolam",
    ),
    "excluded but unknown": (
        setting("participants", exclude={"sub-99": "withdrew"}),
        "exclude names sub-99, who is not in participants.tsv",
    ),
    "a score without its column": (
        setting("scores.caps", column="totl"),
        r"\[scores\.caps\]: caps5\.tsv, line 1: has no column 'totl'; did you mean 'total'\?",
    ),
    "a score without its table": (
        setting("scores.caps", table=Path("/nowhere/caps.tsv")),
        r"\[scores\.caps\]: /nowhere/caps\.tsv: does not exist",
    ),
    "a score that is text": (
        caps("sub-02\tses-1\t34", "sub-02\tses-1\thigh"),
        r"\[scores\.caps\]: caps5\.tsv, line 4: total is 'high', where other rows hold numbers",
    ),
    "a score of thousands or decimals": (caps("sub-02\tses-1\t34", "sub-02\tses-1\t1,234"), "may mean 1234 or 1.234"),
    "all of a score text": (setting("scores.age", column="sex"), r"\[scores\.age\]: .*sex is 'M', where a number"),
    "a score beyond a double": (caps("sub-02\tses-1\t34", "sub-02\tses-1\t1e999"), "beyond what a double holds"),
    "sessions without a column": (
        setting("scores.improvement", take="fall"),
        r"\[scores\.improvement\]: participants\.tsv, line 1: has no column session_id",
    ),
    "sessions the table does not have": (
        setting("sessions", before="ses-pre"),
        r"\[scores\.caps\]: caps5\.tsv: no row has session_id 'ses-pre'; there are ses-1, ses-2",
    ),
    "several rows of one": (
        setting("scores.caps", take="once"),
        r"caps5\.tsv, line 3: sub-01 has a row in line 2, too; give each one row",
    ),
    "a score of nobody": (
        lambda small: (small.bids / "phenotype" / "caps5.tsv").write_text(
            "participant_id\tsession_id\ttotal\nsub-77\tses-1\t3\nsub-77\tses-2\t3\n"
        ),
        r"\[scores\.caps\]: caps5\.tsv has total of no participant",
    ),
    "no sessions": (no_sessions, r"has no ses-\* folders; leave \[sessions\] empty"),
    "an unknown session": (
        setting("sessions", after="ses-3"),
        r"\[sessions\] after: no participant has 'ses-3' in .*; did you mean 'ses-\d'\? \(sessions: ses-1, ses-2\)",
    ),
    "an unknown task": (
        lambda small: small.settings["tasks"].update(face={}),
        r"\[tasks\] face: no participant has an image of this task; did you mean 'faces'\? \(tasks: faces, rest\)",
    ),
    "an unknown space": (
        setting("study", space="MNI152NLin6Asym"),
        r"\[study\] space: no image is in 'MNI152NLin6Asym'; did you mean 'MNI152NLin2009cAsym'\?",
    ),
    "other people than in the table": (
        lambda small: [
            participant.rename(participant.with_name(f"sub-9{participant.name[-1]}"))
            for participant in small.derivatives.glob("sub-*")
        ],
        r"holds no participant of the table; it has sub-91, sub-92",
    ),
    "a trial type of no run": (
        setting("tasks.faces.conditions", shapes=("shape",)),
        r"\[tasks\.faces\.conditions\] shapes: no run has the trial type 'shape'; did you mean 'shapes'\?",
    ),
    "a task without any usable run": (
        lambda small: [path.unlink() for path in small.bids.glob("sub-*/ses-*/func/*_events.tsv")],
        r"\[tasks\] faces: no run can be used; one reason is: .*_events\.tsv is missing",
    ),
}


@pytest.mark.parametrize(("spoil", "expected"), ERRORS.values(), ids=ERRORS)
def test_a_mistake_in_the_study_is_one_clear_line(spoil: Spoil, expected: str, small: Small) -> None:
    small.set("statistics", cohort=("caps", "age", "improvement"))
    spoil(small)
    errors = small.inventory().errors
    assert any(re.search(expected, line) for line in errors), errors
    assert all("\n" not in line and "Error" not in line for line in errors)


def test_all_mistakes_come_at_once(small: Small) -> None:
    small.set("statistics", cohort=("caps",))
    small.edit(small.bids / "participants.tsv", "sub-02\tketamine", "sub-02\tplacebo")
    small.set("scores.caps", column="nothing")
    small.set("sessions", after="ses-9")
    heads = ("participants.tsv", "[scores.caps]", "[sessions] after")
    errors = small.inventory().errors
    assert all(any(line.startswith(head) for line in errors) for head in heads), errors


def test_a_valid_study_has_every_run_and_nothing_to_say(small: Small) -> None:
    inventory = small.inventory()
    assert (inventory.errors, inventory.absences, inventory.remarks, inventory.left_out) == ((), (), (), ())
    assert [run.label for run in inventory.runs[:3]] == [
        "sub-01_ses-1_task-faces",
        "sub-01_ses-1_task-rest",
        "sub-01_ses-2_task-faces",
    ]
    assert len(inventory.runs) == 24
    first = inventory.runs[0]
    assert (first.scans, first.repetition_time, first.echo_time, first.reference) == (40, 2.0, 0.03, 0.25)
    assert first.events is not None
    assert inventory.runs[1].events is None
    assert all(path.is_file() for path in first.files)


def test_who_is_left_out_is_told_and_why(small: Small) -> None:
    small.set("participants", exclude={"sub-06": "withdrew consent"})
    small.edit(small.bids / "participants.tsv", "sub-03\tketamine", "sub-03\tn/a")
    inventory = small.inventory()
    assert [participant.name for participant in inventory.participants] == ["sub-01", "sub-02", "sub-04", "sub-05"]
    assert inventory.left_out == (
        ("sub-03", "has no group in participants.tsv, line 4"),
        ("sub-06", "withdrew consent"),
    )
    assert "sub-06 is left out: withdrew consent" in inventory.remarks


def test_labels_without_prefix_are_taken_and_remarked_on(small: Small) -> None:
    table = small.bids / "participants.tsv"
    table.write_text(table.read_text().replace("sub-", ""))
    inventory = small.inventory()
    assert len(inventory.runs) == 24
    assert any("lack sub- in front" in line for line in inventory.remarks)


def test_scores_fall_from_before_to_after_under_either_spelling_of_sessions(small: Small) -> None:
    small.set("scores.rise", **small.settings["scores"]["caps"] | {"take": "rise"})
    caps5 = small.bids / "phenotype" / "caps5.tsv"
    caps5.write_text(caps5.read_text().replace("ses-", "").replace("sub-", ""))
    scores = [participant.scores for participant in small.inventory().participants]
    assert [score["caps"] for score in scores] == [5, 6, 7, 8, 9, 10]
    assert all(score["rise"] == -score["caps"] for score in scores)


def test_a_missing_score_is_nan_and_named(small: Small) -> None:
    small.edit(small.bids / "phenotype" / "caps5.tsv", "sub-02\tses-2\t28", "sub-02\tses-2\tn/a")
    inventory = small.inventory()
    assert inventory.errors == ()
    values = {participant.name: participant.scores["caps"] for participant in inventory.participants}
    assert str(values["sub-02"]) == "nan"
    assert inventory.remarks == ("score caps is missing for sub-02",)


def test_people_in_the_derivatives_alone_are_named(small: Small) -> None:
    shutil.copytree(small.derivatives / "sub-01", small.derivatives / "sub-77")
    assert small.inventory().remarks == ("sub-77: in the derivatives, but not in the participants' table; not used",)


def test_tables_are_not_believed_to_be_code(small: Small) -> None:
    small.edit(small.bids / "participants.tsv", "\t30\t", "\t=HYPERLINK(1)\t")
    assert small.inventory().participants[0].values["age"] == "=HYPERLINK(1)"


def test_progress_counts_every_run(small: Small) -> None:
    from pipeline.bids import collect_inventory

    reported: list[tuple[int, int]] = []
    collect_inventory(small.study(), lambda done, total: reported.append((done, total)))
    assert reported == [(i + 1, 24) for i in range(24)]
