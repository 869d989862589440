"""The command line as a user runs it: a process, files in, files and exit codes out."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import command_line
import numpy as np
import pytest
import scipy.io

from dcm import Parameters, Spec, predict_series, simulate
from pipeline.common import INVERSION_KEY, UsageError
from pipeline.inversion import InversionPlan
from pipeline.results import read_posterior
from pipeline.spm import DcmFile, read_models

Effconn = Callable[..., subprocess.CompletedProcess[str]]
SCANS, BINS, TR = 60, 8, 2.0
COMMAND = [sys.executable, "-c", "from pipeline.cli import main; main()"]


@pytest.fixture(scope="session")
def effconn() -> Effconn:
    """Runs a command to its end."""
    return command_line.effconn


@pytest.fixture(scope="session")
def process() -> Effconn:
    """The same in a process of its own."""

    def run(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        command = [*COMMAND, *map(str, arguments)]
        return subprocess.run(
            command, env=os.environ | more, capture_output=True, text=True, timeout=120, check=False, cwd="/"
        )

    return run


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six simulated participants as SPM specifies them."""
    folder = tmp_path_factory.mktemp("study")
    for seed in range(6):
        save(folder / f"DCM_sub-{seed + 1:02d}.mat", seed)
    return folder


def save(path: Path, seed: int, gated: bool = False) -> None:
    inputs = ((np.arange(SCANS * BINS)[:, None] // np.array([80, 48])) % 2).astype(float)
    gates = np.zeros((2, 2, 2))
    gates[1, 0, 0] = gated
    spec = Spec(("vmPFC", "amygdala"), ("task", "faces"), np.ones((2, 2)), c=[[1, 0], [1, 0]], d=gates)
    parameters: Any = Parameters(
        A=np.array([[0.0, 0.2], [0.4, 0.0]]),
        B=np.zeros((2, 2, 2)),
        C=np.array([[0.8, 0.0], [0.5, 0.0]]),
        D=np.zeros((2, 2, 2)),
        transit=np.zeros(2),
        decay=np.array(0.0),
        epsilon=np.array(0.0),
    )
    made = simulate(spec, parameters, inputs, TR / BINS, TR, snr=2.0, integrator="bilinear", seed=seed)
    names = np.empty((1, 2), dtype=object), np.empty((1, 2), dtype=object)
    names[0][0, :], names[1][0, :] = spec.regions, spec.inputs
    struct = {
        "a": np.ones((2, 2)),
        "b": np.zeros((2, 2, 2)),
        "c": spec.c.astype(float),
        "d": gates if gated else np.zeros((2, 2, 0)),
        "U": {"dt": TR / BINS, "name": names[1], "u": inputs},
        "Y": {"dt": TR, "X0": np.ones((SCANS, 1)), "y": made.data.bold, "name": names[0]},
        "options": {"nonlinear": float(gated), "centre": 1.0},
    }
    scipy.io.savemat(path, {"DCM": struct}, do_compression=True)


def read_one(path: Path) -> DcmFile:
    (entry,) = read_models(path)
    assert isinstance(entry, DcmFile), str(entry)
    return entry


@pytest.fixture(scope="session")
def inverted(effconn: Effconn, study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study's results."""
    folder = tmp_path_factory.mktemp("results")
    done = effconn("invert", study, "--out", folder, "--json", folder / "run.json")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return folder


def test_help_is_quick_and_has_examples(process: Effconn, effconn: Effconn) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = process("--help").stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5  # s of a processor: without JAX
    assert all(command in shown for command in ("invert", "compare-spm", "info", "demo"))
    for command in ("invert", "compare-spm", "info", "demo"):
        assert f"Example: effconn {command}" in " ".join(effconn(command, "--help").stdout.split())


def test_a_folder_is_inverted(inverted: Path, study: Path) -> None:
    names = [f"sub-{i + 1:02d}" for i in range(6)]
    visible = {path.name for path in inverted.iterdir() if not path.name.startswith(".")}
    assert visible == {"run.json", *(f"{name}.nc" for name in names), *(f"DCM_{name}.mat" for name in names)}
    run = json.loads((inverted / "run.json").read_text())
    assert {"effconn", "device", "precision", "derivatives", "starts", "participants", "seconds"} <= set(run)
    assert [participant["name"] for participant in run["participants"]] == names
    assert {participant["status"] for participant in run["participants"]} <= {"converged", "max_iterations"}
    posterior, attributes = read_posterior(inverted / "sub-03.nc")
    assert posterior.free_energy == run["participants"][2]["f"]
    assert attributes["source"] == "DCM_sub-03.mat"
    assert "NaN" not in (inverted / "run.json").read_text()
    estimate = read_one(inverted / "DCM_sub-03.mat").estimate
    assert estimate is not None
    np.testing.assert_array_equal(estimate.mean, posterior.mean)
    assert posterior.parameters.A[1, 0] > 0.1  # the planted 0.4 Hz, shrunk


def test_what_is_there_is_kept(effconn: Effconn, study: Path, inverted: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in inverted.glob("*.nc")}
    (inverted / "DCM_sub-02.mat").unlink()
    done = effconn("invert", *sorted(study.glob("*.mat")), "--out", inverted)
    assert done.returncode == 0
    assert "0 inverted, 6 kept from an earlier run" in done.stderr
    assert done.stdout.count("converged (kept)") == 6
    assert {path: path.read_bytes() for path in inverted.glob("*.nc")} == before
    assert read_one(inverted / "DCM_sub-02.mat").estimate is not None


def test_damage_and_other_settings_are_inverted_again(effconn: Effconn, study: Path, inverted: Path) -> None:
    before = (inverted / "sub-01.nc").read_bytes()
    (inverted / "sub-01.nc").write_bytes(before[:3000])
    done = effconn("invert", study, "--out", inverted)
    assert "sub-01: the earlier result is damaged" in done.stderr
    assert "1 inverted, 5 kept" in done.stderr
    mended, _ = read_posterior(inverted / "sub-01.nc")
    (inverted / "check.nc").write_bytes(before)
    original, _ = read_posterior(inverted / "check.nc")
    (inverted / "check.nc").unlink()
    np.testing.assert_allclose(mended.mean, original.mean, atol=1e-8)
    done = effconn("invert", study / "DCM_sub-01.mat", "--out", inverted, "--compat", "spm12", "--no-spm")
    assert "was made from other data, settings or version" in done.stderr


def test_another_mode_is_used_said_and_inverts_again(
    effconn: Effconn, study: Path, inverted: Path, tmp_path: Path
) -> None:
    folder, report = tmp_path / "out", tmp_path / "run.json"
    command = ("invert", study / "DCM_sub-04.mat", "--out", folder, "--json", report)
    done = effconn(*command, "--compat", "spm12")
    assert done.returncode == 0
    assert "mode: spm12" in done.stdout
    assert json.loads(report.read_text())["compat"] == "spm12"
    spm, attributes = read_posterior(folder / "sub-04.nc")
    assert (attributes["mode"], spm.prior.noise_variance, spm.centre_inputs) == ("spm12", 1 / 128, True)
    assert "1 kept" in effconn(*command, "--compat", "spm12").stderr
    done = effconn(*command)
    assert "sub-04: the earlier result was made from other data, settings" in done.stderr
    assert "options.centre = 1, but inputs are not centred" in done.stderr
    assert [participant["mode"] for participant in json.loads(report.read_text())["participants"]] == ["none"]
    own, usual = (read_posterior(path / "sub-04.nc")[0] for path in (folder, inverted))
    assert (own.settings.compat, own.prior.noise_variance, own.centre_inputs) == ("none", 1.0, False)
    assert own.free_energy == pytest.approx(usual.free_energy, abs=1e-8)


def test_spm_opens_what_the_default_wrote_and_it_inverts_to_the_same(
    effconn: Effconn, inverted: Path, tmp_path: Path
) -> None:
    """Series, prediction and noise are in the unit in which they were measured, so that g(Ep) is DCM.y."""
    posterior, _ = read_posterior(inverted / "sub-03.nc")
    assert posterior.data_scale < 1
    file = read_one(inverted / "DCM_sub-03.mat")
    assert file.estimate is not None
    assert (file.mode, file.centre_inputs) == ("none", False)
    np.testing.assert_array_equal(file.estimate.mean, posterior.mean)
    np.testing.assert_array_equal(file.estimate.free_covariance, posterior.covariance)
    assert file.estimate.free_energy == posterior.free_energy
    predicted = predict_series(file.spec, file.estimate.parameters, file.data, "nonlinear")
    np.testing.assert_allclose(file.estimate.prediction, predicted, atol=1e-9)
    spread = np.exp(-posterior.noise_mean / 2) / np.sqrt(1 - posterior.autocorrelation**2) / posterior.data_scale
    np.testing.assert_allclose(np.exp(-file.estimate.noise_precision_log / 2), spread)
    assert effconn("invert", inverted / "DCM_sub-03.mat", "--out", tmp_path, "--no-spm").returncode == 0
    again, _ = read_posterior(tmp_path / "sub-03.nc")
    np.testing.assert_allclose(again.mean, posterior.mean, atol=1e-8)
    assert again.free_energy == pytest.approx(posterior.free_energy, abs=1e-6)


def test_spms_modes_take_a_files_options_and_the_default_says_which_it_leaves(study: Path) -> None:
    file = replace(read_one(study / "DCM_sub-01.mat"), noise_mean=4.0, noise_variance=0.5, max_iterations=64)
    ours, spms = InversionPlan(), InversionPlan("spm25")
    assert (ours.prior_of(file).noise_mean, ours.settings_of(file).max_iterations, ours.centres(file)) == (
        6,
        128,
        False,
    )
    assert (spms.prior_of(file).noise_mean, spms.settings_of(file).max_iterations, spms.centres(file)) == (4, 64, True)
    assert spms.remarks(file) == []
    said = "\n".join(ours.remarks(file))
    assert all(
        phrase in said for phrase in ("--centre file", "hE = 4 and hC = 0.5", "--priors spm12", "--max-iterations 64")
    )
    assert "options.centre = 1, which --centre no sets aside" in InversionPlan("spm12", centre="no").remarks(file)[0]
    mixed = InversionPlan(priors="spm12", centre="file", max_iterations=64)
    assert mixed.remarks(file) == []
    assert (mixed.prior_of(file).noise_variance, mixed.centres(file)) == (0.5, True)


def test_the_settings_of_a_mode_make_another_result(study: Path) -> None:
    plain = read_one(study / "DCM_sub-01.mat")
    plans = [
        InversionPlan(),
        InversionPlan("spm12"),
        InversionPlan("spm25"),
        InversionPlan(noise="white"),
        InversionPlan(centre="yes"),
        InversionPlan(starts=8),
        InversionPlan(seed=1),
    ]
    assert len({plan.attributes(plain)[INVERSION_KEY] for plan in plans}) == len(plans)
    assert (
        InversionPlan(centre="file").attributes(plain)[INVERSION_KEY]
        == InversionPlan(centre="yes").attributes(plain)[INVERSION_KEY]
    )
    assert (
        InversionPlan(starts=1, seed=3).attributes(plain)[INVERSION_KEY]
        == InversionPlan(starts=1).attributes(plain)[INVERSION_KEY]
    )


def test_series_that_spm_left_scaled_are_taken_as_measured(study: Path) -> None:
    plain = read_one(study / "DCM_sub-01.mat")
    data, scale = plain.data.prepared(True)
    content = {**plain.content, "Y": {**plain.content["Y"], "scale": np.array([[scale]])}}
    left = replace(plain, data=data, content=content)
    series = plain.data.bold - plain.data.bold.mean(axis=0)
    assert scale < 1
    np.testing.assert_allclose(InversionPlan().as_inverted(left).data.bold, series, atol=1e-12)
    (remark,) = InversionPlan().remarks(left)
    assert remark.startswith("U.u is centred already")
    assert remark.endswith("give inputs as presented, 0 where nothing is, to have A without input")
    assert (InversionPlan().centres(left), InversionPlan(centre="no").centres(left)) == (
        True,
        True,
    )  # their zero is lost, and it is said
    assert InversionPlan("spm12").as_inverted(left).data is data


def test_bad_files_do_not_hold_up_the_good(effconn: Effconn, study: Path, tmp_path: Path) -> None:
    (tmp_path / "DCM_bad.mat").write_bytes(b"not MATLAB")
    truncated = (study / "DCM_sub-02.mat").read_bytes()
    (tmp_path / "DCM_cut.mat").write_bytes(truncated[: len(truncated) // 2])
    (tmp_path / "empty").mkdir()
    files = [tmp_path, study / "DCM_sub-01.mat", tmp_path / "nowhere.mat", tmp_path / "empty"]
    done = effconn("invert", *files, "--out", tmp_path / "out", "--json", tmp_path / "run.json")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    for start in ("DCM_bad.mat: ", "DCM_cut.mat: ", "nowhere.mat: does not exist", f"{tmp_path / 'empty'}: holds no"):
        assert sum(line.startswith(start) for line in lines) == 1, done.stderr
    assert "1 inverted, 4 unreadable" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "sub-01.nc").exists()
    assert len(json.loads((tmp_path / "run.json").read_text())["errors"]) == 4


def test_gated_models_take_the_nonlinear_integrator(effconn: Effconn, study: Path, tmp_path: Path) -> None:
    save(tmp_path / "DCM_gated.mat", 0, gated=True)
    files = tmp_path / "DCM_gated.mat", study / "DCM_sub-01.mat"
    done = effconn("invert", *files, "--compat", "spm12", "--out", tmp_path / "out", "--json", tmp_path / "run.json")
    assert done.returncode == 0, done.stderr
    assert "nonlinear integrator, with exact derivatives, for gated" in done.stderr
    assert "mode: spm12" in done.stdout  # SPM has another integrator for gated models too: no mixture
    entries = json.loads((tmp_path / "run.json").read_text())["participants"]
    assert [entry["integrator"] for entry in entries] == ["nonlinear", "bilinear"]


def start(study: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
    """A run at the moment at which two results are there."""
    command = [*COMMAND, "invert", str(study), "--out", str(folder), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + 60
    while len(list(folder.glob("[!.]*.nc"))) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return process


def test_a_killed_run_goes_on_where_it_stopped(effconn: Effconn, study: Path, inverted: Path, tmp_path: Path) -> None:
    process = start(study, tmp_path)
    process.kill()
    process.communicate()
    left = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert 2 <= sum(path.suffix == ".nc" for path in left) < 6
    for path in left:
        assert (read_posterior if path.suffix == ".nc" else read_one)(path)
    done = effconn("invert", study, "--out", tmp_path)
    assert done.returncode == 0
    assert " kept from an earlier run" in done.stderr
    for path in sorted(inverted.glob("sub-0[2-6].nc")):
        one, other = read_posterior(path)[0], read_posterior(tmp_path / path.name)[0]
        np.testing.assert_allclose(one.mean, other.mean, atol=1e-8)
        assert one.free_energy == pytest.approx(other.free_energy, abs=1e-8)


def test_an_interrupted_run_says_so(study: Path, tmp_path: Path) -> None:
    process = start(study, tmp_path, "--integrator", "bilinear", "--starts", "8")  # soon begun, and long at work
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "effconn: interrupted; what was finished is written, and the same command goes on from there" in errors
    assert "Traceback" not in errors
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} <= {".effconn"}


def test_results_compare_with_themselves(effconn: Effconn, inverted: Path, study: Path, tmp_path: Path) -> None:
    assert effconn("invert", study / "DCM_sub-04.mat", "--out", tmp_path, "--compat", "spm12").returncode == 0
    files = [tmp_path / "DCM_sub-04.mat", study / "DCM_sub-06.mat", inverted / "DCM_sub-03.mat"]
    done = effconn("compare-spm", *files, "--json", tmp_path / "x.json")
    assert done.returncode == 1
    assert "sub-06: not comparable; the file holds no estimate" in done.stdout
    assert "1 of 1 with F ≥ F of SPM12 − 0.5" in done.stdout
    report = json.loads((tmp_path / "x.json").read_text())
    assert report["compat"] == "spm12"
    first, last, ours = report["participants"]
    assert "effconn estimated it in mode none" in ours["status"]
    assert abs(first["delta_f"]) < 1e-6
    assert first["prediction_error_at_spm"] < 1e-9
    assert last["status"].startswith("failed: ")


def test_info_speaks_json(effconn: Effconn) -> None:
    found = json.loads(effconn("info", "--json").stdout)
    assert found["precision"] == "float64"
    assert found["cores"] >= 1
    assert "pip install 'effconn[cuda]'" in effconn("info").stdout or found["gpu"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("invert", "x.mat"), "--out"),
        (("invert", "--out", "x"), "files"),
        (("invert", "x.mat", "--out", "x", "--starts", "0"), "--starts"),
        (("invert", "x.mat", "--out", "x", "--prior", "spm25"), "--prior is gone; --priors"),
        (("invert", "x.mat", "--out", "x", "--noise-prior", "wide"), "--noise-prior is gone; --priors (none: a wide"),
        (("invert", "x.mat", "--out", "x", "--compat", "SPM12"), "'SPM12' is not one of 'none', 'spm12', 'spm25'"),
        (("invert", "x.mat", "--out", "x", "--compat", "spm8"), "--compat"),
        (("invert", "x.mat", "--out", "x", "--compat", "none, but noise = 'white'"), "--compat"),
        (("invert", "x.mat", "--out", "x", "--compat", ""), "--compat"),
        (("invert", "x.mat", "--out", "x", "--priors", "wide"), "--priors"),
        (("invert", "x.mat", "--out", "x", "--noise", "settled"), "--noise"),
        (("invert", "x.mat", "--out", "x", "--centre", "true"), "--centre"),
        (("invert", "x.mat", "--out", "x", "--derivatives", "spm"), "derivatives='spm' are SPM12's finite differences"),
        (
            ("invert", "x.mat", "--out", "x", "--compat", "spm12", "--integrator", "nonlinear", "--derivatives", "spm"),
            "reproduces SPM12's bilinear integrator",
        ),
        (("compare-spm", "x.mat", "--compat", "none"), "--compat none is no SPM, whose numbers are compared here"),
        (("compare-spm", "x.mat", "--compat", "exact"), "--compat"),
        (("invert", "x.mat", "--out", "x", "--tolerance", "-1"), "tolerance must be positive"),
        (("invert", "nowhere.mat", "--out", "x"), "no file could be read"),
        (("compare-spm", "nowhere.mat"), "no file could be read"),
        (("inverse",), "inverse"),
    ],
)
def test_mistakes_in_the_arguments_exit_with_2(effconn: Effconn, arguments: tuple[str, ...], says: str) -> None:
    done = effconn(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_inputs_are_never_overwritten(effconn: Effconn, study: Path) -> None:
    before = (study / "DCM_sub-01.mat").read_bytes()
    done = effconn("invert", study, "--out", study)
    assert done.returncode == 2
    assert "which effconn did not write" in done.stderr
    assert (study / "DCM_sub-01.mat").read_bytes() == before


def test_a_package_that_shadows_ours_is_named(process: Effconn, tmp_path: Path) -> None:
    (tmp_path / "peb.py").write_text("")
    done = process("info", PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert done.returncode == 2
    assert f"{tmp_path / 'peb.py'} shadows effconn's own package 'peb'" in done.stderr


def test_an_unusable_cache_is_a_note(effconn: Effconn, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = effconn("info", EFFCONN_CACHE=str(tmp_path / "file"))
    assert done.returncode == 0
    assert "set EFFCONN_CACHE to a folder that is" in done.stderr


def test_tracebacks_are_for_debugging(effconn: Effconn) -> None:
    """An error that is raised as it is, which Python prints with its traceback."""
    with pytest.raises(UsageError, match="no file could be read"):
        effconn("compare-spm", "nowhere.mat", "--debug")


def test_a_file_that_effconn_did_not_write_is_not_overwritten(effconn: Effconn, study: Path, tmp_path: Path) -> None:
    own = (study / "DCM_sub-01.mat").read_bytes()
    (tmp_path / "DCM_sub-01.mat").write_bytes(own)
    done = effconn("invert", study / "DCM_sub-01.mat", "--out", tmp_path)
    assert done.returncode == 2
    assert "which effconn did not write" in done.stderr
    assert (tmp_path / "DCM_sub-01.mat").read_bytes() == own


def test_another_participant_of_the_same_name_is_not_replaced(effconn: Effconn, study: Path, tmp_path: Path) -> None:
    for folder, source in (("one", "DCM_sub-01.mat"), ("two", "DCM_sub-02.mat")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "DCM_task.mat").write_bytes((study / source).read_bytes())
    assert effconn("invert", tmp_path / "one" / "DCM_task.mat", "--out", tmp_path / "out").returncode == 0
    done = effconn("invert", tmp_path / "two" / "DCM_task.mat", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "from another file of that name" in done.stderr
