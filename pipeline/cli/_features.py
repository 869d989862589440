"""`effconn features`: the imaging measures of a study as one table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..common import (
    UsageError,
    join_words,
    json_value,
    print_line,
    print_message,
    print_table,
    progress,
    release,
    write_json,
)
from ._check import missing_runs, print_missing
from ._guard import guarded
from ._options import Debug, Jobs, Json, StudyFile, default_jobs

if TYPE_CHECKING:
    from ..measures import FeatureTable
    from ..stages import StudyRun

HELP = (
    "The imaging measures of a study as one table, a row for each participant and session: responses, "
    "interactions between regions, distances between patterns, connectivity at rest, parameters of the DCM."
)
EXAMPLE = "effconn features study.toml --out features.tsv"
MOST_REMARKS = 20  # on the terminal; the sidecar has all


@guarded
def command(
    study: StudyFile,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.tsv", help="Where the table goes besides the study's own folder."),
    ] = None,
    jobs: Jobs = None,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Extract what is not extracted yet, write the table, print what is in it; 0 where every run has a result, else 1.

    Models are not inverted for it: parameters of those that are inverted go in, the others are n/a, with a line that
    says how many. Inverting is `effconn run`'s, as it may take hours.
    """
    from ..measures import read_features, write_features
    from ..stages import RunOptions, features_path, run_study
    from ..study import read_study

    if out is not None and out.suffix != ".tsv":
        raise UsageError(f"--out {out} is no .tsv; name the table such as features.tsv")
    settings = read_study(study)
    run = run_study(settings, RunOptions(("extract", "measure"), jobs or default_jobs()), print_message, progress)
    path = features_path(settings)
    if not any(outcome.unit.stage == "measure" and outcome.status != "failed" for outcome in run.outcomes):
        return 1
    table = read_features(path)
    if out is not None:
        path, _ = write_features(table, out)
    _print_summary(table, path)
    print_missing(run.inventory)
    if json is not None:
        write_json(json, _json(table, run, path))
    return 1 if run.failed else 0


def _print_summary(table: FeatureTable, path: Path) -> None:
    shares = {"missing": "Missing", "change_missing": "Change missing"}
    found = _by_kind(table)
    shown = [key for key in shares if any(key in counts for counts in found.values())]
    rows = [[kind, str(counts["measures"]), *(f"{counts[key]:.0%}" for key in shown)] for kind, counts in found.items()]
    participants = len(table.participants) // len(table.order)
    sessions = f" in {join_words(table.order)}" if table.order != ("",) else ""
    print_line(f"{len(table.participants)} rows, {participants} participants{sessions}")
    if rows:
        print_table(("Kind", "Measures", *(shares[key] for key in shown)), rows)
    for line in table.remarks[:MOST_REMARKS]:
        print_message(f"remark: {line}")
    if len(table.remarks) > MOST_REMARKS:
        print_message(f"remark: and {len(table.remarks) - MOST_REMARKS} more, in {path.with_suffix('.json').name}")
    print_line(f"measures: {path.resolve()}")


def _by_kind(table: FeatureTable) -> dict[str, dict[str, Any]]:
    """Of each kind: number of measures, share of cells missing, and of changes where there are several sessions."""
    import numpy as np

    from ..measures import changes_of_measures

    absent, changed = np.isnan(table.values), np.isnan(changes_of_measures(table).values)
    kinds = [measure.kind for measure in table.measures]
    places = {kind: [i for i, other in enumerate(kinds) if other == kind] for kind in kinds}
    return {
        kind: {
            "measures": count,
            "missing": float(absent[:, places[kind]].mean()),
            **({"change_missing": float(changed[:, places[kind]].mean())} if len(table.order) > 1 else {}),
        }
        for kind, count in Counter(kinds).items()
    }


def _json(table: FeatureTable, run: StudyRun, path: Path) -> dict[str, Any]:
    names = [column.name for column in table.columns]
    return {
        "effconn": release(),
        "table": str(path),
        "rows": [
            {
                "participant_id": participant,
                **({"session": session} if session else {}),
                **({table.group: group} if table.group else {}),
                **json_value(dict(zip(names, row, strict=True))),
            }
            for participant, session, group, row in zip(
                table.participants, table.sessions, table.groups, table.values.tolist(), strict=True
            )
        ],
        "kinds": _by_kind(table),
        "remarks": list(table.remarks),
        "failed": [
            {"stage": outcome.unit.stage, "name": outcome.unit.name, "reason": outcome.reason} for outcome in run.failed
        ],
        "missing": missing_runs(run.inventory),
    }
