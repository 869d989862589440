"""A small synthetic study on disk, and the console script as a process."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import command_line
import pytest

from pipeline.synthetic import StudyDesign, write_study

TINY = StudyDesign(
    ketamine=5,
    midazolam=3,
    faces_scans=80,
    stroop_scans=0,
    rest_scans=0,
    missing=((2, 2, "faces"),),
    restless=(),
    unsteady=(),
    dropout=None,
)
PREDICTION = """
[measures]
kinds = ["response", "gppi", "dcm"]

[predict.mechanism]
outcome = "improvement"
model = "change"
measures = ["dcm_B_*", "response_faces_task_*"]
permutations = 20
bootstraps = 10

[statistics]
outcomes = ["improvement"]
measures = ["dcm_B_*"]
subscales = ["improvement"]
"""
Effconn = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has not run: eight participants, two sessions, faces; one run was never acquired."""
    folder = tmp_path_factory.mktemp("images") / "study"
    file = write_study(folder, design=TINY, seed=1)
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: text.index("[group.prediction]")] + PREDICTION, encoding="utf-8")  # one of each is enough
    return folder


@pytest.fixture
def study(images: Path, tmp_path: Path) -> Path:
    """A copy of one's own; its images are links, so it costs nothing."""
    return copy_study(images, tmp_path / "study")


def copy_study(source: Path, target: Path) -> Path:
    """The study in another folder, without results, sharing its files."""
    shutil.copytree(source, target, copy_function=os.link, ignore=shutil.ignore_patterns("results"))
    return target


@pytest.fixture(scope="session")
def effconn() -> Effconn:
    """Runs a command to its end."""
    return command_line.effconn


@pytest.fixture(scope="session")
def finished(images: Path, effconn: Effconn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that ran from images to report in one go."""
    folder = copy_study(images, tmp_path_factory.mktemp("finished") / "study")
    done = effconn("run", folder / "study.toml", "--jobs", "1", "--json", folder / "run.json")
    assert done.returncode == 0, done.stderr
    return folder
