"""One study that never ran, and the report of it, for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_study import HOSTILE, made_up_study

from pipeline.report import StudyResult, write_report


@pytest.fixture(scope="session")
def result(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """Eight participants; the first has a name that a page must escape."""
    return made_up_study(tmp_path_factory.mktemp("study"), first=HOSTILE)


@pytest.fixture(scope="session")
def written(result: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every file of its report."""
    return write_report(result, tmp_path_factory.mktemp("out") / "report.html")


@pytest.fixture(scope="session")
def html(written: list[Path]) -> str:
    """The page."""
    return next(path for path in written if path.suffix == ".html").read_text(encoding="utf-8")
