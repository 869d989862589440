"""`effconn bids`: a study by the arguments of a BIDS App."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..common import UsageError, bids_label
from ._guard import guarded
from ._options import Debug, Jobs, Scheduler, default_jobs
from ._run import run_and_print, with_folders

HELP = "The same with the arguments of a BIDS App: participant extracts and inverts, group analyses and reports."
EXAMPLE = "effconn bids /data/bids /data/out participant --study study.toml --participant-label 01 02"


@guarded
def command(
    context: typer.Context,
    bids_dir: Annotated[Path, typer.Argument(metavar="BIDS", help="Root of the BIDS dataset.")],
    output_dir: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the results.")],
    level: Annotated[Literal["participant", "group"], typer.Argument(help="Level of the analysis.")],
    study: Annotated[Path, typer.Option("--study", metavar="STUDY.toml", help="The study's configuration.")],
    derivatives: Annotated[
        Path | None, typer.Option(metavar="DIR", help="fMRIPrep's output. Default: what the file says.")
    ] = None,
    participant_label: Annotated[
        list[str] | None,
        typer.Option("--participant-label", "--participant_label", metavar="LABEL…", help="Only these participants."),
    ] = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    debug: Debug = False,
) -> int:
    """Run the stages of a level and print what was done; 0 where all of it has a result, else 1."""
    from ..stages import STAGES, RunOptions
    from ..study import read_study

    if context.args and (participant_label is None or any(argument.startswith("-") for argument in context.args)):
        raise UsageError(f"{context.args[0]!r} is no argument of effconn bids; see effconn bids --help")
    labels = [*(participant_label or ()), *context.args]  # a BIDS App takes several after one option
    if level == "group" and labels:
        raise UsageError("--participant-label says whom the participant level is about; the group has everybody")
    settings = read_study(study)
    settings = with_folders(settings, bids=bids_dir.resolve(), out=output_dir.resolve(), derivatives=derivatives)
    stages = STAGES[2:] if level == "group" else STAGES[:2]
    participants = tuple(map(bids_label, labels))
    options = RunOptions(stages, jobs or default_jobs(), scheduler, participants=participants)
    return run_and_print(settings, options, None)
