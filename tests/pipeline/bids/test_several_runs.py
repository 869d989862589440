"""Several runs of a visit: which of them make a model together, and what is said of those that do not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from pipeline.bids import Absence, level_order, modelled_runs, share_absences, unmodelled_visits
from pipeline.bids._analysis_data import GroupRows
from pipeline.study import GroupAnalysis

Small = Any  # the conftest's SmallStudy, which tests cannot import
HEAD = "sub-01_ses-1_task-faces"


def two_runs(small: Small) -> Path:
    """The run of one visit twice; the events of the second."""
    for folder in (small.bold(HEAD).parent, small.events(HEAD).parent):
        for path in sorted(folder.glob(f"{HEAD}_*")):
            shutil.copy(path, path.with_name(path.name.replace(HEAD, f"{HEAD}_run-1", 1)))
            path.rename(path.with_name(path.name.replace(HEAD, f"{HEAD}_run-2", 1)))
    return small.events(f"{HEAD}_run-2")


def test_a_run_without_an_input_goes_into_the_model_of_all_runs(small: Small) -> None:
    events = two_runs(small)
    lines = events.read_text(encoding="utf-8").splitlines()
    events.write_text("\n".join(line for line in lines if "\tfaces" not in line) + "\n", encoding="utf-8")
    inventory = small.inventory()
    assert inventory.absences == ()
    assert any("so no contrast faces-over-shapes, input faces in this run" in remark for remark in inventory.remarks)
    runs = modelled_runs(small.study(), inventory, "")["sub-01_ses-1"]
    assert [run.run for run in runs] == ["1", "2"]
    assert unmodelled_visits(small.study(), inventory) == []


def test_runs_of_two_repetition_times_make_no_model_unless_they_are_averaged(small: Small) -> None:
    two_runs(small)
    small.edit(small.sidecar(f"{HEAD}_run-2"), '"RepetitionTime": 2.0', '"RepetitionTime": 1.9')
    small.set("tasks.faces", repetition_time="sidecar")
    inventory, study = small.inventory(), small.study()
    assert "sub-01_ses-1" not in modelled_runs(study, inventory, "")
    assert unmodelled_visits(study, inventory) == [
        "[dcm]: sub-01_ses-1: no model, its runs have repetition times of 1.9 s and 2 s, which cannot be concatenated; "
        'take runs = "average"'
    ]
    small.set("dcm", runs="average")
    assert len(modelled_runs(small.study(), inventory, "")["sub-01_ses-1"]) == 2


def test_the_reference_of_a_factor_is_the_one_named_or_the_one_called_like_one(small: Small) -> None:
    cells = ("a", "b", "c")
    rows = GroupRows(cells, cells, {"drug": ("ketamine", "placebo", "ketamine"), "dose": ("1", "0", "1")}, (), ())
    analysis = GroupAnalysis(design="1 + drug + dose")
    assert dict(level_order(small.study(), analysis, rows).reference) == {"drug": "placebo"}
    named = analysis.model_copy(update={"reference": {"drug": "ketamine"}})
    assert dict(level_order(small.study(), named, rows).reference) == {"drug": "ketamine"}


def test_runs_that_lack_the_same_are_one_line_for_all_of_them() -> None:
    def lacking(participant: str, run: int) -> Absence:
        name = f"{participant}_ses-1_task-faces_run-{run}_bold.nii.gz"
        return Absence(participant, "ses-1", "faces", f"run-{run}: {name} is empty; fetch it")

    (shared, other) = share_absences(
        [
            *(lacking(f"sub-{i:02d}", run) for i in range(1, 9) for run in (1, 2)),
            Absence("sub-09", None, "rest", "gone"),
        ]
    )
    assert (len(shared.labels), shared.runs) == (8, 16)
    assert shared.line == (
        "sub-01_ses-1_task-faces, sub-02_ses-1_task-faces, sub-03_ses-1_task-faces, sub-04_ses-1_task-faces, "
        "sub-05_ses-1_task-faces, sub-06_ses-1_task-faces and 2 more (16 runs): "
        "sub-…_ses-…_task-faces_run-…_bold.nii.gz is empty; fetch it"
    )
    assert other.line == "sub-09_task-rest: gone"
