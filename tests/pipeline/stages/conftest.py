"""A small synthetic study on disk, and the console script as a process."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import command_line
import pytest
from small_study import TINY, write_simple_study

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


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first of all worker processes makes, and the others find; nobody changes it afterwards."""
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder, done = base / f"shared-{name}", base / f"{name}.done"
        if not done.exists():
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has not run: eight participants, two sessions, faces; one run was never acquired."""

    def make(folder: Path) -> None:
        file = write_study(folder, design=TINY, seed=1)
        text = file.read_text(encoding="utf-8")
        file.write_text(text[: text.index("[group.prediction]")] + ANALYSES, encoding="utf-8")  # one of each is enough

    return made_once(tmp_path_factory, "images", make)


@pytest.fixture(scope="session")
def simple_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same where it costs least, for tests of what is made when: seven participants in SPM12's mode."""

    return made_once(tmp_path_factory, "simple-images", write_simple_study)


@pytest.fixture
def study(images: Path, tmp_path: Path) -> Path:
    """A copy of one's own; its images are links, so it costs nothing."""
    return copy_study(images, tmp_path / "study")


@pytest.fixture
def simple_study(simple_images: Path, tmp_path: Path) -> Path:
    """A copy of the simple study of one's own."""
    return copy_study(simple_images, tmp_path / "study")


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
    return made_once(tmp_path_factory, "finished", partial(run_copy, effconn, images))


@pytest.fixture(scope="session")
def simple_finished(simple_images: Path, effconn: Effconn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simple study that ran so."""
    return made_once(tmp_path_factory, "simple-finished", partial(run_copy, effconn, simple_images))


def run_copy(effconn: Effconn, images: Path, folder: Path) -> None:
    """A copy of a study in `folder`, run."""
    copy_study(images, folder)
    done = effconn("run", folder / "study.toml", "--jobs", "1", "--json", folder / "run.json")
    assert done.returncode == 0, done.stderr
