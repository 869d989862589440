"""Maps of many runs → mean and t over participants, in one pass and little memory."""

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

from ..bids import open_nifti


@dataclass(frozen=True, eq=False)
class GroupMap:
    """A contrast over the runs of one arm and session.

    Fields:
        affine: (4, 4) voxel → mm.
        mean: (x, y, z) mean effect, percent signal change; NaN where fewer than two runs have a value.
        t: (x, y, z) mean over its standard error; NaN likewise.
        count: number of runs.
        unread: files that could not be read.
    """

    affine: Float[np.ndarray, "4 4"]
    mean: Float[np.ndarray, "x y z"]
    t: Float[np.ndarray, "x y z"]
    count: int
    unread: tuple[Path, ...]


def group_map(paths: Sequence[Path], like: tuple[np.ndarray, tuple[int, ...]] | None = None) -> GroupMap | None:
    """Mean and t of effect maps, voxel by voxel (Welford's recurrence); None where fewer than two can be read.

    Voxels that are 0 or not finite are outside the brain. Maps on another grid than the first are brought to it by
    linear interpolation.

    Arguments:
        paths: NIfTI files.
        like: affine and shape of the grid; that of the first map where None.
    """
    unread: list[Path] = []
    count = 0
    number = mean = squares = np.zeros(0)
    for path in paths:
        found = _read(path, like)
        if found is None:
            unread.append(path)
            continue
        values, affine = found
        if like is None:
            like = (affine, values.shape)
        if not count:
            number, mean, squares = np.zeros(values.shape), np.zeros(values.shape), np.zeros(values.shape)
        count += 1
        inside = np.isfinite(values) & (values != 0)
        number += inside
        apart = np.where(inside, values - mean, 0.0)
        mean += apart / np.maximum(number, 1)
        squares += apart * np.where(inside, values - mean, 0.0)
    if count < 2 or like is None:
        return None
    enough = number >= 2
    error = np.sqrt(squares / np.maximum(number - 1, 1) / np.maximum(number, 1))
    t = np.divide(mean, error, out=np.full(mean.shape, np.nan), where=enough & (error > 0))
    return GroupMap(like[0], np.where(enough, mean, np.nan), t, count, tuple(unread))


def _read(path: Path, like: tuple[np.ndarray, tuple[int, ...]] | None) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        image = open_nifti(path)
        values = np.asarray(image.dataobj, dtype=np.float64)
    except (OSError, EOFError, ValueError, MemoryError, zlib.error):
        return None
    if values.ndim != 3 or image.affine is None:
        return None
    if like is not None and (values.shape != like[1] or not np.allclose(image.affine, like[0])):
        values = on_grid(values, image.affine, *like)
        return values, like[0]
    return values, np.asarray(image.affine)


def on_grid(values: np.ndarray, own: np.ndarray, affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An image with an affine of its own brought to another grid by linear interpolation."""
    from nilearn.image import resample_img

    with warnings.catch_warnings():
        # nilearn's notes on its defaults to come; all of them are given here.
        warnings.simplefilter("ignore", FutureWarning)
        image: Any = nibabel.Nifti1Image(values, own)
        found = resample_img(image, affine, shape, interpolation="linear", force_resample=True, copy_header=True)
    return np.asarray(found.dataobj, dtype=np.float64)
