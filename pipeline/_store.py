"""Results on disk: one NetCDF file per inverted DCM, with named dimensions and units, exact to the last bit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from dcm import Posterior

from ._atomic import atomic_write
from ._dataset import FORMAT, posterior_of, values_of
from ._provenance import Attributes

DIGEST = "content_sha256"
DAMAGE = (OSError, KeyError, RuntimeError, TypeError, ValueError, MemoryError)  # by which h5py reports a damaged file


class ResultFileError(ValueError):
    """A result file that cannot be used: path, problem and remedy in one line."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}; delete it and invert again")
        self.path = path


def write_result(path: str | Path, dataset: xr.Dataset) -> None:
    """Writes a dataset of `to_dataset` as NetCDF, whole or not at all; the same dataset gives the same bytes."""
    dataset = dataset.assign_attrs({DIGEST: _digest(values_of(dataset), dataset.attrs)})
    plain = {str(key): {"_FillValue": None} for key, value in dataset.variables.items() if value.dtype.kind == "f"}
    with atomic_write(path) as aside:
        dataset.to_netcdf(aside, engine="h5netcdf", encoding=plain)


def open_result(path: str | Path) -> xr.Dataset:
    """The dataset in a result file, in memory and checked; raises `ResultFileError` where it is damaged or another."""
    path = Path(path)
    _, attributes = read_content(path, FORMAT)
    return xr.load_dataset(path, engine="h5netcdf").drop_attrs(deep=False).assign_attrs(attributes)


def read_result(path: str | Path) -> tuple[Posterior, Attributes]:
    """The posterior in a result file, equal bit for bit to the one written, and the file's attributes.

    Raises `ResultFileError` where the file is absent, damaged or something else.
    """
    values, attributes = read_content(Path(path), FORMAT)
    return posterior_of(values, attributes), attributes


def read_content(
    path: Path, form: str, refused: type[ResultFileError] = ResultFileError
) -> tuple[dict[str, np.ndarray], Attributes]:
    """Every variable and attribute of a result file of a form, its checksum held; raises `refused` where it is not.

    By h5py alone: a cohort is read ten times faster than through xarray.
    """
    if not path.exists():
        raise refused(path, "does not exist")
    try:
        with h5py.File(path, "r") as file:
            attributes = {key: _python(value) for key, value in file.attrs.items() if not key.startswith("_NC")}
            values = {key: _array(item) for key, item in file.items() if not _is_bare_dimension(item)}
    except DAMAGE as error:
        raise refused(path, "is damaged or no NetCDF file") from error
    if attributes.get("format") != form:
        raise refused(path, "is no result of this kind, or of another version of effconn")
    if attributes.pop(DIGEST, None) != _digest(values, attributes):
        raise refused(path, "is damaged: its content does not match its checksum")
    return values, attributes


def _python(value: Any) -> Any:
    """An attribute as plain Python."""
    value = np.asarray(value)
    return value.reshape(-1)[0].item() if value.dtype.kind in "if" else str(value)


def _array(item: h5py.Dataset) -> np.ndarray:
    """A variable as NumPy has it."""
    return np.asarray(item.asstr()[()] if h5py.check_string_dtype(item.dtype) else item[()])


def _is_bare_dimension(item: h5py.Dataset) -> bool:
    """Whether netCDF wrote it only to name a dimension."""
    name = item.attrs.get("NAME", b"")
    return bytes(name).startswith(b"This is a netCDF dimension but not a netCDF variable")


def _digest(values: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> str:
    """SHA-256 over every value, name and attribute, whatever the container."""
    digest = hashlib.sha256()
    for key in sorted(values):
        array = values[key]
        text = array.dtype.kind in "OUT"
        content = "\0".join(map(str, array.ravel())).encode() if text else np.ascontiguousarray(array).tobytes()
        digest.update(f"{key}|{array.shape}|".encode() + content)
    for key in sorted(set(attributes) - {DIGEST}):
        digest.update(f"{key}|{attributes[key]}|".encode())
    return digest.hexdigest()
