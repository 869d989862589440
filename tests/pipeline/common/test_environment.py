"""What the command line sets up before anything else."""

from __future__ import annotations

import os

import pytest

from pipeline.common import CORES_VARIABLE, UsageError, count_cores


@pytest.mark.parametrize("said", ["none", "-1", "2.5", "٣"])
def test_cores_that_are_no_number_are_refused(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CORES_VARIABLE, said)
    with pytest.raises(UsageError, match="EFFCONN_CORES must be a number of cores, 1 or more"):
        count_cores()


def test_cores_are_all_that_there_are_unless_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CORES_VARIABLE, raising=False)
    assert 1 <= count_cores() <= (os.cpu_count() or 1)
    monkeypatch.setenv(CORES_VARIABLE, "3")
    assert count_cores() == 3
