"""The files of a dataset: tables, sidecars and images, the same bytes for the same content."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ..common import write_bytes, write_text
from ..tables import MISSING, tab_separated


def write_tsv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table as BIDS wants it; None and NaN are n/a."""
    table = [list(header), *([_cell(value) for value in row] for row in rows)]
    write_text(path, tab_separated(table))


def write_image(path: Path, image: nib.Nifti1Image) -> None:
    """A compressed NIfTI file without the time of day that gzip keeps by default."""
    write_bytes(path, gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))


def make_image(stored: np.ndarray, affine: np.ndarray, scale: float, repetition_time: float) -> nib.Nifti1Image:
    """A run of stored integers, (x, y, z, scan), that become the image times `scale`; in MNI space."""
    image = nib.Nifti1Image(stored, affine)
    image.header.set_zooms((*image.header.get_zooms()[:3], repetition_time))
    return in_mni(image, scale)


def make_mask(mask: np.ndarray, affine: np.ndarray) -> nib.Nifti1Image:
    """A mask, (x, y, z), in MNI space."""
    return in_mni(nib.Nifti1Image(mask.astype(np.uint8), affine))


def in_mni(image: nib.Nifti1Image, scale: float = 1.0) -> nib.Nifti1Image:
    """The image with units and the codes of MNI space in its header."""
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_slope_inter(scale, 0)
    image.set_sform(image.affine, code="mni")
    image.set_qform(image.affine, code="mni")
    return image


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    return f"{value:.8g}" if isinstance(value, float) else str(value)
