"""`effconn peb --reinvert`: from results and their series to a group under its own empirical priors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from command_line import effconn
from one_region import specified_struct

from dcm import Settings
from pipeline.results import posterior_dataset, read_posterior, write_dataset

QUICK = ("--integrator", "bilinear", "--noise", "white", "--starts", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six participants' DCM files, and their results beside them."""
    folder = tmp_path_factory.mktemp("reinvert")
    for i, drive in enumerate(np.linspace(0.5, 1.0, 6)):
        scipy.io.savemat(folder / f"DCM_sub-{i + 1:02d}.mat", {"DCM": specified_struct(i, drive)})
    done = effconn("invert", *sorted(folder.glob("DCM_*.mat")), *QUICK, "--out", folder / "results")
    assert done.returncode == 0, done.stderr
    return folder


def test_effects_before_and_after_are_shown_and_the_group_is_the_later(folder: Path, tmp_path: Path) -> None:
    done = effconn(
        "peb",
        "fit",
        folder / "results",
        "--fields",
        "C",
        "--reinvert",
        "--out",
        tmp_path,
        "--json",
        tmp_path / "group.json",
    )
    assert done.returncode == 0, done.stderr
    assert "inverted again, round 1: F " in done.stderr
    assert "Before and after participants were inverted again" in done.stdout
    reported = json.loads((tmp_path / "group.json").read_text())
    [row], [effect] = reported["reinversion"], reported["effects"]
    assert row["mean_again"] == effect["mean"]
    assert row["mean_again"] > row["mean"] > 0  # the first prior's mean is 0
    assert reported["reinversion_rounds"] > 1
    assert "converged" in (tmp_path / "group.html").read_text()


def test_spms_scheme_of_the_noise_is_refused(folder: Path, tmp_path: Path) -> None:
    for path in sorted((folder / "results").glob("*.nc"))[:2]:
        posterior, attributes = read_posterior(path)
        by_spm = replace(posterior, settings=Settings("spm12"))
        ours = posterior_dataset(by_spm, name=path.stem, attrs={})
        write_dataset(tmp_path / path.name, ours.assign_attrs(attributes | ours.attrs))
    done = effconn("peb", "fit", tmp_path, "--fields", "C", "--reinvert", "--series", folder)
    assert done.returncode == 2
    assert "sub-01 was inverted by SPM's scheme of the noise" in done.stderr
    assert "invert with --compat none" in done.stderr


def test_results_without_their_series_are_named(folder: Path, tmp_path: Path) -> None:
    for path in (folder / "results").glob("*.nc"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    done = effconn("peb", "fit", tmp_path, "--fields", "C", "--reinvert")
    assert done.returncode == 2
    assert "lacks those of sub-01: " in done.stderr
    assert "say where they are with --series" in done.stderr
    found = effconn("peb", "fit", tmp_path, "--fields", "C", "--reinvert", "--series", folder)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--reinvert", "--change", "ses-1,ses-2"), "leave one of them out"),
        (("--series", "."), "--reinvert, which is not given"),
        (("--reinvert", "--between", "gaussian"), "--reinvert is for the default group"),
    ],
)
def test_options_that_do_not_go_together_are_refused(folder: Path, options: tuple[str, ...], line: str) -> None:
    done = effconn("peb", "fit", folder / "results", "--fields", "C", *options)
    assert done.returncode == 2
    assert line in done.stderr


def test_whoever_is_left_out_is_not_told_of_the_covariate(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "participants.tsv"
    table.write_text("participant_id\tscore\n" + "".join(f"sub-{i:02d}\t{i}\n" for i in range(1, 7)))
    for command in ("leave-one-out", "permute"):
        options = ("--design", table, "--fields", "C", "--covariate", "score", "--reinvert")
        done = effconn("peb", command, folder / "results", *options)
        assert done.returncode == 2
        assert "would tell everybody's inversion of the covariate" in done.stderr


def test_participants_files_decide_and_not_others_of_their_names(folder: Path, tmp_path: Path) -> None:
    """A DCM file beside the results, of the same name, that nobody has inverted."""
    for path in (folder / "results").glob("*.nc"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "DCM_sub-01.mat").write_bytes((folder / "DCM_sub-02.mat").read_bytes())
    options = ("--fields", "C", "--reinvert", "--series", folder, "--json", tmp_path / "group.json")
    assert effconn("peb", "fit", tmp_path, *options).returncode == 0
    with_it = json.loads((tmp_path / "group.json").read_text())["reinversion"]
    assert effconn("peb", "fit", folder / "results", *options[:3], *options[5:]).returncode == 0
    assert json.loads((tmp_path / "group.json").read_text())["reinversion"] == with_it


def test_a_place_for_series_that_is_not_there_is_named(folder: Path) -> None:
    done = effconn("peb", "fit", folder / "results", "--fields", "C", "--reinvert", "--series", folder / "nowhere")
    assert done.returncode == 2
    assert "nowhere does not exist; check the path" in done.stderr
