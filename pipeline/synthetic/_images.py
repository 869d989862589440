"""Regional series → a four-dimensional image of a head that moves, and fMRIPrep's table of its confounds.

The brain is that of MNI, 6 mm, as an echo-planar image shows it, with six regions in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from nilearn.datasets import load_mni152_brain_mask, load_mni152_template
from scipy import ndimage, signal

from ._regional_series import REGIONS

VOXEL_SIZE = 6  # mm
BRAIN_MARGIN = 2  # voxels around the brain, where the template has them
MEAN_INTENSITY = 1000.0  # of the image in grey matter
RIM_INTENSITY = 350.0  # just outside the brain
DROPOUT_SIGNAL, DROPOUT_CENTRE, DROPOUT_RADIUS = (
    0.25,
    (0.0, 54.0, -20.0),
    13.0,
)  # share; mm; mm
MASK_THRESHOLD = 0.5  # of the mean; voxels below are not in the brain mask

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
    image = np.where(mask, MEAN_INTENSITY * (1 + 0.5 * (0.7 - anatomy)), 0.0)  # fluid is bright here, white matter dark
    if dropout:
        away = np.linalg.norm(position - DROPOUT_CENTRE, axis=-1)
        image *= DROPOUT_SIGNAL + (1 - DROPOUT_SIGNAL) / (1 + np.exp(DROPOUT_RADIUS - away))
    head = ndimage.binary_dilation(mask)
    image = np.where(head & ~mask, RIM_INTENSITY, image)
    weights = np.stack([_weights(position, name) for name in REGIONS], axis=-1)
    middle = position[mask].mean(axis=0)
    return Brain(
        affine,
        mask & (image > MASK_THRESHOLD * MEAN_INTENSITY),
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
    anatomy, mask = load_mni152_template(resolution=VOXEL_SIZE), load_mni152_brain_mask(resolution=VOXEL_SIZE)
    inside = np.asarray(mask.dataobj) > 0
    box = tuple(
        slice(max(0, int(along.min()) - BRAIN_MARGIN), int(along.max()) + BRAIN_MARGIN + 1)
        for along in np.nonzero(inside)
    )
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
    gradient = np.stack(np.gradient(image, VOXEL_SIZE), axis=-1)
    turning = np.cross(position, gradient)
    return np.moveaxis(np.concatenate([gradient, turning], axis=-1), -1, 0)


MOTION_COLUMNS = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
HEAD_RADIUS = 50.0  # mm; the radius by which framewise displacement turns angles into lengths
MOTION_STEP = 0.018  # mm; standard deviation of what a calm head moves along an axis from scan to scan
CALM, RESTLESS = (0.7, 1.4), (2.5, 3.5)  # ranges of a multiple of it
JUMPS = 5  # of a restless head in a run
COSINE_CUTOFF = 128.0  # s; slower cosines are in the table


def draw_motion(scans: int, restless: bool, rng: np.random.Generator) -> Float[np.ndarray, "scan 6"]:
    """Translation, mm, and rotation, rad, of the head: a random walk; a restless head jumps too, and stays."""
    steps = rng.normal(0.0, MOTION_STEP * rng.uniform(*(RESTLESS if restless else CALM)), size=(scans, 6))
    if restless:
        when = rng.choice(np.arange(10, scans - 10), JUMPS, replace=False)
        steps[when] += rng.normal(0.0, 0.35, size=(JUMPS, 6))
    steps[:, 3:] /= HEAD_RADIUS
    path = np.cumsum(steps, axis=0)
    return path - path[0]


def framewise_displacement(motion: Float[np.ndarray, "scan 6"]) -> Float[np.ndarray, "scan"]:
    """Sum of absolute changes from the scan before, angles as arcs on a sphere of 50 mm (Power et al. 2012), mm.

    NaN in the first scan.
    """
    moved = np.abs(np.diff(motion, axis=0)) * np.array([1, 1, 1, HEAD_RADIUS, HEAD_RADIUS, HEAD_RADIUS])
    return np.concatenate([[np.nan], moved.sum(axis=1)])


def confound_columns(
    motion: Float[np.ndarray, "scan 6"],
    tissue: Mapping[str, Float[np.ndarray, "scan"]],
    repetition_time: float,
    unsteady: int,
) -> dict[str, Float[np.ndarray, "scan"]]:
    """The columns of fMRIPrep's table by name, NaN where it has n/a.

    Arguments:
        motion: translation, mm, and rotation, rad.
        tissue: mean signals, such as ``csf``.
        repetition_time: s.
        unsteady: volumes at the start that are not at steady state.
    """
    scans = motion.shape[0]
    columns: dict[str, np.ndarray] = {}
    for name, values in (*tissue.items(), *zip(MOTION_COLUMNS, motion.T, strict=True)):
        columns |= _with_derivatives(name, values)
    columns["framewise_displacement"] = framewise_displacement(motion)
    slow = int(2 * scans * repetition_time / COSINE_CUTOFF)
    phase = np.pi * (np.arange(scans) + 0.5) / scans
    columns |= {f"cosine{k - 1:02d}": np.sqrt(2 / scans) * np.cos(phase * k) for k in range(1, slow + 1)}
    columns |= {f"non_steady_state_outlier{k:02d}": np.eye(scans)[k] for k in range(unsteady)}
    return columns


def _with_derivatives(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """A signal, its change from the scan before, and the squares of both."""
    change = np.concatenate([[np.nan], np.diff(values)])
    return {
        name: values,
        f"{name}_derivative1": change,
        f"{name}_power2": values**2,
        f"{name}_derivative1_power2": change**2,
    }


SCALE = 0.5  # of the stored integers
PERSISTENCE = 0.3  # lag-1 correlation of a voxel's own noise
RESIDUAL = 0.12  # share of motion's effect that realignment leaves
SPIN_HISTORY = 0.3  # percent of signal lost for 1 mm moved since the scan before, which no motion parameter explains
DRIFT = 0.4  # percent; standard deviation of each of three slow patterns
BREATH = 0.1  # percent; of fluctuations that the whole head shares
SURGE = (0.25, 0.06)  # rise of the first scans where they are not at steady state, a share of the signal


@dataclass(frozen=True, eq=False)
class AcquiredRun:
    """One run of voxels of the head.

    Fields:
        stored: (scan, voxel) integers; times `SCALE` they are the image.
        tissue: mean signal of each tissue as fMRIPrep tabulates it, (scan,).
    """

    stored: Int[np.ndarray, "scan voxel"]
    tissue: dict[str, Float[np.ndarray, "scan"]]


def acquire_run(
    brain: Brain,
    series: Float[np.ndarray, "scan region"],
    motion: Float[np.ndarray, "scan 6"],
    voxel_noise: float,
    unsteady: int,
    rng: np.random.Generator,
) -> AcquiredRun:
    """Make the image of one run.

    Arguments:
        series: of the regions, percent.
        motion: translation, mm, and rotation, rad.
        voxel_noise: standard deviation, in the units of the image.
        unsteady: volumes at the start that are not at steady state.
    """
    percent = series @ brain.weights.T + _whole_head(motion, rng)[:, None] + _drift(brain, series.shape[0], rng)
    image = brain.baseline * (1 + percent / 100) + RESIDUAL * (motion @ brain.shift)
    image[:unsteady] *= 1 + np.array(SURGE[:unsteady])[:, None]
    drawn = rng.standard_normal(image.shape, dtype=np.float32)
    scale = np.float32(voxel_noise * np.sqrt(1 - PERSISTENCE**2))
    image += signal.lfilter(np.array([scale]), np.array([1, -PERSISTENCE], dtype=np.float32), drawn, axis=0)
    stored = np.clip(np.rint(image / SCALE), 0, np.iinfo(np.int16).max).astype(np.int16)
    return AcquiredRun(stored, _tissue_means(brain, stored))


def _whole_head(motion: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Breathing and heart, slow in a sequence of scans, and what is lost where the head has just moved; percent."""
    scans = motion.shape[0]
    breath = signal.lfilter([1.0], [1.0, -0.7], rng.normal(size=scans + 20))[20:] * np.sqrt(1 - 0.7**2)
    return BREATH * breath - SPIN_HISTORY * np.nan_to_num(framewise_displacement(motion))


def _drift(brain: Brain, scans: int, rng: np.random.Generator) -> np.ndarray:
    """Three patterns, even, left to right and front to back, each with a slow course of its own; percent."""
    slow = slow_courses(scans)
    patterns = np.column_stack([np.ones(len(brain.places)), brain.places[:, :2]])
    return DRIFT * (slow @ rng.normal(size=(3, 3))) @ patterns.T


def slow_courses(scans: int) -> Float[np.ndarray, "scan course"]:
    """Three slow courses, which together have a variance of 1."""
    phase = np.pi * (np.arange(scans) + 0.5) / scans
    return np.stack([np.cos(phase * k) for k in (1, 2, 3)], axis=1) * np.sqrt(2 / 3)


def _tissue_means(brain: Brain, stored: np.ndarray) -> dict[str, np.ndarray]:
    groups = {
        "global_signal": brain.mask[brain.head],
        "csf": brain.fluid,
        "white_matter": brain.white_matter,
    }
    return {name: stored[:, chosen].mean(axis=1, dtype=np.float64) * SCALE for name, chosen in groups.items()}
