"""The general linear model of one run by nilearn, voxel by voxel, and its contrasts."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from ..common import write_bytes
from ._grid import as_image
from ._voxels import Voxels

CHUNK = 20_000  # voxels that are fitted at a time: 64 MB for 400 scans


@dataclass(frozen=True, eq=False)
class Effect:
    """One contrast in every voxel, in percent of the run's mean.

    Fields:
        effect: (voxel,) estimate.
        variance: (voxel,) its variance.
        t: (voxel,) effect / √variance.
    """

    effect: Float[np.ndarray, "voxel"]
    variance: Float[np.ndarray, "voxel"]
    t: Float[np.ndarray, "voxel"]


def chunks_of(series: Float[np.ndarray, "scan voxel"], scale: float) -> Iterator[Float[np.ndarray, "scan voxel"]]:
    """The voxels in portions, as 64-bit numbers, times `scale`."""
    for start in range(0, series.shape[1], CHUNK):
        yield series[:, start : start + CHUNK].astype(np.float64) * scale


def fit_contrasts(
    series: Float[np.ndarray, "scan voxel"],
    scale: float,
    design: Float[np.ndarray, "scan column"],
    contrasts: Mapping[str, Float[np.ndarray, "column"]],
    noise: Literal["ar1", "ols"],
) -> dict[str, Effect]:
    """Contrasts of nilearn's `run_glm`, whose AR(1) coefficient is each voxel's own, rounded to a hundredth.

    Arguments:
        series: as stored.
        scale: that makes them percent of the run's mean.
        design: before whitening.
        contrasts: name → weights of the columns.
    """
    from nilearn.glm import compute_contrast
    from nilearn.glm.first_level import run_glm

    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in contrasts}
    if not contrasts:
        return {}
    for block in chunks_of(series, scale):
        labels, results = run_glm(block, design, noise_model=noise)
        for name, vector in contrasts.items():
            one = compute_contrast(labels, results, vector, stat_type="t")
            parts[name].append((one.effect_size().ravel(), one.effect_variance().ravel()))
    return {name: _joined(found) for name, found in parts.items()}


def _joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> Effect:
    effect, variance = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    t = np.divide(effect, np.sqrt(variance), out=np.zeros_like(effect), where=variance > 0)
    return Effect(effect, variance, t)


def write_map(path: Path, values: Float[np.ndarray, "voxel"], voxels: Voxels, what: str) -> None:
    """A map as 32-bit NIfTI, 0 where there is no voxel of the brain; the same map gives the same bytes."""
    image = as_image(voxels.scattered(values).astype(np.float32), voxels.grid.affine)
    image.header["descrip"] = what.encode("ascii", "replace")[:79]
    write_bytes(path, gzip.compress(image.to_bytes(), compresslevel=6, mtime=0))
