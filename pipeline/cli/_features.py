"""`effconn features`: the imaging measures of a study as one table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ..common import UsageError, json_value, print_line, print_message, print_table, progress, release, write_json
from ..measures import FeatureTable, measure_changes, read_features, write_features
from ..stages import RunOptions, StudyRun, features_path, run_study
from ..study import read_study
from ._check import show_missing
from ._run import default_jobs, missing_runs

MOST = 20  # remarks on the terminal; the sidecar has all


def run_features(study_file: Path, out_file: Path | None, json_file: Path | None, jobs: int | None = None) -> int:
    """Extract what is not extracted yet, write the table and say what is in it; 0 where every run has a result, else 1.

    Models are not inverted for it: parameters of those that are go in, and those that are not are n/a, with a line
    that says how many. Inverting is `effconn run`'s, as it may take hours.

    Arguments:
        out_file: where the table goes besides the study's own folder of tables; a .tsv.
    """
    if out_file is not None and out_file.suffix != ".tsv":
        raise UsageError(f"--out {out_file} is no .tsv; name the table such as features.tsv")
    study = read_study(study_file)
    found = run_study(study, RunOptions(("extract", "measure"), jobs or default_jobs()), print_message, progress)
    path = features_path(study)
    if not any(one.unit.stage == "measure" and one.status != "failed" for one in found.outcomes):
        return 1
    table = read_features(path)
    if out_file is not None:
        path, _ = write_features(table, out_file)
    _summary(table, path)
    show_missing(found.inventory)
    if json_file is not None:
        write_json(json_file, _json(table, found, path))
    return 1 if found.failed else 0


def _summary(table: FeatureTable, path: Path) -> None:
    counts = _by_kind(table)
    rows = [
        [kind, str(one["measures"]), f"{one['missing']:.0%}", f"{one['change_missing']:.0%}"]
        for kind, one in counts.items()
    ]
    people = len(table.participants) // 2
    print_line(f"{len(table.participants)} rows, {people} participants in {' and '.join(table.order)}")
    if rows:
        print_table(("Kind", "Measures", "Missing", "Change missing"), rows)
    for line in table.remarks[:MOST]:
        print_message(f"remark: {line}")
    if len(table.remarks) > MOST:
        print_message(f"remark: and {len(table.remarks) - MOST} more, in {path.with_suffix('.json').name}")
    print_line(f"measures: {path.resolve()}")


def _by_kind(table: FeatureTable) -> dict[str, dict[str, Any]]:
    """Of each kind: number of measures, share of cells missing, and of changes."""
    absent, changed = np.isnan(table.values), np.isnan(measure_changes(table).values)
    kinds = [one.kind for one in table.measures]
    return {
        kind: {
            "measures": count,
            "missing": float(absent[:, [i for i, one in enumerate(kinds) if one == kind]].mean()),
            "change_missing": float(changed[:, [i for i, one in enumerate(kinds) if one == kind]].mean()),
        }
        for kind, count in Counter(kinds).items()
    }


def _json(table: FeatureTable, found: StudyRun, path: Path) -> dict[str, Any]:
    names = [one.name for one in table.columns]
    return {
        "effconn": release(),
        "table": str(path),
        "rows": [
            {
                "participant_id": who,
                "session": session,
                table.arm: arm,
                **json_value(dict(zip(names, row, strict=True))),
            }
            for who, session, arm, row in zip(
                table.participants, table.sessions, table.arms, table.values.tolist(), strict=True
            )
        ],
        "kinds": _by_kind(table),
        "remarks": list(table.remarks),
        "failed": [{"stage": one.unit.stage, "name": one.unit.name, "reason": one.reason} for one in found.failed],
        "missing": missing_runs(found.inventory),
    }
