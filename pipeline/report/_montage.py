"""Slices of a group map as one picture: colour is the size of the effect, opacity how surely it is one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.colors import to_rgb

from ..figures import BLUE, VERMILION
from ._group_maps import GroupMap, on_grid

SURE = 3.1  # |t| from which colour is opaque and has a dark edge
PIXEL = 2.0  # mm; voxels are drawn as so many pixels as fit
DIM = 0.05  # of the anatomy's brightest, below which it is outside the head
SEEN = 0.15  # opacity from which an effect is drawn outside the anatomy too
EDGE = np.array([0.08, 0.1, 0.13])


def montage(
    found: GroupMap, slices: Sequence[int], largest: float, anatomy: Float[np.ndarray, "row column slice"] | None
) -> Float[np.ndarray, "row column 4"]:
    """Axial slices side by side, left of the brain on the left, as red, green, blue and opacity from 0 to 1.

    Arguments:
        found: mean and t.
        slices: positions along the third axis.
        largest: effect at which the colour is deepest.
        anatomy: what `anatomy_of` makes of these slices; plain grey where None.
    """
    span = spans(found)
    tiles = []
    for place, position in enumerate(slices):
        planes = [_turned(one[span[0], span[1], position]) for one in (found.mean, found.t)]
        mean, t = (np.kron(one, np.ones((fineness(found),) * 2)) for one in planes)
        tiles.append(_tile(mean, t, largest, None if anatomy is None else _turned(anatomy[..., place])))
    if found.affine[0, 0] < 0:
        tiles = [tile[:, ::-1] for tile in tiles]
    return np.concatenate(tiles, axis=1)


def fineness(found: GroupMap) -> int:
    """Pixels along a voxel's side."""
    return max(1, round(float(np.linalg.norm(found.affine[:3, 0])) / PIXEL))


def spans(found: GroupMap) -> tuple[slice, slice]:
    """Where the brain is along the first and second axis, a voxel more on either side."""
    inside = np.isfinite(found.mean)
    first, second = (_span(inside.any(axis=axes)) for axes in ((1, 2), (0, 2)))
    return first, second


def anatomy_of(
    found: GroupMap, slices: Sequence[int], values: np.ndarray, affine: np.ndarray
) -> Float[np.ndarray, "row column slice"]:
    """An anatomical image at the pixels of some slices, from 0 to 1."""
    fine, span = fineness(found), spans(found)
    starts = [one.start for one in span]
    shape = [(one.stop - one.start) * fine for one in span]
    planes = []
    for position in slices:
        grid = np.array(found.affine)
        grid[:, :2] /= fine
        corner = np.array([*(start - 0.5 + 0.5 / fine for start in starts), position, 1.0])
        grid[:, 3] = found.affine @ corner
        planes.append(on_grid(values, affine, grid, (*shape, 1))[..., 0])
    return np.clip(np.stack(planes, axis=-1) / np.percentile(values[values > 0], 99), 0, 1)


def _span(there: np.ndarray) -> slice:
    places = np.flatnonzero(there)
    if not places.size:
        return slice(0, there.size)
    return slice(max(int(places[0]) - 1, 0), min(int(places[-1]) + 2, there.size))


def _turned(plane: np.ndarray) -> np.ndarray:
    """First axis to the right, second up."""
    return plane.T[::-1]


def _tile(mean: np.ndarray, t: np.ndarray, largest: float, anatomy: np.ndarray | None) -> np.ndarray:
    inside, mean, t = np.isfinite(mean), np.nan_to_num(mean), np.nan_to_num(t)
    opacity = np.minimum(np.abs(t) / SURE, 1) ** 2 * np.sqrt(np.minimum(np.abs(mean) / largest, 1))
    grey = np.full(mean.shape, 0.75) if anatomy is None else 0.2 + 0.7 * anatomy
    colour = np.where(mean[..., None] < 0, to_rgb(BLUE), to_rgb(VERMILION))
    blend = grey[..., None] * (1 - opacity[..., None]) + colour * opacity[..., None]
    blend[_edges(np.abs(t) >= SURE)] = EDGE
    shown = inside if anatomy is None else (anatomy > DIM) | (inside & (opacity > SEEN))
    return np.concatenate([blend, shown[..., None].astype(float)], axis=-1)


def _edges(sure: np.ndarray) -> np.ndarray:
    """Pixels of an area that touch its outside."""
    padded = np.pad(sure, 1)
    surrounded = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edges: np.ndarray = sure & ~surrounded
    return edges
