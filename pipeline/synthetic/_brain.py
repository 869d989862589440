"""A brain to put signals into: MNI's, 6 mm, as an echo-planar image shows it, and six regions in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from nilearn.datasets import load_mni152_brain_mask, load_mni152_template
from scipy import ndimage

from ._signals import REGIONS

VOXEL = 6  # mm
MARGIN = 2  # voxels around the brain, where the template has them
MEAN = 1000.0  # of the image in grey matter
RIM = 350.0  # just outside the brain
LOST, LOST_CENTRE, LOST_RADIUS = 0.25, (0.0, 54.0, -20.0), 13.0  # signal left in a dropout; where it is, mm
HOLE = 0.5  # of the mean; voxels below are not in the brain mask

SPHERES: Mapping[str, tuple[tuple[tuple[float, float, float], ...], float]] = {
    "dACC": (((0, 20, 36),), 9.0),
    "rACC": (((0, 42, 10),), 8.5),
    "vmPFC": (((0, 46, -14),), 9.5),
    "hippocampus": (((-28, -20, -16), (28, -20, -16)), 7.5),
    "insula": (((-36, 20, 0), (36, 20, 0)), 7.5),
    "amygdala": (((-22, -2, -18), (22, -2, -18)), 7.5),
}
"""Centres and radius of each region, mm."""


@dataclass(frozen=True, eq=False)
class Brain:
    """One participant's brain on the study's grid.

    Fields:
        affine: voxel → mm.
        mask: voxels that are in the brain mask.
        head: voxels that have any signal; all others are zero.
        baseline: (voxel,) of the head, what an image would show without noise.
        weights: (voxel, region) of the head, how much of a region's series a voxel has; mean square 1 in the region.
        white_matter, fluid: (voxel,) of the head, which belong to them.
        shift: (6, voxel) change of intensity for 1 mm along x, y, z, or 1 rad about x, y, z.
        places: (voxel, 3) of the head, in brain-sized units about its middle.
    """

    affine: Float[np.ndarray, "4 4"]
    mask: Bool[np.ndarray, "x y z"]
    head: Bool[np.ndarray, "x y z"]
    baseline: Float[np.ndarray, "voxel"]
    weights: Float[np.ndarray, "voxel region"]
    white_matter: Bool[np.ndarray, "voxel"]
    fluid: Bool[np.ndarray, "voxel"]
    shift: Float[np.ndarray, "6 voxel"]
    places: Float[np.ndarray, "voxel 3"]


def make_brain(dropout: bool = False) -> Brain:
    """The brain on the grid; with a `dropout` much of vmPFC is dark and partly outside the brain mask."""
    anatomy, mask, affine = _template()
    position = np.moveaxis(np.indices(mask.shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    image = np.where(mask, MEAN * (1 + 0.5 * (0.7 - anatomy)), 0.0)  # fluid is bright here, white matter dark
    if dropout:
        away = np.linalg.norm(position - LOST_CENTRE, axis=-1)
        image *= LOST + (1 - LOST) / (1 + np.exp(LOST_RADIUS - away))
    head = ndimage.binary_dilation(mask)
    image = np.where(head & ~mask, RIM, image)
    weights = np.stack([_weights(position, name) for name in REGIONS], axis=-1)
    middle = position[mask].mean(axis=0)
    return Brain(
        affine,
        mask & (image > HOLE * MEAN),
        head,
        image[head],
        weights[head],
        (mask & (anatomy > 0.82))[head],
        (mask & (anatomy < 0.45))[head],
        _shift(image, position - middle)[:, head],
        ((position - middle) / 70.0)[head],
    )


def sphere_mask(name: str, spacing: float = 2.0) -> tuple[Bool[np.ndarray, "x y z"], np.ndarray]:
    """A region as a mask on a finer grid, and the grid's affine."""
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = (-90.0, -126.0, -72.0)
    shape = tuple(int(length / spacing) + 1 for length in (180.0, 216.0, 180.0))
    position = np.moveaxis(np.indices(shape), 0, -1) * spacing + affine[:3, 3]
    inside: np.ndarray = _distance(position, name) <= SPHERES[name][1]
    return inside, affine


def _template() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Anatomy, brain mask and affine, cut to the brain with a margin around it."""
    anatomy, mask = load_mni152_template(resolution=VOXEL), load_mni152_brain_mask(resolution=VOXEL)
    inside = np.asarray(mask.dataobj) > 0
    box = tuple(slice(max(0, int(along.min()) - MARGIN), int(along.max()) + MARGIN + 1) for along in np.nonzero(inside))
    cut = mask.slicer[box]
    return np.asarray(anatomy.dataobj, dtype=np.float64)[box], inside[box], np.asarray(cut.affine)


def _weights(position: np.ndarray, name: str) -> np.ndarray:
    """1 in the middle, half at the border, next to nothing 1.7 radii away."""
    radius = SPHERES[name][1]
    distance = _distance(position, name)
    weights = 1 / (1 + (distance / radius) ** 8)
    return np.where(weights > 0.01, weights, 0) / np.sqrt((weights[distance <= radius] ** 2).mean())


def _distance(position: np.ndarray, name: str) -> np.ndarray:
    """From the nearest of a region's centres, mm."""
    centres = SPHERES[name][0]
    return np.min([np.linalg.norm(position - centre, axis=-1) for centre in centres], axis=0)


def _shift(image: np.ndarray, position: np.ndarray) -> np.ndarray:
    """How the image changes where the head moves: its gradient along the direction each voxel goes."""
    gradient = np.stack(np.gradient(image, VOXEL), axis=-1)
    turning = np.cross(position, gradient)
    return np.moveaxis(np.concatenate([gradient, turning], axis=-1), -1, 0)
