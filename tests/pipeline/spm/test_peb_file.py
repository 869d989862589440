"""SPM's group results are read as they stand, and what is wrong with one is said in a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from dcm import Spec
from pipeline.spm import DcmFile, PebFileError, SpmAverage, SpmFileError, read_models
from pipeline.spm._peb_group import to_group
from pipeline.spm._peb_read import SpmGroup, read_group_results

Save = Callable[..., Path]
Struct = dict[str, Any]
Cells = Callable[..., np.ndarray]
SPEC = Spec(("vmPFC", "amygdala"), ("task", "faces"), np.ones((2, 2)), np.ones((2, 2, 2)), np.eye(2))


def covariance(size: int, seed: int) -> np.ndarray:
    half = np.random.default_rng(seed).normal(size=(size, size + 3))
    return half @ half.T


@pytest.fixture
def peb(cells: Cells) -> Struct:
    """Three participants, the mean and age, three parameters, a component for A and one for B."""
    over = [np.diag([64.0, 0, 0]), np.diag([0, 16.0, 16.0])]
    return {
        "Snames": cells("Subject 1", "Subject 2", "Subject 3").T,
        "Pnames": cells("A(2,1)", "B(1,2,2)", "B(2,1,2)").T,
        "Pind": np.array([[2.0], [11.0], [10.0]]),
        "Xnames": cells("Mean", "Age"),
        "M": {
            "X": np.array([[1, -1.0], [1, 0.25], [1, 0.75]]),
            "W": np.eye(3),
            "U": np.eye(3),
            "pE": np.arange(6.0)[:, None] / 64,
            "pC": np.diag(np.arange(1.0, 7)),
            "hE": np.zeros((2, 1)),
            "hC": np.eye(2) / 16,
            "Q": cells(*over),
        },
        "Ep": np.arange(6.0).reshape(3, 2),
        "Eh": np.array([[-0.5], [0.25]]),
        "Ch": covariance(2, 1),
        "Cp": covariance(6, 2),
        "Ce": covariance(3, 3),
        "F": -1234.5,
    }


def one(path: Path) -> SpmGroup:
    (result,) = read_group_results(path)
    assert isinstance(result, SpmGroup)
    return result


def test_a_peb_becomes_names_design_prior_and_posterior(save_mat_file: Save, peb: Struct) -> None:
    result = one(save_mat_file("PEB_x.mat", PEB=peb))
    assert result.variable == "PEB"
    assert result.parameters == ("A(2,1)", "B(1,2,2)", "B(2,1,2)")
    assert result.indices is not None
    assert result.indices.tolist() == [1, 10, 9]
    assert result.covariates == ("Mean", "Age")
    np.testing.assert_array_equal(result.matrix, peb["M"]["X"])
    np.testing.assert_array_equal(result.posterior.mean, [0, 2, 4, 1, 3, 5])  # covariate by covariate
    np.testing.assert_array_equal(result.posterior.covariance, peb["Cp"])
    np.testing.assert_array_equal(result.prior.mean, np.arange(6) / 64)
    np.testing.assert_array_equal(result.components, list(peb["M"]["Q"].ravel()))
    np.testing.assert_array_equal(result.between, peb["Ce"])
    assert (result.noise.mean.tolist(), result.free_energy) == ([-0.5, 0.25], -1234.5)


def test_a_group_goes_on_under_the_names_of_the_dcm(save_v7: Save, peb: Struct) -> None:
    group = to_group(one(save_v7("PEB_x.mat", PEB=peb)), SPEC)
    assert group.parameters == ("A[amygdala<-vmPFC]", "B[vmPFC<-amygdala, faces]", "B[amygdala<-vmPFC, faces]")
    assert group.fields == ("A", "B", "B")
    assert group.component_names == ("A", "B")
    assert group.design.covariates == ("mean", "Age")
    np.testing.assert_array_equal(group.mean, peb["Ep"])
    assert group.as_estimate("arm").parameters[3] == "Age: A[amygdala<-vmPFC]"


def test_without_a_dcm_names_stay(save_v7: Save, peb: Struct) -> None:
    group = to_group(one(save_v7("PEB_x.mat", PEB=peb)))
    assert group.parameters == ("A(2,1)", "B(1,2,2)", "B(2,1,2)")
    assert group.fields == ("A", "B", "B")


def test_participants_named_alike_are_told_apart(save_v7: Save, peb: Struct, cells: Cells) -> None:
    peb["Snames"] = cells("full model", "full model", "other").T
    group = to_group(one(save_v7("PEB_x.mat", PEB=peb)))
    assert group.design.participants == ("full model~1", "full model~2", "other")


def test_a_within_design_mixes_parameters(save_v7: Save, peb: Struct) -> None:
    peb["M"] |= {"W": np.array([[1.0], [1.0], [0.0]]), "pE": np.zeros((2, 1)), "pC": np.eye(2)}
    group = to_group(one(save_v7("PEB_x.mat", PEB=peb | {"Ep": np.ones((1, 2)), "Cp": np.eye(2)})))
    assert group.parameters == ("within 1",)
    assert group.first_level == ("A(2,1)", "B(1,2,2)", "B(2,1,2)")


def test_a_peb_without_components_is_read(save_v7: Save, peb: Struct) -> None:
    peb["M"] |= {"Q": np.zeros((0, 0)), "hE": np.zeros((0, 0)), "hC": np.zeros((0, 0))}
    group = to_group(one(save_v7("PEB_x.mat", PEB=peb | {"Eh": np.zeros((0, 0)), "Ch": np.zeros((0, 0))})))
    assert group.component_names == ()
    assert group.components.shape == (0, 3, 3)


def test_cell_and_struct_arrays_give_one_result_each(save_v7: Save, peb: Struct, cells: Cells) -> None:
    results = read_group_results(save_v7("PEB_x.mat", PEB=cells(peb, peb | {"F": -1.0})))
    assert [result.variable for result in results] == ["PEB(1)", "PEB(2)"]


def test_a_sparse_and_rounded_covariance_is_used(save_mat_file: Save, peb: Struct) -> None:
    direction = np.array([1.0, 1, 0, 0, 0, 0])
    peb["Cp"] = scipy.sparse.csc_array(np.outer(direction, direction) + np.diag([0, 0, 1.0, 1, 1, 1]))
    result = one(save_mat_file("PEB_x.mat", PEB=peb))
    np.testing.assert_allclose(result.posterior.covariance, peb["Cp"].toarray(), atol=1e-9)
    np.linalg.cholesky(result.posterior.covariance)


def test_an_average_is_read(save_v7: Save, peb: Struct) -> None:
    keys = ("Snames", "Pnames", "Pind", "Xnames")
    found = {key: peb[key] for key in keys} | {
        "Ep": np.arange(6.0)[:, None],
        "Cp": np.array([0, 1.0, 2, 3, 4, 5])[:, None],
        "Pp": np.array([0, 1.0, 1, 0.5, 0.25, 1])[:, None],
        "K": np.eye(2, 3),
        "F": np.array([[0.0, -2.0]]),
        "P": np.array([[0.75], [0.25]]),
    }
    (average,) = read_group_results(save_v7("BMA_x.mat", BMA=found))
    assert isinstance(average, SpmAverage)
    assert average.posterior.free.tolist() == [1, 2, 3, 4, 5]
    assert average.probability is not None
    assert average.probability.tolist() == [0, 1, 1, 0.5, 0.25, 1]
    assert average.models is not None
    assert average.models.tolist() == np.eye(2, 3).tolist()
    assert (average.covariates, average.parameters) == (("Mean", "Age"), ("A(2,1)", "B(1,2,2)", "B(2,1,2)"))


def change(**fields: Any) -> Callable[[Struct], Struct]:
    return lambda peb: peb | fields


def model(**fields: Any) -> Callable[[Struct], Struct]:
    return lambda peb: peb | {"M": peb["M"] | fields}


def without(key: str) -> Callable[[Struct], Struct]:
    return lambda peb: {name: value for name, value in peb.items() if name != key}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without("Ep"), r"PEB\.Ep is missing"),
        (without("Ce"), r"PEB\.Ce is missing"),
        (without("M"), r"PEB\.M is missing"),
        (without("Pnames"), r"PEB\.Pnames is missing or empty"),
        (without("F"), r"PEB\.F is missing"),
        (model(X=np.zeros((0, 0))), r"PEB\.M\.X is empty"),
        (change(Ep=np.ones((3, 3))), r"PEB\.Ep holds 9 numbers, but 6 are needed"),
        (change(Cp=np.eye(5)), r"PEB\.Cp is 5 × 5, but 6 × 6 is needed"),
        (change(Cp=np.diag([1, 1, 1, 1, 1, -1.0])), r"PEB\.Cp has a negative variance at entry 6"),
        (change(Cp=np.eye(6) * 1e308), r"PEB\.Cp holds 1e\+308, which is no variance"),
        (change(Cp=np.eye(6) + np.eye(6, k=1)), r"PEB\.Cp is not symmetric"),
        (change(Cp=np.ones((6, 6)) * 2 - np.eye(6)), r"PEB\.Cp is no covariance: an eigenvalue .* is -1"),
        (change(Cp=np.diag([1, 1, 1, 1, 1, np.nan])), r"PEB\.Cp holds 1 NaN value"),
        (model(X=np.ones((3, 2, 2))), r"PEB\.M\.X has 3 axes, but 2 are needed"),
        (model(pE=np.full((6, 1), np.inf)), r"PEB\.M\.pE holds 6 Inf values"),
        (model(Q=np.eye(2)), r"PEB\.M\.Q\{1\} must be 3 × 3"),
        (model(W=np.ones((3, 2))), r"PEB\.M\.W must have 3 rows, one per parameter, and independent columns"),
        (change(Pind=np.array([1.0, 2])), r"PEB\.Pind holds 2 indices for 3 parameters"),
        (change(Pind=np.array([0, 1.0, 2])), r"PEB\.Pind must hold whole numbers from 1"),
        (change(Xnames="Mean"), r"PEB\.Xnames holds 1 names, but 2 are needed"),
        (change(Pnames=np.array(["A(1,1)", "A(2,2)", "A(1,1)"])), r"PEB\.Pnames names A\(1,1\) twice"),
        (change(F="none"), r"PEB\.F is text where numbers are expected"),
        (change(F=1j), r"PEB\.F holds complex numbers"),
        (change(Ep={"A": np.eye(2)}), r"PEB\.Ep is a struct where numbers are expected"),
        (lambda peb: "PEB_all.mat", "PEB is text, not a struct of results"),
        (lambda peb: {"a": np.eye(2), "c": np.eye(2), "Ep": {}}, "PEB is a DCM, not a group result"),
    ],
)
def test_what_is_wrong_with_a_peb_is_one_line(save_v7: Save, peb: Struct, spoil: Any, says: str) -> None:
    path = save_v7("PEB_x.mat", PEB=spoil(peb))
    with pytest.raises(PebFileError, match=rf"^PEB_x\.mat: {says}.*; ") as caught:
        read_group_results(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"Cp": np.eye(3)}, r"BMA\.Cp is 3 × 3, but Ep holds 6 numbers"),
        ({"Pp": np.full((6, 1), 1.5)}, r"BMA\.Pp holds 1\.5, which is no probability"),
        ({"Pp": np.full((5, 1), 0.5)}, r"BMA\.Pp holds 5 probabilities for 6 effects"),
        ({"P": np.full((3, 1), 1 / 3)}, r"BMA\.P holds 3 probabilities for 2 models"),
        ({"Xnames": "Mean"}, r"BMA\.Ep holds 6 numbers, but there are 3 parameters × 1 covariates"),
        ({"Pp": np.full((6, 1), np.nan)}, r"BMA\.Pp holds 6 NaN values"),
    ],
)
def test_what_is_wrong_with_an_average_is_one_line(save_v7: Save, peb: Struct, fields: Struct, says: str) -> None:
    bma = {"Pnames": peb["Pnames"], "Ep": np.ones((6, 1)), "Cp": np.eye(6), "K": np.eye(2, 3)} | fields
    with pytest.raises(PebFileError, match=says):
        read_group_results(save_v7("BMA_x.mat", BMA=bma))


def test_a_dcm_file_is_told_from_a_group(save_v7: Save, estimated_struct: Struct, cells: Cells) -> None:
    for variables in ({"DCM": estimated_struct}, {"GCM": cells(estimated_struct, estimated_struct)}):
        with pytest.raises(SpmFileError, match="holds a DCM, not a group result"):
            read_group_results(save_v7("x.mat", **variables))


@pytest.mark.parametrize(
    ("variables", "says"),
    [({"x": np.eye(2)}, "holds no PEB or BMA"), ({"PEB": np.empty((0, 0), dtype=object)}, "PEB is empty")],
)
def test_a_file_of_something_else_is_refused(save_v7: Save, variables: Struct, says: str) -> None:
    with pytest.raises(PebFileError, match=says):
        read_group_results(save_v7("x.mat", **variables))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no MATLAB \0", b"MATLAB 5.0 MAT-file" + b"\0" * 90])
def test_a_damaged_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mat").write_bytes(content)
    with pytest.raises(PebFileError, match=r"^x\.mat: ") as caught:
        read_group_results(tmp_path / "x.mat")
    assert "\n" not in str(caught.value)


def test_another_dcm_is_found_out(save_v7: Save, peb: Struct) -> None:
    result = one(save_v7("PEB_x.mat", PEB=peb))
    with pytest.raises(PebFileError, match=r"Pind says 11 for B\(1,2,2\), where the DCM has B\(2,1,1\)"):
        to_group(result, Spec(("x", "y", "z"), ("task", "faces"), np.ones((3, 3)), c=np.ones((3, 2))))
    del peb["Pind"]
    with pytest.raises(PebFileError, match="Pind is missing"):
        to_group(one(save_v7("PEB_y.mat", PEB=peb)), SPEC)


def test_a_design_that_cannot_be_used_is_said(save_v7: Save, peb: Struct) -> None:
    peb["M"]["X"] = np.ones((3, 2))
    with pytest.raises(PebFileError, match=r"PEB\.M\.X cannot be used: Age is constant"):
        to_group(one(save_v7("PEB_x.mat", PEB=peb)))


def test_spms_own_results_are_read(spm_data: Path) -> None:
    results = {result.variable: result for result in read_group_results(spm_data / "peb30.mat")}
    assert list(results) == ["PEB_A", "PEB_AB_fields", "PEB_AB_single", "PEB_B", "bmc", "search_B"]
    (dcm,) = read_models(spm_data / "estimated" / "DCM_sub-01.mat")
    assert isinstance(dcm, DcmFile)
    fields = results["PEB_AB_fields"]
    assert isinstance(fields, SpmGroup)
    group = to_group(fields, dcm.spec)
    assert group.component_names == ("A", "B")
    assert group.parameters[-1] == "B[rdF<-rdF, Words]"
    assert fields.indices is not None
    assert group.parameters == tuple(dcm.spec.parameter_names[i] for i in fields.indices)
    # Ce belongs to the point evaluated before the last step to γ, which is therefore near and not the same.
    precision = np.exp(-8) * fields.components.sum(axis=0) + np.tensordot(
        np.exp(fields.noise.mean), fields.components, 1
    )
    np.testing.assert_allclose(np.linalg.inv(precision), fields.between, rtol=0.02)
    search, bmc = results["search_B"], results["bmc"]
    assert isinstance(search, SpmAverage)
    assert isinstance(bmc, SpmAverage)
    assert search.models is not None
    assert search.models.shape == (256, 8)
    assert bmc.model_probability is not None
    assert bmc.model_probability.shape == (28, 28)
    assert bmc.parameters == fields.parameters[12:]
