"""The fuzzer's MATLAB files: good before they are edited, the same for the same seed, and no trouble after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks._fuzz_mat import SLOW_MUTATIONS, mat_seeds, mutate_mat
from pipeline.matlab import load_mat
from pipeline.spm import DcmFile, DcmFileError, read_models


@pytest.mark.parametrize("kind", ["v5", "v7", "v7.3"])
def test_seeds_are_good_models(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x.mat").write_bytes(mat_seeds()[kind])
    (entry,) = read_models(tmp_path / "x.mat")
    assert isinstance(entry, DcmFile)
    assert entry.estimate is not None
    assert entry.remarks == ()


def test_the_same_seed_gives_the_same_bytes() -> None:
    for content in mat_seeds().values():
        first, again, other = (mutate_mat(content, np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert first == again != other


@pytest.mark.parametrize(("kind", "count"), [("v4", 100), ("v5", 250), ("v7", 250), ("v7.3", 25)])
def test_every_file_is_read_or_refused_in_one_line(tmp_path: Path, kind: str, count: int) -> None:
    refused = 0
    for seed in range(count):
        (tmp_path / "x.mat").write_bytes(mutate_mat(mat_seeds()[kind], np.random.default_rng(seed)))
        for entry in read_models(tmp_path / "x.mat"):
            if isinstance(entry, DcmFileError):
                refused += 1
                assert str(entry).isprintable()
                assert "; " in str(entry)
    assert refused > count // 2


@pytest.mark.parametrize("mutation", SLOW_MUTATIONS)
def test_bombs_leave_the_model_readable(tmp_path: Path, mutation: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks._fuzz_mat.BOMB_BYTES", 8_000_000)
    monkeypatch.setattr("pipeline.matlab._stream.VALUES", 4_000_000)
    rng = np.random.default_rng(0)
    assert callable(mutation)
    (tmp_path / "x.mat").write_bytes(mutation(bytearray(mat_seeds()["v7"]), rng))
    assert "DCM" in load_mat(tmp_path / "x.mat")
