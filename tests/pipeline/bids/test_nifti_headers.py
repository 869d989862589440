"""Heads of real NIfTI files, compressed or not, of both versions and byte orders."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.bids import DataError
from pipeline.bids._readable_files import read_header

AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0.5, -126], [0, 0, 2, -72], [0, 0, 0, 1]])


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("end", ["nii", "nii.gz"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_header_is_read_whatever_the_container(tmp_path: Path, kind: type, end: str, order: str) -> None:
    path = tmp_path / f"x.{end}"
    header = kind.header_class(endianness=order)
    image = kind(np.zeros((4, 5, 6, 7), dtype=np.int16), AFFINE, header)
    image.header.set_zooms((2.0, 2.0, 2.0, 1.5))
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, path)
    found = read_header(path)
    assert (found.shape, found.repetition_time) == ((4, 5, 6, 7), 1.5)
    np.testing.assert_allclose(found.affine, AFFINE, atol=1e-5)


@pytest.mark.parametrize(("unit", "step", "seconds"), [("msec", 1500, 1.5), ("usec", 1.5e6, 1.5), ("sec", 0, None)])
def test_the_repetition_time_is_in_seconds(tmp_path: Path, unit: str, step: float, seconds: float | None) -> None:
    path = tmp_path / "x.nii"
    image = nib.Nifti1Image(np.zeros((2, 2, 2, 3), dtype=np.float32), AFFINE)
    image.header.set_zooms((2.0, 2.0, 2.0, step))
    image.header.set_xyzt_units("mm", unit)
    nib.save(image, path)
    assert read_header(path).repetition_time == seconds


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_file_cut_anywhere_is_refused(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    end = data.draw(st.sampled_from(("nii", "nii.gz")))
    path = tmp_path_factory.mktemp("cut") / f"x.{end}"
    voxels = np.random.default_rng(0).normal(size=(3, 3, 3, 20)).astype(np.float32)
    nib.save(nib.Nifti1Image(voxels, AFFINE), path)
    read_header(path)
    whole = path.read_bytes()
    # less the last eight bytes of a compressed file, its checksum and length, the data are all there
    kept = data.draw(st.integers(0, len(whole) - (9 if end == "nii.gz" else 1)))
    path.write_bytes(whole[:kept])
    with pytest.raises(DataError, match=r"^x\.nii(\.gz)? (is cut off|is empty|is damaged|is not compressed)"):
        read_header(path)


def test_a_singular_affine_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.nii"
    image = nib.Nifti1Image(np.zeros((2, 2, 2, 3), dtype=np.float32), AFFINE)
    image.header["srow_z"] = 0
    nib.save(image, path)
    raw = bytearray(path.read_bytes())
    offset = nib.Nifti1Header.template_dtype.fields["srow_z"][1]
    raw[offset : offset + 16] = bytes(16)
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"x\.nii has an affine that cannot be inverted"):
        read_header(path)


def test_an_unknown_kind_of_voxel_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.nii"
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2, 3), dtype=np.float32), AFFINE), path)
    raw = bytearray(path.read_bytes())
    offset = nib.Nifti1Header.template_dtype.fields["datatype"][1]
    raw[offset : offset + 2] = b"\x01\x77"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"x\.nii has a damaged header"):
        read_header(path)
