"""Derivatives alone, as fMRIPrep, nibabies and XCP-D leave them: what init makes of them, and check says."""

from __future__ import annotations

from pathlib import Path

import pytest
from dataset_trees import EVENTS, fmriprep, plant
from started_studies import checked, started

from pipeline.common import UsageError
from pipeline.stages import preflight
from pipeline.study import read_study


def test_derivatives_alone_without_sessions(tmp_path: Path) -> None:
    """As ds000001-fmriprep: three runs, fMRIPrep 20.2, copies called … 2.json, no events."""
    root = plant(
        tmp_path / "ds000001-fmriprep",
        [
            "dataset_description.json",
            *fmriprep("sub-{10,11,13,16}/func/*_task-balloonanalogrisktask_run-{1..3}", "MNI152NLin2009cAsym_res-2"),
            "sub-10/func/*_task-balloonanalogrisktask_run-1_desc-confounds_timeseries 2.json",
            "logs/CITATION.md",
        ],
        {"dataset_description.json": '{"Name": "fMRIPrep", "DatasetType": "derivative"}'},
    )
    for bids, derivatives in ((None, root), (root, None)):
        content = started(tmp_path, bids, derivatives)
        assert content["study"]["name"] == "ds000001-fmriprep", "and not fMRIPrep, which made it"
        assert "bids" not in content["study"]
        assert content["study"]["derivatives"] == "ds000001-fmriprep"
        assert (content["study"]["space"], content["study"]["resolution"]) == ("MNI152NLin2009cAsym", "2")
        assert "sessions" not in content
        assert content["tasks"] == {"balloonanalogrisktask": {"events": "?"}}
        assert [line.partition(": ")[2][:38] for line in checked(tmp_path)] == [
            "tasks.balloonanalogrisktask.events: is"
        ]


def test_months_of_infants(tmp_path: Path) -> None:
    """As nibabies writes: sessions are months, images in the space of a cohort."""
    made = plant(
        tmp_path / "nibabies",
        fmriprep("sub-{01..04}/ses-{1mo,12mo,6mo}/func/*_task-rest_run-{001,002}", "MNIInfant_cohort-1"),
    )
    content = started(tmp_path, None, made)
    assert content["sessions"]["order"] == ["ses-1mo", "ses-6mo", "ses-12mo"]
    assert (content["sessions"]["before"], content["sessions"]["after"]) == ("ses-1mo", "ses-12mo")
    assert content["study"]["space"] == "MNIInfant_cohort-1"
    assert checked(tmp_path) == []


@pytest.mark.parametrize("parts", ["seg-4S456Parcels_stat-mean", "atlas-Gordon", "seg-Tian_den-91k_stat-mean"])
def test_series_without_images_are_started_from_by_another_command(tmp_path: Path, parts: str) -> None:
    """As XCP-D writes them, of any release."""
    made = plant(
        tmp_path / "xcp_d",
        [
            "{dataset_description.json,sub-01.html}",
            f"sub-{{01..03}}/ses-{{V1,V2}}/func/*_task-rest_space-MNI152NLin6Asym_{parts}_timeseries.tsv",
            "sub-{01..03}/ses-{V1,V2}/func/*_task-rest_space-MNI152NLin6Asym_desc-denoised_bold.nii.gz",
            "sub-{01..03}/ses-{V1,V2}/func/*_task-rest_{motion,outliers}.tsv",
        ],
    )
    for bids, derivatives in ((None, made), (made, None)):
        with pytest.raises(UsageError, match=f"from them by effconn series {made} --out {tmp_path}"):
            started(tmp_path, bids, derivatives)


def test_denoised_images_ask_for_the_preprocessed_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As fMRIPost-AROMA and XCP-D write them."""
    made = plant(
        tmp_path / "fmripost_aroma",
        [
            "sub-{01..03}/func/*_task-rest_space-MNI152NLin6Asym_res-2_desc-{nonaggrDenoised,melodic}_{bold.nii.gz,mixing.tsv}"
        ],
    )
    started(tmp_path, None, made)
    assert "give the fMRIPrep folder that they were made from" in capsys.readouterr().err
    assert len(checked(tmp_path)) == 1


def test_events_elsewhere_are_found_by_a_pattern(tmp_path: Path) -> None:
    """Derivatives alone, with events in a folder of one's own; run-1 of fMRIPrep's is their run 01."""
    made = plant(tmp_path / "fmriprep", fmriprep("sub-{01..03}/func/*_task-faces_run-{1,2}"))
    plant(tmp_path / "timing", ["{01..03}_faces_{01,02}.tsv"], {".tsv": EVENTS})
    started(tmp_path, None, made)
    file = tmp_path / "study.toml"
    file.write_text(file.read_text().replace('events = "?"', 'events = "timing/{participant}_{task}_{run}.tsv"'))
    assert checked(tmp_path) == []
    (tmp_path / "timing" / "02_faces_01.tsv").unlink()
    (absence,) = preflight(read_study(file))[0].absences
    assert "run-1: there are no events by " in absence.problem
    file.write_text(file.read_text().replace("{run}", "{block}"))
    assert "names the field {block}; those are {participant}, {session}, {task}, {run}" in checked(tmp_path)[0]


def test_events_may_lie_in_derivatives(tmp_path: Path) -> None:
    made = plant(tmp_path / "fmriprep", [*fmriprep("sub-{01..03}/func/*_task-faces"), "task-faces_events.tsv"])
    content = started(tmp_path, None, made)
    assert list(content["tasks"]["faces"]["conditions"]) == ["a", "b"]
    assert checked(tmp_path) == []


def test_a_wrong_header_is_overruled(tmp_path: Path) -> None:
    """Sidecars say 1.5 s, headers 2 s: which of them is right, the study's file says, or the time itself."""
    made = plant(
        tmp_path / "fmriprep",
        [*fmriprep("sub-{01..03}/func/*_task-rest"), "dataset_description.json"],
        {"_bold.json": '{"RepetitionTime": 1.5}'},
    )
    started(tmp_path, None, made)
    assert "is 1.5 s by the sidecar, 2 s by the image's header; correct the one that is wrong" in checked(tmp_path)[0]
    file = tmp_path / "study.toml"
    bare = file.read_text()
    for value, seconds in (('"sidecar"', 1.5), ("2.5", 2.5)):
        file.write_text(bare.replace("rest = true", f"rest = true\nrepetition_time = {value}"))
        inventory, errors = preflight(read_study(file))
        assert errors == []
        assert {run.repetition_time for run in inventory.runs} == {seconds}
        assert any("which takes precedence over" in line for line in inventory.remarks)


def test_the_dataset_that_derivatives_are_of_is_found(tmp_path: Path) -> None:
    """Around them, or within them as sourcedata/raw."""
    for bids, made in (
        ("bids", "bids/derivatives/fmriprep"),
        ("out/sourcedata/raw", "out"),
        ("p/rawdata", "p/fmriprep"),
    ):
        plant(tmp_path / bids, ["task-faces_events.tsv", "sub-{01..03}/func/*_task-faces_bold.nii.gz"])
        plant(tmp_path / made, fmriprep("sub-{01..03}/func/*_task-faces"))
        content = started(tmp_path, None, tmp_path / made)
        assert (content["study"]["bids"], content["study"]["derivatives"]) == (bids, made)
        assert checked(tmp_path) == []


def test_both_directions_of_phase_encoding_are_runs(tmp_path: Path) -> None:
    """As of the Human Connectome Project: AP and PA of each run."""
    made = plant(tmp_path / "fmriprep", fmriprep("sub-{100307,100408}/func/*_task-rest_dir-{AP,PA}_run-{1,2}"))
    started(tmp_path, None, made)
    assert "All 4 runs of a session are used" in (tmp_path / "study.toml").read_text()
    inventory, errors = preflight(read_study(tmp_path / "study.toml"))
    assert errors == []
    assert [run.run for run in inventory.runs[:4]] == ["AP1", "AP2", "PA1", "PA2"]


def test_infants_of_two_cohorts_are_in_two_spaces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = plant(
        tmp_path / "nibabies",
        [
            *fmriprep("sub-{01..04}/ses-1mo/func/*_task-rest", "MNIInfant_cohort-1"),
            *fmriprep("sub-{01..03}/ses-12mo/func/*_task-rest", "MNIInfant_cohort-2"),
        ],
    )
    started(tmp_path, None, made)
    assert "3 of 7 visits have no image in MNIInfant_cohort-1, such as sub-01_ses-12mo" in capsys.readouterr().err
    assert "the spaces are MNIInfant_cohort-2" in preflight(read_study(tmp_path / "study.toml"))[0].absences[0].problem
