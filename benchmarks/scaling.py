"""Time and memory by participants: ``python -m benchmarks.scaling [--people 250,500,1000,2000] [--json FILE]``.

Each size is a process of its own: a prediction from 300 measures by its parts, and a group of 2,000 estimates by both
schemes. Seconds are of the processor, so that others on the machine do not count; peaks are of the whole process. The
exit code is 1 where anything grows faster than a power of 1.5 of participants between the two largest sizes.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from ._check import Check
from ._process import measure, report
from ._table import table, write_json

PEOPLE = (250, 500, 1000, 2000)
MEASURES, PARAMETERS, COVARIATES = 300, 8, 5
STEEPEST = 1.5  # power of participants
PARTS = {
    "predict": ("published", "folds", "nested", "shuffle", "bootstrap"),
    "group": ("none", "spm12"),
}
COMPATS: tuple[Literal["none", "spm12"], ...] = ("none", "spm12")
NEGLIGIBLE = 0.5  # seconds up to which nothing is said of growth


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 where something grows too fast."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--people", default=",".join(map(str, PEOPLE)), help="sizes, ascending")
    parser.add_argument("--only", choices=tuple(PARTS))
    parser.add_argument("--limit", type=float, default=3600.0, help="seconds of one process")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    sizes = [int(size) for size in options.people.split(",")]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="effconn-") as cache:
        for kind in [options.only] if options.only else PARTS:
            for people in sizes:
                print(f"{time.strftime('%H:%M:%S')} {kind}, {people} people", file=sys.stderr, flush=True)
                task = {"kind": kind, "people": people}
                rows.append({**task, **measure("benchmarks.scaling", task, Path(cache), options.limit)})
    checks = []
    for kind, parts in PARTS.items():
        own = [row for row in rows if row["kind"] == kind]
        if own:
            columns = ("people", *(f"{part}_seconds" for part in parts), "peak_mb")
            print(f"\n{kind}\n{table(own, columns)}")
            checks += _growth(kind, own, columns[1:])
    if checks:
        print("\n" + table([check.row() for check in checks], ("check", "value", "bound", "outcome", "note")))
    if options.json is not None:
        write_json(options.json, {"rows": rows, "checks": [check.row() for check in checks]})
    return 0 if all(check.passed for check in checks) else 1


def _growth(kind: str, rows: list[dict[str, Any]], columns: Sequence[str]) -> list[Check]:
    """The power of participants by which each quantity grows between the two largest sizes."""
    if len(rows) < 2:
        return []
    less, more = rows[-2:]
    steps = math.log(more["people"] / less["people"])
    return [
        Check(f"{kind}: power of {name.replace('_', ' ')}", math.log(more[name] / less[name]) / steps, most=STEEPEST)
        for name in columns
        if more[name] > NEGLIGIBLE
    ]


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    return work(), time.process_time() - start


def _predict(people: int) -> dict[str, float]:
    import numpy as np
    from threadpoolctl import threadpool_limits

    from features import (
        Tuning,
        assign_folds,
        coarse_tuning,
        default_folds,
        fit_whole_sample,
        nested_cross_validation,
        prepare_folds,
        selection_stability,
    )
    from features._nested_cv import press_ratio

    from ._predict_studies import simulated

    with threadpool_limits(limits=1):
        predictors, outcome = simulated(np.random.default_rng(1), 0.3, (people, MEASURES))
        groups = assign_folds(people, default_folds(people, MEASURES))
        whole, tuned = _timed(lambda: fit_whole_sample(predictors, outcome, groups))
        folds, prepared = _timed(lambda: prepare_folds(predictors, groups))
        found, nesting = _timed(lambda: nested_cross_validation(folds, outcome.values, coarse_tuning(Tuning())))
        shuffled = np.random.default_rng(0).permutation(outcome.values)
        _, shuffle = _timed(lambda: press_ratio(folds, shuffled, coarse_tuning(Tuning()), math.inf))
        _, drawn = _timed(lambda: selection_stability(predictors, outcome, whole, found, samples=2, seed=0))
    seconds = dict(zip(PARTS["predict"], (tuned, prepared, nesting, shuffle, drawn / 2), strict=True))
    return {f"{part}_seconds": value for part, value in seconds.items()}


def _group(people: int) -> dict[str, float]:
    from functools import partial

    from peb import PebSettings, fit

    from ._peb_timings import cohort

    estimates, design = cohort(people, PARAMETERS, COVARIATES)
    found = {}
    for compat in COMPATS:
        settings = PebSettings(compat=compat)
        fit(estimates, design, settings)  # compiles
        _, found[f"{compat}_seconds"] = _timed(partial(fit, estimates, design, settings))
    return found


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        asked = json.loads(sys.argv[1])
        taken = {"predict": _predict, "group": _group}[asked["kind"]](asked["people"])
        report({**taken, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})
    else:
        sys.exit(main())
