"""How long one model takes: tuning, nesting, and shuffles as the command line does them."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from features import (
    PermutationTest,
    PreparedFolds,
    Tuning,
    assign_folds,
    coarse_tuning,
    fit_whole_sample,
    nested_cross_validation,
    prepare_folds,
)
from pipeline.execution import open_workers
from pipeline.predict._permutations import PermutationJob, permute_outcome

from ._check import Check
from ._predict_studies import simulated

REPEATS = 5
SIZE = (21, 60)  # participants, predictors
SHUFFLES = 1000
TUNED, SHUFFLED = 2.0, 300.0  # bounds, seconds on two cores
COLUMNS = ("case", "seconds", "least", "most", "cpu_seconds", "bound_seconds", "note")


def timings(
    jobs: int, repeats: int = REPEATS, shuffles: int = SHUFFLES, size: tuple[int, int] = SIZE
) -> list[dict[str, Any]]:
    """Rows of cases, each a median of some repeats; shuffles, which take longest, are timed once."""
    words = f"{size[0]} people × {size[1]} predictors"
    with threadpool_limits(limits=1):
        noise, effect = (_study(size_of_effect, size) for size_of_effect in (0.0, 1.0))
        rows = [
            _tuned(effect, repeats, f"LOOCV, 10 α × 100 λ, {words}"),
            _nested(effect, coarse_tuning(Tuning()), repeats, "nested, coarse grid"),
            _nested(effect, Tuning(), 1, "nested, 10 α × 100 λ"),
        ]
        for name, study in (("noise", noise), ("an effect", effect)):
            rows.append(
                _shuffled(study, shuffles, jobs, f"nested and up to {shuffles} shuffles, {jobs} processes, {name}")
            )
    return rows


def checks(rows: list[dict[str, Any]]) -> list[Check]:
    """Those with a bound."""
    return [
        Check(f"speed: {row['case']}, s", row["seconds"], most=row["bound_seconds"], note=row.get("note", ""))
        for row in rows
        if "bound_seconds" in row
    ]


Study = tuple[Any, Any, PreparedFolds]


def _study(effect: float, size: tuple[int, int]) -> Study:
    table, outcome = simulated(np.random.default_rng(1), effect, size)
    return table, outcome, prepare_folds(table, assign_folds(size[0], None))


def _tuned(study: Study, repeats: int, case: str) -> dict[str, Any]:
    predictors, outcome, folds = study
    return _row(case, lambda: fit_whole_sample(predictors, outcome, folds.groups), repeats, TUNED)


def _nested(study: Study, tuning: Tuning, repeats: int, case: str) -> dict[str, Any]:
    _, outcome, folds = study
    return _row(case, lambda: nested_cross_validation(folds, outcome.values, tuning), repeats)


def _shuffled(study: Study, count: int, jobs: int, case: str) -> dict[str, Any]:
    _, outcome, folds = study
    found: list[PermutationTest] = []

    def work() -> None:
        job = PermutationJob(
            folds,
            outcome.values,
            nested_cross_validation(folds, outcome.values, coarse_tuning(Tuning())),
            coarse_tuning(Tuning()),
            0,
        )
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="effconn-")))
            workers = stack.enter_context(open_workers(jobs, None, folder))
            found.append(permute_outcome(job, count, folder, workers, _unwatched))

    row = _row(case, work, 1, SHUFFLED)
    return {**row, "note": f"{found[-1].shuffles} shuffles, p = {found[-1].p_value:.3g}"}


@contextmanager
def _unwatched(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def _row(case: str, work: Callable[[], object], repeats: int, bound: float | None = None) -> dict[str, Any]:
    """Medians of wall time and, since others may use the machine too, of processor time, ended processes included."""
    print(f"{time.strftime('%H:%M:%S')} {case}", file=sys.stderr, flush=True)
    wall, cpu = [], []
    for _ in range(repeats):
        start, busy = time.perf_counter(), sum(os.times()[:4])
        work()
        wall.append(time.perf_counter() - start)
        cpu.append(sum(os.times()[:4]) - busy)
    row = {"case": case, "seconds": statistics.median(wall), "least": min(wall), "most": max(wall)}
    row["cpu_seconds"] = statistics.median(cpu)
    return row if bound is None else {**row, "bound_seconds": bound}
