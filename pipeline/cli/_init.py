"""`effconn init`: a BIDS dataset → a commented configuration to start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..common import UsageError, first_names, print_message, write_text
from ._guard import guarded
from ._options import Debug

if TYPE_CHECKING:
    from ..study import DatasetSurvey

HELP = "Look at a BIDS dataset and write a commented configuration to start from, with a schema for editors."
EXAMPLE = "effconn init /data/bids --out study.toml"
STUDY_FILE = "study.toml"


@guarded
def command(
    bids: Annotated[Path, typer.Argument(metavar="BIDS", help="Root of a BIDS dataset.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The configuration to write.")] = Path(
        "study.toml"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    debug: Debug = False,
) -> int:
    """Write the configuration and its schema, and say what was found and what comes next; always 0."""
    return run_init(bids, out, force)


def run_init(bids: Path, out: Path, force: bool = False) -> int:
    """Look at a dataset, write a configuration and its schema, and say what was found and what comes next.

    Arguments:
        bids: root of the dataset.
        out: the configuration to write, or a folder for it.
        force: whether to replace what is there.

    Raises `UsageError` where the dataset cannot be used, or something is there already.
    """
    from ..study import SCHEMA_FILE, describe_guesses, starter_toml, study_schema, survey_dataset

    path = out / STUDY_FILE if out.is_dir() else out
    files = (path, path.with_name(SCHEMA_FILE))
    schema = json.dumps(study_schema(), indent=2, ensure_ascii=False) + "\n"
    _check_free(files, schema, force)
    survey = survey_dataset(bids)
    write_text(files[1], schema)  # first: if the disk is full, the same command can be given again
    write_text(path, starter_toml(survey, path.parent))
    for line in (*_summary(survey), *describe_guesses(survey), *survey.notes, f"wrote {path} and {files[1]}"):
        print_message(line)
    _print_next_step(path)
    return 0


def _check_free(files: tuple[Path, Path], schema: str, force: bool) -> None:
    """Raises `UsageError` where something else is in the way."""
    study, schema_file = files
    if study.suffix != ".toml":
        raise UsageError(f"--out {study} must end in .toml, or be a folder that exists")
    if force:
        return
    if study.exists():
        raise UsageError(f"{study} is there already; give --out another name, or --force to replace it")
    if schema_file.exists() and schema_file.read_bytes() != schema.encode():
        raise UsageError(f"{schema_file} is there already, and is another one; --force replaces it")


def _summary(survey: DatasetSurvey) -> list[str]:
    tasks = [f"{task.name} ({'rest' if task.rest else first_names(task.trial_types)})" for task in survey.tasks]
    arms = (
        f"{survey.arm}: {first_names(survey.arms)}"
        if survey.arm
        else first_names(survey.arm_candidates) or "no column that looks like one"
    )
    scores = [f"{score.column or first_names(score.columns)} of {score.table.name}" for score in survey.scores]
    return [
        f"dataset: {survey.name}, {len(survey.participants)} participants",
        f"arms: {arms}",
        f"sessions: {first_names(survey.sessions) or 'none'}",
        f"tasks: {'; '.join(tasks) or 'none'}",
        f"derivatives: {survey.derivatives or 'none found'}",
        f"spaces: {first_names(survey.spaces) or 'no preprocessed images survey'}",
        f"scores: {first_names(scores) or 'no phenotype table'}",
    ]


def _print_next_step(path: Path) -> None:
    """Print what is left to do: fill in what could not be guessed, or have it checked."""
    from ..study import StudyError, read_study

    try:
        read_study(path)
    except StudyError as error:
        print_message("to be filled in:")
        for line in error.lines:
            print_message(line)
    print_message(f"next: look at the lines marked check: in {path}, then: effconn check {path}")
