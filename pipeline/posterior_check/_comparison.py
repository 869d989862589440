"""A Gaussian posterior compared with draws from the same model, and whether its intervals can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from dcm import Posterior, PosteriorDraws

from ..common import first_names
from ..results import LEVEL, Z, units

BELIEVABLE_COVERAGE, CAREFUL_COVERAGE = (
    0.85,
    0.80,
)  # of the draws inside an interval of 90 %: from which it is believed, or with care
CONVERGED_R_HAT = 1.05  # R-hat below which chains agree well enough for 5 and 95 % quantiles
FEWEST = 100  # effective draws of a parameter, below which tails are not known
FEW_DIVERGENCES = 0.01  # of the draws
CONNECTIONS = ("A", "B", "C", "D")

Verdict = Literal["believable", "with care", "not believable", "not known"]


@dataclass(frozen=True)
class ParameterCheck:
    """One parameter of one participant.

    Fields:
        name: as `Spec.parameter_names` has it.
        unit: of the numbers.
        mean, sd, low, high: the Gaussian's, with its 5 and 95 % quantiles.
        sampled_mean, sampled_sd, sampled_low, sampled_high: those of the draws.
        held: share of the draws inside the Gaussian's 90 % interval.
        r_hat: split R-hat.
        sample_size: effective sample size.
    """

    name: str
    unit: str
    mean: float
    sampled_mean: float
    sd: float
    sampled_sd: float
    low: float
    sampled_low: float
    high: float
    sampled_high: float
    held: float
    r_hat: float
    sample_size: float

    @property
    def is_connection(self) -> bool:
        """Whether it is one of A, B, C or D, and no haemodynamic parameter."""
        return self.name.split("[")[0] in CONNECTIONS

    @property
    def shift(self) -> float:
        """How far the Gaussian's mean lies from the draws', in their standard deviations."""
        return (self.mean - self.sampled_mean) / self.sampled_sd

    @property
    def sd_ratio(self) -> float:
        """The Gaussian's standard deviation over the draws'; below 1 where it is too sure."""
        return self.sd / self.sampled_sd

    def to_json(self) -> dict[str, Any]:
        """Every number."""
        return asdict(self) | {"shift": self.shift, "sd_ratio": self.sd_ratio}


@dataclass(frozen=True, eq=False)
class PosteriorCheck:
    """What sampling says about one participant's posterior.

    Fields:
        name: whose.
        parameters: the free parameters, in the model's order.
        draws: the draws themselves.
        seconds: that they took, compilation included.
    """

    name: str
    parameters: tuple[ParameterCheck, ...]
    draws: PosteriorDraws
    seconds: float

    @property
    def connections(self) -> tuple[ParameterCheck, ...]:
        """Those of A, B, C and D; all parameters where none of these is free."""
        return tuple(parameter for parameter in self.parameters if parameter.is_connection) or self.parameters

    @property
    def verdict(self) -> Verdict:
        """Whether the Gaussian's intervals hold what they promise, by its worst connection."""
        if self.trouble:
            return "not known"
        worst = min(parameter.held for parameter in self.connections)
        return (
            "believable"
            if worst >= BELIEVABLE_COVERAGE
            else "with care"
            if worst >= CAREFUL_COVERAGE
            else "not believable"
        )

    @property
    def trouble(self) -> str:
        """Why the draws themselves cannot be trusted; empty where they can."""
        kept = self.draws.draws.shape[0] * self.draws.draws.shape[1]
        apart = max(self.draws.noise_r_hat, *(parameter.r_hat for parameter in self.parameters))
        fewest = min(parameter.sample_size for parameter in self.parameters)
        if not apart < CONVERGED_R_HAT:
            return (
                f"chains have not converged (R-hat {apart:.2f}): more --warmup and --draws, or there are several optima"
            )
        if self.draws.divergences > FEW_DIVERGENCES * kept:
            return f"{self.draws.divergences} of {kept} draws diverged: more --warmup"
        if fewest < FEWEST:
            return f"only {fewest:.0f} effective draws of a parameter: more --draws"
        return ""

    @property
    def sentence(self) -> str:
        """The verdict in a sentence."""
        if self.trouble:
            return f"whether the Gaussian can be believed is not known: {self.trouble}"
        worst = [parameter for parameter in self.connections if parameter.held < BELIEVABLE_COVERAGE]
        if not worst:
            return f"the Gaussian can be believed: {self._summary(self.connections)}"
        few = first_names([parameter.name for parameter in sorted(worst, key=lambda parameter: parameter.held)], 4)
        how = "can be believed with care" if self.verdict == "with care" else "cannot be believed"
        return f"the Gaussian {how}, for {few}: {self._summary(worst)}"

    def _summary(self, those: Sequence[ParameterCheck]) -> str:
        held = [100 * parameter.held for parameter in those]
        ratio = [parameter.sd_ratio for parameter in those]
        shift = max(abs(parameter.shift) for parameter in those)
        return (
            f"90 % intervals hold {_range(held, '.0f')} % of the draws, SDs are {_range(ratio, '.2f')} of the draws', "
            f"means up to {shift:.2f} SD off"
        )

    def to_json(self) -> dict[str, Any]:
        """Every number."""
        chains = asdict(self.draws.settings)
        return {
            "name": self.name,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "chains": chains,
            "divergences": self.draws.divergences,
            "evaluations": self.draws.evaluations,
            "seconds": self.seconds,
            "noise_r_hat": self.draws.noise_r_hat,
            "parameters": [parameter.to_json() for parameter in self.parameters],
        }


def compare_posterior(name: str, posterior: Posterior, draws: PosteriorDraws, seconds: float) -> PosteriorCheck:
    """The Gaussian and the draws side by side."""
    mean, sd = posterior.mean[posterior.free], np.sqrt(np.diag(posterior.covariance))
    low, high = mean - Z * sd, mean + Z * sd
    held = ((draws.draws > low) & (draws.draws < high)).mean(axis=(0, 1))
    columns = {
        "unit": units(posterior.spec)[posterior.free].tolist(),
        "mean": mean,
        "sampled_mean": draws.mean,
        "sd": sd,
        "sampled_sd": draws.sd,
        "low": low,
        "sampled_low": draws.quantile((1 - LEVEL) / 2),
        "high": high,
        "sampled_high": draws.quantile((1 + LEVEL) / 2),
        "held": held,
        "r_hat": draws.r_hat,
        "sample_size": draws.sample_size,
    }
    rows = [
        ParameterCheck(parameter, **{key: _plain(values[i]) for key, values in columns.items()})
        for i, parameter in enumerate(posterior.names)
    ]
    return PosteriorCheck(name, tuple(rows), draws, seconds)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else float(value)


def _range(values: Sequence[float], form: str) -> str:
    least, most = format(min(values), form), format(max(values), form)
    return least if least == most else f"{least}–{most}"
