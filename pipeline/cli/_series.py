"""`effconn series`: what files of region series hold, and a configuration to start from."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..common import UsageError, print_line, print_message, progress, release, time_problem, write_json, write_text
from ._guard import guarded
from ._init import check_free, print_next_step
from ._options import Debug, Json

if TYPE_CHECKING:
    from ..series import SeriesSurvey

HELP = "Look at region series in tables, XCP-D, CONN, nilearn or NetCDF files, and write a configuration to start from."
EXAMPLE = "effconn series xcp_d --out study"
MOST_ROWS = 6  # that the terminal shows; a file of --json has all


@guarded
def command(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="Files of series, or folders of them.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder to write study.toml to, to start from.")
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            "--events", metavar="PATTERN", help="Events: a file, or a pattern with {participant}, {session}, {task}."
        ),
    ] = None,
    tr: Annotated[
        float | None, typer.Option("--tr", metavar="SECONDS", help="Repetition time, where files do not say.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a study.toml that is there.")] = False,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Print what the files hold, and write the configuration where asked to; 1 where no file can be read."""
    from ..series import find_series_files, survey_lines, survey_series

    if tr is not None and (problem := time_problem(tr, "repetition time")):
        raise UsageError(f"--tr {problem}")
    paths = find_series_files(files)
    with progress(f"reading {len(paths)} files") as bar:
        survey = survey_series(paths, bar)
    for line in survey.unreadable:
        print_message(f"error: {line}")
    if survey.runs:
        for line in survey_lines(survey):
            print_message(line)
        _print_runs(survey)
    if json is not None:
        write_json(json, _facts(survey))
    if not survey.runs:
        return 1
    if out is not None:
        _write_starter(survey, out, events, tr, force)
    return 0


def _print_runs(survey: SeriesSurvey) -> None:
    from ..page import Column, Records

    columns = (
        Column("file", "File"),
        Column("kind", "Kind"),
        Column("participant", "Participant"),
        Column("session", "Session"),
        Column("task", "Task"),
        Column("run", "Run"),
        Column("regions", "Regions", "d"),
        Column("scans", "Scans", "d"),
        Column("missing", "Without value", "d"),
        Column("repetition_time", "TR, s", "g"),
        Column("unit", "Unit"),
    )
    rows = _rows(survey)
    title = "Runs" if len(rows) <= MOST_ROWS else f"The first {MOST_ROWS} of {len(rows)} runs; --json FILE has all"
    Records("series", title, "", columns, rows[:MOST_ROWS]).print()
    print_line()


def _rows(survey: SeriesSurvey) -> list[dict[str, Any]]:
    return [
        {
            "file": run.file.path.name,
            "kind": run.kind,
            "participant": run.participant,
            "session": run.session,
            "task": run.labels.get("task"),
            "run": run.labels.get("run"),
            "regions": len(run.regions),
            "scans": run.scans,
            "missing": run.missing,
            "repetition_time": run.repetition_time,
            "unit": run.unit or f"{run.likely_unit}?",
        }
        for run in survey.runs
    ]


def _facts(survey: SeriesSurvey) -> dict[str, Any]:
    """What the files hold, for other programs."""
    runs = [
        {
            **row,
            "file": str(run.file.path),
            "unit": run.unit,
            "likely_unit": run.likely_unit,
            "regions": list(run.regions),
            "regions_without_value": list(run.empty),
            "low_pass_frequency": run.low_pass_frequency,
            "remarks": list(run.remarks),
        }
        for row, run in zip(_rows(survey), survey.runs, strict=True)
    ]
    return {
        "effconn": release(),
        "participants": list(survey.labels("participant")),
        "sessions": list(survey.labels("session")),
        "tasks": list(survey.labels("task")),
        "regions": list(survey.regions),
        "runs": runs,
        "unreadable": list(survey.unreadable),
    }


def _write_starter(survey: SeriesSurvey, out: Path, events: Path | None, tr: float | None, force: bool) -> None:
    from ..series import find_events, nearby_events, series_starter
    from ..study import SCHEMA_FILE, study_schema

    files = (out / "study.toml", out / SCHEMA_FILE)
    schema = json_text.dumps(study_schema(), indent=2, ensure_ascii=False) + "\n"
    check_free(files, schema, force)
    beside = nearby_events(survey) if events is None else None
    if beside is not None:
        print_message(f"events: beside the series, such as {beside.name}")
    pattern = events or beside
    found = None if pattern is None else find_events(survey, pattern)
    for line in () if found is None else found.absent:
        print_message(f"missing: {line}")
    text = series_starter(survey, out, found, tr)
    write_text(files[1], schema)
    write_text(files[0], text)
    print_message(f"wrote {files[0]} and {files[1]}")
    print_next_step(files[0])
