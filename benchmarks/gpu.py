"""The inversion on a GPU: ``python -m benchmarks.gpu [--json FILE] [--cpu]``.

One command on a machine with Python, JAX, Equinox and a GPU: it installs nothing, needs no data, and ends within eight
minutes. Every part is a process of its own with a limit; where one fails or is cut off, what it had measured stays and
the others go on. Without a GPU it says so; `--cpu` runs a small version of everything on the CPU. Columns:

    agreement               one cohort here and on the CPU of the same process: F in nats, means, iterations
    models                  of so many models: seats side by side, and in how many parts that is; an iteration with all
                            seats taken; whole inversions, where there was time for them, with what the device and what
                            the host took; compilations and their seconds; memory
    host                    everything outside the compiled step, which is replaced by one that replays inversions
    precision               an experiment: Jacobians in 32 bit, the rest in 64. How many times as fast an iteration is,
                            and what the results differ by

The exit code is 1 where a part failed or the results are not the CPU's.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ._models import SCANS
from ._process import measure_each
from ._table import table, write_json

NUMBERS = [10000, 1000, 1, 100, 10]  # of models; first what matters most, in case time runs out
COLUMNS = {
    "agreement": (
        "regions",
        "participants",
        "difference_of_F",
        "difference_of_means",
        "same_iterations",
        "agrees",
    ),
    "models": (
        "regions",
        "models",
        "seats",
        "parts",
        "ms_per_iteration_per_model",
        "iterations",
        "total_s",
        "device_s",
        "host_s",
        "models_per_second",
        "compilations",
        "compile_s",
        "peak_mb",
    ),
    "host": ("models", "host_s", "processor_s", "ms_per_model", "calls", "compilations", "sent", "fetched"),
    "precision": (
        "regions",
        "models",
        "prediction_64_ms",
        "with_jacobian_64_ms",
        "with_jacobian_32_ms",
        "rest_64_ms",
        "ratio",
        "jacobian_error",
        "difference_of_F",
        "difference_of_means",
        "iterations",
        "iterations_64",
    ),
}


class Part(NamedTuple):
    """One measurement: which function of `_gpu_parts`, with what, and how long it may take."""

    name: str
    task: dict[str, Any]
    limit_s: float


def full() -> list[Part]:
    """Seven and a half minutes at the most; `where` takes the rest."""
    return [
        Part("agreement", {"regions": 4, "participants": 8, "scans": SCANS}, 70),
        *(Part("models", {"regions": n, "numbers": NUMBERS, "scans": SCANS, "limit_s": 80}, 80) for n in (4, 8, 16)),
        Part("host", {"number": 10000, "scans": SCANS, "regions": 4}, 45),
        *(Part("precision", {"regions": n, "number": m, "scans": SCANS}, 45) for n, m in ((4, 1024), (16, 64))),
    ]


def small(limit_s: float = 120.0) -> list[Part]:
    """The same code, for a CPU."""
    size = {"regions": 2, "scans": 40}
    return [
        Part("agreement", {**size, "participants": 4}, limit_s),
        Part("models", {**size, "numbers": [4], "limit_s": limit_s}, limit_s),
        Part("host", {**size, "number": 4}, limit_s),
        Part("precision", {**size, "number": 4}, limit_s),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 where a part failed or results differ from the CPU's."""
    options = _options(arguments)
    variables = {"JAX_PLATFORMS": "cpu"} if options.cpu else {}
    with tempfile.TemporaryDirectory(prefix="effconn-") as folder:
        found, reason = measure_each("benchmarks._gpu_parts", {"part": "where"}, Path(folder), 60, variables)
        if not found:
            print(f"JAX does not start: {reason}")
            return 1
        if found[0]["platform"] == "cpu" and not options.cpu:
            print("no GPU here that JAX can use; --cpu runs a small version of everything on the CPU")
            return 0
        result = _run(small() if options.cpu else full(), Path(folder), variables)
    result = {
        **found[0],
        "date": time.strftime("%Y-%m-%d"),
        "host": platform.processor() or platform.machine(),
    } | result
    _print(result)
    if options.json is not None:
        write_json(options.json, result)
    differs = any(not row["agrees"] for row in result["agreement"])
    return 1 if result["failures"] or differs else 0


def _run(parts: Sequence[Part], cache: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {name: [] for name in COLUMNS} | {"failures": []}
    for part in parts:
        name = f"{part.name}, {part.task['regions']} regions"
        print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)
        task = {"part": part.name, **part.task}
        rows, reason = measure_each("benchmarks._gpu_parts", task, cache / name, part.limit_s, variables)
        result[part.name] += sorted(rows, key=lambda row: row.get("models", 0))
        if reason:
            result["failures"].append({"measurement": name, "reason": reason})
    return result


def _print(result: Mapping[str, Any]) -> None:
    out = [f"{result['date']}, device: {result['device']}, {result['devices']} of them, precision: float64"]
    for name, columns in COLUMNS.items():
        out += ["", f"{name}:", table(result[name], columns)]
    out += [f"FAILED {failure['measurement']}: {failure['reason']}" for failure in result["failures"]]
    print("\n".join(out))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="The inversion on a GPU.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers here too")
    parser.add_argument("--cpu", action="store_true", help="a small version of everything on the CPU")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
