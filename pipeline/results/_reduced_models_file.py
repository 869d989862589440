"""All models of one visit that are reduced from one that was inverted, in one NetCDF file beside that one's.

The file ``MODEL/reduced/VISIT.nc`` holds what reduction found; what was inverted is in ``MODEL/VISIT.nc``, which is
known by its SHA-256, so that neither is read with another run's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from dcm import Posterior, Spec
from peb import ReducedModels

from ..common import file_digest
from ._dataset import about, units
from ._netcdf_file import ResultFileError, build_result, read_content, write_dataset
from ._result_files import describe_writer, read_posterior

FORMAT = "effconn reduced models 1"
FOLDER = "reduced"
MASKS = {"a": ("to", "from"), "b": ("to", "from", "input"), "c": ("to", "input"), "d": ("to", "from", "gate")}


class ReducedModelsFileError(ResultFileError):
    """A file of reduced models that cannot be used: path, problem and remedy in one line."""

    remedy = "delete it and run the study again"


def reduced_models_path(full: Path) -> Path:
    """Where the models lie that are reduced from the posterior in a file."""
    return full.parent / FOLDER / full.name


def write_reduced_models(full: Path, reduced: ReducedModels, name: str) -> Path:
    """Write the models that are reduced from the posterior in the file `full`, whole or not at all; returns the path.

    Dimensions: `model`, `parameter` (in the order of `dcm.Layout`), `free` and `free_` (what is free in the full
    model), and those of the masks. What a model lacks has mean and variance 0.

    Arguments:
        name: of the visit.
    """
    spec, free = reduced.full.spec, reduced.full.free
    names = np.array(spec.parameter_names)
    variances = np.zeros(reduced.mean.shape)
    variances[:, free] = np.diagonal(reduced.covariance, axis1=1, axis2=2)
    free_energy = about("approximate log evidence", "nats")
    variables = {
        "mean": (("model", "parameter"), reduced.mean, about("posterior mean", "see parameter_unit")),
        "sd": (("model", "parameter"), np.sqrt(variances), about("posterior sd", "see parameter_unit")),
        "covariance": (("model", "free", "free_"), reduced.covariance, about("posterior covariance")),
        "free_energy": (("model",), reduced.free_energy, free_energy),
        "delta_free_energy": (("model",), reduced.delta_free_energy, about("F minus the full model's", "nats")),
        "parameter_unit": (("parameter",), units(spec), about("unit")),
        **{
            field: (("model", *dims), np.stack([getattr(own, field) for own in reduced.specs]), about("what is free"))
            for field, dims in MASKS.items()
        },
    }
    coordinates = {
        "model": np.array(reduced.names),
        "parameter": names,
        **dict.fromkeys(("free", "free_"), names[free]),
        "input": np.array(spec.inputs, dtype=str),
        **{dim: np.array(spec.regions) for dim in ("to", "from", "gate")},
    }
    held: dict[str, str | int] = {
        "format": FORMAT,
        "name": name,
        "reduced_from": reduced.full_name,
        "reduced_from_sha256": file_digest(full),
        "mode": reduced.full.mode,
    }
    path = reduced_models_path(full)
    write_dataset(path, xr.Dataset(variables, coordinates, held | describe_writer()))
    return path


def read_reduced_models(path: str | Path) -> ReducedModels:
    """The models of a visit that are reduced from the posterior ``../VISIT.nc``, which is read as well.

    Raises `ResultFileError` where either file is absent, damaged or something else, or the posterior is not the one
    that the models are reduced from.
    """
    path = Path(path)
    values, attributes = read_content(path, FORMAT, ReducedModelsFileError)
    source = path.parent.parent / path.name
    full, _ = read_posterior(source)
    if file_digest(source) != attributes.get("reduced_from_sha256"):
        raise ReducedModelsFileError(path, f"its models are reduced from another posterior than that in {source}")
    return build_result(
        path, lambda: _reduced_models(values, full, str(attributes["reduced_from"])), ReducedModelsFileError
    )


def _reduced_models(values: Mapping[str, np.ndarray], full: Posterior, full_name: str) -> ReducedModels:
    names, spec = tuple(map(str, values["model"])), full.spec
    masks = [np.array(values[field]) for field in MASKS]
    specs = tuple(Spec(spec.regions, spec.inputs, *own) for own in zip(*masks, strict=True))
    mean, covariance, delta = (np.array(values[key]) for key in ("mean", "covariance", "delta_free_energy"))
    count, free = len(names), full.free.size
    shapes = (len(specs), mean.shape, covariance.shape, delta.shape)
    if shapes != (count, (count, full.mean.size), (count, free, free), (count,)):
        raise ValueError("arrays are of another shape than the models")
    return ReducedModels(names, specs, full, full_name, mean, covariance, delta)
