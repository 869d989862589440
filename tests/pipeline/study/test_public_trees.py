"""Raw datasets with fMRIPrep beside them, laid out as public ones are: what init makes of them, and check says."""

from __future__ import annotations

from pathlib import Path

import pytest
from dataset_trees import BESIDE, EVENTS, TABLE, fmriprep, people, plant, rows
from started_studies import checked, started

from pipeline.stages import preflight
from pipeline.study import read_study, survey_dataset

GAMBLES = "onset\tduration\ttrial_type\tgain\tresponse_time\n" + "".join(
    f"{t}\t3\tparametric gain\t{t % 7}\t1.{t}\n" for t in range(0, 60, 6)
)


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


def test_one_visit_of_three_runs(tmp_path: Path) -> None:
    """As ds005 with derivatives: run-1 of fMRIPrep's is run-01 of the raw data."""
    bids = plant(
        tmp_path / "ds005",
        [
            "{participants.tsv,task-mixedgamblestask_bold.json}",
            "sub-{01..06}/func/*_task-mixedgamblestask_run-{01..03}_{bold.nii.gz,events.tsv}",
            *fmriprep("sub-{01..06}/func/*_task-mixedgamblestask_run-{1..3}", within=BESIDE),
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
            *fmriprep(f"sub-{{01..05}}/ses-{{pre,post}}/func/*_{task}_run-{{01..06}}", within=BESIDE),
            *fmriprep(f"sub-06/ses-{{pre,post}}/func/*_{task}_run-{{01,03,06}}", within=BESIDE),
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
            *fmriprep(f"sub-{{01..04}}/ses-{{test,retest}}/func/*_task-{{{names},linebisection}}", within=BESIDE),
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
                name
                for name in fmriprep("sub-{01..04}/func/*_task-{cuedSGT_run-{01..04},rest_run-01}", within=BESIDE)
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
            *fmriprep(f"{visits}/func/*_task-{{nback_run-{{01,02}},rest}}", confounds="regressors", within=BESIDE),
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


def test_one_session_is_no_pair(tmp_path: Path) -> None:
    """As ds000117, of whose sessions ses-mri and ses-meg one has images."""
    bids = plant(
        tmp_path / "ds000117",
        [
            "participants.tsv",
            "sub-{01..04}/ses-mri/func/*_task-facerecognition_run-{01..09}_{bold.nii.gz,events.tsv}",
            "sub-{01..04}/ses-meg/meg/*_task-facerecognition_run-{01..06}_{meg.fif,events.tsv}",
            *fmriprep("sub-{01..04}/ses-mri/func/*_task-facerecognition_run-{01..09}", within=BESIDE),
        ],
        {"participants.tsv": TABLE + people(4)},
    )
    assert started(tmp_path, bids)["sessions"] == {"order": ["ses-mri"]}
    assert checked(tmp_path) == []


def test_sessions_that_few_have_are_no_sessions_of_the_study(tmp_path: Path) -> None:
    bids = plant(
        tmp_path / "mixed",
        [
            "participants.tsv",
            "{sub-{01..04}/func/*,sub-05/ses-1/func/*}_task-x_{bold.nii.gz,events.tsv}",
            *fmriprep("sub-{01..04}/func/*_task-x", within=BESIDE),
            *fmriprep("sub-05/ses-1/func/*_task-x", within=BESIDE),
        ],
        {"participants.tsv": TABLE + people(5)},
    )
    assert "sessions" not in started(tmp_path, bids)
    assert "participants with sessions: 1, without: 4" in " ".join(survey_dataset(bids, None).notes)
    inventory, errors = preflight(read_study(tmp_path / "study.toml"))
    assert (errors, len(inventory.runs)) == ([], 4)
    assert inventory.absences[0].problem == "sub-05 has sessions (ses-1), the study has none"


def test_images_in_spaces_of_their_own_are_remarked_on(tmp_path: Path) -> None:
    bids = plant(
        tmp_path / "native",
        [
            "participants.tsv",
            "sub-{01..04}/func/*_task-x_{bold.nii.gz,events.tsv}",
            *fmriprep("sub-{01..04}/func/*_task-x", space="T1w", within=BESIDE),
        ],
        {"participants.tsv": TABLE + people(4)},
    )
    started(tmp_path, bids)
    inventory = preflight(read_study(tmp_path / "study.toml"))[0]
    assert any("space: T1w is each participant's own" in line for line in inventory.remarks)


def test_of_several_acquisitions_one_is_asked_for(tmp_path: Path) -> None:
    """As 7t_trt: a whole brain and a part of it in each session, and sessions.tsv with scores."""
    bids = plant(
        tmp_path / "7t_trt",
        [
            "participants.tsv",
            "sub-{01..03}/*_sessions.tsv",
            "sub-{01..03}/ses-{1,2}/func/*_task-rest_acq-{fullbrain_run-{1,2},prefrontal}_bold.nii.gz",
            "sub-{01..03}/ses-{1,2}/fmap/*_run-{1,2}_{phasediff.nii.gz,phasediff.json,magnitude1.nii.gz}",
            *fmriprep("sub-{01..03}/ses-{1,2}/func/*_task-rest_acq-{fullbrain_run-{1,2},prefrontal}", within=BESIDE),
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
            *fmriprep("sub-{01..03}/func/*_task-stopsignal_run-{01,02}", within=BESIDE),
        ],
        {"participants.tsv": TABLE + people(3), "events.tsv": heading + events + "75\tn/a\tNULL\tn/a\tn/a\tn/a\n"},
    )
    content = started(tmp_path, bids)
    assert content["tasks"]["stopsignal"]["conditions"] == {"GO": ["GO"], "STOP": ["STOP"]}
    assert checked(tmp_path) == []
