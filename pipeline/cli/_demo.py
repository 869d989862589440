"""`effconn demo`: a synthetic study written, run from images to report, and held against what was planted in it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..common import UsageError, print_line, print_message, progress
from ..stages import ExtraSectionSource, RunOptions, run_study
from ..study import read_study
from ._run import default_jobs


def show_demo(folder: Path, seed: int, quick: bool, jobs: int | None = None) -> int:
    """Write the study, run it, print where its report lies; 0 where all of it has a result, else 1."""
    from ..synthetic import read_truth, study_recovery_section, truth_files

    study = read_study(_written(folder, seed, quick))
    beside = ExtraSectionSource(partial(study_recovery_section, read_truth(folder)), truth_files(folder))
    found = run_study(study, RunOptions(jobs=jobs or default_jobs()), print_message, progress, beside)
    for one in found.failed:
        print_message(f"{one.unit.stage} {one.unit.name} failed: {one.reason}")
    if found.page is not None:
        print_line(f"the demo's page: {found.page.resolve()}")
    return 1 if found.failed else 0


def _written(folder: Path, seed: int, quick: bool) -> Path:
    """The configuration of the study in a folder."""
    from ..common import start_jax
    from ..synthetic import QUICK, StudyDesign, write_study

    start_jax()
    print_message(f"writing a synthetic study to {folder} …")
    try:
        with progress("writing images") as bar:
            return write_study(folder, design=QUICK if quick else StudyDesign(), seed=seed, on_progress=bar)
    except ValueError as error:
        raise UsageError(str(error)) from error
