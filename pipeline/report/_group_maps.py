"""Maps of many runs → mean and t over participants, and slices of them as one picture."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from jaxtyping import Float
from matplotlib.colors import to_rgb

from ..bids import open_nifti
from ..figures import BLUE, VERMILION


@dataclass(frozen=True, eq=False)
class GroupMap:
    """A contrast over the participants of one group and session.

    Fields:
        affine: (4, 4) voxel → mm.
        mean: (x, y, z) mean effect, percent signal change; NaN where fewer than two participants have a value.
        t: (x, y, z) mean over its standard error; NaN likewise.
        count: number of participants.
        unread: files that could not be read.
    """

    affine: Float[np.ndarray, "4 4"]
    mean: Float[np.ndarray, "x y z"]
    t: Float[np.ndarray, "x y z"]
    count: int
    unread: tuple[Path, ...]


def group_map(
    paths: Sequence[Sequence[Path]], grid: tuple[np.ndarray, tuple[int, ...]] | None = None
) -> GroupMap | None:
    """Mean and t of effect maps, voxel by voxel (Welford's recurrence); None where fewer than two can be read.

    Voxels that are 0 or not finite are outside the brain. Maps on another grid than the first are brought to it by
    linear interpolation.

    Arguments:
        paths: of each participant the NIfTI files, one of each run, whose mean counts.
        grid: its affine and shape; that of the first map where None.
    """
    unread: list[Path] = []
    count = 0
    number: np.ndarray = np.zeros(0)
    mean, squares = number, number
    for runs in paths:
        values: list[np.ndarray] = []
        for path in runs:
            found = _read_map(path, grid)
            if found is None:
                unread.append(path)
                continue
            grid = grid or (found[1], found[0].shape)
            values.append(found[0])
        if not values:
            continue
        if not count:
            number, mean, squares = (np.zeros(values[0].shape) for _ in range(3))
        count += 1
        own, inside = _mean_inside(values)
        number += inside
        deviation = np.where(inside, own - mean, 0.0)
        mean += deviation / np.maximum(number, 1)
        squares += deviation * np.where(inside, own - mean, 0.0)
    if count < 2 or grid is None:
        return None
    enough = number >= 2
    error = np.sqrt(squares / np.maximum(number - 1, 1) / np.maximum(number, 1))
    t = np.divide(mean, error, out=np.full(mean.shape, np.nan), where=enough & (error > 0))
    return GroupMap(grid[0], np.where(enough, mean, np.nan), t, count, tuple(unread))


def _mean_inside(values: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The mean of one participant's maps where all of them are inside the brain, and where that is."""
    inside = np.all([np.isfinite(own) & (own != 0) for own in values], axis=0)
    return (values[0] if len(values) == 1 else np.mean(values, axis=0)), inside


def _read_map(path: Path, grid: tuple[np.ndarray, tuple[int, ...]] | None) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        image = open_nifti(path)
        values = np.asarray(image.dataobj, dtype=np.float64)
    except (OSError, EOFError, ValueError, MemoryError, zlib.error):
        return None
    if values.ndim != 3 or image.affine is None:
        return None
    if grid is not None and (values.shape != grid[1] or not np.allclose(image.affine, grid[0])):
        values = resample_map(values, image.affine, *grid)
        return values, grid[0]
    return values, np.asarray(image.affine)


def resample_map(values: np.ndarray, own: np.ndarray, affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An image with an affine of its own brought to another grid by linear interpolation."""
    from nilearn.image import resample_img

    with warnings.catch_warnings():
        # nilearn's notes on its defaults to come; all of them are given here.
        warnings.simplefilter("ignore", FutureWarning)
        image: Any = nibabel.Nifti1Image(values, own)
        found = resample_img(image, affine, shape, interpolation="linear", force_resample=True, copy_header=True)
    return np.asarray(found.dataobj, dtype=np.float64)


T_OPAQUE = 3.1  # |t| from which colour is opaque and has a dark edge
PIXEL_SIZE = 2.0  # mm; voxels are drawn as so many pixels as fit
LEAST_ANATOMY = 0.05  # of the anatomy's brightest, below which it is outside the head
LEAST_OPACITY = 0.15  # opacity from which an effect is drawn outside the anatomy too
EDGE_COLOUR = np.array([0.08, 0.1, 0.13])


def slice_montage(
    contrast_map: GroupMap, slices: Sequence[int], largest: float, anatomy: Float[np.ndarray, "row column slice"] | None
) -> Float[np.ndarray, "row column 4"]:
    """Axial slices side by side, left of the brain on the left, as red, green, blue and opacity from 0 to 1.

    Arguments:
        contrast_map: mean and t.
        slices: positions along the third axis.
        largest: effect at which the colour is deepest.
        anatomy: what `anatomy_slices` makes of these slices; plain grey where None.
    """
    span = brain_box(contrast_map)
    tiles = []
    for place, position in enumerate(slices):
        planes = [_upright(plane[span[0], span[1], position]) for plane in (contrast_map.mean, contrast_map.t)]
        mean, t = (np.kron(plane, np.ones((pixels_per_voxel(contrast_map),) * 2)) for plane in planes)
        tiles.append(_coloured_slice(mean, t, largest, None if anatomy is None else _upright(anatomy[..., place])))
    if contrast_map.affine[0, 0] < 0:
        tiles = [tile[:, ::-1] for tile in tiles]
    return np.concatenate(tiles, axis=1)


def pixels_per_voxel(contrast_map: GroupMap) -> int:
    """Pixels along a voxel's side."""
    return max(1, round(float(np.linalg.norm(contrast_map.affine[:3, 0])) / PIXEL_SIZE))


def brain_box(contrast_map: GroupMap) -> tuple[slice, slice]:
    """Where the brain is along the first and second axis, a voxel more on either side."""
    inside = np.isfinite(contrast_map.mean)
    first, second = (_extent(inside.any(axis=axes)) for axes in ((1, 2), (0, 2)))
    return first, second


def anatomy_slices(
    contrast_map: GroupMap, slices: Sequence[int], values: np.ndarray, affine: np.ndarray
) -> Float[np.ndarray, "row column slice"]:
    """An anatomical image at the pixels of some slices, from 0 to 1."""
    pixels, span = pixels_per_voxel(contrast_map), brain_box(contrast_map)
    starts = [plane.start for plane in span]
    shape = [(plane.stop - plane.start) * pixels for plane in span]
    planes = []
    for position in slices:
        grid = np.array(contrast_map.affine)
        grid[:, :2] /= pixels
        corner = np.array([*(start - 0.5 + 0.5 / pixels for start in starts), position, 1.0])
        grid[:, 3] = contrast_map.affine @ corner
        planes.append(resample_map(values, affine, grid, (*shape, 1))[..., 0])
    return np.clip(np.stack(planes, axis=-1) / np.percentile(values[values > 0], 99), 0, 1)


def _extent(inside: np.ndarray) -> slice:
    places = np.flatnonzero(inside)
    if not places.size:
        return slice(0, inside.size)
    return slice(max(int(places[0]) - 1, 0), min(int(places[-1]) + 2, inside.size))


def _upright(plane: np.ndarray) -> np.ndarray:
    """First axis to the right, second up."""
    return plane.T[::-1]


def _coloured_slice(mean: np.ndarray, t: np.ndarray, largest: float, anatomy: np.ndarray | None) -> np.ndarray:
    inside, mean, t = np.isfinite(mean), np.nan_to_num(mean), np.nan_to_num(t)
    opacity = np.minimum(np.abs(t) / T_OPAQUE, 1) ** 2 * np.sqrt(np.minimum(np.abs(mean) / largest, 1))
    grey = np.full(mean.shape, 0.75) if anatomy is None else 0.2 + 0.7 * anatomy
    colour = np.where(mean[..., None] < 0, to_rgb(BLUE), to_rgb(VERMILION))
    blend = grey[..., None] * (1 - opacity[..., None]) + colour * opacity[..., None]
    blend[_edge_pixels(np.abs(t) >= T_OPAQUE)] = EDGE_COLOUR
    shown = inside if anatomy is None else (anatomy > LEAST_ANATOMY) | (inside & (opacity > LEAST_OPACITY))
    return np.concatenate([blend, shown[..., None].astype(float)], axis=-1)


def _edge_pixels(above: np.ndarray) -> np.ndarray:
    """Pixels of an area that touch its outside."""
    padded = np.pad(above, 1)
    surrounded = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edges: np.ndarray = above & ~surrounded
    return edges
