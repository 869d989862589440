"""How the simulated data are inverted: as the study's own would be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from dcm import Compat, Data, Prior, Settings, Spec, Subject, prior

from ..common import UsageError
from ..study import Dcm, inversion_settings


@dataclass(frozen=True, eq=False)
class Engine:
    """How one model of one run is inverted.

    Fields:
        name: of the mode.
        settings: of the inversion.
        prior_of: a model's prior.
        centre_inputs: whether inputs are centred first.
        words: all this, for people.
    """

    name: str
    settings: Settings
    prior_of: Callable[[Spec], Prior]
    centre_inputs: bool = False

    def for_model(self, spec: Spec) -> Engine:
        """The same with the full equations where the model gates connections, which the bilinear ones ignore."""
        if not spec.d.any() or self.settings.integrator == "nonlinear":
            return self
        return replace(self, settings=replace(self.settings, integrator="nonlinear", derivatives="exact"))

    def subject(self, name: str, spec: Spec, data: Data) -> Subject:
        """A model of a run, ready to be inverted."""
        return Subject(name, spec, data, self.prior_of(spec), self.centre_inputs)

    @property
    def decides(self) -> dict[str, Any]:
        """What decides the answer, as plain values."""
        return {"mode": self.name, "centre_inputs": self.centre_inputs, **vars(self.settings)}

    @property
    def words(self) -> str:
        """For people."""
        inputs = "inputs centred" if self.centre_inputs else "inputs uncentred"
        how = self.settings
        starts = "1 start" if how.starts == 1 else f"{how.starts} starts"
        return f"mode {self.name}: {how.integrator} equations, noise {how.noise}, {starts}, {inputs}"


def mode_engine(compat: str) -> Engine:
    """The engine of a mode; raises `UsageError` where there is none of that name."""
    if compat not in get_args(Compat):
        raise UsageError(f"--compat must be none, spm12 or spm25, not {compat!r}")
    settings = Settings(cast(Compat, compat))
    return Engine(compat, settings, lambda spec: prior(spec, settings.priors))


def study_engine(dcm: Dcm) -> Engine:
    """As the study's configuration has it."""
    settings = inversion_settings(dcm)
    mode = settings.mode(centre_inputs=dcm.centre_inputs)
    return Engine(mode, settings, lambda spec: prior(spec, settings.priors), dcm.centre_inputs)
