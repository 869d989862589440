"""The benchmark of crossovers runs, and its draws are of the model that is fitted."""

from __future__ import annotations

import pytest

from benchmarks.crossover import main


def test_a_quick_run_prints_every_effect(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--studies", "4", "--only", "crossover of 16, own 0.35, SDs"]) in (0, 1)
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("drug", "period", "sequence", "two levels", "within their limits"))
