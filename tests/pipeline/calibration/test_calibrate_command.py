"""`effconn calibrate`: page and JSON of a DCM file, and one clear line for whatever cannot be calibrated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import effconn

SaveMat = Callable[..., Path]
QUICK = ("--compat", "spm12", "--datasets", "6", "--snr", "1", "--groups", "0", "--seed", "3")


@pytest.fixture
def struct(dcm_struct: dict[str, Any]) -> dict[str, Any]:
    """A specified DCM of 40 scans whose second input changes two connections, not centred."""
    dcm_struct["b"] = np.stack([np.zeros((2, 2)), 1 - np.eye(2)], axis=2)
    dcm_struct["options"]["centre"] = 0.0
    return dcm_struct


def test_the_command_writes_a_page_and_json_and_repeats_itself(
    struct: dict[str, Any], save_v7: SaveMat, tmp_path: Path
) -> None:
    file = save_v7(DCM=struct)
    command = ["calibrate", file, *QUICK, "--groups", "2", "--participants", "20", "--out", tmp_path / "one"]
    done = effconn(*command)
    assert done.returncode == 0, done.stderr
    assert "Nothing is inverted yet: noise that correlates 0.3" in done.stderr
    assert "mode spm12: bilinear equations, noise spm12, 1 start, inputs uncentred" in done.stderr
    assert (
        "Are the intervals of this design calibrated? No: At a signal-to-noise ratio of 1, 90 % intervals hold"
        in done.stdout
    )
    page = (tmp_path / "one" / "calibration.html").read_text(encoding="utf-8")
    assert page.index("Are the intervals of this design calibrated?") < page.index("<svg")
    for picture in ("coverage", "recovery", "power"):
        assert (tmp_path / "one" / "figures" / f"{picture}.png").exists()
    reported = json.loads((tmp_path / "one" / "calibration.json").read_text(encoding="utf-8"))
    assert {row["field"] for row in reported["cells"]} == {"A", "B", "C"}
    for cell in reported["cells"]:
        assert {"field", "snr", "coverage", "coverage_se", "sd_z", "bias", "wrong_sign_99"} <= cell.keys()
        assert 0 <= cell["coverage"] <= 100
    assert reported["models"]
    assert {"n", "effect", "power", "false"} <= reported["power"][0].keys()

    again = effconn(*command)
    assert "12 inversions were kept" in again.stderr
    assert (tmp_path / "one" / "calibration.html").read_text(encoding="utf-8") == page


def changed(struct: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return struct | fields


BAD_FILES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "inputs that never vary": (
        lambda one: changed(one, U={**one["U"], "u": np.column_stack([one["U"]["u"][:, 0], np.ones(640)])}),
        "input faces never varies, so that no data tell what it does; check its events",
    ),
    "inputs that are zero": (
        lambda one: changed(one, U={**one["U"], "u": np.zeros((640, 2))}),
        "is zero for every input that drives a region",
    ),
    "no inputs": (
        lambda one: changed(one, U={"dt": 0.125, "name": one["U"]["name"], "u": np.zeros((0, 0))}),
        "models of rest without inputs are not supported",
    ),
    "a spectral DCM": (
        lambda one: changed(one, options={**one["options"], "induced": 1.0}),
        "options.induced is set: a spectral DCM",
    ),
    "a stochastic DCM": (
        lambda one: changed(one, options={**one["options"], "stochastic": 1.0}),
        "options.stochastic is set",
    ),
    "no data": (lambda one: {key: one[key] for key in ("a", "b", "c", "d")}, "a model structure without data"),
    "nothing driven": (lambda one: changed(one, c=np.zeros((2, 2))), "no input drives a region"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_files_that_cannot_be_calibrated_get_one_line(
    case: str, struct: dict[str, Any], save_v7: SaveMat, tmp_path: Path
) -> None:
    make, message = BAD_FILES[case]
    file = save_v7(DCM=make(struct))
    refused("calibrate", file, *QUICK, "--out", tmp_path / "out", says=message)


BAD_OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "negative ratio": (("--snr", "-1"), "--snr takes numbers from 0.01 to 1000 such as 0.5,1,3, not '-1'"),
    "ratio of zero": (("--snr", "1,0"), "--snr takes numbers from 0.01 to 1000 such as 0.5,1,3, not '0'"),
    "ratio in words": (("--snr", "high"), "not 'high'"),
    "no data sets": (("--datasets", "0"), "--datasets must be a whole number from 1 to 100,000, not 0"),
    "negative seed": (("--seed", "-1"), "--seed must be a whole number from 0"),
    "negative groups": (("--groups", "-1"), "--groups must be a whole number from 0"),
    "participants in words": (("--participants", "many"), "--participants takes whole numbers from 4 to 1000"),
    "too few participants": (("--participants", "20,2"), "not '2'"),
    "unknown mode": (("--compat", "spm8"), "--compat must be none, spm12 or spm25, not 'spm8'"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_options_that_cannot_be_get_one_line(
    case: str, struct: dict[str, Any], save_v7: SaveMat, tmp_path: Path
) -> None:
    options, message = BAD_OPTIONS[case]
    refused("calibrate", save_v7(DCM=struct), *options, "--out", tmp_path / "out", says=message)


def test_files_that_are_not_there_or_no_study_get_one_line(
    struct: dict[str, Any], save_v7: SaveMat, tmp_path: Path
) -> None:
    refused("calibrate", tmp_path / "DCM_none.mat", says="does not exist; give a STUDY.toml or DCM_*.mat files")
    empty = tmp_path / "empty"
    empty.mkdir()
    refused("calibrate", empty, says="holds no DCM_*.mat")
    noise = tmp_path / "DCM_noise.mat"
    noise.write_bytes(b"\0" * 300)
    refused("calibrate", noise, says="DCM_noise.mat")
    study = tmp_path / "study.toml"
    study.write_text("[study", encoding="utf-8")
    refused("calibrate", study, says="study.toml")
    refused("calibrate", study, save_v7(DCM=struct), says="give one study or DCM_*.mat files")
    other = struct | {"a": np.eye(2)}
    refused(
        "calibrate",
        save_v7(DCM=struct),
        save_v7("DCM_sub-02.mat", DCM=other),
        says="of another model than sub-01: sub-02; give files of one model",
    )
    taken = tmp_path / "taken"
    taken.touch()
    refused("calibrate", save_v7(DCM=struct), "--out", taken, says="is a file; give a folder")


def refused(*arguments: object, says: str) -> None:
    """The command ends with a code, a line that says why, and no traceback."""
    done = effconn(*arguments)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_inputs_that_were_centred_get_their_zero_back(
    estimated_struct: dict[str, Any], struct: dict[str, Any], save_v7: SaveMat
) -> None:
    from pipeline.calibration import read_file_design

    inputs = struct["U"]["u"]
    centred = {**struct["U"], "u": inputs - inputs.mean(axis=0)}
    said: list[str] = []
    design = read_file_design([save_v7(DCM=struct | {"U": centred})], said.append)
    assert set(np.unique(design.templates[0].inputs)) == {0.0, 1.0}
    assert any("taken for their zero" in line for line in design.assumptions)
    assert design.ratios == (0.5, 1.0, 3.0)
