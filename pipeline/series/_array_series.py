"""Arrays of region series: NumPy's .npy, as nilearn's maskers hand out, and NetCDF with named axes. No pickles."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ..common import describe_absence, name_entities, read_bytes, time_problem
from ..guarded import SIGNATURE, GuardedError, GuardedProcess, NetcdfContent, content_from_reply, netcdf_request
from ._region_series import UNITS, RegionSeries, SeriesError, Unit
from ._table_series import LARGEST

SCAN_AXES = ("scan", "scans", "time", "timepoint", "volume", "t", "frame")
REGION_AXES = ("region", "regions", "roi", "rois", "parcel", "parcels", "node", "nodes", "label", "labels")
_SECONDS = 10.0
_child = GuardedProcess("pipeline.guarded._netcdf_content:parse_request", seconds=_SECONDS)


def read_npy_series(path: Path) -> RegionSeries:
    """A (scan, region) array of numbers; regions are called 1, 2, 3 …. Raises `SeriesError`."""
    raw = _bytes(path)
    if not raw.startswith(b"\x93NUMPY"):
        raise SeriesError(path, "is no array of NumPy's; save it again with numpy.save(FILE, series)")
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
            stored = len(raw) - file.tell()
    except (ValueError, OSError) as error:
        raise SeriesError(path, f"is damaged ({error}); save it again") from None
    if dtype.hasobject:
        raise SeriesError(path, "holds pickled objects, which are not opened; save the array of numbers alone")
    if dtype.kind not in "biuf":
        raise SeriesError(path, f"holds {dtype}, not real numbers; save the series as float64")
    if math.prod(shape) * dtype.itemsize != stored:
        raise SeriesError(path, f"says that it is {shape}, and holds {stored:,} bytes; copy it again")
    values = np.load(path, allow_pickle=False)
    if values.ndim == 3 and values.shape[0] == 1:
        values = values[0]  # as of a list of one image
    if values.ndim != 2:
        raise SeriesError(path, f"has shape {values.shape}; give (scan, region), one run a file")
    names = tuple(str(place + 1) for place in range(values.shape[1]))
    return RegionSeries(path, "NumPy", values.astype(np.float64), names, name_entities(path), files=(path,))


def read_netcdf_series(path: Path) -> RegionSeries:
    """The one variable with an axis of scans and one of regions, such as an xarray DataArray; effconn's own too.

    The repetition time is the attribute ``repetition_time`` or the step of the axis of scans where that counts in
    seconds (``units = "s"``); the unit is the attribute ``units``. Raises `SeriesError`.
    """
    content = _netcdf(path)
    found = {
        name: dims
        for name, (dims, _) in content.labels.items()
        if len(dims) == 2 and _axes(dims) and _real(content, name)
    }
    own = str(content.attributes.get("format", "")).startswith("effconn ")
    if own and "means" in found and "series" in found:
        found = {"means": found["means"]}  # nothing is taken out of them yet
    if len(found) != 1:
        there = ", ".join(f"{name} ({', '.join(dims)})" for name, (dims, _) in content.labels.items())
        many = "several variables" if found else "no variable"
        raise SeriesError(path, f"has {many} of (scan, region); it has {there or 'none'}: give one with these axes")
    (name, dims), *_ = found.items()
    values = np.asarray(content.values[name], dtype=np.float64)
    scan_axis, region_axis = dims if dims[0].lower() in SCAN_AXES else dims[::-1]
    if dims[0] != scan_axis:
        values = values.T
    labels = content.values.get(region_axis)
    names = tuple(str(place + 1) for place in range(values.shape[1])) if labels is None else tuple(map(str, labels))
    about = {**content.attributes, **content.labels[name][1]}
    return RegionSeries(
        path,
        "effconn" if own else "NetCDF",
        values,
        names,
        name_entities(path),
        repetition_time=_repetition_time(path, content, scan_axis, about),
        unit=_unit(str(about.get("units", about.get("unit", "")))),
        files=(path,),
    )


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise SeriesError(path, f"is larger than series of a run ({path.stat().st_size / 2**20:,.0f} MiB)")
        return read_bytes(path)
    except FileNotFoundError:
        raise SeriesError(path, describe_absence(path)) from None
    except OSError as error:
        raise SeriesError(path, f"cannot be opened ({error.strerror}); check the path and its permissions") from None


def _netcdf(path: Path) -> NetcdfContent:
    raw = _bytes(path)
    if raw.startswith(b"CDF"):
        raise SeriesError(path, "is NetCDF 3; save it as NetCDF 4: to_netcdf(FILE, engine='h5netcdf')")
    if not raw.startswith(SIGNATURE):
        raise SeriesError(path, "is no NetCDF file; save it again")
    try:
        return content_from_reply(_child.run(netcdf_request(raw, labelled=True)))
    except (GuardedError, ValueError) as error:
        raise SeriesError(path, f"is damaged, or holds more than arrays ({error}); save the series alone") from None


def _axes(dims: list[str]) -> bool:
    first, second = (name.lower() for name in dims)
    return (first in SCAN_AXES and second in REGION_AXES) or (first in REGION_AXES and second in SCAN_AXES)


def _real(content: NetcdfContent, name: str) -> bool:
    return content.values[name].dtype.kind in "iuf"


def _repetition_time(path: Path, content: NetcdfContent, axis: str, about: dict[str, Any]) -> float | None:
    found = next((about[key] for key in ("repetition_time", "RepetitionTime") if key in about), None)
    if found is None and str(content.labels.get(axis, ([], {}))[1].get("units", "")) in ("s", "sec", "seconds"):
        steps = np.diff(np.asarray(content.values[axis], dtype=np.float64))
        if steps.size and np.ptp(steps) < 1e-3 * abs(steps[0]):
            found = float(np.round(steps.mean(), 6))
    if found is None:
        return None
    if not isinstance(found, int | float):
        raise SeriesError(path, f"its repetition_time is {found!r}; write seconds")
    if problem := time_problem(float(found), "repetition time"):
        raise SeriesError(path, f"its repetition time {problem}")
    return float(found)


def _unit(text: str) -> Unit | None:
    if text.lower().startswith(("percent", "%")):
        return "percent"
    return next((unit for unit in UNITS if unit == text.lower()), None)
