"""The stage of measures: files in, one table out, made anew only where something has changed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from made_up_runs import SESSIONS, predictors_of, run_of, study_of

from pipeline.execution import CurrentProcess, Unit, UnitOutcome, run_units
from pipeline.images import write_extraction
from pipeline.measures import read_features
from pipeline.stages._measure import measure_study, measure_units
from pipeline.stages._result_paths import ResultPaths
from pipeline.study import Study

PEOPLE = predictors_of("ketamine", "midazolam")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Extractions of faces on disk."""
    folder = tmp_path_factory.mktemp("extractions")
    for who in PEOPLE.participants:
        for session in SESSIONS:
            run = run_of(who.name, session, "faces")
            write_extraction(folder / f"{run.label}.nc", run)
    return folder


@pytest.fixture
def series(written: Path, tmp_path: Path) -> dict[str, Path]:
    """Run label → file, of one's own."""
    shutil.copytree(written, tmp_path / "series")
    return {path.stem: path for path in sorted((tmp_path / "series").iterdir())}


def work(study: Study, series: dict[str, Path], folder: Path) -> list[UnitOutcome]:
    units: Sequence[Unit] = measure_units(study, PEOPLE, series, {}, ResultPaths(folder / "out"))
    return run_units(units, measure_study, folder=folder / "records", workers=CurrentProcess())


def test_it_writes_the_table_its_sidecar_and_what_is_missing(series: dict[str, Path], tmp_path: Path) -> None:
    (ended,) = work(study_of(), series, tmp_path)
    assert ended.status == "made"
    tables = tmp_path / "out" / "tables"
    assert {path.name for path in ended.outputs} == {path.name for path in tables.iterdir()}
    assert {path.name for path in ended.outputs} == {"features.tsv", "features.json", "missingness.tsv"}
    found = read_features(tables / "features.tsv")
    assert found.participants == ("sub-01", "sub-01", "sub-02", "sub-02")
    assert {one.kind for one in found.measures} == {"response", "gppi", "distance"}


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        ({}, "kept"),
        ({"measures": {"interaction": "bold"}}, "made"),
        ({"measures": {"kinds": ("response",)}}, "made"),
        ({"outputs": {"maps": False}}, "kept"),
    ],
)
def test_what_decides_the_table_decides_whether_it_is_kept(
    series: dict[str, Path], tmp_path: Path, changes: dict[str, Any], how: str
) -> None:
    work(study_of(), series, tmp_path)
    (ended,) = work(study_of(**changes), series, tmp_path)
    assert ended.status == how


def test_another_run_makes_it_anew_and_none_makes_no_unit(series: dict[str, Path], tmp_path: Path) -> None:
    work(study_of(), series, tmp_path)
    label = next(iter(series))
    write_extraction(series[label], run_of("sub-01", "ses-1", "faces", seed=9))
    assert [one.status for one in work(study_of(), series, tmp_path)] == ["made"]
    assert not work(study_of(), {}, tmp_path)
