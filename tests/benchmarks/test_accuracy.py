"""`benchmarks.accuracy` passes, and writes every check."""

from __future__ import annotations

import json
import math
from pathlib import Path

from command_line import python_m

from benchmarks import accuracy
from benchmarks._check import Check


def test_quick_run_passes_and_writes_every_check(tmp_path: Path) -> None:
    file = tmp_path / "accuracy.json"
    done = python_m("benchmarks.accuracy", "--quick", "--json", file)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(file.read_text())
    assert result["device"]
    assert result["precision"] == "float64"
    assert {row["section"] for row in result["checks"]} == set(accuracy.SECTIONS)
    for row in result["checks"]:
        assert math.isfinite(row["value"])
        assert row["outcome"] in ("pass", "information")
        assert row["check"] in done.stdout
    evidence = next(row for row in result["checks"] if "log evidence" in row["check"])
    assert evidence["value"] <= 1e-8


def test_a_check_outside_its_bounds_or_not_finite_fails() -> None:
    assert Check("x", 1.0, most=2.0, least=0.5).passed
    assert not Check("x", 3.0, most=2.0).passed
    assert not Check("x", 0.1, least=0.5).passed
    assert not Check("x", math.nan, most=2.0).passed
    assert Check("x", 3.0, most=2.0).row()["outcome"] == "FAIL"
    assert Check("x", 3.0).row()["outcome"] == "information"


def test_a_section_that_breaks_is_a_failure_and_no_more() -> None:
    def broken(quick: bool) -> list[Check]:
        raise RuntimeError("what went wrong")

    accuracy.SECTIONS["broken"] = broken
    try:
        [row] = accuracy._section("broken", True)
    finally:
        del accuracy.SECTIONS["broken"]
    assert row["outcome"] == "FAIL"
    assert "what went wrong" in row["note"]
