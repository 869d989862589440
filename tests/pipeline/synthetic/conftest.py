"""A small synthetic study with every task, written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.synthetic import StudyDesign, write_study

SMALL = StudyDesign(
    ketamine=3,
    midazolam=3,
    faces_scans=80,
    stroop_scans=40,
    rest_scans=30,
    missing=((2, 1, "stroop"), (5, 2, "rest")),
    restless=((3, 1),),
    unsteady=((1, 2),),
    dropout=6,
)


@pytest.fixture(scope="session")
def design() -> StudyDesign:
    """What the study is made of."""
    return SMALL


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder; leave it as it is."""
    folder = tmp_path_factory.mktemp("synthetic")
    write_study(folder, design=SMALL, seed=3)
    return folder
