"""The predictive arm: ``python -m benchmarks.predict --table FILE.csv --reference FILE.json [--json FILE]``.

The published model against R's glmnet, for a table (outcome first) and glmnet's leave-one-out results of it. Without a
table, or by ``--only``: what a coarse grid changes; what noise looks like; how often predictors are called stable;
how long it takes. The exit code is 1 where
a bound is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.common import UsageError

from . import _predict_glmnet, _predict_grid, _predict_null, _predict_stable
from ._check import Check
from ._options import whole_number
from ._predict_side_by_side import cores
from ._table import table, write_json

SECTIONS = ("glmnet", "grid", "null", "stable", "speed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 where a check failed."""
    parser = _parser()
    options = parser.parse_args(arguments)
    content: dict[str, Any] = {}
    checks: list[Check] = []
    try:
        for name in _sections(options):
            checks += _section(name, options, content)
    except UsageError as error:
        parser.error(str(error))
    rows = [check.row() for check in checks]
    if rows:
        print(table(rows, ("check", "value", "bound", "outcome", "note")))
    if options.json is not None:
        write_json(options.json, content)
    return 0 if all(check.passed for check in checks) else 1


def _sections(options: argparse.Namespace) -> Sequence[str]:
    """Those asked for; glmnet alone where its files are given, all others where they are not."""
    given = (options.table, options.reference)
    if (options.table is None) != (options.reference is None):
        raise UsageError("--table and --reference belong together: a table, and glmnet's results of it")
    if options.only and "glmnet" in options.only and None in given:
        raise UsageError("--only glmnet needs --table and --reference")
    if options.only:
        return [name for name in SECTIONS if name in options.only]
    if None not in given:
        return ["glmnet"]
    print("glmnet: left out, since --table and --reference are not given\n")
    return SECTIONS[1:]


def _section(name: str, options: argparse.Namespace, content: dict[str, Any]) -> list[Check]:
    """Runs, prints its table, and adds to what is written."""
    if name == "glmnet":
        found = _predict_glmnet.compare(options.table, options.reference)
        content.update(found)
        print(table(found["alphas"], _predict_glmnet.COLUMNS))
        print(f"best α {found['best_alpha']:g}, glmnet's {found['best_alpha_glmnet']:g}; {found['seconds']:.2f} s\n")
        return _predict_glmnet.checks(found)
    if name == "grid":
        content["grid"] = rows = _predict_grid.compare_grids(options.studies or _predict_grid.STUDIES, options.jobs)
        print(f"{table(rows, _predict_grid.COLUMNS)}\n")
        return []
    if name == "null":
        content["null"] = found = _predict_null.null_studies(options.studies or _predict_null.STUDIES, options.jobs)
        return _predict_null.checks(found)
    if name == "stable":
        count = options.studies or _predict_stable.STUDIES
        content["stable"] = rows = _predict_stable.stable_studies(count, options.jobs)
        print(f"{table(rows, _predict_stable.COLUMNS)}\n")
        return _predict_stable.checks(rows)
    from . import _predict_speed

    content["speed"] = rows = _predict_speed.timings(options.jobs)
    print(f"{table(rows, _predict_speed.COLUMNS)}\n")
    return _predict_speed.checks(rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.predict", description=__doc__)
    parser.add_argument("--table", type=Path, metavar="FILE", help="CSV: outcome first, then predictors")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="JSON: cv.glmnet's results of the table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here too")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="some of the sections")
    parser.add_argument(
        "--studies",
        type=whole_number(2),
        metavar="N",
        help=f"to simulate: of noise {_predict_null.STUDIES}, for the grid {_predict_grid.STUDIES} of each effect, for "
        f"stable predictors {_predict_stable.STUDIES} of each kind",
    )
    parser.add_argument(
        "--jobs", type=whole_number(1), default=cores(), metavar="N", help="processes; one for each core"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
