"""One measurement, one process: its memory, its compilations and its failure are its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MARK = "RESULT "  # before the line that carries the result, whatever libraries print around it


class MeasurementError(RuntimeError):
    """A measurement that ended without a result, and why."""


def measure(module: str, task: dict[str, Any], cache: Path, timeout_s: float) -> Any:
    """Run ``python -m module TASK`` with `cache` as the compilation cache; what it hands to `report`."""
    environment = {
        **os.environ,
        "JAX_ENABLE_X64": "1",
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # else the peak on a GPU is whatever was reserved
    }
    command = [sys.executable, "-m", module, json.dumps(task)]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise MeasurementError(f"not done after {timeout_s:g} s; raise --limit") from None
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(MARK):
            return json.loads(line.removeprefix(MARK))
    last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
    raise MeasurementError(f"exit code {done.returncode}: {last}")


def report(result: object) -> None:
    """Hand a result to the process that asked for it."""
    sys.stdout.write(f"{MARK}{json.dumps(result)}\n")
