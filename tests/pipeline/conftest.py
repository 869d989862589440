"""Small SPM-like structs, writers of both MATLAB containers, for the readers' tests; and figures that are not drawn."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from matplotlib.figure import Figure

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="session")
def spm_data() -> Path:
    """The reference cohort, beside the repository; skips where it is absent."""
    folder = SHARED / "data" / "spm12_visual_language"
    if not folder.is_dir():
        pytest.skip(f"reference data {folder} are absent")
    return folder


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are built and none is drawn: a blank one is saved for each, as drawing took a quarter of the time."""
    blank: dict[str, str | bytes] = {}
    for form, file in (("svg", io.StringIO()), ("png", io.BytesIO())):
        Figure(figsize=(1, 1)).savefig(file, format=form)
        blank[form] = file.getvalue()

    def save(figure: Figure, file: io.IOBase, *, format: str, **options: object) -> None:
        file.write(blank[format])

    monkeypatch.setattr(Figure, "savefig", save)


@pytest.fixture(scope="session")
def cells() -> Callable[..., np.ndarray]:
    """Makes a 1 × n cell array."""
    return _cells


@pytest.fixture
def dcm_struct() -> dict[str, Any]:
    """A complete DCM of two regions, two inputs and 40 scans of 2 s, 16 bins each."""
    rng = np.random.default_rng(0)
    scans, bins = 40, 16
    blocks = (np.arange(scans * bins)[:, None] // np.array([160, 80])) % 2
    return {
        "a": np.ones((2, 2)),
        "b": np.stack([np.zeros((2, 2)), np.eye(2)], axis=2),
        "c": np.array([[1.0, 0.0], [1.0, 0.0]]),
        "d": np.zeros((2, 2, 0)),
        "U": {"dt": 2 / bins, "name": _cells("task", "faces"), "u": blocks.astype(float)},
        "Y": {
            "dt": 2.0,
            "X0": np.column_stack([np.ones(scans), np.linspace(-1, 1, scans)]),
            "y": rng.normal(size=(scans, 2)),
            "name": _cells("vmPFC", "amygdala"),
        },
        "v": float(scans),
        "n": 2.0,
        "TE": 0.03,
        "delays": np.array([[1.0, 1.0]]),
        "options": {
            "nonlinear": 0.0,
            "two_state": 0.0,
            "stochastic": 0.0,
            "centre": 1.0,
            "induced": 0.0,
        },
    }


@pytest.fixture
def estimated_struct(dcm_struct: dict[str, Any]) -> dict[str, Any]:
    """The same with results in SPM's form: 20 parameters, the last four haemodynamic."""
    tree = {
        "A": np.full((2, 2), 0.1),
        "B": np.full((2, 2, 2), 0.2),
        "C": np.full((2, 2), 0.3),
        "D": np.zeros((2, 2, 0)),
        "transit": np.full((2, 1), 0.01),
        "decay": 0.02,
        "epsilon": 0.03,
    }
    free = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1], dtype=float)
    results = {
        "Ep": tree,
        "Cp": scipy.sparse.csc_array(np.diag(free * np.arange(1, 21) / 100)),
        "F": -123.5,
        "Ce": np.array([[0.1], [0.2]]),
        "y": np.zeros((40, 2)),
        "R": np.ones((40, 2)),
        "M": {"pE": {key: np.zeros(np.shape(value)) for key, value in tree.items()}, "pC": np.diag(free) / 64},
    }
    return dcm_struct | results


@pytest.fixture
def save_v7(tmp_path: Path) -> Callable[..., Path]:
    """Writes variables to a MATLAB v7 file in the test's folder."""

    def save(name: str = "DCM_sub-01.mat", **variables: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        scipy.io.savemat(path, variables, do_compression=True, long_field_names=True)
        return path

    return save


@pytest.fixture
def save_v73(tmp_path: Path) -> Callable[..., Path]:
    """Writes variables to a v7.3 file as MATLAB lays it out, in the test's folder."""

    def save(name: str = "DCM_sub-01.mat", **variables: Any) -> Path:
        path = tmp_path / name
        with h5py.File(path, "w", userblock_size=512) as file:
            for key, value in variables.items():
                _write_item(file, file, key, value)
        header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Sun Nov 22 12:00:00 2026 HDF5 schema 1.00 ."
        with path.open("r+b") as raw:
            raw.write(header.ljust(116) + b"\0" * 8 + b"\x00\x02IM")
        return path

    return save


@pytest.fixture(params=["v7", "v7.3"])
def save_mat_file(request: pytest.FixtureRequest) -> Callable[..., Path]:
    """Either container in turn."""
    fixture = "save_v7" if request.param == "v7" else "save_v73"
    return request.getfixturevalue(fixture)  # type: ignore[no-any-return]  # pytest's fixture is Any


def _cells(*items: Any) -> np.ndarray:
    array = np.empty((1, len(items)), dtype=object)
    for i, item in enumerate(items):
        array[0, i] = item
    return array


def _write_item(file: h5py.File, parent: h5py.Group, name: str, value: Any) -> Any:
    """One value as MATLAB 7.3 stores it: axes reversed, cells and struct arrays as references into #refs#."""
    if isinstance(value, Mapping):
        item = parent.create_group(name)
        for key, member in value.items():
            _write_item(file, item, key, member)
        fields = np.empty(len(value), dtype=object)
        fields[:] = [np.array(list(key), dtype="S1") for key in value]
        item.attrs.create("MATLAB_fields", fields, dtype=h5py.vlen_dtype(np.dtype("S1")))
        return _classed(item, "struct")
    if scipy.sparse.issparse(value):
        return _write_sparse(parent, name, scipy.sparse.csc_array(value))
    if isinstance(value, np.ndarray) and value.dtype.names:
        item = parent.create_group(name)
        for key in value.dtype.names:
            item.create_dataset(key, data=_references(file, value[key]))
        return _classed(item, "struct")
    if isinstance(value, str):
        codes = np.array([[ord(letter)] for letter in value], dtype=np.uint16)
        return _write_array(parent, name, codes.T, "char", stored=codes)
    array = np.asarray(value)
    if array.dtype == object:
        if array.size == 0:
            return _write_array(parent, name, array, "cell")
        return _classed(parent.create_dataset(name, data=_references(file, array)), "cell")
    array = array if array.ndim > 1 else array.reshape(1, -1)
    if array.dtype.kind == "U":
        codes = np.array([[ord(letter) for letter in row] for row in array.ravel()], dtype=np.uint16)
        return _write_array(parent, name, codes, "char")
    kinds = {"float64": "double", "complex128": "double", "bool": "logical"}
    kind = kinds.get(array.dtype.name, array.dtype.name)
    if array.dtype.kind == "c":
        pairs = np.empty(array.shape, dtype=[("real", float), ("imag", float)])
        pairs["real"], pairs["imag"] = array.real, array.imag
        array = pairs
    return _write_array(parent, name, array.astype(np.uint8) if kind == "logical" else array, kind)


def _write_array(
    parent: h5py.Group, name: str, array: np.ndarray, kind: str, stored: np.ndarray | None = None
) -> h5py.Dataset:
    if array.size == 0:
        item = parent.create_dataset(name, data=np.array(array.shape if array.ndim > 1 else (0, 0), dtype=np.uint64))
        item.attrs["MATLAB_empty"] = np.uint8(1)
    else:
        item = parent.create_dataset(name, data=array.T if stored is None else stored)
    return _classed(item, kind)


def _write_sparse(parent: h5py.Group, name: str, matrix: Any) -> h5py.Group:
    item = parent.create_group(name)
    item.create_dataset("jc", data=matrix.indptr.astype(np.uint64))
    if matrix.nnz:
        item.create_dataset("ir", data=matrix.indices.astype(np.uint64))
        item.create_dataset("data", data=matrix.data)
    item.attrs["MATLAB_sparse"] = np.uint64(matrix.shape[0])
    return _classed(item, "double")


def _references(file: h5py.File, array: np.ndarray) -> np.ndarray:
    store = file.require_group("#refs#")
    references = np.empty(array.T.shape, dtype=h5py.ref_dtype)
    for index in np.ndindex(array.T.shape):
        references[index] = _write_item(file, store, uuid.uuid4().hex, array.T[index]).ref
    return references


def _classed(item: Any, kind: str) -> Any:
    item.attrs["MATLAB_class"] = np.bytes_(kind)
    return item
