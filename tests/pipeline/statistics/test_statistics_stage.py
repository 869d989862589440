"""The statistics as a stage: what decides them, and what they leave on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from made_up_statistics import made_up_participants, write_measures

from pipeline.bids import Inventory, Participant
from pipeline.execution import Unit
from pipeline.page._stored_report import read_report
from pipeline.stages._result_paths import ResultPaths
from pipeline.stages._statistics import compute_statistics, statistics_units
from pipeline.study import Study

PEOPLE = made_up_participants()


@dataclass
class Told:
    """What became of units."""

    outputs: list[Path] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def done(self, unit: Unit, outputs: Sequence[Path]) -> None:
        self.outputs += outputs

    def failed(self, unit: Unit, reason: str) -> None:
        self.reasons.append(reason)


def study_of(folder: Path, **statistics: Any) -> Study:
    lines = ["participant_id\tsession_id\ttotal"]
    score = PEOPLE.outcomes[0]
    for name, before, after in zip(PEOPLE.names, score.before, score.after, strict=True):
        lines += [f"{name}\tses-1\t{before}", f"{name}\tses-2\t{after}".replace("nan", "n/a")]
    (folder / "caps.tsv").write_text("\n".join(lines) + "\n")
    content = {
        "study": {"name": "made up", "bids": folder, "derivatives": folder},
        "participants": {"arms": PEOPLE.arms},
        "sessions": {"before": "ses-1", "after": "ses-2"},
        "scores": {"caps": {"table": folder / "caps.tsv", "column": "total", "take": "fall"}},
        "tasks": {"rest": {"rest": True}},
        "regions": {"dACC": {"sphere": {"centre": (0, 0, 0), "radius": 5}}},
        "statistics": {"bootstraps": 100, **statistics},
    }
    return Study.model_validate(content)


def inventory_of(age: float = 40) -> Inventory:
    participants = [
        Participant(name, PEOPLE.arms[int(arm < 0)], {"age": str(age + i)}, {"caps": float(fall)})
        for i, (name, arm, fall) in enumerate(zip(PEOPLE.names, PEOPLE.arm, PEOPLE.subscales["caps_fall"], strict=True))
    ]
    return Inventory(tuple(participants), (), (), ())


ALL = {"outcomes": ["caps"], "measures": ["gppi_*"], "subscales": ["caps"], "null_checks": ["age"], "cohort": ["age"]}


def test_the_work_leaves_a_report_that_the_report_can_read(tmp_path: Path) -> None:
    (unit,) = statistics_units(
        study_of(tmp_path, **ALL), inventory_of(), write_measures(tmp_path, PEOPLE), ResultPaths(tmp_path)
    )
    reported = Told()
    compute_statistics([unit], reported)
    assert reported.reasons == []
    assert all(path.is_file() for path in reported.outputs)
    names = [record.name for record in read_report(tmp_path / "statistics").records]
    assert names == ["outcomes", "outcome-means", "correlations", "null-checks", "cohort"]


def test_a_measure_that_there_is_not_fails_the_unit_with_the_reason(tmp_path: Path) -> None:
    study = study_of(tmp_path, **(ALL | {"measures": ["gpi_faces"]}))
    reported = Told()
    units = statistics_units(study, inventory_of(), write_measures(tmp_path, PEOPLE), ResultPaths(tmp_path))
    compute_statistics(units, reported)
    (reason,) = reported.reasons
    assert "'gpi_faces' is no measure of features.tsv" in reason


def test_no_statistics_no_unit(tmp_path: Path) -> None:
    study = study_of(tmp_path, **ALL).model_copy(update={"statistics": None})
    assert statistics_units(study, inventory_of(), tmp_path / "features.tsv", ResultPaths(tmp_path)) == []


def test_the_table_of_measures_matters_only_where_measures_are_named(tmp_path: Path) -> None:
    units = [
        statistics_units(study_of(tmp_path, **how), inventory_of(), tmp_path / "features.tsv", ResultPaths(tmp_path))[0]
        for how in (ALL, {"outcomes": ["caps"]})
    ]
    assert [len(unit.inputs) for unit in units] == [2, 0]


@pytest.mark.parametrize("changed", ["a score", "a column", "a setting"])
def test_whatever_decides_the_results_is_in_the_recipe(changed: str, tmp_path: Path) -> None:
    def recipe(study: Study, inventory: Inventory) -> Any:
        return statistics_units(study, inventory, tmp_path / "features.tsv", ResultPaths(tmp_path))[0].recipe

    study, inventory = study_of(tmp_path, **ALL), inventory_of()
    before = recipe(study, inventory)
    assert before == recipe(study, inventory)
    if changed == "a score":
        table = tmp_path / "caps.tsv"
        table.write_text(table.read_text().replace("sub-01\tses-1\t", "sub-01\tses-1\t1"))
    elif changed == "a column":
        inventory = inventory_of(age=41)
    else:
        study = study_of(tmp_path, **ALL, seed=3)
    assert recipe(study, inventory) != before
