"""How a model is inverted: one word for the whole, `compat`, and single settings beside it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from ._forward import Derivatives, ForwardModel, Integrator
from ._laplace import HISTORY, NoiseModel
from ._priors import Preset
from ._spec import Layout

Compat = Literal["none", "spm12", "spm25"]
MOST_STARTS = 1000  # each a whole inversion; a few find the optimum where there is one to find
_SEARCHES = ("starts", "tolerance", "refine")  # how well the optimum was looked for
Scaling = Literal["model", "data"]
Refine = Literal["none", "sampling"]

# What each mode is, beyond the defaults that all have in common.
MODES: dict[Compat, dict[str, Any]] = {
    "none": {"integrator": "nonlinear", "noise": "ar1", "starts": 3, "scaling": "model", "priors": "none"},
    "spm12": {"integrator": "bilinear", "noise": "spm12", "starts": 1, "scaling": "data", "priors": "spm12"},
    "spm25": {"integrator": "bilinear", "noise": "spm25", "starts": 1, "scaling": "data", "priors": "spm25"},
}
SPREAD, MAX_ITERATIONS, TOLERANCE = 0.25, 128, 0.1


@dataclass(frozen=True, init=False)
class Settings:
    """How to invert.

    Arguments:
        compat: 'none' for the inversion whose intervals hold what they say, 'spm12' (r7771) or 'spm25' (25.01) for that
            release's numbers. It decides all that is not given here.
        integrator: 'nonlinear' for the full equations, begun at the optimum of the bilinear ones where no connection is
            gated (D); or 'bilinear', their expansion that SPM inverts.
        derivatives: 'exact', or 'spm' for SPM12's forward differences, to check against SPM12 only.
        noise: 'ar1' for serially correlated noise, AR(1), with its precision and correlation at their optimum at every
            θ and the confounds' effects integrated out; 'white' for the same without correlation; 'spm12' and 'spm25'
            for independent noise by that release's steps.
        scaling: SPM multiplies series by 4 / max(range, 4). 'model' multiplies the prediction too, so that parameters
            keep their units; 'data' does not.
        priors: which standard prior a `Subject` without one of its own gets.
        starts: number of starting points; the first is the prior mean, the others are drawn around it.
        seed: of the drawn starting points.
        spread: standard deviation of the drawn starting points in prior standard deviations.
        max_iterations: 128 as SPM12.
        tolerance: predicted gain in F, nats, below which an iteration counts as converged; 0.1 as SPM12.
        refine: 'sampling' to replace means and covariances by those of weighted draws from the Gaussian, about 2,000
            more evaluations of the model; 'none' to leave them.
    """

    compat: Compat
    integrator: Integrator
    derivatives: Derivatives
    noise: NoiseModel
    scaling: Scaling
    priors: Preset
    starts: int
    seed: int
    spread: float
    max_iterations: int
    tolerance: float
    refine: Refine

    def __init__(
        self,
        compat: Compat = "none",
        *,
        integrator: Integrator | None = None,
        derivatives: Derivatives = "exact",
        noise: NoiseModel | None = None,
        scaling: Scaling | None = None,
        priors: Preset | None = None,
        starts: int | None = None,
        seed: int = 0,
        spread: float = SPREAD,
        max_iterations: int = MAX_ITERATIONS,
        tolerance: float = TOLERANCE,
        refine: Refine = "none",
    ) -> None:
        if compat not in MODES:
            raise ValueError(f"compat must be 'none', 'spm12' or 'spm25', not {compat!r}")
        given = {"integrator": integrator, "noise": noise, "scaling": scaling, "priors": priors, "starts": starts}
        chosen = MODES[compat] | {name: value for name, value in given.items() if value is not None}
        chosen |= {"compat": compat, "derivatives": derivatives, "seed": seed, "spread": spread}
        chosen |= {"max_iterations": max_iterations, "tolerance": tolerance, "refine": refine}
        for field in fields(self):
            object.__setattr__(self, field.name, chosen[field.name])
        problems = _problems(self)
        if problems:
            raise ValueError("; ".join(problems))
        ForwardModel(Layout(1, 1), (), self.integrator, self.derivatives)  # checks both names and their combination

    @property
    def as_spm(self) -> bool:
        """Whether noise and confounds are handled as SPM does."""
        return self.noise in ("spm12", "spm25")

    @property
    def departures(self) -> tuple[str, ...]:
        """Settings other than the mode's own, such as ``noise = 'white'``; with any, a result is a mixture.

        The limit of iterations is none of them: it decides whether a result converged, which is said of it.
        """
        return self.departures_of()

    def departures_of(self, *, gated: bool = False, centre_inputs: bool = False) -> tuple[str, ...]:
        """The same for a model.

        Arguments:
            gated: whether the model has gates, for which SPM has another integrator too.
            centre_inputs: whether inputs are centred, which SPM does where a file says so.
        """
        own = Settings(self.compat)
        names = ["derivatives", "noise", "scaling", "priors", "starts", "tolerance", "refine"]
        if not (gated and self.compat != "none"):
            names.insert(0, "integrator")
        found = [f"{name} = {getattr(self, name)!r}" for name in names if getattr(self, name) != getattr(own, name)]
        return (*found, *(["inputs centred"] if centre_inputs and self.compat == "none" else []))

    def mode(self, *, gated: bool = False, centre_inputs: bool = False) -> str:
        """The mode in words: ``none``, or ``none, but noise = 'white'`` where it is a mixture."""
        departures = self.departures_of(gated=gated, centre_inputs=centre_inputs)
        return f"{self.compat}, but {', '.join(departures)}" if departures else self.compat


def mode_without_search(mode: str) -> str:
    """A mode in words without what only says how the optimum was looked for, which makes no other quantity."""
    compat, _, departures = mode.partition(", but ")
    kept = [part for part in departures.split(", ") if part and part.split(" = ")[0] not in _SEARCHES]
    return f"{compat}, but {', '.join(kept)}" if kept else compat


def _problems(settings: Settings) -> list[str]:
    problems = []
    choices: dict[str, tuple[str, ...]] = {
        "noise": ("ar1", "white", "spm12", "spm25"),
        "scaling": ("model", "data"),
        "priors": ("none", "spm12", "spm25"),
        "refine": ("none", "sampling"),
    }
    for name, allowed in choices.items():
        if (value := getattr(settings, name)) not in allowed:
            problems.append(f"{name} must be {', '.join(map(repr, allowed[:-1]))} or {allowed[-1]!r}, not {value!r}")
    if settings.refine == "sampling" and settings.as_spm:
        problems.append("refine='sampling' is for our own noise models, and SPM's numbers have no such step; drop one")
    for name in ("starts", "max_iterations", "seed"):
        if not isinstance(getattr(settings, name), int | np.integer):
            problems.append(f"{name} must be a whole number, not {getattr(settings, name)!r}")
    for name in ("tolerance", "spread"):
        if not isinstance(getattr(settings, name), int | float | np.number):
            problems.append(f"{name} must be a number, not {getattr(settings, name)!r}")
    if problems:
        return problems
    if settings.starts < 1:
        problems.append(f"starts must be at least 1, not {settings.starts}")
    if settings.starts > MOST_STARTS:
        problems.append(f"starts must be at most {MOST_STARTS}, as each is an inversion, not {settings.starts}")
    if not 1 <= settings.max_iterations <= HISTORY:
        problems.append(f"max_iterations must lie between 1 and {HISTORY}, not {settings.max_iterations}")
    if not settings.tolerance > 0:
        problems.append(f"tolerance must be positive, not {settings.tolerance}")
    if not settings.spread > 0:
        problems.append(f"spread must be positive, not {settings.spread}")
    if settings.seed < 0:
        problems.append(f"seed must not be negative, not {settings.seed}")
    return problems
