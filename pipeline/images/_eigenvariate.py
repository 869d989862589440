"""A region's voxels → the one series that stands for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._whiten import basis_of


@dataclass(frozen=True, eq=False)
class Eigenvariate:
    """The first principal component of a region.

    Fields:
        series: (scan,) in the unit of the voxels.
        weights: (voxel,) of unit length; their sum is not negative.
        explained: share of the voxels' sum of squares, 0 … 1.
    """

    series: Float[np.ndarray, "scan"]
    weights: Float[np.ndarray, "voxel"]
    explained: float


def eigenvariate(voxels: Float[np.ndarray, "scan voxel"]) -> Eigenvariate:
    """First eigenvariate y = u₁ √(s₁ / n), with u₁, s₁ the leading eigenvector and eigenvalue of Y Yᵀ, n voxels.

    Its variance is that of an average voxel where all voxels agree. The sign is such that the weights of the voxels,
    Yᵀu₁, sum to a positive number.

    Arguments:
        voxels: (scan, voxel) Y, whitened, filtered and adjusted; not all zero.

    Raises `ValueError` where values are not finite or all are zero.

    Source: Friston et al. 2006, NeuroImage 30, 1077–1087, appendix; SPM12 computes the same.
    """
    if not np.isfinite(voxels).all():
        raise ValueError("the voxels hold values that are not finite")
    scans, singular, loads = np.linalg.svd(voxels, full_matrices=False)
    if singular.size == 0 or singular[0] == 0:
        raise ValueError("the voxels have no signal")
    sign = -1.0 if loads[0].sum() < 0 else 1.0
    powers = singular**2
    series = scans[:, 0] * (sign * singular[0] / np.sqrt(voxels.shape[1]))
    return Eigenvariate(series, sign * loads[0], float(powers[0] / powers.sum()))


def without(voxels: Float[np.ndarray, "scan voxel"], confounds: Float[np.ndarray, "scan confound"]) -> np.ndarray:
    """Y − X0 X0⁺ Y: what the confounds do not explain, whatever units they are in.

    This is the adjustment for the effects of no interest: what the null space of the F contrast over the effects of
    interest spans, is taken out of the data.
    """
    basis = basis_of(confounds)
    return np.asarray(voxels - basis @ (basis.T @ voxels))
