"""What linearising costs: the bilinear integrator's prediction against the full equations'.

Two things are linearised: the haemodynamics, which matters the less the fainter the activity, and the effect of a
modulated self-connection, where −½ exp(A + uB) becomes −½ exp(A) (1 + uB), which matters at any activity.
"""

from __future__ import annotations

from collections.abc import Iterable

import jax.numpy as jnp
import numpy as np

import dcm
from dcm import Parameters, Posterior, Subject

from . import _models as models
from ._check import Check

FAINT = 1e-3  # of the driving inputs: so little activity that both are linear
LARGE = 100.0  # percent; a prediction with a wider range is no BOLD signal


def checks(quick: bool) -> list[Check]:
    """Differences as shares of the prediction's range: over the prior, at posteriors, and where they must vanish."""
    regions, scans, draws, participants = (2, 40, 5, 1) if quick else (4, models.SCANS, 100, 8)
    subjects = models.cohort(regions, participants, scans)
    prior_draws, absurd = _differences(subjects[0], _from_prior(subjects[0].spec, draws))
    # A quick run spares the inversion and takes the planted parameters for the posteriors' means.
    inverted = [] if quick else dcm.invert_cohort(subjects)
    posteriors = [posterior.parameters for posterior in inverted if isinstance(posterior, Posterior)]
    posteriors = posteriors or [models.planted(subject.spec, i) for i, subject in enumerate(subjects)]
    typical, _ = _differences(subjects[0], posteriors)
    planted = models.planted(subjects[0].spec, 0)
    faint = [_with(planted, C=FAINT, B=modulation) for modulation in (0.0, 1.0)]
    linear, modulated = (float(difference) for difference in _differences(subjects[0], faint)[0])
    unmodulated, _ = _differences(subjects[0], (_with(posterior, B=0.0) for posterior in posteriors))
    words = "bilinear against nonlinear, % of the range"
    return [
        Check(f"{words}: {FAINT:g} of the drive, no modulation", linear, most=0.1, note="all is linear there"),
        Check(f"{words}: {FAINT:g} of the drive", modulated, note="what modulated self-connections alone cost"),
        Check(f"{words}: posteriors without modulation, median", float(np.median(unmodulated))),
        Check(f"{words}: posteriors, median", float(np.median(typical)), note=f"{len(typical)} participants"),
        Check(f"{words}: posteriors, most", float(typical.max())),
        Check(
            f"{words}: draws from the prior, median", float(np.median(prior_draws)), note=f"{len(prior_draws)} draws"
        ),
        Check(f"{words}: draws from the prior, 90th percentile", float(np.quantile(prior_draws, 0.9))),
        Check("share of draws from the prior beyond 100 % or not finite, left out", absurd),
    ]


def _differences(subject: Subject, several: Iterable[Parameters]) -> tuple[np.ndarray, float]:
    """Largest difference over the range, percent, of each that predicts a BOLD signal; the share that does not."""
    shares, absurd, total = [], 0, 0
    for parameters in several:
        total += 1
        series = [
            dcm.predict_series(subject.spec, parameters, subject.data, kind) for kind in ("nonlinear", "bilinear")
        ]
        if all(np.isfinite(signal).all() and np.ptp(signal) < LARGE for signal in series):
            shares.append(100 * np.abs(series[1] - series[0]).max() / np.ptp(series[0]))
        else:
            absurd += 1
    return np.array(shares), absurd / total


def _from_prior(spec: dcm.Spec, draws: int) -> Iterable[Parameters]:
    density = dcm.prior(spec, "spm12")
    deviation = np.sqrt(np.diag(density.covariance))
    rng = np.random.default_rng(0)
    for _ in range(draws):
        yield spec.layout.to_tree(density.mean + deviation * rng.standard_normal(deviation.size))


def _with(parameters: Parameters, **factors: float) -> Parameters:
    """The same with some fields multiplied."""
    values = {name: getattr(parameters, name) for name in parameters.__dataclass_fields__}
    scaled = {name: jnp.asarray(values[name]) * factor for name, factor in factors.items()}
    return Parameters(**{**values, **scaled})
