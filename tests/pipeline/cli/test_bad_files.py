"""Bad input of every kind gives one line: the file, the field, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.sparse

from pipeline.spm import DcmFileError, read_models

Save = Callable[..., Path]
Struct = dict[str, Any]
REMOVE = object()


def the_error(path: Path, **options: Any) -> DcmFileError:
    (entry,) = read_models(path, **options)
    assert isinstance(entry, DcmFileError)
    message = str(entry)
    assert "\n" not in message
    assert message.startswith(path.name)
    assert ";" in message  # what to do comes after it
    assert entry.path == path
    return entry


def change(struct: Struct, place: str, value: Any) -> None:
    """Sets, changes (a function of the old value) or removes the field at a place such as ``Y.y``."""
    *outer, last = place.split(".")
    for key in outer:
        struct = struct.setdefault(key, {})
    if value is REMOVE:
        del struct[last]
    else:
        struct[last] = value(struct[last]) if callable(value) else value


def cell_row(*items: Any) -> np.ndarray:
    cells = np.empty((1, len(items)), dtype=object)
    cells[0, :] = items
    return cells


def with_value(value: Any, count: int = 1) -> Callable[[np.ndarray], np.ndarray]:
    """Puts `value` in the first `count` rows of the first column."""

    def put(array: np.ndarray) -> np.ndarray:
        array = array.astype(type(value)) if isinstance(value, complex) else array.copy()
        array[:count, 0] = value
        return array

    return put


# place, new value (or a function of the old), field named, what the message says
BAD_FIELDS: dict[str, tuple[str, Any, str, str]] = {
    "a missing": ("a", REMOVE, "a", "is missing"),
    "c missing": ("c", REMOVE, "c", "is missing"),
    "U missing": ("U", REMOVE, "U", "is missing"),
    "Y missing": ("Y", REMOVE, "Y", "is missing"),
    "a of wrong shape": ("a", np.ones((2, 3)), "a", "is 2 × 3, but the regions and inputs need 2 × 2"),
    "b of wrong shape": ("b", np.ones((2, 2, 5)), "b", "need 2 × 2 × 2"),
    "c of wrong shape": ("c", np.ones((2, 1)), "c", "need 2 × 2"),
    "c transposed": ("c", np.ones((3, 2)), "c", "need 2 × 2"),
    "d of wrong shape": ("d", np.ones((2, 2, 1)), "d", "need 2 × 2 × 2"),
    "a with other numbers": ("a", 2 * np.ones((2, 2)), "a", "holds 2 where only 0 and 1 are allowed"),
    "b with NaN": ("b", np.full((2, 2, 2), np.nan), "b", "8 NaN"),
    "c negative": ("c", -np.ones((2, 2)), "c", "holds -1"),
    "a as text": ("a", "full", "a", "is text where numbers are expected"),
    "a as cells": ("a", cell_row(1.0, 2.0), "a", "is a 1 × 2 cell array where numbers are expected"),
    "nothing driven": ("c", np.zeros((2, 2)), "c", "is all zero"),
    "driving input silent": ("U.u", lambda u: u * [0, 1], "U.u", "is zero for every input that drives"),
    "NaN in series": ("Y.y", with_value(np.nan, 3), "Y.y", "holds 3 NaN values; exclude or interpolate those scans"),
    "Inf in series": ("Y.y", with_value(np.inf), "Y.y", "holds 1 Inf value;"),
    "complex series": ("Y.y", with_value(1j), "Y.y", "holds complex numbers"),
    "series as text": ("Y.y", "data", "Y.y", "is text"),
    "series as struct": ("Y.y", {"data": 1.0}, "Y.y", "is a struct"),
    "series missing": ("Y.y", REMOVE, "Y.y", "is missing"),
    "series empty": ("Y.y", np.zeros((0, 0)), "Y.y", "is empty"),
    "series with three axes": ("Y.y", np.ones((4, 5, 6)), "Y.y", "has 3 axes"),
    "Y not a struct": ("Y", np.ones((40, 2)), "Y", "not a struct"),
    "region constant": ("Y.y", lambda y: y * [1, 0] + [0, 3], "Y.y", "'amygdala' is constant"),
    "region zero": ("Y.y", lambda y: y * [0, 1], "Y.y", "'vmPFC' is zero throughout"),
    "series transposed": ("Y.y", np.transpose, "Y.y", "transpose Y.y"),
    "v disagrees": ("v", 39.0, "Y.y", "v = 39"),
    "n disagrees": ("n", 3.0, "Y.y", "n = 3"),
    "too few scans": ("Y.X0", np.random.default_rng(0).normal(size=(40, 40)), "Y.X0", "40 confounds for 40 scans"),
    "confounds of other length": ("Y.X0", np.ones((39, 1)), "Y.X0", "39 rows for 40 scans"),
    "confounds with NaN": ("Y.X0", with_value(np.nan), "Y.X0", "1 NaN"),
    "confounds as text": ("Y.X0", "constant", "Y.X0", "is text"),
    "too few region names": ("Y.name", cell_row("vmPFC"), "Y.name", "holds 1 names for 2 regions"),
    "too many input names": ("U.name", cell_row("a", "b", "c"), "U.name", "holds 3 names for 2 inputs"),
    "region names repeated": ("Y.name", cell_row("a", "a"), "Y.name", "'a' twice"),
    "input names repeated": ("U.name", cell_row("x", "x "), "U.name", "'x' twice"),
    "empty name": ("Y.name", cell_row("a", ""), "Y.name", "empty name"),
    "names as numbers": ("Y.name", np.ones((1, 2)), "Y.name", "not text"),
    "names nested": ("Y.name", cell_row("a", cell_row("b")), "Y.name", "entry 2 is a 1 × 1 cell array"),
    "U.dt zero": ("U.dt", 0.0, "U.dt", "is 0 s; give the microtime bin in seconds"),
    "U.dt negative": ("U.dt", -0.1, "U.dt", "is -0.1"),
    "U.dt in milliseconds": ("U.dt", 125.0, "U.dt", "if these are milliseconds write 0.125"),
    "U.dt missing": ("U.dt", REMOVE, "U.dt", "is missing"),
    "Y.dt missing": ("Y.dt", REMOVE, "Y.dt", "is missing; set it to the repetition time in seconds"),
    "Y.dt in milliseconds": ("Y.dt", 2000.0, "Y.dt", "if these are milliseconds write 2"),
    "Y.dt two numbers": ("Y.dt", np.array([[1.0, 2.0]]), "Y.dt", "holds 2 numbers where one"),
    "inputs too short": ("U.u", lambda u: u[:-16], "U.u", "lasts 78 s (624 bins"),
    "inputs with Inf": ("U.u", with_value(np.inf), "U.u", "1 Inf value"),
    "inputs empty": ("U.u", np.zeros((0, 0)), "U.u", "models of rest without inputs"),
    "inputs missing": ("U.u", REMOVE, "U.u", "models of rest without inputs"),
    "inputs enormous": ("U.u", scipy.sparse.csc_array((10**5, 10**5)), "U.u", "too large"),
    "delays beyond TR": ("delays", np.array([[1.0, 2.5]]), "delays", "holds 2.5 s, beyond the repetition time"),
    "delays in milliseconds": ("delays", np.array([[500.0, 1000.0]]), "delays", "if these are milliseconds, 1)"),
    "delays negative": ("delays", np.array([[-1.0, 1.0]]), "delays", "holds -1 s"),
    "delays of wrong count": ("delays", np.ones((1, 3)), "delays", "holds 3 values for 2 regions"),
    "two-state": ("options.two_state", 1.0, "options.two_state", "two-state DCM"),
    "stochastic": ("options.stochastic", 1.0, "options.stochastic", "set options.stochastic = 0"),
    "spectral": ("options.induced", 1.0, "options.induced", "spectral DCM"),
    "cross-spectra": ("options.analysis", "CSD", "options.analysis", "'CSD'"),
    "averaged": ("averaged", 1.0, "averaged", "average of several models"),
    "option as text": ("options.centre", "yes", "options.centre", "is text"),
    "options not a struct": ("options", 1.0, "options", "not a struct"),
    "no iterations": ("options.maxit", -1.0, "options.maxit", "whole number"),
    "no noise variance": ("options.hC", 0.0, "options.hC", "positive prior variance"),
    "nonlinear without gates": ("options.nonlinear", 1.0, "d", "has no 1 although options.nonlinear"),
    "gates without nonlinear": ("d", np.ones((2, 2, 2)), "d", "options.nonlinear = 0 would ignore"),
    "switch of 2": ("options.nonlinear", 2.0, "options.nonlinear", "is 2, which is no switch; set it to 0 or 1"),
    "switch of a half": ("options.centre", 0.5, "options.centre", "is 0.5, which is no switch"),
    "switch of NaN": ("options.stochastic", np.nan, "options.stochastic", "is NaN, which is no switch"),
    "switch of minus 1": ("options.two_state", -1.0, "options.two_state", "is -1, which is no switch"),
    "switch of Inf": ("averaged", np.inf, "averaged", "is inf, which is no switch"),
    "two switches": ("options.centre", np.ones((1, 2)), "options.centre", "holds 2 numbers where one is expected"),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_a_bad_field_is_named_with_its_remedy(save_mat_file: Save, dcm_struct: Struct, case: str) -> None:
    place, value, field, says = BAD_FIELDS[case]
    change(dcm_struct, place, value)
    error = the_error(save_mat_file("DCM_bad.mat", DCM=dcm_struct))
    assert error.field == field
    assert says in str(error)
    assert str(error).startswith(f"DCM_bad.mat: {field} ")


# place, new value, what the remark says
UNUSED: dict[str, tuple[str, Any, str]] = {
    "v as text": ("v", "forty", "v is text where numbers are expected; it is not used"),
    "n is NaN": ("n", np.nan, "n holds 1 NaN value; it is not used"),
    "v of several numbers": ("v", np.ones((1, 3)), "v holds 3 numbers where one is expected; it is not used"),
    "TE as text": (
        "TE",
        "30 ms",
        "TE is text where numbers are expected; it is not used, as SPM12 always takes 0.04 s",
    ),
    "TE is NaN": ("TE", np.nan, "TE holds 1 NaN value; it is not used"),
    "M as text": ("M", "model", ""),
    "limit as text": ("M.Nmax", "many", "M.Nmax is text where numbers are expected; 128 iterations are taken"),
    "limit beyond": ("M.Nmax", 1e9, "M.Nmax is 1e+09, which is no limit of iterations; 128 are taken"),
    "b missing": ("b", REMOVE, "b is missing; it is taken as zeros, so no input modulates a connection"),
    "b empty": ("b", np.zeros((0, 0)), "b is empty; it is taken as zeros"),
    "options missing": ("options", REMOVE, "options are missing; SPM12's defaults are taken"),
    "VOIs as text": ("xY", "regions", ""),
    "VOIs without numbers": (
        "xY",
        np.array([[("l", "x"), ("r", np.nan)]], dtype=[("name", object), ("xyz", object)]),
        "xY(1).xyz is text where numbers are expected; regions have no coordinates",
    ),
    "components as text": ("Y.Q", "noise", ""),
    "scale as text": ("Y.scale", "one", ""),
    "unknown": ("mine", {"x": np.full((2, 2), np.nan), "y": cell_row(1.0, "a")}, ""),
}


@pytest.mark.parametrize("case", UNUSED)
def test_what_no_answer_depends_on_stops_no_file(save_v7: Save, dcm_struct: Struct, case: str) -> None:
    place, value, says = UNUSED[case]
    change(dcm_struct, place, value)
    (entry,) = read_models(save_v7(DCM=dcm_struct))
    assert not isinstance(entry, DcmFileError)
    if says:
        (remark,) = entry.remarks
        assert remark.startswith(says)
    else:
        assert entry.remarks == ()


def test_objects_and_functions_are_remarked_on_and_left_out(save_v73: Save, dcm_struct: Struct) -> None:
    path = save_v73(DCM=dcm_struct | {"f": 1.0, "g": 1.0})
    with h5py.File(path, "r+") as file:
        for name, kind in (("f", "function_handle"), ("g", "meeg")):
            file[f"DCM/{name}"].attrs["MATLAB_class"] = np.bytes_(kind)
        file["DCM/g"].attrs["MATLAB_object_decode"] = np.int32(1)
    (entry,) = read_models(path)
    assert not isinstance(entry, DcmFileError)
    assert entry.remarks == ("DCM.f (a function handle) and 1 more cannot be read; left out of what is written",)


def test_a_damaged_estimate_is_in_nobodys_way_where_none_is_taken(save_v7: Save, estimated_struct: Struct) -> None:
    estimated_struct["Ep"]["A"] = np.full((2, 2), np.nan)
    path = save_v7(DCM=estimated_struct)
    assert the_error(path).field == "Ep.A"
    (entry,) = read_models(path, estimates=False)
    assert not isinstance(entry, DcmFileError)
    assert entry.estimate is None


BAD_RESULTS: dict[str, tuple[str, Any, str, str]] = {
    "Ep of wrong shape": ("Ep.A", np.ones((3, 3)), "Ep.A", "is 3 × 3, not 2 × 2"),
    "Ep misses a field": ("Ep.decay", REMOVE, "Ep.decay", "is missing"),
    "Ep with NaN": ("Ep.C", np.full((2, 2), np.nan), "Ep.C", "4 NaN"),
    "Ep not a struct": ("Ep", np.ones((3, 1)), "Ep", "not a struct"),
    "Cp of wrong size": ("Cp", np.eye(19), "Cp", "is 19 × 19, but there are 20 parameters"),
    "Cp missing": ("Cp", REMOVE, "Cp", "is missing"),
    "Cp with NaN": ("Cp", np.full((20, 20), np.nan), "Cp", "400 NaN"),
    "F is NaN": ("F", np.nan, "F", "1 NaN"),
    "F missing": ("F", REMOVE, "F", "is missing"),
    "prediction of wrong size": ("y", np.ones((39, 2)), "y", "is 39 × 2, but Y.y is 40 × 2"),
    "residual of wrong size": ("R", np.ones((40, 3)), "R", "is 40 × 3"),
    "error variance zero": ("Ce", np.array([[0.0], [1.0]]), "Ce", "positive error variances"),
    "prior of wrong size": ("M.pC", np.eye(3), "M.pC", "is 3 × 3"),
    "prior mean of wrong shape": ("M.pE.A", np.eye(3), "M.pE.A", "is 3 × 3"),
}


@pytest.mark.parametrize("case", BAD_RESULTS)
def test_a_bad_result_is_named_with_its_remedy(save_mat_file: Save, estimated_struct: Struct, case: str) -> None:
    place, value, field, says = BAD_RESULTS[case]
    change(estimated_struct, place, value)
    error = the_error(save_mat_file("DCM_bad.mat", DCM=estimated_struct))
    assert error.field == field
    assert says in str(error)


def test_a_missing_path(tmp_path: Path) -> None:
    assert "does not exist" in str(the_error(tmp_path / "DCM_x.mat"))


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in str(the_error(tmp_path))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty (0 bytes)"),
        (b"subject,age\n01,34\n", "is a text file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(200), "is not a MATLAB file"),
        (bytes(range(256)) * 4, "is not a MATLAB file"),
        (b"\x1f\x8b\x08\x00" + bytes(100), "is not a MATLAB file"),
        (b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"\x0f\x00\x00\x00\xff\xff\x00\x00abc", "damaged"),
    ],
    ids=["empty", "text", "picture", "bytes", "gzip", "nonsense after the header"],
)
def test_what_is_no_matlab_file_is_called_so(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "DCM_x.mat"
    path.write_bytes(content)
    assert says in str(the_error(path))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_file(save_mat_file: Save, dcm_struct: Struct, share: float) -> None:
    path = save_mat_file(DCM=dcm_struct)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "damaged or truncated" in str(the_error(path))


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"x": 1.0}, "holds no DCM or GCM (it holds x); save the struct as DCM"),
        ({"SPM": {"xY": 1.0}}, "is an SPM.mat"),
        ({"xY": {"u": 1.0}, "Y": 1.0}, "is a VOI file"),
        ({"PEB": {"Ep": 1.0}}, "holds a group result"),
        ({"BMA": {"Ep": 1.0}}, "holds a model average"),
        ({"matlabbatch": 1.0}, "is an SPM batch"),
        ({"DCM": "DCM_other.mat"}, "holds the file name 'DCM_other.mat'"),
        ({"DCM": 1.0}, "not a DCM struct"),
        ({"GCM": np.empty((0, 0), dtype=object)}, "GCM is empty"),
    ],
    ids=["other", "SPM", "VOI", "PEB", "BMA", "batch", "file name", "number", "empty GCM"],
)
def test_other_files_are_called_what_they_are(save_mat_file: Save, variables: Struct, says: str) -> None:
    assert says in str(the_error(save_mat_file(**variables)))


def test_two_structs_that_could_be_the_model(save_mat_file: Save, dcm_struct: Struct) -> None:
    assert "could each be the DCM" in str(the_error(save_mat_file(one=dcm_struct, two=dcm_struct)))


def test_a_dcm_beside_a_gcm(save_v7: Save, dcm_struct: Struct, cells: Any) -> None:
    assert "are both there" in str(the_error(save_v7(DCM=dcm_struct, GCM=cells(dcm_struct))))


def test_several_missing_parts_come_in_one_message(save_v7: Save, dcm_struct: Struct) -> None:
    del dcm_struct["a"], dcm_struct["U"]
    error = the_error(save_v7(DCM=dcm_struct))
    assert "a, U are missing" in str(error)


def test_a_broken_reference_is_named(save_v73: Save, dcm_struct: Struct) -> None:
    path = save_v73(DCM=dcm_struct)
    with h5py.File(path, "r+") as file:
        names = file["DCM/Y/name"][()]
        names[0, 0] = h5py.Reference()
        file["DCM/Y/name"][...] = names
    error = the_error(path)
    assert error.field == "Y.name"
    assert "entry 1 is a broken reference (the file is damaged)" in str(error)


@pytest.mark.parametrize(
    ("stated", "says"), [(30.0, "is 30"), (-0.03, "is -0.03"), (REMOVE, "is missing"), ("30 ms", "is text")]
)
def test_the_scanners_echo_time_must_be_there_in_seconds(
    save_v7: Save, dcm_struct: Struct, stated: Any, says: str
) -> None:
    change(dcm_struct, "TE", stated)
    error = the_error(save_v7(DCM=dcm_struct), echo_time="scanner")
    assert error.field == "TE"
    assert says in str(error)


JUNK: dict[str, Any] = {
    "text": "rubbish",
    "empty text": "",
    "NaN": np.nan,
    "minus infinity": -np.inf,
    "complex": 1 + 2j,
    "empty": np.zeros((0, 0)),
    "no columns": np.zeros((40, 0)),
    "vector": np.arange(7.0),
    "cube": np.ones((3, 3, 3)),
    "huge": np.full((2, 2), 1e308),
    "integer": np.int8(-3),
    "cells": cell_row("a", 1.0),
    "no cells": np.empty((0, 0), dtype=object),
    "struct": {"inner": 1.0},
    "structs": np.array([[(1.0, "x"), (2.0, "y")]], dtype=[("p", object), ("q", object)]),
    "sparse": scipy.sparse.csc_array((3, 2)),
    "absent": REMOVE,
}


def places(struct: Struct, prefix: str = "") -> list[str]:
    nested = [
        place for key, item in struct.items() if isinstance(item, dict) for place in places(item, f"{prefix}{key}.")
    ]
    return [f"{prefix}{key}" for key in struct] + nested


@pytest.mark.parametrize("junk", JUNK)
def test_no_junk_anywhere_gets_past_as_another_exception(save_v7: Save, estimated_struct: Struct, junk: str) -> None:
    for place in places(estimated_struct):
        struct = {key: dict(item) if isinstance(item, dict) else item for key, item in estimated_struct.items()}
        struct["M"]["pE"] = dict(struct["M"]["pE"])
        change(struct, place, JUNK[junk])
        for entry in read_models(save_v7(DCM=struct)):
            assert "\n" not in str(entry) or not isinstance(entry, DcmFileError)
