"""SPM's DCM files become participants, whatever container and whichever optional fields they have."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from dcm import Compat, Data, Subject, invert, prior
from pipeline.inversion import InversionPlan, remark_lines
from pipeline.spm import DcmFile, DcmFileError, RunData, model_name, read_dcm, read_dcms, read_models

Save = Callable[..., Path]
Struct = dict[str, Any]


def test_a_file_becomes_names_series_inputs_and_masks(save_mat_file: Save, dcm_struct: Struct) -> None:
    file = read_dcm(save_mat_file(DCM=dcm_struct))
    assert file.name == "sub-01"
    assert file.spec.regions == file.spec.regions == ("vmPFC", "amygdala")
    assert file.spec.inputs == file.spec.inputs == ("task", "faces")
    np.testing.assert_array_equal(file.data.bold, dcm_struct["Y"]["y"])
    np.testing.assert_array_equal(file.data.inputs, dcm_struct["U"]["u"])
    np.testing.assert_array_equal(file.data.confounds, dcm_struct["Y"]["X0"])
    assert (file.data.bin_width, file.data.repetition_time) == (0.125, 2.0)
    assert file.data.delays.tolist() == [1.0, 1.0]
    for mask in "abc":
        np.testing.assert_array_equal(getattr(file.spec, mask), dcm_struct[mask])
    assert not file.spec.d.any()
    assert file.estimate is None


def test_settings_come_from_the_file(save_v7: Save, dcm_struct: Struct) -> None:
    dcm_struct["options"] |= {"maxit": 64.0, "hE": 8.0, "hC": 0.5}
    file = read_dcm(save_v7(DCM=dcm_struct))
    assert (file.centre_inputs, file.nonlinear, file.max_iterations) == (True, False, 64)
    assert (file.noise_mean, file.noise_variance) == (8.0, 0.5)


def test_absent_fields_get_spm12_defaults(save_mat_file: Save, dcm_struct: Struct) -> None:
    for key in ("b", "d", "v", "n", "TE", "delays", "options"):
        del dcm_struct[key]
    del dcm_struct["Y"]["X0"], dcm_struct["Y"]["name"], dcm_struct["U"]["name"]
    file = read_dcm(save_mat_file(DCM=dcm_struct))
    assert file.spec.regions == ("region 1", "region 2")
    assert file.spec.inputs == ("input 1", "input 2")
    assert file.data.delays.tolist() == [1.0, 1.0]
    assert file.data.confounds.tolist() == [[1.0]] * 40
    assert (file.centre_inputs, file.nonlinear, file.max_iterations) == (False, False, 128)
    assert (file.noise_mean, file.noise_variance, file.stated_echo_time) == (6.0, 1 / 128, None)
    assert not file.spec.b.any()


def test_the_iteration_limit_falls_back_on_the_model(save_v7: Save, dcm_struct: Struct) -> None:
    assert read_dcm(save_v7(DCM=dcm_struct | {"M": {"Nmax": 32.0}})).max_iterations == 32


@pytest.mark.parametrize("kind", [np.uint8, bool, np.int16, np.float32])
def test_masks_of_any_class_are_read(save_mat_file: Save, dcm_struct: Struct, kind: type) -> None:
    for key in "abcd":
        dcm_struct[key] = dcm_struct[key].astype(kind)
    assert read_dcm(save_mat_file(DCM=dcm_struct)).spec.b[1, 1, 1]


def test_one_input_and_one_delay_may_lack_trailing_axes(save_mat_file: Save, dcm_struct: Struct) -> None:
    dcm_struct["U"] |= {"u": scipy.sparse.csc_array(dcm_struct["U"]["u"][:, :1]), "name": "task"}
    dcm_struct |= {"b": np.eye(2), "c": np.ones((2, 1)), "d": np.zeros((0, 0)), "delays": 0.5}
    file = read_dcm(save_mat_file(DCM=dcm_struct))
    assert (file.spec.b.shape, file.spec.inputs) == ((2, 2, 1), ("task",))
    assert file.data.delays.tolist() == [0.5, 0.5]


def test_one_region_is_a_model(save_v7: Save, dcm_struct: Struct) -> None:
    dcm_struct["Y"] |= {"y": dcm_struct["Y"]["y"][:, :1], "name": "vmPFC"}
    dcm_struct |= {"a": 1.0, "b": np.zeros((1, 1, 2)), "c": np.ones((1, 2)), "d": np.zeros((1, 1, 0)), "n": 1.0}
    dcm_struct["delays"] = 1.0
    assert read_dcm(save_v7(DCM=dcm_struct)).spec.n == 1


def test_names_may_be_rows_of_characters(save_mat_file: Save, dcm_struct: Struct) -> None:
    dcm_struct["Y"]["name"] = np.array(["vmPFC   ", "amygdala"])
    assert read_dcm(save_mat_file(DCM=dcm_struct)).spec.regions == ("vmPFC", "amygdala")


def test_voi_structs_lend_names_and_coordinates(save_mat_file: Save, dcm_struct: Struct) -> None:
    vois = np.empty((1, 2), dtype=[("name", object), ("xyz", object)])
    vois[0, 0] = ("left", np.array([[-4.0], [5.0], [6.0]]))
    vois[0, 1] = ("right", np.array([[4.0], [5.0], [6.0]]))
    del dcm_struct["Y"]["name"]
    file = read_dcm(save_mat_file(DCM=dcm_struct | {"xY": vois}))
    assert file.spec.regions == ("left", "right")
    assert file.coordinates is not None
    assert file.coordinates.tolist() == [[-4, 5, 6], [4, 5, 6]]


def test_confounds_per_region_use_the_first_regions(save_v7: Save, dcm_struct: Struct, cells: Any) -> None:
    first = dcm_struct["Y"]["X0"]
    dcm_struct["Y"]["X0"] = cells(first, first * 2)
    np.testing.assert_array_equal(read_dcm(save_v7(DCM=dcm_struct)).data.confounds, first)


def test_the_echo_time_is_spm12s_unless_the_scanners_is_asked_for(save_v7: Save, dcm_struct: Struct) -> None:
    path = save_v7(DCM=dcm_struct)
    assert read_dcm(path).data.echo_time == 0.04
    assert read_dcm(path).stated_echo_time == 0.03
    assert read_dcm(path, echo_time="scanner").data.echo_time == 0.03


def test_an_unknown_echo_time_choice_is_refused(save_v7: Save, dcm_struct: Struct) -> None:
    with pytest.raises(ValueError, match="'spm12' or 'scanner'"):
        read_models(save_v7(DCM=dcm_struct), echo_time="ms")  # type: ignore[arg-type]  # refused at run time too


def test_nonlinear_models_keep_their_gates(save_mat_file: Save, dcm_struct: Struct) -> None:
    dcm_struct["options"]["nonlinear"] = 1.0
    dcm_struct["d"] = np.zeros((2, 2, 2))
    dcm_struct["d"][0, 1, 0] = 1
    file = read_dcm(save_mat_file(DCM=dcm_struct))
    assert file.nonlinear
    assert np.argwhere(file.spec.d).tolist() == [[0, 1, 0]]


def test_an_estimate_is_in_the_order_of_the_layout(save_mat_file: Save, estimated_struct: Struct) -> None:
    file = read_dcm(save_mat_file(DCM=estimated_struct))
    estimate = file.estimate
    assert estimate is not None
    assert estimate.mean.shape == (20,)  # without gates D takes no space
    assert estimate.parameters.D.shape == (2, 2, 2)
    assert estimate.mean[file.spec.layout.field_slice("B")].tolist() == [0.2] * 8
    assert estimate.mean[file.spec.layout.field_slice("epsilon")].tolist() == [0.03]
    stored = np.diag(estimate.covariance)
    np.testing.assert_allclose(stored[file.spec.layout.field_slice("transit")], [0.17, 0.18])
    np.testing.assert_allclose(stored[file.spec.layout.field_slice("epsilon")], [0.20])
    assert estimate.free_energy == -123.5
    np.testing.assert_allclose(estimate.noise_precision_log, -np.log([0.1, 0.2]))
    assert estimate.prior_covariance is not None
    assert estimate.prior_covariance.shape == (20, 20)


def test_gates_that_are_stored_but_off_are_skipped(save_mat_file: Save, estimated_struct: Struct) -> None:
    plain = read_dcm(save_mat_file(DCM=estimated_struct)).estimate
    places = np.r_[0:16, 24:28]
    wide = np.zeros((28, 28))
    wide[np.ix_(places, places)] = estimated_struct["Cp"].toarray()
    estimated_struct |= {"d": np.zeros((2, 2, 2)), "Cp": wide}
    estimated_struct["Ep"]["D"] = np.zeros((2, 2, 2))
    roomy = read_dcm(save_mat_file("roomy.mat", DCM=estimated_struct)).estimate
    assert plain is not None
    assert roomy is not None
    for field in ("mean", "free", "free_covariance", "prior_covariance"):
        np.testing.assert_array_equal(getattr(roomy, field), getattr(plain, field))
    estimated_struct["Ep"]["D"] = np.ones((2, 2, 2))
    (error,) = read_models(save_mat_file("odd.mat", DCM=estimated_struct))
    assert "Ep.D is not zero, but d has no 1" in str(error)


def test_gates_take_their_place_in_an_estimate(save_v7: Save, estimated_struct: Struct) -> None:
    estimated_struct["options"]["nonlinear"] = 1.0
    estimated_struct["d"] = np.ones((2, 2, 2))
    for tree in (estimated_struct["Ep"], estimated_struct["M"]["pE"]):
        tree["D"] = np.arange(8.0).reshape((2, 2, 2), order="F")
    estimated_struct["Cp"] = estimated_struct["M"]["pC"] = np.eye(28)
    file = read_dcm(save_v7(DCM=estimated_struct))
    assert file.estimate is not None
    assert file.estimate.mean[file.spec.layout.field_slice("D")].tolist() == list(range(8))
    assert file.estimate.parameters.D[1, 0, 0] == 1
    assert file.estimate.free.size == 28


def test_an_estimate_may_lack_what_is_not_essential(save_v7: Save, estimated_struct: Struct) -> None:
    for key in ("Ce", "y", "R", "M"):
        del estimated_struct[key]
    estimate = read_dcm(save_v7(DCM=estimated_struct)).estimate
    assert estimate is not None
    assert (estimate.prediction, estimate.residual, estimate.noise_precision_log) == (None, None, None)
    assert (estimate.prior_mean, estimate.prior_covariance) == (None, None)


def test_fields_unknown_here_are_kept(save_mat_file: Save, dcm_struct: Struct) -> None:
    content = read_dcm(save_mat_file(DCM=dcm_struct | {"mine": {"note": "x"}})).content
    assert content["mine"] == {"note": "x"}


def test_a_gcm_holds_several_models(save_mat_file: Save, dcm_struct: Struct, cells: Any) -> None:
    entries = read_models(save_mat_file("GCM_trial.mat", GCM=cells(dcm_struct, dcm_struct).T))
    assert all(isinstance(entry, DcmFile) for entry in entries)
    assert [(e.name, e.index) for e in entries if isinstance(e, DcmFile)] == [("GCM_trial[1]", 0), ("GCM_trial[2]", 1)]


def test_one_bad_model_does_not_lose_the_others(save_mat_file: Save, dcm_struct: Struct, cells: Any) -> None:
    bad = {key: value for key, value in dcm_struct.items() if key != "a"}
    first, second, third, fourth = read_models(save_mat_file("GCM.mat", GCM=cells(dcm_struct, bad, "DCM_3.mat", 4.0)))
    assert isinstance(first, DcmFile)
    assert str(second).startswith("GCM.mat[1,2]: a is missing;")
    assert str(third).startswith("GCM.mat[1,3]: GCM holds the file name 'DCM_3.mat';")
    assert str(fourth).startswith("GCM.mat[1,4]: GCM holds a 1 × 1 array")


def test_a_struct_under_another_name_is_found(save_mat_file: Save, dcm_struct: Struct) -> None:
    assert read_dcm(save_mat_file("mine.mat", model=dcm_struct, note="x")).name == "mine"


def test_files_are_read_in_the_order_given_with_their_errors(save_v7: Save, dcm_struct: Struct) -> None:
    paths = [save_v7("DCM_b.mat", DCM=dcm_struct), save_v7("DCM_a.mat", DCM=dcm_struct)]
    files, errors = read_dcms([paths[0], "nowhere.mat", paths[1], paths[0]])
    assert [file.name for file in files] == ["b", "a"]
    assert [str(error) for error in errors] == [
        "nowhere.mat: does not exist; check the path",
        "DCM_b.mat: was given twice; it is read once",
    ]


def test_equal_names_get_their_folders_in_front(save_v7: Save, dcm_struct: Struct) -> None:
    names = ["s1/pre/DCM_x.mat", "s2/pre/DCM_x.mat", "s1/post/DCM_x.mat", "s1/DCM_y.mat"]
    files, errors = read_dcms([save_v7(name, DCM=dcm_struct) for name in names])
    assert [file.name for file in files] == ["s1_pre_x", "s2_pre_x", "post_x", "y"]
    assert errors == []


def test_names_that_only_differ_in_the_files_suffix_differ(save_v7: Save, dcm_struct: Struct) -> None:
    upper = save_v7("other.mat", DCM=dcm_struct)
    upper = upper.rename(upper.with_name("DCM_x.MAT"))
    files, _ = read_dcms([save_v7("DCM_x.mat", DCM=dcm_struct), upper])
    assert len({file.name for file in files}) == 2


def test_what_was_assumed_of_several_files_is_said_once(save_v7: Save, dcm_struct: Struct) -> None:
    del dcm_struct["b"]
    files, _ = read_dcms([save_v7(f"DCM_{i}.mat", DCM=dcm_struct) for i in range(8)])
    assert remark_lines(files) == [
        "0, 1, 2, 3, 4, 5 and 2 more: b is missing; it is taken as zeros, so no input modulates a connection"
    ]


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        (lambda u: 100 * u, "input task reaches 100, where the priors expect about 1: "),
        (lambda u: u / 100, "input task never exceeds 0.01, where the priors expect about 1: "),
        (lambda u: 500 * (np.arange(len(u))[:, None] % 80 == [8, 24]), "input task reaches 500, where the priors "),
        (lambda u: 8 * (np.arange(len(u))[:, None] % 80 == [8, 24]), None),  # sticks as SPM makes them
        (lambda u: u - u.mean(axis=0), None),
    ],
    ids=["percent", "fractions", "sticks by ms", "sticks", "centred"],
)
def test_an_input_in_another_unit_is_remarked_on(
    save_v7: Save, dcm_struct: Struct, change: Callable[[Any], Any], remark: str | None
) -> None:
    dcm_struct["U"]["u"] = change(dcm_struct["U"]["u"])
    remarks = read_dcm(save_v7(DCM=dcm_struct)).remarks
    assert remarks == () if remark is None else remarks[0].startswith(remark)


def test_one_series_twice_is_remarked_on(save_v7: Save, dcm_struct: Struct) -> None:
    dcm_struct["Y"]["y"] = dcm_struct["Y"]["y"][:, :1] * [1.0, 0.3] + [0.0, 7.0]
    assert read_dcm(save_v7(DCM=dcm_struct)).remarks == (
        "regions vmPFC and amygdala have the same series; check which VOI each is of",
    )


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        (lambda y: 100 * y + 1e4, "series vary by "),
        (lambda y: y * [1.0, 1000.0], "the series of amygdala varies "),
        (lambda y: 5 * y + 100, None),
    ],
    ids=["scanner's units", "one region", "percent about 100"],
)
def test_series_in_another_unit_are_remarked_on(
    save_v7: Save, dcm_struct: Struct, change: Callable[[Any], Any], remark: str | None
) -> None:
    dcm_struct["Y"]["y"] = change(dcm_struct["Y"]["y"])
    remarks = read_dcm(save_v7(DCM=dcm_struct)).remarks
    assert remarks == () if remark is None else remarks[0].startswith(remark)


@pytest.mark.parametrize("unit", [1e-300, 1e200])
def test_series_in_no_unit_of_fmri_are_refused(save_v7: Save, dcm_struct: Struct, unit: float) -> None:
    dcm_struct["Y"]["y"] = unit * dcm_struct["Y"]["y"]
    with pytest.raises(DcmFileError, match=r"Y\.y of region 'vmPFC' ranges over .*; give percent signal change"):
        read_dcm(save_v7(DCM=dcm_struct))


def test_one_input_twice_and_confounds_by_the_dozen_are_remarked_on(save_v7: Save, dcm_struct: Struct) -> None:
    dcm_struct["U"]["u"] = dcm_struct["U"]["u"][:, :1] * [1.0, 1.0]
    scans = len(dcm_struct["Y"]["y"])
    dcm_struct["Y"]["X0"] = np.random.default_rng(0).standard_normal((scans, scans - 3))
    first, second = read_dcm(save_v7(DCM=dcm_struct)).remarks
    assert "are the same; their effects cannot be told apart" in first
    assert second == f"confounds take {scans - 3} of {scans} scans, so that estimates rest on 3; give fewer confounds"


def test_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(DcmFileError(Path("x.mat"), "Y.y", "is odd; mend it", index=2)))
    assert isinstance(error, DcmFileError)
    assert (str(error), error.field, error.index) == ("x.mat[3]: Y.y is odd; mend it", "Y.y", 2)


def test_a_run_refuses_names_that_do_not_match() -> None:
    data = Data(np.random.default_rng(0).normal(size=(20, 2)), np.ones((320, 1)), 0.125, 2.0)
    with pytest.raises(ValueError, match=r"label must not be empty; 3 region names for 2 regions; coordinates"):
        RunData(" ", ("a", "b", "c"), ("task",), data, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="more than once: 'a'"):
        RunData("x", ("a", "a"), ("task",), data)


def test_the_reference_cohort_reads_whole(spm_data: Path) -> None:
    files, errors = read_dcms(sorted(spm_data.glob("estimated/*.mat")) + sorted(spm_data.glob("raw/*.mat")))
    assert errors == []
    assert len({file.name for file in files}) == 60
    assert [file.estimate is not None for file in files] == [True] * 30 + [False] * 30
    first = files[0]
    assert first.spec.regions == ("lvF", "ldF", "rvF", "rdF")
    assert first.estimate is not None
    assert first.estimate.free_energy == pytest.approx(-5352.564116606114)
    assert first.estimate.free.size == 30
    assert (first.stated_echo_time, first.data.echo_time) == (0.05, 0.04)


def test_the_simulated_trial_reads_whole(spm_data: Path) -> None:
    files, errors = read_dcms(sorted((spm_data.parent / "simulated_trial").glob("*.mat")))
    assert (len(files), errors) == (42, [])
    assert files[0].name == "sub-01_ses-1"


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("model_space.mat", "a model structure without data"),
        ("voi/sub-01/SPM.mat", "is an SPM.mat"),
        ("voi/sub-01/VOI_ldF_1.mat", "is a VOI file"),
        ("design_matrix.mat", "holds no DCM or GCM"),
    ],
)
def test_real_files_of_other_kinds_are_recognised(spm_data: Path, file: str, says: str) -> None:
    entries = read_models(spm_data / file)
    assert all(isinstance(entry, DcmFileError) and says in str(entry) for entry in entries)


def test_bytes_of_a_file_name_that_are_no_text_stand_as_escapes() -> None:
    assert model_name(Path(os.fsdecode(b"DCM_p\xff.mat"))) == "p\\xff"


def assert_same_subject(one: Subject, other: Subject) -> None:
    assert (one.name, one.spec, one.centre_inputs) == (other.name, other.spec, other.centre_inputs)
    for key, value in vars(one.data).items():
        np.testing.assert_array_equal(value, getattr(other.data, key))
    assert other.prior is not None
    for key, value in vars(one.prior or prior(one.spec, "none")).items():
        np.testing.assert_array_equal(value, getattr(other.prior, key))


@pytest.mark.parametrize("compat", ["none", "spm12", "spm25"])
def test_the_subject_is_the_one_that_the_command_inverts(save_v7: Save, dcm_struct: Struct, compat: Compat) -> None:
    dcm_struct["options"] |= {"hE": 8.0, "hC": 0.5}
    bold = dcm_struct["Y"]["y"] * (4 / np.ptp(dcm_struct["Y"]["y"]))
    dcm_struct["Y"] |= {"y": bold, "scale": 0.25}
    file = read_dcm(save_v7(DCM=dcm_struct))
    assert_same_subject(file.to_subject(compat), InversionPlan(compat).subject_of(file))
    assert_same_subject(file.subject, InversionPlan().subject_of(file))
    np.testing.assert_array_equal(file.subject.data.bold, file.data.bold / 0.25)


def test_a_file_itself_is_no_subject(save_v7: Save, dcm_struct: Struct) -> None:
    with pytest.raises(TypeError, match=r"a Subject is inverted, not a DcmFile; give its \.subject"):
        invert(read_dcm(save_v7(DCM=dcm_struct)))  # type: ignore[arg-type]  # refused at run time too


def test_an_estimate_is_a_posterior(save_v7: Save, estimated_struct: Struct, dcm_struct: Struct) -> None:
    assert read_dcm(save_v7(DCM=dcm_struct)).posterior is None
    posterior = read_dcm(save_v7(DCM=estimated_struct)).posterior
    assert posterior is not None
    assert (posterior.free_energy, posterior.mode, posterior.centre_inputs) == (-123.5, "spm12", True)
    assert posterior.names[:2] == ("A[vmPFC<-vmPFC]", "A[amygdala<-vmPFC]")
    assert posterior.covariance[1, 1] == pytest.approx(0.02)
    np.testing.assert_allclose(posterior.noise_mean, -np.log([0.1, 0.2]))


def test_an_estimate_that_is_no_posterior_is_named(save_v7: Save, estimated_struct: Struct) -> None:
    estimated_struct["M"]["pC"] = np.eye(20) / 64
    with pytest.raises(DcmFileError, match=r"sub-01\.mat: Ep, Cp are of other parameters than the prior frees; "):
        _ = read_dcm(save_v7(DCM=estimated_struct)).posterior
    del estimated_struct["M"]
    made = {"effconn": {"mode": "none, but noise = 'white'"}}
    with pytest.raises(DcmFileError, match=r"is of effconn, in mode none, but noise = 'white'; open the NetCDF"):
        _ = read_dcm(save_v7(DCM=estimated_struct | made)).posterior


def test_several_models_are_for_read_dcms(save_v7: Save, dcm_struct: Struct, cells: Callable[..., np.ndarray]) -> None:
    path = save_v7("GCM.mat", GCM=cells(dcm_struct, dcm_struct))
    with pytest.raises(DcmFileError, match=r"GCM\.mat: GCM holds 2 models; read them with read_dcms"):
        read_dcm(path)
    files, errors = read_dcms(path)
    assert ([file.name for file in files], errors) == (["GCM[1,1]", "GCM[1,2]"], [])


def test_a_file_is_shown_in_a_line(save_v7: Save, estimated_struct: Struct) -> None:
    file = read_dcm(save_v7(DCM=estimated_struct))
    assert repr(file) == "DcmFile('sub-01': 2 regions, 2 inputs, 40 scans, estimated (F = -123.50))"
