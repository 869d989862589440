"""MATLAB 7.3 files as MATLAB lays them out: axes reversed, cells and struct arrays as references."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
import scipy.sparse

PRISTINE = b"pristine"  # in the header, where MATLAB keeps an offset that nobody reads: no byte was changed by hand


def mat73(variables: Mapping[str, Any]) -> bytes:
    """Variables as a file of MATLAB 7.3; the same variables give the same bytes."""
    memory = io.BytesIO()
    with h5py.File(memory, "w", userblock_size=512) as file:
        store = file.create_group("#refs#")
        for name, value in variables.items():
            _put(store, file, name, value)
    head = b"MATLAB 7.3 MAT-file".ljust(116) + PRISTINE + b"\x00\x02IM"
    return head.ljust(512, b"\0") + memory.getvalue()[512:]


def _put(store: h5py.Group, parent: h5py.Group, name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        group = parent.create_group(name)
        for key, item in value.items():
            _put(store, group, key, item)
        return classed(group, "struct")
    if isinstance(value, scipy.sparse.csc_array):
        group = parent.create_group(name)
        group["jc"], group["ir"] = value.indptr.astype(np.uint64), value.indices.astype(np.uint64)
        group["data"] = value.data
        group.attrs["MATLAB_sparse"] = np.uint64(value.shape[0])
        return classed(group, "double")
    if isinstance(value, str):
        return classed(parent.create_dataset(name, data=np.array([[ord(x)] for x in value], np.uint16)), "char")
    array = np.atleast_2d(np.asarray(value))
    if array.dtype.names:
        group = parent.create_group(name)
        for key in array.dtype.names:
            group.create_dataset(key, data=_stored(store, array[key]))
        return classed(group, "struct")
    if array.dtype == object:
        return classed(parent.create_dataset(name, data=_stored(store, array)), "cell")
    if array.size == 0:
        item = parent.create_dataset(name, data=np.array(array.shape, dtype=np.uint64))
        item.attrs["MATLAB_empty"] = np.uint8(1)
        return classed(item, "double")
    logical = array.dtype == bool
    item = parent.create_dataset(name, data=array.T.astype(np.uint8 if logical else float), compression="gzip")
    return classed(item, "logical" if logical else "double")


def _stored(store: h5py.Group, array: np.ndarray) -> np.ndarray:
    references = np.empty(array.T.shape, dtype=h5py.ref_dtype)
    for index in np.ndindex(references.shape):
        references[index] = _put(store, store, f"r{len(store)}", array.T[index]).ref
    return references


def classed(item: Any, kind: str) -> Any:
    """The same dataset or group, as MATLAB marks one of a class."""
    item.attrs["MATLAB_class"] = np.bytes_(kind)
    return item
