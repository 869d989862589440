"""Estimated files hold what SPM12's hold, field by field, and read back as they were written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse

from dcm import Data, Parameters, Posterior, Prior, Settings, Spec, Status, prior, volterra_kernels
from pipeline.matlab import Opaque, StructArray, load_mat
from pipeline.spm import DcmFile, RunData, SpmEstimate, read_dcm, write_dcm

Save = Callable[..., Path]
Struct = dict[str, Any]


def estimate_of(file: DcmFile) -> SpmEstimate:
    assert file.estimate is not None
    return file.estimate


def posterior_of(file: DcmFile) -> Posterior:
    """SPM's own estimate as the posterior that an inversion would return."""
    estimate = estimate_of(file)
    data, scale = file.data.prepared(file.centre_inputs)
    assert estimate.prior_mean is not None
    assert estimate.prior_covariance is not None
    assert estimate.prediction is not None
    assert estimate.residual is not None
    assert estimate.noise_precision_log is not None
    n = file.spec.n
    return Posterior(
        spec=file.spec,
        prior=Prior(estimate.prior_mean, estimate.prior_covariance, file.noise_mean, file.noise_variance),
        mean=estimate.mean,
        covariance=estimate.free_covariance,
        free=estimate.free,
        noise_mean=estimate.noise_precision_log,
        noise_covariance=np.eye(n) / 100,
        autocorrelation=np.zeros(n),
        autocorrelation_sd=np.zeros(n),
        confound_effects=np.zeros((data.confounds.shape[1], n)),
        prediction=estimate.prediction,
        residual=estimate.residual,
        free_energy=estimate.free_energy,
        settled_free_energy=estimate.free_energy,
        status=Status.CONVERGED,
        iterations=2,
        free_energy_history=np.array([-200.0, estimate.free_energy]),
        data_scale=scale,
        start=0,
        start_free_energies=np.array([estimate.free_energy]),
        settings=Settings("spm12"),
    )


def made_up(file: DcmFile, mean_of: float = 0.1) -> Posterior:
    """Some posterior for a file that nobody has inverted."""
    base = prior(file.spec)
    mean = base.mean.copy()
    mean[base.free] += mean_of
    shape = file.data.bold.shape
    n = file.spec.n
    return Posterior(
        spec=file.spec,
        prior=base,
        mean=mean,
        covariance=np.eye(base.free.size) / 64,
        free=base.free,
        noise_mean=np.full(n, 2.0),
        noise_covariance=np.eye(n) / 100,
        autocorrelation=np.zeros(n),
        autocorrelation_sd=np.zeros(n),
        confound_effects=np.zeros((file.data.confounds.shape[1], n)),
        prediction=np.zeros(shape),
        residual=np.ones(shape),
        free_energy=-100.0,
        settled_free_energy=-99.0,
        status=Status.CONVERGED,
        iterations=3,
        free_energy_history=np.array([-120.0, -110.0, -100.0]),
        data_scale=1.0,
        start=0,
        start_free_energies=np.array([-100.0, -np.inf]),
        settings=Settings("spm12"),
    )


def written(file: DcmFile, posterior: Posterior, path: Path) -> Struct:
    write_dcm(path, file, posterior)
    content = load_mat(path)["DCM"]
    assert isinstance(content, dict)
    return content


def differences(one: Any, other: Any, place: str, tolerance: float) -> list[str]:
    """Every place where class, shape, order of fields or value differ."""
    if type(one) is not type(other):
        return [f"{place}: {type(one)} and {type(other)}"]
    if isinstance(one, dict):
        if list(one) != list(other):
            return [f"{place}: {list(one)} and {list(other)}"]
        return [d for key in one for d in differences(one[key], other[key], f"{place}.{key}", tolerance)]
    if isinstance(one, str):
        return [] if one == other else [f"{place}: {one} and {other}"]
    if one.shape != other.shape:
        return [f"{place}: {one.shape} and {other.shape}"]
    if isinstance(one, StructArray) or one.dtype == object:
        pairs = zip(
            one if isinstance(one, list) else one.flat, other if isinstance(other, list) else other.flat, strict=True
        )
        return [d for pair in pairs for d in differences(*pair, f"{place}()", tolerance)]
    if isinstance(one, scipy.sparse.csc_array):
        one, other = one.toarray(), other.toarray()
    if one.dtype != other.dtype:
        return [f"{place}: {one.dtype} and {other.dtype}"]
    return [] if np.allclose(one, other, rtol=0, atol=tolerance, equal_nan=True) else [f"{place}: values"]


@pytest.mark.parametrize("number", [1, 2, 17, 30])
def test_spms_own_estimate_is_written_as_spm_wrote_it(spm_data: Path, tmp_path: Path, number: int) -> None:
    path = spm_data / "estimated" / f"DCM_sub-{number:02d}.mat"
    file = read_dcm(path)
    ours, spms = written(file, posterior_of(file), tmp_path / path.name), load_mat(path)["DCM"]
    del ours["effconn"], spms["version"]
    # SPM's H1 comes from forward differences with step e^-8, ours from exact derivatives.
    assert np.abs(ours.pop("H1") - spms["H1"]).max() < 1e-3 * np.abs(spms.pop("H1")).max()
    assert differences(ours, spms, "DCM", 1e-11) == []


def test_a_written_file_reads_back_the_same(spm_data: Path, tmp_path: Path) -> None:
    file = read_dcm(spm_data / "estimated" / "DCM_sub-05.mat")
    write_dcm(tmp_path / "DCM_sub-05.mat", file, posterior_of(file))
    again = read_dcm(tmp_path / "DCM_sub-05.mat")
    assert again.spec == file.spec
    assert again.spec.regions == file.spec.regions
    np.testing.assert_allclose(again.data.bold, file.data.bold, atol=1e-14)
    one, other = estimate_of(file), estimate_of(again)
    for field in ("mean", "free", "free_covariance", "free_energy", "prediction", "residual", "prior_covariance"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    np.testing.assert_allclose(one.noise_precision_log, other.noise_precision_log, atol=1e-14)


def test_the_kernels_are_spms_when_differenced_as_spm_does(spm_data: Path) -> None:
    path = spm_data / "estimated" / "DCM_sub-03.mat"
    bold, neural = kernels_by_differences(estimate_of(read_dcm(path)).parameters, step=np.exp(-8))
    spms = load_mat(path)["DCM"]
    np.testing.assert_allclose(neural, spms["K1"], atol=1e-12)
    np.testing.assert_allclose(bold, spms["H1"], atol=1e-9 * np.abs(spms["H1"]).max())


def test_the_kernels_agree_with_differences_of_the_equations() -> None:
    rng = np.random.default_rng(1)
    parameters: Any = Parameters(
        A=rng.normal(scale=0.2, size=(3, 3)),
        B=np.zeros((3, 3, 2)),
        C=rng.normal(size=(3, 2)),
        D=np.zeros((3, 3, 3)),
        transit=rng.normal(scale=0.1, size=3),
        decay=np.array(0.1),
        epsilon=np.array(-0.2),
    )
    for exact, differenced in zip(
        volterra_kernels(parameters, 0.04), kernels_by_differences(parameters, step=1e-6), strict=True
    ):
        np.testing.assert_allclose(exact, differenced, atol=1e-5 * np.abs(exact).max())


def kernels_by_differences(parameters: Parameters, step: float) -> tuple[np.ndarray, np.ndarray]:
    """The kernels from the nonlinear equations of docs/mathematics.md, differenced forward at rest."""
    p: Any = parameters
    n = p.A.shape[0]
    epsilon = np.exp(float(p.epsilon))

    def flow(x: np.ndarray) -> np.ndarray:
        z, s, f, w, q = x.reshape(5, n)
        connections = p.A - np.diag(np.diag(p.A)) - np.diag(np.exp(np.diag(p.A))) / 2
        transit = 2 * np.exp(p.transit)
        out = np.exp(w / 0.32)
        extraction = (1 - 0.6 ** np.exp(-f)) / 0.4
        return np.concatenate(
            [
                connections @ z,
                z - 0.64 * np.exp(float(p.decay)) * s - 0.32 * (np.exp(f) - 1),
                s * np.exp(-f),
                (np.exp(f) - out) / (transit * np.exp(w)),
                (np.exp(f) * extraction - out * np.exp(q - w)) / (transit * np.exp(q)),
            ]
        )

    def bold(x: np.ndarray) -> np.ndarray:
        w, q = x.reshape(5, n)[3:]
        k1, k2, k3 = 4.3 * 40.3 * 0.4 * 0.04, epsilon * 25 * 0.4 * 0.04, 1 - epsilon
        return np.asarray(4 * (k1 * (1 - np.exp(q)) + k2 * (1 - np.exp(q - w)) + k3 * (1 - np.exp(w))))

    def gradient(function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        rest = np.zeros(5 * n)
        return np.stack([(function(step * unit) - function(rest)) / step for unit in np.eye(5 * n)], axis=1)

    jacobian, out = gradient(flow), gradient(bold)
    state = np.vstack([p.C / 16, np.zeros((4 * n, p.C.shape[1]))])
    states = [scipy.linalg.expm(jacobian * 0.5 * (k + 1)) @ state for k in range(64)]
    return np.stack([out @ x for x in states]), np.stack([x[:n] for x in states])


def test_a_raw_file_becomes_an_estimated_one(save_v7: Save, dcm_struct: Struct, tmp_path: Path) -> None:
    dcm_struct["Y"]["y"] = dcm_struct["Y"]["y"] * 10 + 5
    file = read_dcm(save_v7(DCM=dcm_struct | {"mine": "kept"}))
    write_dcm(tmp_path / "out" / "DCM_sub-01.mat", file, made_up(file))
    again = read_dcm(tmp_path / "out" / "DCM_sub-01.mat")
    content = again.content
    assert content["mine"] == "kept"
    assert np.ptp(again.data.bold) == pytest.approx(4)
    np.testing.assert_allclose(again.data.bold.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(again.data.inputs.mean(axis=0), 0, atol=1e-12)
    assert content["Y"]["scale"][0, 0] == file.data.prepared(centre_inputs=True)[1] < 1
    assert content["Y"]["Q"].shape == (1, 2)
    assert content["Y"]["Q"][0, 1].nnz == 40
    assert content["options"]["maxit"][0, 0] == 128
    assert content["Cp"].shape == (20, 20)
    assert content["effconn"]["status"] == "converged"
    assert estimate_of(again).free_energy == -100.0


def test_a_second_inversion_keeps_the_scale_from_the_first_series(
    save_v7: Save, estimated_struct: Struct, tmp_path: Path
) -> None:
    estimated_struct["Y"] |= {"y": 20 * estimated_struct["Y"]["y"], "scale": 0.5}
    file = read_dcm(save_v7(DCM=estimated_struct))
    _, scale = file.data.prepared(file.centre_inputs)
    content = written(file, posterior_of(file), tmp_path / "x.mat")
    assert content["Y"]["scale"][0, 0] == pytest.approx(0.5 * scale)


def test_absent_fields_are_filled_in(save_v7: Save, dcm_struct: Struct, tmp_path: Path) -> None:
    for key in ("b", "d", "v", "n", "TE", "delays", "options"):
        del dcm_struct[key]
    del dcm_struct["Y"]["X0"], dcm_struct["Y"]["name"], dcm_struct["U"]["name"]
    file = read_dcm(save_v7(DCM=dcm_struct))
    content = written(file, made_up(file), tmp_path / "x.mat")
    assert (content["b"].shape, content["d"].shape) == ((2, 2, 2), (2, 2, 0))
    assert content["Y"]["name"].tolist() == [["region 1", "region 2"]]
    assert content["U"]["name"].tolist() == [["input 1", "input 2"]]
    assert content["Y"]["X0"].tolist() == [[1.0]] * 40
    assert content["delays"].tolist() == [[1.0, 1.0]]
    assert (content["v"][0, 0], content["n"][0, 0], content["TE"][0, 0]) == (40, 2, 0.04)


def test_one_input_is_written_without_trailing_axes(save_v7: Save, dcm_struct: Struct, tmp_path: Path) -> None:
    dcm_struct["U"] |= {"u": dcm_struct["U"]["u"][:, :1], "name": "task"}
    dcm_struct |= {"b": np.eye(2), "c": np.ones((2, 1))}
    file = read_dcm(save_v7(DCM=dcm_struct))
    content = written(file, made_up(file), tmp_path / "x.mat")
    assert content["Ep"]["B"].shape == (2, 2)
    assert estimate_of(read_dcm(tmp_path / "x.mat")).mean.tolist() == made_up(file).mean.tolist()


def test_gates_are_written_and_read_back(save_v7: Save, dcm_struct: Struct, tmp_path: Path) -> None:
    dcm_struct["options"]["nonlinear"] = 1.0
    dcm_struct["d"] = np.zeros((2, 2, 2))
    dcm_struct["d"][0, 1, 0] = 1
    file = read_dcm(save_v7(DCM=dcm_struct))
    posterior = made_up(file)
    content = written(file, posterior, tmp_path / "x.mat")
    assert content["Ep"]["D"].shape == (2, 2, 2)
    assert content["Cp"].shape == (28, 28)
    estimate = estimate_of(read_dcm(tmp_path / "x.mat"))
    np.testing.assert_array_equal(estimate.mean, posterior.mean)
    np.testing.assert_array_equal(estimate.covariance, posterior.full_covariance)


def test_a_reduced_model_writes_its_own_masks(save_v7: Save, dcm_struct: Struct, tmp_path: Path) -> None:
    file = read_dcm(save_v7(DCM=dcm_struct))
    reduced = Spec(file.spec.regions, file.spec.inputs, file.spec.a, np.zeros((2, 2, 2)), file.spec.c)
    content = written(file, made_up(replace(file, spec=reduced)), tmp_path / "x.mat")
    assert not content["b"].any()
    np.testing.assert_array_equal(content["c"], dcm_struct["c"])


def test_what_cannot_be_written_is_named(save_v7: Save, dcm_struct: Struct, tmp_path: Path) -> None:
    file = read_dcm(save_v7(DCM=dcm_struct))
    file = replace(file, content={**file.content, "hook": Opaque("a function handle")})
    content = written(file, made_up(file), tmp_path / "x.mat")
    assert "hook" not in content
    assert content["effconn"]["left_out"].tolist() == [["DCM.hook"]]


def test_uncertain_parameters_have_probabilities_and_fixed_ones_none(
    save_v7: Save, dcm_struct: Struct, tmp_path: Path
) -> None:
    file = read_dcm(save_v7(DCM=dcm_struct))
    content = written(file, made_up(file, mean_of=0.0), tmp_path / "x.mat")
    np.testing.assert_allclose(content["Pp"]["A"], 0.5)  # every mean is at its prior, where SPM's threshold lies
    assert np.isnan(content["Pp"]["B"][0, 1, 0])
    assert content["Vp"]["B"][0, 1, 0] == 0


def test_a_failed_inversion_is_not_written(save_v7: Save, dcm_struct: Struct, tmp_path: Path) -> None:
    file = read_dcm(save_v7(DCM=dcm_struct))
    with pytest.raises(ValueError, match="nothing to write"):
        write_dcm(tmp_path / "x.mat", file, replace(made_up(file), status=Status.NOT_FINITE))
    assert not (tmp_path / "x.mat").exists()


def test_a_posterior_of_another_model_is_refused(save_v7: Save, dcm_struct: Struct, tmp_path: Path) -> None:
    file = read_dcm(save_v7(DCM=dcm_struct))
    other = Spec(("left", "right"), file.spec.inputs, file.spec.a, file.spec.b, file.spec.c)
    with pytest.raises(ValueError, match="regions"):
        write_dcm(tmp_path / "x.mat", file, replace(made_up(file), spec=other))
    with pytest.raises(ValueError, match="predicts"):
        write_dcm(tmp_path / "x.mat", file, replace(made_up(file), prediction=np.zeros((39, 2))))


def test_a_subject_is_specified_and_read_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    b = np.zeros((2, 2, 1))
    b[1, 0, 0] = 1
    inputs = (np.arange(640)[:, None] // 160) % 2.0
    data = Data(rng.normal(size=(40, 2)), inputs, 0.125, 2.0, rng.normal(size=(40, 3)), 0.5)
    subject = RunData("sub-07", ("V1", "V5"), ("motion",), data).specify(np.ones((2, 2)), b, [[1], [0]])
    write_dcm(tmp_path / "DCM_sub-07.mat", subject)
    again = read_dcm(tmp_path / "DCM_sub-07.mat")
    assert (again.name, again.spec, again.estimate, again.remarks) == ("sub-07", subject.spec, None, ())
    for key, value in vars(data).items():
        np.testing.assert_array_equal(getattr(again.subject.data, key), value)


def test_a_subject_and_its_posterior_are_an_estimated_file(save_v7: Save, dcm_struct: Struct, tmp_path: Path) -> None:
    file = read_dcm(save_v7(DCM=dcm_struct))
    write_dcm(tmp_path / "a.mat", file.to_subject("spm12"), made_up(file))
    again = read_dcm(tmp_path / "a.mat")
    assert estimate_of(again).mean.tolist() == made_up(file).mean.tolist()
    assert (again.centre_inputs, again.spec) == (True, file.spec)


def test_a_posterior_of_the_default_mode_has_series_as_measured(
    save_v7: Save, dcm_struct: Struct, tmp_path: Path
) -> None:
    bold = dcm_struct["Y"]["y"] * (4 / np.ptp(dcm_struct["Y"]["y"]))
    dcm_struct["Y"] |= {"y": bold, "scale": 0.5}
    file = read_dcm(save_v7(DCM=dcm_struct))
    _, scale = file.subject.data.prepared(centre_inputs=False)
    posterior = replace(made_up(file), settings=Settings(), data_scale=scale)
    write_dcm(tmp_path / "a.mat", file, posterior)
    again = read_dcm(tmp_path / "a.mat")
    measured = bold / 0.5
    np.testing.assert_allclose(again.data.bold, measured - measured.mean(axis=0))
    assert not again.centre_inputs


def test_a_source_and_its_path_the_wrong_way_round_are_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="give the path first"):
        write_dcm(tmp_path / "DCM_a.mat", tmp_path)  # type: ignore[arg-type]  # wrong on purpose


def test_a_prior_that_a_specified_file_has_no_place_for_is_not_dropped(tmp_path: Path) -> None:
    data = Data(np.random.default_rng(2).normal(size=(40, 2)), (np.arange(640)[:, None] // 160) % 2.0, 0.125, 2.0)
    subject = RunData("sub-07", ("V1", "V5"), ("motion",), data).specify(np.ones((2, 2)), c=[[1], [0]])
    standard = prior(subject.spec, "spm12")
    write_dcm(tmp_path / "DCM_standard.mat", replace(subject, prior=standard))
    with pytest.raises(ValueError, match="no place for prior means and covariances"):
        write_dcm(tmp_path / "DCM_own.mat", replace(subject, prior=Prior(standard.mean + 0.1, standard.covariance)))
