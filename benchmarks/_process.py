"""One measurement, one process: its memory, its compilations and its failure are its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MARK = "RESULT "  # before the line that carries the result, whatever libraries print around it


class MeasurementError(RuntimeError):
    """A measurement that ended without a result, and why."""


def measure(module: str, task: dict[str, Any], cache: Path, timeout_s: float) -> Any:
    """Run ``python -m module TASK`` with `cache` as the compilation cache; what it hands to `report`."""
    results, reason = measure_each(module, task, cache, timeout_s)
    if not results:
        raise MeasurementError(reason)
    return results[-1]


def measure_each(
    module: str, task: dict[str, Any], cache: Path, timeout_s: float, variables: Mapping[str, str] | None = None
) -> tuple[list[Any], str]:
    """As `measure`: everything that was handed to `report`, and why there is no more, empty where all went well.

    Arguments:
        variables: of the environment, beside those that every measurement gets.
    """
    environment = {
        **os.environ,
        "JAX_ENABLE_X64": "1",
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "JAX_TRACEBACK_FILTERING": "off",  # else the last line is not the error
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # else the peak on a GPU is whatever was reserved
        **(variables or {}),
    }
    command = [sys.executable, "-m", module, json.dumps(task)]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        return _results(error.stdout or b""), f"not done after {timeout_s:g} s; raise --limit"
    last = next((line for line in reversed(done.stderr.decode(errors="replace").splitlines()) if line.strip()), "")
    return _results(done.stdout), f"exit code {done.returncode}: {last or 'no message'}" if done.returncode else ""


def report(result: object) -> None:
    """Hand a result to the process that asked for it."""
    sys.stdout.write(f"{MARK}{json.dumps(result)}\n")
    sys.stdout.flush()


def _results(output: bytes) -> list[Any]:
    lines = output.decode(errors="replace").splitlines()
    return [json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK)]
