"""Both MATLAB containers come back as the same plain Python."""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from pipeline.common import atomic_write
from pipeline.matlab import MatFileError, Opaque, StructArray, cell_row, load_mat, save_mat, unwritable_places

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


def element(kind: int, data: bytes) -> bytes:
    """One element of a MATLAB v5 file, padded."""
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(mclass: int, *parts: bytes, shape: tuple[int, ...] = (1, 1), name: bytes = b"x", bits: int = 0) -> bytes:
    """An array of a MATLAB v5 file, whatever its parts are."""
    flags = element(6, struct.pack("<II", mclass | bits << 8, 0))
    dimensions = element(5, struct.pack(f"<{len(shape)}i", *shape))
    return element(14, flags + dimensions + element(1, name) + b"".join(parts))


def mat5(*elements: bytes) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"".join(elements)


def packed(content: bytes) -> bytes:
    content = zlib.compress(content)
    return struct.pack("<II", 15, len(content)) + content


OPAQUE = element(14, element(6, struct.pack("<II", 17, 0)) + element(1, b"x") + element(1, b"MCOS") + bytes(40))
NUMBER = element(9, struct.pack("<d", 7.0))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (matrix(16, matrix(2, name=b"")), "a function handle"),
        (matrix(3, element(1, b"meeg"), bytes(64)), "an object of class meeg"),
        (OPAQUE, "a MATLAB object (strings in double quotes are such; use single quotes)"),
    ],
    ids=["function handle", "object", "opaque"],
)
def test_functions_and_objects_become_markers_and_the_rest_is_read(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "x.mat"
    path.write_bytes(mat5(packed(content), matrix(6, NUMBER, name=b"after")))
    loaded = load_mat(path)
    assert loaded["x"] == Opaque(kind)
    assert loaded["after"].tolist() == [[7.0]]


def test_files_of_the_other_byte_order_are_read(tmp_path: Path) -> None:
    def swapped(kind: int, data: bytes) -> bytes:
        return struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)

    parts = swapped(6, struct.pack(">II", 6, 0)) + swapped(5, struct.pack(">ii", 1, 2)) + swapped(1, b"x")
    array = swapped(14, parts + swapped(3, struct.pack(">hh", 5, -6)))
    (tmp_path / "x.mat").write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI" + array)
    assert load_mat(tmp_path / "x.mat")["x"].tolist() == [[5.0, -6.0]]


SPARSE = {
    "row out of range": ([0, 5], [0, 1, 2]),
    "negative row": ([0, -1], [0, 1, 2]),
    "columns out of order": ([0, 1], [0, 2, 1]),
    "more numbers than there are": ([0, 1], [0, 1, 9]),
    "a column too many": ([0, 1], [0, 1, 2, 2]),
    "begins late": ([0, 1], [1, 1, 2]),
    "no columns": ([0, 1], []),
}


def sparse(rows: list[int], starts: list[int]) -> bytes:
    parts = [element(5, struct.pack(f"<{len(numbers)}i", *numbers)) for numbers in (rows, starts)]
    return matrix(5, *parts, element(9, struct.pack("<2d", 1, 2)), shape=(2, 2))


DAMAGED = {name: sparse(*places) for name, places in SPARSE.items()} | {
    "numbers beyond the bytes": matrix(6, NUMBER, shape=(1, 2)),
    "numbers far beyond": matrix(6, NUMBER, shape=(2**31 - 1, 2**31 - 1, 2**31 - 1)),
    "negative shape": matrix(6, NUMBER, shape=(-1, -1)),
    "no shape": matrix(6, NUMBER, shape=()),
    "cells beyond the bytes": matrix(1, shape=(2**31 - 1, 2**20)),
    "structs beyond the bytes": matrix(2, element(5, struct.pack("<i", 8)), element(1, b"a" * 8), shape=(2**30, 9)),
    "names of no length": matrix(2, element(5, struct.pack("<i", 0)), element(1, b"a" * 8)),
    "characters beyond the bytes": matrix(4, element(16, b"abc"), shape=(1000, 1000)),
    "no class": matrix(0, NUMBER),
    "an element longer than its array": matrix(1, struct.pack("<II", 14, 10**6)),
    "a variable longer than the file": struct.pack("<II", 14, 10**9) + bytes(64),
    "packed bytes that are none": struct.pack("<II", 15, 16) + bytes(16),
    "a packed part cut off": struct.pack("<II", 15, 20) + zlib.compress(matrix(6, NUMBER))[:20],
    "a wrong check sum": packed(matrix(6, NUMBER))[:-1] + b"!",
}


@pytest.mark.parametrize("case", DAMAGED)
def test_sizes_and_indices_are_held_against_the_bytes(tmp_path: Path, case: str) -> None:
    (tmp_path / "x.mat").write_bytes(mat5(DAMAGED[case]))
    with pytest.raises(MatFileError, match=r"damaged or truncated MATLAB file \(.*\); copy it again") as error:
        load_mat(tmp_path / "x.mat")
    assert "\n" not in str(error.value)


def test_a_bomb_is_refused_before_it_unfolds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.matlab._stream.UNPACKED", 1_000_000)
    part = packed(matrix(6, element(9, bytes(800_000)), shape=(1000, 100)))
    (tmp_path / "x.mat").write_bytes(mat5(part, part))
    with pytest.raises(MatFileError, match="unpacks to more than a file of its size may hold"):
        load_mat(tmp_path / "x.mat")


def test_what_is_out_of_proportion_is_left_out_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.matlab._stream.VALUES", 1_000_000)
    large = matrix(6, element(9, bytes(8_000_000)), shape=(1000, 1000), name=b"large")
    (tmp_path / "x.mat").write_bytes(mat5(packed(large), packed(matrix(6, NUMBER))))
    loaded = load_mat(tmp_path / "x.mat")
    assert loaded["large"] == Opaque("a 1000 × 1000 array, beyond what a file of this size may hold,")
    assert loaded["x"].tolist() == [[7.0]]


def test_deep_nesting_ends_in_a_marker(tmp_path: Path) -> None:
    content = matrix(6, NUMBER, name=b"")
    for level in range(200):
        content = matrix(1, content, name=b"x" if level == 199 else b"")
    (tmp_path / "x.mat").write_bytes(mat5(content))
    value = load_mat(tmp_path / "x.mat")["x"]
    while isinstance(value, np.ndarray):
        value = value[0, 0]
    assert value == Opaque("nested too deeply to be read")


def mat4(code: int, rows: int, columns: int, data: bytes, name: bytes = b"x\0") -> bytes:
    return struct.pack("<5i", code, rows, columns, 0, len(name)) + name + data


def test_version_4_holds_text_and_sparse_matrices(tmp_path: Path) -> None:
    triples = np.array([[1.0, 2, 5.0], [2, 1, 6.0], [2, 3, 0.0]])
    letters = np.array([list(b"ab"), list(b"cd")], dtype=float)
    content = mat4(2, 3, 3, triples.tobytes("F")) + mat4(1, 2, 2, letters.tobytes("F"), b"t\0")
    (tmp_path / "x.mat").write_bytes(content)
    loaded = load_mat(tmp_path / "x.mat")
    assert loaded["x"].toarray().tolist() == [[0, 5, 0], [6, 0, 0]]
    assert loaded["t"].tolist() == ["ab", "cd"]


@pytest.mark.parametrize(
    "content",
    [
        mat4(0, 10**5, 10**5, bytes(8)),
        mat4(2, 2, 3, np.array([[1.0, 9, 5.0], [2, 3, 0.0]]).tobytes("F")),
        mat4(2, 1, 3, np.array([[2.0, 1e15, 0.0]]).tobytes("F")),
        mat4(2, 1, 3, np.array([[2.0, np.nan, 0.0]]).tobytes("F")),
        mat4(1, 1, 1, np.array([1e9]).tobytes()),
    ],
    ids=["size", "column", "columns", "NaN", "text"],
)
def test_version_4_is_held_against_its_bytes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mat").write_bytes(content)
    with pytest.raises(MatFileError, match="is not a MATLAB file"):
        load_mat(tmp_path / "x.mat")


def test_a_file_of_holes_takes_no_memory_of_its_length(tmp_path: Path) -> None:
    length = 1_500_000_000
    with (tmp_path / "x.mat").open("wb") as file:
        file.write(mat5(matrix(6, NUMBER), matrix(6, struct.pack("<II", 9, length), shape=(length // 8, 1), name=b"y")))
        start = file.tell() - 64  # the tag of the last variable says how long it is
        file.truncate(file.tell() + length)
        file.seek(start)
        file.write(struct.pack("<II", 14, 56 + length))
    loaded = load_mat(tmp_path / "x.mat")
    assert loaded["x"].tolist() == [[7.0]]
    assert loaded["y"] == Opaque(f"a {length // 8} × 1 array, beyond what a file of this size may hold,")


def test_a_large_v73_file_is_read_from_disk(save_v73: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.matlab._mat_file.IN_MEMORY", 1000)
    assert load_mat(save_v73(S={"x": 3.0}))["S"]["x"].tolist() == [[3.0]]


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.mat")
    with pytest.raises(MatFileError, match="is a device or a pipe"):
        load_mat(tmp_path / "x.mat")


def test_fields_of_a_v73_struct_are_in_matlabs_order(save_v73: Save) -> None:
    assert list(load_mat(save_v73(S={"T": 1.0, "A": {"z": 2.0, "b": 3.0}, "G": 4.0}))["S"]) == ["T", "A", "G"]


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


@pytest.mark.parametrize("seed", range(10))
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
    assert unwritable_places(content, "DCM") == ["DCM.f", "DCM.c{1}"]
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
    assert os.listdir(tmp_path) == ["result.mat"]  # noqa: PTH208 - names alone


def test_a_finished_write_replaces_the_file_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.mat"
    for text in ("one", "two"):
        with atomic_write(path) as aside:
            assert aside.parent == path.parent
            aside.write_text(text)
    assert path.read_text() == "two"
    assert [item.name for item in path.parent.iterdir()] == ["result.mat"]


def test_links_out_of_a_v73_file_are_refused_by_name(save_v73: Save, tmp_path: Path) -> None:
    secret = np.arange(6.0).reshape(2, 3)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["y"] = secret
    secret.tofile(tmp_path / "raw.bin")
    layout = h5py.VirtualLayout(shape=(2, 3), dtype=float)
    layout[...] = h5py.VirtualSource(str(tmp_path / "other.h5"), "y", shape=(2, 3))
    makers: dict[str, Callable[[h5py.Group], Any]] = {
        "an external link": lambda group: group.__setitem__("y", h5py.ExternalLink(str(tmp_path / "other.h5"), "y")),
        "a soft link": lambda group: group.__setitem__("y", h5py.SoftLink("/elsewhere")),
        "a virtual dataset": lambda group: group.create_virtual_dataset("y", layout),
        "in external storage": lambda group: group.create_dataset(
            "y", (2, 3), float, external=[(str(tmp_path / "raw.bin"), 0, 48)]
        ),
    }
    for says, make in makers.items():
        path = save_v73(S={"x": 1.0})
        with h5py.File(path, "r+") as file:
            make(file["S"])
        with pytest.raises(MatFileError, match=rf"has S\.y (as )?{says}.*; save it again in MATLAB"):
            load_mat(path)


def test_a_v73_array_out_of_proportion_is_left_out_at_once(save_v73: Save) -> None:
    path = save_v73(S={"x": 1.0})
    with h5py.File(path, "r+") as file:
        group = file["S"]
        group.create_dataset("numbers", (10**5, 10**5), float, chunks=(10, 10)).attrs["MATLAB_class"] = np.bytes_(
            "double"
        )
        cells = group.create_dataset("cells", (20_000, 25_000), h5py.ref_dtype, chunks=(100, 100))
        cells.attrs["MATLAB_class"] = np.bytes_("cell")
        chunk = group.create_dataset("chunk", (1, 1), float, chunks=(20_000, 20_000), maxshape=(None, None))
        chunk.attrs["MATLAB_class"] = np.bytes_("double")
        empty = group.create_dataset("empty", data=np.array([25_000, 20_000], dtype=np.uint64))
        empty.attrs["MATLAB_class"], empty.attrs["MATLAB_empty"] = np.bytes_("cell"), np.uint8(1)
    value = load_mat(path)["S"]
    assert value.pop("x").tolist() == [[1.0]]
    assert value["cells"].kind == "a 25000 × 20000 cell array, beyond what a file of this size may hold,"
    assert {name for name, item in value.items() if isinstance(item, Opaque)} == {"numbers", "cells", "chunk", "empty"}


def test_a_v73_cell_that_holds_itself_many_times_ends(save_v73: Save) -> None:
    path = save_v73(C=cell_row(["a"] * 30), x=1.0)
    with h5py.File(path, "r+") as file:
        file["C"][...] = np.full((30, 1), file["C"].ref, dtype=h5py.ref_dtype)
    assert load_mat(path)["x"].tolist() == [[1.0]]


@pytest.mark.parametrize("change", [("ir", 0, 9), ("jc", 1, 7), ("jc", 0, 1)], ids=["row", "column", "start"])
def test_indices_of_v73_sparse_matrices_are_held_against_the_shape(
    save_v73: Save, change: tuple[str, int, int]
) -> None:
    path = save_v73(Q=scipy.sparse.csc_array(np.eye(3)))
    part, place, value = change
    with h5py.File(path, "r+") as file:
        file[f"Q/{part}"][place] = value
    with pytest.raises(MatFileError, match=r"damaged or truncated MATLAB 7\.3 file \(.*sparse matrix"):
        load_mat(path)
