"""Datasets laid out as public ones are: what `effconn init` makes of them, and `effconn check` says."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from dataset_trees import EVENTS, fmriprep, plant
from jsonschema import Draft202012Validator

from pipeline.cli._init import run_init
from pipeline.common import UsageError
from pipeline.stages import preflight
from pipeline.study import StudyError, read_study, study_schema

TABLE = "participant_id\tsex\tage\n"


def rows(labels: str, cells: str = "F\t20") -> str:
    """A table of participants, all alike."""
    return "".join(f"{label}\t{cells}\n" for label in labels.split())


def people(count: int, *cells: str) -> str:
    """Rows of numbered participants, with cells in turn."""
    return "".join(
        f"sub-{n:02d}\t{'FM'[n % 2]}\t{20 + n}{cells[n % len(cells)] if cells else ''}\n" for n in range(1, count + 1)
    )


def started(folder: Path, bids: Path | None, derivatives: Path | None = None) -> dict[str, Any]:
    """What init writes, with regions that the tiny images hold."""
    path = folder / "study.toml"
    run_init(bids, path, force=True, derivatives=derivatives)
    region = "sphere = { centre = [3, 3, 3], radius = 5 }"
    path.write_text(path.read_text().replace('preset = "target-circuit"', region))
    content = tomllib.loads(path.read_text())
    Draft202012Validator(study_schema()).validate(content)
    return content


def checked(folder: Path) -> list[str]:
    """What keeps a study from running, a line each; none where it may."""
    try:
        return preflight(read_study(folder / "study.toml"))[1]
    except StudyError as error:
        return list(error.lines)


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


def test_raw_data_alone_lack_one_thing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As ds005: 16 participants, one visit of three runs, sidecars at the root; nothing is preprocessed."""
    bids = plant(
        tmp_path / "ds005",
        [
            "{CHANGES,README,dataset_description.json,participants.tsv,task-mixedgamblestask_bold.json}",
            "models/ds-005_type-test_model.json",
            "sub-{01..16}/anat/*_{T1w,inplaneT2}.nii.gz",
            "sub-{01..16}/func/*_task-mixedgamblestask_run-{01..03}_{bold.nii.gz,events.tsv}",
        ],
        {"participants.tsv": TABLE + people(16), "events.tsv": GAMBLES},
    )
    content = started(tmp_path, bids)
    assert "missing: there are no preprocessed images in the dataset or beside it" in capsys.readouterr().err
    assert "sessions" not in content
    assert content["participants"] == {}
    assert content["tasks"]["mixedgamblestask"]["conditions"] == {"parametric-gain": ["parametric gain"]}
    assert content["group"]["mean"] == {"design": "1", "fields": ["B"]}
    (line,) = checked(tmp_path)
    assert "ds005/derivatives/fmriprep does not exist; run fMRIPrep, or correct the path" in line


GAMBLES = "onset\tduration\ttrial_type\tgain\tresponse_time\n" + "".join(
    f"{t}\t3\tparametric gain\t{t % 7}\t1.{t}\n" for t in range(0, 60, 6)
)


def test_one_visit_of_three_runs(tmp_path: Path) -> None:
    """As ds005 with derivatives: run-1 of fMRIPrep's is run-01 of the raw data."""
    bids = plant(
        tmp_path / "ds005",
        [
            "{participants.tsv,task-mixedgamblestask_bold.json}",
            "sub-{01..06}/func/*_task-mixedgamblestask_run-{01..03}_{bold.nii.gz,events.tsv}",
            *(
                f"derivatives/fmriprep/{name}"
                for name in fmriprep("sub-{01..06}/func/*_task-mixedgamblestask_run-{1..3}")
            ),
        ],
        {"participants.tsv": TABLE + people(6), "events.tsv": GAMBLES},
    )
    content = started(tmp_path, bids)
    assert "All 3 runs of a session are used" in (tmp_path / "study.toml").read_text()
    assert "run" not in content["tasks"]["mixedgamblestask"]
    assert "covariates may be added: 1 + …, of sex, age" in (tmp_path / "study.toml").read_text()
    assert checked(tmp_path) == []
    assert len(preflight(read_study(tmp_path / "study.toml"))[0].runs) == 18


def test_sessions_before_and_after_of_six_runs(tmp_path: Path) -> None:
    """As ds006: pre and post, of which the alphabet would make post and pre; not every run is there."""
    task = "task-livingnonlivingdecisionwithplainormirrorreversedtext"
    bids = plant(
        tmp_path / "ds006",
        [
            f"{{participants.tsv,{task}_bold.json}}",
            f"sub-{{01..06}}/ses-{{pre,post}}/func/*_{task}_run-{{01..06}}_{{bold.nii.gz,events.tsv}}",
            *(
                f"derivatives/fmriprep/{name}"
                for visits in (
                    "sub-{01..05}/ses-{pre,post}/func/*_%s_run-{01..06}",
                    "sub-06/ses-{pre,post}/func/*_%s_run-{01,03,06}",
                )
                for name in fmriprep(visits % task)
            ),
        ],
        {"participants.tsv": TABLE + people(6), "events.tsv": EVENTS.replace("\tb", "\tjunk")},
    )
    content = started(tmp_path, bids)
    assert content["sessions"] == {"before": "ses-pre", "after": "ses-post"}
    assert "All 3 or 6 runs of a session" in (tmp_path / "study.toml").read_text()
    assert checked(tmp_path) == []


def test_test_and_retest_with_events_at_the_root(tmp_path: Path) -> None:
    """As ds114: five tasks, the events of four of them at the root, of the fifth beside the runs."""
    tasks = ["covertverbgeneration", "fingerfootlips", "overtverbgeneration", "overtwordrepetition"]
    names = ",".join(tasks)
    bids = plant(
        tmp_path / "ds114",
        [
            "{participants.tsv,dwi.bval}",
            f"task-{{{names},linebisection}}_bold.json",
            f"task-{{{names}}}_events.tsv",
            f"sub-{{01..04}}/ses-{{test,retest}}/func/*_task-{{{names},linebisection}}_bold.nii.gz",
            "sub-{01..04}/ses-{test,retest}/func/*_task-linebisection_events.tsv",
            *(
                f"derivatives/fmriprep/{name}"
                for name in fmriprep(f"sub-{{01..04}}/ses-{{test,retest}}/func/*_task-{{{names},linebisection}}")
            ),
        ],
        {
            "participants.tsv": "participant_id\tdominant_hand\n"
            + rows("sub-01 sub-02", "left")
            + rows("sub-03 sub-04", "right")
        },
    )
    content = started(tmp_path, bids)
    assert content["sessions"] == {"before": "ses-test", "after": "ses-retest"}
    assert list(content["tasks"]) == sorted([*tasks, "linebisection"])
    assert all(task["conditions"] == {"a": ["a"], "b": ["b"]} for task in content["tasks"].values())
    assert checked(tmp_path) == []


def test_several_echoes(tmp_path: Path) -> None:
    """As ds210: raw echoes and their sidecars at the root; fMRIPrep combined them and kept the single ones too."""
    bids = plant(
        tmp_path / "ds210",
        [
            "{T1w.json,dataset_description.json}",
            "task-{cuedSGT,rest}_echo-{1..3}_bold.json",
            "sub-{01..04}/func/*_task-cuedSGT_run-{01..04}_echo-{1..3}_bold.nii.gz",
            "sub-{01..04}/func/*_task-{cuedSGT_run-01,rest_run-01}_physio.tsv.gz",
            "sub-{01..04}/func/*_task-rest_run-01_echo-{1..3}_bold.nii.gz",
            "derivatives/fmriprep/sub-{01..04}/func/*_task-rest_run-01_echo-{1..3}_desc-preproc_bold.nii.gz",
            *(
                f"derivatives/fmriprep/{name}"
                for name in fmriprep("sub-{01..04}/func/*_task-{cuedSGT_run-{01..04},rest_run-01}")
                if not name.endswith("bold.json")
            ),
        ],
        {"echo-1_bold.json": '{"RepetitionTime": 2.0, "EchoTime": 0.012}'},
    )
    content = started(tmp_path, bids)
    assert content["tasks"] == {"cuedSGT": {"events": "?"}, "rest": {"rest": True}}
    (line,) = checked(tmp_path)
    assert "tasks.cuedSGT.events: is still '?'" in line
    file = tmp_path / "study.toml"
    file.write_text(file.read_text().replace('events = "?"', "rest = true"))
    assert checked(tmp_path) == [], "without participants.tsv, all who have a folder take part"
    runs = preflight(read_study(file))[0].runs
    assert len(runs) == 20
    assert {run.echo_time for run in runs} == {None}, "of the first echo it is not that of their combination"


def test_the_synthetic_dataset(tmp_path: Path) -> None:
    """Five participants, two sessions of two runs and rest; fMRIPrep's confounds called regressors, T1w beside MNI."""
    visits = "sub-{01..05}/ses-{01,02}"
    bids = plant(
        tmp_path / "synthetic",
        [
            "{participants.tsv,dataset_description.json,task-{nback,rest}_bold.json,task-stroop_beh.json}",
            f"{visits}/anat/*_T1w.nii",
            f"{visits}/*_scans.tsv",
            f"{visits}/func/*_task-nback_run-{{01,02}}_{{bold.nii,events.tsv}}",
            f"{visits}/func/*_task-{{nback_run-{{01,02}},rest}}_bold.nii",
            f"{visits}/func/*_task-{{nback_run-{{01,02}},rest}}_{{physio.tsv.gz,stim.tsv.gz}}",
            "derivatives/fmriprep/{dataset_description.json,.bidsignore,CHANGES}",
            f"derivatives/fmriprep/{visits}/func/*_task-{{nback_run-{{01,02}},rest}}_space-T1w_desc-preproc_bold.nii.gz",
            *(
                f"derivatives/fmriprep/{name}"
                for name in fmriprep(f"{visits}/func/*_task-{{nback_run-{{01,02}},rest}}", confounds="regressors")
            ),
        ],
        {
            "participants.tsv": "participant_id\tage\tsex\n" + "".join(f"sub-0{n}\t{30 + n}\tM\n" for n in range(1, 6)),
            ".bidsignore": "*_timeseries.tsv\n*_regressors.tsv\n",
            "ses-01_scans.tsv": "filename\tacq_time\nfunc/x\t1880-01-10T05:17:54\n",
            "ses-02_scans.tsv": "filename\tacq_time\nfunc/x\t1880-02-10T05:17:54\n",
        },
    )
    content = started(tmp_path, bids)
    assert content["sessions"] == {"before": "ses-01", "after": "ses-02"}
    assert content["tasks"]["rest"] == {"rest": True}
    assert content["group"]["mean"]["of"] == "change"
    assert "covariates may be added: 1 + …, of age" in (tmp_path / "study.toml").read_text()
    assert checked(tmp_path) == []


def test_numbers_of_sessions_and_participants(tmp_path: Path) -> None:
    """As the UK Biobank: ses-2 and ses-3 are its instances, labels are numbers, most have one session."""
    bids = plant(
        tmp_path / "ukb",
        [
            "participants.tsv",
            "sub-{1000012,1000025,1000038,1000043}/ses-2/func/*_task-{rest,faces}_bold.nii.gz",
            "sub-{1000012,1000025,1000038}/ses-3/func/*_task-{rest,faces}_bold.nii.gz",
            "task-{faces,rest}_bold.json",
            "task-faces_events.tsv",
        ],
        {"participants.tsv": "participant_id\tage\n1000012\t50\n1000025\t61\n1000038\t47\n1000043\t66\n"},
    )
    made = plant(
        tmp_path / "derivatives" / "fmriprep-23.2.0",
        [
            *fmriprep("sub-{1000012,1000025,1000038,1000043}/ses-2/func/*_task-{rest,faces}"),
            *fmriprep("sub-{1000012,1000025,1000038}/ses-3/func/*_task-{rest,faces}"),
        ],
    )
    content = started(tmp_path, bids)
    assert content["study"]["derivatives"] == "derivatives/fmriprep-23.2.0"
    assert (
        'derivatives = "derivatives/fmriprep-23.2.0"  # check: beside the dataset'
        in (tmp_path / "study.toml").read_text()
    )
    assert content["sessions"] == {"before": "ses-2", "after": "ses-3"}
    assert checked(tmp_path) == []
    alone = started(tmp_path, None, made)
    assert "bids" not in alone["study"]


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
            *(f"derivatives/fmriprep/fmriprep/{file}" for file in fmriprep(name, "MNI152NLin6Asym_res-2")),
        ],
        {"participants.tsv": TABLE + people(3)},
    )
    content = started(tmp_path, bids)
    assert content["study"]["derivatives"] == "bids/derivatives/fmriprep/fmriprep"
    assert content["study"]["resolution"] == "2"
    assert content["tasks"]["faces"]["conditions"] == {"a": ["a"], "b": ["b"]}
    assert checked(tmp_path) == []


def test_one_session_is_no_pair(tmp_path: Path) -> None:
    """As ds000117, of whose sessions ses-mri and ses-meg one has images."""
    bids = plant(
        tmp_path / "ds000117",
        [
            "participants.tsv",
            "sub-{01..04}/ses-mri/func/*_task-facerecognition_run-{01..09}_{bold.nii.gz,events.tsv}",
            "sub-{01..04}/ses-meg/meg/*_task-facerecognition_run-{01..06}_{meg.fif,events.tsv}",
            *(
                f"derivatives/fmriprep/{file}"
                for file in fmriprep("sub-{01..04}/ses-mri/func/*_task-facerecognition_run-{01..09}")
            ),
        ],
        {"participants.tsv": TABLE + people(4)},
    )
    assert started(tmp_path, bids)["sessions"] == {"order": ["ses-mri"]}
    assert checked(tmp_path) == []


def test_three_groups_are_no_trial(tmp_path: Path) -> None:
    bids = plant(
        tmp_path / "bids",
        [
            "participants.tsv",
            "sub-{01..09}/func/*_task-faces_{bold.nii.gz,events.tsv}",
            *(f"derivatives/fmriprep/{file}" for file in fmriprep("sub-{01..09}/func/*_task-faces")),
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
            *(f"derivatives/fmriprep/{file}" for file in fmriprep("sub-{01..04}/ses-{1,2}/func/*_task-faces")),
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
            *(f"derivatives/fmriprep/{file}" for file in fmriprep("sub-{01..03,pilot1}/func/*_task-faces")),
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
            *(f"derivatives/fmriprep/{file}" for file in fmriprep("sub-{01..04}/func/*_task-faces")),
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
            *(f"derivatives/fmriprep/{file}" for file in fmriprep("sub-{01..04}/func/*_task-faces")),
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
            *(f"derivatives/fmriprep/{file}" for file in fmriprep("sub-{01..03}/func/*_task-faces")),
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


def test_of_several_acquisitions_one_is_asked_for(tmp_path: Path) -> None:
    """As 7t_trt: a whole brain and a part of it in each session, and sessions.tsv with scores."""
    bids = plant(
        tmp_path / "7t_trt",
        [
            "participants.tsv",
            "sub-{01..03}/*_sessions.tsv",
            "sub-{01..03}/ses-{1,2}/func/*_task-rest_acq-{fullbrain_run-{1,2},prefrontal}_bold.nii.gz",
            "sub-{01..03}/ses-{1,2}/fmap/*_run-{1,2}_{phasediff.nii.gz,phasediff.json,magnitude1.nii.gz}",
            *(
                f"derivatives/fmriprep/{file}"
                for file in fmriprep("sub-{01..03}/ses-{1,2}/func/*_task-rest_acq-{fullbrain_run-{1,2},prefrontal}")
            ),
        ],
        {
            "participants.tsv": TABLE + people(3),
            "sessions.tsv": "session_id\thours_of_sleep\tmood\nses-1\t8\tcalm\nses-2\t7\ttired\n",
        },
    )
    content = started(tmp_path, bids)
    assert content["tasks"]["rest"] == {"acquisition": "fullbrain", "rest": True}
    assert '# check: of a session\'s ["fullbrain", "prefrontal"] one is used' in (tmp_path / "study.toml").read_text()
    assert "hours_of_sleep (numbers), mood (calm / tired)" in (tmp_path / "study.toml").read_text()
    assert checked(tmp_path) == []


def test_columns_of_a_stop_signal_task(tmp_path: Path) -> None:
    """As ds009: events with many columns, and a trial type whose end nobody noted."""
    heading = "onset\tduration\ttrial_type\tStopSignalDelay\tReactionTime\tTrialOutcome\n"
    events = "".join(f"{t}\t1.5\t{('GO', 'STOP')[t // 10 % 2]}\t250\tn/a\tright\n" for t in range(0, 70, 10))
    bids = plant(
        tmp_path / "ds009",
        [
            "participants.tsv",
            "sub-{01..03}/*_scans.tsv",
            "sub-{01..03}/func/*_task-stopsignal_run-{01,02}_{bold.nii.gz,events.tsv}",
            *(f"derivatives/fmriprep/{file}" for file in fmriprep("sub-{01..03}/func/*_task-stopsignal_run-{01,02}")),
        ],
        {"participants.tsv": TABLE + people(3), "events.tsv": heading + events + "75\tn/a\tNULL\tn/a\tn/a\tn/a\n"},
    )
    content = started(tmp_path, bids)
    assert content["tasks"]["stopsignal"]["conditions"] == {"GO": ["GO"], "STOP": ["STOP"]}
    assert checked(tmp_path) == []


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


def test_a_score_of_three_sessions_falls_between_the_first_and_the_last(tmp_path: Path) -> None:
    bids = plant(
        tmp_path / "bids",
        [
            "{participants.tsv,task-faces_events.tsv,phenotype/hamd.tsv}",
            "sub-{01..06}/ses-{1..3}/func/*_task-faces_bold.nii.gz",
            *(f"derivatives/fmriprep/{file}" for file in fmriprep("sub-{01..06}/ses-{1..3}/func/*_task-faces")),
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
