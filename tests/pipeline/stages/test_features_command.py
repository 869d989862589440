"""`effconn features`: the table of a study that ran, and of one that did not."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.measures import read_features

Effconn = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def reported(
    finished: Path, effconn: Effconn, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The table of the finished study, elsewhere, and what was said."""
    study = shutil.copytree(finished, tmp_path_factory.mktemp("told") / "study")
    folder = study / "elsewhere"
    done = effconn("features", study / "study.toml", "--out", folder / "f.tsv", "--json", folder / "f-run.json")
    assert done.returncode == 0, done.stderr
    return folder, done


def test_the_table_has_a_row_for_every_visit_and_gaps_where_a_run_is_missing(
    reported: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    table = read_features(reported[0] / "f.tsv")
    assert len(table.participants) == 16
    kinds = {measure.kind for measure in table.measures}
    assert {"response", "gppi", "dcm"} <= kinds
    absent = [i for i, row in enumerate(table.values[:, : len(table.measures)]) if row[0] != row[0]]
    assert [(table.participants[i], table.sessions[i]) for i in absent] == [("sub-02", "ses-2")]
    assert table.column("improvement")[absent[0]] == table.column("improvement")[absent[0] - 1]


def test_what_is_said_fits_what_is_written(reported: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = reported
    assert "16 rows, 8 participants" in done.stdout
    assert "gppi" in done.stdout
    said = json.loads((folder / "f-run.json").read_text(encoding="utf-8"))
    assert len(said["rows"]) == 16
    assert said["kinds"]["dcm"]["missing"] == pytest.approx(1 / 16)
    assert said["failed"] == []
    assert [(gap["participant"], gap["session"]) for gap in said["missing"]] == [("sub-02", "ses-2")]
    assert "missing: sub-02_ses-2" in done.stderr


def test_a_table_by_another_name_is_refused_before_any_work(study: Path, effconn: Effconn) -> None:
    done = effconn("features", study / "study.toml", "--out", study / "f.csv")
    assert done.returncode == 2
    assert "is no .tsv" in done.stderr
    assert not (study / "results").exists()
