"""`effconn demo`: a synthetic study written, run from images to report, and compared with what was planted in it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..common import UsageError, did_you_mean, print_line, print_message, progress, start_jax
from ._guard import guarded
from ._options import Debug, Jobs, default_jobs
from ._run import print_answers

if TYPE_CHECKING:
    from ..stages import ExtraSectionSource

NAMES = (
    "case-control",
    "one-group",
    "covariates",
    "pre-post",
    "three-arms",
    "longitudinal",
    "crossover",
    "multi-run",
    "sites",
    "series-only",
    "modulator",
    "rest",
)
HELP = "Write a small synthetic study as a BIDS dataset, run everything on it, and show what was recovered."
EXAMPLE = "effconn demo --design crossover --out crossover && open crossover/results/report.html"


@guarded
def command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the study and its results.")] = Path(
        "demo"
    ),
    design: Annotated[
        str | None,
        typer.Option(
            "--design", metavar="NAME", help=f"Another design than the trial of two arms: {', '.join(NAMES)}."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 0,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Under a minute: fewer participants and one task; of a --design, as --series, no images."
        ),
    ] = False,
    series: Annotated[
        bool, typer.Option("--series", help="Of a --design: region series instead of images, which is quicker.")
    ] = False,
    jobs: Jobs = None,
    debug: Debug = False,
) -> int:
    """Write the study, run it, print its answers and where its report is; 0 where all of it has a result, else 1."""
    from ..stages import RunOptions, run_study
    from ..study import read_study

    _check_options(design, series)
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; give a folder")
    if design is None:
        study, extra = read_study(write_demo_study(out, seed, quick)), _trial_recovery(out)
    else:
        study, extra = read_study(write_example_study(out, design, seed, series or quick)), _example_recovery(out)
    run = run_study(study, RunOptions(jobs=jobs or default_jobs()), print_message, progress, extra)
    for outcome in run.failed:
        print_message(f"{outcome.unit.stage} {outcome.unit.name} failed: {outcome.reason}")
    if run.page is not None:
        print_answers(run.page)
        print_line(f"the demo's page: {run.page.resolve()}")
    return 1 if run.failed else 0


def _check_options(design: str | None, series: bool) -> None:
    """Raises `UsageError` where a design is unknown, or an option would be ignored."""
    if design is not None and design not in NAMES:
        raise UsageError(f"--design {design!r} is unknown{did_you_mean(design, NAMES, 'designs')}")
    if design is None and series:
        raise UsageError("--series is of a --design; the trial is written as images, and smaller with --quick")


def _trial_recovery(folder: Path) -> ExtraSectionSource:
    from ..stages import ExtraSectionSource
    from ..synthetic import read_truth, study_recovery_section, truth_files

    return ExtraSectionSource(partial(study_recovery_section, read_truth(folder)), truth_files(folder))


def _example_recovery(folder: Path) -> ExtraSectionSource:
    from ..stages import ExtraSectionSource
    from ..synthetic import example_recovery_section, example_truth_files, read_example_truth

    truth = read_example_truth(folder)
    return ExtraSectionSource(partial(example_recovery_section, truth), example_truth_files(folder))


def write_demo_study(folder: Path, seed: int, quick: bool) -> Path:
    """Writes the synthetic trial to a folder; its configuration."""
    from ..synthetic import QUICK, StudyDesign, write_study

    start_jax()
    print_message(f"writing a synthetic study to {folder} …")
    try:
        with progress("writing images") as bar:
            return write_study(folder, design=QUICK if quick else StudyDesign(), seed=seed, on_progress=bar)
    except ValueError as error:
        raise UsageError(str(error)) from error


def write_example_study(folder: Path, name: str, seed: int, series: bool) -> Path:
    """Writes a synthetic study of another design to a folder; its configuration."""
    from ..synthetic import DESIGNS, write_example

    start_jax()
    design = DESIGNS[name]
    what = "region series of a synthetic study" if series else "a synthetic study"
    print_message(f"writing {what} ({design.shape}) to {folder} …")
    try:
        with progress("writing runs") as bar:
            return write_example(folder, design, seed=seed, source="series" if series else "images", on_progress=bar)
    except ValueError as error:
        raise UsageError(str(error)) from error
