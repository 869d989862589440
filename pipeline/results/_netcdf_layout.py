"""A dataset laid out as NetCDF-4, which is HDF5 with dimension scales, in memory.

By h5py alone, as files are read: through xarray and h5netcdf, the same took seven times as long. Attributes and their
names are those of "NetCDF-4 Format" in the NetCDF User's Guide of Unidata.
"""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import xarray as xr
from h5py import h5ds

_BARE = "This is a netCDF dimension but not a netCDF variable.{:10d}"  # the scale of a dimension without a variable
_TEXT = h5py.string_dtype()


def netcdf_bytes(dataset: xr.Dataset) -> bytes:
    """The bytes of a NetCDF-4 file that holds a dataset; the same dataset gives the same bytes.

    Variables are numbers, truth values or text, and coordinates are those of dimensions.
    Raises `TypeError` where there are other coordinates, `ValueError` where a name or text holds what NetCDF cannot.
    """
    other = sorted(str(name) for name in set(dataset.coords) - set(dataset.dims))
    if other:
        raise TypeError(f"{', '.join(other)} are coordinates of no dimension")
    with h5py.File.in_memory(track_order=True) as file:
        _write_attribute(file, "_NCProperties", np.bytes_(f"version=2,h5py={h5py.__version__}"))
        for name, value in dataset.attrs.items():
            _write_attribute(file, str(name), value)
        items = {name: _create_variable(file, str(name), variable) for name, variable in dataset.variables.items()}
        scales = {}
        for place, (name, size) in enumerate(dataset.sizes.items()):
            bare = name not in items
            scales[name] = _create_array(file, str(name), np.zeros(size, dtype=">f4")) if bare else items[name]
            h5ds.set_scale(scales[name].id, (_BARE.format(size) if bare else str(name)).encode())
            _write_attribute(scales[name], "_Netcdf4Dimid", np.int32(place))
        for name in [name for name in items if name not in scales]:
            for axis, dimension in enumerate(dataset.variables[name].dims):
                h5ds.attach_scale(items[name].id, scales[dimension].id, axis)
        file.flush()
        image: bytes = file.id.get_file_image()
        return image


def _create_variable(file: h5py.File, name: str, variable: xr.Variable) -> h5py.Dataset:
    values, attributes = variable.values, dict(variable.attrs)
    if values.dtype.kind == "b":  # for which NetCDF has no type; so marked, xarray reads it
        values, attributes["dtype"] = values.astype(np.int8), "bool"
    item = _create_array(file, name, values)
    for key, value in attributes.items():
        _write_attribute(item, str(key), value)
    return item


def _create_array(file: h5py.File, name: str, values: np.ndarray) -> h5py.Dataset:
    if "/" in name:
        raise ValueError(f"{name!r} has a slash")
    text = values.dtype.kind in "OUT"
    return file.create_dataset(
        name,
        data=values.astype(object) if text else values,
        dtype=_TEXT if text else values.dtype,
        # To NetCDF, what has no length may grow.
        maxshape=tuple(size or None for size in values.shape) if 0 in values.shape else None,
        track_order=True,
    )


def _write_attribute(item: h5py.HLObject, name: str, value: Any) -> None:
    """Text as text, numbers as vectors, as NetCDF has them."""
    item.attrs[name] = value if isinstance(value, (str, bytes)) else np.atleast_1d(value)
