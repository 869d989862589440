"""What made a result: release, device, source and settings, in a form that does not change from run to run."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ._text import file_name_text

Attributes = dict[str, str | int | float]

INVERSION_KEY = "inversion_key"
IDENTITY = ("source_sha256", "source_index", "settings", "effconn")  # what an inversion is the same by


@lru_cache
def release(package: str = "effconn") -> str:
    """The installed version of a package; looked up once, as it takes a millisecond."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def describe_device() -> str:
    """The device that JAX computes on, in words."""
    import jax

    first = jax.devices()[0]
    return "CPU" if first.platform == "cpu" else f"{first.platform.upper()} {first.device_kind}"


def describe_precision() -> str:
    """The precision that JAX computes in."""
    import jax.numpy as jnp

    return f"float{jnp.asarray(0.0).dtype.itemsize * 8}"


@lru_cache(maxsize=4096)
def _digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes; each file is read once."""
    stat = path.stat()
    return _digest(path, stat.st_size, stat.st_mtime_ns)


MORE_SOURCES = "more_sources"  # of a result of several runs: name and SHA-256 of the series after the first, as JSON


def provenance(source: Path, index: int | None, settings: Mapping[str, Any]) -> Attributes:
    """Attributes of a result: what it was made from, how and by what.

    Arguments:
        source: the file that holds model and data.
        index: the model's position in it, from 0; None where there is only one.
        settings: everything that decides what comes out, as plain numbers, texts and booleans.
    """
    attributes: Attributes = {
        "effconn": release(),
        "jax": release("jax"),
        "device": describe_device(),
        "precision": describe_precision(),
        "source": file_name_text(source.name),
        "source_sha256": file_digest(source),
        "source_place": hashlib.sha256(os.fsencode(source.resolve())).hexdigest(),
        "source_index": -1 if index is None else index,
        "settings": json.dumps(settings, sort_keys=True),
    }
    return attributes | {INVERSION_KEY: inversion_key(attributes)}


def inversion_key(attributes: Mapping[str, Any]) -> str:
    """The same for two inversions of the same input with the same settings by the same version."""
    identity = {name: attributes.get(name) for name in IDENTITY}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
