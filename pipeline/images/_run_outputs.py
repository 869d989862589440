"""One run's results on disk: series, sidecar and maps, by BIDS's names: ``OUT/sub-01/ses-1/func/sub-01_ses-1_…``."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from ..bids import ImageRun, Run, session_folder
from ..common import release, write_bytes, write_json
from ..study import Study
from ._extraction import write_extraction
from ._first_level import RunFirstLevel, first_level
from ._grid import ExtractionError, as_image
from ._voxels import Voxels

Stat = Literal["effect", "variance", "t"]
STATS: tuple[Stat, ...] = ("effect", "variance", "t")

PACKAGES = ("effconn", "nilearn", "nibabel", "numpy", "scipy")


def series_path(out: Path, run: Run) -> Path:
    """A run's extraction."""
    return _folder(out, run) / f"{run.label}_desc-effconn_timeseries.nc"


def sidecar_path(out: Path, run: Run) -> Path:
    """What the extraction is, for readers and BIDS tools."""
    return series_path(out, run).with_suffix(".json")


def map_paths(out: Path, run: Run, contrast: str) -> dict[Stat, Path]:
    """The maps of a contrast."""
    head = f"{run.label}_contrast-{entity(contrast)}"
    return {stat: _folder(out, run) / f"{head}_stat-{stat}_statmap.nii.gz" for stat in STATS}


def entity(name: str) -> str:
    """A name as a BIDS entity can have it, letters and digits only: ``faces-over-shapes`` → ``facesOverShapes``."""
    first, *rest = [part for part in re.split(r"[^A-Za-z0-9]+", name) if part]
    return first + "".join(part[0].upper() + part[1:] for part in rest)


def _folder(out: Path, run: Run) -> Path:
    return out / session_folder(run.participant, run.session) / "func"


def extract_to_files(run: ImageRun, study: Study, out: Path) -> list[Path]:
    """Extracts a run and writes everything that comes of it; returns the files, the series first.

    Every file is written whole or not at all, and the same data give the same bytes.

    Raises `ExtractionError` where nothing can be taken from the run.
    """
    _check_names(run, study)
    level = first_level(run, study)
    maps = _write_maps(level, run, out)
    series, sidecar = series_path(out, run), sidecar_path(out, run)
    write_json(sidecar, _sidecar(level, run, study))
    write_extraction(series, level.extraction)
    return [series, sidecar, *maps]


def _check_names(run: ImageRun, study: Study) -> None:
    names: dict[str, str] = {}
    for contrast in study.tasks[run.task].contrasts:
        other = names.setdefault(entity(contrast).lower(), contrast)
        if other != contrast:
            raise ExtractionError(f"{run.label}: contrasts {other} and {contrast} would share a file; rename one")


def _write_map(path: Path, values: Float[np.ndarray, "voxel"], voxels: Voxels, what: str) -> None:
    """A map as 32-bit NIfTI, 0 where there is no voxel of the brain; the same map gives the same bytes."""
    image = as_image(voxels.scattered(values).astype(np.float32), voxels.grid.affine)
    image.header["descrip"] = what.encode("ascii", "replace")[:79]
    write_bytes(path, gzip.compress(image.to_bytes(), compresslevel=6, mtime=0))


def _write_maps(level: RunFirstLevel, run: ImageRun, out: Path) -> list[Path]:
    written = []
    for contrast, effect in level.maps.items():
        for stat, path in map_paths(out, run, contrast).items():
            _write_map(path, getattr(effect, stat), level.voxels, f"{contrast} {stat}")
            written.append(path)
    return written


def _sidecar(level: RunFirstLevel, run: ImageRun, study: Study) -> dict[str, Any]:
    found = level.extraction
    return {
        "Description": (
            "First eigenvariate of each region, from voxels in percent of the run's mean that were whitened, "
            "high-pass filtered and adjusted for confounds; DCM inputs and design beside it"
        ),
        "Units": "percent of the run's mean over brain and scans",
        "RepetitionTime": found.repetition_time,
        "SamplingFrequency": 1 / found.repetition_time,
        "EchoTime": found.echo_time,
        "HighPassPeriod": study.glm.high_pass,
        "NoiseModel": study.glm.noise,
        "AutocorrelationCoefficient": found.autocorrelation,
        "Scaling": level.signal.percent,
        "ImageMean": level.signal.mean,
        "ImageSpreadPercent": level.signal.spread,
        "Confounds": list(found.confound_names),
        "ConfoundScale": _confounds(level),
        "Conditions": list(found.design_names[: len(found.design_names) - len(found.confound_names)]),
        "Inputs": list(found.input_names),
        "Distances": list(found.distance_names),
        "Notes": list(found.notes),
        "CensoredScans": found.censored.tolist(),
        "Regions": _regions(level),
        "Sources": [_source(path, study) for path in run.files],
        "SoftwareVersions": {package: release(package) for package in PACKAGES},
    }


def _confounds(level: RunFirstLevel) -> Mapping[str, Any]:
    """In the unit of the table of confounds; in the design each has unit variance."""
    found = level.confounds
    return {
        name: {"StandardDeviation": float(column.std()), "Range": [float(column.min()), float(column.max())]}
        for name, column in zip(found.names, found.values.T, strict=True)
    }


def _regions(level: RunFirstLevel) -> Mapping[str, Any]:
    found = level.extraction
    shares = dict(zip(found.regions, found.explained.tolist(), strict=True))
    ranges = dict(zip(found.regions, found.ranges.tolist(), strict=True))
    return {
        name: {
            "Source": level.drawn[name].scale,
            "Threshold": level.drawn[name].threshold,
            "VoxelsOfRegion": region.size,
            "VoxelsInBrain": region.inside,
            "VoxelsLeftOut": region.dropped,
            "VoxelsUsed": int(region.columns.size),
            "ShareOfVariance": shares[name],
            "SeriesRange": ranges[name],
        }
        for name, region in level.coverage.items()
    }


def _source(path: Path, study: Study) -> str:
    """As a BIDS URI, which does not say where on this computer the dataset lies."""
    for dataset, folder in (("derivatives", study.study.derivatives), ("raw", study.study.bids)):
        if folder is not None and path.is_relative_to(folder):
            return f"bids:{dataset}:{path.relative_to(folder).as_posix()}"
    return path.name
