"""A study from images to report: what is made, kept, redone, and gone on without."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import psutil
import pytest

from pipeline.group._design_table import match_design
from pipeline.posterior_check import read_posteriors
from pipeline.stages._group import GroupJob, _options
from pipeline.study import GroupAnalysis, VisitSelection

Effconn = Callable[..., subprocess.CompletedProcess[str]]

KILLS = 2
STAGES = ("extract", "invert", "group", "measure", "statistics", "predict", "report")
NOTHING: dict[str, list[str]] = {stage: [] for stage in STAGES}


def tables(folder: Path) -> dict[str, bytes]:
    """Every table of a study's results by its place."""
    results = folder / "results"
    return {str(path.relative_to(results)): path.read_bytes() for path in sorted(results.rglob("*.tsv"))}


def made(folder: Path) -> dict[str, list[str]]:
    """Stage → names of the units that the last run made."""
    content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return {
        stage: [unit["name"] for unit in content["units"] if unit["stage"] == stage and unit["how"] == "made"]
        for stage in STAGES
    }


def again(effconn: Effconn, folder: Path, *options: str) -> dict[str, list[str]]:
    done = effconn("run", folder / "study.toml", "--jobs", "1", "--json", folder / "run.json", *options)
    assert done.returncode == 0, done.stderr
    return made(folder)


@pytest.fixture
def ran(finished: Path, tmp_path: Path) -> Path:
    """A finished study of one's own."""
    return Path(shutil.copytree(finished, tmp_path / "ran", copy_function=shutil.copy2))


@pytest.fixture
def simple_ran(simple_finished: Path, tmp_path: Path) -> Path:
    """A finished simple study of one's own."""
    return Path(shutil.copytree(simple_finished, tmp_path / "ran", copy_function=shutil.copy2))


def test_a_run_leaves_a_report_and_a_result_for_every_run_and_analysis(finished: Path) -> None:
    assert {stage: len(names) for stage, names in made(finished).items()} == {
        "extract": 15,
        "invert": 15,
        "group": 1,
        "measure": 1,
        "statistics": 1,
        "predict": 1,
        "report": 1,
    }
    results = finished / "results"
    assert (results / "report.html").stat().st_size > 100_000
    assert {"tables/participants.tsv", "tables/connectivity.tsv", "group/arms/arms.tsv"} <= tables(finished).keys()
    assert (
        results / "sub-01/ses-1/func/sub-01_ses-1_task-faces_contrast-facesOverShapes_stat-t_statmap.nii.gz"
    ).exists()


def test_the_report_loads_nothing_from_elsewhere(finished: Path) -> None:
    page = (finished / "results" / "report.html").read_text(encoding="utf-8")
    assert not re.findall(
        r'(?:src|href)="(?!#|data:|\./(?:tables|figures|group|dcm|predict|statistics)/|\./report\.json)[^"]*"', page
    )


def test_a_missing_run_is_named_and_the_study_goes_on_without_it(finished: Path) -> None:
    page = (finished / "results" / "report.html").read_text(encoding="utf-8")
    assert "there is no folder sub-02/ses-2" in page.replace("<wbr>", "")
    left_out = json.loads((finished / "results/group/arms/arms.json").read_text(encoding="utf-8"))
    assert "sub-02" not in left_out["participants_used"]


def test_a_second_run_makes_nothing_and_changes_no_byte(ran: Path, effconn: Effconn) -> None:
    before = tables(ran)
    assert again(effconn, ran) == NOTHING
    assert tables(ran) == before


def test_files_that_were_only_touched_are_not_worked_on_again(ran: Path, effconn: Effconn) -> None:
    for path in ran.glob("bids/sub-01/ses-1/func/*"):
        os.utime(path)
    assert not any(again(effconn, ran).values())


def test_other_events_of_one_run_redo_what_rests_on_it_alone(simple_ran: Path, effconn: Effconn) -> None:
    (events,) = simple_ran.glob("bids/sub-03/ses-1/func/*_events.tsv")
    lines = events.read_text(encoding="utf-8").splitlines(keepends=True)
    events.write_text("".join(lines[:-1]), encoding="utf-8")
    found = again(effconn, simple_ran)
    assert found["extract"] == ["sub-03_ses-1_task-faces"]
    assert found["invert"] == ["main_sub-03_ses-1"]
    assert found["group"] == ["arms"]
    assert found["report"] == ["report"]


def test_one_stage_alone_does_that_stage(simple_ran: Path, effconn: Effconn) -> None:
    shutil.rmtree(simple_ran / "results" / "group")
    assert again(effconn, simple_ran, "--only", "extract") == NOTHING
    assert again(effconn, simple_ran, "--only", "group")["group"] == ["arms"]


def test_a_run_whose_data_are_bad_is_reported_and_the_others_go_on(simple_ran: Path, effconn: Effconn) -> None:
    (path,) = simple_ran.glob("bids/derivatives/fmriprep/sub-01/ses-2/func/*_desc-preproc_bold.nii.gz")
    image = nibabel.load(path)
    path.unlink()
    constant = np.full(image.shape, 500, dtype=np.int16)
    nibabel.save(nibabel.Nifti1Image(constant, image.affine, image.header), path)
    done = effconn("run", simple_ran / "study.toml", "--jobs", "1", "--json", simple_ran / "run.json")
    assert done.returncode == 1
    failed = [unit for unit in json.loads((simple_ran / "run.json").read_text())["units"] if unit["how"] == "failed"]
    assert [failure["name"] for failure in failed] == ["sub-01_ses-2_task-faces"]
    assert "sub-01_ses-2_task-faces" in done.stderr
    assert failed[0]["reason"] in (simple_ran / "results/tables/missing.tsv").read_text(encoding="utf-8")
    effconn("run", simple_ran / "study.toml", "--only", "report")
    assert failed[0]["reason"] in (simple_ran / "results/tables/missing.tsv").read_text(encoding="utf-8")


def test_a_posterior_made_again_alone_is_the_same_to_the_byte(simple_ran: Path, effconn: Effconn) -> None:
    before = {path: path.read_bytes() for path in (simple_ran / "results").rglob("*.nc")}
    (simple_ran / "results/.effconn/invert/main_sub-05_ses-2.json").unlink()
    shutil.rmtree(simple_ran / "results/.effconn/group")
    assert again(effconn, simple_ran)["invert"] == ["main_sub-05_ses-2"]
    assert {path: path.read_bytes() for path in (simple_ran / "results").rglob("*.nc")} == before


def test_predictions_and_statistics_come_with_the_study(finished: Path) -> None:
    prediction = json.loads((finished / "results/predict/mechanism/prediction.json").read_text(encoding="utf-8"))
    assert prediction["counts"]["people"] == 7  # one lacks the second session
    assert prediction["chance"]["shuffles"] == 20
    assert "statistics/correlations.tsv" in tables(finished)
    page = (finished / "results/report.html").read_text(encoding="utf-8").replace("<wbr>", "")
    assert prediction["answers"][0]["question"] in page


def test_another_prediction_is_made_alone(ran: Path, effconn: Effconn) -> None:
    file = ran / "study.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("bootstraps = 10\n", "bootstraps = 11\n"), encoding="utf-8")
    assert again(effconn, ran) == {**NOTHING, "predict": ["mechanism"], "report": ["report"]}


def test_statistics_that_left_the_configuration_are_named(ran: Path, effconn: Effconn) -> None:
    file = ran / "study.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: text.index("[statistics]")], encoding="utf-8")
    done = effconn("run", file, "--jobs", "1", "--json", ran / "run.json")
    assert done.returncode == 0, done.stderr
    assert "statistics has no result of this configuration" in " ".join((done.stdout + done.stderr).split())
    assert made(ran) == {**NOTHING, "report": ["report"]}


def test_spm_files_are_written_where_asked_for(finished: Path, effconn: Effconn, tmp_path: Path) -> None:
    ran = Path(shutil.copytree(finished, tmp_path / "ran"))
    text = (ran / "study.toml").read_text(encoding="utf-8")
    (ran / "study.toml").unlink()
    (ran / "study.toml").write_text(f'compat = "spm12"\n{text}\n[outputs]\nspm = true\n', encoding="utf-8")
    assert len(again(effconn, ran, "--only", "invert")["invert"]) == 15  # the mode is another one
    compared = effconn("compare-spm", ran / "results/dcm/main/DCM_sub-01_ses-1.mat", "--json", ran / "spm.json")
    assert compared.returncode == 0, compared.stderr
    (one,) = json.loads((ran / "spm.json").read_text(encoding="utf-8"))["participants"]
    assert abs(one["delta_settled_f"]) < 0.5  # where steps on the noise end is a matter of digits


def test_a_bids_app_comes_to_the_same_posteriors_whoever_it_is_given_at_a_time(
    simple_study: Path, simple_finished: Path, effconn: Effconn
) -> None:
    labels = ("--participant-label", "01", "02", "sub-03", "04", "05", "06")
    for people in (labels, ("--participant-label", "07")):
        done = effconn(
            *("bids", simple_study / "bids", simple_study / "results", "participant", *people),
            *("--study", simple_study / "study.toml", "--jobs", "1"),
        )
        assert done.returncode == 0, done.stderr
    made, expected = (
        {path.name: path.read_bytes() for path in folder.glob("results/dcm/main/*.nc")}
        for folder in (simple_study, simple_finished)
    )
    assert len(expected) == 14
    assert made == expected


@pytest.mark.parametrize("place", ["bids", "bids/sub-01", "bids/derivatives/fmriprep"])
def test_results_do_not_go_among_the_data(study: Path, effconn: Effconn, place: str) -> None:
    before = (study / "bids/dataset_description.json").read_bytes()
    done = effconn("run", study / "study.toml", "--out", study / place)
    assert done.returncode == 2
    assert "give a folder of its own" in done.stderr
    assert (study / "bids/dataset_description.json").read_bytes() == before


def test_a_formula_that_cannot_be_read_is_told_before_any_work(study: Path, effconn: Effconn) -> None:
    file = study / "study.toml"
    text = file.read_text(encoding="utf-8")
    file.unlink()  # its copies share the file
    own = 'model = "change"\nmeasures = ["dcm_B_*", "response_faces_task_*"]'
    assert own in text
    file.write_text(text.replace(own, 'formula = "chagne(dcm_B_*)"'), encoding="utf-8")
    done = effconn("check", file)
    assert done.returncode == 1
    assert "[predict.mechanism]" in done.stderr
    assert "did you mean 'change'?" in done.stderr


def test_a_stage_without_anything_to_work_on_is_refused(study: Path, effconn: Effconn) -> None:
    done = effconn("run", study / "study.toml", "--only", "report")
    assert done.returncode == 2
    assert "do that stage first" in done.stderr
    assert not (study / "results" / "report.html").exists()


def test_an_unknown_label_is_named(study: Path, effconn: Effconn) -> None:
    done = effconn(
        *("bids", study / "bids", study / "results", "participant", "--study", study / "study.toml"),
        *("--participant-label", "99"),
    )
    assert done.returncode == 2
    assert "sub-99 is not among the study's participants" in done.stderr


def test_the_group_level_of_a_bids_app_does_all_that_comes_after_the_participants(
    ran: Path, finished: Path, effconn: Effconn
) -> None:
    for stage in STAGES[2:]:
        shutil.rmtree(ran / "results" / ".effconn" / stage)
    for name in ("group", "predict", "statistics", "tables"):
        shutil.rmtree(ran / "results" / name)
    done = effconn("bids", ran / "bids", ran / "results", "group", "--study", ran / "study.toml", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert tables(ran) == tables(finished)


def test_a_study_killed_at_random_moments_ends_with_the_same_tables(
    simple_study: Path, simple_finished: Path, effconn: Effconn
) -> None:
    study, finished = simple_study, simple_finished
    rng = np.random.default_rng(0)
    records = study / "results" / ".effconn"
    recorded: dict[Path, int] = {}
    for kill in range(KILLS):
        options = ("--jobs", str(1 + kill % 2))
        start_and_kill(study, options, seconds=float(rng.uniform(0, 0.6)))
        now = {path: path.stat().st_mtime_ns for path in records.rglob("*.json") if not path.name.startswith(".")}
        assert recorded.items() <= now.items()  # what was finished is not made again
        recorded = now
    again(effconn, study)
    assert recorded.items() <= {path: path.stat().st_mtime_ns for path in records.rglob("*.json")}.items()
    assert tables(study) == tables(finished)


def start_and_kill(study: Path, options: tuple[str, ...], seconds: float) -> None:
    """SIGKILL to the run some time after it has finished something; its children end by themselves."""
    records = study / "results" / ".effconn"
    before = len(list(records.rglob("*.json")))
    command: list[Any] = [str(Path(sys.executable).with_name("effconn")), "run", study / "study.toml", *options]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while running.poll() is None and len(list(records.rglob("*.json"))) <= before:
        time.sleep(0.05)  # and does not take the core of the run
    time.sleep(seconds)
    running.kill()
    running.wait()
    deadline = time.monotonic() + 20
    while alive(running.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(running.pid), "a child outlived the run"


def alive(group: int) -> bool:
    """Whether a process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_cluster_whose_worker_is_killed_comes_to_the_same_tables(
    simple_study: Path, simple_finished: Path, effconn: Effconn
) -> None:
    study, finished = simple_study, simple_finished
    others = psutil.Process().children()  # of tests before
    killed: list[int] = []
    over = threading.Event()

    def kill_a_worker() -> None:
        while not over.wait(0.05):
            if list((study / "results/.effconn/extract").glob("*.json")):
                children = [child for child in psutil.Process().children() if child not in others]
                worker = next(child for child in children if "spawn_main" in " ".join(child.cmdline()))
                worker.kill()
                killed.append(worker.pid)
                return

    killer = threading.Thread(target=kill_a_worker)
    killer.start()
    try:
        again(effconn, study, "--scheduler", "local", "--jobs", "2")
    finally:
        over.set()
        killer.join()
    assert len(killed) == 1
    assert tables(study) == tables(finished)


def test_a_posterior_of_a_study_finds_its_series(finished: Path, tmp_path: Path) -> None:
    path = sorted((finished / "results" / "dcm").rglob("*.nc"))[0]
    found, lines = read_posteriors([path], [], "none")
    assert lines == []
    assert [result.name for result in found] == [path.stem]
    shutil.copy(path, tmp_path)
    found, lines = read_posteriors([tmp_path / path.name], [], "none")
    assert found == []
    assert "say where they are with --series" in lines[0]
    found, lines = read_posteriors([tmp_path / path.name], [finished / "results"], "none")
    assert len(found) == 1, lines


def test_arms_called_0_and_1_are_arms_and_no_numbers(tmp_path: Path) -> None:
    design = tmp_path / "design.tsv"
    design.write_text("participant_id\tarm\nsub-1\t1\nsub-2\t0\nsub-3\t1\n", encoding="utf-8")
    job = GroupJob(
        "arms", GroupAnalysis(analysis="arms"), "arm", ("1", "0"), VisitSelection("mean"), (), (), design, tmp_path
    )
    options = _options(job)
    names = ["sub-1", "sub-2", "sub-3"]
    matched = match_design(design, names, options.covariates, plus=options.plus, named=options.named, centre=False)
    np.testing.assert_array_equal(matched.design.matrix[:, matched.design.column("arm[1]")], [1, -1, 1])
