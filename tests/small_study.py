"""Synthetic studies that are as small as they can be, and what they come to, made once for all tests."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
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
SIMPLE = replace(TINY, ketamine=4, missing=())


def write_simple_study(folder: Path) -> Path:
    """Writes a study that costs least: seven participants in SPM12's mode, nothing after the group; its study.toml."""
    file = write_study(folder, design=SIMPLE, seed=1)
    text = file.read_text(encoding="utf-8")
    text = 'compat = "spm12"\n' + text[: text.index("[group.prediction]")]
    text = text.replace('noise = "ar1"', 'noise = "ols"')
    for lines in ("contrasts.faces-over-shapes", "[tasks.faces.distances", "between ="):
        text = re.sub(rf"(?m)^{re.escape(lines)}.*\n", "", text)
    file.write_text(text, encoding="utf-8")
    return file


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first of all worker processes makes, and the others find; nobody changes it afterwards."""
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder, done = base / f"shared-{name}", base / f"{name}.done"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what an attempt that failed left
            make(folder)
            done.touch()
    return folder


def copy_study(source: Path, target: Path) -> Path:
    """The study in another folder, without results, sharing its files."""
    shutil.copytree(source, target, copy_function=os.link, ignore=shutil.ignore_patterns("results"))
    return target


def run_copy(images: Path, folder: Path) -> None:
    """A copy of a study in `folder`, run from images to report in one go."""
    copy_study(images, folder)
    done = command_line.effconn("run", folder / "study.toml", "--jobs", "1", "--json", folder / "run.json")
    assert done.returncode == 0, done.stderr


def simple_images(factory: pytest.TempPathFactory) -> Path:
    """The simple study before it ran."""
    return make_once(factory, "simple-images", write_simple_study)


def finished_simple_study(factory: pytest.TempPathFactory) -> Path:
    """The simple study that ran."""
    images = simple_images(factory)
    return make_once(factory, "simple-finished", lambda folder: run_copy(images, folder))
