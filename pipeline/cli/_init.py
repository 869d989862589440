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
    from ..study import DatasetSurvey, SurveyedTask

HELP = "Look at a BIDS dataset and write a commented configuration to start from, with a schema for editors."
EXAMPLE = "effconn init /data/bids --out study.toml"
STUDY_FILE = "study.toml"


@guarded
def command(
    bids: Annotated[Path | None, typer.Argument(metavar="[BIDS]", help="Root of a BIDS dataset.")] = None,
    derivatives: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="fMRIPrep's output; alone, where there is no BIDS dataset. Default: in the dataset or beside it.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The configuration to write.")] = Path(
        "study.toml"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    debug: Debug = False,
) -> int:
    """Write the configuration and its schema, and say what was found and what comes next; always 0."""
    return run_init(bids, out, force, derivatives=derivatives)


def run_init(bids: Path | None, out: Path, force: bool = False, *, derivatives: Path | None = None) -> int:
    """Look at a dataset, write a configuration and its schema, and say what was found and what comes next.

    Arguments:
        bids: root of the dataset, or of derivatives.
        out: the configuration to write, or a folder for it.
        force: whether to replace what is there.
        derivatives: fMRIPrep's output; None: it is looked for in the dataset and beside it.

    Raises `UsageError` where the dataset cannot be used, or something is there already.
    """
    from ..study import SCHEMA_FILE, describe_guesses, starter_toml, study_schema, survey_dataset

    if bids is None and derivatives is None:
        raise UsageError("give the root of a BIDS dataset, or --derivatives with the folder that fMRIPrep wrote")
    path = out / STUDY_FILE if out.is_dir() else out
    files = (path, path.with_name(SCHEMA_FILE))
    schema = json.dumps(study_schema(), indent=2, ensure_ascii=False) + "\n"
    check_free(files, schema, force)
    survey = survey_dataset(bids, derivatives)
    if survey.series:
        raise UsageError(
            f"{survey.derivatives} holds series of regions, as XCP-D writes them, and no preprocessed images; start "
            f"from them by effconn series {survey.derivatives} --out {path.parent}"
        )
    write_text(files[1], schema)  # first: if the disk is full, the same command can be given again
    write_text(path, starter_toml(survey, path.parent))
    for line in (*_summary(survey), *describe_guesses(survey), *survey.notes):
        print_message(line)
    for line in survey.problems:
        print_message(f"missing: {line}")
    print_message(f"wrote {path} and {files[1]}")
    print_next_step(path)
    return 0


def check_free(files: tuple[Path, Path], schema: str, force: bool) -> None:
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
    tasks = [f"{task.name} ({_events(task)}{_runs(task)})" for task in survey.tasks]
    table = survey.table
    groups = (
        f"{table.group}: {first_names(table.groups)}"
        if table.group
        else first_names(table.candidates) or "no column that looks like one"
    )
    scores = [f"{score.column or first_names(score.columns)} of {score.table.name}" for score in survey.scores]
    return [
        f"dataset: {survey.name}, {len(survey.participants)} participants",
        f"{'arms' if table.trial else 'groups'}: {groups if table.table else 'no participants.tsv'}",
        f"sessions: {first_names(survey.sessions) or 'none'}",
        *([f"visits: sessions.tsv has {first_names(list(survey.visits.levels))}"] if survey.visits.levels else []),
        f"tasks: {'; '.join(tasks) or 'none'}",
        f"derivatives: {survey.derivatives or 'none found'}",
        f"spaces: {first_names(survey.spaces) or 'no preprocessed images'}",
        f"scores: {first_names(scores) or 'no phenotype table'}",
    ]


def _events(task: SurveyedTask) -> str:
    if task.trial_types:
        return first_names(task.trial_types)
    return "rest" if task.rest else f"events without {task.column}" if task.candidates else "no events found"


def _runs(task: SurveyedTask) -> str:
    counts = " or ".join(map(str, sorted(task.counts)))
    return f"; {counts} runs a session" if max(task.counts) > 1 else ""


def print_next_step(path: Path) -> None:
    """Print what is left to do: fill in what could not be guessed, or have it checked."""
    from ..study import StudyError, read_study

    try:
        read_study(path)
    except StudyError as error:
        print_message("to be filled in:")
        for line in error.lines:
            print_message(line)
    print_message(f"next: look at the lines marked check: in {path}, then: effconn check {path}")
