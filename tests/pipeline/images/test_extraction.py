"""Extractions on disk: back as they were, and never a damaged one."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.images import Extraction, ExtractionFileError, read_extraction, write_extraction
from pipeline.images._first_level import extract_series
from pipeline.results import open_dataset, open_result, save_result


def assert_equal(one: Extraction, other: Extraction) -> None:
    for field in fields(Extraction):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs, err_msg=field.name)
        else:
            assert mine == theirs, field.name


def test_it_comes_back_bit_for_bit(small: Any, tmp_path: Path) -> None:
    found = replace(extract_series(small.run, small.study), echo_time=0.03, censored=np.array([3, 5]))
    write_extraction(tmp_path / "a.nc", found)
    assert_equal(read_extraction(tmp_path / "a.nc"), found)


def test_it_is_saved_and_opened_as_any_result(small: Any, tmp_path: Path) -> None:
    found = extract_series(small.run, small.study)
    save_result(found, tmp_path / "a.nc")
    assert_equal(open_result(tmp_path / "a.nc"), found)
    assert open_dataset(tmp_path / "a.nc")["series"].dims == ("scan", "region")


def test_so_does_one_without_inputs_contrasts_or_echo_time(small: Any, tmp_path: Path) -> None:
    resting = small.settings(tasks={"faces": {"rest": True}}, dcm=None)
    found = extract_series(replace(small.run, events=None), resting.study)
    assert found.echo_time is None
    write_extraction(tmp_path / "a.nc", found)
    assert_equal(read_extraction(tmp_path / "a.nc"), found)


def test_xarray_reads_it_with_names_and_units(small: Any, tmp_path: Path) -> None:
    import xarray as xr

    found = extract_series(small.run, small.study)
    write_extraction(tmp_path / "a.nc", found)
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as dataset:
        np.testing.assert_array_equal(dataset["series"].sel(region="rim"), found.series[:, 1])
        assert dataset["series"].attrs["units"] == "percent of the run's mean"


@pytest.mark.parametrize("damage", ["cut", "changed", "text", "gone"])
def test_a_damaged_file_is_an_error_with_a_remedy(small: Any, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.nc"
    found = extract_series(small.run, small.study)
    write_extraction(path, found)
    content = bytearray(path.read_bytes())
    place = content.find(found.series.tobytes()[:64])
    assert place > 0
    if damage == "gone":
        path.unlink()
    elif damage == "text":
        path.write_text("no NetCDF")
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        content[place] ^= 1
        path.write_bytes(content)
    with pytest.raises(
        ExtractionFileError, match="check the path" if damage == "gone" else "delete it and extract again"
    ) as caught:
        read_extraction(path)
    assert str(path) in str(caught.value)
