"""`benchmarks.speed`, `.host` and `.gpu` write the numbers they promise, on one size of model; how fast is no test."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import _case, _floor, _gpu_parts, _process, _stages, gpu, host, speed

CASE = (
    "ms_per_iteration_per_participant",
    "cohort_ms",
    "iterations",
    "total_s",
    "peak_mb",
    "floor_ms",
)


def test_a_quick_run_writes_positive_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure_here(module: str, task: dict[str, Any], *_: object) -> Any:
        return {"benchmarks._case": _case.run, "benchmarks._stages": _stages.run}[module](task)

    monkeypatch.setattr(speed, "measure", measure_here)  # a process each would have to compile anew
    file = tmp_path / "speed.json"
    assert speed.main(["--quick", "--json", str(file)]) == 0
    assert "device: " in capsys.readouterr().out
    result = json.loads(file.read_text())
    assert result["failures"] == []
    [case] = result["cases"]
    assert (case["regions"], case["participants"], case["scans"], case["parameters"]) == (2, 1, 40, 14)
    assert all(math.isfinite(case[name]) and case[name] > 0 for name in CASE)
    *parts, whole = result["stages"]
    assert sum(part["mflop"] for part in parts) == pytest.approx(whole["mflop"])
    assert all(stage["processor_ms"] > 0 for stage in (parts[0], whole))


def test_a_failed_case_is_reported(tmp_path: Path) -> None:
    failures: list[dict[str, Any]] = []
    assert speed._case({"regions": 0, "participants": 1}, tmp_path, 60, failures) is None
    assert "0 regions" in failures[0]["measurement"]
    assert failures[0]["reason"]


def test_a_slow_measurement_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(_process.MeasurementError, match="--limit"):
        _process.measure("benchmarks._case", {"regions": 2, "participants": 1}, tmp_path, 0.01)


def test_exponents_of_a_power_law() -> None:
    sizes = [(4, 8), (8, 1), (8, 8), (8, 64), (16, 8), (32, 2)]
    cases = [
        {"regions": n, "participants": p, "cohort_ms": 3.0, "ms_per_iteration_per_participant": float(n) ** 2.5}
        for n, p in sizes
    ]  # per participant, so linear in participants
    assert speed.scaling(cases) == pytest.approx({"regions": 2.5, "participants, 8 regions": 1.0})


def test_operations_grow_as_the_algorithm_does() -> None:
    size = _floor.Size(regions=4, parameters=30, scans=198, confounds=12, intervals=8, steps=203)
    longer = _floor.Size(regions=4, parameters=30, scans=396, confounds=12, intervals=16, steps=406)
    for part in (_floor.propagators, _floor.injections, _floor.recursion, _floor.gram):
        assert part(longer) == 2 * part(size)
    assert (_floor.noise(longer), _floor.flow(longer)) == (_floor.noise(size), _floor.flow(size))
    wide = _floor.Size(regions=400, parameters=30, scans=198, confounds=12, intervals=8, steps=203)
    wider = _floor.Size(regions=800, parameters=30, scans=198, confounds=12, intervals=8, steps=203)
    assert _floor.propagators(wider) / _floor.propagators(wide) == pytest.approx(8, rel=0.05)  # a³


def test_the_host_sends_a_cohort_in_one_piece_and_compiles_nothing_of_its_own() -> None:
    row = host.measure(40, scans=speed.QUICK_SCANS, regions=2)
    assert row["sent"] <= 3  # the batch, the states, and the states again when the row was cut
    assert row["fetched"] <= row["calls"] + 1
    assert row["compilations"] == 0


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Parts run in this process; those named break after their first row."""

    def patch(*broken: str) -> None:
        def measure_here(_: str, task: dict[str, Any], *__: object) -> tuple[list[Any], str]:
            arguments = dict(task)
            part = arguments.pop("part")
            return list(_gpu_parts.PARTS[part](**arguments)), "broke" if part in broken else ""

        monkeypatch.setattr(gpu, "measure_each", measure_here)

    return patch


def test_every_part_runs_at_a_small_size_on_the_cpu(tmp_path: Path, here: Callable[..., None]) -> None:
    here()
    file = tmp_path / "gpu.json"
    assert gpu.main(["--cpu", "--json", str(file)]) == 0
    result = json.loads(file.read_text())
    assert result["failures"] == []
    [agreement], [models], [host], [precision] = (result[name] for name in gpu.COLUMNS)
    assert agreement["agrees"]
    assert models["total_s"] == pytest.approx(models["device_s"] + models["host_s"])
    assert all(models[name] > 0 for name in ("ms_per_iteration_per_model", "device_s", "host_s"))
    assert host["fetched"] <= host["calls"] + 1
    assert 1e-9 < precision["jacobian_error"] < 1e-4  # of 32 bit, and no more
    assert precision["difference_of_means"] < 1e-3
    assert precision["iterations"] == precision["iterations_64"]


def test_without_a_gpu_it_says_so_in_one_line(here: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    here()
    assert gpu.main([]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_part_that_breaks_keeps_its_rows_and_the_others(
    tmp_path: Path, here: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [gpu.Part("agreement", {"regions": 0, "participants": 1, "scans": 1}, 1)]
    monkeypatch.setitem(_gpu_parts.PARTS, "agreement", lambda **_: iter([{"agrees": True, "regions": 7}]))
    here("agreement")
    result = gpu._run(parts, tmp_path, {})
    assert result["agreement"] == [{"agrees": True, "regions": 7}]
    assert result["failures"] == [{"measurement": "agreement, 0 regions", "reason": "broke"}]


def test_what_was_reported_before_the_limit_is_kept() -> None:
    output = f"noise\n{_process.MARK}1\n{_process.MARK}[2]\n{_process.MARK[:3]}".encode()
    assert _process._results(output) == [1, [2]]


def test_the_whole_run_ends_within_eight_minutes() -> None:
    assert sum(part.limit_s for part in gpu.full()) <= 470
