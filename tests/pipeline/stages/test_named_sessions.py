"""Which two of several sessions a change or a prediction is between decides its unit, and what its words may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.bids import Inventory, Participant, SeriesRun, Visit
from pipeline.stages._group import group_units
from pipeline.stages._predict import check_formulas, prediction_units
from pipeline.stages._result_paths import ResultPaths
from pipeline.study import Study

SESSIONS, NAMES = ("ses-1", "ses-2", "ses-3"), tuple(f"sub-{i}" for i in range(1, 7))
VISITS = [Visit(name, session, {}) for name in NAMES for session in SESSIONS]


def study(folder: Path, after: str, of: str) -> Study:
    """A trial with three sessions, of which two are before and after."""
    content: dict[str, Any] = {
        "study": {"name": "x", "out": str(folder)},
        "participants": {"arms": ["drug", "placebo"]},
        "sessions": {"order": SESSIONS, "before": "ses-1", "after": after},
        "series": {"files": "x", "unit": "percent", "regions": ["a", "b"]},
        "tasks": {"faces": {"conditions": {"faces": ["face"]}}},
        "dcm": {
            "task": "faces",
            "regions": ["a", "b"],
            "inputs": {"faces": ["faces"]},
            "a": "full",
            "c": {"faces": ["a"]},
        },
        "group": {"x": {"of": of}},
        "predict": {"y": {"outcome": "score", "model": "change"}},
    }
    return Study.model_validate(content)


def inventory() -> Inventory:
    arms = [Participant(name, ("drug", "placebo")[i % 2], {}, {}) for i, name in enumerate(NAMES)]
    runs = [
        SeriesRun(
            participant=visit.participant, session=visit.session, task="faces", run=None, events=None, sidecars=(),
            repetition_time=2.0, echo_time=None, reference=0.5, scans=100, series=Path("x"),
        )
        for visit in VISITS
    ]  # fmt: skip
    return Inventory(tuple(arms), tuple(runs), (), (), visits=tuple(VISITS))


def job(folder: Path, after: str, of: str) -> tuple[Any, dict[str, Any]]:
    posteriors = {"": {visit.label: folder / f"{visit.label}.nc" for visit in VISITS}}
    (unit,) = group_units(study(folder, after, of), inventory(), posteriors, ResultPaths(folder))
    return unit.payload, dict(unit.recipe)


def test_a_prediction_between_other_sessions_is_another(tmp_path: Path) -> None:
    units = [
        prediction_units(study(tmp_path, after, "change"), ResultPaths(tmp_path))[0] for after in ("ses-2", "ses-3")
    ]
    assert units[0].recipe != units[1].recipe


def test_the_direction_of_a_change_is_in_its_recipe(tmp_path: Path) -> None:
    assert job(tmp_path, "ses-3", "change")[1]["change"] == ("ses-1", "ses-3")
    assert job(tmp_path, "ses-3", "ses-1 - ses-3")[1]["change"] == ("ses-3", "ses-1")


@pytest.mark.parametrize(("of", "treated"), [("change", True), ("ses-1 - ses-3", False), ("ses-2 - ses-1", False)])
def test_only_the_change_from_before_to_after_is_one_over_treatment(tmp_path: Path, of: str, treated: bool) -> None:
    assert job(tmp_path, "ses-3", of)[0].is_treated == treated


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"formula": "*"}, ""),
        ({"formula": "x + arm:x"}, "arm is of two groups, and the study has none"),
        ({"formula": "change(x)"}, "change(x) is of two sessions, and the study has one session"),
        ({"formula": "*", "outcome": "fall(score)"}, "fall(score) is of two sessions"),
    ],
)
def test_a_formula_that_the_study_has_no_groups_or_sessions_for_is_told_at_once(
    tmp_path: Path, asked: dict[str, Any], says: str
) -> None:
    content = study(tmp_path, "ses-2", "change").model_dump(exclude={"participants", "sessions", "group", "predict"})
    lines = check_formulas(Study.model_validate(content | {"predict": {"y": {"outcome": "score"} | asked}}))
    assert [says in line for line in lines] == [True] * bool(says)
