"""`benchmarks.gpu`, a small version on the CPU; how fast is not a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import _gpu_parts, _process, gpu


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
