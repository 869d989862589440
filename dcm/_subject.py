"""What is inverted, and a participant made ready for it.

Many participants share their inputs, their confounds or their model, and many models are of one participant, so what
follows from these alone is found once for all of them (`Shared`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np

from ._confounds import RotatedConfounds, orthonormal_confounds, rotate_confounds
from ._data import Data
from ._forward import Integrator
from ._priors import Prior, prior
from ._schedule import Schedule, schedule, schedule_with_panels
from ._settings import Settings
from ._spec import Spec
from .tables import counted

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Subject:
    """One model of one run: what is inverted.

    Arguments:
        name: what messages call it.
        spec: the model's structure.
        data: the run.
        prior: that of the settings' `priors` for `spec` where None.
        centre_inputs: whether inputs are mean-centred first, SPM's option "centre". A then means the connectivity
            averaged over the run, which is another quantity than the connectivity without input.
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

    def __repr__(self) -> str:
        regions, inputs = counted(self.spec.n, "region"), counted(self.spec.m, "input")
        scans = f"{self.data.scans} scans of {self.data.repetition_time:g} s"
        return f"Subject({self.name!r}, {regions}, {inputs}, {scans})"

    @property
    def constant_inputs(self) -> tuple[str, ...]:
        """Inputs that the model uses and that never vary over the run, so that their effects cannot be found."""
        used = self.spec.b.any(axis=(0, 1)) | self.spec.c.any(axis=0)
        constant = np.ptp(self.data.inputs, axis=0) == 0
        return tuple(name for name, idle in zip(self.spec.inputs, used & constant, strict=True) if idle)


@dataclass(frozen=True, eq=False)
class PreparedSubject:
    """A subject with everything computed that does not depend on its batch."""

    subject: Subject
    prior: Prior
    data: Data  # centred and scaled
    scale: float
    steps: Schedule
    confounds: np.ndarray  # (scan, rotated)
    rotation: np.ndarray  # (confound, rotated): confounds = X0 @ rotation
    power: np.ndarray  # (rotated,)
    starts: np.ndarray | None = None  # (start, param) points to start from; None to draw them

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


def prepare(subject: Subject, settings: Settings, shared: Shared | None = None) -> PreparedSubject:
    """Centre, scale, cut into steps, rotate the confounds; `ValueError` where a subject cannot be inverted."""
    given: object = subject
    if not isinstance(given, Subject):  # such as a DCM file, whose `subject` it is
        remedy = "; give its .subject" if hasattr(given, "subject") else ""
        raise TypeError(f"a Subject is inverted, not a {type(given).__name__}{remedy}")
    how: object = settings
    if not isinstance(how, Settings):
        raise TypeError(f"settings are a Settings, such as Settings('spm12'), not {how!r}")
    shared = Shared() if shared is None else shared
    spec = subject.spec
    if settings.integrator == "bilinear" and shared.get(("gated", id(spec)), lambda: bool(spec.d.any()), spec):
        raise ValueError(
            "the model has gating connections (D), which the bilinear integrator ignores; use the nonlinear integrator"
        )
    density = subject.prior
    if density is None:
        preset = settings.priors
        density = shared.get(("prior", id(spec), preset), lambda: prior(spec, preset), spec)
    if not density.free.size:
        raise ValueError("the prior leaves no parameter free; check the masks and prior variances")
    given_data = subject.data.as_one_run() if settings.as_spm else subject.data  # SPM's state runs on over borders
    data, scale = given_data.prepared(subject.centre_inputs)
    confounds = _confounds(data, subject.confounds_as_given, settings, shared)
    steps = _schedule(data, settings.integrator, shared)
    return PreparedSubject(subject, density, data, scale, steps, confounds.basis, confounds.weights, confounds.power)


def _confounds(data: Data, as_given: bool, settings: Settings, shared: Shared) -> RotatedConfounds:
    """Orthonormal where their effects are integrated out, which no scale of theirs changes."""
    find = orthonormal_confounds if not settings.as_spm else partial(rotate_confounds, as_given=as_given)
    key = ("confounds", data.confounds.shape, data.confounds.tobytes(), as_given)
    return shared.get(key, lambda: find(data.confounds))


def _schedule(data: Data, integrator: Integrator, shared: Shared) -> Schedule:
    inputs = (data.inputs.shape, data.inputs.tobytes())
    runs = data.run_starts.tobytes()
    key = ("schedule", integrator, data.scans, data.bin_width, inputs, data.delays.tobytes(), runs)
    return shared.get(key, lambda: schedule_with_panels(data) if integrator == "nonlinear" else schedule(data))
