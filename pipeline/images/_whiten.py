"""Serial correlations as one AR(1) process for the whole run, and their removal without a shift in time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh, toeplitz
from scipy.optimize import brentq

EXTREME = 0.95  # of the coefficient either way; beyond, a run is not stationary enough for the model


def basis_of(design: Float[np.ndarray, "scan column"]) -> Float[np.ndarray, "scan dimension"]:
    """Orthonormal columns that span those of a design; units of the columns do not decide which of them count."""
    sizes = np.linalg.norm(design, axis=0)
    basis, values, _ = np.linalg.svd(design / np.where(sizes > 0, sizes, 1.0), full_matrices=False)
    return np.asarray(basis[:, values > values.max(initial=0.0) * max(design.shape) * np.finfo(float).eps])


def residual_maker(design: Float[np.ndarray, "scan column"]) -> Float[np.ndarray, "scan scan"]:
    """R = I − X X⁺."""
    basis = basis_of(design)
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
