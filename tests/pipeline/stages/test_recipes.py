"""A recipe is of what decides a result, not of where a study lies; no two units have one name."""

from __future__ import annotations

from pathlib import Path

from made_up_runs import CONTENT, study_of

from pipeline.bids import Inventory, Visit
from pipeline.stages._invert import inversion_units
from pipeline.stages._report import ReportJob, StageOutputs, report_unit
from pipeline.stages._result_paths import ResultPaths
from pipeline.stages._stage_runner import recipe_of
from pipeline.study import Series, Task


def test_patterns_of_a_moved_study_are_the_same_to_a_recipe() -> None:
    tasks = [Task(events=f"/{folder}/timing/{{participant}}.tsv") for folder in ("here", "there")]
    series = [Series(files=f"/{folder}/{{participant}}.tsv", unit="raw", regions=("a",)) for folder in "ab"]
    assert recipe_of(tasks[0]) == recipe_of(tasks[1])
    assert recipe_of(series[0]) == recipe_of(series[1])


def test_units_of_two_dcms_have_different_names(tmp_path: Path) -> None:
    """The model c of faces_b, and the model b_c of faces."""
    dcm = CONTENT["dcm"] | {"invert": "each"}
    models = {name: {"b": {"faces": ["vmPFC <- amygdala"]}} for name in ("c", "b_c")}
    study = study_of(dcm={name: dcm | {"models": models} for name in ("faces", "faces_b")})
    units = [
        unit for name in study.dcms for unit in inversion_units(study, name, {"sub-01": ()}, ResultPaths(tmp_path), 16)
    ]
    assert len(units) == len({unit.name for unit in units}) == len({unit.batch for unit in units}) == 6


def test_a_report_is_of_what_the_table_of_visits_says(tmp_path: Path) -> None:
    """Its Methods say who had what in which order."""
    recipes = []
    for drug in ("ketamine", "placebo"):
        inventory = Inventory((), (), (), (), visits=(Visit("sub-01", "ses-1", {"drug": drug}),))
        job = ReportJob(study_of(), inventory, {}, {}, {}, StageOutputs(), (), ResultPaths(tmp_path))
        recipes.append(report_unit(job).recipe)
    assert recipes[0] != recipes[1]
