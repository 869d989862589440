"""What tells whether an inversion can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._posterior import Posterior
from ._status import Status

LOW_VARIANCE = 10.0  # percent explained below which SPM's check of a DCM warns
STRONG_CONNECTION = 1 / 8  # Hz; below it no connection is worth the name (SPM's check)
SAME_OPTIMUM = 0.5  # nats of settled F within which two starts count as having reached the same optimum
SHRUNK = 0.5  # a parameter is identifiable where the data shrank its variance below this share of the prior's


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """The fit of one DCM.

    Fields:
        explained_variance: (region,) 100 · PSS / (PSS + RSS), percent, of each region's prediction and residual.
        explained_variance_total: the same over all regions.
        largest_connection: largest absolute entry of A and B off the diagonal, Hz.
        identifiable: number of free parameters whose posterior variance is under half the prior variance.
        free: number of free parameters.
        optima: distinct settled free energies (more than 0.5 nats apart) that the starts reached.
        warnings: what a careful reader would want to know, a sentence each; empty where all is well.
    """

    explained_variance: Float[np.ndarray, "region"]
    explained_variance_total: float
    largest_connection: float
    identifiable: int
    free: int
    optima: int
    warnings: tuple[str, ...]


def diagnose(posterior: Posterior) -> Diagnostics:
    """Fit and trustworthiness of one posterior (variance explained as SPM's check of a DCM computes it)."""
    explained = explained_variance(posterior.prediction, posterior.residual)
    total = float(explained_variance(posterior.prediction.ravel(), posterior.residual.ravel()))
    largest = _largest_connection(posterior)
    prior_variance = np.diag(posterior.prior.covariance)[posterior.free]
    identifiable = int((np.diag(posterior.covariance) < SHRUNK * prior_variance).sum())
    reached = posterior.start_free_energies[np.isfinite(posterior.start_free_energies)]
    optima = 1 + int((np.diff(np.sort(reached)) > SAME_OPTIMUM).sum())
    warnings = []
    if posterior.status is Status.MAX_ITERATIONS:
        warnings.append(f"stopped after {posterior.iterations} iterations before it converged; raise max_iterations")
    if total < LOW_VARIANCE:
        warnings.append(f"the model explains only {total:.1f} % of the variance; its parameters say little")
    if posterior.spec.n > 1 and largest < STRONG_CONNECTION:
        warnings.append(f"no connection between regions exceeds {STRONG_CONNECTION:g} Hz (largest {largest:.3f} Hz)")
    if identifiable == 0:
        warnings.append("the data moved no parameter: every posterior variance is over half its prior variance")
    if optima > 1:
        warnings.append(f"{reached.size} starts reached {optima} optima; number {posterior.start} is reported")
    return Diagnostics(explained, total, largest, identifiable, posterior.free.size, optima, tuple(warnings))


def explained_variance(
    prediction: Float[np.ndarray, "scan *region"], residual: Float[np.ndarray, "scan *region"]
) -> Float[np.ndarray, "*region"]:
    """100 · PSS / (PSS + RSS) over scans, percent; 0 where both are silent."""
    explained, left = (prediction**2).sum(axis=0), (residual**2).sum(axis=0)
    whole = explained + left
    return np.divide(100 * explained, whole, out=np.zeros_like(whole), where=whole > 0)


def _largest_connection(posterior: Posterior) -> float:
    parameters = posterior.parameters
    between = ~np.eye(posterior.spec.n, dtype=bool)
    strongest = [np.abs(np.asarray(matrix)[between]).max(initial=0.0) for matrix in (parameters.A, parameters.B)]
    return float(max(strongest))
