"""What is inverted and how, and a participant made ready for it.

Many participants share their inputs, their confounds or their model, and many models are of one participant, so what
follows from these alone is found once for all of them (`Shared`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np

from ._confounds import RotatedConfounds, rotate_confounds
from ._data import Data
from ._forward import Derivatives, ForwardModel, Integrator
from ._laplace import HISTORY
from ._priors import Prior, prior
from ._schedule import Schedule, schedule, schedule_with_panels
from ._spec import Layout, Spec

NoiseSteps = Literal["spm", "settled"]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Subject:
    """One model of one run: what is inverted.

    Arguments:
        name: what messages call it.
        spec: the model's structure.
        data: the run.
        prior: SPM12's for `spec` where None.
        centre_inputs: whether inputs are mean-centred first, SPM's option "centre".
        start: (param,) where the first start begins; the prior mean where None. Only free parameters are read.
        confounds_as_given: whether confounds keep their scale, which F and the steps depend on, as in SPM; otherwise
            those that SPM would not write are taken in units of their own (`_confounds`).
    """

    name: str
    spec: Spec
    data: Data
    prior: Prior | None = None
    centre_inputs: bool = False
    start: np.ndarray | None = None
    confounds_as_given: bool = False

    def __post_init__(self) -> None:
        n, m = self.data.bold.shape[1], self.data.inputs.shape[1]
        if (n, m) != (self.spec.n, self.spec.m):
            raise ValueError(
                f"{self.name}: the data have {n} regions and {m} inputs, "
                f"but the model names {self.spec.n} and {self.spec.m}"
            )
        if self.prior is not None and self.prior.mean.size != self.spec.layout.size:
            raise ValueError(
                f"{self.name}: the prior has {self.prior.mean.size} parameters, but the model {self.spec.layout.size}"
            )
        if self.start is not None and np.shape(self.start) != (self.spec.layout.size,):
            raise ValueError(
                f"{self.name}: the start has shape {np.shape(self.start)}, "
                f"but the model {self.spec.layout.size} parameters"
            )


@dataclass(frozen=True)
class Settings:
    """How to invert.

    Arguments:
        integrator: 'bilinear' as SPM, or 'nonlinear' for the full equations (needed where D is free).
        derivatives: 'exact', or 'spm' for SPM12's forward differences, to check against SPM12 only.
        noise: 'spm' for SPM12's steps on the noise's log-precisions λ, which need not reach their optimum, or 'settled'
            to take λ to its optimum in every iteration: better founded, but not SPM's numbers.
        starts: number of starting points; the first is the prior mean, the others are drawn around it.
        seed: of the drawn starting points.
        spread: standard deviation of the drawn starting points in prior standard deviations.
        max_iterations: 128 as SPM12.
        tolerance: predicted gain in F, nats, below which an iteration counts as converged; 0.1 as SPM12.
    """

    integrator: Integrator = "bilinear"
    derivatives: Derivatives = "exact"
    noise: NoiseSteps = "spm"
    starts: int = 1
    seed: int = 0
    spread: float = 0.25
    max_iterations: int = 128
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        problems = []
        if self.noise not in ("spm", "settled"):
            problems.append(f"noise must be 'spm' or 'settled', not {self.noise!r}")
        if self.starts < 1:
            problems.append(f"starts must be at least 1, not {self.starts}")
        if not 1 <= self.max_iterations <= HISTORY:
            problems.append(f"max_iterations must lie between 1 and {HISTORY}, not {self.max_iterations}")
        if not self.tolerance > 0:
            problems.append(f"tolerance must be positive, not {self.tolerance}")
        if not self.spread > 0:
            problems.append(f"spread must be positive, not {self.spread}")
        if self.seed < 0:
            problems.append(f"seed must not be negative, not {self.seed}")
        if problems:
            raise ValueError("; ".join(problems))
        ForwardModel(Layout(1, 1), (), self.integrator, self.derivatives)  # checks both names and their combination


@dataclass(frozen=True, eq=False)
class Prepared:
    """A subject with everything computed that does not depend on its batch."""

    subject: Subject
    prior: Prior
    data: Data  # centred and scaled
    scale: float
    steps: Schedule
    confounds: np.ndarray  # (scan, rotated)
    rotation: np.ndarray  # (confound, rotated): confounds = X0 @ rotation
    power: np.ndarray  # (rotated,)

    @property
    def size(self) -> dict[str, int]:
        """Extents that may be padded."""
        return {
            "scans": self.data.scans,
            "steps": len(self.steps.interval),
            "intervals": len(self.steps.durations),
        }


@dataclass(eq=False)
class Shared:
    """What participants have in common, found once: by the bytes that it follows from, or by the object."""

    found: dict[Hashable, tuple[Any, object]] = field(default_factory=dict)

    def get(self, key: Hashable, find: Callable[[], T], holds: object = None) -> T:
        """What `find` gives for `key`; `holds` keeps an object alive whose identity is part of the key."""
        if key not in self.found:
            self.found[key] = (find(), holds)
        value: T = self.found[key][0]
        return value


def prepare(subject: Subject, settings: Settings, shared: Shared | None = None) -> Prepared:
    """Centre, scale, cut into steps, rotate the confounds; `ValueError` where a subject cannot be inverted."""
    shared = Shared() if shared is None else shared
    spec = subject.spec
    if settings.integrator == "bilinear" and shared.get(("gated", id(spec)), lambda: bool(spec.d.any()), spec):
        raise ValueError(
            "the model has gating connections (D), which the bilinear integrator ignores; use the nonlinear integrator"
        )
    density = subject.prior
    if density is None:
        density = shared.get(("prior", id(spec)), lambda: prior(spec), spec)
    if not density.free.size:
        raise ValueError("the prior leaves no parameter free; check the masks and prior variances")
    data, scale = subject.data.prepared(subject.centre_inputs)
    confounds = _rotated(data, subject.confounds_as_given, shared)
    steps = _schedule(data, settings.integrator, shared)
    return Prepared(subject, density, data, scale, steps, confounds.basis, confounds.weights, confounds.power)


def _rotated(data: Data, as_given: bool, shared: Shared) -> RotatedConfounds:
    key = ("confounds", data.confounds.shape, data.confounds.tobytes(), as_given)
    return shared.get(key, lambda: rotate_confounds(data.confounds, as_given))


def _schedule(data: Data, integrator: Integrator, shared: Shared) -> Schedule:
    inputs = (data.inputs.shape, data.inputs.tobytes())
    key = ("schedule", integrator, data.scans, data.bin_width, inputs, data.delays.tobytes())
    return shared.get(key, lambda: schedule_with_panels(data) if integrator == "nonlinear" else schedule(data))
