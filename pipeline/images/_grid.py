"""Voxel grids, and images brought to them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from jaxtyping import Bool, Float
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from ..bids import DataError, ImageRun, open_nifti
from ..common import message_line, shorten

UNREADABLE = (
    *(OSError, EOFError, ValueError, MemoryError, OverflowError),
    *(ImageFileError, HeaderDataError, gzip.BadGzipFile, zlib.error),
)
AT_ONCE = 2**22  # voxels
SAME_PLACE = 1e-3  # mm


class ExtractionError(ValueError):
    """A run that nothing can be taken from: run, region where it is one, cause and remedy in one line."""

    def __init__(self, problem: str) -> None:
        super().__init__(message_line(problem))


class RegionError(ValueError):
    """A region that cannot be drawn: its name, cause and remedy in one line."""

    def __init__(self, problem: str) -> None:
        super().__init__(message_line(problem))


@dataclass(frozen=True)
class Grid:
    """The places of an image's voxels; two runs on the same grid share their regions.

    Fields:
        shape: number of voxels along each axis.
        rows: of the affine, voxel numbers → mm.
    """

    shape: tuple[int, int, int]
    rows: tuple[tuple[float, ...], ...]

    @cached_property
    def affine(self) -> Float[np.ndarray, "4 4"]:
        """Voxel numbers → mm."""
        return np.array(self.rows, dtype=np.float64)

    def places(self) -> Float[np.ndarray, "i j k 3"]:
        """Centre of every voxel, mm."""
        numbers = np.stack(np.meshgrid(*map(np.arange, self.shape), indexing="ij"), axis=-1)
        return np.asarray(numbers @ self.affine[:3, :3].T + self.affine[:3, 3])

    @property
    def voxel_volume(self) -> float:
        """Of one voxel, mm³."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    def same_as(self, other: Grid) -> bool:
        """Whether the voxels of both are at the same places."""
        return self.shape == other.shape and bool(np.allclose(self.affine, other.affine, atol=SAME_PLACE))


def grid_of(image: Path | Any) -> Grid:
    """The grid of an image, or of an image's file; of its first three axes.

    Raises `DataError` where the file is no image, `ValueError` where it has no three axes in known places.
    """
    opened: Any = open_nifti(image) if isinstance(image, Path) else image
    if len(opened.shape) < 3:
        raise ValueError(f"has {len(opened.shape)} axes, not three")
    affine = np.asarray(opened.affine, dtype=np.float64)
    if not np.isfinite(affine).all():
        raise ValueError("has an affine that is not finite")
    if abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise ValueError("has an affine that cannot be inverted")
    first, second, third = opened.shape[:3]
    rows = tuple(tuple(float(value) for value in row) for row in affine)
    return Grid((int(first), int(second), int(third)), rows)


def run_grids(runs: Iterable[ImageRun]) -> list[Grid]:
    """The different grids of runs' images, in order; nothing is read, as the inventory has looked at every header."""
    return list(dict.fromkeys(Grid(run.shape, run.affine) for run in runs))


def open_image(path: Path, what: str) -> Any:
    """A NIfTI image whose voxels are not read yet; raises `RegionError` that begins with `what` where it is none."""
    if not path.is_file():
        raise RegionError(f"{what} {path} does not exist; check the path")
    try:
        image = open_nifti(path)
        grid_of(image)
    except DataError as error:
        raise RegionError(f"{what} {path}{str(error).removeprefix(path.name)}") from None
    except UNREADABLE as error:
        raise RegionError(f"{what} {path} is no NIfTI image ({shorten(str(error))}); give a .nii or .nii.gz") from None
    codes = [int(image.header[key]) for key in ("qform_code", "sform_code") if key in image.header]
    if codes and not any(codes):
        raise RegionError(
            f"{what} {path} does not say where its voxels lie (qform and sform codes are 0); "
            "copy the header of an image on the same grid, or make it again"
        )
    return image


def volume_count(image: Any) -> int:
    """How many volumes an image has; axes of length one do not count."""
    return int(np.prod(image.shape[3:], dtype=np.int64))


def read_volumes(image: Any, what: str, which: list[int] | None = None) -> Float[np.ndarray, "volume i j k"]:
    """Values of an image's volumes, of all or of some; what is not finite is zero.

    Raises `RegionError` that begins with `what` where the file is cut off or damaged.
    """
    try:
        if which is not None and len(image.shape) == 4:
            values = np.stack([np.asarray(image.dataobj[..., volume], dtype=np.float64) for volume in which])
        else:
            values = _every_value(image).reshape((*image.shape[:3], -1))
            values = np.moveaxis(values, -1, 0)
            values = values if which is None else values[which]
    except UNREADABLE:
        raise RegionError(f"{what} is cut off or damaged; copy it or make it again") from None
    with np.errstate(all="ignore"):
        if np.isfinite(values.sum()):  # then all of them are, and no second array of that size is needed
            return values
    return np.where(np.isfinite(values), values, 0.0)


def _every_value(image: Any) -> np.ndarray:
    """All values; of a series some scans at a time, as nibabel needs several times their memory for a moment."""
    if len(image.shape) != 4:
        return np.asarray(image.dataobj, dtype=np.float64)
    values = np.empty(image.shape, dtype=np.float64, order="F")
    step = max(1, AT_ONCE // int(np.prod(image.shape[:3], dtype=np.int64)))
    for start in range(0, image.shape[3], step):
        values[..., start : start + step] = image.dataobj[..., start : start + step]
    return values


def resample_to_grid(
    values: Float[np.ndarray, "volume i j k"], source: Grid, target: Grid, between: bool
) -> Float[np.ndarray, "volume x y z"]:
    """Values at the voxel centres of another grid: of the nearest voxel, or interpolated linearly; 0 outside.

    Arguments:
        between: whether to interpolate; for probabilities, not for labels.
    """
    if source.same_as(target):
        return values
    from nilearn.image import resample_img
    from nilearn.image.resampling import BoundingBoxError

    try:
        moved = resample_img(
            as_image(np.moveaxis(values, 0, -1), source.affine),
            target_affine=target.affine,
            target_shape=target.shape,
            interpolation="linear" if between else "nearest",
            fill_value=0,
            force_resample=True,
            copy_header=True,
        )
    except BoundingBoxError:  # nothing of it lies on the other grid
        return np.zeros((len(values), *target.shape))
    return np.moveaxis(np.asarray(moved.dataobj, dtype=np.float64), -1, 0)


def as_image(values: np.ndarray, affine: Float[np.ndarray, "4 4"]) -> Any:
    """Values as a NIfTI image, mm."""
    make: Any = nibabel.Nifti1Image  # nibabel's constructors have no types
    image = make(values, affine)
    image.header.set_xyzt_units("mm", "sec")
    return image


def is_whole(values: Float[np.ndarray, "..."], rounding: float = 0.0) -> bool:
    """Whether values are whole numbers, but for what rounding made of them."""
    return bool((np.abs(values - np.rint(values)) <= rounding).all())


def sphere(grid: Grid, centre: tuple[float, float, float], radius: float) -> Bool[np.ndarray, "i j k"]:
    """Voxels whose centre is within `radius` mm of `centre`."""
    return np.asarray(np.square(grid.places() - np.array(centre)).sum(axis=-1) <= radius**2 * (1 + 1e-12))
