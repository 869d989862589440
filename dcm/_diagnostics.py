"""What tells whether an inversion can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._ar_noise import PRIOR_SD as AUTOCORRELATION_SD
from ._posterior import Posterior, Status
from .tables import counted

SCALED_RANGE = 4.0  # of series that are scaled for the inversion, see `Data.prepared`
LARGEST_RANGE = 200.0  # of series in percent signal change
LOW_VARIANCE = 10.0  # percent explained below which SPM's check of a DCM warns
STRONG_CONNECTION = 1 / 8  # Hz; below it no connection is worth the name (SPM's check)
SAME_OPTIMUM = 0.5  # nats of F within which two starts count as having reached the same optimum
CLOSE_OPTIMUM = 3.0  # nats below the best within which another optimum keeps a share of the posterior, over e^-3 = 5 %
CONFLICT = 2.5  # standard deviations of a prior beyond which a value is at odds with it
NAMED = 3  # parameters that a warning names, the furthest out first
HELD_DOWN = 2.0  # times that residuals vary as much as the noise assumed; intervals are too narrow by as much
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
        optima: distinct free energies (more than 0.5 nats apart) that the starts reached.
        warnings: what a careful reader would want to know, a sentence each; empty where all is well.
        small_series: the series that the prior of the noise takes for noise, in words; empty where there is none.
        prior_conflict: parameters more than 2.5 prior standard deviations from their prior means, in words; empty
            where there is none.
        noise_conflict: noise at odds with what the priors expect of series in percent, a sentence each.
        starts_disagree: how the starts differ where that leaves doubt about the best of them, in words, else empty.
        constant_inputs: inputs of the model that never vary over the run.
    """

    explained_variance: Float[np.ndarray, "region"]
    explained_variance_total: float
    largest_connection: float
    identifiable: int
    free: int
    optima: int
    warnings: tuple[str, ...]
    small_series: str = ""
    prior_conflict: str = ""
    noise_conflict: tuple[str, ...] = ()
    starts_disagree: str = ""
    constant_inputs: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return (
            f"Diagnostics({self.explained_variance_total:.1f} % of the variance explained, largest connection "
            f"{self.largest_connection:.2f} Hz, {self.identifiable} of {counted(self.free, 'parameter')} identifiable, "
            f"{counted(self.optima, 'optimum').replace('optimums', 'optima')}, "
            f"{counted(len(self.warnings), 'warning') if self.warnings else 'no warnings'})"
        )


def diagnose(posterior: Posterior) -> Diagnostics:
    """Fit and trustworthiness of one posterior, by the checks that SPM makes of a DCM and by those of its priors.

    >>> for warning in diagnose(posterior).warnings:
    ...     print(warning)
    """
    given: object = posterior
    if not isinstance(given, Posterior):
        raise TypeError(f"the Posterior of one inversion is diagnosed, not a {type(given).__name__}")
    prediction, residual = _about_mean(posterior.prediction), _about_mean(posterior.residual)
    explained = explained_variance_of(prediction, residual)
    total = float(explained_variance_of(prediction.ravel(), residual.ravel()))
    largest = _largest_connection(posterior)
    prior_variance = np.diag(posterior.prior.covariance)[posterior.free]
    identifiable = int((np.diag(posterior.covariance) < SHRUNK * prior_variance).sum())
    reached = np.sort(posterior.start_free_energies[np.isfinite(posterior.start_free_energies)])[::-1]
    optima = 1 + int((-np.diff(reached) > SAME_OPTIMUM).sum())
    small, conflict, noise = _small_series(posterior), _prior_conflict(posterior), _noise_conflict(posterior)
    disagree = _starts_disagree(reached, optima)
    warnings = [
        f"input {name} never varies over the run; its effects are their prior" for name in posterior.constant_inputs
    ]
    if small:
        warnings.append(
            f"{small}, and takes them for noise: give percent signal change, or our own priors (priors='none')"
        )
    if posterior.settings.scaling == "model" and posterior.data_scale < SCALED_RANGE / LARGEST_RANGE:
        warnings.append(
            f"the series range over {SCALED_RANGE / posterior.data_scale:.3g}, far more than percent signal change, "
            "so that the model cannot reach them; divide each region's by its mean and multiply by 100"
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
    if conflict:
        warnings.append(f"prior conflict: {conflict}; the prior pulls such values in, and intervals may miss the truth")
    warnings += noise
    if disagree:
        warnings.append(f"{disagree}; number {posterior.start} is reported; raise starts")
    return Diagnostics(
        explained_variance=explained,
        explained_variance_total=total,
        largest_connection=largest,
        identifiable=identifiable,
        free=posterior.free.size,
        optima=optima,
        warnings=tuple(warnings),
        small_series=small,
        prior_conflict=conflict,
        noise_conflict=noise,
        starts_disagree=disagree,
        constant_inputs=posterior.constant_inputs,
    )


def _prior_conflict(posterior: Posterior) -> str:
    """Parameters far out in their prior, the furthest first: there the prior's shape, not the data, is believed."""
    free = posterior.free
    moved = posterior.mean[free] - posterior.prior.mean[free]
    far = np.abs(moved) / np.sqrt(np.diag(posterior.prior.covariance)[free])
    order = np.argsort(-far, kind="stable")
    out = [int(i) for i in order if far[i] > CONFLICT]
    named = [f"{posterior.names[i]} = {posterior.mean[free[i]]:.2f} ({far[i]:.1f} prior SD)" for i in out[:NAMED]]
    more = f" and {len(out) - NAMED} more" if len(out) > NAMED else ""
    return ", ".join(named) + more


def _noise_conflict(posterior: Posterior) -> tuple[str, ...]:
    """Noise that is not what the priors of λ and ρ are for.

    Series are scaled to a range of at most 4, so that the noise of a run in which it hides the signal has λ between 0
    and 3, far below hE = 6, and this is what real runs have: nothing follows from a low λ alone. Three things do
    follow: from a λ far above its prior mean, that the series are in another unit than percent; from residuals that
    vary more than λ has it, that the prior holds the noise down and intervals are too narrow; from a ρ close to 1,
    that the residuals hold drifts.
    """
    prior = posterior.prior
    spread = np.exp(-posterior.noise_mean / 2) / np.sqrt(1 - posterior.autocorrelation**2)
    left = posterior.residual.std(axis=0) / spread
    silent = posterior.noise_mean - prior.noise_mean > CONFLICT * max(float(np.sqrt(prior.noise_variance)), 1.0)
    drifting = np.abs(np.arctanh(posterior.autocorrelation)) > CONFLICT * AUTOCORRELATION_SD
    held = left > HELD_DOWN

    def regions(which: np.ndarray) -> str:
        return ", ".join(name for name, chosen in zip(posterior.spec.regions, which, strict=True) if chosen)

    remarks = []
    if silent.any():
        remarks.append(
            f"the noise of {regions(silent)} has a standard deviation of "
            f"{float((spread / posterior.data_scale)[silent].max()):.1g}, far less than series in percent signal "
            "change have; check their unit"
        )
    if held.any():
        remarks.append(
            f"the residuals of {regions(held)} vary up to {left.max():.1f} times as much as the noise that its prior "
            "allows, so that intervals are too narrow"
        )
    if drifting.any():
        remarks.append(
            f"the noise of {regions(drifting)} correlates by up to "
            f"{np.abs(posterior.autocorrelation).max():.2f} from scan to scan, as drifts do; take slow drifts out of "
            "the series, or give them as confounds"
        )
    return tuple(remarks)


def _starts_disagree(reached: np.ndarray, optima: int) -> str:
    """Where the best optimum was found once only, or another is about as good; one that is far worse is no harm.

    Arguments:
        reached: (start,) free energies that are finite, the best first.
    """
    if optima < 2:
        return ""
    others = reached[reached < reached[0] - SAME_OPTIMUM]
    behind = float(reached[0] - others[0])
    if len(others) < len(reached) - 1 and behind > CLOSE_OPTIMUM:
        return ""
    times = "once" if len(others) == len(reached) - 1 else f"by {len(reached) - len(others)}"
    return f"{reached.size} starts reached {optima} optima, the best {times} and {behind:.1f} nats above the next"


def explained_variance_of(
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
    regions = [name for name, is_small in zip(posterior.spec.regions, small, strict=True) if is_small]
    whose = "the series range" if small.all() else f"the series of {', '.join(regions)} range"
    scaled = " once scaled for the inversion" if posterior.data_scale < 1 else ""
    return f"{whose} over {ranges[small].max():.2g}{scaled} where the noise's prior expects about {expected:.2g}"


def _largest_connection(posterior: Posterior) -> float:
    parameters = posterior.parameters
    between = ~np.eye(posterior.spec.n, dtype=bool)
    strongest = [np.abs(np.asarray(matrix)[between]).max(initial=0.0) for matrix in (parameters.A, parameters.B)]
    return float(max(strongest))
