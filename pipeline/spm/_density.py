"""A mean and a covariance as SPM stores them → a Gaussian that the group level can compute with."""

from __future__ import annotations

import numpy as np

from peb import Gaussian

from ..matlab import FieldProblem

ROUNDING = 1e-6  # of a correlation: what SPM's inverses, sums of draws and single precision leave
FLOOR = 1e-10  # of the correlations' eigenvalues, where rounding took them to 0 or below
LARGEST = 1e100  # sums of larger ones overflow


def spm_density(mean: np.ndarray, covariance: np.ndarray, name: str, remedy: str) -> Gaussian:
    """N(mean, covariance) of a file, asymmetric or semidefinite by rounding or not.

    Correlations are made symmetric. Where that is not positive definite over the parameters that vary, eigenvalues of
    the correlations between −1e-6 and 1e-10 are raised to 1e-10; variances stay as they are to that precision.

    Arguments:
        mean: (param,).
        covariance: (param, param), or (param,) variances.
        name: SPM's name of the covariance, for messages.
        remedy: what to do where it is unusable.

    Raises `FieldProblem` where it is no covariance even so.
    """
    full = np.diag(covariance) if covariance.ndim == 1 else covariance
    if full.size and np.abs(full).max() > LARGEST:
        raise FieldProblem(name, f"holds {np.abs(full).max():.3g}, which is no variance of a parameter; {remedy}")
    variance = np.diag(full)
    negative = np.flatnonzero(variance < 0)
    if negative.size:
        raise FieldProblem(name, f"has a negative variance at entry {negative[0] + 1}; {remedy}")
    free, fixed = np.flatnonzero(variance > 0), np.flatnonzero(variance == 0)
    if full[fixed].any() or full[:, fixed].any():
        raise FieldProblem(name, f"has covariances where the variance is 0; {remedy}")
    sd = np.sqrt(variance[free])
    correlation = full[np.ix_(free, free)] / np.outer(sd, sd)
    if correlation.size and np.abs(correlation - correlation.T).max() > ROUNDING:
        raise FieldProblem(name, f"is not symmetric; {remedy}")
    symmetric = full / 2 + full.T / 2
    try:
        return Gaussian(mean, symmetric)
    except ValueError:
        symmetric[np.ix_(free, free)] = _raised((correlation + correlation.T) / 2, name, remedy) * np.outer(sd, sd)
        return Gaussian(mean, symmetric)


def _raised(correlation: np.ndarray, name: str, remedy: str) -> np.ndarray:
    values, vectors = np.linalg.eigh(correlation)
    if values[0] < -ROUNDING:
        raise FieldProblem(
            name, f"is no covariance: an eigenvalue of its correlations is {values[0]:.3g}, below 0; {remedy}"
        )
    return np.asarray((vectors * np.maximum(values, FLOOR)) @ vectors.T)
