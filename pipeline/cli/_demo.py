"""`effconn demo`: a synthetic study written, run from images to report, and compared with what was planted in it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ..common import UsageError, print_line, print_message, progress, start_jax
from ._guard import guarded
from ._options import Debug, Jobs, default_jobs

HELP = "Write a small synthetic trial as a BIDS dataset, run everything on it, and show what was recovered."
EXAMPLE = "effconn demo --out demo && open demo/results/report.html"


@guarded
def command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the study and its results.")] = Path(
        "demo"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer participants and one task: under a minute.")] = False,
    jobs: Jobs = None,
    debug: Debug = False,
) -> int:
    """Write the study, run it, print where its report is; 0 where all of it has a result, else 1."""
    from ..stages import ExtraSectionSource, RunOptions, run_study
    from ..study import read_study
    from ..synthetic import read_truth, study_recovery_section, truth_files

    study = read_study(write_demo_study(out, seed, quick))
    extra = ExtraSectionSource(partial(study_recovery_section, read_truth(out)), truth_files(out))
    run = run_study(study, RunOptions(jobs=jobs or default_jobs()), print_message, progress, extra)
    for outcome in run.failed:
        print_message(f"{outcome.unit.stage} {outcome.unit.name} failed: {outcome.reason}")
    if run.page is not None:
        print_line(f"the demo's page: {run.page.resolve()}")
    return 1 if run.failed else 0


def write_demo_study(folder: Path, seed: int, quick: bool) -> Path:
    """Writes the synthetic study to a folder; its configuration."""
    from ..synthetic import QUICK, StudyDesign, write_study

    start_jax()
    print_message(f"writing a synthetic study to {folder} …")
    try:
        with progress("writing images") as bar:
            return write_study(folder, design=QUICK if quick else StudyDesign(), seed=seed, on_progress=bar)
    except ValueError as error:
        raise UsageError(str(error)) from error
