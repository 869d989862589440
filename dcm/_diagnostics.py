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
NARROW = 0.25  # prior variance of the noise's log-precision below which series cannot change what noise is expected
USUAL_RANGE = 20.0  # of series in noise standard deviations where all is in percent: 1 under SPM's prior mean hE = 6
SMALL = 0.4  # of that range, below which series are taken for noise
SHRUNK = 0.5  # a parameter is identifiable where the data shrank its variance below this share of the prior's


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """The fit of one DCM.

    Fields:
        explained_variance: (region,) 100 · PSS / (PSS + RSS), percent, of each region's prediction and residual about
            their means.
        explained_variance_total: the same over all regions.
        largest_connection: largest absolute entry of A and B off the diagonal, Hz.
        identifiable: number of free parameters whose posterior variance is under half the prior variance.
        free: number of free parameters.
        optima: distinct settled free energies (more than 0.5 nats apart) that the starts reached.
        warnings: what a careful reader would want to know, a sentence each; empty where all is well.
        small_series: the series that the prior of the noise takes for noise, in words; empty where there is none.
    """

    explained_variance: Float[np.ndarray, "region"]
    explained_variance_total: float
    largest_connection: float
    identifiable: int
    free: int
    optima: int
    warnings: tuple[str, ...]
    small_series: str = ""


def diagnose(posterior: Posterior) -> Diagnostics:
    """Fit and trustworthiness of one posterior, by the checks that SPM makes of a DCM."""
    prediction, residual = _about_mean(posterior.prediction), _about_mean(posterior.residual)
    explained = share_explained(prediction, residual)
    total = float(share_explained(prediction.ravel(), residual.ravel()))
    largest = _largest_connection(posterior)
    prior_variance = np.diag(posterior.prior.covariance)[posterior.free]
    identifiable = int((np.diag(posterior.covariance) < SHRUNK * prior_variance).sum())
    reached = posterior.start_free_energies[np.isfinite(posterior.start_free_energies)]
    optima = 1 + int((np.diff(np.sort(reached)) > SAME_OPTIMUM).sum())
    warnings = []
    small = _small_series(posterior)
    if small:
        warnings.append(
            f"{small}, and takes them for noise: give percent signal change, or widen that prior (noise_variance=1, "
            "--noise-prior wide)"
        )
    if posterior.status is Status.MAX_ITERATIONS:
        warnings.append(f"stopped after {posterior.iterations} iterations before it converged; raise max_iterations")
    if total < LOW_VARIANCE:
        warnings.append(f"the model explains only {total:.1f} % of the variance; its parameters say little")
    if posterior.spec.n > 1 and largest < STRONG_CONNECTION:
        warnings.append(f"no connection between regions exceeds {STRONG_CONNECTION:g} Hz (largest {largest:.3f} Hz)")
    if identifiable == 0:
        warnings.append("the data moved no parameter: every posterior variance is over half its prior variance")
    refinement = posterior.refinement
    if refinement is not None and not refinement.used:
        warnings.append(
            f"only {refinement.effective_sample:.0f} of {refinement.draws} weighted draws count, too few to refine the "
            "Gaussian, which is kept; check it by sampling (effconn check-posterior)"
        )
    if optima > 1:
        warnings.append(f"{reached.size} starts reached {optima} optima; number {posterior.start} is reported")
    return Diagnostics(explained, total, largest, identifiable, posterior.free.size, optima, tuple(warnings), small)


def share_explained(
    prediction: Float[np.ndarray, "scan *region"], residual: Float[np.ndarray, "scan *region"]
) -> Float[np.ndarray, "*region"]:
    """100 · PSS / (PSS + RSS) over scans, percent; 0 where both are silent.

    SPM's check of a DCM has this of a prediction whose mean is still in it, which inputs that are not centred make
    large: where half of the variance is signal, it says 73 to 95 %. `diagnose` takes the means out first.
    """
    explained, left = (prediction**2).sum(axis=0), (residual**2).sum(axis=0)
    whole = explained + left
    return np.divide(100 * explained, whole, out=np.zeros_like(whole), where=whole > 0)


def _about_mean(series: Float[np.ndarray, "scan region"]) -> Float[np.ndarray, "scan region"]:
    return np.asarray(series - series.mean(axis=0))


def _small_series(posterior: Posterior) -> str:
    """Series that are small beside the noise that their narrow prior expects, such as those in fractions."""
    if posterior.prior.noise_variance >= NARROW:
        return ""
    expected = USUAL_RANGE * float(np.exp(-posterior.prior.noise_mean / 2))
    ranges = np.ptp(posterior.prediction + posterior.residual, axis=0)
    small = ranges < SMALL * expected
    if not small.any():
        return ""
    regions = [name for name, one in zip(posterior.spec.regions, small, strict=True) if one]
    whose = "the series range" if small.all() else f"the series of {', '.join(regions)} range"
    scaled = " once scaled for the inversion" if posterior.data_scale < 1 else ""
    return f"{whose} over {ranges[small].max():.2g}{scaled} where the noise's prior expects about {expected:.2g}"


def _largest_connection(posterior: Posterior) -> float:
    parameters = posterior.parameters
    between = ~np.eye(posterior.spec.n, dtype=bool)
    strongest = [np.abs(np.asarray(matrix)[between]).max(initial=0.0) for matrix in (parameters.A, parameters.B)]
    return float(max(strongest))
