"""Datasets with odd names, links, files without content and telling tables: what init makes of them, and check says."""

from __future__ import annotations

from pathlib import Path

import pytest
from dataset_trees import BESIDE, TABLE, fmriprep, people, plant
from started_studies import checked, started

from pipeline.stages import preflight
from pipeline.study import read_study


@pytest.mark.parametrize(
    "name",
    [
        "sub-{01..03}/func/*_acq-mb_task-faces_dir-AP_run-1",
        "sub-{01..03}/func/*_task-faces_rec-norm_part-mag",
        "sub-{01..03}/ses-1/func/*_task-faces_run-01",
    ],
)
def test_names_of_many_kinds(tmp_path: Path, name: str) -> None:
    """Entities in any order; events and sidecars are found by what names say, wherever they lie."""
    bids = plant(
        tmp_path / "bids",
        [
            "participants.tsv",
            f"{name}_bold.nii.gz",
            "sub-{01..03}/*_task-faces_events.tsv",
            "task-faces_bold.json",
            *fmriprep(name, "MNI152NLin6Asym_res-2", within=f"{BESIDE}/fmriprep"),
        ],
        {"participants.tsv": TABLE + people(3)},
    )
    content = started(tmp_path, bids)
    assert content["study"]["derivatives"] == "bids/derivatives/fmriprep/fmriprep"
    assert content["study"]["resolution"] == "2"
    assert content["tasks"]["faces"]["conditions"] == {"a": ["a"], "b": ["b"]}
    assert checked(tmp_path) == []


def test_three_groups_are_no_trial(tmp_path: Path) -> None:
    bids = plant(
        tmp_path / "bids",
        [
            "participants.tsv",
            "sub-{01..09}/func/*_task-faces_{bold.nii.gz,events.tsv}",
            *fmriprep("sub-{01..09}/func/*_task-faces", within=BESIDE),
        ],
        {"participants.tsv": "participant_id\tsex\tage\tdiagnosis\n" + people(9, "\tSCZ", "\tCONTROL", "\tBIPOLAR")},
    )
    content = started(tmp_path, bids)
    assert content["participants"] == {"group": "diagnosis", "groups": ["BIPOLAR", "SCZ", "CONTROL"]}
    assert content["group"]["groups"]["design"] == "1 + diagnosis"
    assert "arm" not in content["participants"]
    file, other = tmp_path / "study.toml", 'contrasts.other = "BIPOLAR - SCZ"'
    assert other in file.read_text()
    assert checked(tmp_path) == []
    file.write_text(file.read_text().replace('fields = ["B"]', f'fields = ["B"]\n{other}'))
    assert checked(tmp_path) == []


def test_drugs_of_visits_are_noticed(tmp_path: Path) -> None:
    """A crossover: the order of sessions is that of time, and what was given differs."""
    bids = plant(
        tmp_path / "bids",
        [
            "participants.tsv",
            "sub-{01..04}/*_sessions.tsv",
            "sub-{01..04}/ses-{1,2}/func/*_task-faces_{bold.nii.gz,events.tsv}",
            *fmriprep("sub-{01..04}/ses-{1,2}/func/*_task-faces", within=BESIDE),
        ],
        {
            "participants.tsv": TABLE + people(4),
            **{
                f"sub-0{n}_sessions.tsv": "session_id\tdrug\tdose\n"
                + (f"ses-{1 + n % 2}\tketamine\t0.5\nses-{2 - n % 2}\tplacebo\t0\n")
                for n in range(1, 5)
            },
        },
    )
    content = started(tmp_path, bids)
    assert content["visits"] == {}
    assert "drug (ketamine / placebo), dose (numbers)" in (tmp_path / "study.toml").read_text()
    assert content["group"]["drug"]["of"] == "ketamine - placebo"
    assert checked(tmp_path) == []


def test_ignored_folders_and_copies_are_no_participants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["01", "02", "03", "pilot1", "01 copy", 'x"]\n[evil]', "ü"]
    for name in names:
        plant(tmp_path / "bids" / f"sub-{name}" / "func", [f"sub-{name}_task-faces_bold.nii.gz"])
    plant(
        tmp_path / "bids",
        [
            ".bidsignore",
            "task-faces_events.tsv",
            *fmriprep("sub-{01..03,pilot1}/func/*_task-faces", within=BESIDE),
        ],
        {".bidsignore": "*.html\n# pilots\nsub-pilot*/\n**/ses-extra\n"},
    )
    started(tmp_path, tmp_path / "bids")
    assert len(preflight(read_study(tmp_path / "study.toml"))[0].participants) == 3
    told = capsys.readouterr().err
    assert "3 participants" in told
    assert "not looked at, as .bidsignore names them or they are not sub- and letters or digits" in told
    assert "\n[evil]" not in told
    assert checked(tmp_path) == []


def test_links_to_content_that_is_not_here_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a dataset that DataLad has cloned: images are links into .git/annex, without their content."""
    bids = plant(
        tmp_path / "bids",
        [
            "task-faces_events.tsv",
            "sub-{01..04}/func/*_task-faces_bold.nii.gz",
            *fmriprep("sub-{01..04}/func/*_task-faces", within=BESIDE),
        ],
    )
    for image in bids.rglob("*.nii.gz"):
        image.unlink()
        image.symlink_to(f"../../../.git/annex/objects/xx/{image.name}")
    started(tmp_path, bids)
    told = capsys.readouterr().err
    assert "8 of 20 files in " in told
    assert f"links to content that is not here; fetch it: datalad get {bids}/derivatives/fmriprep" in told
    (line,) = checked(tmp_path)
    assert line.endswith(
        f"8 files are links to content that is not here; fetch it: datalad get {bids}/derivatives/fmriprep"
    )


def test_names_without_content_are_counted_in_one_line(tmp_path: Path) -> None:
    """As the examples of BIDS, whose images are empty."""
    bids = plant(
        tmp_path / "bids",
        [
            "task-faces_events.tsv",
            "sub-{01..04}/func/*_task-faces_bold.nii.gz",
            *fmriprep("sub-{01..04}/func/*_task-faces", within=BESIDE),
        ],
        {".nii.gz": ""},
    )
    started(tmp_path, bids)
    (line,) = checked(tmp_path)
    assert line.endswith("derivatives/fmriprep: 8 files are empty (0 bytes), names without content; copy or fetch them")
    inventory = preflight(read_study(tmp_path / "study.toml"))[0]
    assert {absence.problem for absence in inventory.absences} == {"its files have no content here"}


def test_tables_that_cannot_be_read_are_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bids = plant(tmp_path / "bids", ["sub-{01..09}/func/*_task-faces_{bold.nii.gz,events.tsv}"], {"events.tsv": ""})
    started(tmp_path, bids)
    told = capsys.readouterr().err
    assert "sub-01_task-faces_events.tsv: is empty; write a header and its rows (and 8 more of faces)" in told
    assert "sub-02_task-faces_events.tsv" not in told


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    bids = plant(
        tmp_path / "bids",
        [
            "task-faces_events.tsv",
            *fmriprep("sub-{01..03}/func/*_task-faces", within=BESIDE),
            "sub-{01..03}/func/*_task-faces_bold.nii.gz",
        ],
    )
    (bids / "sub-04").symlink_to("sub-04")
    (bids / "sub-01" / "ses-1").symlink_to("..")
    (bids / "derivatives" / "again").symlink_to("..")
    (bids / "derivatives" / "fmriprep" / "derivatives").symlink_to("../..")
    content = started(tmp_path, bids)
    assert content["study"]["derivatives"] == "bids/derivatives/fmriprep"
    assert checked(tmp_path) == []


def test_a_score_of_three_sessions_falls_between_the_first_and_the_last(tmp_path: Path) -> None:
    bids = plant(
        tmp_path / "bids",
        [
            "{participants.tsv,task-faces_events.tsv,phenotype/hamd.tsv}",
            "sub-{01..06}/ses-{1..3}/func/*_task-faces_bold.nii.gz",
            *fmriprep("sub-{01..06}/ses-{1..3}/func/*_task-faces", within=BESIDE),
        ],
        {
            "participants.tsv": "participant_id\tsex\tage\tdiagnosis\n" + people(6, "\tMDD", "\tHC"),
            "hamd.tsv": "participant_id\tsession_id\thamd_total\n"
            + "".join(f"sub-0{n}\tses-{k}\t{20 + n * n - k}\n" for n in range(1, 7) for k in (1, 2, 3)),
        },
    )
    content = started(tmp_path, bids)
    assert content["scores"]["improvement"]["take"] == "fall"
    assert content["sessions"] == {"order": ["ses-1", "ses-2", "ses-3"], "before": "ses-1", "after": "ses-3"}
    assert content["group"]["groups"]["of"] == content["group"]["prediction"]["of"] == "change"
    assert [line for line in checked(tmp_path) if "takes" in line or "row" in line] == []
