"""Images whose headers claim what cannot be: one line, before anything is allocated."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from pipeline.bids import DataError, open_nifti
from pipeline.bids._readable_files import check_filled, read_header
from pipeline.images import ExtractionError, Grid, RegionError
from pipeline.images._grid import open_image, read_volumes
from pipeline.images._voxels import read_mask

SHAPE = (5, 6, 4)
GRID = Grid(SHAPE, ((3.0, 0.0, 0.0, 0.0), (0.0, 3.0, 0.0, 0.0), (0.0, 0.0, 3.0, 0.0), (0.0, 0.0, 0.0, 1.0)))


def image() -> bytearray:
    made: Any = nibabel.Nifti1Image(np.ones(SHAPE, dtype=np.uint8), GRID.affine)
    return bytearray(made.to_bytes())


def put(offset: int, form: str, *values: Any) -> Callable[[bytearray], bytearray]:
    def change(content: bytearray) -> bytearray:
        struct.pack_into("<" + form, content, offset, *values)
        return content

    return change


NAN, INF = float("nan"), float("inf")
HEADERS: dict[str, Callable[[bytearray], bytes | bytearray]] = {
    "axes of thousands": put(40, "5h", 4, 30000, 30000, 3000, 30000),
    "an axis longer than any brain": put(40, "5h", 4, 32767, 1, 2, 1),
    "a negative axis": put(42, "h", -5),
    "no axes": put(40, "h", 0),
    "nine axes": put(40, "h", 9),
    "no such type": put(70, "h", 77),
    "complex numbers": put(70, "hh", 1792, 128),
    "voxels at infinity": put(108, "f", INF),
    "voxels at no number": put(108, "f", NAN),
    "voxels before the file": put(108, "f", -400.0),
    "voxels beyond the file": put(108, "f", 1e9),
    "an affine of infinities": put(280, "4f", INF, INF, INF, INF),
    "an affine of no numbers": put(280, "4f", NAN, NAN, NAN, NAN),
    "an affine of zeros": put(280, "12f", *[0.0] * 12),
    "a slope without an intercept": put(112, "2f", 2.0, NAN),
    "nothing after the header": lambda content: content[:352],
    "half a header": lambda content: content[:200],
}


@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize("packed", [False, True], ids=["nii", "nii.gz"])
def test_a_header_that_cannot_be_is_one_line(
    tmp_path: Path, change: Callable[[bytearray], bytes | bytearray], packed: bool
) -> None:
    path = tmp_path / ("x.nii.gz" if packed else "x.nii")
    content = bytes(change(image()))
    path.write_bytes(gzip.compress(content) if packed else content)
    tracemalloc.start()
    for read, refused in (
        (lambda: check_filled(path, read_header(path)), DataError),
        (lambda: read_volumes(open_image(path, "mask"), "mask"), RegionError),
        (lambda: read_mask(path, GRID, "sub-01"), ExtractionError),
    ):
        with pytest.raises(refused) as caught:
            read()
        assert str(caught.value).isprintable()
        assert path.name in str(caught.value)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


@pytest.mark.parametrize("size", [0, -8, 15, 2**31 - 1])
def test_an_extension_of_an_impossible_size_is_one_line_or_is_passed_over(tmp_path: Path, size: int) -> None:
    content = image()
    content[348:352] = b"\1\0\0\0"
    content[352:352] = struct.pack("<ii", size, 4) + bytes(8)
    struct.pack_into("<f", content, 108, 368.0)
    path = tmp_path / "x.nii"
    path.write_bytes(content)
    try:
        assert read_volumes(open_image(path, "mask"), "mask").sum() == np.prod(SHAPE)
    except RegionError as error:
        assert "x.nii" in str(error)  # noqa: PT017 - both ends are right


@pytest.mark.parametrize(
    "damage",
    [lambda body: body[:-12], lambda body: body[:40] + b"\xff" * 30 + body[70:], lambda body: body[:-8] + bytes(8)],
    ids=["cut", "overwritten", "of another checksum"],
)
def test_a_body_that_does_not_inflate_is_one_line(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    rng = np.random.default_rng(0)
    made: Any = nibabel.Nifti1Image(rng.random((20, 20, 20)), GRID.affine)
    path = tmp_path / "x.nii.gz"
    path.write_bytes(damage(gzip.compress(made.to_bytes())))
    with pytest.raises(RegionError, match=r"x\.nii\.gz"):
        read_volumes(open_image(path, "map"), f"map {path}")


def test_zeros_packed_into_nothing_are_refused_unread(tmp_path: Path) -> None:
    """800 MB of zeros in 800 kB."""
    content = put(40, "5h", 4, 100, 100, 100, 800)(image())
    path = tmp_path / "x.nii.gz"
    path.write_bytes(gzip.compress(bytes(content)) + gzip.compress(bytes(2**22)) * 200)
    with pytest.raises(DataError, match=r"claims 800 MB of voxels in a file of 0\.8"):
        read_header(path)


def test_a_mended_header_is_not_talked_about(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.nii"
    path.write_bytes(put(252, "h", 2048)(image()))
    open_nifti(path)
    assert capfd.readouterr() == ("", "")
