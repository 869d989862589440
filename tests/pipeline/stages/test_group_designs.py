"""A study's group analysis by a formula: the group is fitted to its design, and contrasts come first."""

from __future__ import annotations

from pathlib import Path

from three_drugs import write_drug_table, write_results

from pipeline.execution import Unit
from pipeline.stages import _group
from pipeline.study import GroupAnalysis, VisitSelection


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
