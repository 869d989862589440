"""Head motion, and fMRIPrep's table of confounds with its derivatives and squares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

AXES = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
HEAD = 50.0  # mm; the radius by which framewise displacement turns angles into lengths
STEP = 0.018  # mm; standard deviation of what a calm head moves along an axis from scan to scan
CALM, RESTLESS = (0.7, 1.4), (2.5, 3.5)  # ranges of a multiple of it
JUMPS = 5  # of a restless head in a run
CUTOFF = 128.0  # s; slower cosines are in the table


def draw_motion(scans: int, restless: bool, rng: np.random.Generator) -> Float[np.ndarray, "scan 6"]:
    """Translation, mm, and rotation, rad, of the head: a random walk; a restless head jumps too, and stays."""
    steps = rng.normal(0.0, STEP * rng.uniform(*(RESTLESS if restless else CALM)), size=(scans, 6))
    if restless:
        when = rng.choice(np.arange(10, scans - 10), JUMPS, replace=False)
        steps[when] += rng.normal(0.0, 0.35, size=(JUMPS, 6))
    steps[:, 3:] /= HEAD
    path = np.cumsum(steps, axis=0)
    return path - path[0]


def framewise_displacement(motion: Float[np.ndarray, "scan 6"]) -> Float[np.ndarray, "scan"]:
    """Sum of absolute changes from the scan before, angles as arcs on a sphere of 50 mm (Power et al. 2012), mm.

    NaN in the first scan.
    """
    moved = np.abs(np.diff(motion, axis=0)) * np.array([1, 1, 1, HEAD, HEAD, HEAD])
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
    for name, values in (*tissue.items(), *zip(AXES, motion.T, strict=True)):
        columns |= _expanded(name, values)
    columns["framewise_displacement"] = framewise_displacement(motion)
    slow = int(2 * scans * repetition_time / CUTOFF)
    phase = np.pi * (np.arange(scans) + 0.5) / scans
    columns |= {f"cosine{k - 1:02d}": np.sqrt(2 / scans) * np.cos(phase * k) for k in range(1, slow + 1)}
    columns |= {f"non_steady_state_outlier{k:02d}": np.eye(scans)[k] for k in range(unsteady)}
    return columns


def _expanded(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """A signal, its change from the scan before, and the squares of both."""
    change = np.concatenate([[np.nan], np.diff(values)])
    return {
        name: values,
        f"{name}_derivative1": change,
        f"{name}_power2": values**2,
        f"{name}_derivative1_power2": change**2,
    }
