"""Cross-validated Mahalanobis distance between patterns of activity: what noise alone leaves at zero on average."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cholesky, solve_triangular
from sklearn.covariance import ledoit_wolf

from ._predictors import FeatureError
from ._series_checks import check_matrix


def crossnobis(
    patterns: Float[np.ndarray, "fold condition voxel"],
    covariance: Float[np.ndarray, "voxel voxel"] | None = None,
    *,
    pairs: Int[np.ndarray, "pair 2"] | None = None,
) -> Float[np.ndarray, "condition condition"]:
    """Squared distances between the patterns of every two conditions, each a product of differences in two folds.

        d_ij = 1 / (F (F − 1)) · Σ_{m≠n} (b_im − b_jm)ᵀ Σ⁻¹ (b_in − b_jn) / voxels

    Noise that is independent between folds adds nothing on average, so that d is zero on average where patterns do not
    differ, and may be below zero. Division by the number of voxels is rsatoolbox's convention as well; on seven
    participants' patterns of five fingers both agree within 3·10⁻¹⁶ (of 0.6), without and with a covariance.

    Arguments:
        patterns: (fold, condition, voxel) estimates b, one for each condition in each fold. Folds are what was measured
            apart: runs, or parts of a run whose responses do not overlap.
        covariance: (voxel, voxel) Σ of the noise, as of `noise_covariance`; none for the identity.
        pairs: (pair, 2) folds that are compared, from 0; none for every two.

    Returns a symmetric matrix with zeros on the diagonal, in squared units of b over those of Σ.

    Raises `FeatureError` with fewer than two folds or conditions, values that are not finite, a fold paired with
    itself, or a covariance that is not positive definite.

    Source: Walther et al. 2016, NeuroImage 137, 188–200; Diedrichsen et al. 2021, arXiv:2007.02789.
    """
    patterns = np.asarray(patterns)
    covariance = None if covariance is None else np.asarray(covariance)
    _check_patterns(patterns)
    # Differences do without the pattern that all conditions of a fold share; products of small numbers are exacter.
    centred = patterns - patterns.mean(axis=1, keepdims=True)
    white = centred if covariance is None else _whitened(centred, covariance)
    first, second = _pairs(pairs, len(patterns)).T
    products = np.einsum("piv,pjv->ij", white[first], white[second]) / (first.size * patterns.shape[2])
    products = (products + products.T) / 2  # both orders of a pair
    power = np.diag(products)
    distances = power[:, None] + power[None, :] - 2 * products
    np.fill_diagonal(distances, 0.0)
    return np.asarray(distances)


def noise_covariance(residuals: Float[np.ndarray, "scan voxel"], free: int) -> Float[np.ndarray, "voxel voxel"]:
    """Covariance of the noise from a model's residuals r, shrunk towards a multiple of the identity.

        Σ = scans / free · ((1 − δ) S + δ tr(S) / voxels · I),   S = rᵀr / scans

    δ is Ledoit and Wolf's, for independent scans: whiten before. A design of rank p takes p of the scans' degrees of
    freedom, so that S is too small on average by free / scans; the factor in front undoes it.

    Arguments:
        residuals: (scan, voxel) of the whitened model.
        free: scans less the rank of the design.

    Raises `FeatureError` where no degrees of freedom are left, or a voxel has no residuals.

    Source: Ledoit & Wolf 2004, J. Multivar. Anal. 88, 365–411, as scikit-learn has it.
    """
    residuals = np.asarray(residuals)
    check_matrix("the residuals' matrix", residuals, (None, None))
    scans = len(residuals)
    if not 0 < free <= scans:
        raise FeatureError(f"residuals of {scans} scans with {free} degrees of freedom give no noise covariance")
    still = np.flatnonzero(~residuals.any(axis=0))
    if still.size:
        raise FeatureError(f"{still.size} of {residuals.shape[1]} voxels have no residuals; leave them out")
    shrunk, _ = ledoit_wolf(residuals, assume_centered=True)
    return np.asarray(shrunk * (scans / free))


def _check_patterns(patterns: np.ndarray) -> None:
    if patterns.ndim != 3 or patterns.shape[0] < 2 or patterns.shape[1] < 2 or patterns.shape[2] < 1:
        shape = " × ".join(map(str, patterns.shape))
        raise FeatureError(
            f"patterns of the shape {shape}: give folds × conditions × voxels, two folds and two conditions at least"
        )
    if not np.isfinite(patterns).all():
        raise FeatureError("the patterns hold values that are not finite; leave these voxels out")


def _whitened(patterns: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """b L⁻ᵀ with Σ = L Lᵀ, so that products are those with Σ⁻¹."""
    voxels = patterns.shape[2]
    check_matrix("the noise covariance", covariance, (voxels, voxels))
    if not np.allclose(covariance, covariance.T, rtol=1e-10, atol=1e-10 * np.abs(covariance).max()):
        raise FeatureError("the noise covariance is not symmetric")
    try:
        factor = cholesky(covariance, lower=True)
    except np.linalg.LinAlgError as error:
        raise FeatureError("the noise covariance is not positive definite; shrink it (noise_covariance)") from error
    return solve_triangular(factor, patterns.reshape(-1, voxels).T, lower=True).T.reshape(patterns.shape)


def _pairs(pairs: np.ndarray | None, folds: int) -> np.ndarray:
    if pairs is None:
        return np.column_stack(np.triu_indices(folds, 1))
    wanted = np.asarray(pairs)
    fits = wanted.ndim == 2 and wanted.shape[1:] == (2,) and len(wanted) and wanted.min() >= 0 and wanted.max() < folds
    if not fits or (wanted[:, 0] == wanted[:, 1]).any():
        raise FeatureError(f"pairs should be rows of two different folds among 0 … {folds - 1}")
    return wanted
