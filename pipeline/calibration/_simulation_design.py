"""What data are simulated from: a model, runs as they were or will be, what was found in them, and who takes part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
from jaxtyping import Float

from dcm import Data, Posterior, Spec

from ..common import UsageError

T = TypeVar("T")

USUAL_RATIOS = (0.5, 1.0, 3.0)  # signal to noise, where nothing was measured
USUAL_CORRELATION = 0.3  # of the noise from scan to scan
USUAL_SPREAD = 0.35  # Hz, standard deviation of a connection's change between participants
MOST_FRAMES = 4  # runs whose inputs and timing are taken: each has to be compiled for
LEAST_PARTICIPANTS = 8  # participants from whom a spread is taken
SMALLEST_SPREAD = 0.1  # Hz


@dataclass(frozen=True, eq=False)
class RunEstimate:
    """What one inverted run says of the truth.

    Fields:
        participant: whose it is.
        mean: (param,) posterior mean of all parameters.
        covariance: (param, param) posterior covariance, 0 where a parameter is fixed.
        ratio: signal to noise, of standard deviations, median over regions.
        correlation: of the residuals from scan to scan, mean over regions.
    """

    participant: str
    mean: Float[np.ndarray, "param"]
    covariance: Float[np.ndarray, "param param"]
    ratio: float
    correlation: float


@dataclass(frozen=True)
class GroupQuestion:
    """What the group level asks of the changes of connections (B).

    Fields:
        kind: whether two ``arms`` differ, or the ``mean`` is not 0.
        sizes: participants of each arm; of the one group.
        visits: 2 where the change between two sessions is what is analysed, else 1.
        spread: standard deviation between participants, Hz.
        text: the question, as it is printed.
    """

    kind: Literal["arms", "mean"]
    sizes: tuple[int, ...]
    visits: Literal[1, 2]
    spread: float
    text: str

    @property
    def participants(self) -> int:
        """All of them."""
        return sum(self.sizes)


@dataclass(frozen=True, eq=False)
class CalibrationDesign:
    """A design to be calibrated.

    Fields:
        name: of the study or the files.
        spec: the main model.
        models: the alternatives by name.
        templates: inputs, timing, echo time and confounds of some runs; their series are not used.
        estimates: those of the main model, where there are any.
        question: of the group level.
        assumptions: what was taken for granted, a sentence each.
    """

    name: str
    spec: Spec
    models: Mapping[str, Spec]
    templates: tuple[Data, ...]
    estimates: tuple[RunEstimate, ...]
    question: GroupQuestion
    assumptions: tuple[str, ...] = field(default=())

    @property
    def ratios(self) -> tuple[float, ...]:
        """Signal to noise at which data are simulated: that of the estimates, else three usual ones."""
        if not self.estimates:
            return USUAL_RATIOS
        return (float(f"{np.median([estimate.ratio for estimate in self.estimates]):.2g}"),)

    @property
    def correlation(self) -> float:
        """Of the noise from scan to scan."""
        if not self.estimates:
            return USUAL_CORRELATION
        return float(np.clip(np.round(np.median([estimate.correlation for estimate in self.estimates]), 2), 0.0, 0.9))


def estimate_from_posterior(participant: str, posterior: Posterior) -> RunEstimate:
    """What an inverted run says of the truth; `UsageError` where its numbers cannot be used."""
    residual, prediction = posterior.residual, posterior.prediction
    return estimate_from_parts(participant, posterior.mean, posterior.full_covariance, prediction, residual)


def estimate_from_parts(
    participant: str,
    mean: np.ndarray,
    covariance: np.ndarray,
    prediction: Float[np.ndarray, "scan region"],
    residual: Float[np.ndarray, "scan region"],
) -> RunEstimate:
    """The same from its parts."""
    signal, noise = prediction.std(axis=0), residual.std(axis=0)
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all() and (noise > 0).all() and (signal > 0).any()):
        raise UsageError(f"{participant}: its estimate has no signal or no noise; invert it again, or leave it out")
    about = residual - residual.mean(axis=0)
    correlation = (about[1:] * about[:-1]).sum(axis=0) / (about**2).sum(axis=0)
    return RunEstimate(participant, mean, covariance, float(np.median(signal / noise)), float(correlation.mean()))


def describe_noise(estimates: Sequence[RunEstimate], ratios: Sequence[float] | None) -> str:
    """Where signal to noise and its serial correlation are from, unless ratios are asked for."""
    if estimates and ratios:
        return f"The noise's serial correlation is that of {len(estimates)} inverted runs; ratios are as asked for."
    if estimates:
        return f"Signal to noise and its serial correlation are those of {len(estimates)} inverted runs."
    usual = ", ".join(f"{ratio:g}" for ratio in USUAL_RATIOS)
    correlated = f"noise that correlates {USUAL_CORRELATION:g} from scan to scan"
    if ratios:
        return f"Nothing is inverted yet: {correlated} was assumed."
    return f"Nothing is inverted yet: signal-to-noise ratios of {usual} and {correlated} were assumed."


def participant_spread(spec: Spec, estimates: Sequence[RunEstimate]) -> tuple[float, str]:
    """The standard deviation of changes (B) between participants, Hz, and where it is from.

    That of the estimates less what their own uncertainty explains, the median over connections.
    """
    own: dict[str, RunEstimate] = {}
    for estimate in estimates:
        own.setdefault(estimate.participant, estimate)
    b = np.flatnonzero(np.ravel(spec.b, order="F")) + spec.layout.field_slice("B").start
    if len(own) < LEAST_PARTICIPANTS or not b.size:
        return USUAL_SPREAD, f"{USUAL_SPREAD:g} Hz between participants was assumed"
    means = np.array([estimate.mean[b] for estimate in own.values()])
    within = np.array([np.diag(estimate.covariance)[b] for estimate in own.values()]).mean(axis=0)
    variance = np.median(means.var(axis=0, ddof=1) - within)
    spread = float(f"{np.sqrt(max(float(variance), SMALLEST_SPREAD**2)):.2g}")
    return spread, f"{spread:g} Hz between participants, from {len(own)} estimates less their own uncertainty"


def pick_evenly(runs: Sequence[T]) -> tuple[T, ...]:
    """Some of many runs, evenly over them."""
    places = np.unique(np.linspace(0, len(runs) - 1, min(MOST_FRAMES, len(runs))).round().astype(int))
    return tuple(runs[i] for i in places)


def check_inputs(spec: Spec, template: Data, where: str) -> None:
    """Raises `UsageError` where nothing drives the model or an input never varies."""
    if not spec.c.any():
        raise UsageError(f"{where}: no input drives a region (C is empty), so that nothing can be simulated")
    idle = [name for name, column in zip(spec.inputs, template.inputs.T, strict=True) if np.ptp(column) == 0]
    if idle:
        raise UsageError(f"{where}: input {idle[0]} never varies, so that no data tell what it does; check its events")
