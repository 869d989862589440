"""Both MATLAB containers come back as the same plain Python."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from scipy.io.matlab import MatlabFunction, MatlabObject, MatlabOpaque

from pipeline._atomic import atomic_write
from pipeline._mat import load_mat, plain
from pipeline._mat_values import MatFileError, Opaque, StructArray
from pipeline._mat_write import cell_row, opaque_places, save_mat

Save = Callable[..., Path]


def struct_array() -> np.ndarray:
    array = np.empty((1, 2), dtype=[("name", object), ("xyz", object)])
    array[0, 0] = ("left", np.array([[1.0], [2.0], [3.0]]))
    array[0, 1] = ("right", np.array([[4.0], [5.0], [6.0]]))
    return array


def test_a_struct_becomes_a_dict(save_mat_file: Save) -> None:
    loaded = load_mat(save_mat_file(S={"inner": {"deep": 3.0}}))
    assert loaded["S"]["inner"]["deep"].tolist() == [[3.0]]


def test_a_struct_array_becomes_a_list_that_knows_its_shape(save_mat_file: Save) -> None:
    value = load_mat(save_mat_file(S=struct_array()))["S"]
    assert isinstance(value, StructArray)
    assert (value.shape, value.fields) == ((1, 2), ("name", "xyz"))
    assert [item["name"] for item in value] == ["left", "right"]
    assert value[1]["xyz"].tolist() == [[4.0], [5.0], [6.0]]


def test_cells_keep_their_shape_and_kinds(save_mat_file: Save) -> None:
    cells = np.empty((2, 3), dtype=object)
    cells[...] = [["a", np.eye(2), ""], [np.zeros((0, 0)), {"x": 1.0}, "bc"]]
    value = load_mat(save_mat_file(C=cells))["C"]
    assert value.shape == (2, 3)
    assert (value[0, 0], value[0, 2], value[1, 2]) == ("a", "", "bc")
    assert value[0, 1].tolist() == [[1, 0], [0, 1]]
    assert value[1, 0].shape == (0, 0)
    assert value[1, 1]["x"].tolist() == [[1.0]]


def test_matrices_are_not_transposed(save_mat_file: Save) -> None:
    matrix = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(load_mat(save_mat_file(x=matrix))["x"], matrix)


def test_characters_become_text(save_mat_file: Save) -> None:
    loaded = load_mat(save_mat_file(one="naïve µ", rows=np.array(["ab ", "cde"]), none=""))
    assert loaded["one"] == "naïve µ"
    assert loaded["rows"].tolist() == ["ab ", "cde"]
    assert loaded["none"] == ""


@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (4, 4, 0)])
def test_empty_arrays_keep_their_shape(save_mat_file: Save, shape: tuple[int, ...]) -> None:
    assert load_mat(save_mat_file(x=np.zeros(shape)))["x"].shape == shape


def test_classes_are_kept(save_mat_file: Save) -> None:
    loaded = load_mat(save_mat_file(l=np.array([[True, False]]), u=np.array([[7]], np.uint8), d=1.0))
    assert [loaded[key].dtype for key in "lud"] == [np.dtype(bool), np.dtype(np.uint8), np.dtype(float)]


def test_doubles_stored_as_small_integers_are_doubles(spm_data: Path) -> None:
    assert load_mat(spm_data / "voi" / "sub-01" / "VOI_rdF_1.mat")["xY"]["xyz"].dtype == np.float64


def test_complex_numbers_survive(save_mat_file: Save) -> None:
    assert load_mat(save_mat_file(z=np.array([[1 + 2j, 3.0]])))["z"].tolist() == [[1 + 2j, 3 + 0j]]


@pytest.mark.parametrize("matrix", [np.diag([0.0, 2.0, 3.0]), np.zeros((2, 5)), np.array([[0, 1.0], [2.0, 0], [3, 4]])])
def test_sparse_matrices_stay_sparse(save_mat_file: Save, matrix: np.ndarray) -> None:
    value = load_mat(save_mat_file(Q=scipy.sparse.csc_array(matrix)))["Q"]
    assert isinstance(value, scipy.sparse.csc_array)
    np.testing.assert_array_equal(value.toarray(), matrix)


def test_large_sparse_matrices_are_not_filled(save_mat_file: Save) -> None:
    size = 16 * 800
    cells = np.empty((1, 16), dtype=object)
    cells[0, :] = [scipy.sparse.eye_array(size, format="csc") for _ in range(16)]
    value = load_mat(save_mat_file(Y={"Q": cells}))["Y"]["Q"]
    assert [item.nnz for item in value.flat] == [size] * 16


def test_version_4_files_are_read(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "old.mat", {"x": np.eye(2)}, format="4")
    assert load_mat(tmp_path / "old.mat")["x"].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("kind", [MatlabFunction, MatlabOpaque])
def test_functions_and_objects_become_markers(kind: Any) -> None:
    assert isinstance(plain(kind(np.empty((1, 1), dtype=object))), Opaque)


def test_old_style_objects_become_markers() -> None:
    value = plain(MatlabObject(np.empty((1, 1), dtype=[("x", object)]), "meeg"))
    assert value == Opaque("an object of class meeg")


def test_function_handles_in_hdf5_become_markers(save_v73: Save) -> None:
    path = save_v73(f=np.ones((1, 1)), x=1.0)
    with h5py.File(path, "r+") as file:
        file["f"].attrs["MATLAB_class"] = np.bytes_("function_handle")
    assert load_mat(path)["f"] == Opaque("a function handle")


def test_broken_references_do_not_lose_the_rest(save_v73: Save) -> None:
    path = save_v73(C=cell_row(["a", "b"]))
    with h5py.File(path, "r+") as file:
        references = file["C"][()]
        references[0, 0] = h5py.Reference()
        file["C"][...] = references
    value = load_mat(path)["C"]
    assert "broken reference" in value[0, 0].kind
    assert value[0, 1] == "b"


def test_references_in_a_circle_end(save_v73: Save) -> None:
    path = save_v73(C=cell_row(["a"]))
    with h5py.File(path, "r+") as file:
        file["C"][...] = np.array([[file["C"].ref]], dtype=h5py.ref_dtype)
    value = load_mat(path)["C"]
    while isinstance(value, np.ndarray):
        value = value[0, 0]
    assert value == Opaque("nested too deeply to be read")


def test_hdf5_without_matlab_classes_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.mat", "w") as file:
        file["data"] = 1.0
    with pytest.raises(MatFileError, match="not one that MATLAB wrote"):
        load_mat(tmp_path / "x.mat")


def test_octave_text_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.mat").write_text("# Created by Octave 7.3.0, Sun Nov 22\n# name: DCM\n")
    with pytest.raises(MatFileError, match="save -v7"):
        load_mat(tmp_path / "x.mat")


@pytest.mark.parametrize("seed", range(40))
def test_damaged_files_raise_one_kind_of_error_or_still_read(
    save_mat_file: Save, dcm_struct: dict[str, Any], seed: int
) -> None:
    path = save_mat_file(DCM=dcm_struct)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(130, len(content), size=8):
        content[place] = rng.integers(256)
    path.write_bytes(content)
    with contextlib.suppress(MatFileError):
        load_mat(path)


def test_what_is_written_reads_back_the_same(tmp_path: Path) -> None:
    content = {
        "text": "abc",
        "nothing": "",
        "cells": cell_row(["x", ""]),
        "no_cells": np.empty((1, 0), dtype=object),
        "structs": StructArray([{"p": "a", "q": np.eye(2)}, {"p": "b", "q": np.zeros((0, 0))}], (1, 2), ("p", "q")),
        "column": StructArray([{"p": "a"}, {"p": "b"}], (2, 1), ("p",)),
        "flat": np.zeros((4, 4, 0)),
        "flag": np.array([[True]]),
        "sparse": scipy.sparse.csc_array(np.diag([1.0, np.nan])),
        "a_field_name_of_more_than_31_letters": np.array([[1.0]]),
    }
    save_mat(tmp_path / "x.mat", {"S": content})
    loaded = load_mat(tmp_path / "x.mat")["S"]
    assert list(loaded) == list(content)
    assert (loaded["text"], loaded["nothing"], loaded["cells"].tolist()) == ("abc", "", [["x", ""]])
    assert (loaded["no_cells"].shape, loaded["no_cells"].dtype) == ((1, 0), np.dtype(object))
    assert (loaded["structs"].shape, loaded["column"].shape) == ((1, 2), (2, 1))
    assert loaded["structs"][1]["p"] == "b"
    assert loaded["structs"][1]["q"].shape == (0, 0)
    assert loaded["flat"].shape == (4, 4, 0)
    assert loaded["flag"].dtype == bool
    np.testing.assert_array_equal(loaded["sparse"].toarray(), np.diag([1.0, np.nan]))


def test_markers_are_left_out_and_named(tmp_path: Path) -> None:
    content = {"f": Opaque("a function handle"), "c": np.array([[Opaque("x"), "kept"]], dtype=object), "n": 1.0}
    assert opaque_places(content, "DCM") == ["DCM.f", "DCM.c{1}"]
    save_mat(tmp_path / "x.mat", {"DCM": content})
    loaded = load_mat(tmp_path / "x.mat")["DCM"]
    assert set(loaded) == {"c", "n"}
    assert loaded["c"][0, 1] == "kept"


def test_an_interrupted_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "result.mat"
    path.write_text("old")

    def interrupted() -> None:
        with atomic_write(path) as aside:
            aside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.mat"]  # noqa: PTH208


def test_a_finished_write_replaces_the_file_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.mat"
    for text in ("one", "two"):
        with atomic_write(path) as aside:
            assert aside.parent == path.parent
            aside.write_text(text)
    assert path.read_text() == "two"
    assert [item.name for item in path.parent.iterdir()] == ["result.mat"]
