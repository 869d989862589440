"""`effconn run`: a study from images to report."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..common import format_duration, print_line, print_message, progress, read_json, release, write_json
from ._check import inventory_json, print_missing
from ._guard import guarded
from ._options import Debug, Jobs, Json, Scheduler, StudyFile, default_jobs

if TYPE_CHECKING:
    from ..stages import RunOptions, StudyRun
    from ..study import Study

HELP = (
    "Take a study from preprocessed images to a report: series, models, group analyses, measures, "
    "statistics, predictions. What is done already and "
    "has not changed is kept; a run that was killed goes on where it stopped."
)
EXAMPLE = "effconn run study.toml --jobs 4"


@guarded
def command(
    study: StudyFile,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for the results. Default: what the file says.")
    ] = None,
    only: Annotated[
        Literal["extract", "invert", "group", "measure", "statistics", "predict", "report"] | None,
        typer.Option(metavar="STAGE", help="One stage alone."),
    ] = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    force: Annotated[bool, typer.Option("--force", help="Do anew what is done already.")] = False,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Run a study and print what was done; 0 where all of it has a result, else 1."""
    from ..stages import STAGES, RunOptions
    from ..study import read_study

    settings = read_study(study)
    if out is not None:
        settings = with_folders(settings, out=out.resolve())
    stages = STAGES if only is None else (only,)
    return run_and_print(settings, RunOptions(stages, jobs or default_jobs(), scheduler, force), json)


def with_folders(study: Study, **folders: Path | None) -> Study:
    """The study with other folders; None leaves one as it is."""
    given = {key: folder for key, folder in folders.items() if folder is not None}
    return study.model_copy(update={"study": study.study.model_copy(update=given)})


def run_and_print(study: Study, options: RunOptions, json_file: Path | None) -> int:
    """Run a study, print what each stage did, and write it as JSON where asked; the exit code."""
    from ..stages import run_study

    run = run_study(study, options, print_message, progress)
    print_missing(run.inventory)
    for stage, seconds in run.seconds.items():
        counts = Counter(outcome.status for outcome in run.outcomes if outcome.unit.stage == stage)
        words = ", ".join(f"{counts[status]} {status}" for status in ("made", "kept", "failed") if counts[status])
        print_message(f"{stage}: {words or 'nothing to do'} ({format_duration(seconds)})")
    if run.page is not None:
        print_answers(run.page)
        print_line(f"report: {run.page.resolve()}")
    if json_file is not None:
        write_json(json_file, _json(run))
    return 1 if run.failed else 0


def print_answers(page: Path) -> None:
    """What the report says first, as far as there is one."""
    content = page.with_suffix(".json")
    if not content.is_file():
        return
    for answer in read_json(content)["answers"]:
        said = f"{answer['question']} {answer['verdict'].capitalize()}: {answer['answer']}"
        print_message(said.replace("\N{NO-BREAK SPACE}", " "))  # a page's; on a terminal it would be shown as a code


def _json(run: StudyRun) -> dict[str, Any]:
    return {
        "effconn": release(),
        "report": None if run.page is None else str(run.page),
        "seconds": run.seconds,
        "units": [
            {
                "stage": outcome.unit.stage,
                "name": outcome.unit.name,
                "how": outcome.status,
                "reason": outcome.reason,
            }
            for outcome in run.outcomes
        ],
        **inventory_json(run.inventory),
    }
