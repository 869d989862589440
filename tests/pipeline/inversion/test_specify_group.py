"""One model for many participants: who they are, one file each, and one participant's trouble is no other's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_up_vois import design, voi

from pipeline.cli._app import run_command
from pipeline.inversion import find_participant_folders
from pipeline.spm import read_dcm

Save = Callable[..., Path]
MODEL = '[dcm]\nregions = ["left", "right2"]\ninputs = ["task"]\nc.task = ["left"]\n'


@pytest.fixture
def cohort(save_v7: Save, cells: Any, tmp_path: Path) -> Path:
    """sub-1 and sub-2, with two sessions in an SPM.mat; sub-2 lacks a region in the second."""
    for participant in ("sub-1", "sub-2"):
        for session in (1, 2):
            for region in ("left", "right2"):
                if (participant, session, region) != ("sub-2", 2, "left"):
                    name = f"data/{participant}/glm/VOI_{region}_{session}.mat"
                    save_v7(name, xY=voi(region, session=session))
        save_v7(f"data/{participant}/glm/SPM.mat", SPM=design(cells, sessions=2))
    (tmp_path / "model.toml").write_text(MODEL)
    return tmp_path


def specify(cohort: Path, *options: str) -> int:
    return run_command(
        ["specify", str(cohort / "model.toml"), str(cohort / "data"), "--out", str(cohort / "dcm"), *options]
    )


def test_every_participant_gets_a_file_by_the_name_of_the_folder(cohort: Path) -> None:
    assert specify(cohort) == 0
    assert sorted(path.name for path in (cohort / "dcm").iterdir()) == ["DCM_sub-1.mat", "DCM_sub-2.mat"]
    assert read_dcm(cohort / "dcm" / "DCM_sub-2.mat").spec.regions == ("left", "right2")


def test_a_participant_who_lacks_a_region_stops_no_other(cohort: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cohort / "model.toml").write_text(MODEL + 'session = "all"\nname = "small"\n')
    assert specify(cohort, "--json", str(cohort / "made.json")) == 1
    made = json.loads((cohort / "made.json").read_text())
    assert [Path(file["file"]).name for file in made["specified"]] == [
        "DCM_sub-1_ses-1_small.mat",
        "DCM_sub-1_ses-2_small.mat",
        "DCM_sub-2_ses-1_small.mat",
    ]
    (failure,) = made["failed"]
    assert (failure["participant"], failure["session"]) == ("sub-2", 2)
    assert "has no VOI called 'left'" in failure["failure"]
    assert "sub-2: SPM.mat: has no VOI called 'left' (xY.name) in session 2" in capsys.readouterr().err


def test_what_is_there_is_kept_without_force(cohort: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert specify(cohort) == 0
    before = (cohort / "dcm" / "DCM_sub-1.mat").stat().st_mtime_ns
    assert specify(cohort) == 1
    assert "is there already; --force replaces it" in capsys.readouterr().err
    assert (cohort / "dcm" / "DCM_sub-1.mat").stat().st_mtime_ns == before
    assert specify(cohort, "--force") == 0


def test_vois_may_lie_elsewhere(cohort: Path) -> None:
    for glm in (cohort / "data").glob("sub-*/glm"):
        (glm.parent / "voi").mkdir()
        for path in glm.glob("VOI_*_1.mat"):
            path.rename(glm.parent / "voi" / path.name)
        for path in glm.glob("VOI_*.mat"):
            path.unlink()
    assert specify(cohort) == 2
    assert specify(cohort, "--voi", "../voi/VOI_*.mat") == 0


def test_a_damaged_file_of_another_region_is_in_nobodys_way(cohort: Path) -> None:
    (cohort / "data" / "sub-1" / "glm" / "VOI_other_1.mat").write_bytes(b"damaged")
    assert specify(cohort) == 0
    (cohort / "data" / "sub-1" / "glm" / "VOI_left_1.mat").write_bytes(b"damaged")
    assert specify(cohort, "--force") == 1


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["study/anna/glm", "study/bob/glm"], ["anna", "bob"]),
        (["sub-01/ses-1/glm", "sub-01/ses-2/glm"], ["sub-01_ses-1", "sub-01_ses-2"]),
        (["anna"], ["anna"]),
    ],
)
def test_participants_are_called_by_what_tells_them_apart(tmp_path: Path, folders: list[str], names: list[str]) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "SPM.mat").touch()
    found = find_participant_folders([tmp_path / folders[0].split("/")[0]] if len(folders) < 2 else [tmp_path])
    assert [participant.name for participant in found] == names


def test_linked_folders_keep_the_names_they_are_given_by(cohort: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    for participant, place in (("anna", "sub-1"), ("bob", "sub-2")):
        (tmp_path / "linked" / participant).symlink_to(cohort / "data" / place / "glm")
    (tmp_path / "linked" / "loop").symlink_to(tmp_path / "linked")
    found = find_participant_folders([tmp_path / "linked"])
    assert [participant.name for participant in found] == ["anna", "bob"]
    assert [len(participant.vois) for participant in found] == [4, 3]


def test_files_that_only_link_to_content_elsewhere_are_named(cohort: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("sub-1/glm/SPM.mat", "sub-2/glm/VOI_left_1.mat"):
        path = cohort / "data" / name
        path.unlink()
        path.symlink_to(cohort / "annex" / "nowhere")
    assert specify(cohort) == 1
    shown = capsys.readouterr().err
    assert "sub-1: SPM.mat: is a link to a file that is not here; fetch it" in shown
    assert "sub-2: VOI_left_1.mat: is a link to a file that is not here; fetch it" in shown


def test_a_file_that_is_no_voi_is_named_where_a_region_is_missing(
    cohort: Path, save_v7: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = cohort / "data" / "sub-1" / "glm"
    (folder / "VOI_left_1.mat").unlink()
    save_v7(str(folder / "VOI_both_1.mat"), xY=1.0)
    assert specify(cohort) == 1
    assert "has no VOI called 'left'" in (shown := capsys.readouterr().err)
    assert "VOI_both_1.mat: is no VOI file" in shown
