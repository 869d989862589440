"""How simulated data are inverted, as the study's own would be, and a store of what is inverted already.

Results are found by the content of what was inverted: a run that was killed goes on from there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from dcm import Compat, Data, Prior, Settings, Spec, Subject, prior

from ..common import JsonError, UsageError, read_json, release, write_json
from ..study import Dcm, inversion_settings


@dataclass(frozen=True, eq=False)
class InversionMode:
    """How one model of one run is inverted.

    Fields:
        name: of the mode.
        settings: of the inversion.
        prior_of: a model's prior.
        centre_inputs: whether inputs are centred first.
        description: all this, as it is printed.
    """

    name: str
    settings: Settings
    prior_of: Callable[[Spec], Prior]
    centre_inputs: bool = False

    def for_model(self, spec: Spec) -> InversionMode:
        """The same with the full equations where the model gates connections, which the bilinear ones ignore."""
        if not spec.d.any() or self.settings.integrator == "nonlinear":
            return self
        return replace(self, settings=replace(self.settings, integrator="nonlinear", derivatives="exact"))

    def subject(self, name: str, spec: Spec, data: Data) -> Subject:
        """A model of a run, ready to be inverted."""
        return Subject(name, spec, data, self.prior_of(spec), self.centre_inputs)

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the answer, as plain values."""
        return {"mode": self.name, "centre_inputs": self.centre_inputs, **vars(self.settings)}

    @property
    def description(self) -> str:
        """As it is printed."""
        inputs = "inputs centred" if self.centre_inputs else "inputs uncentred"
        settings = self.settings
        starts = "1 start" if settings.starts == 1 else f"{settings.starts} starts"
        return f"mode {self.name}: {settings.integrator} equations, noise {settings.noise}, {starts}, {inputs}"


def mode_from_name(compat: str) -> InversionMode:
    """The engine of a mode; raises `UsageError` where there is none of that name."""
    if compat not in get_args(Compat):
        raise UsageError(f"--compat must be none, spm12 or spm25, not {compat!r}")
    settings = Settings(cast(Compat, compat))
    return InversionMode(compat, settings, lambda spec: prior(spec, settings.priors))


def mode_from_study(dcm: Dcm) -> InversionMode:
    """As the study's configuration has it."""
    settings = inversion_settings(dcm)
    mode = settings.mode(centre_inputs=dcm.centre_inputs)
    return InversionMode(mode, settings, lambda spec: prior(spec, settings.priors), dcm.centre_inputs)


PACKAGES = ("effconn", "jax", "numpy")


@dataclass(frozen=True)
class InvertedDataSet:
    """The posterior of one simulated data set, as far as calibration needs it.

    Fields:
        free: which parameters vary.
        mean, sd: of these, posterior.
        free_energy: F, nats.
        gains: for every change of a connection (B) among `free`, F minus that of the model without it, nats.
        converged: whether the inversion did.
        failure: why there is none; the other fields are empty then.
    """

    free: tuple[int, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    free_energy: float
    gains: tuple[float, ...]
    converged: bool
    failure: str = ""


@dataclass(frozen=True)
class InversionStore:
    """A folder with a file for every data set and model that was inverted, named after the digest of both."""

    folder: Path

    def read(self, key: str) -> InvertedDataSet | str | None:
        """An earlier result, None where there is none, or why it cannot be used."""
        path = self._path(key)
        if not path.exists():
            return None
        try:
            content = read_json(path)
            found = _read_inverted(content["inverted"])
            if content["digest"] != _digest(key, found):
                return f"{path} does not hold what it was written with, so it was inverted again"
        except (JsonError, KeyError, TypeError, ValueError):
            return f"{path} is damaged, so it was inverted again"
        return found

    def write(self, key: str, found: InvertedDataSet) -> None:
        """Keeps a result, whole or not at all."""
        write_json(self._path(key), {"digest": _digest(key, found), "inverted": asdict(found)})

    def _path(self, key: str) -> Path:
        return self.folder / f"{key[:32]}.json"


def data_set_key(subject: Subject, mode: InversionMode) -> str:
    """SHA-256 over everything that decides an inversion: data, model, prior, settings, versions."""
    spec, data, density = subject.spec, subject.data, mode.prior_of(subject.spec)
    digest = hashlib.sha256()
    identity: Mapping[str, Any] = mode.identity | {package: release(package) for package in PACKAGES}
    digest.update(json.dumps(identity, sort_keys=True, default=str).encode())
    timing = np.array(
        [data.bin_width, data.repetition_time, data.echo_time, density.noise_mean, density.noise_variance]
    )
    arrays = (spec.a, spec.b, spec.c, spec.d, data.bold, data.inputs, data.confounds, data.delays, timing)
    runs = (data.run_starts,) if len(data.run_starts) > 1 else ()
    for array in (*arrays, density.mean, density.covariance, *runs):
        digest.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _read_inverted(content: Mapping[str, Any]) -> InvertedDataSet:
    return InvertedDataSet(
        free=tuple(int(i) for i in content["free"]),
        mean=tuple(float(value) for value in content["mean"]),
        sd=tuple(float(value) for value in content["sd"]),
        free_energy=float("nan" if content["free_energy"] is None else content["free_energy"]),
        gains=tuple(float(value) for value in content["gains"]),
        converged=bool(content["converged"]),
        failure=str(content["failure"]),
    )


def _digest(key: str, found: InvertedDataSet) -> str:
    # The word is part of every digest on disk, and stays whatever the class is called.
    values = ", ".join(f"{name}={value!r}" for name, value in vars(found).items())
    return hashlib.sha256(f"{key}|Inverted({values})".encode()).hexdigest()
