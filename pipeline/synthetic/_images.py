"""Regional series → a four-dimensional image: weights, tissue, drift, physiology, motion, voxels' own noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import signal

from ._brain import Brain
from ._motion import framewise_displacement

SCALE = 0.5  # of the stored integers
PERSISTENCE = 0.3  # lag-1 correlation of a voxel's own noise
RESIDUAL = 0.12  # share of motion's effect that realignment leaves
SPIN = 0.3  # percent of signal lost for 1 mm moved since the scan before, which no motion parameter explains
DRIFT = 0.4  # percent; standard deviation of each of three slow patterns
BREATH = 0.1  # percent; of fluctuations that the whole head shares
SURGE = (0.25, 0.06)  # rise of the first scans where they are not at steady state, a share of the signal


@dataclass(frozen=True, eq=False)
class Acquired:
    """One run of voxels of the head.

    Fields:
        stored: (scan, voxel) integers; times `SCALE` they are the image.
        tissue: mean signal of each tissue as fMRIPrep tabulates it, (scan,).
    """

    stored: Int[np.ndarray, "scan voxel"]
    tissue: dict[str, Float[np.ndarray, "scan"]]


def acquire(
    brain: Brain,
    series: Float[np.ndarray, "scan region"],
    motion: Float[np.ndarray, "scan 6"],
    voxel_noise: float,
    unsteady: int,
    rng: np.random.Generator,
) -> Acquired:
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
    return Acquired(stored, _tissue(brain, stored))


def _whole_head(motion: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Breathing and heart, slow in a sequence of scans, and what is lost where the head has just moved; percent."""
    scans = motion.shape[0]
    breath = signal.lfilter([1.0], [1.0, -0.7], rng.normal(size=scans + 20))[20:] * np.sqrt(1 - 0.7**2)
    return BREATH * breath - SPIN * np.nan_to_num(framewise_displacement(motion))


def _drift(brain: Brain, scans: int, rng: np.random.Generator) -> np.ndarray:
    """Three patterns, even, left to right and front to back, each with a slow course of its own; percent."""
    phase = np.pi * (np.arange(scans) + 0.5) / scans
    slow = np.stack([np.cos(phase * k) for k in (1, 2, 3)], axis=1) * np.sqrt(2 / 3)
    patterns = np.column_stack([np.ones(len(brain.places)), brain.places[:, :2]])
    return DRIFT * (slow @ rng.normal(size=(3, 3))) @ patterns.T


def _tissue(brain: Brain, stored: np.ndarray) -> dict[str, np.ndarray]:
    groups = {
        "global_signal": brain.mask[brain.head],
        "csf": brain.fluid,
        "white_matter": brain.white_matter,
    }
    return {name: stored[:, chosen].mean(axis=1, dtype=np.float64) * SCALE for name, chosen in groups.items()}
