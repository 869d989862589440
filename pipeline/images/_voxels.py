"""Series of the voxels of a mask, read slab by slab."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from ..bids import DataError, open_nifti
from ._grid import UNREADABLE, ExtractionError, Grid, RegionError, as_image, grid_of
from ._map_scale import infer_map_scale, mask_threshold

BRIGHTER = 2.0  # times the brain, from which the surroundings cannot be air
CHUNK = 20_000  # voxels that are computed with at a time: 64 MB for 400 scans
SLAB = 64 * 2**20  # bytes of an image in memory at a time, as 64-bit numbers
_EXACT = (np.dtype(np.float32), np.dtype(np.int16), np.dtype(np.uint16), np.dtype(np.int8), np.dtype(np.uint8))


@dataclass(frozen=True, eq=False)
class Voxels:
    """Series of the voxels of a brain that can be used.

    Fields:
        series: (scan, voxel) as stored; 32-bit numbers only where these hold the file's values exactly.
        inside: the brain mask.
        usable: voxels of `series` in their order; those of `inside` that are finite and not constant.
        grid: of the image.
    """

    series: Float[np.ndarray, "scan voxel"]
    inside: Bool[np.ndarray, "i j k"]
    usable: Bool[np.ndarray, "i j k"]
    grid: Grid

    def positions(self, region: Bool[np.ndarray, "i j k"]) -> np.ndarray:
        """Columns of `series` that lie in a region."""
        return np.flatnonzero(region[self.usable])

    def scattered(self, values: Float[np.ndarray, "voxel"]) -> Float[np.ndarray, "i j k"]:
        """A value for each voxel of `series` as an image; 0 elsewhere."""
        image = np.zeros(self.grid.shape)
        image[self.usable] = values
        return image


def read_mask(path: Path, grid: Grid, label: str) -> Bool[np.ndarray, "i j k"]:
    """A run's brain mask; raises `ExtractionError` where it is empty, damaged, or on another grid than the run."""
    image = _open_image(path, label)
    if not grid_of(image).same_as(grid):
        raise ExtractionError(f"{label}: {path.name} is on another grid than the run; take the mask of the same space")
    values = _read_values(image, label, path)
    values = np.where(np.isfinite(values), values, 0.0).reshape((*values.shape[:3], -1))[..., :1]
    values = np.moveaxis(values, -1, 0)
    scale = infer_map_scale(values, image)
    if scale.kind == "empty":
        raise ExtractionError(f"{label}: {path.name} is empty; make the brain mask again")
    if scale.kind not in ("binary", "fraction", "percent"):
        raise ExtractionError(
            f"{label}: {path.name} has {scale.describe()}, as no mask has; it must be 0 outside the brain and 1 "
            "inside, or a probability; check that image and mask are not swapped"
        )
    try:
        limit = mask_threshold(scale, None, path.name)
    except RegionError as error:
        raise ExtractionError(f"{label}: {error}") from None
    return np.asarray(values[0] > limit)


def read_voxels(path: Path, inside: Bool[np.ndarray, "i j k"], label: str, smoothing: float | None = None) -> Voxels:
    """Series of every voxel of the brain that is finite in all scans and not constant.

    The image itself is never whole in memory: slabs of scans are read in the file's order, and of each the brain is
    kept: at 2 mm about 230,000 voxels, so 0.4 GB for 400 scans (twice that where the file scales its numbers).

    Arguments:
        inside: the brain mask, on the image's grid.
        label: of the run, for errors.
        smoothing: width (FWHM) of a Gaussian that each scan is smoothed by, mm.

    Raises `ExtractionError` where the file is damaged or no voxel can be used.
    """
    image = _open_series(path, inside, label)
    series = np.empty((image.shape[3], int(inside.sum())), dtype=_exact_type(image, smoothing))
    step = max(1, SLAB // (8 * int(np.prod(image.shape[:3]))))
    for start in range(0, image.shape[3], step):
        slab = _read_values(image, label, path, slice(start, start + step))
        if start == 0:
            _check_inside(slab[..., 0], inside, label, path)
        slab = slab if smoothing is None else _smoothed(slab, image.affine, smoothing)
        series[start : start + step] = slab[inside].T
    good: np.ndarray = np.asarray(np.isfinite(series).all(axis=0))
    good[good] = np.ptp(series[:, good], axis=0) > 0
    if not good.any():
        raise ExtractionError(f"{label}: no voxel of the brain mask varies; check {path.name} and its mask")
    usable = inside.copy()
    usable[inside] = good
    return Voxels(series if good.all() else series[:, good], inside, usable, grid_of(image))


def voxel_blocks(series: Float[np.ndarray, "scan voxel"], scale: float) -> Iterator[Float[np.ndarray, "scan voxel"]]:
    """The voxels in portions, as 64-bit numbers, times `scale`."""
    for start in range(0, series.shape[1], CHUNK):
        yield series[:, start : start + CHUNK].astype(np.float64) * scale


def read_first_scans(path: Path, inside: Bool[np.ndarray, "i j k"], label: str, scans: int) -> np.ndarray:
    """(scan, voxel) of the brain's finite voxels in the first scans: enough to know the scale of a run's images.

    Raises `ExtractionError` as `read_voxels`.
    """
    image = _open_series(path, inside, label)
    slab = _read_values(image, label, path, slice(0, scans))
    _check_inside(slab[..., 0], inside, label, path)
    series = slab[inside].T
    return np.asarray(series[:, np.isfinite(series).all(axis=0)])


def _check_inside(scan: np.ndarray, inside: np.ndarray, label: str, path: Path) -> None:
    """Around a brain is air, which is dark."""
    scan = np.where(np.isfinite(scan), scan, 0.0)
    bright, dark = float(scan[inside].mean()), float(scan[~inside].mean()) if not inside.all() else 0.0
    if dark > BRIGHTER * abs(bright):
        raise ExtractionError(
            f"{label}: {path.name} is brighter outside the brain mask (mean {dark:.3g}) than inside ({bright:.3g}); "
            "check that the mask is not inverted, nor another run's"
        )


def _open_image(path: Path, label: str) -> Any:
    try:
        image = open_nifti(path)
        grid_of(image)
        return image
    except DataError as error:
        raise ExtractionError(f"{label}: {error}") from None
    except UNREADABLE as error:
        raise ExtractionError(f"{label}: {path.name} cannot be read ({_first_line(error)}); make it again") from None


def _open_series(path: Path, inside: Bool[np.ndarray, "i j k"], label: str) -> Any:
    image = _open_image(path, label)
    if len(image.shape) != 4 or image.shape[:3] != inside.shape:
        raise ExtractionError(
            f"{label}: {path.name} has the shape {image.shape}, not scans on the mask's grid; check both"
        )
    return image


def _read_values(image: Any, label: str, path: Path, scans: slice | None = None) -> np.ndarray:
    try:
        return np.asarray(image.dataobj if scans is None else image.dataobj[..., scans], dtype=np.float64)
    except UNREADABLE as error:
        raise ExtractionError(
            f"{label}: {path.name} is cut off or damaged ({_first_line(error)}); make it again"
        ) from None


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:100]


def _exact_type(image: Any, smoothing: float | None) -> type[np.floating[Any]]:
    plain = float(image.dataobj.slope) == 1.0 and float(image.dataobj.inter) == 0.0
    return np.float32 if plain and smoothing is None and image.get_data_dtype() in _EXACT else np.float64


def _smoothed(slab: np.ndarray, affine: np.ndarray, width: float) -> np.ndarray:
    from nilearn.image import smooth_img

    return np.asarray(smooth_img(as_image(slab, affine), width).dataobj, dtype=np.float64)
