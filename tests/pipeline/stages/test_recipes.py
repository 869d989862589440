"""A recipe is of what decides a result, not of where a study lies."""

from __future__ import annotations

from pipeline.stages._stage_runner import recipe_of
from pipeline.study import Series, Task


def test_patterns_of_a_moved_study_are_the_same_to_a_recipe() -> None:
    tasks = [Task(events=f"/{folder}/timing/{{participant}}.tsv") for folder in ("here", "there")]
    series = [Series(files=f"/{folder}/{{participant}}.tsv", unit="raw", regions=("a",)) for folder in "ab"]
    assert recipe_of(tasks[0]) == recipe_of(tasks[1])
    assert recipe_of(series[0]) == recipe_of(series[1])
