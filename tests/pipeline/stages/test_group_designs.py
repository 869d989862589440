"""A study's group analysis by a formula: the group is fitted to its design, and contrasts come first."""

from __future__ import annotations

from pathlib import Path

from dataset_trees import BESIDE, fmriprep, plant
from started_studies import started
from three_drugs import write_drug_table, write_results

from pipeline.execution import Unit
from pipeline.stages import _group, preflight
from pipeline.study import GroupAnalysis, VisitSelection, read_study


def test_a_formula_and_contrasts_reach_the_group(tmp_path: Path) -> None:
    results = write_results(tmp_path)
    settings = GroupAnalysis(design="1 + drug + age", contrasts={"drugs": "ketamine - midazolam"})
    job = _group.GroupJob(
        "drugs", settings, "drug", ("ketamine", "midazolam", "placebo"), VisitSelection("visit", {"": 1.0}), None,
        tuple(sorted(results.glob("*.nc"))), write_drug_table(tmp_path), tmp_path / "group",
        {"drug": ("midazolam", "ketamine", "placebo")}, {"drug": "placebo"},
    )  # fmt: skip
    report = _group._run_analysis(job)
    assert report.answers[0].question == "drugs: which connections differ: ketamine minus midazolam, at the same age?"
    assert report.answers[0].verdict == "yes"
    assert report.summary["design"]["columns"] == ["mean", "drug[midazolam]", "drug[ketamine]", "age"]
    unit: Unit = _group._group_unit(job)
    assert unit.recipe["levels"] == [{"drug": ("midazolam", "ketamine", "placebo")}, {"drug": "placebo"}]


def test_covariates_that_are_hard_to_tell_apart_are_said_before_anything_runs(tmp_path: Path) -> None:
    rows = "".join(f"sub-0{i}\t{20 + i}\t{20 + i + 0.01 * (i % 2)}\n" for i in range(1, 7))
    bids = plant(
        tmp_path / "bids",
        [
            "participants.tsv",
            "sub-{01..06}/func/*_task-x_{bold.nii.gz,events.tsv}",
            *fmriprep("sub-{01..06}/func/*_task-x", within=BESIDE),
        ],
        {"participants.tsv": "participant_id\tage\tage_at_scan\n" + rows},
    )
    started(tmp_path, bids)
    file = tmp_path / "study.toml"
    file.write_text(file.read_text().replace('design = "1"', 'design = "1 + age + age_at_scan"'))
    inventory, errors = preflight(read_study(file))
    assert errors == []
    line = "[group.mean]: the other covariates explain 100 % of age: its effect is hard to tell apart"
    assert line in inventory.remarks
