"""A study of region series alone: from files to the report, and every kind of mistake named before it runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from command_line import effconn
from series_study import SCANS, TR, B, events, task_series, write_participants, write_study

from pipeline.bids import Inventory, SeriesRun
from pipeline.images import Extraction, cosine_drifts
from pipeline.series import collect_series, extract_region_series, find_series_files, survey_series
from pipeline.study import StudyError, read_study

Writer = Callable[..., Path]
NAMES = ("LH_PFC_1", "AMY", "noise")
ARMS = {f"{number:02d}": ("drug", "placebo")[number % 2] for number in range(1, 9)}
SERIES = np.column_stack([task_series(0.2, seed=1), np.random.default_rng(2).normal(size=SCANS)])


@pytest.fixture(scope="module")
def written_trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight participants, two sessions, a table each, in which the drug adds 0.8 Hz; leave it as it is."""
    folder = tmp_path_factory.mktemp("trial")
    write_participants(folder, ARMS)
    for participant, arm in ARMS.items():
        for session in ("pre", "post"):
            modulation = 0.2 + (0.8 if (arm, session) == ("drug", "post") else 0.0)
            values = task_series(modulation, seed=2 * int(participant) + (session == "post"))
            table = pd.DataFrame(np.column_stack([values, values[:, :1]]), columns=NAMES)
            table.to_csv(folder / f"{participant}_{session}.csv", sep=";", decimal=",", index=False)
    return folder


@pytest.fixture
def trial(written_trial: Path, tmp_path: Path) -> Path:
    """A copy of one's own."""
    shutil.copytree(written_trial, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.usefixtures("blank_pictures")
def test_a_study_of_series_goes_from_files_to_a_report(trial: Path) -> None:
    more = f'repetition_time = {TR}\nevents = "task-{{task}}_events.tsv"'
    study = write_study(trial, '"{participant}_{session}.csv"', more=more)
    done = effconn("run", study, "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    found = pd.read_csv(trial / "results/group/arms/arms.tsv", sep="\t").query("road == 'one group'")
    change = found.set_index("parameter")["difference"][B]
    assert 0.3 < change < 1.2  # 0.8 Hz is planted
    page = (trial / "results/report.html").read_text(encoding="utf-8")
    assert "read from tables (their extraction and denoising are those of the files)" in page
    for word in ("fMRIPrep", "voxels", "Coverage of the regions", "eigenvariate, with"):
        assert word not in page.split("Glossary")[0]
    measures = pd.read_csv(trial / "results/tables/features.tsv", sep="\t")
    assert len(measures) == 16
    assert not measures.isna().any().any()


def one_run(study: Path) -> Extraction:
    """The extraction of the first run."""
    settings = read_study(study)
    inventory = collect_series(settings)
    assert not inventory.errors
    run = inventory.runs[0]
    assert isinstance(run, SeriesRun)
    return extract_region_series(run, settings)


def _table(folder: Path) -> str:
    pd.DataFrame(SERIES, columns=NAMES).to_csv(folder / "01_pre.tsv", sep="\t", index=False)
    return '"{participant}_{session}.tsv"'


def _array(folder: Path) -> str:
    axes = {"scan": np.arange(SCANS), "region": list(NAMES)}
    xr.DataArray(SERIES, axes, ("scan", "region")).to_netcdf(folder / "01_pre.nc", engine="h5netcdf")
    return '"{participant}_{session}.nc"'


@pytest.mark.parametrize("write", [_table, _array])
def test_series_are_adjusted_for_drifts_and_otherwise_as_they_are(tmp_path: Path, write: Callable[[Path], str]) -> None:
    write_participants(tmp_path, ARMS)
    more = f'repetition_time = {TR}\nevents = "task-faces_events.tsv"'
    found = one_run(_one_session(write_study(tmp_path, write(tmp_path), more=more)))
    drifts = cosine_drifts(SCANS, TR, 128.0)
    np.testing.assert_allclose(found.confounds, drifts)
    left = SERIES[:, :2] - drifts @ np.linalg.lstsq(drifts, SERIES[:, :2], rcond=None)[0]
    np.testing.assert_allclose(found.series, left, atol=1e-12)
    assert (found.regions, found.autocorrelation, found.repetition_time) == (("vmPFC", "amygdala"), 0.0, TR)
    assert found.input_names == ("task", "faces")


def _one_session(study: Path) -> Path:
    """The study with the one session that there is."""
    text = study.read_text(encoding="utf-8").replace('before = "ses-pre"\nafter = "ses-post"', 'order = ["ses-pre"]')
    head, _, tail = text.partition("[group.arms]")
    study.write_text(head + tail.partition("\n\n")[2], encoding="utf-8")
    return study


def test_scans_that_xcpd_cut_out_get_a_regressor_each(tmp_path: Path, write_xcpd: Writer) -> None:
    write_participants(tmp_path, ARMS)
    outliers = np.isin(np.arange(SCANS), [5, 40, 41])
    folder = tmp_path / "xcpd/sub-01/ses-pre/func"
    write_xcpd(folder, "sub-01_ses-pre_task-faces_run-1", SERIES, NAMES, outliers=outliers, censored=True)
    write_xcpd(folder, "sub-01_ses-pre_task-faces", SERIES, NAMES, outliers=outliers, censored=True)  # all runs in one
    more = 'events = "task-faces_events.tsv"'
    study = _one_session(write_study(tmp_path, '"xcpd/**/*_timeseries.tsv"', "arbitrary", more))
    inventory = collect_series(read_study(study))
    assert [run.label for run in inventory.runs] == ["sub-01_ses-pre_task-faces_run-1"]
    assert any("the runs themselves are used" in line for line in inventory.remarks)
    assert any("low-pass filtered at 0.08 Hz" in line for line in inventory.remarks)
    found = one_run(study)
    assert found.confound_names[:3] == ("scan_6", "scan_41", "scan_42")
    assert found.repetition_time == 2.0  # by the sidecar
    assert found.framewise_displacement[5] == 0.9
    np.testing.assert_allclose(found.series[[5, 40, 41]], 0, atol=1e-12)


def test_sessions_in_files_of_conn_are_sessions_of_the_study(tmp_path: Path, write_conn: Writer) -> None:
    write_participants(tmp_path, {"sub-001": "drug", "sub-002": "placebo"})
    for number in (1, 2):
        values = np.vstack([SERIES, SERIES])
        path = tmp_path / f"conn/ROI_Subject00{number}_Condition000.mat"
        write_conn(path, values, NAMES, sessions=np.repeat([1, 2], SCANS))
    more = f'repetition_time = {TR}\nevents = "task-faces_events.tsv"\n'
    study = write_study(tmp_path, '"conn/ROI_*.mat"', more=more)
    text = study.read_text(encoding="utf-8").replace("ses-pre", "ses-1").replace("ses-post", "ses-2")
    study.write_text(text, encoding="utf-8")
    assert "holds 2 sessions; say whether they are" in collect_series(read_study(study)).errors[0]
    study.write_text(
        text.replace("[participants]", 'sessions_in_file = "sessions"\n\n[participants]'), encoding="utf-8"
    )
    inventory = collect_series(read_study(study))
    assert [run.visit for run in inventory.runs] == [f"sub-00{i}_ses-{j}" for i in (1, 2) for j in (1, 2)]
    np.testing.assert_allclose(one_run(study).means, SERIES[:, :2])


def test_who_lacks_a_session_in_a_file_of_conn_has_the_others(tmp_path: Path, write_conn: Writer) -> None:
    write_participants(tmp_path, {"sub-001": "drug", "sub-002": "placebo"})
    both, second = np.repeat([1, 2], SCANS), np.repeat(2, SCANS)
    write_conn(tmp_path / "conn/ROI_Subject001_Condition000.mat", np.vstack([SERIES, SERIES]), NAMES, sessions=both)
    write_conn(tmp_path / "conn/ROI_Subject002_Condition000.mat", SERIES, NAMES, sessions=second)
    more = f'repetition_time = {TR}\nevents = "task-faces_events.tsv"\nsessions_in_file = "sessions"\n'
    study = write_study(tmp_path, '"conn/ROI_*.mat"', more=more)
    text = study.read_text(encoding="utf-8").replace("ses-pre", "ses-1").replace("ses-post", "ses-2")
    study.write_text(text, encoding="utf-8")
    inventory = collect_series(read_study(study))
    assert inventory.errors == ()
    assert [run.visit for run in inventory.runs] == ["sub-001_ses-1", "sub-001_ses-2", "sub-002_ses-2"]
    survey = survey_series(find_series_files([tmp_path / "conn"]))
    assert [(run.participant, run.session) for run in survey.runs][-1] == ("sub-002", "ses-2")


def test_trial_types_that_no_run_has_are_one_line(trial: Path) -> None:
    study = write_study(trial, '"{participant}_{session}.csv"', more=_MORE)
    text = study.read_text(encoding="utf-8").replace(
        'conditions.faces = ["faces"]\nconditions.shapes = ["shapes"]\n', ""
    )
    study.write_text(text.replace('inputs.faces = ["faces"]', 'inputs.faces = ["houses"]'), encoding="utf-8")
    inventory = collect_series(read_study(study))
    assert inventory.errors == ("[dcm] input faces: no run has the trial type 'houses' (trial types: faces, shapes)",)
    assert next(line for line in inventory.remarks if "houses" in line).startswith("sub-01_ses-pre_task-faces, sub-01")


def test_files_of_excluded_participants_may_say_another_session(trial: Path) -> None:
    shutil.copy(trial / "01_pre.csv", trial / "sub-99_faces.csv")
    write_participants(trial, ARMS | {"99": "drug"})
    study = write_study(trial, '["{participant}_{session}.csv", "sub-{participant}_{task}.csv"]', more=_MORE)
    assert "or [participants] exclude" in collect_series(read_study(study)).errors[0]
    text = study.read_text(encoding="utf-8")
    study.write_text(
        text.replace("[participants]", '[participants]\nexclude = { "sub-99" = "a pilot" }'), encoding="utf-8"
    )
    assert collect_series(read_study(study)).errors == ()


_MORE = f'repetition_time = {TR}\nevents = "task-{{task}}_events.tsv"'


def _inventory(folder: Path, files: str = '"{participant}_{session}.csv"', more: str | None = None) -> Inventory:
    more = f'repetition_time = {TR}\nevents = "task-faces_events.tsv"' if more is None else more
    return collect_series(read_study(write_study(folder, files, more=more)))


def test_a_study_may_lie_in_a_folder_called_like_a_wildcard(trial: Path, tmp_path: Path) -> None:
    folder = trial.rename(tmp_path.parent / f"{tmp_path.name} [2]")
    more = f'repetition_time = {TR}\nevents = "task-{{task}}_events.tsv"'
    found = collect_series(read_study(write_study(folder, '"{participant}_{session}.csv"', more=more)))
    assert (found.errors, len(found.runs)) == ((), 16)


def test_what_is_wrong_with_one_run_leaves_the_others(trial: Path) -> None:
    (trial / "01_pre.csv").write_text("LH_PFC_1;AMY\n1;2\n", encoding="utf-8")
    (trial / "02_pre.csv").write_text("LH_PFC_1;other\n1;2\n2;1\n", encoding="utf-8")
    (trial / "03_pre.csv").write_bytes(b"PK\x03\x04 a spreadsheet")
    (trial / "04_pre.csv").unlink()
    (trial / "05_pre.csv").write_text("LH_PFC_1;AMY\n" + "1e300;2\n-1e300;1\n" * 40, encoding="utf-8")
    found = _inventory(trial)
    assert not found.errors
    problems = {absence.label: absence.problem for absence in found.absences}
    assert "has no region 'AMY'" in problems["sub-02_ses-pre_task-faces"]
    assert "is a spreadsheet" in problems["sub-03_ses-pre_task-faces"]
    assert problems["sub-04_ses-pre_task-faces"] == "no file of series is of this run"
    assert "reach 1e+300, as no signal does" in problems["sub-05_ses-pre_task-faces"]
    assert len(found.runs) == 11


def test_chosen_runs_that_are_not_there_are_said_and_cost_no_other(trial: Path) -> None:
    for path in trial.glob("0*_*.csv"):
        path.rename(path.with_name(path.stem + "_run-1.csv"))
    study = write_study(trial, '"{participant}_{session}_run-{run}.csv"', more=_MORE)
    text = study.read_text(encoding="utf-8")
    for runs, absent, usable in (("[1, 9]", 16, 16), ("[9]", 16, 0)):
        study.write_text(text.replace("[tasks.faces]", f"[tasks.faces]\nruns = {runs}"), encoding="utf-8")
        found = collect_series(read_study(study))
        assert (len(found.absences), len(found.runs)) == (absent, usable)
        assert {absence.problem for absence in found.absences} == {
            "there is no run-9; there is run-1: see run of the task"
        }
        assert all("no run can be used; one reason is: there is no run-9" in line for line in found.errors)


def test_raw_numbers_that_are_called_percent_are_remarked_on(trial: Path) -> None:
    (trial / "01_pre.csv").write_text("LH_PFC_1;AMY\n" + "1000;990\n1002;995\n" * (SCANS // 2), encoding="utf-8")
    (remark,) = [line for line in _inventory(trial).remarks if "as raw ones do" in line]
    assert remark.startswith("sub-01_ses-pre_task-faces: ")


@pytest.mark.parametrize(
    ("files", "more", "problem"),
    [
        ('"nothing/*.csv"', None, "no file matches"),
        ('"*.csv"', None, "does not say whose it is; write {participant}"),
        ('"{who}.csv"', None, "{who} is no field"),
        (f'"{"a" * 5000}"', None, "cannot be looked for"),
        (
            None,
            'events = "task-faces_events.tsv"',
            "no run can be used; one reason is: no file says its repetition time",
        ),
        (None, f"repetition_time = {TR}", "has no events; add events to [series]"),
        (None, f'repetition_time = {TR}\nevents = "{{run}}.tsv"', "{run} of its pattern is not known of this run"),
    ],
)
def test_what_stops_a_study_of_series_is_one_line(
    trial: Path, files: str | None, more: str | None, problem: str
) -> None:
    found = _inventory(trial, files or '"{participant}_{session}.csv"', more)
    assert any(problem in line for line in found.errors), found.errors
    assert not any("\n" in line for line in found.errors)


@pytest.mark.parametrize(
    ("replaced", "by", "problem"),
    [
        ("[study]\n", '[study]\nderivatives = "fmriprep"\n', "study.derivatives: is of images"),
        ('unit = "percent"', 'unit = "volts"', "series.unit: must be one of 'percent', 'raw', 'arbitrary'"),
        ('unit = "percent"\n', "", "series: lacks 'unit'"),
        ('regions = { vmPFC = "LH_PFC_1", amygdala = "AMY" }', "regions = []", "series.regions"),
        ('vmPFC = "LH_PFC_1", amygdala', 'vmPFC = ["A", "A"], amygdala', "names a column twice"),
        ("[group.arms]", '[regions.x]\nmask = "x.nii"\n\n[group.arms]', "regions: is of images"),
        ("[group.arms]", "[glm]\nsmoothing = 6\n\n[group.arms]", "glm.smoothing: is of images"),
        ("repetition_time = 1.5", "repetition_time = 1500", "if these are milliseconds write 1.5"),
        ('regions = ["vmPFC", "amygdala"]', 'regions = ["vmPFC", "hippocampus"]', "'hippocampus' is no region"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(tmp_path: Path, replaced: str, by: str, problem: str) -> None:
    study = write_study(tmp_path, '"{participant}.csv"', more="repetition_time = 1.5")
    text = study.read_text(encoding="utf-8")
    assert replaced in text
    study.write_text(text.replace(replaced, by, 1), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        read_study(study)
    assert any(problem in line for line in caught.value.lines), caught.value.lines


def test_the_command_says_what_files_hold_and_starts_a_study(trial: Path) -> None:
    files = sorted(trial.glob("*.csv"))
    facts = trial / "facts.json"
    done = effconn(
        "series", *files, "--out", trial, "--events", trial / "task-faces_events.tsv", "--tr", TR, "--json", facts
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(facts.read_text(encoding="utf-8"))
    assert (len(said["participants"]), said["sessions"], said["regions"]) == (8, ["post", "pre"], list(NAMES))
    text = (trial / "study.toml").read_text(encoding="utf-8")
    assert 'files = "{participant}_{session}.csv"' in text
    assert 'order = ["ses-pre", "ses-post"]  # check:' in text
    study = read_study(trial / "study.toml")
    assert study.region_names == NAMES
    inventory = collect_series(study)
    assert (len(inventory.runs), inventory.errors) == (16, ())


def test_events_beside_series_are_found_by_their_names(trial: Path) -> None:
    folder = trial / "sub-01/func"
    folder.mkdir(parents=True)
    shutil.move(trial / "01_pre.csv", folder / "sub-01_task-faces_timeseries.csv")
    shutil.copy(trial / "task-faces_events.tsv", folder / "sub-01_task-faces_events.tsv")
    done = effconn("series", folder, "--tr", TR, "--out", trial)
    assert done.returncode == 0, done.stderr
    text = (trial / "study.toml").read_text(encoding="utf-8")
    assert 'events = "sub-{participant}/func/sub-{participant}_task-{task}_events.tsv"' in text
    assert not collect_series(read_study(trial / "study.toml")).errors


def test_a_folder_without_series_is_said_so(tmp_path: Path) -> None:
    done = effconn("series", tmp_path)
    assert done.returncode == 2
    assert "holds no file of series" in done.stderr


def test_tissues_of_conn_are_no_regions_to_start_from(tmp_path: Path, write_conn: Writer) -> None:
    for number in (1, 2):
        write_conn(
            tmp_path / f"conn/ROI_Subject00{number}_Condition000.mat", SERIES, ("atlas.FP r (Pole)", "AMY", "net")
        )
    done = effconn("series", tmp_path / "conn", "--tr", TR, "--out", tmp_path / "study")
    assert done.returncode == 0, done.stderr
    study = read_study(tmp_path / "study/study.toml")
    assert study.region_names == ("atlas-FP-r-Pole", "AMY", "net")
    inventory = collect_series(study)
    assert [run.label for run in inventory.runs] == ["sub-001_task-rest", "sub-002_task-rest"]
    events().to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    again = ("--events", tmp_path / "events.tsv", "--force")
    done = effconn("series", tmp_path / "conn", "--tr", TR, "--out", tmp_path / "study", *again)
    assert done.returncode == 0, done.stderr
    assert read_study(tmp_path / "study/study.toml").dcms[""].regions == ("atlas-FP-r-Pole", "AMY", "net")
