"""Estimated DCMs of any kind are read by their posterior: in SPM's order, with SPM's names and those of regions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from pipeline.matlab import FieldProblem, StructArray, load_mat
from pipeline.spm import PosteriorFile, PosteriorOnly, read_estimated
from pipeline.spm._parameter_tree import tree_parameters, tree_vector
from pipeline.spm._posterior_file import read_posterior_only

Struct = dict[str, Any]
Save = Callable[..., Path]


def cell_column(*items: Any) -> np.ndarray:
    cells = np.empty((len(items), 1), dtype=object)
    for place, item in enumerate(items):
        cells[place, 0] = item
    return cells


@pytest.fixture
def erp(cells: Callable[..., np.ndarray]) -> Struct:
    """A DCM of evoked responses of two sources: T, A forward and backward, B, C, S, and a number R that is fixed."""
    tree = {
        "T": np.array([[0.1], [0.2]]),
        "A": cells(np.array([[0.0, -1.0], [1.0, 0.0]]), scipy.sparse.csc_array(np.array([[0.0, 2.0], [0.0, 0.0]]))),
        "B": cells(np.array([[0.0, 0.3], [0.4, 0.0]])),
        "C": np.array([[0.5], [0.6]]),
        "S": np.array([[0.7, 0.8]]),
        "R": 0.9,
        "note": "not a number",
    }
    variances = {
        "T": np.full((2, 1), 1 / 16),
        "A": cells(np.array([[0.0, 1 / 8], [1 / 8, 0.0]]), np.array([[0.0, 1 / 8], [0.0, 0.0]])),
        "B": cells(np.array([[0.0, 1 / 4], [1 / 4, 0.0]])),
        "C": np.array([[1 / 32], [0.0]]),
        "S": np.full((1, 2), 1 / 64),
        "R": 0.0,
    }
    zeros = {
        "T": np.zeros((2, 1)),
        "A": cells(np.zeros((2, 2)), np.zeros((2, 2))),
        "B": cells(np.zeros((2, 2))),
        "C": np.zeros((2, 1)),
        "S": np.zeros((1, 2)),
        "R": 0.0,
    }
    spread = np.array([1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0]) / 100
    return {
        "Ep": tree,
        "Cp": np.diag(spread),
        "F": -321.5,
        "M": {"pE": zeros, "pC": variances},
        "Sname": cells("A1", "STG"),
        "options": {"analysis": "ERP", "model": "CMC"},
        "xY": {"name": cells("MEG1", "MEG2", "MEG3")},
    }


def read(struct: Struct, save: Save, tmp: str = "DCM_sub-01.mat") -> PosteriorOnly:
    files, errors = read_estimated([save(tmp, DCM=struct)])
    assert errors == []
    assert isinstance(files[0], PosteriorFile)
    return files[0].found


def test_cells_structs_and_arrays_are_taken_in_spms_order(cells: Callable[..., np.ndarray]) -> None:
    tree = {
        "A": cells(np.array([[1.0, 3.0], [2.0, 4.0]]), np.array([[5.0]])),
        "own": {"b": np.array([[6.0, 7.0]]), "text": "left out"},
        "list": StructArray([{"x": np.array([[8.0]])}, {"x": np.array([[9.0]])}], (1, 2), ("x",)),
        "cube": np.arange(10.0, 18.0).reshape((2, 2, 2), order="F"),
    }
    assert tree_vector(tree, "Ep").tolist() == list(range(1, 18))
    parameters = tree_parameters(tree, "Ep", [], [], "unknown")
    assert [parameter.spm_name for parameter in parameters] == [
        *("A{1}(1,1)", "A{1}(2,1)", "A{1}(1,2)", "A{1}(2,2)", "A{2}"),
        *("own.b(1)", "own.b(2)", "list(1).x", "list(2).x"),
        *(f"cube({i},{j},{k})" for k in (1, 2) for j in (1, 2) for i in (1, 2)),
    ]
    assert [parameter.field for parameter in parameters][-9:-7] == ["list", "cube"]


def test_a_dcm_of_evoked_responses_is_read_with_its_sources(erp: Struct, save_mat_file: Save) -> None:
    found = read(erp, save_mat_file)
    assert found.kind == "M/EEG DCM (ERP, CMC)"
    assert [parameter.name for parameter in found.parameters] == [
        *("T(1)", "T(2)", "A{1}[STG<-A1]", "A{1}[A1<-STG]", "A{2}[A1<-STG]"),
        *("B{1}[STG<-A1]", "B{1}[A1<-STG]", "C(1)", "S(1)", "S(2)"),
    ]
    assert [parameter.spm_name for parameter in found.parameters][2:7] == [
        *("A{1}(2,1)", "A{1}(1,2)", "A{2}(1,2)", "B{1}(2,1)", "B{1}(1,2)")
    ]
    assert found.posterior.mean.tolist() == [0.1, 0.2, 1.0, -1.0, 2.0, 0.4, 0.3, 0.5, 0.7, 0.8]
    assert np.diag(found.prior.covariance)[[0, 2, 5, 7, 9]].tolist() == [1 / 16, 1 / 8, 1 / 4, 1 / 32, 1 / 64]
    assert (found.free_energy, found.spec) == (-321.5, None)


@pytest.mark.parametrize(
    ("options", "kind", "name", "modelled"),
    [
        ({"induced": 1.0}, "spectral DCM", "A[vmPFC<-vmPFC]", True),
        ({"stochastic": 1.0}, "stochastic DCM", "A[vmPFC<-vmPFC]", True),
        ({"two_state": 1.0}, "two-state DCM", "log A[vmPFC<-vmPFC]", False),
    ],
)
def test_kinds_of_fmri_are_told_apart(
    estimated_struct: Struct, save_v7: Save, options: Struct, kind: str, name: str, modelled: bool
) -> None:
    estimated_struct["options"] |= options
    found = read(estimated_struct, save_v7)
    assert (found.kind, found.parameters[0].name, found.spec is not None) == (kind, name, modelled)
    assert found.parameters[4].spm_name == "B(1,1,2)"
    assert found.places[4] == 8  # of all parameters, as SPM's Pind less one


def test_a_posterior_without_data_is_enough(estimated_struct: Struct, save_v7: Save) -> None:
    kept = {key: estimated_struct[key] for key in ("Ep", "Cp", "F", "M")}
    found = read(kept, save_v7)
    assert found.parameters[0].name == "A(1,1)"  # nothing names the regions
    assert found.posterior.mean.size == 12


def test_the_first_level_of_a_hierarchical_model_has_the_prior(estimated_struct: Struct, save_v7: Save) -> None:
    levels = np.empty((2, 1), dtype=[("pE", object), ("pC", object)])
    levels[0, 0] = (estimated_struct["M"]["pE"], estimated_struct["M"]["pC"])
    levels[1, 0] = (np.zeros((0, 0)), np.zeros((0, 0)))
    estimated_struct["options"]["stochastic"] = 1.0
    found = read(estimated_struct | {"M": levels}, save_v7)
    assert (found.kind, len(found.parameters)) == ("stochastic DCM", 12)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"Cp": np.eye(3)}, "Cp is 3 × 3, but there are 19 parameters"),
        ({"F": "much"}, "F is text where numbers are expected"),
        ({"Cp": np.zeros((19, 19))}, "Cp fixes T(1), which M.pC lets vary"),
        ({"Cp": np.full((19, 19), np.nan)}, "Cp holds 361 NaN values"),
        ({"Cp": np.eye(19) * 1j}, "Cp holds complex numbers"),
        ({"Ep": {"T": np.ones((2, 1)), "A": np.ones((2, 2)) * 1j}}, "Ep.A holds complex numbers"),
        ({"Ep": {"T": np.ones((2, 1))}}, "Ep has 2 parameters and M.pE 19"),
        ({"M": {"pE": {"T": np.ones((2, 1))}, "pC": np.zeros((2, 2))}}, "Ep has 19 parameters and M.pE 2"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(erp: Struct, save_v7: Save, change: Struct, says: str) -> None:
    files, (error,) = read_estimated([save_v7(DCM=erp | change)])
    assert files == []
    assert str(error).startswith("DCM_sub-01.mat: ")
    assert says in str(error)


def test_models_of_a_gcm_keep_row_and_column(erp: Struct, save_v7: Save) -> None:
    gcm = np.empty((2, 2), dtype=object)
    gcm[:] = [[erp, erp], [erp, {key: erp[key] for key in ("Ep", "Cp")}]]
    files, errors = read_estimated([save_v7("GCM_erp.mat", GCM=gcm)])
    assert [file.name for file in files] == ["GCM_erp[1,1]", "GCM_erp[2,1]", "GCM_erp[1,2]"]
    assert [error.cell for error in errors] == ["2,2"]


def rdcm_export(estimates: np.ndarray) -> Struct:
    """What TAPAS exports for SPM: two regions, an input to the first; means of C ×16, all else not."""
    return {
        "a": np.array([[True, True], [False, True]]),
        "c": np.array([[True], [False]]),
        "Ep": {"A": np.array([[-0.4, 0.2], [0.0, -0.6]]), "C": np.array([[1.6], [0.0]])},
        "Cp": scipy.sparse.csc_array(estimates),
        "F": -10.0,
        "M": {
            "IS": "tapas_rdcm_ridge",
            "pE": {"A": -0.5 * np.eye(2), "C": np.zeros((2, 1))},
            "pC": np.diag([1 / 16, 4.0, 4.0, 1 / 16, 1.0, 1.0]),
        },
        "U": {"name": np.array([["task"]], dtype=object)},
        "Y": {"name": np.array([["V1", "V5"]], dtype=object), "yd_fft": np.ones((4, 2))},
        "options": {"two_state": 0.0},
    }


def test_regression_dcm_exported_for_spm_gets_the_units_of_its_means(save_v7: Save) -> None:
    own = np.zeros((6, 6))
    own[np.ix_([0, 2, 4], [0, 2, 4])] = [[0.01, 0.001, 0.002], [0.001, 0.02, 0.003], [0.002, 0.003, 0.04]]
    own[3, 3] = 0.05
    found = read(rdcm_export(own), save_v7)
    names = [parameter.name for parameter in found.parameters]
    assert (found.kind, names) == ("regression DCM", ["self[V1]", "A[V1<-V5]", "self[V5]", "C[V1<-task]"])
    assert found.posterior.mean.tolist() == [-0.4, 0.2, -0.6, 1.6]
    np.testing.assert_allclose(found.posterior.covariance[3], [0.032, 0.048, 0.0, 0.04 * 256])
    np.testing.assert_allclose(np.diag(found.prior.covariance), [1 / 16, 4, 1 / 16, 256])
    assert found.prior.mean.tolist() == [-0.5, 0.0, -0.5, 0.0]


def test_sparse_regression_dcm_is_refused(save_v7: Save) -> None:
    struct = rdcm_export(np.eye(6)) | {"a": np.array([[1.0, 0.3], [0.0, 1.0]])}
    _, (error,) = read_estimated([save_v7(DCM=struct)])
    assert "sparse regression DCM has no Gaussian posterior" in str(error)


def test_tapas_results_have_its_own_covariance(shared_data: Path) -> None:
    path = shared_data / "tapas_rdcm" / "visual_language_sub-33.mat"
    (file,), errors = read_estimated([path])
    assert errors == []
    assert isinstance(file, PosteriorFile)
    result = load_mat(path)["result"]
    unit = np.array([16.0 if parameter.field == "C" else 1.0 for parameter in file.found.parameters])
    theirs = result["Cp"][np.ix_(file.found.places, file.found.places)] * np.outer(unit, unit)
    np.testing.assert_allclose(file.found.posterior.covariance, theirs, rtol=1e-12)
    whole = np.concatenate([result["A"].ravel(order="F"), result["C"].ravel(order="F")])
    np.testing.assert_array_equal(file.found.posterior.mean, whole[file.found.places])
    assert file.found.free_energy == result["F"].item()


def test_what_is_no_tree_of_numbers_is_refused() -> None:
    deep: Struct = {"x": np.ones((1, 1))}
    for _ in range(20):
        deep = {"x": deep}
    with pytest.raises(FieldProblem, match="nested too deeply"):
        tree_vector(deep, "Ep")
    with pytest.raises(FieldProblem, match=r"M\.pC is all zero"):
        read_posterior_only(
            {"Ep": {"A": np.ones((1, 1))}, "Cp": np.ones((1, 1)), "F": np.ones((1, 1))}
            | {"M": {"pE": {"A": np.zeros((1, 1))}, "pC": np.zeros((1, 1))}}
        )
