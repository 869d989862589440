"""An extraction on disk: one NetCDF file with named dimensions and units, exact to the last bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..results import ResultFileError, made_from, read_content, write_result
from ._extraction import Extraction

FORMAT = "effconn extraction 4"

_ARRAYS: dict[str, tuple[tuple[str, ...], str, str]] = {  # dimensions, unit, and what it is
    "series": (("scan", "region"), "percent of the run's mean", "first eigenvariate, whitened and adjusted"),
    "means": (("scan", "region"), "percent of the run's mean", "mean over the voxels, neither whitened nor adjusted"),
    "explained": (("region",), "1", "share of the voxels' variance in the eigenvariate"),
    "voxels": (("region",), "1", "voxels used"),
    "sizes": (("region",), "1", "voxels of the region on the run's grid"),
    "coverage": (("region",), "1", "share of the region inside the brain mask"),
    "centres": (("region", "axis"), "mm", "centre of the voxels used"),
    "confounds": (("scan", "confound"), "1", "confounds X0, whitened"),
    "inputs": (("bin", "input"), "1", "experimental inputs"),
    "conditions": (("bin", "condition"), "1", "conditions and modulators before convolution"),
    "design": (("scan", "column"), "1", "design matrix before whitening"),
    "responses": (("contrast", "region"), "percent of the run's mean", "mean effect over the region's voxels"),
    "distances": (("distance", "region"), "1 per voxel", "crossnobis distance between patterns"),
    "framewise_displacement": (("scan",), "mm", "framewise displacement, the first not known"),
    "censored": (("censored_scan",), "1", "scans with a regressor of their own, from 0"),
}
_NAMES = {
    "region": "regions",
    "confound": "confound_names",
    "input": "input_names",
    "column": "design_names",
    "contrast": "contrasts",
    "condition": "condition_names",
    "distance": "distance_names",
    "note": "notes",
}
_WHOLE = ("voxels", "sizes", "censored")
_NUMBERS = ("bin_width", "repetition_time", "delays", "autocorrelation")
_TEXTS = ("participant", "session", "task", "label")


class ExtractionFileError(ResultFileError):
    """An extraction that cannot be read: path, problem and remedy in one line."""

    remedy = "delete it and extract again"


def write_extraction(path: Path, extraction: Extraction) -> None:
    """Writes an extraction, whole or not at all; the same extraction gives the same bytes."""
    write_result(path, _dataset(extraction))


def read_extraction(path: str | Path) -> Extraction:
    """The extraction in a file, equal bit for bit to the one written.

    Raises `ExtractionFileError` where the file is absent, damaged or something else.
    """
    path = Path(path)
    values, attributes = read_content(path, FORMAT, ExtractionFileError)
    return made_from(path, lambda: _extraction(values, attributes), ExtractionFileError)


def _extraction(values: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> Extraction:
    fields: dict[str, Any] = {key: values[key] for key in _ARRAYS}
    fields |= {field: tuple(map(str, values[key])) if key in values else () for key, field in _NAMES.items()}
    fields |= {key: str(attributes[key]) for key in _TEXTS}
    fields |= {key: float(attributes[key]) for key in _NUMBERS}
    fields["sources"] = tuple(map(str, json.loads(str(attributes["sources"]))))
    echo_time = float(attributes["echo_time"])
    return Extraction(**fields, echo_time=echo_time if echo_time > 0 else None)


def _dataset(extraction: Extraction) -> xr.Dataset:
    variables = {
        key: (dimensions, _array(extraction, key), {"units": unit, "long_name": what})
        for key, (dimensions, unit, what) in _ARRAYS.items()
    }
    names = {key: np.array(getattr(extraction, field), dtype=object) for key, field in _NAMES.items()}
    coordinates = {key: (key, labels) for key, labels in names.items() if labels.size}
    attributes: dict[str, str | float] = {"format": FORMAT}
    attributes |= {key: str(getattr(extraction, key)) for key in _TEXTS}
    attributes |= {key: float(getattr(extraction, key)) for key in _NUMBERS}
    attributes["sources"] = json.dumps(extraction.sources, ensure_ascii=False)
    attributes["echo_time"] = -1.0 if extraction.echo_time is None else float(extraction.echo_time)
    return xr.Dataset(variables, coordinates, attributes)


def _array(extraction: Extraction, key: str) -> np.ndarray:
    return np.asarray(getattr(extraction, key), dtype=np.int64 if key in _WHOLE else np.float64)
