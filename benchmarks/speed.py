"""Speed and memory of the inversion: ``python -m benchmarks.speed [--json FILE] [--quick]``.

Simulated cohorts of 2 to 32 regions and 1 to 64 participants, one of 60 participants like the reference cohort; and the
parts of an iteration at every number of regions. Every measurement runs in a process of its own. It needs what `dcm`
needs and nothing else, and takes less than ten minutes on two idle cores; `benchmarks.gpu` is for a GPU. Columns:

    compile s, cached compile s     what the first inversion of a fresh process takes beyond the second, with nothing
                                    cached, and with the compiled code on disk
    seats                           participants that one core advances side by side
    ms per iteration per participant    where all cores have all their seats taken, in the rows of `dcm.invert_cohort`;
                                    the median of 15 calls
    cohort ms                       the same from the whole inversion of the cohort, stragglers and all
    iterations, total s             the median over participants; the whole inversion, compiled (where fewer converged
                                    than there are participants, iterations were cut off to stay within the time)
    peak mb                         of the whole process
    floor ms, ratio                 the operations of one iteration (see `benchmarks._floor`) at the speed of a dense
                                    product on all cores, and how many times as long the iteration takes

the same of whole cohorts by the default mode (full equations, AR(1) noise, three starts; all else is by SPM12's mode),
and of the parts, on one core: processor ms of one participant, and which share of it the floor is.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._options import seconds
from ._process import MeasurementError, measure
from ._table import table, write_json

CASES = ((2, 1), (2, 64), (4, 1), (4, 60), (4, 64), (8, 1), (8, 8), (8, 64), (16, 8), (32, 2))  # regions, participants
REFERENCE = (4, 60)  # like the reference cohort
QUICK, QUICK_SCANS = (2, 1), 40
DEFAULT_CASES = ((2, 21), (4, 60), (8, 21))
DEFAULT_COLUMNS = (
    "regions",
    "participants",
    "scans",
    "compile_s",
    "cached_compile_s",
    "total_s",
    "iterations",
    "converged",
    "peak_mb",
)
CASE_COLUMNS = (
    "regions",
    "participants",
    "parameters",
    "compile_s",
    "cached_compile_s",
    "seats",
    "ms_per_iteration_per_participant",
    "cohort_ms",
    "iterations",
    "converged",
    "total_s",
    "peak_mb",
    "mflop",
    "floor_ms",
    "ratio",
)
STAGE_COLUMNS = ("regions", "part", "processor_ms", "mflop", "floor_ms", "share_of_floor")
Record = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 where a measurement failed."""
    options = _options(arguments)
    failures: list[Record] = []
    scans = {"scans": QUICK_SCANS} if options.quick else {}
    sizes = [{"regions": n, "participants": p, **scans} for n, p in ([QUICK] if options.quick else CASES)]
    with tempfile.TemporaryDirectory(prefix="effconn-") as folder:
        found = [_case(size, Path(folder) / f"case-{i}", options.limit, failures) for i, size in enumerate(sizes)]
        cases = [case for case in found if case is not None]
        default = [
            case
            for i, (n, p) in enumerate([QUICK] if options.quick else DEFAULT_CASES)
            if (
                case := _default(
                    {"regions": n, "participants": p, **scans}, Path(folder) / f"default-{i}", options.limit, failures
                )
            )
        ]
        stages = [
            row
            for n in sorted({size["regions"] for size in sizes})
            for row in _stages({"regions": n, **scans}, Path(folder), options.limit, failures)
        ]
    result: Record = {
        "device": cases[0]["device"] if cases else "none",
        "precision": "float64",
        "cases": cases,
        "default": default,
        "stages": stages,
        "scaling": scaling(cases),
        "failures": failures,
    }
    _print(result)
    if options.json is not None:
        write_json(options.json, result)
    return 1 if failures else 0


def scaling(cases: Sequence[Record]) -> Record:
    """Exponents of the time of an iteration: in regions (3 is cubic), and of all participants in their number.

    In regions from 8 to 32, of the rows with all seats taken; in participants where most numbers were measured, of the
    whole inversion. Least squares in logarithms.
    """
    per_iteration = {case["regions"]: case["ms_per_iteration_per_participant"] for case in cases}  # most participants
    large = [(n, ms) for n, ms in sorted(per_iteration.items()) if n >= 8]
    numbers = Counter(case["regions"] for case in cases)
    most = max(numbers, key=lambda n: (numbers[n], n)) if numbers else 0
    cohorts = [(case["participants"], case["cohort_ms"] * case["participants"]) for case in cases]
    same = [cohort for case, cohort in zip(cases, cohorts, strict=True) if case["regions"] == most]
    named = {"regions": large, f"participants, {most} regions": same}
    return {name: _slope(points) for name, points in named.items() if len(points) > 1}


def _slope(points: Sequence[tuple[float, float]]) -> float:
    x, y = zip(*[(math.log(a), math.log(b)) for a, b in points], strict=True)
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


def _case(size: Record, cache: Path, limit_s: float, failures: list[Record]) -> Record | None:
    """One cohort: compiled from nothing in one process, from the cache and then inverted in another."""
    name = f"{size['regions']} regions, {size['participants']} participants"
    _say(name)
    try:
        cold = measure("benchmarks._case", {**size, "compile_only": True}, cache, limit_s)
        warm = measure("benchmarks._case", {**size, "compile_only": False}, cache, limit_s)
    except MeasurementError as error:
        failures.append({"measurement": name, "reason": str(error)})
        return None
    warm["cached_compile_s"], warm["compile_s"] = warm["compile_s"], cold["compile_s"]
    ratio = warm["ms_per_iteration_per_participant"] / warm["floor_ms"]
    return {**size, **warm, "ratio": ratio}


def _default(size: Record, cache: Path, limit_s: float, failures: list[Record]) -> Record | None:
    """One cohort by the default mode."""
    name = f"the default mode, {size['regions']} regions, {size['participants']} participants"
    _say(name)
    try:
        cold = measure("benchmarks._case", {**size, "default": True, "compile_only": True}, cache, limit_s)
        warm = measure("benchmarks._case", {**size, "default": True, "compile_only": False}, cache, limit_s)
    except MeasurementError as error:
        failures.append({"measurement": name, "reason": str(error)})
        return None
    return {**size, **warm, "compile_s": cold["compile_s"], "cached_compile_s": warm["compile_s"]}


def _stages(size: Record, cache: Path, limit_s: float, failures: list[Record]) -> list[Record]:
    name = f"parts of an iteration, {size['regions']} regions"
    _say(name)
    try:
        rows: list[Record] = measure("benchmarks._stages", size, cache, limit_s)
    except MeasurementError as error:
        failures.append({"measurement": name, "reason": str(error)})
        return []
    return rows


def _print(result: Record) -> None:
    like = [case for case in result["cases"] if (case["regions"], case["participants"]) == REFERENCE]
    out = [f"device: {result['device']}, precision: {result['precision']}", "", table(result["cases"], CASE_COLUMNS)]
    out += [
        f"exponent of an iteration's time in {name}: {exponent:.2f}" for name, exponent in result["scaling"].items()
    ]
    if like:
        out += ["", "the reference cohort's like:", table(like, CASE_COLUMNS)]
    out += ["", "whole cohorts by the default mode:", table(result["default"], DEFAULT_COLUMNS)]
    out += ["", "parts of an iteration, one core:", table(result["stages"], STAGE_COLUMNS)]
    out += [f"FAILED {failure['measurement']}: {failure['reason']}" for failure in result["failures"]]
    print("\n".join(out))


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description="Speed and memory of the inversion."
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers here too")
    parser.add_argument("--quick", action="store_true", help="one small case, to see that everything runs")
    parser.add_argument("--limit", type=seconds, default=300, metavar="S", help="seconds per measurement (300)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
