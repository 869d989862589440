"""Speed and memory of the inversion: ``python -m benchmarks.speed [--json FILE] [--quick]``.

Simulated cohorts of 2 to 16 regions and 1 to 64 participants; one of 60 participants like the reference cohort; how
many models advance at once in 64 and in 32 bit. Every measurement runs in a process of its own, on a GPU where JAX sees
one. It needs what `dcm` needs and nothing else. Columns:

    compile s, cached compile s     what the first inversion of a fresh process takes beyond the second, with nothing
                                    cached, and with the compiled code on disk
    ms per iteration per participant    one step of a batch, the median of 15
    cohort ms                       the same from the whole inversion of the cohort
    iterations, total s             the median over participants; the whole inversion, compiled
    peak mb                         of the GPU, or of the whole process on a CPU
    floor ms, ratio                 a dense matrix product with the floating-point operations of one iteration (see
                                    `benchmarks._floor`), and how many times as long the iteration takes
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._options import seconds
from ._process import MeasurementError, measure
from ._table import table, write_json

REGIONS, PARTICIPANTS = (2, 4, 8, 16), (1, 8, 64)
HEADLINE = {"regions": 4, "participants": 60}
QUICK = {"regions": 2, "scans": 40}
MODELS = (1, 10, 100, 1000, 10000)
CASE_COLUMNS = (
    "regions",
    "participants",
    "parameters",
    "compile_s",
    "cached_compile_s",
    "ms_per_iteration_per_participant",
    "cohort_ms",
    "iterations",
    "total_s",
    "peak_mb",
    "mflop",
    "floor_ms",
    "ratio",
)
THROUGHPUT_COLUMNS = (
    "models",
    "precision",
    "at_once",
    "measured",
    "ms_per_step",
    "models_per_second",
    "prediction_error",
    "jacobian_error",
    "free_energy_error",
)
Record = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 where a measurement failed."""
    options = _options(arguments)
    failures: list[Record] = []
    with tempfile.TemporaryDirectory() as folder:
        cases, cohort, throughput = (_quick if options.quick else _full)(Path(folder), options, failures)
    measured = [case for case in cases if case is not None]
    first = next((one for one in [*measured, cohort, throughput] if one is not None), {})
    result: Record = {
        "device": first.get("device", "none"),
        "precision": "float64",
        "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS", "default"),
        "cases": measured,
        "headline": cohort,
        "throughput": throughput["throughput"] if throughput is not None else [],
        "scaling": scaling(measured),
        "failures": failures,
    }
    _print(result)
    if options.json is not None:
        write_json(options.json, result)
    return 1 if failures else 0


Measured = tuple[list[Record | None], Record | None, Record | None]


def _full(cache: Path, options: argparse.Namespace, failures: list[Record]) -> Measured:
    sizes = [{"regions": n, "participants": p} for n in REGIONS for p in PARTICIPANTS]
    cases = [_case(size, cache / f"case-{i}", options.limit, failures) for i, size in enumerate(sizes)]
    cohort = _case(HEADLINE, cache / "headline", options.limit, failures)
    task = {"regions": HEADLINE["regions"], "models": MODELS, "limit_s": options.part_limit}
    return cases, cohort, _throughput(task, cache / "throughput", options.limit, failures)


def _quick(cache: Path, options: argparse.Namespace, failures: list[Record]) -> Measured:
    """One small case, which stands for the reference cohort too, and a throughput that shares its compiled code."""
    case = _case({**QUICK, "participants": 1}, cache, options.limit, failures)
    task = {**QUICK, "models": [1], "limit_s": options.part_limit}
    return [case], case, _throughput(task, cache, options.limit, failures)


def scaling(cases: Sequence[Record]) -> Record:
    """Exponents of the time of an iteration in participants (1 is linear) and in regions (3 is cubic).

    Least squares in logarithms at the most of the other; between the last two sizes too, where overheads count least.
    """
    if not cases:
        return {}
    most_participants = max(case["participants"] for case in cases)
    most_regions = max(case["regions"] for case in cases)
    across_regions = [case for case in cases if case["participants"] == most_participants]
    across_participants = [case for case in cases if case["regions"] == most_regions]
    by_regions = [(case["regions"], case["cohort_ms"]) for case in across_regions]
    by_participants = [(case["participants"], case["cohort_ms"] * case["participants"]) for case in across_participants]
    exponents = {}
    for name, points in (("regions", by_regions), ("participants", by_participants)):
        if len(points) > 1:
            exponents[name] = _slope(points)
            exponents[f"{name}_last"] = _slope(points[-2:])
    return exponents


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


def _throughput(task: Record, cache: Path, limit_s: float, failures: list[Record]) -> Record | None:
    _say("throughput in 64 and 32 bit")
    try:
        rates: Record = measure("benchmarks._throughput", task, cache, limit_s)
    except MeasurementError as error:
        failures.append({"measurement": "throughput", "reason": str(error)})
        return None
    return rates


def _print(result: Record) -> None:
    cohort = result["headline"]
    setting = f"precision: {result['precision']}, OPENBLAS_NUM_THREADS: {result['blas_threads']}"
    out = [f"device: {result['device']}, {setting}", "", table(result["cases"], CASE_COLUMNS)]
    for name, exponent in result["scaling"].items():
        out.append(f"exponent of an iteration's time in {name.replace('_', ', ')}: {exponent:.2f}")
    if cohort is not None:
        out += ["", "the reference cohort's like:", table([cohort], CASE_COLUMNS)]
    out += ["", "throughput of one iteration, errors against 64 bit:", table(result["throughput"], THROUGHPUT_COLUMNS)]
    if any(row["measured"] < row["models"] for row in result["throughput"]):
        out.append("where fewer were measured than asked for, the time limit came first, and the rest is in proportion")
    out += [f"FAILED {one['measurement']}: {one['reason']}" for one in result["failures"]]
    print("\n".join(out))


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description="Speed and memory of the inversion, on a GPU where there is one."
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers here too")
    parser.add_argument("--quick", action="store_true", help="one small case, to see that everything runs")
    parser.add_argument("--limit", type=seconds, default=1800, metavar="S", help="seconds per measurement (1800)")
    parser.add_argument("--part-limit", type=seconds, default=20, metavar="S", help="seconds per throughput row (20)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
