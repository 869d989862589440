"""Runs a second of the extraction stage, by one worker and by two."""

from __future__ import annotations

import json
import shutil
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.common import natural_key
from pipeline.execution import Unit, UnitRecorder, open_workers, run_units
from pipeline.execution._processes import ProcessWorkers
from pipeline.stages import checked_inventory
from pipeline.stages._extract import extract_runs, extraction_units
from pipeline.study import read_study
from pipeline.synthetic import QUICK, write_study

DESIGN = replace(QUICK, ketamine=7, midazolam=5)  # 24 runs of faces, 220 scans at 6 mm
FIRST = 2  # runs of each worker that pay for its imports and for a cold start
KINDS = {"processes": None, "Dask, local": "local"}


def time_extraction(folder: Path, repeats: int) -> list[dict[str, Any]]:
    """One worker and two of each kind, in turn and several times; medians of each, and of the ratios within a turn.

    ``at_equal_share`` is the ratio if each of the two had got as much of a core as the one: on a machine whose cores
    others use as well, two workers get less.
    """
    study = read_study(write_study(folder, design=DESIGN, seed=0))
    units = extraction_units(study, checked_inventory(study), study.study.out)
    found: dict[tuple[str, int], list[dict[str, float]]] = defaultdict(list)
    for _ in range(repeats):
        for kind in KINDS:
            for count in (1, 2):
                found[kind, count].append(_once(study.study.out, units, count, KINDS[kind]))
            one, two = found[kind, 1][-1], found[kind, 2][-1]
            for turn in (one, two):
                turn["times_one"] = turn["runs_per_second"] / one["runs_per_second"]
                turn["at_equal_share"] = turn["times_one"] * one["share_of_a_core"] / turn["share_of_a_core"]
    return [
        {
            "workers": kind,
            "count": count,
            **{name: statistics.median(turn[name] for turn in turns) for name in turns[0]},
            "each": [turn["times_one"] for turn in turns],
        }
        for (kind, count), turns in found.items()
    ]


def _once(out: Path, units: list[Unit], count: int, scheduler: str | None) -> dict[str, float]:
    """Seconds until every worker has done its first runs, runs a second after that, and what the cores gave."""
    shutil.rmtree(out, ignore_errors=True)
    begin, ends = time.perf_counter(), []
    opened = ProcessWorkers(count) if scheduler is None else open_workers(count, scheduler, out)
    with opened as workers:
        run_units(
            units,
            _timed_extract,
            folder=out / ".effconn",
            workers=workers,
            on_outcome=lambda outcome: ends.append(time.perf_counter()),
        )
    first = FIRST * count
    times = [
        json.loads(path.read_text())
        for path in sorted((out / "times").iterdir(), key=lambda one: natural_key(one.name))
    ]
    return {
        "seconds_to_start": ends[first - 1] - begin,
        "runs_per_second": (len(ends) - first) / (ends[-1] - ends[first - 1]),
        "cpu_seconds_per_run": statistics.median(run["cpu"] for run in times),
        "share_of_a_core": statistics.median(run["cpu"] / run["wall"] for run in times),
    }


def _timed_extract(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """The stage's work; what it took of the processor beside what the clock says tells whether others were busy."""
    for unit in units:
        cpu, wall = time.process_time(), time.perf_counter()
        extract_runs([unit], recorder)
        taken = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        path = unit.payload.out / "times" / f"{unit.name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(taken), encoding="utf-8")
