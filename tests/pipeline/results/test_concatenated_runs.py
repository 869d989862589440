"""Runs that are concatenated, in NetCDF and in SPM's files."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from dcm import Posterior, Settings, Spec, Subject, concatenate_runs, invert, simulate
from pipeline.matlab import load_mat, save_mat
from pipeline.results import open_dataset, open_result, save_result, to_arviz
from pipeline.spm import SpmFileError, read_dcm, write_dcm

SPEC = Spec(["x"], ["task"], np.ones((1, 1)), c=[[1]])
SETTINGS = Settings(integrator="bilinear", starts=1)
TRUE = {"C[x<-task]": 4.0}


@cache
def inverted() -> tuple[Subject, Posterior]:
    u = (np.arange(40 * 16) % 200 < 100).astype(float)[:, None]
    runs = [simulate(SPEC, TRUE, u[: n * 16], 0.125, 2.0, snr=2, seed=n, integrator="bilinear").data for n in (40, 30)]
    subject = Subject("sub-01", SPEC, concatenate_runs(runs))
    return subject, invert(subject, SETTINGS)


def test_a_result_file_holds_where_runs_begin(tmp_path: Path) -> None:
    subject, posterior = inverted()
    save_result(posterior, tmp_path / "sub-01.nc", subject=subject)
    assert open_result(tmp_path / "sub-01.nc").run_starts == (0, 40)
    assert open_dataset(tmp_path / "sub-01.nc")["run"].values.tolist() == [1] * 40 + [2] * 30


def test_a_dcm_file_holds_the_length_of_every_run(tmp_path: Path) -> None:
    subject, posterior = inverted()
    for path, written in ((tmp_path / "DCM_specified.mat", None), (tmp_path / "DCM_estimated.mat", posterior)):
        write_dcm(path, subject, written)
        np.testing.assert_array_equal(load_mat(path)["DCM"]["Y"]["nscan"], [[40, 30]])
        again = read_dcm(path)
        np.testing.assert_array_equal(again.data.run_starts, [0, 40])
        np.testing.assert_array_equal(again.data.confounds, subject.data.confounds)
    write_dcm(tmp_path / "DCM_alone.mat", replace(subject, data=subject.data.as_one_run()))
    assert "nscan" not in load_mat(tmp_path / "DCM_alone.mat")["DCM"]["Y"]


def test_lengths_that_are_not_those_of_the_series_are_refused(tmp_path: Path) -> None:
    write_dcm(tmp_path / "DCM.mat", inverted()[0])
    content = load_mat(tmp_path / "DCM.mat")
    content["DCM"]["Y"]["nscan"] = np.array([[40.0, 31.0]])
    save_mat(tmp_path / "DCM.mat", content)
    with pytest.raises(SpmFileError, match="nscan counts 71 scans, but y has 70"):
        read_dcm(tmp_path / "DCM.mat")


def test_predictive_noise_begins_anew_with_every_run() -> None:
    posterior = replace(inverted()[1], autocorrelation=np.array([0.95]))
    noise = (to_arviz(posterior, draws=4000, seed=0).posterior_predictive["bold"].values - posterior.prediction)[..., 0]
    noise = noise.reshape(-1, noise.shape[-1])
    assert abs(np.corrcoef(noise[:, 39], noise[:, 40])[0, 1]) < 0.1
    assert np.corrcoef(noise[:, 40], noise[:, 41])[0, 1] > 0.9
    assert noise[:, 40].std() == pytest.approx(noise[:, 0].std(), rel=0.1)
