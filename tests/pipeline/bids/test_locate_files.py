"""Which of several files of a run are taken: labels, old names, inheritance."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bids import Inventory
from pipeline.bids._locate_files import DatasetFolders
from pipeline.common import parse_file_name

Small = Any  # the conftest's SmallStudy, which tests cannot import
Problem = Callable[[Inventory], str]
HEAD = "sub-01_ses-1_task-faces"
label = st.text("abcXYZ012", min_size=1, max_size=4)


def relabelled(small: Small, old: str, *new: str, head: str = HEAD) -> None:
    """Every file of a run under other labels, of which there may be several."""
    for folder in (small.bold(head).parent, small.events(head).parent):
        for path in sorted(folder.glob(f"{head}_*")):
            for name in new:
                shutil.copy(path, path.with_name(path.name.replace(old, name, 1)))
            path.unlink()


@pytest.mark.parametrize("names", [("run-1", "run-2"), ("run-2", "run-10")])
def test_all_runs_of_a_session_are_taken_in_the_order_of_their_numbers(small: Small, names: tuple[str, str]) -> None:
    relabelled(small, "task-faces", *(f"task-faces_{name}" for name in reversed(names)))
    inventory = small.inventory()
    assert (inventory.absences, inventory.remarks) == ((), ())
    for run, name in zip(inventory.runs, names, strict=False):
        assert run.label == f"{HEAD}_{name}"
        assert all(name in path.name for path in run.files[:4])


def test_of_several_acquisitions_the_first_is_taken_and_the_others_named(small: Small) -> None:
    relabelled(small, "task-faces", "task-faces_acq-seq", "task-faces_acq-mb")
    inventory = small.inventory()
    assert "_acq-mb_" in inventory.runs[0].bold.name
    assert inventory.remarks == (f"{HEAD}: acq-mb is taken, acq-seq is left; [tasks] acquisition says which",)


def test_runs_may_be_chosen(small: Small) -> None:
    relabelled(small, "task-faces", "task-faces_run-1", "task-faces_run-2", "task-faces_run-3")
    small.set("tasks.faces", runs=(1, "run-03"))
    assert [run.run for run in small.inventory().runs if run.visit == "sub-01_ses-1" and run.run] == ["1", "3"]


def test_a_chosen_run_that_is_not_there_is_said_and_costs_no_other(small: Small) -> None:
    relabelled(small, "task-faces", "task-faces_run-1", "task-faces_run-2")
    small.set("tasks.faces", runs=(1, 9))
    inventory = small.inventory()
    assert [run.run for run in inventory.runs if run.visit == "sub-01_ses-1" and run.run] == ["1"]
    (problem,) = [absence.problem for absence in inventory.absences if absence.label == "sub-01_ses-1_task-faces"]
    assert problem == "there is no run-9; there is run-1, run-2: see run of the task"


def test_the_configuration_says_which_run(small: Small) -> None:
    relabelled(small, "task-faces", "task-faces_run-01", "task-faces_run-02")
    small.set("tasks.faces", run="2")
    inventory = small.inventory()
    assert inventory.runs[0].run == "02"
    assert inventory.runs[0].label == "sub-01_ses-1_task-faces_run-02"
    assert len(inventory.absences) == 11, "the others have no run-2"
    assert inventory.absences[0].problem == "there is no run-2; there is one without run-: see run of the task"


def test_the_configuration_says_which_acquisition(small: Small) -> None:
    relabelled(small, "task-faces", "task-faces_acq-a", "task-faces_acq-b")
    small.set("tasks.faces", acquisition="b")
    inventory = small.inventory()
    assert "_acq-b_" in inventory.runs[0].bold.name
    assert inventory.absences[0].problem == "there is no acq-b; there is one without acq-: see acquisition of the task"


def test_the_configuration_says_which_resolution(small: Small) -> None:
    for path in small.derivatives.glob("sub-*/ses-*/func/*space-*.nii.gz"):
        for digit in "12":
            shutil.copy(path, path.with_name(path.name.replace("_desc", f"_res-{digit}_desc")))
        path.unlink()
    small.set("study", resolution="2")
    assert all("_res-2_" in run.bold.name and "_res-2_" in run.brain_mask.name for run in small.inventory().runs)
    small.set("study", resolution="3")
    assert "there is no image with res-3; there is res-1, res-2" in small.inventory().errors[0]


def test_single_echoes_are_no_run(small: Small, only: Problem) -> None:
    relabelled(small, "task-faces", "task-faces_echo-1", "task-faces_echo-2")
    assert "only images of single echoes" in only(small.inventory())


def test_the_old_name_of_confounds_is_known(small: Small) -> None:
    for end in ("tsv", "json"):
        small.derived(f"desc-confounds_timeseries.{end}").rename(small.derived(f"desc-confounds_regressors.{end}"))
    inventory = small.inventory()
    assert inventory.absences == ()
    assert inventory.runs[0].confounds.name == f"{HEAD}_desc-confounds_regressors.tsv"


def test_an_image_without_compression_is_taken(small: Small) -> None:
    import gzip

    for path in (small.bold(), small.mask()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    inventory = small.inventory()
    assert inventory.absences == ()
    assert inventory.runs[0].bold.suffix == ".nii"


def test_a_cohort_belongs_to_the_space(small: Small) -> None:
    for path in small.derivatives.glob("sub-*/ses-*/func/*space-*"):
        path.rename(path.with_name(path.name.replace("MNI152NLin2009cAsym", "MNIInfant_cohort-1")))
    small.set("study", space="MNIInfant")
    assert "did you mean 'MNIInfant_cohort-1'?" in small.inventory().errors[0]
    small.set("study", space="MNIInfant_cohort-1")
    assert len(small.inventory().runs) == 24


@pytest.mark.parametrize(
    "place", ["task-faces_events.tsv", "sub-01/sub-01_task-faces_events.tsv", f"sub-01/ses-1/{HEAD}_events.tsv"]
)
def test_events_are_inherited(small: Small, place: str) -> None:
    small.events().rename(small.bids / place)
    inventory = small.inventory()
    assert inventory.absences == ()
    assert inventory.runs[0].events == small.bids / place


def test_the_nearest_events_are_taken(small: Small) -> None:
    shutil.copy(small.events(), small.bids / "task-faces_events.tsv")
    assert small.inventory().runs[0].events == small.events()


def test_a_nearer_sidecar_prevails_key_by_key(small: Small) -> None:
    (small.bids / "sub-01" / "ses-1" / "func" / f"{HEAD}_bold.json").write_text('{"EchoTime": 0.025}')
    runs = small.inventory().runs
    assert (runs[0].echo_time, runs[0].repetition_time) == (0.025, 2.0)
    assert runs[2].echo_time == 0.03


def test_another_task_s_sidecar_is_not_inherited(small: Small) -> None:
    (small.bids / "task-faces_bold.json").unlink()
    assert small.inventory().runs[0].echo_time is None
    assert small.inventory().runs[1].echo_time == 0.03


@given(
    st.dictionaries(st.sampled_from(("sub", "ses", "task", "run", "acq")), label, min_size=1),
    st.sampled_from(("bold", "events", "mask")),
    st.sampled_from(("nii.gz", "tsv", "json")),
)
def test_a_bids_name_comes_apart_into_its_parts(entities: dict[str, str], suffix: str, extension: str) -> None:
    name = "_".join([*(f"{key}-{value}" for key, value in entities.items()), f"{suffix}.{extension}"])
    file = parse_file_name("/data", name)
    assert file is not None
    assert (file.entities, file.kind, file.path) == (entities, (suffix, extension), Path("/data") / name)


@pytest.mark.parametrize("name", ["README", "bold", "sub-_bold.json", "sub01_bold.json", ".DS_Store", "a-b.txt"])
def test_other_names_are_none(name: str) -> None:
    assert parse_file_name("/data", name) is None


def test_folders_are_listed_once(tmp_path: Path) -> None:
    tree = DatasetFolders(tmp_path)
    assert tree.folders() == ()
    (tmp_path / "sub-01").mkdir()
    assert tree.folders() == ()
    assert DatasetFolders(tmp_path).folders() == ("sub-01",)


def test_looking_at_several_runs_at_once_finds_the_same(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.bids import _collect

    small.events("sub-04_ses-2_task-faces").unlink()
    alone = small.inventory()
    monkeypatch.setattr(_collect, "PROBED", 1)
    monkeypatch.setattr(_collect, "WAITING", 0.0)
    assert small.inventory() == alone
