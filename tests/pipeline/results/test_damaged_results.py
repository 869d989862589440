"""Damaged and hostile result files: one line each, and HDF5 sees no bytes of them in this process."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
from made_up_group import made_up_group
from made_up_posterior import made_up_posterior

from pipeline.group._estimates import read_estimates
from pipeline.results import (
    GroupFileError,
    ResultFileError,
    _netcdf_file,
    open_dataset,
    posterior_dataset,
    read_group,
    read_posterior,
    to_posterior,
    write_dataset,
    write_group,
)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a good result."""
    path = tmp_path_factory.mktemp("result") / "x.nc"
    write_dataset(path, posterior_dataset(made_up_posterior(), name="x", attrs={"effconn": "0"}))
    return path.read_bytes()


@pytest.fixture(scope="module")
def older(sealed: bytes) -> bytes:
    """The same as an older version wrote it: without the checksum at its end."""
    return sealed[: sealed.rindex(b"\neffconn sha256 ")]


def resealed(content: bytes) -> bytes:
    """With a right checksum at the end."""
    return content + b"\neffconn sha256 " + hashlib.sha256(content).hexdigest().encode() + b"\n"


def the_line(path: Path) -> str:
    with pytest.raises(ResultFileError) as caught:
        read_posterior(path)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    assert ";" in line
    return line


def test_any_changed_byte_of_a_result_is_found_before_hdf5_reads_it(
    tmp_path: Path, sealed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last places are those of the checksum itself: then a child process looks."""
    monkeypatch.setattr(_netcdf_file, "parse_netcdf", lambda *_: pytest.fail("HDF5 saw damaged bytes"))
    rng = random.Random(0)
    path = tmp_path / "x.nc"
    for place in [0, 8, 60, *(rng.randrange(len(sealed) - 80) for _ in range(60)), len(sealed) - 2]:
        content = bytearray(sealed)
        content[place] ^= rng.randrange(1, 256)
        path.write_bytes(content)
        assert "do not match their checksum" in the_line(path)


def test_a_changed_byte_of_an_older_result_is_told_or_does_not_matter(tmp_path: Path, older: bytes) -> None:
    rng = random.Random(0)
    path = tmp_path / "x.nc"
    good = made_up_posterior().mean
    for _ in range(60):
        content = bytearray(older)
        content[rng.randrange(len(older))] ^= rng.randrange(1, 256)
        path.write_bytes(content)
        try:
            np.testing.assert_array_equal(read_posterior(path)[0].mean, good)
        except ResultFileError as error:
            assert "\n" not in str(error)  # noqa: PT017 - both ends are right


def test_an_older_result_is_still_read(tmp_path: Path, older: bytes) -> None:
    path = tmp_path / "x.nc"
    path.write_bytes(older)
    posterior, attributes = read_posterior(path)
    assert attributes["effconn"] == "0"
    assert posterior.mean.tobytes() == made_up_posterior().mean.tobytes()
    assert to_posterior(open_dataset(path)).covariance.tobytes() == posterior.covariance.tobytes()


def test_xarray_reads_a_sealed_result_whatever_its_engine(tmp_path: Path, sealed: bytes) -> None:
    path = tmp_path / "x.nc"
    path.write_bytes(sealed)
    with xr.open_dataset(path) as theirs:
        ours = open_dataset(path)
        xr.testing.assert_equal(theirs, ours)
        assert {key: variable.dims for key, variable in theirs.variables.items()} == {
            key: variable.dims for key, variable in ours.variables.items()
        }
        assert ours["mean"].attrs == theirs["mean"].attrs


def changed(content: bytes, change: Callable[[h5py.File], Any], tmp_path: Path) -> bytes:
    """A file that HDF5 finds whole, changed by its own means, its checksum of the content made right again."""
    path = tmp_path / "changed.h5"
    path.write_bytes(content)
    with h5py.File(path, "r+") as file:
        change(file)
    found = _netcdf_file.parse_netcdf(path.read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs[_netcdf_file.DIGEST] = _netcdf_file._digest(found.values, found.attributes)
    return path.read_bytes()


def replace_by(name: str, value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = value

    return change


HOSTILE: dict[str, Callable[[h5py.File], Any]] = {
    "a variable gone": lambda file: file.pop("mean"),
    "another shape": replace_by("covariance", np.zeros(3)),
    "text for numbers": replace_by("mean", np.array([b"a", b"b"])),
    "a place that is not there": replace_by("prior_free_index", np.array([10**9])),
    "an unknown status": lambda file: file.attrs.update(status="SPLENDID"),
    "an attribute gone": lambda file: file.attrs.pop("noise_prior_mean"),
    "a series of another length": replace_by("residual", np.zeros((3, 2))),
    "names of other regions": replace_by("region", np.array([b"one"])),
    "numbers that are none": replace_by("mean", np.full(20, np.nan)),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_content_that_is_no_result_is_told_whatever_its_checksums(
    tmp_path: Path, older: bytes, change: Callable[[h5py.File], Any]
) -> None:
    path = tmp_path / "x.nc"
    path.write_bytes(resealed(changed(older, change, tmp_path)))
    read, lines = read_estimates([path])
    assert read == []
    assert len(lines) == 1
    assert "\n" not in lines[0]


def link(file: h5py.File) -> None:
    file["link"] = h5py.ExternalLink("other.h5", "/x")


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((3,), float)
    layout[:] = h5py.VirtualSource("other.h5", "x", (3,))
    file.create_virtual_dataset("virtual", layout)


POINTS: dict[str, tuple[Callable[[h5py.File], Any], str]] = {
    "link": (link, "points to another file"),
    "virtual": (virtual, "points to another file"),
    "storage": (
        lambda file: file.create_dataset("raw", (64,), "u1", external=[("/etc/hostname", 0, 64)]),
        "points to another file",
    ),
    "bomb": (
        lambda file: file.create_dataset("bomb", (2**20, 2**20), "f8", chunks=(1024, 1024), fillvalue=1.0),
        "claims more data",
    ),
}


@pytest.mark.parametrize(("change", "says"), POINTS.values(), ids=POINTS.keys())
def test_an_unsealed_file_may_neither_point_elsewhere_nor_swell(
    tmp_path: Path, older: bytes, change: Callable[[h5py.File], Any], says: str
) -> None:
    path = tmp_path / "x.nc"
    path.write_bytes(older)
    with h5py.File(path, "r+") as file:
        change(file)
    assert says in the_line(path)


def test_one_damaged_result_is_named_and_the_others_are_read(tmp_path: Path, older: bytes) -> None:
    for name in ("sub-1", "sub-2", "sub-3"):
        dataset = posterior_dataset(made_up_posterior(), name=name, attrs={"effconn": "0"})
        write_dataset(tmp_path / f"{name}.nc", dataset)
    (tmp_path / "sub-2.nc").write_bytes(older[:3000])
    read, lines = read_estimates([tmp_path])
    assert [estimate.estimate.name for estimate in read] == ["sub-1", "sub-3"]
    assert len(lines) == 1
    assert "sub-2.nc: is damaged" in lines[0]


def test_a_group_whose_content_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.nc"
    write_group(path, made_up_group(), attrs={})
    content = path.read_bytes()
    path.write_bytes(resealed(changed(content[:-80], lambda file: file.attrs.update(centres="[" * 5000), tmp_path)))
    with pytest.raises(GroupFileError, match="does not hold what a result of its kind holds"):
        read_group(path)


def test_the_shared_damaged_result_is_told(shared_data: Path) -> None:
    assert "is damaged" in the_line(shared_data / "cases" / "damaged" / "sub-02_ses-1.nc")
