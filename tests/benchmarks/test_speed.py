"""`benchmarks.speed` runs as a process of its own and writes the numbers it promises; how fast is not a test."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import _floor, _process, host, speed

ROOT = Path(__file__).parents[2]
# Most of a quick run is compilation, so code is compiled fast rather than well.
QUICK = {**os.environ, "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"}
CASE = (
    "compile_s",
    "ms_per_iteration_per_participant",
    "iterations",
    "total_s",
    "peak_mb",
    "floor_ms",
)
THROUGHPUT = ("models", "ms_per_step", "models_per_second")
ERRORS = ("prediction_error", "jacobian_error", "max_relative_error", "free_energy_error")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a quick run writes."""
    file = tmp_path_factory.mktemp("speed") / "speed.json"
    command = [sys.executable, "-m", "benchmarks.speed", "--quick", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, env=QUICK, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "device: " in done.stdout
    written: dict[str, Any] = json.loads(file.read_text())
    return written


def test_cases_hold_positive_numbers(result: dict[str, Any]) -> None:
    assert result["device"]
    assert result["precision"] == "float64"
    assert result["failures"] == []
    for case in [*result["cases"], result["headline"]]:
        assert (case["regions"], case["participants"], case["scans"], case["parameters"]) == (2, 1, 40, 14)
        assert all(math.isfinite(case[name]) and case[name] > 0 for name in CASE)
        assert math.isfinite(case["cached_compile_s"])


def test_32_bit_is_close_but_not_equal(result: dict[str, Any]) -> None:
    rows = {row["precision"]: row for row in result["throughput"]}
    assert set(rows) == {32, 64}
    assert all(math.isfinite(row[name]) and row[name] > 0 for row in rows.values() for name in THROUGHPUT)
    assert all(rows[64][name] == 0 for name in ERRORS)
    assert all(0 < rows[32][name] < 0.01 for name in ERRORS)


def test_a_failed_case_is_reported(tmp_path: Path) -> None:
    failures: list[dict[str, Any]] = []
    assert speed._case({"regions": 0, "participants": 1}, tmp_path, 60, failures) is None
    assert "0 regions" in failures[0]["measurement"]
    assert failures[0]["reason"]


def test_a_slow_measurement_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(_process.MeasurementError, match="--limit"):
        _process.measure("benchmarks._case", {"regions": 2, "participants": 1}, tmp_path, 0.01)


def test_exponents_of_a_power_law() -> None:
    cases = [
        {"regions": n, "participants": p, "cohort_ms": float(n) ** 2.5} for n in (2, 4, 8) for p in (1, 8)
    ]  # per participant, so linear in participants
    assert speed.scaling(cases) == pytest.approx(
        {"regions": 2.5, "regions_last": 2.5, "participants": 1.0, "participants_last": 1.0}
    )


def test_operations_grow_as_the_algorithm_does() -> None:
    size = _floor.Size(regions=4, parameters=30, scans=198, confounds=12, intervals=13, steps=207)
    assert 5e6 < _floor.iteration(size) < 5e7  # the design's estimate is 10 million
    longer = _floor.Size(regions=4, parameters=30, scans=396, confounds=12, intervals=26, steps=414)
    for part in (_floor.propagators, _floor.sensitivities, _floor.gram):
        assert part(longer) == 2 * part(size)


def test_the_host_sends_a_cohort_in_one_piece_and_compiles_nothing_of_its_own() -> None:
    row = host.measure(40, scans=30)
    assert row["sent"] <= 3  # the batch, the states, and the states again when the row was cut
    assert row["fetched"] <= row["calls"] + 1
    assert row["compilations"] == 0
