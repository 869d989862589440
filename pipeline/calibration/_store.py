"""What is inverted already, found by the content of what was inverted: a run that was killed goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dcm import Subject

from ..common import JsonError, read_json, release, write_json
from ._engine import Engine

PACKAGES = ("effconn", "jax", "numpy")


@dataclass(frozen=True)
class Inverted:
    """The posterior of one simulated data set, as far as calibration needs it.

    Fields:
        free: which parameters vary.
        mean, sd: of these, posterior.
        free_energy: F, nats.
        gains: for every change of a connection (B) among `free`, F less that of the model without it, nats.
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

    def read(self, key: str) -> Inverted | str | None:
        """An earlier result, None where there is none, or why it cannot be used."""
        path = self._path(key)
        if not path.exists():
            return None
        try:
            content = read_json(path)
            found = _inverted(content["inverted"])
            if content["digest"] != _digest(key, found):
                return f"{path} does not hold what it was written with, so it was inverted again"
        except (JsonError, KeyError, TypeError, ValueError):
            return f"{path} is damaged, so it was inverted again"
        return found

    def write(self, key: str, found: Inverted) -> None:
        """Keeps a result, whole or not at all."""
        write_json(self._path(key), {"digest": _digest(key, found), "inverted": asdict(found)})

    def _path(self, key: str) -> Path:
        return self.folder / f"{key[:32]}.json"


def inversion_key(subject: Subject, engine: Engine) -> str:
    """SHA-256 over everything that decides an inversion: data, model, prior, settings, versions."""
    spec, data, density = subject.spec, subject.data, engine.prior_of(subject.spec)
    digest = hashlib.sha256()
    decides: Mapping[str, Any] = engine.decides | {package: release(package) for package in PACKAGES}
    digest.update(json.dumps(decides, sort_keys=True, default=str).encode())
    timing = np.array(
        [data.bin_width, data.repetition_time, data.echo_time, density.noise_mean, density.noise_variance]
    )
    arrays = (spec.a, spec.b, spec.c, spec.d, data.bold, data.inputs, data.confounds, data.delays, timing)
    for array in (*arrays, density.mean, density.covariance):
        digest.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _inverted(content: Mapping[str, Any]) -> Inverted:
    return Inverted(
        free=tuple(int(i) for i in content["free"]),
        mean=tuple(float(value) for value in content["mean"]),
        sd=tuple(float(value) for value in content["sd"]),
        free_energy=float("nan" if content["free_energy"] is None else content["free_energy"]),
        gains=tuple(float(value) for value in content["gains"]),
        converged=bool(content["converged"]),
        failure=str(content["failure"]),
    )


def _digest(key: str, found: Inverted) -> str:
    return hashlib.sha256(f"{key}|{found!r}".encode()).hexdigest()
