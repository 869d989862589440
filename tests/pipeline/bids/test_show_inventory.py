"""`effconn check` on the terminal: who has what, totals, what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.cli import _check
from pipeline.cli._check import print_inventory
from pipeline.stages import run_records

Small = Any  # the conftest's SmallStudy, which tests cannot import


def shown(small: Small, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    print_inventory(small.study(), small.inventory())
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_everybody_of_a_small_study_has_a_row_and_tasks_their_totals(
    small: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    small.events("sub-03_ses-2_task-faces").unlink()
    out, err = shown(small, capsys)
    rows = {line.split()[0]: line for line in out.splitlines() if line.startswith("sub-")}
    assert set(rows) == {f"sub-0{i}" for i in range(1, 7)}
    assert rows["sub-03"].count("✓") == 3
    assert rows["sub-03"].count("missing") == 1
    assert "6 participants (3 ketamine, 3 midazolam), 0 left out" in out
    assert "faces: 11 runs of 12; both sessions of 5" in out
    assert "rest: 12 runs of 12; both sessions of 6" in out
    mode = "mode none (full equations, AR(1) noise, effconn's priors, 3 starts, inputs as presented)"
    assert f"[dcm]: {mode}" in out
    assert "missing: sub-03_ses-2_task-faces: sub-03/ses-2/func/sub-03_ses-2_task-faces_events.tsv is missing" in err


def test_of_a_big_study_only_those_who_lack_something_are_shown(
    small: Small, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_check, "MOST_PARTICIPANTS", 3)
    small.bold("sub-05_ses-1_task-rest").unlink()
    out, _ = shown(small, capsys)
    assert "Participants who lack a run, 1 of 6" in out
    assert [line.split()[0] for line in out.splitlines() if line.startswith("sub-")] == ["sub-05"]


def test_the_same_reason_is_one_line(small: Small, capsys: pytest.CaptureFixture[str]) -> None:
    for path in small.derivatives.glob("sub-0[12]/ses-*/func/*task-rest*_mask.nii.gz"):
        path.write_bytes(b"")
    for participant in ("sub-04", "sub-05"):
        for session in ("ses-1", "ses-2"):
            small.bold(f"{participant}_{session}_task-rest").write_bytes(b"")
    _, err = shown(small, capsys)
    lines = [line for line in err.splitlines() if line.startswith("missing: ")]
    assert [line.partition(": sub-…")[0] for line in lines] == [
        f"missing: {', '.join(f'{name}_ses-{session}_task-rest' for name in names for session in (1, 2))}"
        for names in (("sub-01", "sub-02"), ("sub-04", "sub-05"))
    ]
    small.set("study", space="nowhere")
    _, err = shown(small, capsys)
    assert err.startswith("error: [study] space: no image is in 'nowhere'")


def test_brackets_and_markup_in_a_table_are_shown_as_they_are(small: Small, capsys: pytest.CaptureFixture[str]) -> None:
    small.edit(small.bids / "participants.tsv", "sub-02\tketamine", "sub-02\t[bold]ketamine")
    _, err = shown(small, capsys)
    assert "group is '[bold]ketamine' for sub-02" in err


def test_records_hold_scores_runs_and_reasons(small: Small) -> None:
    small.mask("sub-02_ses-1_task-rest").unlink()
    study, inventory = small.study(), small.inventory()
    people = run_records(study, inventory)
    assert people.rows[1]["ses-1_task-rest"] == "missing"
    assert people.marked == frozenset({1})
    assert people.rows[1]["score_caps"] == 6.0
