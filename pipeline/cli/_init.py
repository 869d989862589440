"""`effconn init`: a BIDS dataset → a commented configuration to start from."""

from __future__ import annotations

import json
from pathlib import Path

from ..common import UsageError, first_names, print_message, write_text
from ..study import (
    SCHEMA_FILE,
    DatasetSurvey,
    StudyError,
    describe_guesses,
    read_study,
    starter_toml,
    study_schema,
    survey_dataset,
)

STUDY_FILE = "study.toml"


def run_init(bids: Path, out: Path, force: bool = False) -> int:
    """Look at a dataset, write a configuration and its schema, and say what was found and what comes next.

    Arguments:
        bids: root of the dataset.
        out: the configuration to write, or a folder for it.
        force: whether to replace what is there.

    Raises `UsageError` where the dataset cannot be used, or something is there already.
    """
    path = out / STUDY_FILE if out.is_dir() else out
    files = (path, path.with_name(SCHEMA_FILE))
    schema = json.dumps(study_schema(), indent=2, ensure_ascii=False) + "\n"
    _check_free(files, schema, force)
    found = survey_dataset(bids)
    write_text(files[1], schema)  # first: if the disk is full, the same command can be given again
    write_text(path, starter_toml(found, path.parent))
    for line in (*_summary(found), *describe_guesses(found), *found.notes, f"wrote {path} and {files[1]}"):
        print_message(line)
    _say_next(path)
    return 0


def _check_free(files: tuple[Path, Path], schema: str, force: bool) -> None:
    """Raises `UsageError` where something else is in the way."""
    study, beside = files
    if study.suffix != ".toml":
        raise UsageError(f"--out {study} must end in .toml, or be a folder that exists")
    if force:
        return
    if study.exists():
        raise UsageError(f"{study} is there already; give --out another name, or --force to replace it")
    if beside.exists() and beside.read_bytes() != schema.encode():
        raise UsageError(f"{beside} is there already, and is another one; --force replaces it")


def _summary(found: DatasetSurvey) -> list[str]:
    tasks = [f"{task.name} ({'rest' if task.rest else first_names(task.trial_types)})" for task in found.tasks]
    arms = (
        f"{found.arm}: {first_names(found.arms)}"
        if found.arm
        else first_names(found.arm_candidates) or "no column that looks like one"
    )
    scores = [f"{score.column or first_names(score.columns)} of {score.table.name}" for score in found.scores]
    return [
        f"dataset: {found.name}, {len(found.participants)} participants",
        f"arms: {arms}",
        f"sessions: {first_names(found.sessions) or 'none'}",
        f"tasks: {'; '.join(tasks) or 'none'}",
        f"derivatives: {found.derivatives or 'none found'}",
        f"spaces: {first_names(found.spaces) or 'no preprocessed images found'}",
        f"scores: {first_names(scores) or 'no phenotype table'}",
    ]


def _say_next(path: Path) -> None:
    """What is left to do: fill in what could not be guessed, or have it checked."""
    try:
        read_study(path)
    except StudyError as error:
        print_message("to be filled in:")
        for line in error.lines:
            print_message(line)
    print_message(f"next: look at the lines marked check: in {path}, then: effconn check {path}")
