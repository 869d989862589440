"""Runs a second of the extraction stage, by one worker and by two."""

from __future__ import annotations

import shutil
import statistics
import time
from pathlib import Path
from typing import Any

from pipeline.execution import open_workers, run_units
from pipeline.stages import checked_inventory
from pipeline.stages._extract import extract, extract_units
from pipeline.study import read_study
from pipeline.synthetic import QUICK, write_study


def time_extraction(folder: Path, repeats: int) -> list[dict[str, Any]]:
    """Every set of workers in turn, several times; medians. Starting the workers, imports included, is told apart."""
    study = read_study(write_study(folder, design=QUICK, seed=0))
    units = extract_units(study, checked_inventory(study), study.study.out)
    rates: dict[tuple[str, int], list[float]] = {}
    starts: dict[tuple[str, int], list[float]] = {}
    for _ in range(repeats):
        for kind, scheduler in (("processes", None), ("Dask, local", "local")):
            for count in (1, 2):
                start, rate = _once(study.study.out, units, count, scheduler)
                starts.setdefault((kind, count), []).append(start)
                rates.setdefault((kind, count), []).append(rate)
    return [
        {
            "workers": kind,
            "count": count,
            "seconds_to_start": statistics.median(starts[kind, count]),
            "runs_per_second": statistics.median(rates[kind, count]),
            "times_one": statistics.median(rates[kind, count]) / statistics.median(rates[kind, 1]),
        }
        for kind, count in rates
    ]


def _once(out: Path, units: list[Any], count: int, scheduler: str | None) -> tuple[float, float]:
    """Seconds until every worker has done its first runs, and runs a second after that."""
    from pipeline.execution._processes import Processes

    shutil.rmtree(out, ignore_errors=True)
    begin = time.perf_counter()
    opened = Processes(count) if scheduler is None else open_workers(count, scheduler, out)
    ends: list[float] = []
    with opened as workers:
        run_units(
            units,
            extract,
            folder=out / ".effconn",
            workers=workers,
            on_ended=lambda one: ends.append(time.perf_counter()),
        )
    first = 2 * count  # the first run of a worker pays for its imports
    return ends[first - 1] - begin, (len(ends) - first) / (ends[-1] - ends[first - 1])
