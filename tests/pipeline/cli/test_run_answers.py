"""`effconn run` ends with what the report says first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli._run import print_answers


def test_answers_of_the_report_are_printed_with_their_verdicts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [
        {"question": "Which connections change on average?", "verdict": "yes", "answer": "vmPFC excites amygdala."}
    ]
    (tmp_path / "report.json").write_text(json.dumps({"answers": answers}))
    print_answers(tmp_path / "report.html")
    assert "Which connections change on average? Yes: vmPFC excites amygdala." in capsys.readouterr().err


def test_spaces_of_a_page_that_do_not_break_are_plain_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = [{"question": "Which?", "verdict": "yes", "answer": "P(difference\N{NO-BREAK SPACE}< 0) 0.989."}]
    (tmp_path / "report.json").write_text(json.dumps({"answers": answers}))
    print_answers(tmp_path / "report.html")
    assert "P(difference < 0) 0.989." in " ".join(capsys.readouterr().err.split())


def test_a_run_without_a_report_prints_no_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_answers(tmp_path / "report.html")
    assert capsys.readouterr().err == ""
