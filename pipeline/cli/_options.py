"""Options that several commands share, and lists in the text of one option."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..common import UsageError, read_number

MOST_JOBS = 4  # by default: each may hold a whole run in memory

Mode = Literal["none", "spm12", "spm25"]
DcmFiles = Annotated[list[Path], typer.Argument(help="SPM files (DCM_*.mat, GCM_*.mat), or folders of DCM_*.mat.")]
StudyFile = Annotated[
    Path, typer.Argument(metavar="STUDY.toml", help="The study's configuration; effconn init starts one.")
]
Derivatives = Annotated[
    Literal["exact", "spm"], typer.Option(help="'spm': SPM12's finite differences, to check against SPM12 only.")
]
StartSeed = Annotated[int, typer.Option(min=0, help="Seed of the drawn starting points.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything drawn.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, metavar="N", help="Processes. Default: one per core, at most 4.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Work on a Dask cluster, such as tcp://host:8786; 'local' starts one here."),
]
PageFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder for the page, tables and pictures.")
]
Json = Annotated[Path | None, typer.Option("--json", help="Also write the results to this JSON file.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")]


def default_jobs() -> int:
    """As many processes as there are cores, within reason."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(len(affinity(0)) if affinity else os.cpu_count() or 1, MOST_JOBS)


def parse_names(text: str | None) -> list[str]:
    """Names with commas between them; none where there is no text. Raises `UsageError` where one comes up twice."""
    names = [part.strip() for part in (text or "").split(",") if part.strip()]
    if repeated := [name for i, name in enumerate(names) if name in names[:i]]:
        raise UsageError(f"{repeated[0]} is named twice in {text!r}; name each once")
    return names


def name_pair(text: str, mark: str, option: str) -> tuple[str, str]:
    """Two names with a mark between them; raises `UsageError`, naming the option, where they are not two."""
    parts = [part.strip() for part in text.split(mark)]
    if len(parts) != 2 or not all(parts):
        raise UsageError(f"{option} {text!r} must be two names with {mark!r} between them")
    return parts[0], parts[1]


def number_list(text: str, option: str, example: str) -> tuple[float, ...]:
    """Numbers with commas between them; raises `UsageError`, naming the option, where a part is none."""
    numbers = [read_number(part) for part in text.split(",") if part.strip()]
    if None in numbers:
        raise UsageError(f"{option} {text!r} must be numbers with commas between them, such as {example}")
    return tuple(number for number in numbers if number is not None)
