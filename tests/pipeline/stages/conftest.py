"""A small synthetic study on disk, and commands run on it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import command_line
import pytest
from small_study import TINY, copy_study, finished_simple_study, make_once, run_copy, simple_images

from pipeline.synthetic import write_study

ANALYSES = """
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

    def make(folder: Path) -> None:
        file = write_study(folder, design=TINY, seed=1)
        text = file.read_text(encoding="utf-8")
        file.write_text(text[: text.index("[group.prediction]")] + ANALYSES, encoding="utf-8")  # one of each is enough

    return make_once(tmp_path_factory, "images", make)


@pytest.fixture
def study(images: Path, tmp_path: Path) -> Path:
    """A copy of one's own; its images are links, so it costs nothing."""
    return copy_study(images, tmp_path / "study")


@pytest.fixture
def simple_study(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A copy of the simple study of one's own, for tests of what is made when."""
    return copy_study(simple_images(tmp_path_factory), tmp_path / "study")


@pytest.fixture(scope="session")
def effconn() -> Effconn:
    """Runs a command to its end."""
    return command_line.effconn


@pytest.fixture(scope="session")
def finished(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`images` after it ran from images to report in one go."""
    return make_once(tmp_path_factory, "finished", partial(run_copy, images))


@pytest.fixture(scope="session")
def simple_finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simple study after it ran so."""
    return finished_simple_study(tmp_path_factory)
