"""The series of a region, as a DCM takes it: voxels whitened, adjusted, and summed up by their first eigenvariate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh, toeplitz
from scipy.optimize import brentq

from ..study import Region
from ._grid import ExtractionError
from ._region_masks import VoxelMasks
from ._voxels import Voxels

EXTREME = 0.95  # of the coefficient either way; beyond, a run is not stationary enough for the model


def orthonormal_basis(design: Float[np.ndarray, "scan column"]) -> Float[np.ndarray, "scan dimension"]:
    """Orthonormal columns that span those of a design; units of the columns do not decide which of them count."""
    sizes = np.linalg.norm(design, axis=0)
    basis, values, _ = np.linalg.svd(design / np.where(sizes > 0, sizes, 1.0), full_matrices=False)
    return np.asarray(basis[:, values > values.max(initial=0.0) * max(design.shape) * np.finfo(float).eps])


def residual_maker(design: Float[np.ndarray, "scan column"]) -> Float[np.ndarray, "scan scan"]:
    """R = I − X X⁺."""
    basis = orthonormal_basis(design)
    return np.eye(design.shape[0]) - basis @ basis.T


def pooled_correlation(
    blocks: Iterable[Float[np.ndarray, "scan voxel"]], maker: Float[np.ndarray, "scan scan"]
) -> float:
    """Lag-one autocorrelation of the residuals r = R y, averaged over voxels: each voxel counts the same.

    Voxels that the design explains wholly are left out.
    """
    total, voxels = 0.0, 0
    for block in blocks:
        residual = maker @ block
        power = np.einsum("sv,sv->v", residual, residual)
        lagged = np.einsum("sv,sv->v", residual[1:], residual[:-1])
        good = power > 1e-20 * np.einsum("sv,sv->v", block, block)
        total += float((lagged[good] / power[good]).sum())
        voxels += int(good.sum())
    return total / voxels if voxels else 0.0


def ar1_coefficient(correlation: float, maker: Float[np.ndarray, "scan scan"]) -> float:
    """The coefficient ρ whose residuals would have the autocorrelation that was found.

        tr(R D R V(ρ)) / tr(R V(ρ)) = observed,  V(ρ)ᵢⱼ = ρ^|i−j|,  D = half of both neighbouring diagonals

    Residuals are less correlated than the noise, as the design takes slow parts out; this undoes it.

    Arguments:
        correlation: of `pooled_correlation`.
        maker: R of `residual_maker`.

    Source: the method of moments of Worsley et al. 2002, NeuroImage 15, 1–15, appendix A.3, with the AR(1)
    covariance in place of one that ends at lag one.
    """
    scans = maker.shape[0]
    neighbours = (np.eye(scans, k=1) + np.eye(scans, k=-1)) / 2
    lagged, power = (_diagonal_sums(matrix) for matrix in (maker @ neighbours @ maker, maker))

    def excess(rho: float) -> float:
        powers = rho ** np.arange(scans)
        return float(lagged @ powers / (power @ powers)) - correlation

    if excess(-EXTREME) >= 0:
        return -EXTREME
    return EXTREME if excess(EXTREME) <= 0 else float(brentq(excess, -EXTREME, EXTREME, xtol=1e-14))


def _diagonal_sums(matrix: Float[np.ndarray, "scan scan"]) -> Float[np.ndarray, "lag"]:
    """Sums over the diagonals at every lag, both sides: weights of ρ^lag in tr(M V(ρ))."""
    sums = np.array([np.trace(matrix, k) for k in range(matrix.shape[0])])
    return sums * np.where(np.arange(sums.size) == 0, 1.0, 2.0)


def whitener(coefficient: float, scans: int) -> Float[np.ndarray, "scan scan"]:
    """W = V^{−½}, the symmetric square root, of V_ij = ρ^|i−j|.

    A causal filter (y_t − ρ y_{t−1}) whitens as well, but shifts the series in time, which a DCM would read as delay.
    """
    if coefficient == 0:
        return np.eye(scans)
    values, vectors = eigh(toeplitz(coefficient ** np.arange(scans)))
    return np.asarray((vectors / np.sqrt(values)) @ vectors.T)


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


def remove_explained(
    voxels: Float[np.ndarray, "scan voxel"], confounds: Float[np.ndarray, "scan confound"]
) -> np.ndarray:
    """Y − X0 X0⁺ Y: what the confounds do not explain, whatever units they are in.

    This is the adjustment for the effects of no interest: what the null space of the F contrast over the effects of
    interest spans, is taken out of the data.
    """
    basis = orthonormal_basis(confounds)
    return np.asarray(voxels - basis @ (basis.T @ voxels))


@dataclass(frozen=True, eq=False)
class RegionCoverage:
    """What a run has of a region.

    Fields:
        columns: of the brain's series that are used.
        size: voxels that the region has on the run's grid.
        inside: of them inside the brain mask.
        centre: (3,) of the voxels used, mm.
    """

    columns: np.ndarray
    size: int
    inside: int
    centre: Float[np.ndarray, "3"]

    @property
    def share(self) -> float:
        """Of the region inside the brain mask."""
        return self.inside / self.size

    @property
    def dropped(self) -> int:
        """Voxels inside the brain mask that are constant or not finite."""
        return self.inside - self.columns.size


def cover_regions(
    label: str, regions: Mapping[str, Region], masks: VoxelMasks, voxels: Voxels
) -> dict[str, RegionCoverage]:
    """What a run has of every region.

    Raises `ExtractionError` that names every region of which it has too little.
    """
    found, problems = {}, []
    for name, region in regions.items():
        mask = masks[name]
        columns = voxels.positions(mask)
        inside, size = int((mask & voxels.inside).sum()), int(mask.sum())
        if inside < region.least_coverage * size or inside == 0:
            problems.append(
                f"{name} has {inside / size:.0%} of its {size} voxels inside the brain mask "
                f"(least_coverage is {region.least_coverage:.0%})"
            )
        elif columns.size < region.least_voxels:
            spoilt = f", and {inside - columns.size} are constant or not finite" if inside > columns.size else ""
            problems.append(
                f"{name} has {columns.size} voxels that can be used{spoilt} (least_voxels is {region.least_voxels})"
            )
        else:
            used = mask & voxels.usable
            found[name] = RegionCoverage(columns, size, inside, voxels.grid.places()[used].mean(axis=0))
    if problems:
        raise ExtractionError(
            f"{label}: region {'; region '.join(problems)}; look at the brain mask and signal there, change the region "
            "or exclude the run"
        )
    return found


def region_means(
    covered: Mapping[str, RegionCoverage], voxels: Voxels, scale: float
) -> Float[np.ndarray, "scan region"]:
    """Mean over the voxels of every region, times `scale`; nothing is taken out."""
    means = [voxels.series[:, region.columns].mean(axis=1, dtype=np.float64) * scale for region in covered.values()]
    return np.column_stack(means)


def region_eigenvariates(
    label: str,
    covered: Mapping[str, RegionCoverage],
    voxels: Voxels,
    scale: float,
    whiten: Float[np.ndarray, "scan scan"],
    confounds: Float[np.ndarray, "scan confound"],
) -> dict[str, Eigenvariate]:
    """The first eigenvariate of every region, whitened and adjusted.

    Arguments:
        scale: that makes the series percent of the run's mean.
        whiten: W of `whitener`.
        confounds: X0, whitened, drifts among them.

    Raises `ExtractionError` where nothing is left of a region's signal.
    """
    found = {}
    for name, coverage in covered.items():
        raw = whiten @ (voxels.series[:, coverage.columns].astype(np.float64) * scale)
        adjusted = remove_explained(raw, confounds)
        if np.abs(adjusted).max() <= 1e-10 * np.abs(raw).max():
            raise ExtractionError(
                f"{label}: the confounds explain all signal of region {name}; take fewer confounds or exclude the run"
            )
        found[name] = eigenvariate(adjusted)
    return found
