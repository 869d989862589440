"""A study's posteriors are checked with the series that the study extracted."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.posterior_check import read_posteriors


def test_a_posterior_of_a_study_finds_its_series(finished: Path, tmp_path: Path) -> None:
    path = sorted((finished / "results" / "dcm").rglob("*.nc"))[0]
    found, lines = read_posteriors([path], [], "none")
    assert lines == []
    assert [one.name for one in found] == [path.stem]
    shutil.copy(path, tmp_path)
    found, lines = read_posteriors([tmp_path / path.name], [], "none")
    assert found == []
    assert "say where they are with --series" in lines[0]
    found, lines = read_posteriors([tmp_path / path.name], [finished / "results"], "none")
    assert len(found) == 1, lines
