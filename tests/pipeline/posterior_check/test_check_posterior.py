"""`effconn check-posterior`: from files to a verdict, and a clear line for whatever cannot be checked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from command_line import effconn
from one_region import specified_struct

from dcm import ChainSettings, PosteriorDraws
from pipeline.matlab import load_mat, save_mat
from pipeline.posterior_check import PosteriorCheck, compare_posterior, read_posteriors
from pipeline.results import read_posterior

QUICK = ("--chains", 2, "--warmup", 25, "--draws", 25)


@pytest.fixture(scope="module")
def specified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("specified") / "DCM_sub-01.mat"
    scipy.io.savemat(path, {"DCM": specified_struct(1)})
    return path


@pytest.fixture(scope="module")
def result(specified: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result of `effconn invert`, in another folder than its source."""
    folder = tmp_path_factory.mktemp("results") / "inner" / "deep" / "out"
    assert effconn("invert", specified, "--compat", "spm12", "--out", folder).returncode == 0
    return folder / "sub-01.nc"


def test_a_result_is_checked_with_the_series_it_was_made_from(specified: Path, result: Path, tmp_path: Path) -> None:
    done = effconn(
        "check-posterior",
        result,
        "--series",
        specified.parent,
        *QUICK,
        "--out",
        tmp_path,
        "--json",
        tmp_path / "c.json",
    )
    assert done.returncode == 0, done.stderr
    [check] = json.loads((tmp_path / "c.json").read_text())["checks"]
    assert check["sentence"] in " ".join(done.stdout.split())
    posterior, _ = read_posterior(result)
    for row, mean in zip(check["parameters"], posterior.mean[posterior.free], strict=True):
        assert row["mean"] == mean
        assert row["sampled_low"] < row["sampled_mean"] < row["sampled_high"]
    assert {path.name for path in tmp_path.iterdir()} >= {"check_sub-01.svg", "check_sub-01.png"}


def test_the_copy_for_spm_beside_a_result_has_its_series(specified: Path, result: Path) -> None:
    by_copy, by_source = (read_posteriors([result], places, "none")[0] for places in ([], [specified]))
    for posterior in (by_copy, by_source):
        assert [found.name for found in posterior] == ["sub-01"]
    first, second = (one.subject.data.prepared(one.subject.centre_inputs)[0] for [one] in (by_copy, by_source))
    np.testing.assert_allclose(first.bold, second.bold, atol=1e-12)


def test_what_spm_estimated_is_checked_as_spm_left_it(specified: Path, result: Path, tmp_path: Path) -> None:
    """Our own inversion in SPM's form, without our mark: SPM's file holds no more."""
    content = dict(load_mat(result.with_name("DCM_sub-01.mat"))["DCM"])
    del content["effconn"]
    save_mat(tmp_path / "DCM_estimated.mat", {"DCM": content})
    found, lines = read_posteriors([tmp_path / "DCM_estimated.mat"], [], "none")
    assert lines == []
    [one] = found
    posterior, _ = read_posterior(result)
    np.testing.assert_allclose(one.posterior.mean, posterior.mean)
    np.testing.assert_allclose(one.posterior.covariance, posterior.covariance, rtol=1e-6, atol=1e-12)
    assert one.posterior.settings.noise == "spm12"


def test_what_nobody_estimated_is_inverted_first(specified: Path) -> None:
    [one], lines = read_posteriors([specified], [], "spm12")
    assert lines == []
    assert one.remark.startswith("not inverted yet")
    assert one.posterior.settings.compat == "spm12"


def unreadable(tmp_path: Path, specified: Path, result: Path) -> dict[str, tuple[list[object], str]]:
    """What is given, and what the line has to say."""
    empty, file, changed, other = tmp_path / "empty", tmp_path / "file", tmp_path / "changed", tmp_path / "other"
    alone = tmp_path / "alone.nc"
    shutil.copy(result, alone)
    for folder in (empty, changed, other):
        folder.mkdir()
    file.write_text("text")
    scipy.io.savemat(changed / "DCM_sub-01.mat", {"DCM": specified_struct(2)})
    damaged = tmp_path / "damaged.nc"
    damaged.write_bytes(result.read_bytes()[:-200])
    lacking = specified_struct(1)
    del lacking["Y"]
    scipy.io.savemat(other / "DCM_without.mat", {"DCM": lacking})
    scipy.io.savemat(other / "SPM.mat", {"SPM": {"xY": 1.0}})
    half = specified_struct(1) | {"Ep": {"A": np.zeros((1, 1))}}
    scipy.io.savemat(other / "DCM_half.mat", {"DCM": half})
    return {
        "no such file": ([tmp_path / "DCM_none.mat"], "does not exist"),
        "no such result": ([tmp_path / "none.nc"], "does not exist"),
        "an empty folder": ([empty], "holds no NAME.nc and no DCM_*.mat"),
        "no MATLAB file": ([file], "file: "),
        "a damaged result": ([damaged], "damaged"),
        "series nowhere": ([alone], "say where they are with --series"),
        "series changed": ([alone, "--series", changed], "has changed since it was inverted"),
        "series place": ([result, "--series", tmp_path / "gone"], "does not exist"),
        "no data": ([other / "DCM_without.mat"], "Y"),
        "no DCM": ([other / "SPM.mat"], "not a DCM"),
        "half an estimate": ([other / "DCM_half.mat"], "Ep"),
        "effconn's copy for SPM": ([result.with_name("DCM_sub-01.mat")], "give sub-01.nc instead"),
        "one chain": ([result, "--chains", 1], "chains must lie between 2"),
        "odd draws": ([result, "--draws", 30], "draws must be a multiple of 25"),
        "no warm-up": ([result, "--warmup", 0], "warmup must lie between 25"),
        "out is a file": ([result, "--out", file], "is a file; give a folder"),
    }


def test_what_cannot_be_checked_says_why_in_one_line(tmp_path: Path, specified: Path, result: Path) -> None:
    for what, (arguments, said) in unreadable(tmp_path, specified, result).items():
        done = effconn("check-posterior", *arguments)
        assert done.returncode == 2, what
        assert said.lower() in done.stderr.lower(), (what, done.stderr)
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) <= 2, (what, done.stderr)


def test_what_can_be_checked_is_checked_beside_what_cannot(specified: Path, result: Path, tmp_path: Path) -> None:
    shutil.copy(result, tmp_path / "sub-01.nc")
    found, lines = read_posteriors([result, result, tmp_path / "none.nc"], [specified], "none")
    assert [posterior.name for posterior in found] == ["sub-01"]
    assert len(lines) == 2


def test_without_numpyro_the_remedy_is_said(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "numpyro" else object())
    from pipeline.cli._check_posterior import run_check_posterior
    from pipeline.common import UsageError

    with pytest.raises(UsageError, match="pip install numpyro"):
        run_check_posterior([result], [], "none", ChainSettings(), None, None)


def checked(result: Path, *, spread: float = 1.0, shift: float = 0.0, **changed: Any) -> PosteriorCheck:
    """A check against draws from a known density: the Gaussian, wider by a factor and moved by some SDs."""
    posterior, _ = read_posterior(result)
    rng = np.random.default_rng(0)
    mean, sd = posterior.mean[posterior.free], np.sqrt(np.diag(posterior.covariance))
    draws = mean + sd * (shift + spread * rng.standard_normal((4, 2000, sd.size)))
    noise = np.zeros((4, 2000, 1))
    ends = {"r_hat": np.ones(sd.size), "sample_size": np.full(sd.size, 2000.0), "noise_r_hat": 1.0, "divergences": 0}
    made = PosteriorDraws(
        posterior.names, draws, noise, noise, **(ends | changed), evaluations=1, settings=ChainSettings()
    )
    return compare_posterior("sub-01", posterior, made, 1.0)


def test_draws_of_the_gaussian_itself_make_it_believable(result: Path) -> None:
    check = checked(result)
    assert check.verdict == "believable"
    for row in check.parameters:
        assert row.held == pytest.approx(0.9, abs=0.02)
        assert row.sd_ratio == pytest.approx(1, abs=0.03)
        assert row.sampled_low == pytest.approx(row.low, abs=0.1 * row.sd)
        assert row.sampled_high == pytest.approx(row.high, abs=0.1 * row.sd)


@pytest.mark.parametrize(
    ("how", "verdict"),
    [
        ({"spread": 1.2}, "with care"),
        ({"spread": 1.6}, "not believable"),
        ({"shift": 1.0}, "not believable"),
        ({"r_hat": np.full(5, 1.3)}, "not known"),
        ({"divergences": 500}, "not known"),
        ({"sample_size": np.full(5, 20.0)}, "not known"),
        ({"noise_r_hat": np.nan}, "not known"),
    ],
)
def test_the_verdict_follows_the_worst_connection(result: Path, how: dict[str, Any], verdict: str) -> None:
    assert checked(result, **how).verdict == verdict
