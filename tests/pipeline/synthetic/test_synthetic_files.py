"""A synthetic study is a dataset that effconn and others read, the same every time, and nobody else's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nilearn.interfaces.bids import parse_bids_filename
from nilearn.interfaces.fmriprep import load_confounds

from pipeline.bids import collect_inventory
from pipeline.study import read_study
from pipeline.synthetic import StudyDesign, write_study
from pipeline.tables import read_table

PREPROCESSED = "space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"


def image(study: Path, visit: str, task: str = "faces") -> Path:
    participant, session = visit.split("_")
    folder = study / "bids" / "derivatives" / "fmriprep" / participant / session / "func"
    return folder / f"{visit}_task-{task}_{PREPROCESSED}"


def test_the_configuration_is_valid_and_finds_every_run_but_those_never_acquired(
    study: Path, design: StudyDesign
) -> None:
    inventory = collect_inventory(read_study(study / "study.toml"))
    assert not inventory.errors
    assert len(inventory.runs) == design.runs == 6 * 2 * 3 - 2
    missing = {(absence.participant, absence.session, absence.task) for absence in inventory.absences}
    assert missing == {("sub-02", "ses-1", "stroop"), ("sub-05", "ses-2", "rest")}
    assert {run.repetition_time for run in inventory.runs if run.task == "rest"} == {2.0}
    assert {run.repetition_time for run in inventory.runs if run.task != "rest"} == {1.5}


def test_runs_never_acquired_left_nothing(study: Path) -> None:
    assert not list(study.rglob("sub-02_ses-1_task-stroop*"))
    assert not list(study.rglob("sub-05_ses-2_task-rest*"))


def test_file_names_are_those_of_bids(study: Path) -> None:
    files = [path for path in study.rglob("func/*") if path.is_file()]
    suffixes = {"bold", "events", "mask", "timeseries"}
    for path in files:
        parts = parse_bids_filename(path)
        assert (f"sub-{parts['entities']['sub']}", f"ses-{parts['entities']['ses']}") == path.parts[-4:-2]
        assert parts["entities"]["task"] in ("faces", "stroop", "rest")
        assert parts["suffix"] in suffixes
    assert {parse_bids_filename(path)["suffix"] for path in files} == suffixes


def test_every_json_and_table_can_be_read(study: Path) -> None:
    for path in study.rglob("*.json"):
        assert isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    for path in study.rglob("*.tsv"):
        assert read_table(path).rows, path


def test_events_lie_within_their_run_and_have_response_times(study: Path, design: StudyDesign) -> None:
    for task, kinds in (("faces", {"faces", "shapes"}), ("stroop", {"congruent", "incongruent"})):
        length = design.scans(task) * design.spacing(task)  # type: ignore[arg-type]  # a str stands for one of its words
        for path in study.rglob(f"*task-{task}_events.tsv"):
            table = read_table(path)
            onset, duration = (np.array(table.column(name), dtype=float) for name in ("onset", "duration"))
            assert (onset >= 0).all()
            assert (np.diff(onset) > 0).all()
            assert (onset + duration <= length).all()
            assert set(table.column("trial_type")) == kinds
            times = np.array([float(cell) for cell in table.column("response_time") if cell != "n/a"])
            assert ((times > 0.2) & (times < 3)).all()


def test_nilearn_reads_the_confounds(study: Path) -> None:
    confounds, _ = load_confounds(
        str(image(study, "sub-01_ses-1")),
        strategy=["motion", "wm_csf", "global_signal", "high_pass"],
        motion="full",
        wm_csf="full",
        global_signal="full",
    )
    assert {"trans_x_derivative1_power2", "csf_power2", "global_signal_derivative1", "cosine00"} <= set(confounds)
    assert len(confounds) == 80
    assert np.isfinite(confounds.to_numpy()).all()


def test_framewise_displacement_is_power_s_and_greater_in_the_restless(study: Path) -> None:
    means = {}
    for path in study.rglob("*task-faces_desc-confounds_timeseries.tsv"):
        table = read_table(path)
        motion = np.array([table.column(f"{kind}_{axis}") for kind in ("trans", "rot") for axis in "xyz"], dtype=float)
        expected = np.abs(np.diff(motion)).T @ [1, 1, 1, 50, 50, 50]
        displacement = table.column("framewise_displacement")
        assert displacement[0] == "n/a"
        np.testing.assert_allclose(np.array(displacement[1:], dtype=float), expected, rtol=1e-4, atol=1e-6)
        means[path.name[:12]] = expected.mean()
    restless = means.pop("sub-03_ses-1")
    assert restless > 1.5 * max(means.values())


def test_volumes_before_the_steady_state_are_bright_and_marked(study: Path) -> None:
    for visit, expected in (("sub-01_ses-2", 2), ("sub-01_ses-1", 0)):
        path = image(study, visit)
        table = read_table(path.with_name(path.name.replace(PREPROCESSED, "desc-confounds_timeseries.tsv")))
        assert sum(name.startswith("non_steady_state") for name in table.columns) == expected
        series = np.array(table.column("global_signal"), dtype=float)
        assert (series[0] > 1.1 * series[5:].mean()) == bool(expected)


def test_images_are_finite_in_mni_space_and_a_thousand_on_average(study: Path) -> None:
    path = image(study, "sub-01_ses-1")
    run, mask = nib.load(path), nib.load(path.with_name(path.name.replace("preproc_bold", "brain_mask")))
    values, inside = run.get_fdata(), mask.get_fdata() > 0
    assert run.get_data_dtype() == np.int16
    assert run.header.get_zooms() == (6.0, 6.0, 6.0, 1.5)
    assert int(run.header["sform_code"]) == int(run.header["qform_code"]) == 4
    np.testing.assert_array_equal(run.affine, mask.affine)
    assert np.isfinite(values).all()
    assert (values[inside].min(axis=1) > 0).all()
    assert values[inside].mean() == pytest.approx(1000, rel=0.05)
    assert 1500 < inside.sum() * 0.216 < 2200  # ml


def test_a_dropout_leaves_holes_in_vmpfc_only(study: Path) -> None:
    masks = [
        nib.load(path.with_name(path.name.replace("preproc_bold", "brain_mask")))
        for path in (image(study, "sub-01_ses-1"), image(study, "sub-06_ses-1"))
    ]
    whole, holed = (mask.get_fdata() > 0 for mask in masks)
    lost = np.argwhere(whole & ~holed) @ masks[0].affine[:3, :3].T + masks[0].affine[:3, 3]
    assert len(lost) >= 8
    assert not (holed & ~whole).any()
    assert (np.linalg.norm(lost - [0, 54, -20], axis=1) < 20).all()


def test_same_seed_same_bytes(study: Path, design: StudyDesign, tmp_path: Path) -> None:
    write_study(tmp_path, design=design, seed=3)
    files = sorted(path.relative_to(study) for path in study.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    for name in files:
        assert (study / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_a_smaller_study_in_the_same_folder_leaves_no_run_that_it_lacks(study: Path, tmp_path: Path) -> None:
    shutil.copytree(study, tmp_path, dirs_exist_ok=True)
    assert image(tmp_path, "sub-02_ses-2").exists()
    first = image(tmp_path, "sub-01_ses-1").read_bytes()
    progress: list[tuple[int, int]] = []
    write_study(
        tmp_path,
        design=StudyDesign(3, 3, faces_scans=80, stroop_scans=0, rest_scans=0, missing=((2, 2, "faces"),)),
        seed=5,
        on_progress=lambda done, total: progress.append((done, total)),
    )
    assert not list(tmp_path.rglob("sub-02_ses-2_task-faces*"))
    assert not list(tmp_path.rglob("*_task-stroop_*.nii.gz"))
    assert image(tmp_path, "sub-01_ses-1").read_bytes() != first  # another seed, another study
    assert progress == [(i + 1, 11) for i in range(11)]


def test_another_dataset_is_not_written_over(tmp_path: Path) -> None:
    precious = tmp_path / "bids" / "participants.tsv"
    precious.parent.mkdir()
    precious.write_text("participant_id\n", encoding="utf-8")
    with pytest.raises(ValueError, match="is not of a synthetic study; give another folder"):
        write_study(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [precious]
